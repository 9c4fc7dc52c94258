"""Who else could change a file: its mode and owner, and those of every folder and link above it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from support.table import cases

import certboot_startup
from certboot import ownership
from certboot.errors import SourceError

OTHERS = "others may write to it"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "folder"
    path.mkdir()
    return path


def test_a_place_of_ones_own_is_safe_whether_it_exists_or_not(folder: Path) -> None:
    for path in (folder, folder / "not" / "there" / "yet"):
        assert (ownership.exposed(path), ownership.exposed_above(path)) == ("", None)


@cases("mode", [0o777, 0o775, 0o757, 0o1777, 0o755, 0o700])
def test_what_a_group_or_everybody_may_write_is_exposed_above_only_what_everybody_may_without_the_sticky_bit(
    folder: Path, mode: int
) -> None:
    above = folder / "above"
    (above / "mine").mkdir(parents=True)
    (above / "file").touch()
    (folder / "link").symlink_to(above / "mine")  # the folders above its real place count too
    for path in (above / "file", above):
        path.chmod(mode)
        assert ownership.exposed(path) == (OTHERS if mode & 0o022 else "")
    expected = (above, OTHERS) if mode & 0o002 and not mode & 0o1000 else None
    for path in (above / "mine" / "store", folder / "link" / "store"):
        assert ownership.exposed_above(path) == expected


@cases("mode", [0o664, 0o646])
def test_a_remembered_place_that_others_may_write_is_refused_and_one_that_is_not_there(folder: Path, mode: int) -> None:
    """Between the look and the reading somebody else could put it there, in a folder like /tmp."""
    path = folder / "file"
    with pytest.raises(FileNotFoundError):
        ownership.refuse_exposed(path)
    path.touch()
    ownership.refuse_exposed(path)
    ownership.refuse_exposed(folder)
    path.chmod(mode)
    with pytest.raises(SourceError, match=OTHERS) as error:
        ownership.refuse_exposed(path)
    assert error.value.hint.startswith(f"chmod go-w {path}, ")


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
        assert ownership.exposed_above(path) == (folder / "open", OTHERS)


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
    assert ownership.exposed_above(Path("open/file")) == (folder / "open", OTHERS)


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


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may give a folder away")
def test_what_belongs_to_another_user_is_exposed(folder: Path) -> None:
    (folder / "theirs").mkdir()
    os.chown(folder / "theirs", 12345, -1)
    how = "it belongs to another user (uid 12345)"
    assert ownership.exposed(folder / "theirs") == how
    assert ownership.exposed_above(folder / "theirs" / "store") == (folder / "theirs", how)
    with pytest.raises(SourceError, match="it belongs to another user") as error:
        ownership.refuse_exposed(folder / "theirs")
    assert error.value.hint == "move them to a folder of your own"
