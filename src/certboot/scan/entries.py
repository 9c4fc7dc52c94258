"""What is to be scanned: a host a line, read as it comes, so that a list may be of any length. Nothing is contacted."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from certboot.errors import CertbootError, printable, without_credentials
from certboot.net.address import SchemeError, parse_address
from certboot.net.target import Target

LONGEST = 4096
"""Bytes of a line; of a longer one only the beginning is looked at, and it is no host."""
_PIECE = 64 * 1024
_FIELDS = 2


@dataclass(frozen=True)
class Way:
    """How all the hosts of a list are asked."""

    starttls: str = ""
    """The protocol that begins in plain text, or empty for TLS from the first byte."""
    timeout: float = 10.0
    """Seconds for each host."""


@dataclass(frozen=True)
class Entry:
    """One line of a list that is neither empty nor a comment."""

    number: int
    """Its place among them, from 1 on."""
    text: str
    """What stands there, on one line, without a password that a URL may have."""
    target: Target | None
    problem: str = ""
    """Why it is no host, if it is none."""


def entries(lines: Iterable[bytes], way: Way) -> Iterator[Entry]:
    """Yield the entries of a list: HOST[:PORT] or a URL, and if there is a second field the address to connect to.

    What follows a # is a comment. A line that is no host is an entry too, with the reason.
    """
    for number, line in enumerate(filter(is_entry, lines), 1):
        yield _entry(number, line, way)


def is_entry(line: bytes) -> bool:
    """Return whether a line is more than a comment."""
    return bool(line.partition(b"#")[0].strip())


def lines(read: Callable[[int], bytes]) -> Iterator[bytes]:
    """Yield the lines of what ``read`` gives piece by piece, a longer one than LONGEST cut to LONGEST + 1 bytes."""
    left, skipping, first = b"", False, True
    while data := read(_PIECE):
        if first:
            data, first = data.removeprefix(codecs.BOM_UTF8), False
        *whole, left = (left + data).split(b"\n")
        for line in whole:
            if not skipping:
                yield line[: LONGEST + 1]
            skipping = False
        if len(left) > LONGEST:
            if not skipping:
                yield left[: LONGEST + 1]
            left, skipping = b"", True
    if left and not skipping:
        yield left


def _entry(number: int, line: bytes, way: Way) -> Entry:
    decoded = line.partition(b"#")[0].decode("utf-8", "backslashreplace")
    fields = [field for field in decoded.replace("\t", " ").strip(" \r\n").split(" ") if field]
    shown = printable(" ".join(without_credentials(field) for field in fields))
    if problem := _problem(line, fields):
        return Entry(number, shown, None, problem)
    try:
        host, port = parse_address(fields[0], way.starttls)
        connect = parse_address(fields[1], way.starttls, port) if len(fields) == _FIELDS else None
        return Entry(number, shown, Target(host, port, way.starttls, connect, timeout=way.timeout))
    except SchemeError as error:
        return Entry(number, shown, None, error.message)
    except CertbootError:  # with a message that repeats what was given, and so a password too
        return Entry(number, shown, None, f"not a host: {shown!r}")


def _problem(line: bytes, fields: list[str]) -> str:
    if len(line) > LONGEST:
        return f"a line of over {LONGEST} bytes"
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return "the line is not text in UTF-8"
    # urlsplit() would leave out control characters silently, and so make another host of it.
    if not all(field.isprintable() for field in fields):
        return "the line holds characters that cannot be printed"
    return "the line has more than a host and an address to connect to" if len(fields) > _FIELDS else ""
