"""The group ``store``. Every kind of damage, with its repair, is in test_update.py."""

from __future__ import annotations

import os
import subprocess
import typing
from collections.abc import Callable
from pathlib import Path

import pytest
from support.pki import DAY, NOW
from support.snapshot import snapshot
from support.table import cases

from certboot.doctor.finding import Finding
from certboot.doctor.store import check as check_store
from certboot.store import integrity, manifest
from certboot.store.paths import StorePaths, in_force
from certboot.store.place import ELSEWHERE
from certboot.store.request import Request
from certboot.store.update import apply

if typing.TYPE_CHECKING:
    from support.environments import Ran


@pytest.fixture
def store(paths: StorePaths) -> StorePaths:
    apply(paths, Request("init"))
    return paths


def wrong(paths: StorePaths) -> list[Finding]:
    return [each for each in check_store.check(paths) if each.status not in ("ok", "info")]


def only(paths: StorePaths) -> Finding:
    (finding,) = wrong(paths)
    return finding


def test_without_a_store_init_is_the_remedy(paths: StorePaths) -> None:
    finding = only(paths)
    assert (finding.id, finding.status, finding.group) == ("store-missing", "fail", "store")
    assert finding.fix == (("certboot", "init"),)
    assert not paths.home.exists()


def test_a_whole_store_is_described(store: StorePaths) -> None:
    before = snapshot(store.home)
    findings = check_store.check(store)
    assert [(each.id, each.status) for each in findings] == [
        ("store-whole", "ok"), ("drift-certifi", "ok"), ("drift-system", "ok"),
    ]  # fmt: skip
    assert findings[0].summary.startswith(f"{store.generations / '1'}, 3 trust anchors, generation 1 of ")
    assert snapshot(store.home) == before


ROOT = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may give a file away")
PARTS = [".", "env", "generations", "generations/1", "current/crts", "current/bundle.pem", "current/manifest.json"]


@cases("part", PARTS)
@cases("bit", [0o020, 0o002])
def test_a_part_that_others_may_write_is_unsafe(store: StorePaths, part: str, bit: int) -> None:
    path = store.home / part
    path.chmod(path.stat().st_mode | bit)
    finding = only(store)
    assert (finding.id, finding.status) == ("store-unsafe", "fail")
    assert finding.summary.startswith("others may write to it: ")
    ((program, right, named),) = finding.fix
    assert (program, right) == ("chmod", "go-w")
    assert os.path.samefile(named, path)
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
def test_what_certboot_can_write_anew_is_mended_by_the_commands_that_are_shown(
    store: StorePaths, certboot: Callable[..., Ran], parts: list[str]
) -> None:
    for part in parts:
        os.chown(store.home / part, 12345, -1)
    hints = [line.removeprefix("hint: ") for line in certboot("doctor", "store").out.splitlines()]
    commands = [hint.split() for hint in hints if hint.startswith(("rm ", "certboot init"))]
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
    hint = str(finding.evidence["hint"])
    words, _, command = hint.partition("as root: ")
    assert (finding.fix, words) == ((), "look at what it holds, which another user may have written; if it is right, ")
    subprocess.run(command.split(), check=True)
    assert wrong(store) == []


@ROOT
def test_a_store_of_another_user_is_one_finding(store: StorePaths) -> None:
    for path in (store.home, *store.home.rglob("*")):
        os.chown(path, 12345, -1, follow_symlinks=False)
    finding = only(store)
    assert finding.summary == f"it belongs to another user (uid 12345): {store.home}"
    hint = str(finding.evidence["hint"])
    assert hint.startswith(f"run certboot as that user, or {ELSEWHERE}; ")
    subprocess.run(hint.partition("as root: ")[2].split(), check=True)
    assert wrong(store) == []


def test_without_rights_in_the_folder_a_file_cannot_be_removed(
    store: StorePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for a user whose folder of certificates belongs to somebody else, too."""
    bundle, crts = store.current / "bundle.pem", store.current / "crts"
    folder = crts.resolve().parent

    def exposed(path: Path) -> str:
        return (
            "it belongs to another user (uid 1)" if path in {folder / bundle.name, *(folder / "crts").iterdir()} else ""
        )

    monkeypatch.setattr("certboot.ownership.exposed", exposed)
    me = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: me or 1)
    monkeypatch.setattr("certboot.ownership.exposed_above", lambda _: None)
    fixes = {bool(finding.fix) for finding in check_store.check(store)}
    assert fixes == {me != 0}


def test_a_place_where_others_may_put_another_store_is_unsafe(store: StorePaths) -> None:
    store.home.parent.chmod(0o777)
    finding = only(store)
    assert (finding.id, finding.summary) == ("store-unsafe", f"others may write to it: {store.home.parent}")
    assert finding.fix == (("chmod", "go-w", str(store.home.parent)),)
    subprocess.run(finding.fix[0], check=True)
    assert wrong(store) == []


def test_a_folder_that_everybody_needs_gets_its_sticky_bit_back(
    store: StorePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    above = store.home.parent
    monkeypatch.setattr("certboot.doctor.store.permissions._SHARED", (str(above),))
    above.chmod(0o777)
    (argv,) = only(store).fix
    assert argv == ("chmod", "+t", str(above))
    subprocess.run(argv, check=True)
    assert wrong(store) == []
    assert above.stat().st_mode & 0o777 == 0o777


def test_a_folder_above_that_is_not_the_users_is_mended_by_root(
    store: StorePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    above = store.home.parent
    above.chmod(0o777)
    monkeypatch.setattr("certboot.ownership.exposed_above", lambda _: (above, "others may write to it"))
    monkeypatch.setattr("certboot.ownership.exposed", lambda _: "")
    monkeypatch.setattr(os, "geteuid", lambda: above.stat().st_uid + 1)
    finding = only(store)
    assert finding.fix == ()
    assert finding.evidence["hint"] == (f"have root run: chmod go-w {above}; or {ELSEWHERE}")


@ROOT
def test_a_folder_above_of_another_user_is_in_that_users_hands(store: StorePaths) -> None:
    os.chown(store.home.parent, 12345, -1)
    finding = only(store)
    assert finding.fix == ()
    hint = str(finding.evidence["hint"])
    assert hint == f"as root: chown 0 {store.home.parent}, if it is to be yours; else {ELSEWHERE}"
    subprocess.run(hint.removeprefix("as root: ").partition(",")[0].split(), check=True)
    assert wrong(store) == []


def test_settings_that_are_broken_say_what_to_do_in_text_too(store: StorePaths, certboot: Callable[..., Ran]) -> None:
    store.config.write_text("x=\n")
    ran = certboot("doctor", "store")
    assert ran.status == 1
    finding = only(store)
    assert finding.id == "store-settings-broken"
    assert finding.evidence["hint"]
    assert f"\nhint: {finding.evidence['hint']}\n" in ran.out


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
    assert integrity.found_damage(generation, record) == found[0].words


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


def relinked(paths: StorePaths, target: str) -> None:
    relink(a_link(paths), target)


def a_file(paths: StorePaths) -> Path:
    return min((paths.current / "crts").glob("*.pem"))


def piped(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def moved_away(path: Path) -> None:
    elsewhere = path.parents[4] / path.name
    path.resolve().rename(elsewhere)
    path.symlink_to(elsewhere)


DAMAGE: dict[str, tuple[str, Callable[[StorePaths], object]]] = {
    "another certificate": (
        "store-altered",
        lambda paths: a_file(paths).write_bytes(sorted((paths.current / "crts").glob("*.pem"))[1].read_bytes()),
    ),
    "a stranger": ("store-altered", lambda paths: (paths.current / "crts/evil.pem").touch()),
    "a link to a file elsewhere": (
        "store-altered",
        lambda paths: moved_away(a_file(paths)),
    ),
    "a link in the place of the bundle": (
        "store-bundle-differs",
        lambda paths: moved_away(paths.current / "bundle.pem"),
    ),
    "a pipe": ("store-altered", lambda paths: piped(a_file(paths))),
    "no link": ("store-link-broken", lambda paths: a_link(paths).unlink()),
    "a dangling link": ("store-link-broken", lambda paths: relinked(paths, "nothing.pem")),
    "one more dangling link": (
        "store-link-broken",
        lambda paths: (paths.current / "crts/01234567.0").symlink_to("nothing.pem"),
    ),
    "a link elsewhere": (
        "store-link-broken",
        lambda paths: relinked(
            paths, next(p.name for p in (paths.current / "crts").glob("*.pem") if p.name != os.readlink(a_link(paths)))
        ),
    ),
    "current leads nowhere": (
        "store-link-broken",
        lambda paths: relink(paths.current, "generations/99"),
    ),
    "another bundle": (
        "store-bundle-differs",
        lambda paths: (paths.current / "bundle.pem").write_bytes(a_file(paths).read_bytes()),
    ),
    "no manifest": ("store-manifest-damaged", lambda paths: (paths.current / "manifest.json").unlink()),
    "another manifest": ("store-manifest-damaged", lambda paths: (paths.current / "manifest.json").write_text("{}")),
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", DAMAGE)
def test_each_damage_has_its_finding_and_init_mends_it(
    store: StorePaths, certboot: Callable[..., object], kind: str
) -> None:
    expected, damage = DAMAGE[kind]
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


# Settings


@cases("text", ["max-age = ", 'max-age = "soon"\n', "unknown = 1\n"])
def test_settings_that_cannot_be_read_are_a_finding(store: StorePaths, text: str) -> None:
    store.config.write_text(text)
    finding = only(store)
    assert (finding.id, finding.status) == ("store-settings-broken", "fail")
    assert str(store.config) in finding.summary
    assert finding.evidence["hint"]
    store.config.write_text('max-age = "7d"\n')
    assert wrong(store) == []


def test_the_time_that_is_looked_at_can_be_given(store: StorePaths) -> None:
    assert "store-old" in [each.id for each in check_store.check(store, NOW + 31 * DAY)]
