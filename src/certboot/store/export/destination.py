"""Where an export goes. It is whole or not there: written beside its place, then renamed into it.

What stands there already is replaced only if it may be (``force``), and only if it is of the kind that an export makes.
p11-kit's ``trust extract --overwrite`` deletes every other file of a directory; nothing is deleted here that is not
known to come from an export.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import stat
import tempfile
import typing
from pathlib import Path

from certboot import files
from certboot.errors import CertbootError
from certboot.pki import pem
from certboot.store.export.pem import Directory
from certboot.store.paths import CERTIFICATE, LINK


def write_file(path: Path, data: bytes, *, force: bool) -> None:
    """Put a file at ``path``, readable for everybody; raises CertbootError. Follows no symbolic link there."""
    with _reported(path):
        mode = _mode(path)
        if mode is not None and not stat.S_ISREG(mode):
            # A device or pipe must not be replaced by a file, nor the link through which a system names one.
            raise CertbootError(f"not a regular file: {path}", f"{_elsewhere(path, mode)}- stands for standard output")
        _refuse_without(force or mode is None, path)
        files.replace(path, data)


def write_directory(path: Path, content: Directory, *, force: bool) -> None:
    """Put a directory at ``path``, readable for everybody; raises CertbootError.

    One that is empty is taken; one that an export has made is replaced by exactly this content. There is a moment
    without it: directories cannot be exchanged in one step everywhere. If the power fails then, both lie beside it.
    """
    target = Path(os.path.abspath(path))
    with _reported(path):
        mode = _mode(target)
        if mode is not None and not stat.S_ISDIR(mode):
            message = f"not a directory: {path}"
            raise CertbootError(message, f"{_elsewhere(path, mode)}name one that is empty, or does not exist yet")
        old = _earlier_export(target) if mode is not None else ()
        _refuse_without(force or not old, path)
        partial = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".partial", dir=target.parent))
        try:
            content.write(partial)
            partial.chmod(files.FOLDER_MODE)
            for part in (*(partial / name for name in content.files), partial):
                files.sync(part)
            _put(partial, target, None if mode is None else old)
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def _mode(path: Path) -> int | None:
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        return os.lstat(path).st_mode
    if not path.parent.is_dir():
        raise CertbootError(f"there is no such folder: {path.parent}", "make it first")
    return None


def _elsewhere(path: Path, mode: int) -> str:
    return f"it is a link; name what it leads to, {os.path.realpath(path)}; " if stat.S_ISLNK(mode) else ""


def _refuse_without(allowed: object, path: Path) -> None:
    if not allowed:
        raise CertbootError(f"something stands there already: {path}", "--force replaces it")


@contextlib.contextmanager
def _reported(path: Path) -> typing.Iterator[None]:
    try:
        yield
    except OSError as error:
        message = f"cannot write {path}: {error.strerror or error}"
        raise CertbootError(message, "name a place that you may write to; what was there still is") from error


def _earlier_export(folder: Path) -> tuple[str, ...]:
    """Return the names in a directory that holds nothing but what an export makes; raises CertbootError or OSError."""
    with os.scandir(folder) as scan:
        entries = sorted(scan, key=lambda entry: entry.name)
    small = filter(_small_file, entries)
    texts = {entry.name: files.read_regular(entry.path, files.SMALL, follow=False) for entry in small}
    held = {name: text for name, text in texts.items() if _is_exported(name, text)}
    for entry in entries:
        is_link = re.fullmatch(LINK, entry.name) and (
            os.readlink(entry.path) in held if entry.is_symlink() else texts.get(entry.name) in held.values()
        )
        if entry.name not in held and not is_link:
            message = f"a directory with other things in it is not replaced: {entry.path}"
            raise CertbootError(message, "name a directory that is empty, or does not exist yet")
    return tuple(entry.name for entry in entries)


def _small_file(entry: os.DirEntry[str]) -> bool:
    return entry.is_file(follow_symlinks=False) and entry.stat(follow_symlinks=False).st_size <= files.SMALL


def _is_exported(name: str, text: bytes) -> bool:
    match = re.fullmatch(CERTIFICATE, name)
    if not match:
        return False
    digests = [hashlib.sha256(block.data or b"").hexdigest() for block in pem.blocks(text)]
    return len(digests) == 1 and digests[0].startswith(match[1])


def _put(partial: Path, target: Path, old: tuple[str, ...] | None) -> None:
    """Rename ``partial`` to ``target``, where something with the names ``old`` stands, or nothing (None)."""
    if old is None:
        os.rename(partial, target)
    else:
        aside = partial.with_suffix(".old")
        os.rename(target, aside)
        try:
            os.rename(partial, target)
        except BaseException:
            os.rename(aside, target)
            raise
        # By their names: what somebody has put there in the meantime stays, and its directory with it.
        with contextlib.suppress(OSError):
            for name in old:
                os.unlink(aside / name)
            os.rmdir(aside)
    with contextlib.suppress(OSError):
        files.sync(target.parent)
