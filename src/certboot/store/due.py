"""What of a store has ended, or soon does: its certificates, Mozilla's trust in them, and what was read of its sources.

Pure. The doctor and ``certboot list --expiring`` both go by it.
"""

from __future__ import annotations

import typing
from datetime import datetime, timedelta

from certboot.errors import counted
from certboot.moment import nears_its_end, parsed

if typing.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from certboot.store.manifest import Entry

SOON = timedelta(days=30)
"""So long before its end a certificate is due; one that lives for less than 90 days in the last third of its life."""
USUAL = timedelta(days=30)
"""After this time without a look at the sources a store is old; config.toml's ``max-age`` takes its place."""
# No public CA may issue for longer (Baseline Requirements, 6.3.2), so nothing that was issued in time is valid then.
_LONGEST = timedelta(days=398)

Kind: typing.TypeAlias = typing.Literal["expired", "expires", "distrusted", "distrust-after"]


class Due(typing.NamedTuple):
    """One thing that ends. A certificate that expires and is distrusted has two."""

    when: datetime
    kind: Kind
    """``distrust-after``: what begins later is not to be trusted; ``distrusted``: so long ago that nothing is."""
    entry: Entry


def due(entries: Iterable[Entry], now: datetime, span: timedelta | None = None) -> list[Due]:
    """Return what has ended or does within ``span``, the earliest first; without one, what does soon.

    Soon is not said of the intermediates that no server is known to need: of the CCADB's some end every month.
    """
    ending = (item for entry in entries for item in _of(entry, now, span))
    return sorted(ending, key=lambda item: (item.when, item.entry.name, item.entry.sha256))


def _of(entry: Entry, now: datetime, span: timedelta | None) -> Iterator[Due]:
    begin, end = datetime.fromisoformat(entry.not_before), datetime.fromisoformat(entry.not_after)
    soon = end <= now + span if span is not None else entry.bundled and nears_its_end(begin, end, now, SOON)
    if end <= now:
        yield Due(end, "expired", entry)
    elif soon:
        yield Due(end, "expires", entry)
    date = parsed(entry.distrust_after)
    if date and date < now - _LONGEST:
        yield Due(date, "distrusted", entry)
    elif date and date <= now + (SOON if span is None else span):
        yield Due(date, "distrust-after", entry)


def age(read: datetime, limit: timedelta | None, now: datetime) -> tuple[str, bool]:
    """Return in words when the sources were last read, and whether that is longer ago than ``limit``, or as usual."""
    limit = limit or USUAL
    days = (now - read).days
    ago = f"{counted(days, 'day')} ago" if days > 0 else "less than a day ago"
    words = f"its sources were last read {ago}, on {read:%Y-%m-%d}; the limit is {_days(limit)}"
    return words, now - read > limit


def _days(limit: timedelta) -> str:
    return counted(limit.days, "day") if limit.days else counted(int(limit.total_seconds() // 60), "minute")
