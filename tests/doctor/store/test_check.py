"""The group ``store``. Every kind of damage, with its repair, is in test_update.py."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support.commands import Run
from support.pki import DAY, NOW
from support.snapshot import snapshot
from support.table import cases

from certboot.doctor.finding import Finding
from certboot.doctor.store import check as check_store
from certboot.store import integrity, manifest
from certboot.store.paths import StorePaths, in_force
from certboot.store.place import ELSEWHERE


def wrong(paths: StorePaths) -> list[Finding]:
    return [each for each in check_store.check(paths) if each.status not in ("ok", "info")]


def only(paths: StorePaths) -> Finding:
    (finding,) = wrong(paths)
    return finding


def run(command: str) -> None:
    subprocess.run(command.split(), check=True)


def hint_of(finding: Finding) -> str:
    assert finding.fix == ()
    return str(finding.evidence["hint"])


def test_without_a_store_init_is_the_remedy_and_a_whole_one_is_described(paths: StorePaths, certboot: Run) -> None:
    finding = only(paths)
    assert (finding.id, finding.status, finding.group) == ("store-missing", "fail", "store")
    assert (finding.fix, paths.home.exists()) == ((("certboot", "init"),), False)
    certboot("init")
    before = snapshot(paths.home)
    findings = check_store.check(paths)
    kinds = [(finding.id, finding.status) for finding in findings]
    assert kinds == [("store-whole", "ok"), ("drift-certifi", "ok"), ("drift-system", "ok")]
    assert findings[0].summary.startswith(f"{paths.generations / '1'}, 3 trust anchors, generation 1 of ")
    assert "store-old" in [finding.id for finding in check_store.check(paths, NOW + 31 * DAY)]
    assert snapshot(paths.home) == before


ROOT = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may give a file away")
PARTS = [".", "env", "generations", "generations/1", "current/crts", "current/bundle.pem", "current/manifest.json"]


@cases("part", PARTS)
def test_a_part_that_others_may_write_is_unsafe(store: StorePaths, part: str) -> None:
    path = store.home / part
    for bit in (0o020, 0o002):
        path.chmod(path.stat().st_mode | bit)
        finding = only(store)
        assert (finding.id, finding.status) == ("store-unsafe", "fail")
        assert finding.summary.startswith("others may write to it: ")
        ((program, right, named),) = finding.fix
        assert (program, right, os.path.samefile(named, path)) == ("chmod", "go-w", True)
        path.chmod(path.stat().st_mode & ~0o022)
        assert wrong(store) == []


@ROOT
@cases("part", PARTS)
def test_a_part_of_another_user_is_unsafe(store: StorePaths, part: str) -> None:
    os.chown(store.home / part, 12345, -1)
    findings = check_store.check(store)
    assert {(finding.id, finding.status) for finding in findings} == {("store-unsafe", "fail")}
    assert all("it belongs to another user (uid 12345): " in finding.summary for finding in findings)


@ROOT
@cases("parts", [["env"], ["checked"], ["current/bundle.pem"], ["env", "current/bundle.pem"]])
def test_what_can_be_written_anew_is_mended_as_it_says(store: StorePaths, certboot: Run, parts: list[str]) -> None:
    for part in parts:
        os.chown(store.home / part, 12345, -1)
    lines = certboot("doctor", "store").out.splitlines()
    commands = [line.split()[2:] for line in lines if line.startswith("fix here: ")]
    assert len(commands) == len(parts) + 1
    for program, *arguments in commands:
        if program == "rm":
            subprocess.run([program, *arguments], check=True)
        else:
            assert certboot(*arguments).status == 0
    assert wrong(store) == []


@ROOT
@cases("part", ["trusted/a.pem", "config.toml", "generations", "current/manifest.json"])
def test_what_may_hold_another_users_choices_is_to_be_looked_at(store: StorePaths, part: str) -> None:
    path = store.home / part
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        path.touch()
    os.chown(path, 12345, -1)
    finding = only(store)
    words, _, command = hint_of(finding).partition("as root: ")
    assert words == "look at what it holds, which another user may have written; if it is right, "
    run(command)
    assert wrong(store) == []


@ROOT
def test_a_store_of_another_user_is_one_finding_and_so_is_the_folder_above(store: StorePaths) -> None:
    above = store.home.parent
    os.chown(above, 12345, -1)
    hint = hint_of(only(store))
    assert hint == f"as root: chown 0 {above}, if it is to be yours; else {ELSEWHERE}"
    run(hint.removeprefix("as root: ").partition(",")[0])
    assert wrong(store) == []
    for path in (store.home, *store.home.rglob("*")):
        os.chown(path, 12345, -1, follow_symlinks=False)
    finding = only(store)
    assert finding.summary == f"it belongs to another user (uid 12345): {store.home}"
    assert hint_of(finding).startswith(f"run certboot as that user, or {ELSEWHERE}; ")
    run(hint_of(finding).partition("as root: ")[2])
    assert wrong(store) == []


def test_without_rights_in_a_folder_nothing_is_removed(store: StorePaths, monkeypatch: pytest.MonkeyPatch) -> None:
    """As for a user whose folder of certificates belongs to somebody else, too."""
    bundle, crts = store.current / "bundle.pem", store.current / "crts"
    folder = crts.resolve().parent

    def exposed(path: Path) -> str:
        of_another = path in {folder / bundle.name, *(folder / "crts").iterdir()}
        return "it belongs to another user (uid 1)" if of_another else ""

    monkeypatch.setattr("certboot.ownership.exposed", exposed)
    me = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: me or 1)
    monkeypatch.setattr("certboot.ownership.exposed_above", lambda _: None)
    fixes = {bool(finding.fix) for finding in check_store.check(store)}
    assert fixes == {me != 0}


def test_a_place_where_others_may_put_another_store_is_unsafe(
    store: StorePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that everybody needs gets its sticky bit back."""
    above = store.home.parent
    for argv, shared in ((("chmod", "go-w", str(above)), ()), (("chmod", "+t", str(above)), (str(above),))):
        monkeypatch.setattr("certboot.doctor.store.permissions._SHARED", shared)
        above.chmod(0o777)
        finding = only(store)
        assert (finding.id, finding.fix) == ("store-unsafe", (argv,))
        assert finding.summary == f"others may write to it: {above}"
        subprocess.run(argv, check=True)
        assert wrong(store) == []
    assert above.stat().st_mode & 0o777 == 0o777


def test_a_folder_above_of_others_is_mended_by_root(store: StorePaths, monkeypatch: pytest.MonkeyPatch) -> None:
    above = store.home.parent
    above.chmod(0o777)
    monkeypatch.setattr("certboot.ownership.exposed_above", lambda _: (above, "others may write to it"))
    monkeypatch.setattr("certboot.ownership.exposed", lambda _: "")
    monkeypatch.setattr(os, "geteuid", lambda: above.stat().st_uid + 1)
    assert hint_of(only(store)) == f"have root run: chmod go-w {above}; or {ELSEWHERE}"


def test_unsafe_and_damaged_are_told_both_and_nothing_else(store: StorePaths) -> None:
    store.env.chmod(0o666)
    (store.current / "bundle.pem").write_bytes(b"")
    assert [finding.id for finding in check_store.check(store)] == ["store-unsafe", "store-bundle-differs"]


def test_what_is_damaged_first_is_told_and_the_rest_is_counted(store: StorePaths) -> None:
    generation = in_force(store)
    assert generation
    record = manifest.read(generation)
    gone = sorted((generation / "crts").glob("*.pem"))
    for path in gone:
        path.unlink()
    found = list(integrity.damages(generation, record))
    assert {damage.kind for damage in found} == {integrity.ALTERED, integrity.LINK}
    finding = only(store)
    assert (finding.id, finding.evidence["damaged"]) == ("store-altered", len(found))
    assert finding.summary == (
        f"missing, or not the certificate that the manifest names: {gone[0]} (and {len(found) - 1} more)"
    )


def test_on_windows_permissions_are_left_to_the_profile(store: StorePaths, monkeypatch: pytest.MonkeyPatch) -> None:
    store.env.chmod(0o666)
    assert only(store).id == "store-unsafe"
    monkeypatch.setattr(os, "name", "nt")
    findings = check_store.check(store)
    monkeypatch.undo()
    assert findings[0].id == "store-whole"


# Damage: each kind has its finding, and init mends it


def a_link(paths: StorePaths) -> Path:
    return next(path for path in sorted((paths.current / "crts").iterdir()) if path.is_symlink())


def relink(link: Path, target: str) -> None:
    link.unlink()
    link.symlink_to(target)


def a_file(paths: StorePaths) -> Path:
    return min((paths.current / "crts").glob("*.pem"))


def piped(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def moved_away(path: Path) -> None:
    elsewhere = path.parents[4] / path.name
    path.resolve().rename(elsewhere)
    path.symlink_to(elsewhere)


def another_file(paths: StorePaths) -> str:
    """The name of a certificate that the first link does not lead to."""
    return next(path.name for path in (paths.current / "crts").glob("*.pem") if path.name != os.readlink(a_link(paths)))


def another(paths: StorePaths) -> bytes:
    return sorted((paths.current / "crts").glob("*.pem"))[1].read_bytes()


@pytest.mark.timeout(60)
@cases(("expected", "damage"), [
    ("store-altered", lambda paths: a_file(paths).write_bytes(another(paths))),
    ("store-altered", lambda paths: (paths.current / "crts/evil.pem").touch()),
    ("store-altered", lambda paths: moved_away(a_file(paths))),
    ("store-altered", lambda paths: piped(a_file(paths))),
    ("store-link-broken", lambda paths: a_link(paths).unlink()),
    ("store-link-broken", lambda paths: relink(a_link(paths), "nothing.pem")),
    ("store-link-broken", lambda paths: (paths.current / "crts/01234567.0").symlink_to("nothing.pem")),
    ("store-link-broken", lambda paths: relink(a_link(paths), another_file(paths))),
    ("store-link-broken", lambda paths: relink(paths.current, "generations/99")),
    ("store-bundle-differs", lambda paths: moved_away(paths.current / "bundle.pem")),
    ("store-bundle-differs", lambda paths: (paths.current / "bundle.pem").write_bytes(another(paths))),
    ("store-manifest-damaged", lambda paths: (paths.current / "manifest.json").unlink()),
    ("store-manifest-damaged", lambda paths: (paths.current / "manifest.json").write_text("{}")),
])  # fmt: skip
def test_each_damage_has_its_finding_and_init_mends_it(
    store: StorePaths, certboot: Run, expected: str, damage: Callable[[StorePaths], object]
) -> None:
    assert wrong(store) == []
    damage(store)
    before = snapshot(store.home)
    finding = only(store)
    assert (finding.id, finding.status, finding.fix) == (expected, "fail", (("certboot", "init"),))
    assert snapshot(store.home) == before
    certboot(*finding.fix[0][1:])
    assert wrong(store) == []


def test_a_copy_in_the_place_of_a_link_is_as_good(store: StorePaths) -> None:
    """As the store has it where there are no symbolic links."""
    link = a_link(store)
    data = link.read_bytes()
    link.unlink()
    link.write_bytes(data)
    assert wrong(store) == []
    link.write_bytes(max((store.current / "crts").glob("*.pem")).read_bytes())
    assert only(store).id == "store-link-broken"


@cases("text", ["max-age = ", 'max-age = "soon"\n', "unknown = 1\n"])
def test_settings_that_cannot_be_read_are_a_finding(store: StorePaths, certboot: Run, text: str) -> None:
    store.config.write_text(text)
    finding = only(store)
    assert (finding.id, finding.status) == ("store-settings-broken", "fail")
    assert str(store.config) in finding.summary
    ran = certboot("doctor", "store")
    assert (ran.status, f"\nhint: {hint_of(finding)}\n" in ran.out) == (1, True)
    store.config.write_text('max-age = "7d"\n')
    assert wrong(store) == []
