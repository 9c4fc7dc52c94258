"""Whether the store is as new as what it is made from. No certificate is parsed for it."""

from __future__ import annotations

import re
import sys
import typing
from datetime import timedelta

from certboot.doctor.environment.trust_files import fingerprints
from certboot.doctor.finding import Finding
from certboot.errors import CertbootError
from certboot.moment import parsed
from certboot.sources import certifi, system
from certboot.store import freshness
from certboot.store.generations import has_source

if typing.TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from certboot.doctor.finding import Status
    from certboot.sources.candidates import Unparsed
    from certboot.store.config import Config
    from certboot.store.generations import Generation
    from certboot.store.paths import StorePaths

_UPDATE = (("certboot", "update"),)
USUAL = timedelta(days=30)
"""After this time without a look at the sources the doctor says so; config.toml's ``max-age`` takes its place."""
# To read the keychain takes seconds.
_SLOW = ("darwin",)
_SHOWN = 10


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
        yield Finding("store-stale", "store", "warn", "store", summary, evidence, _UPDATE)
        return
    for one in differences:
        if one.source == certifi.NAME and one.chosen and _version(one.detail) > _version(one.recorded) > ():
            summary = f"made from certifi {one.recorded}; {one.detail} is installed, with the same certificates"
            evidence = {"recorded": {one.source: one.recorded}, "read": {one.source: one.detail}}
            yield Finding("store-stale", "store", "info", "store", summary, evidence, _UPDATE)


def _old(paths: StorePaths, current: Generation, config: Config | None, now: datetime) -> Iterator[Finding]:
    last = freshness.read(paths.checked)
    when = last.when if last else parsed(current.record.created)
    chosen = config.max_age if config else None
    limit = chosen or USUAL
    if when and now - when > limit:
        days = (now - when).days
        summary = f"its sources were last read {days} days ago, on {when:%Y-%m-%d}; the limit is {_days(limit)}"
        evidence: dict[str, object] = {"read": when.isoformat(), "days": days, "limit_seconds": limit.total_seconds()}
        yield Finding("store-old", "store", "warn" if chosen else "info", "store", summary, evidence, _UPDATE)


def _said(what: tuple[str, ...], how: str) -> str:
    return f"{len(what)} {how}" if what else ""


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text))


def _days(limit: timedelta) -> str:
    return f"{limit.days} days" if limit.days else f"{int(limit.total_seconds() // 60)} minutes"


class Difference(typing.NamedTuple):
    """The store beside one source as that is now."""

    source: str
    chosen: bool
    """The store is made from it."""
    detail: str
    """The version, or the file, that was read now."""
    recorded: str
    """The same for when the store was made; empty where that is not known."""
    size: int
    new: tuple[str, ...]
    """SHA-256 of what the source has, and the store neither holds nor turned away."""
    turned_away: int
    """How many of the source's certificates a rule keeps out of the store."""
    gone: tuple[str, ...]
    """Names of what the store has from this source, and the source has no longer."""
    elsewhere: int
    """How many anchors the store has from elsewhere only."""
    error: str = ""
    """Why it could not be read."""

    @property
    def differs(self) -> bool:
        """Whether an update would bring or take something."""
        return self.chosen and bool(self.new or self.gone)


def compare(current: Generation) -> tuple[Difference, ...]:
    """Return the store beside certifi and beside the system."""
    readers: dict[str, Callable[[], Unparsed]] = {certifi.NAME: certifi.read}
    if sys.platform not in _SLOW:
        readers[system.NAME] = system.read
    return tuple(_difference(current, name, read) for name, read in readers.items())


def check_drift(differences: tuple[Difference, ...]) -> list[Finding]:
    """Return one finding for each source."""
    found = [_finding(difference) for difference in differences]
    if sys.platform in _SLOW:
        summary = "not compared: its keychain takes seconds to read; certboot update --dry-run does it"
        found.append(Finding("drift-system", "store", "skip", system.NAME, summary))
    return found


def _difference(current: Generation, source: str, read: Callable[[], Unparsed]) -> Difference:
    record = current.record
    chosen = source in record.choices.sources
    recorded = next((r.detail for e in record.certificates for r in e.provenance if r.source == source), "")
    try:
        pieces = read().pieces
    except CertbootError as error:
        return Difference(source, chosen, "", recorded, 0, (), 0, (), 0, error.message)
    have = fingerprints(data for _, data in pieces)
    held = {entry.sha256 for entry in record.certificates}
    kept_out = {each.fingerprint for each in record.rejected} & have
    new = have - held - kept_out
    # What could not be read as a certificate was turned away without a fingerprint.
    unreadable = sum(each.source == source and not each.fingerprint for each in record.rejected)
    if len(new) <= unreadable:
        new = frozenset()
    anchors = current.anchors
    return Difference(
        source=source,
        chosen=chosen,
        detail=pieces[0][0] if pieces else "",
        recorded=recorded,
        size=len(have),
        new=tuple(sorted(new)),
        turned_away=len(have - held) - len(new),
        gone=tuple(e.name for e in record.certificates if has_source(e, (source,)) and e.sha256 not in have),
        elsewhere=sum(entry.sha256 not in have for entry in anchors),
    )


def _finding(one: Difference) -> Finding:
    kind, subject = f"drift-{one.source}", one.source
    evidence: dict[str, object] = {
        "certificates": one.size,
        "new": list(one.new[:_SHOWN]),
        "new_count": len(one.new),
        "turned_away": one.turned_away,
        "gone": list(one.gone[:_SHOWN]),
        "gone_count": len(one.gone),
        "elsewhere": one.elsewhere,
        "read": one.detail,
        "recorded": one.recorded,
    }
    if one.error:
        how: Status = "warn" if one.chosen else "info"
        return Finding(kind, "store", how, subject, f"cannot be compared: {one.error}", {"error": one.error})
    parts = [f"{one.detail}: {one.size} certificates" if one.size else "has no certificates"]
    if one.new:
        parts.append(f"{len(one.new)} of them not in the store")
    if one.turned_away:
        parts.append(f"{one.turned_away} kept out by a rule")
    if one.gone:
        parts.append(f"{len(one.gone)} in the store that it has no longer, such as {one.gone[0]}")
    parts.append(f"the store has {one.elsewhere} more anchors from elsewhere")
    if not one.chosen:
        parts.append("the store is not made from it")
    status: Status = "info" if one.new or one.gone else "ok"
    return Finding(kind, "store", status, subject, ", ".join(parts), evidence)
