"""The moment by which certificates are judged: the clock is read here and nowhere else, so that a test can set it."""

from __future__ import annotations

from datetime import datetime, timezone


def now() -> datetime:
    """Return this machine's time, in UTC."""
    return datetime.now(timezone.utc)  # noqa: TID251 - the one place
