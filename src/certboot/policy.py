"""Which candidates become trust anchors, and by which rule the others do not. Pure: no I/O, and the time is given."""

from __future__ import annotations

import typing
from datetime import datetime, timezone

from certboot.model import Candidate, Certificate, Provenance, Rejection, TrustAnchor

if typing.TYPE_CHECKING:
    from collections.abc import Iterable


class Decision(typing.NamedTuple):
    """Every candidate, decided: the anchors in order of name, and the rejections in the order they came."""

    anchors: tuple[TrustAnchor, ...]
    rejections: tuple[Rejection, ...]


def decide(candidates: Iterable[Candidate], now: datetime) -> Decision:
    """Return the anchors among ``candidates``, one per fingerprint with all its sources, and the rejections.

    ``now`` is an aware datetime. Signatures are not checked: an anchor is believed because its source is.
    """
    certificates: dict[str, Certificate] = {}
    provenance: dict[str, list[Provenance]] = {}
    rejections: list[Rejection] = []
    since = f"{now.astimezone(timezone.utc):%Y-%m-%d}"
    for candidate in candidates:
        certificate = candidate.certificate
        broken = broken_rule(certificate, now)
        if broken:
            rule, reason = broken
            origin = (candidate.source, candidate.detail)
            rejections.append(Rejection(rule, *origin, reason, certificate.fingerprint, certificate.subject))
            continue
        certificates[certificate.fingerprint] = certificate
        reasons = provenance.setdefault(certificate.fingerprint, [])
        if all(known.source != candidate.source for known in reasons):
            reasons.append(Provenance(candidate.source, candidate.detail, since))
    anchors = [TrustAnchor(found, tuple(provenance[fingerprint])) for fingerprint, found in certificates.items()]
    anchors.sort(key=lambda anchor: (anchor.certificate.name.casefold(), anchor.certificate.fingerprint))
    return Decision(tuple(anchors), tuple(rejections))


def broken_rule(certificate: Certificate, now: datetime) -> tuple[str, str] | None:
    """Return the rule that keeps ``certificate`` from being a trust anchor and the reason in words, or None."""
    if not certificate.is_ca:
        return "not-a-ca", "it may not issue certificates (basicConstraints, keyUsage)"
    if not certificate.for_tls_servers:
        return "wrong-purpose", "its extended key usage leaves out TLS servers"
    if certificate.not_after < now:
        return "expired", f"it expired on {certificate.not_after:%Y-%m-%d}"
    if certificate.not_before > now:
        return "not-yet-valid", f"it is valid from {certificate.not_before:%Y-%m-%d} on"
    return None
