"""The path from a leaf to an anchor as OpenSSL builds it: build_chain() in crypto/x509/x509_vfy.c."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from certboot.pki.parsed import ParsedCertificate
from certboot.pki.subject_hash import comparable, subject_hash
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
    sent: Sequence[ParsedCertificate], anchors: Sequence[ParsedCertificate], at: datetime, *, partial: bool
) -> Path:
    """Return the path. Anchors go before what was sent; with ``partial`` the first of them ends the path."""
    path, used = [sent[0]], 1
    left = list(sent[1:])
    while len(path) < _LONGEST:
        top = path[-1]
        issuer = _best(_issuers(top, anchors), at)
        if issuer and top.is_self_signed:
            # A certificate of the same name as an anchor must be that very certificate.
            return Path(tuple(path), used - 1) if top in anchors else _ended(path, used, anchors, partial=partial)
        if issuer in path:
            # Two that name each other as issuer: OpenSSL goes round until the path is too long.
            return Path(tuple(path), used, Code.CERT_CHAIN_TOO_LONG)
        if issuer:
            path.append(issuer)
            if partial or issuer.is_self_signed:
                return Path(tuple(path), used)
            left = []
            continue
        others = [] if top.is_self_signed else [member for member in left if member not in path]
        issuer = _best(_issuers(top, others), at)
        if issuer is None:
            return _ended(path, used, anchors, partial=partial)
        path.append(issuer)
        left.remove(issuer)
        used += 1
    return Path(tuple(path), used, Code.CERT_CHAIN_TOO_LONG)


def _ended(path: list[ParsedCertificate], used: int, anchors: Sequence[ParsedCertificate], *, partial: bool) -> Path:
    found = tuple(path)
    if used == len(path):
        if partial and path[0] in anchors:
            return Path(found[:1], 0)
        if path[-1].is_self_signed:
            single = len(path) == 1
            return Path(found, used, Code.DEPTH_ZERO_SELF_SIGNED_CERT if single else Code.SELF_SIGNED_CERT_IN_CHAIN)
        return Path(found, used, Code.UNABLE_TO_GET_ISSUER_CERT_LOCALLY)
    return Path(found, used, Code.UNABLE_TO_GET_ISSUER_CERT)


def is_issuer(issuer: ParsedCertificate, of: ParsedCertificate) -> bool:
    """Return whether by names and key identifiers one may have issued the other; no signature is looked at."""
    above, below = issuer.certificate, of.certificate
    if comparable(above.link.subject_name) != comparable(below.link.issuer_name):
        return False
    wanted = of.extension(x509.AuthorityKeyIdentifier)
    if wanted is None:
        return True
    if wanted.key_identifier and above.link.key_id and wanted.key_identifier != above.link.key_id:
        return False
    serial = wanted.authority_cert_serial_number
    if serial is not None and serial != issuer.parsed.serial_number:
        return False
    directories = [name for name in wanted.authority_cert_issuer or () if isinstance(name, x509.DirectoryName)]
    return not directories or directories[0].value == issuer.parsed.issuer


@functools.lru_cache(maxsize=4096)  # every link of a chain is compared with every anchor
def name_hash(name: bytes) -> str:
    """Return OpenSSL's hash of a DER Name."""
    return subject_hash(name)


def _issuers(of: ParsedCertificate, among: Iterable[ParsedCertificate]) -> list[ParsedCertificate]:
    return [candidate for candidate in among if is_issuer(candidate, of)]


def _best(candidates: Sequence[ParsedCertificate], at: datetime) -> ParsedCertificate | None:
    """Return the first that is valid, else the one that was last."""
    valid = (candidate for candidate in candidates if candidate.certificate.validity.covers(at))
    return next(valid, None) or max(
        candidates, key=lambda candidate: candidate.certificate.validity.not_after, default=None
    )
