"""Writing that is whole or not at all, readable for everybody and writable for its owner only, and the store's lock."""

from __future__ import annotations

import contextlib
import os
import re
import stat
import typing
from pathlib import Path

import certboot_startup
from certboot.errors import StoreError

if typing.TYPE_CHECKING:
    from collections.abc import Iterator

FILE_MODE = 0o644
FOLDER_MODE = 0o755
LINK = "a link"
_LOCK_SECONDS = 60
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


def exposed_itself(path: Path) -> str:
    """Return the same of what must not be a link either, since the hook passes none there."""
    return LINK if os.name == "posix" and path.is_symlink() else exposed(path)


def exposed_above(path: Path, *, groups: bool = False) -> tuple[Path, str] | None:
    """Return the folder or link by which others could put something else in the place of ``path``, and how, or None.

    The rule is the hook's own: ``certboot_startup.unsafe_part``. With ``groups`` a folder may be written to by any
    group, as an administrator gives one to those who look after programs and certificates (Debian's /usr/local and
    /usr/local/share/ca-certificates are of the group staff): what lies there is his to decide. No store may lie there.
    """
    whole = os.path.join(os.getcwd(), path)
    try:
        part = certboot_startup.unsafe_part(whole, 0o002 if groups else 0o022)
        return (Path(part), _how(part)) if part and (part != whole or os.path.islink(part)) else None
    except OSError:  # nothing is there yet, or it cannot be reached
        return None


def _how(part: str) -> str:
    found = os.lstat(part)
    if found.st_uid not in (0, os.geteuid()):
        return _belongs_to(found.st_uid)
    if stat.S_ISLNK(found.st_mode):
        return "a link that lies where others may write, or leads elsewhere than it says"
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return "others may write to it"
    return "it belongs to root, in a folder where others may write"


def _belongs_to(user: int) -> str:
    return f"it belongs to another user (uid {user})"


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
