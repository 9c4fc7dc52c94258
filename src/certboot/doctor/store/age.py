"""Whether the store is as new as what it is made from. No certificate is parsed for it."""

from __future__ import annotations

import sys
import typing

from certboot.clients.installed import numbers_in
from certboot.doctor.environment.trust_files import fingerprints
from certboot.doctor.finding import UPDATE, Finding
from certboot.errors import CertbootError, counted
from certboot.sources import certifi, system
from certboot.sources.table import SOURCES
from certboot.store import freshness
from certboot.store.due import USUAL, age

if typing.TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from certboot.doctor.finding import Status
    from certboot.sources.candidates import Unparsed
    from certboot.store.config import Config
    from certboot.store.generations import Generation
    from certboot.store.paths import StorePaths

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
    changed = [difference for difference in differences if difference.change]
    if changed:
        told = "; ".join(f"{difference.source} ({difference.change})" for difference in changed)
        evidence: dict[str, object] = {
            "sources": [difference.source for difference in changed],
            "recorded": {difference.source: difference.recorded for difference in changed},
            "read": {difference.source: difference.detail for difference in changed},
        }
        summary = f"it is not what its sources have now: {told}"
        yield Finding("store-stale", "store", "warn", "store", summary, evidence, UPDATE)
        return
    chosen = (difference for difference in differences if difference.source == certifi.NAME and difference.chosen)
    for source, _, now, before, *_ in chosen:
        if numbers_in(now) > numbers_in(before) > ():
            summary = f"made from certifi {before}; {now} is installed, with the same certificates"
            evidence = {"recorded": {source: before}, "read": {source: now}}
            yield Finding("store-stale", "store", "info", "store", summary, evidence, UPDATE)


def _old(paths: StorePaths, current: Generation, config: Config | None, now: datetime) -> Iterator[Finding]:
    read = freshness.last_read(paths.checked, current.record.created)
    chosen = config.max_age if config else None
    summary, old = age(read, chosen, now) if read else ("", False)
    if read and old:
        limit = (chosen or USUAL).total_seconds()
        evidence: dict[str, object] = {"read": read.isoformat(), "days": (now - read).days, "limit_seconds": limit}
        yield Finding("store-old", "store", "warn" if chosen else "info", "store", summary, evidence, UPDATE)


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
    def change(self) -> str:
        """What an update would bring and take, in words; "" for nothing."""
        words = ((self.new, "more"), (self.gone, "fewer"))
        return ", ".join(f"{len(names)} {word}" for names, word in words if names and self.chosen)


def compare(current: Generation) -> tuple[Difference, ...]:
    """Return the store beside each source that can be read by itself: certifi and the system."""
    slow = (system.NAME,) if sys.platform in _SLOW else ()
    return tuple(
        _difference(current, source.name, source.alone)
        for source in SOURCES
        if source.alone and source.name not in slow
    )


def check_drift(differences: tuple[Difference, ...]) -> list[Finding]:
    """Return one finding for each source."""
    findings = [_finding(difference) for difference in differences]
    if sys.platform in _SLOW:
        summary = "not compared: its keychain takes seconds to read; certboot update --dry-run does it"
        findings.append(Finding("drift-system", "store", "skip", system.NAME, summary))
    return findings


def _difference(current: Generation, source: str, read: Callable[[], Unparsed]) -> Difference:
    record = current.record
    chosen = source in record.choices.sources
    recorded = next((r.detail for e in record.certificates for r in e.provenance if r.source == source), "")
    try:
        pieces = read().pieces
    except CertbootError as error:
        return Difference(source, chosen, "", recorded, 0, (), 0, (), 0, error.message)
    have = fingerprints(data for _, data in pieces)
    held = {entry.given for entry in record.certificates}
    kept_out = {rejection.fingerprint for rejection in record.rejected} & have
    new = have - held - kept_out
    # What could not be read as a certificate was turned away without a fingerprint.
    unreadable = sum(rejection.source == source and not rejection.fingerprint for rejection in record.rejected)
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
        gone=tuple(e.name for e in record.certificates if e.is_from((source,)) and e.given not in have),
        elsewhere=sum(entry.given not in have for entry in anchors),
    )


def _finding(difference: Difference) -> Finding:
    kind, subject = f"drift-{difference.source}", difference.source
    if difference.error:
        how: Status = "warn" if difference.chosen else "info"
        summary = f"cannot be compared: {difference.error}"
        return Finding(kind, "store", how, subject, summary, {"error": difference.error})
    evidence: dict[str, object] = {
        "certificates": difference.size,
        "new": list(difference.new[:_SHOWN]),
        "new_count": len(difference.new),
        "turned_away": difference.turned_away,
        "gone": list(difference.gone[:_SHOWN]),
        "gone_count": len(difference.gone),
        "elsewhere": difference.elsewhere,
        "read": difference.detail,
        "recorded": difference.recorded,
    }
    held = f"{difference.detail}: {counted(difference.size, 'certificate')}"
    parts = [held if difference.size else "has no certificates"]
    if difference.new:
        parts.append(f"{len(difference.new)} of them not in the store")
    if difference.turned_away:
        parts.append(f"{difference.turned_away} kept out by a rule")
    if difference.gone:
        parts.append(f"{len(difference.gone)} in the store that it has no longer, such as {difference.gone[0]}")
    parts.append(f"the store has {difference.elsewhere} more anchors from elsewhere")
    if not difference.chosen:
        parts.append("the store is not made from it")
    status: Status = "info" if difference.new or difference.gone else "ok"
    return Finding(kind, "store", status, subject, ", ".join(parts), evidence)
