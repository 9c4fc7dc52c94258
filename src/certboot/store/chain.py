"""Which intermediates an anchor in the store vouches for, and what is wrong with the others. Pure: no I/O.

Every signature is checked. What was once checked is not checked again: bytes with the same SHA-256 have the same
signature.
"""

from __future__ import annotations

import typing
from collections import deque

from certboot.pki.certificate import is_signed_by
from certboot.pki.parsed import parsed_certificate
from certboot.pki.subject_hash import comparable

if typing.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from certboot.model import Certificate

_ANY = float("inf")
_LEAST_STRENGTH = 112  # bits, what OpenSSL asks for at Python's security level 2


class Link(typing.NamedTuple):
    """Where a certificate hangs: the certificate that signed it, and the anchor at the end of its chain."""

    issuer: str
    anchor: str


def link_intermediates(
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
    places = deque((anchor, anchor.fingerprint) for anchor in anchors)
    while places:
        issuer, anchor = places.popleft()
        for certificate in waiting.get(comparable(issuer.subject_name), ()):
            if certificate.fingerprint in hanging:
                continue
            defect = _defect(certificate, issuer, checked)
            if defect:
                if defect[0] != "no-issuer" or certificate.fingerprint not in failed:
                    failed[certificate.fingerprint] = defect
                continue
            hanging[certificate.fingerprint] = Link(issuer.fingerprint, anchor)
            places.append((certificate, anchor))
    missing = ("no-issuer", "its issuer is not in the store")
    unhung = (each.fingerprint for group in waiting.values() for each in group if each.fingerprint not in hanging)
    return hanging, {fingerprint: failed.get(fingerprint, missing) for fingerprint in unhung}


def weak_key(certificate: Certificate) -> tuple[str, str] | None:
    """Return the rule by which OpenSSL lets nobody sign with the key of this certificate, and the reason."""
    key, strength = parsed_certificate(certificate.der).key
    return None if strength >= _LEAST_STRENGTH else ("weak-key", f"the key of {certificate.name} is {key}")


def weak_signature(certificate: Certificate) -> tuple[str, str] | None:
    """Return the rule by which OpenSSL does not believe the signature on this certificate, and the reason."""
    digest, strength = parsed_certificate(certificate.der).signature
    return None if strength >= _LEAST_STRENGTH else ("weak-signature", f"it is signed with {digest}")


def overlooked(issuer: Certificate, certificate: Certificate) -> tuple[str, str] | None:
    """Return the rule that keeps ``certificate`` out of the store for what clients would no longer see of its issuer.

    Where a client takes a certificate of the directory for an anchor (VERIFY_X509_PARTIAL_CHAIN), OpenSSL builds the
    chain no further. What stands above limits nothing then, and is not refused for anything (check_extensions(),
    check_name_constraints() and check_auth_level() in crypto/x509/x509_vfy.c). So a certificate may be stored only
    where all of that is written in itself too. Of the purpose the policy sees to in every certificate by itself.
    """
    if issuer.name_constrained:
        return "name-constrained", f"clients would not see to which names {issuer.name} limits it"
    # A self-issued certificate (a CA's new key, signed with its old one) does not count (RFC 5280, 4.2.1.9).
    if room_below(issuer) - (not certificate.self_issued) < room_below(certificate):
        return "path-length-limited", f"clients would not see how few CAs {issuer.name} lets follow below it"
    return _refused_for_all(issuer) or weak_signature(certificate)


def _refused_for_all(issuer: Certificate) -> tuple[str, str] | None:
    """Return why OpenSSL refuses whatever ``issuer`` stands above, as long as it sees that one."""
    if issuer.unhandled_critical:
        return "unhandled-critical", f"its issuer has a critical extension that OpenSSL does not know: {issuer.name}"
    return weak_key(issuer)


def room_below(certificate: Certificate) -> float:
    """Return how many CA certificates may follow (RFC 5280, 4.2.1.9)."""
    return _ANY if certificate.path_length is None else certificate.path_length


def _defect(certificate: Certificate, issuer: Certificate, checked: Mapping[str, str]) -> tuple[str, str] | None:
    wanted, key = certificate.authority_key_id, issuer.key_id
    if wanted and key and wanted != key:
        return "no-issuer", "its issuer is not in the store: the name is there with another key"
    if not room_below(issuer) and not certificate.self_issued:
        return "path-length-exceeded", f"no CA may follow below {issuer.name}"
    unseen = overlooked(issuer, certificate)
    if unseen:
        return unseen
    if checked.get(certificate.fingerprint) == issuer.fingerprint:
        return None
    if not is_signed_by(certificate, issuer):
        return "invalid-signature", f"its signature is not that of {issuer.name}"
    return None
