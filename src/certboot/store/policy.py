"""Which candidates enter the store, as anchor or intermediate, and by which rule the others do not.

Pure: no I/O, and the time is given. An anchor is believed because its source is; an intermediate only because of a
chain of checked signatures to an anchor. What was once checked is not checked again: bytes with the same SHA-256 have
the same signature.
"""

from __future__ import annotations

import dataclasses
import typing
from collections import deque
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone

from certboot.pki.certificate import Certificate, is_signed_by, signs_itself
from certboot.pki.rules import broken_rule, overlooked, room_below, unhandled
from certboot.pki.subject_hash import comparable
from certboot.sources.candidates import Candidate, Rejection
from certboot.store import stand_ins
from certboot.store.manifest import Descent, Intermediate, Provenance, TrustAnchor

_USER, _ADMINISTRATOR = "you", "the administrator of this system"


@dataclass(frozen=True)
class Rules:
    """What decides beside the certificate itself. Fingerprints are SHA-256 in lower-case hexadecimal.

    Distrusted are fingerprints and identities (``Certificate.known_as``). With a candidate that is distrusted go all
    of its identity, so that no other certificate of its name and key takes its place.
    """

    now: datetime
    """Aware."""
    revoked: frozenset[str | bytes] = frozenset()
    """Fingerprints, and ``Link.issuer_and_serial``."""
    distrusted: frozenset[str] = frozenset()
    """By the user."""
    distrusted_by_system: frozenset[str] = frozenset()
    """By the administrator of the system."""
    public: frozenset[str] = frozenset()
    """Identities of public CAs, which get no stand-in."""
    checked: Mapping[str, str] = field(default_factory=dict)
    """Certificate -> issuer of signatures that were found good before."""


class Decision(typing.NamedTuple):
    """Every candidate, decided: what enters in order of name, and the rejections."""

    anchors: tuple[TrustAnchor, ...]
    intermediates: tuple[Intermediate, ...]
    rejections: tuple[Rejection, ...]


def decide(candidates: Iterable[Candidate], rules: Rules) -> Decision:
    """Return the anchors and intermediates among ``candidates``, one per fingerprint with all its sources."""
    candidates = tuple(candidates)
    rules = _with_identities(candidates, rules)
    anchors: dict[str, list[Candidate]] = {}
    dates: dict[str, list[str]] = {}
    intermediates: dict[str, list[Candidate]] = {}
    rejections: list[Rejection] = []
    for candidate in candidates:
        if candidate.distrust_after:
            dates.setdefault(candidate.certificate.fingerprint, []).append(candidate.distrust_after)
        broken = _broken_rule(candidate, rules)
        if broken:
            rejections.append(_rejection(candidate, *broken))
        else:
            kind = anchors if candidate.role == "anchor" else intermediates
            kind.setdefault(candidate.certificate.fingerprint, []).append(candidate)
    for fingerprint, offers in list(intermediates.items()):
        broken = _no_intermediate(offers[0].certificate, anchors)
        if broken:
            rejections += [_rejection(candidate, *broken) for candidate in intermediates.pop(fingerprint)]
    standing, refused = stand_ins.decide(anchors, rules.public)
    if meant := {copy.identity for copy in standing.values() if copy.fingerprint in rules.distrusted}:
        return decide(candidates, dataclasses.replace(rules, distrusted=rules.distrusted | meant))
    for fingerprint, refusal in refused.items():
        stays = refusal.rule == stand_ins.NONE
        offers = anchors[fingerprint] if stays else anchors.pop(fingerprint)
        wishing = [offer for offer in offers if offer.stand_in is not None] if stays else []
        rejections += [_rejection(offer, *refusal) for offer in wishing or offers]
    for own, copy in standing.items():
        # A file may have the stand-in itself: ``export --stand-ins`` writes such.
        anchors[own] += anchors.pop(copy.fingerprint, [])
    placed = {standing.get(own, offers[0].certificate): offers for own, offers in anchors.items()}
    by_name = sorted(placed, key=_order)
    offered = sorted((same[0].certificate for same in intermediates.values()), key=_order)
    links, failed = link_intermediates(offered, by_name, rules.checked)
    for fingerprint, broken in failed.items():
        rejections += [_rejection(candidate, *broken) for candidate in intermediates[fingerprint]]
    return Decision(
        tuple(_anchor(anchor, placed[anchor], rules, dates) for anchor in by_name),
        tuple(
            Intermediate(certificate, _provenance(intermediates[fingerprint], rules), *links[fingerprint])
            for certificate in offered
            if (fingerprint := certificate.fingerprint) in links
        ),
        tuple(rejections),
    )


def next_change(certificates: Iterable[Certificate], now: datetime) -> datetime:
    """Return the first moment, ``now`` or later, at which one of these begins or ends: the decision may change then."""
    moments = (moment for certificate in certificates for moment in certificate.validity)
    return min((moment for moment in moments if moment >= now), default=datetime.max.replace(tzinfo=timezone.utc))


def _with_identities(candidates: Iterable[Candidate], rules: Rules) -> Rules:
    """Return the rules with the identity of each candidate that is distrusted."""

    def whole(distrusted: frozenset[str]) -> frozenset[str]:
        certificates = (candidate.certificate for candidate in candidates if candidate.certificate.is_among(distrusted))
        return distrusted.union(certificate.identity for certificate in certificates)

    user, system = whole(rules.distrusted), whole(rules.distrusted_by_system)
    return dataclasses.replace(rules, distrusted=user, distrusted_by_system=system)


def _broken_rule(candidate: Candidate, rules: Rules) -> tuple[str, str] | None:
    certificate = candidate.certificate
    for who, distrusted in ((_USER, rules.distrusted), (_ADMINISTRATOR, rules.distrusted_by_system)):
        if certificate.fingerprint in distrusted:
            return "distrusted", f"{who} said so"
        if certificate.is_among(distrusted):
            return "distrusted", f"it has the name and key of one that {who} distrusted"
    if certificate.is_revoked_by(rules.revoked):
        return "revoked", "the CCADB lists it as revoked"
    if not candidate.tls_trust:
        since = f" (certificates that begin after {candidate.distrust_after})" if candidate.distrust_after else ""
        return "no-tls-trust", f"its root programme does not trust it for TLS servers{since}"
    return broken_rule(candidate.certificate, rules.now)


def _no_intermediate(certificate: Certificate, anchors: Container[str]) -> tuple[str, str] | None:
    if certificate.fingerprint in anchors:
        return "duplicate", "it is in the store as an anchor"
    # The CCADB lists twins of roots as intermediates: same name and key, so an anchor vouches for them.
    if signs_itself(certificate):
        return "self-signed", "it is no intermediate: in a directory OpenSSL takes it for an anchor"
    return unhandled(certificate)


def _rejection(candidate: Candidate, rule: str, reason: str) -> Rejection:
    certificate = candidate.certificate
    identity = certificate.identity if rule == "distrusted" else ""
    origin = (candidate.source, candidate.detail, reason)
    return Rejection(rule, *origin, certificate.fingerprint, certificate.subject, identity)


def _anchor(
    certificate: Certificate, offers: list[Candidate], rules: Rules, dates: Mapping[str, list[str]]
) -> TrustAnchor:
    offered = offers[0].certificate
    # The earliest date of distrust that any source knows, also one that does not offer it for TLS.
    date = min(dates.get(offered.fingerprint, ()), default="")
    return TrustAnchor(certificate, _provenance(offers, rules), date, None if certificate == offered else offered)


def _provenance(offers: list[Candidate], rules: Rules) -> tuple[Provenance, ...]:
    since = f"{rules.now.astimezone(timezone.utc):%Y-%m-%d}"
    first = {candidate.source: candidate for candidate in reversed(offers)}
    known = dict.fromkeys(candidate.source for candidate in offers)
    return tuple(Provenance(source, first[source].detail, since) for source in known)


def _order(certificate: Certificate) -> tuple[str, str]:
    return certificate.name.casefold(), certificate.fingerprint


def link_intermediates(
    intermediates: Iterable[Certificate], anchors: Iterable[Certificate], checked: Mapping[str, str]
) -> tuple[dict[str, Descent], dict[str, tuple[str, str]]]:
    """Return fingerprint -> Descent of each intermediate with a chain to an anchor, and -> (rule, reason) of the rest.

    Of several chains the shortest counts. ``checked`` holds certificate -> issuer, as fingerprints, of signatures that
    were found good before.
    """
    waiting: dict[bytes, list[Certificate]] = {}
    failed: dict[str, tuple[str, str]] = {}
    for certificate in intermediates:
        waiting.setdefault(comparable(certificate.link.issuer_name), []).append(certificate)
    hanging: dict[str, Descent] = {}
    places = deque((anchor, anchor.fingerprint) for anchor in anchors)
    while places:
        issuer, anchor = places.popleft()
        for certificate in waiting.get(comparable(issuer.link.subject_name), ()):
            if certificate.fingerprint in hanging:
                continue
            if defect := _defect(certificate, issuer, checked):
                if defect[0] != "no-issuer" or certificate.fingerprint not in failed:
                    failed[certificate.fingerprint] = defect
                continue
            hanging[certificate.fingerprint] = Descent(issuer.fingerprint, anchor)
            places.append((certificate, anchor))
    missing = ("no-issuer", "its issuer is not in the store")
    alone = (below.fingerprint for group in waiting.values() for below in group if below.fingerprint not in hanging)
    return hanging, {fingerprint: failed.get(fingerprint, missing) for fingerprint in alone}


def _defect(certificate: Certificate, issuer: Certificate, checked: Mapping[str, str]) -> tuple[str, str] | None:
    wanted, key = certificate.link.authority_key_id, issuer.link.key_id
    if wanted and key and wanted != key:
        return "no-issuer", "its issuer is not in the store: the name is there with another key"
    if not room_below(issuer) and not certificate.link.self_issued:
        return "path-length-exceeded", f"no CA may follow below {issuer.name}"
    if unseen := overlooked(issuer, certificate):
        return unseen
    if checked.get(certificate.fingerprint) == issuer.fingerprint or is_signed_by(certificate, issuer):
        return None
    return "invalid-signature", f"its signature is not that of {issuer.name}"
