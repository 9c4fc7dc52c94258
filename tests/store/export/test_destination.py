from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.exported import hostile, many
from support.snapshot import contents, snapshot
from support.table import cases

from certboot.errors import CertbootError
from certboot.store.export.destination import write_directory, write_file
from certboot.store.export.pem import Directory, pem_directory_hash

OLD, NEW = pem_directory_hash(hostile()), pem_directory_hash(many()[:5])


def written(content: Directory) -> dict[str, bytes]:
    return dict(sorted({**content.files, **{name: to.encode() for name, to in content.links.items()}}.items()))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "folder"
    made.mkdir()
    return made


@pytest.fixture
def exported(folder: Path) -> Path:
    """A directory that an earlier export has made."""
    write_directory(folder / "cas", OLD, force=False)
    return folder / "cas"


@pytest.fixture
def umask() -> Iterator[None]:
    """The umask of a careful user, for this test."""
    before = os.umask(0o077)
    yield
    os.umask(before)


# Files


@pytest.mark.usefixtures("umask")
def test_a_file_is_readable_for_everybody_and_one_that_is_there_is_replaced_only_by_force(folder: Path) -> None:
    write_file(folder / "file", b"old", force=False)
    assert contents(folder) == {"file": b"old"}
    assert stat.S_IMODE((folder / "file").stat().st_mode) == 0o644
    before = snapshot(folder)
    with pytest.raises(CertbootError, match="something stands there already") as refused:
        write_file(folder / "file", b"new", force=False)
    assert "--force" in refused.value.hint
    assert snapshot(folder) == before
    write_file(folder / "file", b"new", force=True)
    assert contents(folder) == {"file": b"new"}


@cases("kind", ["link", "dangling", "fifo", "folder", "standard output"])
def test_only_a_regular_file_is_ever_replaced(kind: str, folder: Path) -> None:
    path, target = folder / "file", folder / "target"
    target.write_bytes(b"old")
    if kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        path.symlink_to({"link": target, "dangling": folder / "nothing"}.get(kind, Path("/proc/self/fd/1")))
    for force in (False, True):
        with pytest.raises(CertbootError, match="not a regular file") as refused:
            write_file(path, b"new", force=force)
        assert kind != "link" or str(target) in refused.value.hint
    assert target.read_bytes() == b"old"
    assert stat.S_IFMT(path.lstat().st_mode) != stat.S_IFREG


def test_a_file_and_a_directory_need_a_folder(folder: Path) -> None:
    (folder / "file").touch()
    for parent in ("nothing", "file"):
        with pytest.raises(CertbootError, match=f"there is no such folder: .*{parent}"):
            write_file(folder / parent / "file", b"new", force=False)
    with pytest.raises(CertbootError, match=r"there is no such folder: .*nothing"):
        write_directory(folder / "nothing" / "cas", NEW, force=False)


def test_a_failure_leaves_the_old_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "file").write_bytes(b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CertbootError, match=r"cannot write .*: No space left on device"):
        write_file(folder / "file", b"new", force=True)
    assert contents(folder) == {"file": b"old"}


# Directories


@pytest.mark.usefixtures("umask")
@cases("there", [False, True], ids=["new", "empty"])
def test_a_directory_is_readable_for_everybody_and_nothing_lies_beside_it(folder: Path, *, there: bool) -> None:
    if there:
        (folder / "cas").mkdir()
    write_directory(folder / "cas", OLD, force=False)
    assert contents(folder / "cas") == written(OLD)
    assert [path.name for path in folder.iterdir()] == ["cas"]
    assert stat.S_IMODE((folder / "cas").stat().st_mode) == 0o755
    assert {stat.S_IMODE((folder / "cas" / name).stat().st_mode) for name in OLD.files} == {0o644}


def test_an_earlier_export_is_replaced_only_by_force(exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However its path is written, and where links could not be made and copies stand in their place."""
    before = snapshot(exported.parent)
    with pytest.raises(CertbootError, match="something stands there already"):
        write_directory(exported, NEW, force=False)
    assert snapshot(exported.parent) == before
    monkeypatch.chdir(exported)
    write_directory(Path(), NEW, force=True)
    assert contents(exported) == written(NEW)
    monkeypatch.chdir(exported.parent)
    write_directory(Path("other/../cas"), OLD, force=True)
    assert contents(exported) == written(OLD)
    for name, to in OLD.links.items():
        (exported / name).unlink()
        shutil.copyfile(exported / to, exported / name)
    write_directory(exported, NEW, force=True)
    assert contents(exported) == written(NEW)
    assert [path.name for path in exported.parent.iterdir()] == ["cas"]


def replace(path: Path, data: bytes) -> None:
    path.unlink()
    path.write_bytes(data)


def relink(path: Path, target: Path) -> None:
    path.unlink()
    path.symlink_to(target)


FILE, LINK, TEXT = next(iter(OLD.files)), next(iter(OLD.links)), next(iter(OLD.files.values()))
KEY = b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
ALIENS: dict[str, Callable[[Path], object]] = {
    "a file": lambda cas: (cas / "notes.txt").write_text("mine"),
    "a hidden file": lambda cas: (cas / ".hidden").touch(),
    "a folder": lambda cas: (cas / "sub").mkdir(),
    "a PEM file of another name": lambda cas: (cas / "corp.pem").write_bytes(TEXT),
    "another certificate": lambda cas: (cas / FILE).write_bytes(next(iter(NEW.files.values()))),
    "two certificates": lambda cas: (cas / FILE).write_bytes(TEXT * 2),
    "a private key": lambda cas: (cas / FILE).write_bytes(TEXT + KEY),
    "a large file": lambda cas: (cas / FILE).write_bytes(TEXT + b"\n" * 1024 * 1024),
    "no link": lambda cas: replace(cas / LINK, b"mine"),
    "a link to elsewhere": lambda cas: relink(cas / LINK, Path("/etc/hostname")),
    "a link in the place of a file": lambda cas: relink(cas / FILE, Path(next(iter(OLD.files)))),
}


@cases("alien", ALIENS.values())
def test_a_directory_with_other_things_in_it_is_never_replaced(alien: Callable[[Path], object], exported: Path) -> None:
    alien(exported)
    before = snapshot(exported.parent)
    for force in (False, True):
        with pytest.raises(CertbootError, match=r"a directory with other things in it is not replaced: .*cas/"):
            write_directory(exported, NEW, force=force)
    assert snapshot(exported.parent) == before


@cases("kind", ["file", "link", "dangling"])
def test_what_is_no_directory_is_never_replaced(kind: str, exported: Path) -> None:
    path = exported.parent / "path"
    if kind == "file":
        path.touch()
    else:
        path.symlink_to(exported if kind == "link" else "nothing")
    before = snapshot(exported.parent)
    for force in (False, True):
        with pytest.raises(CertbootError, match="not a directory") as refused:
            write_directory(path, NEW, force=force)
        assert kind != "link" or str(exported) in refused.value.hint
    assert snapshot(exported.parent) == before


@cases("step", [1, 2])
def test_a_failed_rename_leaves_the_old_directory(step: int, exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rename, calls = os.rename, 0

    def failing(source: Path, target: Path) -> None:
        nonlocal calls
        calls += 1
        if calls == step:
            raise OSError(16, "Device or resource busy")
        rename(source, target)

    monkeypatch.setattr(os, "rename", failing)
    with pytest.raises(CertbootError, match=r"cannot write .*cas: Device or resource busy"):
        write_directory(exported, NEW, force=True)
    assert contents(exported) == written(OLD)
    assert [path.name for path in exported.parent.iterdir()] == ["cas"]


def test_a_failure_or_interruption_leaves_nothing(exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for error, seen in ((KeyboardInterrupt(), KeyboardInterrupt), (OSError(28, "full"), CertbootError)):

        def failing(*_: object, error: BaseException = error) -> None:
            raise error

        monkeypatch.setattr("certboot.files.link", failing)
        with pytest.raises(seen):
            write_directory(exported, NEW, force=True)
        assert contents(exported) == written(OLD)
        assert [path.name for path in exported.parent.iterdir()] == ["cas"]


def test_what_somebody_puts_there_meanwhile_is_not_deleted(exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = Directory.write

    def busy(content: Directory, folder: Path) -> None:
        write(content, folder)
        (exported / "notes.txt").write_text("mine")

    monkeypatch.setattr(Directory, "write", busy)
    write_directory(exported, NEW, force=True)
    assert contents(exported) == written(NEW)
    (kept,) = exported.parent.glob(".cas.*.old")
    assert contents(kept) == {"notes.txt": b"mine"}
