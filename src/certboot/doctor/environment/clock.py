"""Whether this machine's clock can be right: not before what is already there, not after most of what is trusted."""

from __future__ import annotations

import re
import typing
from datetime import datetime, timedelta

from certboot import moment
from certboot.doctor.finding import Finding

if typing.TYPE_CHECKING:
    from collections.abc import Iterator

    from certboot.store.generations import Generation

NOTICEABLE = timedelta(minutes=10)
_CERTIFI = re.compile(r"(\d{4})\.(\d{1,2})\.(\d{1,2})")


def check(now: datetime, generation: Generation | None, certifi: str) -> list[Finding]:
    """Return a finding for a clock that is wrong, none for one that may be right. ``certifi`` is its version."""
    return [*_behind(now, passed(generation, certifi)), *_ahead(now, generation)]


def passed(generation: Generation | None, certifi: str) -> tuple[datetime, str] | None:
    """Return the latest moment that is known to have passed, and what happened then."""
    match = _CERTIFI.match(certifi)
    moments = (
        (moment.parsed(generation.record.created) if generation else None, "certboot's store was written"),
        (
            moment.parsed("{}-{:0>2}-{:0>2}".format(*match.groups())) if match else None,
            f"certifi {certifi} was put together",
        ),
    )
    return max(((when, event) for when, event in moments if when), default=None)


def _behind(now: datetime, latest: tuple[datetime, str] | None) -> Iterator[Finding]:
    if latest and now + NOTICEABLE < latest[0]:
        summary = f"it says {moment.shown(now)}, and {latest[1]} on {moment.shown(latest[0])}"
        more: dict[str, object] = {"clock": now.isoformat(), "passed": latest[0].isoformat(), "because": latest[1]}
        yield Finding("clock-behind", "environment", "fail", "clock", summary, more)


def _ahead(now: datetime, generation: Generation | None) -> Iterator[Finding]:
    ends = [end for entry in (generation.anchors if generation else ()) if (end := moment.parsed(entry.not_after))]
    expired = sum(end < now for end in ends)
    if expired * 2 > len(ends):
        summary = f"it says {moment.shown(now)}, when {expired} of the store's {len(ends)} anchors have expired"
        more: dict[str, object] = {"clock": now.isoformat(), "expired": expired, "anchors": len(ends)}
        yield Finding("clock-ahead", "environment", "fail", "clock", summary, more)
