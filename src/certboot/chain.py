"""Which intermediates an anchor in the store vouches for, and what is wrong with the others. Pure: no I/O.

Every signature is checked. What was once checked is not checked again: bytes with the same SHA-256 have the same
signature.
"""

from __future__ import annotations

import typing
from collections import deque

from certboot.certs import is_signed_by
from certboot.subject_hash import comparable

if typing.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from certboot.model import Certificate


_ANY = float("inf")


class Link(typing.NamedTuple):
    """Where a certificate hangs: the certificate that signed it, and the anchor at the end of its chain."""

    issuer: str
    anchor: str


class _Place(typing.NamedTuple):
    certificate: Certificate
    anchor: str
    room: float
    """How many CA certificates may still follow (RFC 5280, 4.2.1.9)."""


def hang(
    intermediates: Iterable[Certificate], anchors: Iterable[Certificate], checked: Mapping[str, str]
) -> tuple[dict[str, Link], dict[str, tuple[str, str]]]:
    """Return fingerprint -> Link for each intermediate with a chain to an anchor, and -> (rule, reason) for the rest.

    Of several chains the shortest counts. ``checked`` holds certificate -> issuer, as fingerprints, of signatures that
    were found good before.
    """
    waiting: dict[bytes, list[Certificate]] = {}
    failed: dict[str, tuple[str, str]] = {}
    for certificate in intermediates:
        waiting.setdefault(comparable(certificate.issuer_name), []).append(certificate)
    hanging: dict[str, Link] = {}
    roomiest: dict[str, float] = {}
    places = deque(_Place(anchor, anchor.fingerprint, _room(anchor, _ANY)) for anchor in anchors)
    while places:
        place = places.popleft()
        for certificate in waiting.get(comparable(place.certificate.subject_name), ()):
            # A self-issued certificate (a CA's new key, signed with its old one) does not count.
            room = _room(certificate, place.room - (not certificate.self_issued))
            if certificate.fingerprint in roomiest and room <= roomiest[certificate.fingerprint]:
                continue
            defect = _defect(certificate, place, checked)
            if defect:
                if defect[0] != "no-issuer" or certificate.fingerprint not in failed:
                    failed[certificate.fingerprint] = defect
                continue
            # A longer chain is worth a second look only for what may still follow it.
            hanging.setdefault(certificate.fingerprint, Link(place.certificate.fingerprint, place.anchor))
            roomiest[certificate.fingerprint] = room
            places.append(_Place(certificate, place.anchor, room))
    missing = ("no-issuer", "its issuer is not in the store")
    unhung = (each.fingerprint for group in waiting.values() for each in group if each.fingerprint not in hanging)
    return hanging, {fingerprint: failed.get(fingerprint, missing) for fingerprint in unhung}


def _room(certificate: Certificate, left: float) -> float:
    return left if certificate.path_length is None else min(left, certificate.path_length)


def _defect(certificate: Certificate, issuer: _Place, checked: Mapping[str, str]) -> tuple[str, str] | None:
    wanted, key = certificate.authority_key_id, issuer.certificate.key_id
    if wanted and key and wanted != key:
        return "no-issuer", "its issuer is not in the store: the name is there with another key"
    if not issuer.room and not certificate.self_issued:
        return "path-length-exceeded", f"no CA may follow below {issuer.certificate.name}"
    # Where a client takes a certificate of the directory for an anchor (VERIFY_X509_PARTIAL_CHAIN), OpenSSL builds the
    # chain no further and knows only the constraints in it (check_name_constraints in crypto/x509/x509_vfy.c).
    if issuer.certificate.name_constrained:
        return "name-constrained", f"clients would not see to which names {issuer.certificate.name} limits it"
    if checked.get(certificate.fingerprint) == issuer.certificate.fingerprint:
        return None
    if not is_signed_by(certificate, issuer.certificate):
        return "invalid-signature", f"its signature is not that of {issuer.certificate.name}"
    return None
