"""Which certificates of a store a person means: by fingerprint prefix or name, by role, source or expiry. Pure."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from certboot.errors import StoreError, printable
from certboot.pki.fingerprint import plain
from certboot.store.manifest import Entry, Manifest

_PREFIX = re.compile(r"[0-9a-f]{4,64}")
_SHOWN = 10


def find(record: Manifest, text: str) -> Entry:
    """Return the one certificate that ``text`` names; raises StoreError for none or several, and lists them.

    A prefix of its SHA-256 (four digits or more; colons and case do not matter), its name, or a part of its subject.
    """
    prefix = plain(text)
    wanted = text.casefold() if text.strip() else "\0"  # nothing names nobody
    ways = (
        [entry for entry in record.certificates if _PREFIX.fullmatch(prefix) and entry.sha256.startswith(prefix)],
        [entry for entry in record.certificates if entry.name.casefold() == wanted],
        [entry for entry in record.certificates if wanted in entry.subject.casefold()],
    )
    named = next((entries for entries in ways if entries), [])
    if not named:
        raise StoreError(f"no certificate of the store is named by {text!r}", "certboot list shows them all")
    if len(named) > 1:
        some = "".join(f"\n  {entry.sha256[:16]}  {printable(entry.name)}" for entry in named[:_SHOWN])
        more = f"\n  and {len(named) - _SHOWN} more" if len(named) > _SHOWN else ""
        raise StoreError(f"{text!r} names {len(named)} certificates", f"give more digits of one of these{some}{more}")
    return named[0]


def choose(
    record: Manifest, *, role: str = "", source: str = "", expiring: timedelta | None = None, now: datetime
) -> tuple[Entry, ...]:
    """Return the certificates of this role, from this source, that expire within this span; each only if given."""
    return tuple(
        entry
        for entry in record.certificates
        if (not role or entry.role == role)
        and (not source or any(reason.source == source for reason in entry.provenance))
        and (expiring is None or _end(entry) <= now + expiring)
    )


def first_outlived(record: Manifest) -> Entry | None:
    """Return which certificate ends first of those that signed one in the store that ends later.

    From then on clients that end a chain in the store (Python 3.13 and newer) still trust what is below it, until an
    update takes that out.
    """
    held = {entry.sha256: entry for entry in record.certificates}
    pairs = ((entry, held.get(entry.descent.issuer)) for entry in held.values())
    issuers = (issuer for entry, issuer in pairs if issuer and _end(issuer) < _end(entry))
    return min(issuers, key=_end, default=None)


def _end(entry: Entry) -> datetime:
    return datetime.fromisoformat(entry.not_after)


def difference(before: Manifest | None, after: Manifest) -> tuple[tuple[Entry, ...], tuple[Entry, ...]]:
    """Return the certificates that came and those that went. One that changes its role does both."""
    old = {(entry.sha256, entry.role): entry for entry in before.certificates} if before else {}
    new = {(entry.sha256, entry.role): entry for entry in after.certificates}
    came = tuple(entry for key, entry in new.items() if key not in old)
    return came, tuple(entry for key, entry in old.items() if key not in new)
