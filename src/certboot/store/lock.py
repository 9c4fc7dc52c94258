"""The locks of a store: that of whoever writes to it, and that of a command which goes by a store of its own."""

from __future__ import annotations

import contextlib
import os
import typing
from collections.abc import Callable, Iterator
from pathlib import Path

from certboot.errors import StoreError
from certboot.files import FILE_MODE

_SECONDS = 60


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the store's lock; raises StoreError when another certboot keeps it for a minute."""
    import filelock

    try:
        with filelock.FileLock(path, timeout=_SECONDS, mode=FILE_MODE):
            yield
    except PermissionError as error:
        if path.parent.stat().st_uid:
            raise
        message = f"this store is kept by root: certboot sees it, root changes it: {path.parent}"
        raise StoreError(message, "for one of your own: certboot init --home DIR, then CERTBOOT_HOME=DIR") from error
    except NotImplementedError as error:
        message = f"this file system has no locks: {path}"
        raise StoreError(message, "set CERTBOOT_HOME to a folder on another file system") from error
    except filelock.Timeout as error:
        message = f"another certboot has been at work for over {_SECONDS} seconds: {path}"
        raise StoreError(message, "wait for it to end, then try again") from error


class Hold(typing.NamedTuple):
    """A lock that is held, by this process and by those that inherit the descriptor, until the last of them ends."""

    descriptor: int
    """-1 where no other process can have it (Windows)."""
    release: Callable[[], None]


def hold(path: Path) -> Hold | None:
    """Take a lock that nobody has, and wait for none: None where somebody has it, or has just removed the file.

    Raises OSError. The system lets go of it when the last who has it ends, however that happens.
    """
    if os.name != "posix":
        import filelock

        lock = filelock.FileLock(path, timeout=0)
        try:
            lock.acquire()
        except filelock.Timeout:
            return None
        return Hold(-1, lock.release)
    import fcntl

    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, FILE_MODE)
    with contextlib.suppress(BlockingIOError, FileNotFoundError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(descriptor), os.stat(path)):
            return Hold(descriptor, lambda: os.close(descriptor))
    os.close(descriptor)
    return None
