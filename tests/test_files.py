from __future__ import annotations

import os
import socket
import typing
from pathlib import Path

import pytest
from support.snapshot import contents
from support.table import cases

from certboot import files, ownership
from certboot.files import UnreadableError, read_text


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "folder"
    path.mkdir()
    return path


def modes(path: Path) -> str:
    return oct(path.stat().st_mode & 0o7777)


LARGEST = 64 * 1024
OTHERS = "others may write to it"


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


def test_a_file_that_is_too_large_or_grows_while_it_is_read_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = folder / "file"
    file.write_bytes(bytes(LARGEST + 1))
    assert refused(file) == "over 64 KiB, which no such file has"
    os.truncate(file, 1 << 40)  # a hole, which takes no place on the disk
    assert refused(file) == "over 64 KiB, which no such file has"
    with pytest.raises(OSError, match="over 3 MiB"):
        files.read_regular(Path("/proc/kallsyms"), 3 * 1024 * 1024)
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
def test_nothing_else_is_read_or_waited_for_and_the_reason_is_said_and_no_descriptor_is_left_open(folder: Path) -> None:
    others = irregular(folder)
    (folder / "large").write_bytes(bytes(LARGEST + 1))
    (folder / "link").symlink_to("large")
    before = len(os.listdir("/proc/self/fd"))
    for words, path in others.items():
        assert refused(path) == words.strip()
    assert refused(folder / "link", follow=False) == "a link, not a regular file"
    assert refused(folder / "link") == "over 64 KiB, which no such file has"
    assert len(os.listdir("/proc/self/fd")) == before


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


@pytest.mark.timeout(10)
def test_who_would_read_for_ever_is_told_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    others = irregular(folder)
    endless = {path: words.strip() for words, path in others.items() if "not a regular" in words}
    for path, words in endless.items():
        with pytest.raises(files.NotRegularError, match=words):
            files.refuse_endless(path)
        for value in (str(path), f"{folder}:{path}"):
            monkeypatch.setenv("SSL_CERT_DIR", value)
            with pytest.raises(files.NotRegularError, match=f"SSL_CERT_DIR names {words}: {path}"):
                files.refuse_endless_trust()
    (folder / "file").write_bytes(b"a")
    hashed = folder / "0123abcd.0"
    for path in {*others.values(), Path("/dev/null"), folder / "file"} - endless.keys():
        files.refuse_endless(path)
    for target in ("file", "missing", os.curdir, "/dev/null"):  # what OpenSSL opens in a folder comes to an end
        hashed.symlink_to(target)
        files.refuse_endless(folder)
        hashed.unlink()
    os.mkfifo(hashed)
    with pytest.raises(files.NotRegularError, match="a pipe, not a regular file"):
        files.refuse_endless(folder)
    if os.access("/proc/kmsg", os.R_OK):
        assert refused(Path("/proc/kmsg")) == "something that waits for more, not a regular file"


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


def test_write_new_never_overwrites_and_replace_puts_the_new_file_in_place_of_the_old(folder: Path) -> None:
    files.write_new(folder / "file", b"old")
    with pytest.raises(FileExistsError):
        files.write_new(folder / "file", b"new")
    assert contents(folder) == {"file": b"old"}
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


def test_a_link_is_replaced_in_one_step_or_stays(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / f".current.{os.getpid()}").write_text("of a run that was killed and had the same process id")
    for target in ("one", "two"):
        files.replace_link(folder / "current", target)
        assert contents(folder) == {"current": target.encode()}

    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(PermissionError):
        files.replace_link(folder / "current", "three")
    assert contents(folder) == {"current": b"two"}


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


# The text of a settings file


def test_a_text_is_read_with_its_lines_ended_alike_and_what_is_not_there_has_none(folder: Path) -> None:
    path = folder / "settings"
    path.write_bytes(b"\xef\xbb\xbfone\r\ntwo\rthree\xff\n")
    assert read_text(path) == "one\ntwo\nthree\N{REPLACEMENT CHARACTER}\n"
    path.write_bytes(b"")
    assert read_text(path) == ""
    (folder / "dangling").symlink_to("nothing")
    for other in (folder / "none", path / "below", folder / "dangling", Path("/dev/null"), Path("/dev/zero")):
        assert read_text(other) is None


@pytest.mark.timeout(10)
def test_nobody_is_waited_for_and_nothing_is_read_for_ever(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(folder / "pipe")
    path = folder / "large"
    path.write_bytes(b"a" * files.SMALL)
    assert len(read_text(path) or "") == files.SMALL
    os.truncate(path, 1 << 40)  # a hole, which takes no place on the disk
    for other, words in (
        (folder / "pipe", "a pipe, not a regular file"), (folder, "a folder, not a file"), (path, "over 1 MiB"),
        (Path("a\0b"), "no path that a file can have"),
    ):  # fmt: skip
        with pytest.raises(UnreadableError, match=words):
            read_text(other)

    def denied(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", denied)
    with pytest.raises(UnreadableError, match="Permission denied"):
        read_text(path)
