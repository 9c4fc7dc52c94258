"""What certifi and the system have that the store has not, and the other way. No certificate is parsed for it."""

from __future__ import annotations

import sys
import typing

from certboot.doctor.environment.trust_files import fingerprints
from certboot.errors import CertbootError
from certboot.model import Finding
from certboot.sources import certifi, system
from certboot.store.generation import has_source

if typing.TYPE_CHECKING:
    from collections.abc import Callable

    from certboot.sources.candidates import Unparsed
    from certboot.store.generation import Generation

_GROUP = "store"
# To read the keychain takes seconds.
_SLOW = ("darwin",)
_SHOWN = 10


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
        found.append(Finding("drift-system", _GROUP, "skip", system.NAME, summary))
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
        status = "warn" if one.chosen else "info"
        return Finding(kind, _GROUP, status, subject, f"cannot be compared: {one.error}", {"error": one.error})
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
    status = "info" if one.new or one.gone else "ok"
    return Finding(kind, _GROUP, status, subject, ", ".join(parts), evidence)
