from __future__ import annotations

import os
import socket
import tempfile
import typing
from pathlib import Path

import filelock
import pytest
from support.snapshot import contents
from support.table import cases

import certboot_startup
from certboot import files, ownership
from certboot.errors import StoreError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "folder"
    path.mkdir()
    return path


def modes(path: Path) -> str:
    return oct(path.stat().st_mode & 0o7777)


LARGEST = 64 * 1024


def refused(path: Path, **options: bool) -> str:
    """Return the system's words, which a message repeats."""
    with pytest.raises(OSError) as caught:  # noqa: PT011 - of any kind
        files.read_regular(path, LARGEST, **options)
    assert caught.value.filename == os.fspath(path)
    return caught.value.strerror or ""


def test_a_regular_file_is_read_whole(folder: Path) -> None:
    link = folder / "link"
    link.symlink_to("file")
    for data in (b"", b"a\r\n" * 9, bytes(LARGEST)):
        (folder / "file").write_bytes(data)
        assert files.read_regular(folder / "file", LARGEST) == data
        assert files.read_regular(folder / "file", LARGEST, follow=False) == data
        assert files.read_regular(link, LARGEST) == data
    assert files.read_regular(Path("/proc/self/status"), LARGEST)[:5] == b"Name:"  # its size is said to be 0


def test_a_file_that_is_too_large_is_refused_however_large_it_says_that_it_is(folder: Path) -> None:
    file = folder / "file"
    file.write_bytes(bytes(LARGEST + 1))
    assert refused(file) == "over 64 KiB, which no such file has"
    os.truncate(file, 1 << 40)  # a hole, which takes no place on the disk
    assert refused(file) == "over 64 KiB, which no such file has"
    with pytest.raises(OSError, match="over 3 MiB"):
        files.read_regular(Path("/proc/kallsyms"), 3 * 1024 * 1024)


def test_a_file_that_grows_while_it_is_read_is_not_read_on_for_ever(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = folder / "file"
    file.write_bytes(b"a")
    monkeypatch.setattr(os, "read", lambda _descriptor, size: b"a" * size)
    assert refused(file) == "over 64 KiB, which no such file has"


def irregular(folder: Path) -> dict[str, Path]:
    """Everything that is no regular file, with the words for it."""
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / "socket"))
    (folder / "pipe link").symlink_to("pipe")
    (folder / "loop").symlink_to("loop")
    (folder / "dangling").symlink_to("nothing")
    return {
        "a pipe, not a regular file": folder / "pipe",
        "a pipe, not a regular file ": folder / "pipe link",
        "a socket, not a regular file": folder / "socket",
        "a device, not a regular file": Path("/dev/zero"),
        "a device, not a regular file ": Path("/dev/tty"),
        "a folder, not a file": folder,
        "Too many levels of symbolic links": folder / "loop",
        "No such file or directory": folder / "dangling",
        "Not a directory": Path("/dev/null/below"),
        "no path that a file can have": folder / "a\0b",
    }


@pytest.mark.timeout(10)
def test_nothing_else_is_read_or_waited_for_and_the_reason_is_said(folder: Path) -> None:
    for words, path in irregular(folder).items():
        assert refused(path) == words.strip()


def test_a_link_is_refused_where_none_is_followed(folder: Path) -> None:
    (folder / "file").write_bytes(b"a")
    (folder / "link").symlink_to("file")
    assert refused(folder / "link", follow=False) == "a link, not a regular file"


@pytest.mark.timeout(10)
@cases("follow", [True, False])
def test_what_is_changed_between_the_look_and_the_opening_is_refused_too(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *, follow: bool
) -> None:
    os.mkfifo(folder / "pipe")
    (folder / "file").write_bytes(b"a")
    before = os.stat(folder / "file")
    monkeypatch.setattr(os, "stat", lambda *_args, **_options: before)
    assert refused(folder / "pipe", follow=follow) == "a pipe, not a regular file"
    (folder / "link").symlink_to("file")
    if not follow:
        assert refused(folder / "link", follow=False) == "Too many levels of symbolic links"


def test_no_descriptor_is_left_open(folder: Path) -> None:
    (folder / "file").write_bytes(bytes(LARGEST + 1))
    paths = [folder / "file", *irregular(folder).values()]
    before = len(os.listdir("/proc/self/fd"))
    for path in paths:
        refused(path)
    assert len(os.listdir("/proc/self/fd")) == before


def test_what_is_not_there_has_no_content_and_everything_else_is_an_error(folder: Path) -> None:
    assert files.read_if_there(folder / "none", LARGEST) is None
    (folder / "file").write_bytes(b"a")
    assert files.read_if_there(folder / "file", LARGEST) == b"a"
    with pytest.raises(IsADirectoryError):
        files.read_if_there(folder, LARGEST)


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
        assert ownership.exposed(path) == ""
        assert ownership.exposed_above(path) is None


@cases(
    ("mode", "how"), [(0o775, "others may write to it"), (0o757, "others may write to it"), (0o755, ""), (0o700, "")]
)
def test_what_a_group_or_everybody_may_write_is_exposed(folder: Path, mode: int, how: str) -> None:
    (folder / "file").touch()
    for path in (folder / "file", folder):
        path.chmod(mode)
        assert ownership.exposed(path) == how


@cases(("mode", "found"), [(0o777, True), (0o1777, False), (0o775, False), (0o755, False)])
def test_a_folder_above_may_be_writable_for_everybody_only_with_the_sticky_bit(
    folder: Path, mode: int, *, found: bool
) -> None:
    above = folder / "above"
    (above / "mine").mkdir(parents=True)
    above.chmod(mode)
    assert ownership.exposed_above(above / "mine" / "store") == ((above, "others may write to it") if found else None)


def test_the_folders_above_the_real_place_of_a_link_count_too(folder: Path) -> None:
    above = folder / "above"
    (above / "real").mkdir(parents=True)
    (folder / "link").symlink_to(above / "real")
    assert ownership.exposed_above(folder / "link" / "store") is None
    above.chmod(0o777)
    assert ownership.exposed_above(folder / "link" / "store") == (above, "others may write to it")


def test_the_folders_of_a_link_between_links_count_too(folder: Path) -> None:
    """Neither above the path that is given nor above the one that it ends at."""
    (folder / "real").mkdir()
    (folder / "open").mkdir()
    (folder / "open" / "middle").symlink_to("../real")
    (folder / "link").symlink_to(folder / "open" / "middle")
    for path in (folder / "link", folder / "link" / "file", folder / "real" / ".." / "link"):
        (folder / "open").chmod(0o755)
        assert ownership.exposed_above(path) is None
        (folder / "open").chmod(0o777)
        assert ownership.exposed_above(path) == (folder / "open", "others may write to it")


def test_links_in_a_loop_are_not_passed(folder: Path) -> None:
    (folder / "one").symlink_to("two")
    (folder / "two").symlink_to("one")
    assert ownership.exposed_above(folder / "one" / "file") is not None
    (folder / "0").mkdir()
    for number in range(40):  # as many as the system passes
        (folder / str(number + 1)).symlink_to(str(number))
    assert ownership.exposed_above(folder / "40" / "file") is None


def test_a_relative_path_starts_at_the_current_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "open").mkdir()
    monkeypatch.chdir(folder)
    assert ownership.exposed_above(Path("open/file")) is None
    (folder / "open").chmod(0o777)
    assert ownership.exposed_above(Path("open/file")) == (folder / "open", "others may write to it")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may give a link away")
@cases("below", ["", "file"])
@cases(
    ("mode", "owner", "how"),
    [
        (0o1777, 12345, "it belongs to another user (uid 12345)"),
        (0o755, 12345, "it belongs to another user (uid 12345)"),
        (0o1777, 0, "a link that lies where others may write, or leads elsewhere than it says"),
        (0o755, 0, ""),
    ],
)
def test_a_link_of_another_user_or_in_a_folder_of_everybody_is_exposed(
    folder: Path, below: str, mode: int, owner: int, how: str
) -> None:
    """Whatever it leads to: its owner could lead it elsewhere, and in a sticky folder it may be a hard link."""
    (folder / "mine").mkdir()
    (folder / "shared").mkdir()
    link = folder / "shared" / "link"
    link.symlink_to(folder / "mine")
    os.chown(link, owner, -1, follow_symlinks=False)
    (folder / "shared").chmod(mode)
    assert ownership.exposed(link) == ""
    assert ownership.exposed_above(link / below) == ((link, how) if how else None)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may give a folder to a group")
@pytest.mark.parametrize(
    ("mode", "owner", "group", "user", "safe"),
    [
        (0o775, 0, 0, 0, True),
        (0o2775, 0, 50, 0, False),  # root:staff
        (0o775, 1234, 1234, 1234, True),  # with umask 002
        (0o775, 1234, 1234, 0, False),
        (0o775, 1234, 100, 1234, False),
        (0o775, 1234, 1235, 1234, False),
        (0o775, 0, 1234, 1234, False),
        (0o777, 1234, 1234, 1234, False),
        (0o1777, 0, 0, 1234, True),
        (0o1777, 1234, 1234, 1234, False),
        (0o755, 1234, 100, 1234, True),
    ],
)
def test_a_group_counts_unless_it_is_root_s_or_the_user_s_own(
    monkeypatch: pytest.MonkeyPatch, mode: int, owner: int, group: int, user: int, *, safe: bool
) -> None:
    with tempfile.TemporaryDirectory(dir="/var/lib") as top:
        above = Path(top) / "above"
        store = above / "store"
        store.mkdir(parents=True)
        Path(top).chmod(0o755)
        os.chown(above, owner, group)
        above.chmod(mode)
        os.chown(store, user, user)
        monkeypatch.setattr(os, "geteuid", lambda: user)
        assert (certboot_startup.unsafe_part(str(store)) == "") == safe
        assert (ownership.exposed_above(store) is None) == safe
        # What lies where an administrator lets a group write is the administrator's to decide, but for a store.
        belongs = owner in (0, user)
        assert (ownership.exposed_above(store, groups=True) is None) == (belongs and (safe or not mode & 0o002))
        monkeypatch.undo()


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
    assert ownership.exposed(folder / "theirs") == how
    assert ownership.exposed_above(folder / "theirs" / "store") == (folder / "theirs", how)


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
    assert ownership.exposed(folder) == ""
    assert ownership.exposed_above(path) is None
    files.sync(folder)
    monkeypatch.setattr(os, "fchmod", None)
    files.write_new(new, b"new")
    files.replace(path, b"data")
    files.make_folder(deeper)
    monkeypatch.undo()
    assert contents(folder) == {"deeper": b"", "file": b"data", "new": b"new"}
    assert modes(folder) == "0o777"
