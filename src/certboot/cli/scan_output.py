"""Where the lines of a scan go: to standard output, or to a file that a later run can go on with."""

from __future__ import annotations

import contextlib
import io
import os
import stat
import sys
import typing

from certboot.cli.terminal import data
from certboot.errors import CertbootError

if typing.TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from certboot.scan.earlier import Earlier
    from certboot.scan.tally import Tally


@contextlib.contextmanager
def output(arguments: argparse.Namespace, tally: Tally, earlier: Earlier) -> Iterator[Callable[[str], None]]:
    """Yield what writes a line: to standard output, or to a file, of which the results so far are taken in first."""
    if not arguments.output:
        if arguments.resume:
            raise CertbootError("--resume goes with --output", "certboot scan --file FILE --output FILE --resume")
        yield _print
        return
    path: Path = arguments.output
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, flags | (0 if arguments.resume else os.O_EXCL), 0o666)
    except FileExistsError:
        message = f"the file is there already: {path}"
        raise CertbootError(message, "--resume goes on with a scan that was broken off; or write to another") from None
    except OSError as error:
        message = f"cannot write {path}: {error.strerror}"
        raise CertbootError(message, "check the path, and that you may write there") from error
    with open(descriptor, "r+b", buffering=0) as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            message = f"not a file that can be gone on with: {path}"
            raise CertbootError(message, "leave out --output to write to standard output")
        _take_in(file, path, tally, earlier)
        whole = "the results so far are whole; --resume goes on when there is room"
        hint = "make room, and merge into another file" if arguments.merge else whole
        yield lambda line: _append(file, path, line.encode("ascii"), hint)


def _take_in(file: io.FileIO, path: Path, tally: Tally, earlier: Earlier) -> None:
    """Take in what an earlier run wrote, and cut off a last line of ours that is not whole; raises CertbootError."""
    whole = 0
    reader = io.BufferedReader(file)
    for whole, result in earlier.read(reader, path):  # noqa: B007 - it is used below
        tally.add(result)
    reader.detach()
    if os.fstat(file.fileno()).st_size > whole:
        file.truncate(whole)


def _append(file: io.FileIO, path: Path, line: bytes, hint: str) -> None:
    """Write a whole line at the end of the file, or nothing; raises CertbootError."""
    before = file.seek(0, os.SEEK_END)
    written = 0
    try:
        while written < len(line):
            written += file.write(line[written:]) or 0
    except OSError as error:
        with contextlib.suppress(OSError):
            file.truncate(before)
        message = f"cannot write {path}: {error.strerror}"
        raise CertbootError(message, hint) from error


def _print(text: str) -> None:
    data(text.encode())
    sys.stdout.flush()
