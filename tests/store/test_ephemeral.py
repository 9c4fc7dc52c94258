"""A store for one command or one shell: what is in it, who may change it, and when it goes."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path

import pytest
from support.commands import FEW, Run, names, saved
from support.pki import CA, DAY, NOW, changed, issue, make
from support.snapshot import assert_refused, snapshot
from support.table import cases

from certboot import files
from certboot.clients.variables import VARIABLES
from certboot.errors import StoreError
from certboot.store import ephemeral, generations
from certboot.store.ephemeral_contents import Wanted
from certboot.store.paths import StorePaths, in_force, own_paths

CORP, TOP = issue("Corp Root"), issue("Example Root")
BELOW = issue("Example Issuing", TOP)
_MONTH = 30 * 24 * 3600
FILES = {
    "a server's certificate": make("www.example", CORP).pem,
    "a private key": CORP.key_pem,
    "an expired root": issue("Old Root", valid=(NOW - 9 * DAY, NOW - DAY)).pem,
    "an intermediate without its root": BELOW.pem,
    "no certificate": b"none",
    "nothing": b"",
}


@pytest.fixture
def corp(tmp_path: Path) -> Path:
    return saved(tmp_path / "corp.pem", CORP)


def shell(certboot: Run, *argv: str | Path) -> StorePaths:
    """Return the store that ``env --add`` names."""
    ran = certboot("env", "--format", "json", *argv)
    assert ran.status == 0, ran.err
    return StorePaths(Path(json.loads(ran.out)["CERTBOOT_HOME"]))


def test_a_copy_has_what_the_store_has_and_the_addition_and_the_store_is_as_it_was(
    certboot: Run, store: StorePaths, corp: Path
) -> None:
    before = snapshot(store.home)
    made = shell(certboot, "--add", corp)
    assert made.is_ephemeral
    assert names(made) == FEW | {"Corp Root"}
    variables = json.loads(certboot("env", "--format", "json", "--add", corp).out)
    assert variables.pop("CERTBOOT_HOME") == str(made.home)
    generation = str(made.current)
    assert {value.removeprefix(generation) for value in variables.values()} == {"/bundle.pem", "/crts"}
    shutil.rmtree(store.runs)
    assert snapshot(store.home) == before


def test_a_copy_has_each_certificate_as_the_store_has_it_stand_ins_and_intermediates_included(
    certboot: Run, store: StorePaths, corp: Path, tmp_path: Path
) -> None:
    old = make("Old Root", form=changed(CA, critical=False, usage=False, ski=False))
    assert certboot("trust", "--yes", saved(tmp_path / "old.pem", old), "--stand-in").status == 0
    assert certboot("trust", "--yes", saved(tmp_path / "top.pem", TOP, BELOW)).status == 0
    held = generations.current(store).certificates
    assert [member.name for member in held if member.original] == ["Old Root"]
    assert [member.name for member in held if member.role == "intermediate"] == ["Example Issuing"]
    copied = generations.current(shell(certboot, "--add", corp)).certificates
    assert [member for member in copied if member.name != "Corp Root"] == list(held)


def test_a_shell_has_the_same_copy_each_time_until_something_is_new(
    certboot: Run, store: StorePaths, corp: Path, tmp_path: Path
) -> None:
    made = shell(certboot, "--add", corp)
    folder = made.generations.stat().st_ino
    assert shell(certboot, "--add", corp).home == made.home
    assert made.generations.stat().st_ino == folder
    others = [shell(certboot, "--add", corp, "--only"), shell(certboot, "--add", saved(tmp_path / "top.pem", TOP))]
    certboot("distrust", "Root A")
    others.append(shell(certboot, "--add", corp))
    assert len({made.home, *(other.home for other in others)}) == 4
    assert names(others[-1]) == FEW - {"Root A"} | {"Corp Root"}
    (made.generations / "1" / "bundle.pem").write_bytes(b"")  # the hook would not use it
    certboot("distrust", "--undo", "Root A")
    assert shell(certboot, "--add", corp).home == made.home
    assert names(made) == FEW | {"Corp Root"}
    assert store.runs.is_dir()


def test_a_shells_copy_goes_a_month_after_it_was_last_asked_for_and_with_the_store(
    certboot: Run, store: StorePaths, corp: Path, tmp_path: Path
) -> None:
    old, asked = shell(certboot, "--add", corp), shell(certboot, "--add", saved(tmp_path / "top.pem", TOP))
    for copy in (old, asked):
        os.utime(copy.home, (time.time() - _MONTH - 60,) * 2)
    assert shell(certboot, "--add", tmp_path / "top.pem").home == asked.home
    assert (old.home.exists(), asked.home.exists()) == (False, True)
    os.utime(asked.home, (time.time() - _MONTH + 60,) * 2)
    certboot("update")
    assert asked.home.exists()
    assert certboot("purge", "--yes").status == 0
    assert not store.home.exists()


def test_only_these_cas_are_trusted_whatever_is_set(
    certboot: Run, store: StorePaths, corp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/own.pem")
    made = shell(certboot, "--add", corp, "--only")
    assert names(made) == {"Corp Root"}
    ran = certboot("env", "--add", corp, "--only", "--format", "json")
    variables = json.loads(ran.out)
    assert variables.keys() == {variable.name for variable in VARIABLES} | {"CERTBOOT_HOME"}
    assert {value.startswith(str(made.home)) for value in variables.values()} == {True}
    assert ran.err == ""
    monkeypatch.setenv("npm_config_cafile", "/own.pem")  # what is printed can unset nothing
    ran = certboot("env", "--add", corp, "--only")
    assert ran.err == "certboot: npm_config_cafile still leads to other CAs: unset npm_config_cafile\n"
    ran = certboot("env", "--add", corp, "--format", "json")
    assert "REQUESTS_CA_BUNDLE" not in json.loads(ran.out)
    assert "REQUESTS_CA_BUNDLE is left alone" in ran.err
    assert store.home.exists()
    assert_refused(certboot("env", "--only"), "--add")
    assert_refused(certboot("env", "--add", corp, "--format", "systemd"), "a copy for --add goes after a month")


@cases("content", list(FILES.values()))
def test_a_file_is_refused_with_the_words_of_trust(
    certboot: Run, store: StorePaths, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "given.pem"
    path.write_bytes(content)
    trusted = certboot("trust", path, "--yes")
    ran = certboot("env", "--add", path)
    assert (ran.status, ran.out, ran.err) == (2, "", trusted.err)
    assert not store.runs.exists()


def test_an_intermediate_goes_with_its_root_and_what_is_left_out_is_said(
    certboot: Run, store: StorePaths, tmp_path: Path
) -> None:
    path = tmp_path / "chain.pem"
    path.write_bytes(BELOW.pem + TOP.pem + FILES["an expired root"])
    ran = certboot("env", "--add", path, "--format", "json")
    made = StorePaths(Path(json.loads(ran.out)["CERTBOOT_HOME"]))
    assert names(made) == FEW | {"Example Root", "Example Issuing"}
    assert "Old Root is left out: " in ran.err
    assert store.home.exists()


def test_what_is_distrusted_stays_out_also_one_copy_further_in(
    certboot: Run, store: StorePaths, corp: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert certboot("trust", "--yes", corp).status == 0
    assert certboot("distrust", "Corp Root").status == 0
    refused = certboot("env", "--add", corp)
    assert_refused(refused, "it is distrusted, and stays out: Corp Root", "certboot distrust ID --undo")
    both = tmp_path / "both.pem"
    both.write_bytes(corp.read_bytes() + TOP.pem)
    made = shell(certboot, "--add", both)
    assert names(made) == FEW | {"Example Root"}
    monkeypatch.setenv("CERTBOOT_HOME", str(made.home))
    assert certboot("env", "--add", corp).err == refused.err
    assert_refused(certboot("env", "--add", corp, "--only"), "it is distrusted")
    third = issue("Third Root")
    inner = shell(certboot, "--add", saved(tmp_path / "third.pem", third))
    assert names(inner) == FEW | {"Example Root", "Third Root"}
    assert inner.home.parent == made.home.parent == store.runs


def test_without_a_store_there_is_what_init_would_take(
    certboot: Run, paths: StorePaths, corp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = certboot("env", "--add", corp, "--format", "json")
    assert names(StorePaths(Path(json.loads(ran.out)["CERTBOOT_HOME"]))) == FEW | {"Corp Root"}
    assert ran.err.startswith("certboot: there is no store yet: ")
    assert certboot("env").status == 2  # it is none of the user's
    assert certboot("env", "--add", corp, "--only").err == ""
    paths.config.write_text('sources = ["system"]\n')
    assert names(shell(certboot, "--add", corp)) == {"Root A", "Corp Root"}
    paths.config.unlink()
    assert certboot("init").status == 0
    assert names(paths) == FEW
    monkeypatch.setenv("CERTBOOT_HOME", str(paths.home / "runs" / "env-0123456789abcdef"))
    assert_refused(certboot("init"), "this store is for one command or shell")


@cases(
    "argv",
    [
        ("init",), ("update",), ("trust", "--yes", "{corp}"), ("distrust", "Root A"), ("adopt", "PIP_CERT"),
        ("purge", "--yes"), ("rollback",),
    ],
)  # fmt: skip
def test_nothing_changes_a_copy(
    certboot: Run, store: StorePaths, corp: Path, monkeypatch: pytest.MonkeyPatch, argv: tuple[str, ...]
) -> None:
    monkeypatch.setenv("PIP_CERT", str(corp))
    made = shell(certboot, "--add", corp)
    monkeypatch.setenv("CERTBOOT_HOME", str(made.home))
    before = snapshot(store.home)
    ran = certboot(*(word.replace("{corp}", str(corp)) for word in argv))
    assert_refused(ran, "this store is for one command or shell", "unset CERTBOOT_HOME")
    assert snapshot(store.home) == before


def test_a_store_of_roots_is_copied_into_the_users_own_folder(
    certboot: Run, corp: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = StorePaths(tmp_path / "shared")
    monkeypatch.setenv("CERTBOOT_HOME", str(shared.home))
    assert certboot("init").status == 0
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: path != shared.home and access(path, mode))
    made = shell(certboot, "--add", corp)
    assert made.home.parent == own_paths().runs
    assert names(made) == FEW | {"Corp Root"}
    assert not shared.runs.exists()


@cases("name", ["runs/notes.txt", "runs/run-12345678/notes.txt", "runs/env-0123456789abcdef/env/mine", "notes.txt"])
def test_a_folder_of_somebody_elses_is_left_alone(certboot: Run, paths: StorePaths, corp: Path, name: str) -> None:
    path = paths.home / name
    path.parent.mkdir(parents=True)
    path.write_text("mine")
    before = snapshot(paths.home)
    assert_refused(certboot("env", "--add", corp), "the folder for the store holds other things")
    assert snapshot(paths.home) == before


def test_what_is_no_folder_in_the_place_of_the_copies_is_refused_and_no_link_is_followed(
    certboot: Run, store: StorePaths, corp: Path, tmp_path: Path
) -> None:
    store.runs.write_bytes(b"")
    assert_refused(certboot("env", "--add", corp), "a file or link, in the place of a folder", "move it away")
    store.runs.unlink()
    (elsewhere := tmp_path / "elsewhere" / "run-12345678").mkdir(parents=True)
    store.runs.symlink_to(elsewhere.parent)
    assert_refused(certboot("env", "--add", corp), "a file or link, in the place of a folder")
    assert certboot("update").status == 0
    assert elsewhere.exists()


def test_where_nothing_can_be_written_another_place_is_told(
    certboot: Run, paths: StorePaths, corp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(path: Path) -> None:
        raise OSError(30, "Read-only file system", str(path))

    with monkeypatch.context() as patch:
        patch.setattr(files, "make_folder", fails)
        assert_refused(certboot("env", "--add", corp), f"Read-only file system: {paths.home}", "set XDG_DATA_HOME")
    assert certboot("env", "--add", corp).status == 0


def test_a_store_that_others_can_change_is_not_copied(certboot: Run, store: StorePaths, corp: Path) -> None:
    (store.generations / "1").chmod(0o777)
    assert_refused(certboot("env", "--add", corp), "the store is not safe")
    (store.generations / "1").chmod(0o755)
    assert certboot("env", "--add", corp).status == 0
    store.home.chmod(0o777)
    assert_refused(certboot("env", "--add", corp), "others may write to it")


# Who holds it


def test_a_copy_is_its_owners_alone_until_it_is_whole(store: StorePaths, monkeypatch: pytest.MonkeyPatch) -> None:
    modes = []
    written = files.write_new

    def seen(path: Path, data: bytes, mode: int = files.FILE_MODE) -> None:
        if path.name == "env":
            modes.append(path.parent.stat().st_mode & 0o777)
        written(path, data, mode)

    monkeypatch.setattr(files, "write_new", seen)
    with ephemeral.for_command(store, Wanted((), ()), {}) as made:
        assert (modes, made.paths.home.stat().st_mode & 0o777) == ([0o700], 0o755)
        assert in_force(made.paths)
    assert not store.runs.exists()


def test_what_is_held_stays_and_what_nobody_holds_goes(store: StorePaths, certboot: Run, corp: Path) -> None:
    with ephemeral.for_command(store, Wanted((), ()), {}) as outer:
        copy = os.dup(outer.descriptor)  # as a child that lives on has it
        (store.runs / "run-00000000").mkdir()  # killed before it had a lock
        with ephemeral.for_command(store, Wanted((), ()), {}) as inner:
            assert sorted(store.runs.iterdir()) == sorted([outer.paths.home, inner.paths.home])
        assert list(store.runs.iterdir()) == [outer.paths.home]
    assert list(store.runs.iterdir()) == [outer.paths.home]
    assert certboot("purge", "--yes").out.endswith(
        f"left alone in {store.home}: runs/{outer.paths.home.name}\n"
        "the hook goes with the package: certboot hook uninstall, then python -m pip uninstall certboot\n"
    )
    assert in_force(outer.paths)
    os.close(copy)
    made = shell(certboot, "--add", corp)
    assert list(store.runs.iterdir()) == [made.home]


@cases("argv", [("init",), ("purge", "--yes"), ("env", "--add", "{corp}")])
def test_without_a_store_what_a_killed_run_has_left_goes_with_the_next_command(
    certboot: Run, paths: StorePaths, corp: Path, argv: tuple[str, ...]
) -> None:
    half = paths.runs / "run-00000000" / "generations" / "1.partial" / "crts"
    half.mkdir(parents=True)
    (half / "Root_A-12345678.pem").write_text("-----BEGIN")
    (paths.runs / "run-00000000" / "lock").touch()
    assert certboot(*(word.replace("{corp}", str(corp)) for word in argv)).status == 0
    assert not half.exists()
    assert len(list(paths.runs.glob("*"))) == (argv[0] == "env")
    certboot("purge", "--yes")
    assert not paths.home.exists()


def test_a_failure_leaves_nothing(store: StorePaths, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(files, "write_new", fails)
        refused = pytest.raises(StoreError, match="no room for a copy of the store, No space left on device")
        with refused, ephemeral.for_command(store, Wanted(()), {}):
            pass
        with refused:
            ephemeral.for_shell(store, Wanted(()), {})
    assert not store.runs.exists()
    with monkeypatch.context() as patch:
        patch.setattr(ephemeral, "hold", lambda _: None)
        with pytest.raises(StoreError, match="no room"):
            ephemeral.for_shell(store, Wanted(()), {})
