"""A file that was read, or why it was not: one that is broken becomes a rejection, and the others still count."""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterable

from certboot.sources.candidates import Loaded, Rejection


class Content(typing.NamedTuple):
    """One file, or why it, or a whole directory, is not read."""

    path: str
    data: bytes = b""
    rule: str = ""
    reason: str = ""


def pieces(contents: Iterable[Content]) -> tuple[tuple[str, bytes], ...]:
    """Return what ``Unparsed`` knows them by."""
    return tuple((f"{path}: {reason}" if rule else path, data) for path, data, rule, reason in contents)


def parsed(contents: Iterable[Content], source: str, parse: Callable[[bytes, str], Loaded]) -> Loaded:
    """Return what ``parse`` makes of bytes and path of all that were read, and a rejection for each that was not."""
    from certboot.sources.extract import merged

    return merged(
        Loaded((), (Rejection(rule, source, path, reason),)) if rule else parse(data, path)
        for path, data, rule, reason in contents
    )
