"""Whether the store is as new as what it is made from."""

from __future__ import annotations

import re
import typing
from datetime import timedelta

from certboot.doctor.environment.clock import parsed
from certboot.model import Finding
from certboot.sources import certifi
from certboot.store import freshness

if typing.TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from certboot.doctor.store.drift import Difference
    from certboot.store.config import Config
    from certboot.store.generation import Generation
    from certboot.store.paths import StorePaths

_GROUP = "store"
_UPDATE = (("certboot", "update"),)
USUAL = timedelta(days=30)
"""After this time without a look at the sources the doctor says so; config.toml's ``max-age`` takes its place."""


def check_age(
    paths: StorePaths,
    current: Generation,
    config: Config | None,
    differences: tuple[Difference, ...],
    now: datetime,
) -> list[Finding]:
    """Return a finding for what has changed since the store was made, and for a store that is old."""
    return [*_stale(differences), *_old(paths, current, config, now)]


def _stale(differences: tuple[Difference, ...]) -> Iterator[Finding]:
    changed = [one for one in differences if one.differs]
    if changed:
        parts = [
            f"{one.source} ({', '.join(filter(None, (_said(one.new, 'more'), _said(one.gone, 'fewer'))))})"
            for one in changed
        ]
        evidence: dict[str, object] = {
            "sources": [one.source for one in changed],
            "recorded": {one.source: one.recorded for one in changed},
            "read": {one.source: one.detail for one in changed},
        }
        summary = f"it is not what its sources have now: {'; '.join(parts)}"
        yield Finding("store-stale", _GROUP, "warn", "store", summary, evidence, _UPDATE)
        return
    for one in differences:
        if one.source == certifi.NAME and one.chosen and _version(one.detail) > _version(one.recorded) > ():
            summary = f"made from certifi {one.recorded}; {one.detail} is installed, with the same certificates"
            evidence = {"recorded": {one.source: one.recorded}, "read": {one.source: one.detail}}
            yield Finding("store-stale", _GROUP, "info", "store", summary, evidence, _UPDATE)


def _old(paths: StorePaths, current: Generation, config: Config | None, now: datetime) -> Iterator[Finding]:
    last = freshness.read(paths.checked)
    when = last.when if last else parsed(current.record.created)
    chosen = config.max_age if config else None
    limit = chosen or USUAL
    if when and now - when > limit:
        days = (now - when).days
        summary = f"its sources were last read {days} days ago, on {when:%Y-%m-%d}; the limit is {_days(limit)}"
        evidence: dict[str, object] = {"read": when.isoformat(), "days": days, "limit_seconds": limit.total_seconds()}
        yield Finding("store-old", _GROUP, "warn" if chosen else "info", "store", summary, evidence, _UPDATE)


def _said(what: tuple[str, ...], how: str) -> str:
    return f"{len(what)} {how}" if what else ""


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text))


def _days(limit: timedelta) -> str:
    return f"{limit.days} days" if limit.days else f"{int(limit.total_seconds() // 60)} minutes"
