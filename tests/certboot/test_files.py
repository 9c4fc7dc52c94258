from __future__ import annotations

import os
import typing
from pathlib import Path

import filelock
import pytest
from snapshot import contents
from table import cases

from certboot import files
from certboot.errors import StoreError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "folder"
    path.mkdir()
    return path


def modes(path: Path) -> str:
    return oct(path.stat().st_mode & 0o7777)


@cases("umask", [0o000, 0o022, 0o077])
@cases("write", [files.write_new, files.replace], ids=["write_new", "replace"])
def test_a_file_is_written_whole_and_only_its_owner_may_change_it(folder: Path, umask: int, write: object) -> None:
    before = os.umask(umask)
    try:
        write(folder / "file", b"data")  # type: ignore[operator]
    finally:
        os.umask(before)
    assert contents(folder) == {"file": b"data"}
    assert modes(folder / "file") == "0o644"


def test_write_new_never_overwrites(folder: Path) -> None:
    files.write_new(folder / "file", b"old")
    with pytest.raises(FileExistsError):
        files.write_new(folder / "file", b"new")
    assert contents(folder) == {"file": b"old"}


def test_replace_puts_the_new_file_in_place_of_the_old(folder: Path) -> None:
    files.replace(folder / "file", b"old")
    files.replace(folder / "file", b"new")
    assert contents(folder) == {"file": b"new"}


@cases("call", ["replace", "fsync"])
def test_a_replacement_that_fails_leaves_the_old_file_and_no_other(
    folder: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    files.replace(folder / "file", b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, call, full)
    with pytest.raises(OSError, match="No space left"):
        files.replace(folder / "file", b"new")
    assert contents(folder) == {"file": b"old"}


def test_a_link_is_replaced_in_one_step(folder: Path) -> None:
    (folder / f".current.{os.getpid()}").write_text("of a run that was killed and had the same process id")
    for target in ("one", "two"):
        files.replace_link(folder / "current", target)
        assert contents(folder) == {"current": target.encode()}


def test_a_link_that_cannot_be_replaced_stays(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files.replace_link(folder / "current", "one")

    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(PermissionError):
        files.replace_link(folder / "current", "two")
    assert contents(folder) == {"current": b"one"}


@cases("mode", [0o777, 0o700, 0o2775])
def test_a_folder_that_is_there_is_left_as_it_is(folder: Path, mode: int) -> None:
    folder.chmod(mode)
    files.make_folder(folder)
    assert modes(folder) == oct(mode)


def test_the_folders_above_a_new_one_are_not_writable_for_others(folder: Path) -> None:
    before = os.umask(0)
    try:
        files.make_folder(folder / "a" / "b" / "c")
    finally:
        os.umask(before)
    assert [modes(folder / name) for name in ("a", "a/b", "a/b/c")] == ["0o755"] * 3


def test_a_place_of_ones_own_is_safe_whether_it_exists_or_not(folder: Path) -> None:
    for path in (folder, folder / "not" / "there" / "yet"):
        assert files.exposed(path) == ""
        assert files.exposed_above(path) is None


@cases(
    ("mode", "how"), [(0o775, "others may write to it"), (0o757, "others may write to it"), (0o755, ""), (0o700, "")]
)
def test_what_a_group_or_everybody_may_write_is_exposed(folder: Path, mode: int, how: str) -> None:
    (folder / "file").touch()
    for path in (folder / "file", folder):
        path.chmod(mode)
        assert files.exposed(path) == how


@cases(("mode", "found"), [(0o777, True), (0o1777, False), (0o775, False), (0o755, False)])
def test_a_folder_above_may_be_writable_for_everybody_only_with_the_sticky_bit(
    folder: Path, mode: int, *, found: bool
) -> None:
    above = folder / "above"
    (above / "mine").mkdir(parents=True)
    above.chmod(mode)
    assert files.exposed_above(above / "mine" / "store") == ((above, "others may write to it") if found else None)


def test_the_folders_above_the_real_place_of_a_link_count_too(folder: Path) -> None:
    above = folder / "above"
    (above / "real").mkdir(parents=True)
    (folder / "link").symlink_to(above / "real")
    assert files.exposed_above(folder / "link" / "store") is None
    above.chmod(0o777)
    assert files.exposed_above(folder / "link" / "store") == (above, "others may write to it")


def test_the_folders_of_a_link_between_links_count_too(folder: Path) -> None:
    """Neither above the path that is given nor above the one that it ends at."""
    (folder / "real").mkdir()
    (folder / "open").mkdir()
    (folder / "open" / "middle").symlink_to("../real")
    (folder / "link").symlink_to(folder / "open" / "middle")
    for path in (folder / "link", folder / "link" / "file", folder / "real" / ".." / "link"):
        (folder / "open").chmod(0o755)
        assert files.exposed_above(path) is None
        (folder / "open").chmod(0o777)
        assert files.exposed_above(path) == (folder / "open", "others may write to it")


def test_links_in_a_loop_lead_nowhere(folder: Path) -> None:
    (folder / "one").symlink_to("two")
    (folder / "two").symlink_to("one")
    assert files.exposed_above(folder / "one" / "file") is None


def test_a_relative_path_starts_at_the_current_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "open").mkdir()
    monkeypatch.chdir(folder)
    assert files.exposed_above(Path("open/file")) is None
    (folder / "open").chmod(0o777)
    assert files.exposed_above(Path("open/file")) == (folder / "open", "others may write to it")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may give a link away")
@cases("below", ["", "file"])
@cases(("mode", "owner", "found"), [(0o1777, 12345, True), (0o1777, 0, False), (0o755, 12345, False)])
def test_a_link_of_another_user_is_exposed_where_he_can_lead_it_elsewhere(
    folder: Path, below: str, mode: int, owner: int, *, found: bool
) -> None:
    """In a folder with the sticky bit nobody but its owner can; without, who may write to the folder."""
    (folder / "mine").mkdir()
    (folder / "shared").mkdir()
    link = folder / "shared" / "link"
    link.symlink_to(folder / "mine")
    os.chown(link, owner, -1, follow_symlinks=False)
    (folder / "shared").chmod(mode)
    expected = (link, "it belongs to another user (uid 12345)") if found else None
    assert files.exposed(link) == ""
    assert files.exposed_above(link / below) == expected


@cases(
    ("name", "meant"),
    [
        (".env.a1b2c3_4", "env"),
        (".current.77", "current"),
        (".Root-1234abcd.pem.abcdefgh", "Root-1234abcd.pem"),
        (".env", ""),
        (".env.swp", ""),
        (".env.Original", ""),
        ("env.a1b2c3_4", ""),
        ("", ""),
    ],
)
def test_a_temporary_file_tells_what_it_was_to_become(name: str, meant: str) -> None:
    assert files.temporary_for(name) == meant


def test_the_names_of_temporary_files_are_those_that_are_recognised(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a run leaves them that is killed before it has put them into their place."""
    left = []

    def killed(temporary: str | Path, target: Path) -> typing.NoReturn:
        left.append((files.temporary_for(Path(temporary).name), target.name))
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        files.replace(folder / "file", b"")
    with pytest.raises(KeyboardInterrupt):
        files.replace_link(folder / "link", "file")
    assert left == [("file", "file"), ("link", "link")]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may give a folder away")
def test_what_belongs_to_another_user_is_exposed(folder: Path) -> None:
    (folder / "theirs").mkdir()
    os.chown(folder / "theirs", 12345, -1)
    how = "it belongs to another user (uid 12345)"
    assert files.exposed(folder / "theirs") == how
    assert files.exposed_above(folder / "theirs" / "store") == (folder / "theirs", how)


def test_a_file_system_without_locks_is_an_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> typing.NoReturn:
        raise NotImplementedError

    monkeypatch.setattr(filelock, "FileLock", refuse)
    with pytest.raises(StoreError, match="this file system has no locks: "), files.locked(folder / "lock"):
        pass


def test_the_lock_is_held_by_one_at_a_time(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_LOCK_SECONDS", 0)
    with (
        filelock.FileLock(folder / "lock"),
        pytest.raises(StoreError, match="another certboot has been at work for over 0 seconds: "),
        files.locked(folder / "lock"),
    ):
        pass
    with files.locked(folder / "lock"):
        assert (folder / "lock").exists()


def test_on_windows_permissions_are_left_to_the_profile(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Recorded: only the answer of ``os.name`` is another one."""
    folder.chmod(0o777)
    path, new, deeper = folder / "file", folder / "new", folder / "deeper"
    monkeypatch.setattr(os, "name", "nt")
    assert files.exposed(folder) == ""
    assert files.exposed_above(path) is None
    files.sync(folder)
    monkeypatch.setattr(os, "fchmod", None)
    files.write_new(new, b"new")
    files.replace(path, b"data")
    files.make_folder(deeper)
    monkeypatch.undo()
    assert contents(folder) == {"deeper": b"", "file": b"data", "new": b"new"}
    assert modes(folder) == "0o777"
