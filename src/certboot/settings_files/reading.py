"""Reading a file of somebody else's settings, whatever it turns out to be."""

from __future__ import annotations

import os
import stat
import typing

if typing.TYPE_CHECKING:
    from pathlib import Path

LARGEST = 1024 * 1024
_BYTE_ORDER_MARK = "\ufeff"


class UnreadableError(Exception):
    """Why a file is not read, in words."""


def read_text(path: Path) -> str | None:
    r"""Return the text of a file, its lines ended by \n; None where there is none, or a device such as /dev/null.

    Raises UnreadableError. Neither a pipe nor a file without an end is waited for.
    """
    try:
        if not _is_regular(os.stat(path)):
            return None
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with open(descriptor, "rb") as file:
            _is_regular(os.fstat(descriptor))  # it may be another one by now
            data = file.read(LARGEST + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:  # ValueError: a path with a zero byte in it
        raise UnreadableError(getattr(error, "strerror", None) or str(error)) from error
    if len(data) > LARGEST:
        message = f"over {LARGEST // 1024 // 1024} MiB, which no settings are"
        raise UnreadableError(message)
    text = data.decode("utf-8", "replace").removeprefix(_BYTE_ORDER_MARK)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _is_regular(status: os.stat_result) -> bool:
    """Return whether it is a regular file, or else a device; raises UnreadableError for any other thing."""
    if stat.S_ISREG(status.st_mode) or stat.S_ISCHR(status.st_mode):
        return stat.S_ISREG(status.st_mode)
    message = "a folder, not a file" if stat.S_ISDIR(status.st_mode) else "no regular file"
    raise UnreadableError(message)
