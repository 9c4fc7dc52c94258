"""How long a certificate is valid, against the day on which it was examined: what a bar of it shows, and in words.

Pure. The bar spans the lifetime and that day, should it lie outside.
"""

from __future__ import annotations

import typing

from certboot.errors import counted
from certboot.pki.certificate import Validity

if typing.TYPE_CHECKING:
    from datetime import datetime, timedelta

Kind: typing.TypeAlias = typing.Literal["good", "soon", "over", "early"]
WIDTH = 400
_EDGE = 4


class Lifetime(typing.NamedTuple):
    """A bar: where the lifetime begins, how long it is, how much of it is over, and where the day stands."""

    kind: Kind
    """Soon: as ``Validity.ends_soon`` has it."""
    words: str
    begin: int
    length: int
    gone: int
    today: int


def lifetime(first: datetime, last: datetime, today: datetime) -> Lifetime | None:
    """Return the bar from one moment to another, or None where these are in no order."""
    if last <= first:
        return None
    start, whole = min(first, today), max(last, today) - min(first, today)

    def place(when: datetime) -> int:
        return _EDGE + round((WIDTH - 2 * _EDGE) * ((when - start) / whole))

    kind, words = _told(first, last, today)
    reached = min(max(today, first), last)
    length, gone = place(last) - place(first), place(reached) - place(first)
    return Lifetime(kind, words, place(first), length, gone, place(today))


def _told(first: datetime, last: datetime, today: datetime) -> tuple[Kind, str]:
    if today < first:
        return "early", f"begins in {_span(first - today)}"
    if last < today:
        return "over", f"ended {_span(today - last)} ago"
    left, whole = last - today, last - first
    return "soon" if Validity(first, last).ends_soon(today) else "good", f"{_span(left)} left of {_span(whole)}"


def _span(span: timedelta) -> str:
    return counted(span.days, "day") if span.days else counted(int(span.total_seconds()) // 3600, "hour")
