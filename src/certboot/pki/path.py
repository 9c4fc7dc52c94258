"""The path from a leaf to an anchor as OpenSSL builds it: build_chain() in crypto/x509/x509_vfy.c."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from certboot.pki.openssl import NEWEST, OURS, Version, does
from certboot.pki.parsed import ParsedCertificate
from certboot.pki.subject_hash import comparable
from certboot.pki.verify_codes import Code

_LONGEST = 101


@dataclass(frozen=True)
class Path:
    """Certificates, leaf first. The first ``sent`` of them came from the server, the others from the active trust."""

    certificates: tuple[ParsedCertificate, ...]
    sent: int
    defect: int = 0
    """The X509_V_ERR_* by which the path ends without an anchor, or 0."""


def built(
    sent: Sequence[ParsedCertificate],
    anchors: Sequence[ParsedCertificate],
    at: datetime,
    *,
    partial: bool,
    openssl: Version = OURS,
) -> Path:
    """Return the path. Anchors go before what was sent; with ``partial`` the first of them ends the path."""
    left = {member.certificate.der: member for member in sent}  # each once, and what is in the path no more
    path, used = [left.pop(sent[0].certificate.der)], 1
    while len(path) < _LONGEST:
        top = path[-1]
        itself = is_self_signed(top, openssl)
        issuer = _best(_issuers(top, anchors, openssl), at)
        if issuer and itself:
            # A certificate of the same name as an anchor must be that very certificate.
            return (
                Path(tuple(path), used - 1)
                if top in anchors
                else _ended(path, used, anchors, itself=itself, partial=partial)
            )
        if issuer:
            if issuer in path:  # two that name each other as issuer: OpenSSL goes round until the path is too long
                break
            path.append(issuer)
            if partial or is_self_signed(issuer, openssl):
                return Path(tuple(path), used)
            left.clear()
            continue
        issuer = None if itself else _best(_issuers(top, left.values(), openssl), at)
        if issuer is None:
            return _ended(path, used, anchors, itself=itself, partial=partial)
        path.append(issuer)
        del left[issuer.certificate.der]
        used += 1
    return Path(tuple(path), used, Code.CERT_CHAIN_TOO_LONG)


def _ended(
    path: list[ParsedCertificate],
    used: int,
    anchors: Sequence[ParsedCertificate],
    *,
    itself: bool,
    partial: bool,
) -> Path:
    """Return the path without an issuer for its last; ``itself``: which is one that signs itself."""
    links = tuple(path)
    if used == len(path):
        if partial and path[0] in anchors:
            return Path(links[:1], 0)
        if itself:
            single = len(path) == 1
            return Path(links, used, Code.DEPTH_ZERO_SELF_SIGNED_CERT if single else Code.SELF_SIGNED_CERT_IN_CHAIN)
        return Path(links, used, Code.UNABLE_TO_GET_ISSUER_CERT_LOCALLY)
    return Path(links, used, Code.UNABLE_TO_GET_ISSUER_CERT)


def is_issuer(issuer: ParsedCertificate, of: ParsedCertificate, openssl: Version = NEWEST) -> bool:
    """Return whether by names, key identifiers and kind of key one may have issued the other.

    No signature is looked at. See ossl_x509_likely_issued() in OpenSSL's crypto/x509/v3_purp.c.
    """
    above, below = issuer.certificate.link, of.certificate.link
    if comparable(above.subject_name) != comparable(below.issuer_name):
        return False
    same_issuer = comparable(above.issuer_name) == comparable(below.issuer_name)
    if same_issuer and issuer.serial == of.serial and does(openssl, "same serial is same"):
        return is_self_signed(issuer, openssl)
    return of.identifies(issuer) and of.is_signed_as_by(issuer) and _reads(of, openssl)


def is_self_signed(member: ParsedCertificate, openssl: Version = OURS) -> bool:
    """Return whether this OpenSSL takes it for its own issuer (EXFLAG_SS)."""
    unseen = does(openssl, "own key id unseen") and member.certificate.link.self_issued
    return (member.is_self_signed or unseen) and _reads(member, openssl)


def _reads(member: ParsedCertificate, openssl: Version) -> bool:
    """Return whether this OpenSSL knows such a signature, and so the key that made it."""
    return not member.has_ml_dsa_signature or does(openssl, "ML-DSA")


def _issuers(of: ParsedCertificate, among: Iterable[ParsedCertificate], openssl: Version) -> list[ParsedCertificate]:
    return [candidate for candidate in among if is_issuer(candidate, of, openssl)]


def _best(candidates: Sequence[ParsedCertificate], at: datetime) -> ParsedCertificate | None:
    """Return the first that is valid, else the one that was last."""
    valid = (candidate for candidate in candidates if candidate.certificate.validity.covers(at))
    return next(valid, None) or max(
        candidates, key=lambda candidate: candidate.certificate.validity.not_after, default=None
    )
