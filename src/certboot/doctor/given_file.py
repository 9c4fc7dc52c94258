"""Reading a file that the user names, or what comes through a pipe: ``<(command)``, /dev/stdin."""

from __future__ import annotations

import os
import select
import stat
import time
import typing

from certboot.errors import SourceError

if typing.TYPE_CHECKING:
    from pathlib import Path

_PATIENCE = 30.0
"""Seconds in which all that comes through a pipe must have come."""
_AT_ONCE = 64 * 1024
_HINT = "check the path, and that you may read it"


def read(path: Path, largest: int) -> bytes:
    """Return the bytes of a file or a pipe, of one that is larger more than ``largest``; raises SourceError.

    Refused is what else there is, such as a device without an end, and a pipe that nobody writes into.
    """
    try:
        _refuse_device(path, os.stat(path))  # to open one may be to do something
        with open(path, "rb", opener=_without_waiting) as file:
            status = os.fstat(file.fileno())
            _refuse_device(path, status)  # it may be another one by now
            if stat.S_ISFIFO(status.st_mode):
                return _from_pipe(path, file.fileno(), largest)
            return file.read(largest + 1)
    except OSError as error:
        message = f"cannot read {path}: {error.strerror}"
        raise SourceError(message, _HINT) from error


def _refuse_device(path: Path, status: os.stat_result) -> None:
    # Opening a folder fails by itself.
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISFIFO(status.st_mode) or stat.S_ISDIR(status.st_mode)):
        message = f"neither a file nor a pipe: {path}"
        raise SourceError(message, "give a file of certificates")


def _without_waiting(path: str, flags: int) -> int:
    # Opening a pipe waits for its writer otherwise.
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _from_pipe(path: Path, descriptor: int, largest: int) -> bytes:
    until = time.monotonic() + _PATIENCE
    found = bytearray()
    while len(found) <= largest:
        try:
            part = os.read(descriptor, _AT_ONCE)
        except BlockingIOError:
            if select.select([descriptor], [], [], max(0.0, until - time.monotonic()))[0]:
                continue
            message = f"no end came through the pipe within {_PATIENCE:.0f} seconds: {path}"
            raise SourceError(message, "write into a file what comes through it, and give that") from None
        if not part:
            break
        found += part
    if not found:
        message = f"nothing comes through the pipe: {path}"
        raise SourceError(message, "see whether what should write into it has ended, and with what message")
    return bytes(found)
