"""Writing that is whole or not at all, readable for everybody and writable for its owner only, and the store's lock."""

from __future__ import annotations

import contextlib
import os
import re
import stat
import typing
from pathlib import Path

from certboot.errors import StoreError

if typing.TYPE_CHECKING:
    from collections.abc import Iterator

FILE_MODE = 0o644
FOLDER_MODE = 0o755
_LOCK_SECONDS = 60
_MOST_LINKS = 40  # Linux follows no more in one path
# What `replace` and `replace_link` write beside a file: it ends with tempfile's eight characters, or the process id.
_TEMPORARY = re.compile(r"\.(.+)\.(?:[a-z0-9_]{8}|[0-9]{1,7})")


def write_new(path: Path, data: bytes) -> None:
    """Write a file that must not exist yet; raises OSError. The caller makes it durable with ``sync``."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), FILE_MODE)
    with open(descriptor, "wb") as file:
        file.write(data)
        if os.name == "posix":
            os.fchmod(descriptor, FILE_MODE)  # whatever the umask: what matters is who can write


def replace(path: Path, data: bytes) -> None:
    """Put a whole file in the place of ``path`` in one step: a reader sees the old one or the new one."""
    import tempfile  # it and filelock cost more than a `certboot rehash` with nothing to do, which needs neither

    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            if os.name == "posix":
                os.fchmod(descriptor, FILE_MODE)
            os.fsync(descriptor)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    # The new one is in its place whatever the disk says now; a failure reported here would be a false one.
    with contextlib.suppress(OSError):
        sync(path.parent)


def replace_link(path: Path, target: str) -> None:
    """Make ``path`` a symbolic link to ``target`` in one step; raises OSError where links cannot be made."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with contextlib.suppress(FileNotFoundError):
        temporary.unlink()
    temporary.symlink_to(target)
    try:
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink()
        raise
    with contextlib.suppress(OSError):
        sync(path.parent)


def temporary_for(name: str) -> str:
    """Return the name of the file that one of the name ``name`` was to become, or "" where it is none of ours."""
    found = _TEMPORARY.fullmatch(name)
    return found[1] if found else ""


def make_folder(path: Path) -> None:
    """Make the folder, and those above it that are missing, whatever the umask: writable for the owner only."""
    if path.is_dir():
        return
    make_folder(path.parent)
    path.mkdir(FOLDER_MODE, exist_ok=True)
    if os.name == "posix":
        path.chmod(FOLDER_MODE)


def exposed(path: Path) -> str:
    """Return how somebody other than the user or root could change what is at ``path``, or "" if nobody could.

    What does not exist, or cannot be reached, is not exposed. Windows guards the profile by other means.
    """
    if os.name != "posix":
        return ""
    try:
        found = path.stat()
    except OSError:
        return ""
    if found.st_uid not in (0, os.geteuid()):
        return _belongs_to(found.st_uid)
    return "others may write to it" if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH) else ""


def exposed_above(path: Path) -> tuple[Path, str] | None:
    """Return the folder or link by which others could put something else in the place of ``path``, and how, or None.

    A folder that everybody may write to is safe with the sticky bit, as /tmp has it, for all but the links in it: who
    owns one can lead it elsewhere. One that a group may write to is accepted, because many systems give each user a
    group of their own.
    """
    if os.name != "posix":
        return None
    *above, _ = _passed(path)
    for place, is_link in reversed(above):  # the nearest is what the user knows
        if is_link:
            owner = place.lstat().st_uid
            if owner not in (0, os.geteuid()) and exposed(place.parent):
                return place, _belongs_to(owner)
            continue
        how = exposed(place)
        mode = place.stat().st_mode if how else 0
        if how.startswith("it belongs") or (mode & stat.S_IWOTH and not mode & stat.S_ISVTX):
            return place, how
    return None


def _belongs_to(user: int) -> str:
    return f"it belongs to another user (uid {user})"


def _passed(path: Path) -> Iterator[tuple[Path, bool]]:
    """Yield what the system passes on its way to ``path``, itself included, each with whether it is a symbolic link."""
    root, *names = path.absolute().parts
    at, links = Path(root), 0
    yield at, False
    while names:
        name = names.pop(0)
        if name == "..":
            at = at.parent  # no link: those were followed
            continue
        step = at / name
        try:
            target = Path(os.readlink(step))
        except OSError:  # no link, or not there
            at = step
            yield at, False
            continue
        yield step, True
        links += 1
        if links > _MOST_LINKS:
            return
        if target.is_absolute():
            at = Path(root)
        names[:0] = [part for part in target.parts if part != target.root]


def sync(path: Path) -> None:
    """Wait until the file or folder is on the disk. Windows has no such call for folders."""
    if os.name != "posix" and path.is_dir():
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the store's lock; raises StoreError when another certboot keeps it for a minute."""
    import filelock

    try:
        with filelock.FileLock(path, timeout=_LOCK_SECONDS, mode=FILE_MODE):
            yield
    except NotImplementedError as error:
        message = f"this file system has no locks: {path}"
        raise StoreError(message, "set CERTBOOT_HOME to a folder on another file system") from error
    except filelock.Timeout as error:
        message = f"another certboot has been at work for over {_LOCK_SECONDS} seconds: {path}"
        raise StoreError(message, "wait for it to end, then try again") from error
