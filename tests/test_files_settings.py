from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.table import cases

from certboot import files
from certboot.files import UnreadableError, read_text


def test_a_file_is_read_with_its_lines_ended_alike(tmp_path: Path) -> None:
    path = tmp_path / "settings"
    path.write_bytes(b"\xef\xbb\xbfone\r\ntwo\rthree\xff\n")
    assert read_text(path) == "one\ntwo\nthree\N{REPLACEMENT CHARACTER}\n"


def test_what_is_not_there_has_no_text(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "dangling").symlink_to("nothing")
    for path in (tmp_path / "none", tmp_path / "file" / "below", tmp_path / "dangling"):
        assert read_text(path) is None
    assert read_text(tmp_path / "file") == ""


@cases("device", ["/dev/null", "/dev/zero"])
def test_a_device_has_no_text_and_is_not_read(device: str) -> None:
    assert read_text(Path(device)) is None


@pytest.mark.timeout(10)
def test_nobody_is_waited_for_at_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UnreadableError, match="a pipe, not a regular file"):
        read_text(tmp_path / "pipe")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match="a folder, not a file"):
        read_text(tmp_path)


def test_a_file_without_an_end_is_not_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.write_bytes(b"a" * files.SMALL)
    assert len(read_text(path) or "") == files.SMALL
    os.truncate(path, 1 << 40)  # a hole, which takes no place on the disk
    with pytest.raises(UnreadableError, match="over 1 MiB"):
        read_text(path)


def test_what_may_not_be_read_is_said_in_the_systems_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()

    def denied(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", denied)
    with pytest.raises(UnreadableError, match="Permission denied"):
        read_text(tmp_path / "file")


def test_a_path_that_no_system_takes_is_an_error_of_this_kind_too() -> None:
    with pytest.raises(UnreadableError, match="no path that a file can have"):
        read_text(Path("a\0b"))
