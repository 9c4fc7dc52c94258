"""``certboot init``: what it writes, what it refuses, and that nothing breaks the store that is in force.

What it makes of the calls that fail is in test_faults.py, and of what is in its files in the tests of the sources.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import typing
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from support import whole
from support.commands import FEW, Run, names
from support.hook_store import start
from support.pki import DAY, NOW, issue
from support.snapshot import assert_refused, contents, snapshot, unparsed
from support.table import cases

from certboot.clients.variables import VARIABLES
from certboot.sources import certifi, system
from certboot.store import env_file, generations, manifest
from certboot.store.paths import StorePaths


def written(folder: Path, file: str, *data: bytes) -> Path:
    path = folder / file
    path.write_bytes(b"".join(data))
    return path


def started() -> str:
    """What the hook makes of the store, in an environment that has nothing preset."""
    return start({name: os.environ[name] for name in ("HOME", "CERTBOOT_HOME") if name in os.environ})[0]


# What a run writes


def test_additions_are_kept_for_later_runs_which_change_nothing(
    certboot: Run, paths: StorePaths, tmp_path: Path
) -> None:
    one, two, three = issue("One"), issue("Two"), issue("Three")
    both = written(tmp_path, "both.pem", b"two CAs:\n", one.pem, two.pem)
    ran = certboot("init", "--add", both, "--add", written(tmp_path, "three.der", three.der))
    assert "added (3)" in ran.out
    assert names(paths) == FEW | {"One", "Two", "Three"}
    assert sorted(path.name.split("-")[0] for path in paths.trusted.iterdir()) == ["One", "Three", "Two"]
    both.unlink()
    before = snapshot(paths.home)
    for argv in (("init",), ("init", "--add", tmp_path / "three.der")):
        said = certboot(*argv).out.splitlines()[0]
        assert said == "6 CAs in generation 1: nothing new, nothing changed"
    assert snapshot(paths.home) == before
    assert {path.name for path in paths.home.iterdir()} == {
        "checked", "current", "env", "generations", "lock", "trusted",
    }  # fmt: skip
    assert sorted(path.name for path in paths.current.iterdir()) == ["bundle.pem", "crts", "manifest.json"]


def test_provenance_says_from_where_and_since_when(
    certboot: Run, paths: StorePaths, tmp_path: Path, clock: Callable[[datetime], None]
) -> None:
    """A later run, another path for the same CA and a new CA beside it leave the first day and path as they were."""
    mine = issue("Mine")
    first, second = written(tmp_path, "first.pem", mine.pem), written(tmp_path, "second.pem", mine.pem)
    clock(NOW)  # of the run, which may have begun on the day before
    certboot("init", "--add", first)
    clock(NOW + timedelta(days=40))
    fresh = written(tmp_path, "fresh.pem", issue("Fresh").pem)
    certboot("init", "--add", second, "--add", fresh)
    today, later = f"{NOW:%Y-%m-%d}", f"{NOW + timedelta(days=40):%Y-%m-%d}"
    entries = generations.current(paths).certificates
    assert {entry.name: [(r.source, r.detail, r.since) for r in entry.provenance] for entry in entries} == {
        "Root A": [("certifi", "2026.1", today), ("system", "/etc/ssl/certs", today)],
        "Root B": [("certifi", "2026.1", today)],
        "Root C": [("certifi", "2026.1", today)],
        "Mine": [("added", str(first), today)],
        "Fresh": [("added", str(fresh), later)],
    }


def test_what_a_source_no_longer_gives_leaves_the_store_unless_nothing_would_be_left(
    certboot: Run, paths: StorePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    certboot("init")
    monkeypatch.setattr(certifi, "read", system.read)
    ran = certboot("init")
    assert ran.out.startswith("1 CA in generation 2 (0 new, 2 gone), from system (1)\n")
    assert names(paths) == {"Root A"}
    before = snapshot(paths.home)
    for source in (certifi, system):
        monkeypatch.setattr(source, "read", lambda: unparsed(b"", "", ""))
    assert_refused(certboot("init"))
    assert snapshot(paths.home) == before


@cases("umask", [0o077, 0o022, 0o000])
def test_folders_are_0755_and_files_0644_whatever_the_umask(
    certboot: Run, paths: StorePaths, ca_file: Path, umask: int
) -> None:
    before = os.umask(umask)
    try:
        assert [certboot("init", "--add", ca_file).err for _ in range(2)] == ["", ""]
    finally:
        os.umask(before)
    found = [path for path in (paths.home, *paths.home.rglob("*")) if not path.is_symlink()]
    assert {oct(path.stat().st_mode & 0o7777) for path in found if path.is_dir()} == {"0o755"}
    assert {oct(path.stat().st_mode & 0o7777) for path in found if path.is_file()} == {"0o644"}


def test_the_env_file_is_written_last_of_all(certboot: Run, paths: StorePaths, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    for call in (os.rename, os.replace):

        def noted(source: str, target: str, call: Callable[[str, str], None] = call) -> None:
            order.append(str(Path(target).relative_to(paths.home)))
            call(source, target)

        monkeypatch.setattr(os, call.__name__, noted)
    certboot("init")
    assert order == ["generations/1", "current", "env", "checked"]


def test_five_generations_are_kept(certboot: Run, paths: StorePaths, tmp_path: Path) -> None:
    for number in range(7):
        certboot("init", "--add", written(tmp_path, f"{number}.pem", issue(f"CA {number}").pem))
    assert sorted(path.name for path in paths.generations.iterdir()) == ["3", "4", "5", "6", "7"]
    assert os.readlink(paths.current) == "generations/7"


# Variables


def test_the_settings_change_the_env_file_and_nothing_else(certboot: Run, paths: StorePaths) -> None:
    certboot("init")
    bundle, crts = str(paths.current / "bundle.pem"), str(paths.current / "crts")
    others = ("NODE_EXTRA_CA_CERTS", "GIT_SSL_CAINFO", "HTTPLIB2_CA_CERTS", "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH")
    default = dict.fromkeys(("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", *others), bundle) | {"SSL_CERT_DIR": crts}
    assert env_file.read(paths.env) == default
    paths.config.write_text('[variables]\nadd = ["AWS_CA_BUNDLE"]\nremove = ["GIT_SSL_CAINFO", "SSL_CERT_FILE"]\n')
    ran = certboot("init")
    assert ran.out.startswith("3 CAs in generation 1; env file rewritten\n")
    after = {*(env_file.read(paths.env) or ())}
    assert after - default.keys() == {"AWS_CA_BUNDLE"}
    assert default.keys() - after == {"GIT_SSL_CAINFO", "SSL_CERT_FILE", "SSL_CERT_DIR"}
    paths.config.write_text(f"[variables]\nremove = {json.dumps(list(default))}\n")
    assert "the hook has nothing to set\n" in certboot("init").out
    assert paths.env.read_bytes() == b""


def test_the_profile_takes_effect_at_the_next_init_or_update_and_stays(
    certboot: Run, paths: StorePaths, ca_file: Path
) -> None:
    def left_out(*argv: str | Path) -> set[str]:
        ran = certboot(*argv)
        assert (ran.status, ran.err) == (0, "")
        return {variable.name for variable in VARIABLES if variable.default} - (env_file.read(paths.env) or {}).keys()

    overruling = {"REQUESTS_CA_BUNDLE", "GIT_SSL_CAINFO"}
    assert left_out("init") == set()
    assert left_out("init", "--profile", "gentle") == overruling
    assert len(list(paths.generations.iterdir())) == 1  # the certificates are the same
    for command in (["init"], ["update"], ["init", "--add", ca_file], ["rollback"], ["update"]):
        assert left_out(*command) == overruling, command
    paths.config.write_text('profile = "full"\n')
    assert left_out("update") == set()
    paths.config.write_text("")
    assert left_out("update") == set()
    assert left_out("init", "--profile", "gentle") == overruling
    certboot("purge", "--yes")
    assert not paths.home.exists()
    assert left_out("init") == set()


@cases(("scope", "key"), [("--global", "http.sslCAInfo"), ("--system", "http.https://git.example/.sslCAInfo")])
def test_git_keeps_the_trust_that_its_own_settings_name(
    certboot: Run, paths: StorePaths, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, scope: str, key: str
) -> None:
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", str(tmp_path / "gitconfig"))
    subprocess.run(["git", "config", scope, key, "/own.pem"], check=True)
    ran = certboot("init", "-v")
    assert "GIT_SSL_CAINFO" not in (env_file.read(paths.env) or ())
    assert f"git has a setting of its own: {key}\n".casefold() in ran.out.casefold()
    subprocess.run(["git", "config", scope, "--unset", key], check=True)
    certboot("init")
    assert "GIT_SSL_CAINFO" in (env_file.read(paths.env) or ())


@cases(
    ("variable", "spelling"), [("CERTBOOT_HOME", "{}/store/"), ("CERTBOOT_HOME", "{}//x/./../store"), ("HOME", "{}/x/")]
)
def test_the_hook_takes_a_store_however_its_path_is_spelled(
    certboot: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str, spelling: str
) -> None:
    (tmp_path / "x").mkdir()
    monkeypatch.setenv(variable, spelling.format(tmp_path))
    assert certboot("init").status == 0
    assert started() == "active"


# What it refuses


def expired(folder: Path) -> Path:
    return written(folder, "old.pem", issue("Old", valid=(NOW - 9 * DAY, NOW - DAY)).pem)


@cases("store", [False, True], ids=["no-store", "store"])
@cases("wrong", [expired, lambda folder: folder / "none.pem"])
def test_a_wrong_file_to_add_is_refused_and_the_store_stays_as_it_was(
    certboot: Run, clean: Path, tmp_path: Path, ca_file: Path, wrong: Callable[[Path], Path], *, store: bool
) -> None:
    if store:
        certboot("init")
    before = snapshot(clean)
    ran = certboot("init", "--add", ca_file, "--add", wrong(tmp_path))
    assert_refused(ran)
    assert ran.out == ""
    assert snapshot(clean) == before
    assert certboot("init", "--add", ca_file).status == 0


def test_a_broken_block_among_good_ones_is_a_rejection(certboot: Run, paths: StorePaths, tmp_path: Path) -> None:
    broken = b"-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n"
    mixed = written(tmp_path, "mixed.pem", issue("Good").pem, broken, expired(tmp_path).read_bytes())
    ran = certboot("init", "--add", mixed)
    assert ran.status == 0
    assert f"\n  left out  {mixed}" in ran.out
    assert f"\n  left out  {mixed}: it expired on " in ran.out
    assert names(paths) == FEW | {"Good"}
    assert [path.name.split("-")[0] for path in paths.trusted.iterdir()] == ["Good"]
    before = snapshot(paths.home)
    assert "nothing new, nothing changed" in certboot("init", "--add", mixed).out
    assert snapshot(paths.home) == before


def test_broken_settings_and_colliding_names_are_refused(
    certboot: Run, paths: StorePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    certboot("init")
    paths.config.write_text("variables =")
    before = snapshot(paths.home)
    assert_refused(certboot("init"))
    assert snapshot(paths.home) == before
    paths.config.unlink()
    shutil.rmtree(paths.generations)
    monkeypatch.setattr("certboot.pki.certificate.file_name", lambda _: "same-12345678.pem")
    ran = certboot("init")
    assert_refused(ran)
    assert "two certificates with the same name" in ran.err


@cases("part", ["..", ".", "env", "config.toml", "generations", "trusted", "lock"])
def test_where_others_may_write_is_not_relied_on(certboot: Run, paths: StorePaths, ca_file: Path, part: str) -> None:
    certboot("init", "--add", ca_file)
    paths.config.touch()
    path = (paths.home / part).resolve()
    mode = path.stat().st_mode
    path.chmod(0o777)
    before = snapshot(paths.home)
    ran = certboot("init")
    assert_refused(ran)
    assert f"others may write to it: {path}\n" in ran.err
    assert snapshot(paths.home) == before
    path.chmod(mode)
    assert certboot("init").status == 0


def test_a_file_in_the_place_of_the_store_is_refused(certboot: Run, paths: StorePaths) -> None:
    paths.home.parent.mkdir(parents=True)
    paths.home.write_text("mine")
    ran = certboot("init")
    assert_refused(ran)
    assert f"the store's folder is a file: {paths.home}\n" in ran.err
    assert paths.home.read_text() == "mine"


def test_a_run_that_starts_while_another_makes_the_store_does_not_take_it_for_a_strangers(
    certboot: Run, paths: StorePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths.home.mkdir(parents=True)
    listed = Path.iterdir

    def after_the_other(self: Path) -> typing.Any:  # noqa: ANN401 - a generator up to Python 3.12, an iterator since
        if self == paths.home:
            paths.generations.mkdir(exist_ok=True)
        return listed(self)

    monkeypatch.setattr(Path, "iterdir", after_the_other)
    assert certboot("init").err == ""


# Damage; what the doctor says of it, and that init mends that too, is in the tests of the doctor


def root_a(paths: StorePaths) -> Path:
    return min((paths.current / "crts").glob("Root_A-*.pem"))


def relink(path: Path, target: str) -> None:
    path.unlink()
    path.symlink_to(target)


def to_itself(paths: StorePaths) -> None:
    link = min(path for path in (paths.current / "crts").iterdir() if path.is_symlink())
    relink(link, link.name)


def emptied(link: Path) -> None:
    link.unlink()
    link.touch()


def edited(paths: StorePaths, **changes: object) -> None:
    path = paths.current / manifest.NAME
    document = json.loads(path.read_bytes())
    for key, value in changes.items():
        (document if key in document else document["certificates"][0])[key] = value
    path.write_text(json.dumps(document))


def changed_env(paths: StorePaths, damage: Callable[[bytes], bytes] = lambda _: b"") -> None:
    paths.env.write_bytes(damage(paths.env.read_bytes()))


DAMAGE: dict[str, Callable[[StorePaths], object]] = {
    "file-shortened": lambda paths: os.truncate(root_a(paths), 100),
    "file-empty": lambda paths: os.truncate(root_a(paths), 0),
    "file-more": lambda paths: root_a(paths).write_bytes(root_a(paths).read_bytes() + issue("Evil").pem),
    "link-to-itself": to_itself,
    "crts-missing": lambda paths: shutil.rmtree(paths.current / "crts"),
    "bundle-missing": lambda paths: (paths.current / "bundle.pem").unlink(),
    "bundle-shortened": lambda paths: os.truncate(paths.current / "bundle.pem", 100),
    "bundle-empty": lambda paths: os.truncate(paths.current / "bundle.pem", 0),
    "manifest-shortened": lambda paths: os.truncate(paths.current / manifest.NAME, 100),
    "manifest-of-a-later-version": lambda paths: edited(paths, schema=99),
    "manifest-other-digest": lambda paths: edited(paths, sha256="0" * 64),
    "manifest-file-no-text": lambda paths: edited(paths, file=7),
    "current-missing": lambda paths: paths.current.unlink(),
    "current-dangling": lambda paths: relink(paths.current, "generations/99"),
    "current-empty-file": lambda paths: emptied(paths.current),
    "generation-missing": lambda paths: shutil.rmtree(paths.current.resolve()),
    "generations-missing": lambda paths: shutil.rmtree(paths.generations),
    "env-missing": lambda paths: paths.env.unlink(),
    "env-empty": changed_env,
    "env-shortened": lambda paths: changed_env(paths, lambda text: text[:30]),
    "env-elsewhere": lambda paths: changed_env(paths, lambda text: text.replace(os.fsencode(paths.home), b"/else")),
}


@cases("kind", DAMAGE)
def test_the_doctor_sees_damage_and_init_mends_it(certboot: Run, paths: StorePaths, ca_file: Path, kind: str) -> None:
    certboot("init", "--add", ca_file)
    good, settings = contents(paths.current / "crts"), paths.env.read_bytes()
    assert certboot("doctor", "store").status == 0
    DAMAGE[kind](paths)
    if kind.startswith("env"):
        assert started() != "active"
    else:
        ran = certboot("doctor", "store", "--json")
        (finding,) = json.loads(ran.out)["findings"]
        assert (ran.status, finding["status"], finding["fix"]) == (1, "fail", [["certboot", "init"]])
    ran = certboot("init")
    assert (ran.status, ran.err) == (0, "")
    assert certboot("doctor", "store").status == 0
    whole.assert_whole(paths.home)
    assert (contents(paths.current / "crts"), paths.env.read_bytes()) == (good, settings)
    assert started() == "active"


def test_a_switch_without_symbolic_links_is_understood(certboot: Run, paths: StorePaths) -> None:
    """As Windows, or a file system without links, has it: ``current`` is a file that names the generation."""
    certboot("init")
    paths.current.unlink()
    paths.current.write_text("generations/1\n")
    ran = certboot("init")
    assert ran.out.startswith("3 CAs in generation 1; env file rewritten\n")
    assert {*(env_file.read(paths.env) or {}).values()} == {
        str(paths.generations / "1" / part) for part in ("bundle.pem", "crts")
    }
    assert started() == "active"
