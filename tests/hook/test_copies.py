from __future__ import annotations

import json
import os
import shlex
import shutil
from pathlib import Path

import pytest

from certboot.errors import StoreError
from certboot.hook import copies, found, install
from certboot.hook.copies import Copy
from certboot.store.paths import StorePaths


@pytest.fixture(autouse=True)
def _no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "_GRACE_SECONDS", 0)


def copy_in(folder: Path, *, user: bool = False) -> Copy:
    install.install(folder)
    return Copy("/usr/bin/python3", str(folder), user)


def make_old(folder: Path, version: str = "0.0.9") -> None:
    own = found.read_record(folder)
    assert own
    (folder / found.RECORD_NAME).write_bytes(
        found.render_record(found.Record(version, "", {**own.files, "certboot_startup.pth": ("0" * 64,)}))
    )
    (folder / "certboot_startup.pth").unlink(missing_ok=True)


def test_places_are_listed_once_and_taken_off_again(paths: StorePaths, tmp_path: Path) -> None:
    first, second = copy_in(tmp_path / "b"), copy_in(tmp_path / "a", user=True)
    for copy in (first, second, first):
        copies.remember(paths, copy)
    assert copies.copies(paths) == (second, first)
    copies.forget(paths, tmp_path / "b")
    copies.forget(paths, tmp_path / "none")
    assert copies.copies(paths) == (second,)
    copies.forget(paths, tmp_path / "a")
    assert not paths.home.exists()  # it was made for the list


def test_a_store_stays_when_its_list_goes(paths: StorePaths, tmp_path: Path) -> None:
    copies.remember(paths, copy_in(tmp_path / "a"))
    paths.generations.mkdir()
    copies.forget(paths, tmp_path / "a")
    assert paths.generations.exists()
    assert not paths.hooks.exists()


def test_a_list_can_be_read_by_everybody_whatever_the_umask(paths: StorePaths, tmp_path: Path) -> None:
    umask = os.umask(0o077)
    try:
        copies.remember(paths, copy_in(tmp_path / "a"))
    finally:
        os.umask(umask)
    assert paths.hooks.stat().st_mode & 0o777 == 0o644
    assert paths.home.stat().st_mode & 0o777 == 0o755


def test_the_commands_can_be_run_as_they_stand() -> None:
    copy = Copy("/a b/'c'/bin/python", "/f", user=True)
    assert shlex.split(copy.command("install")) == [
        "certboot", "hook", "install", "--python", "/a b/'c'/bin/python", "--user"
    ]  # fmt: skip
    assert Copy("/p", "/f", user=False).command("uninstall") == "certboot hook uninstall --python /p"


def test_on_windows_the_commands_are_quoted_as_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("certboot.hook.copies.os.name", "nt")
    command = Copy("C:/a b/python.exe", "/f", user=False).command("install")
    monkeypatch.undo()
    assert command == 'certboot hook install --python "C:/a b/python.exe"'


def test_copies_of_another_version_are_outdated(paths: StorePaths, tmp_path: Path) -> None:
    new, old = copy_in(tmp_path / "new"), copy_in(tmp_path / "old")
    copies.remember(paths, new)
    copies.remember(paths, old)
    assert copies.outdated_copies(paths) == ()
    make_old(tmp_path / "old")
    assert copies.outdated_copies(paths) == (copies.Outdated(old, "0.0.9"),)


def test_outdated_copies_are_renewed_once(paths: StorePaths, tmp_path: Path) -> None:
    new, old = copy_in(tmp_path / "new"), copy_in(tmp_path / "old")
    copies.remember(paths, new)
    copies.remember(paths, old)
    make_old(tmp_path / "old")
    assert copies.renew(paths) == (old,)
    assert (tmp_path / "old" / "certboot_startup.pth").read_bytes() == (
        tmp_path / "new" / "certboot_startup.pth"
    ).read_bytes()
    assert copies.outdated_copies(paths) == ()
    assert copies.renew(paths) == ()


@pytest.mark.parametrize("version", ["999.0", "1000"])
def test_a_copy_of_a_newer_certboot_is_not_renewed(paths: StorePaths, tmp_path: Path, version: str) -> None:
    copies.remember(paths, copy_in(tmp_path / "a"))
    make_old(tmp_path / "a", version)
    assert copies.renew(paths) == ()
    assert not (tmp_path / "a" / "certboot_startup.pth").exists()
    make_old(tmp_path / "a", "no version")
    assert len(copies.renew(paths)) == 1


def test_a_copy_that_somebody_changed_is_neither_renewed_nor_in_the_way_of_others(
    paths: StorePaths, tmp_path: Path
) -> None:
    changed, old = copy_in(tmp_path / "changed"), copy_in(tmp_path / "old")
    for copy in (changed, old):
        copies.remember(paths, copy)
        make_old(Path(copy.folder))
    guards = tmp_path / "changed" / "certboot_startup" / "guards.py"
    guards.write_text("mine = True\n")
    assert copies.renew(paths) == (old,)
    assert guards.read_text() == "mine = True\n"
    assert [outdated.copy for outdated in copies.outdated_copies(paths)] == [changed]


def test_a_copy_that_is_gone_is_neither_listed_nor_outdated(paths: StorePaths, tmp_path: Path) -> None:
    copies.remember(paths, copy_in(tmp_path / "venv"))
    shutil.rmtree(tmp_path / "venv")
    assert copies.copies(paths) == ()
    assert copies.outdated_copies(paths) == ()


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{", b'{"copies": 1}', b'{"copies": [1]}', b'{"copies": [{"python": 1}]}', b"[" * 99_999]
)
def test_what_is_no_list_is_no_copy(paths: StorePaths, tmp_path: Path, data: bytes) -> None:
    copies.remember(paths, copy_in(tmp_path / "a"))
    assert len(copies.copies(paths)) == 1
    paths.hooks.write_bytes(data)
    assert copies.copies(paths) == ()


def test_a_relative_place_is_none(paths: StorePaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copies.remember(paths, copy_in(tmp_path / "a"))
    monkeypatch.chdir(tmp_path)
    whole = json.loads(paths.hooks.read_bytes())
    whole["copies"][0]["folder"] = "a"
    paths.hooks.write_text(json.dumps(whole))
    assert copies.copies(paths) == ()


def test_a_list_that_others_could_have_written_or_that_is_too_long_is_none(paths: StorePaths, tmp_path: Path) -> None:
    copies.remember(paths, copy_in(tmp_path / "a"))
    for path, mode in ((paths.hooks, 0o666), (paths.home, 0o777)):
        before = path.stat().st_mode & 0o777
        path.chmod(mode)
        assert copies.copies(paths) == ()
        path.chmod(before)
        assert len(copies.copies(paths)) == 1
    with paths.hooks.open("ab") as file:
        file.write(b" " * 1024 * 1024)
    assert copies.copies(paths) == ()


@pytest.mark.parametrize("part", ["home", "above"])
def test_no_list_is_kept_where_others_could_write_it(paths: StorePaths, tmp_path: Path, part: str) -> None:
    copy = copy_in(tmp_path / "a")
    paths.home.mkdir(parents=True)
    (paths.home if part == "home" else paths.home.parent).chmod(0o777)
    with pytest.raises(StoreError, match="no safe place for a list of copies, others may write to it"):
        copies.remember(paths, copy)
    assert not paths.hooks.exists()


def test_a_certboot_whose_own_hook_is_not_whole_calls_no_copy_outdated(
    paths: StorePaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies.remember(paths, copy_in(tmp_path / "a"))
    make_old(tmp_path / "a")
    assert len(copies.outdated_copies(paths)) == 1
    monkeypatch.setattr("certboot_startup.__file__", str(tmp_path / "none" / "__init__.py"))
    assert copies.outdated_copies(paths) == ()
