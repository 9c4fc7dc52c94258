"""The moment by which certificates are judged: the clock is read here and nowhere else, so that a test can set it."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

_LAST_PART = 3
"""Of a life: when a third is left, renewal is due (https://eff-certbot.readthedocs.io)."""


def now() -> datetime:
    """Return this machine's time, in UTC."""
    return datetime.now(timezone.utc)  # noqa: TID251 - the one place


def shown(when: datetime) -> str:
    """Return a time in UTC for people."""
    return f"{when:%Y-%m-%d %H:%M} UTC"


def parsed(text: str) -> datetime | None:
    """Return a time in ISO 8601 in UTC, also where it names no zone; None for what is none of the years 1 to 9999."""
    try:
        when = datetime.fromisoformat(text.replace("Z", "+00:00"))
        return when.astimezone(timezone.utc) if when.tzinfo else when.replace(tzinfo=timezone.utc)
    except (ValueError, OverflowError):
        return None


def nears_its_end(begin: datetime, end: datetime, now: datetime, most: timedelta) -> bool:
    """Return whether what is valid then ends within ``most``, and within the last third of its life."""
    return now <= end < now + min(most, (end - begin) / _LAST_PART)
