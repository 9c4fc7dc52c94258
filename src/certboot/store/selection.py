"""Which certificates of a store a person means: by fingerprint prefix or name, by role or source. Pure."""

from __future__ import annotations

import re
import typing
from collections.abc import Iterable, Mapping
from datetime import datetime

from certboot.errors import StoreError, printable
from certboot.pki.fingerprint import plain, short
from certboot.store.manifest import Entry, Manifest

_PREFIX = re.compile(r"[0-9a-f]{4,64}")
_SHOWN = 10
_T = typing.TypeVar("_T")


class Known(typing.NamedTuple):
    """What a certificate is named by."""

    sha256: str
    name: str
    subject: str


def named(certificates: Iterable[Known], text: str) -> list[Known]:
    """Return those that ``text`` names.

    A prefix of the SHA-256 (four digits or more; colons and case do not matter), the name, or a part of the subject.
    """
    known = tuple(certificates)
    prefix = plain(text)
    wanted = text.strip().casefold() or "\0"  # nothing names nobody
    ways = (
        [member for member in known if _PREFIX.fullmatch(prefix) and member.sha256.startswith(prefix)],
        [member for member in known if member.name.casefold() == wanted],
        [member for member in known if wanted in member.subject.casefold()],
    )
    return next((members for members in ways if members), [])


def find(record: Manifest, text: str) -> Entry:
    """Return the one certificate that ``text`` names; raises StoreError for none or several, and lists them."""
    entries = {
        Known(fingerprint, entry.name, entry.subject): entry
        for entry in record.certificates
        for fingerprint in entry.fingerprints
    }
    return only(entries, text, "the store", "certboot list shows them all")


def only(members: Mapping[Known, _T], text: str, where: str, hint: str) -> _T:
    """Return the one of these that ``text`` names; raises StoreError for none or several, and lists them."""
    named_so: dict[_T, Known] = {}
    for known in named(members, text):
        named_so.setdefault(members[known], known)
    if not named_so:
        raise StoreError(f"no certificate of {where} is named by {text!r}", hint)
    if len(named_so) > 1:
        shown = [*named_so.values()][:_SHOWN]
        some = "".join(f"\n  {short(known.sha256)}  {printable(known.name)}" for known in shown)
        more = f"\n  and {len(named_so) - _SHOWN} more" if len(named_so) > _SHOWN else ""
        message = f"{text!r} names {len(named_so)} certificates"
        raise StoreError(message, f"give more digits of one of these{some}{more}")
    return next(iter(named_so))


def choose(record: Manifest, *, role: str = "", source: str = "") -> tuple[Entry, ...]:
    """Return the certificates of this role, from this source; each only if given."""
    return tuple(
        entry for entry in record.certificates if role in ("", entry.role) and (not source or entry.is_from([source]))
    )


def beyond(record: Manifest, source: str) -> tuple[Entry, ...]:
    """Return the anchors that this source does not have; raises StoreError where the store is not made from it."""
    if source not in record.choices.sources:
        message = f"the store is not made from this source, so that there is nothing to compare with: {source!r}"
        raise StoreError(message, f"it is made from {', '.join(record.choices.sources)}")
    anchors = (entry for entry in record.certificates if entry.role == "anchor")
    return tuple(entry for entry in anchors if not entry.is_from([source]))


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
