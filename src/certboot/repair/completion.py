"""From what a server sent to an anchor of the store: the chain, or by which rule each candidate was refused.

Pure: no I/O of its own, and the time is given. Every link is checked, whoever offers it: the certificates that a server
sends are a stranger's, and so are those that lie where they say.
"""

from __future__ import annotations

import heapq
import typing
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509

from certboot.pki.certificate import Certificate, is_signed_by, signs_itself
from certboot.pki.parsed import parsed_certificate
from certboot.pki.rules import broken_rule, overlooked, unhandled, weak_key, weak_signature
from certboot.pki.subject_hash import comparable
from certboot.sources.candidates import Offer

SERVER, STORE = "the server", "the store"

_MOST_FETCHED = 4  # certificates of one chain
_MOST_CHECKS = 200


class Refusal(typing.NamedTuple):
    """A certificate that is not taken as an issuer, and the rule that says so."""

    rule: str
    reason: str
    certificate: Certificate
    origin: str


@dataclass(frozen=True)
class Supply:
    """Where issuers come from. Names are DER, and compared as OpenSSL does (``subject_hash.comparable``)."""

    anchors: Callable[[bytes], Iterable[Certificate]]
    """Subject -> the anchors of the store with this name."""
    known: Callable[[bytes], Iterable[Offer]]
    """Subject -> the intermediates with this name that are at hand."""
    fetch: Callable[[Certificate], Iterable[Offer]]
    """Certificate -> what lies at the addresses of its issuer, address by address as they are asked for."""


@dataclass(frozen=True)
class Rules:
    """What decides beside the certificates, in the terms of ``policy.Rules``."""

    now: datetime
    """Aware."""
    revoked: Container[str | bytes] = frozenset()
    """Fingerprints, and ``Link.issuer_and_serial``."""
    distrusted: Container[str] = frozenset()
    distrust_after: Mapping[str, str] = field(default_factory=dict)
    """Anchor -> ISO 8601: it is not to be trusted for leaves that begin later."""
    to_store: bool = False
    """What the server does not send, and all above it, must be fit for the store."""


@dataclass(frozen=True)
class Completion:
    """The chain without its anchor, leaf first; only the leaf where there is no way to an anchor."""

    path: tuple[Offer, ...]
    anchor: Certificate | None
    refusals: tuple[Refusal, ...]


class _Step(typing.NamedTuple):
    """A certificate of a chain, and the one that it signed."""

    length: int
    """How many are below. Of several chains the shortest counts."""
    number: int
    offer: Offer
    below: _Step | None
    unsent: int
    """How many of the chain so far the server does not send."""
    issuers: int
    """How many of those below count for a path length (RFC 5280, 4.2.1.9): CAs that are not self-issued."""
    fetched: int

    def down(self) -> Iterator[_Step]:
        """Yield this step and those below it, down to the leaf."""
        step: _Step | None = self
        while step:
            yield step
            step = step.below


def complete(sent: Sequence[Certificate], supply: Supply, rules: Rules) -> Completion:
    """Return the shortest chain from the leaf ``sent[0]`` to an anchor, over what is at hand or else fetched."""
    return _Search(sent, supply, rules).result()


class _Search:
    def __init__(self, sent: Sequence[Certificate], supply: Supply, rules: Rules) -> None:
        self._leaf = _Step(0, 0, Offer(sent[0], SERVER), None, 0, 0, 0)
        self._sent = [Offer(certificate, SERVER) for certificate in sent[1:]]
        self._supply = supply
        self._rules = rules
        self._waiting = [self._leaf]
        self._looked: list[_Step] = []
        self._asked: set[str] = set()
        self._reached = {sent[0].fingerprint}
        self._compared: set[tuple[str, str]] = set()
        self._refusals: dict[tuple[str, str], Refusal] = {}

    def result(self) -> Completion:
        while True:
            if end := self._follow():
                path = tuple(step.offer for step in end[0].down())[::-1]
                return Completion(path, end[1], tuple(self._refusals.values()))
            step = self._worth_asking()
            if step is None:
                return Completion((self._leaf.offer,), None, tuple(self._refusals.values()))
            self._ask(step)

    def _follow(self) -> tuple[_Step, Certificate] | None:
        """Return the shortest chain to an anchor over what is at hand."""
        while self._waiting:
            step = heapq.heappop(self._waiting)
            if anchor := self._anchor(step):
                return step, anchor
            self._looked.append(step)
            name = step.offer.certificate.link.issuer_name
            at_hand = (
                offer for offer in self._sent if comparable(offer.certificate.link.subject_name) == comparable(name)
            )
            for offer in (*at_hand, *self._supply.known(name)):
                self._take(offer, step, fetched=0)
        return None

    def _worth_asking(self) -> _Step | None:
        """Return whose issuer to fetch next: first those of which none is at hand, and what is nearer to the leaf."""
        with_issuer = {step.below.number for step in self._looked if step.below}
        steps = [step for step in self._looked if step.offer.certificate.fingerprint not in self._asked]
        return min(steps, key=lambda step: (step.number in with_issuer, step.fetched, step.length), default=None)

    def _ask(self, step: _Step) -> None:
        certificate = step.offer.certificate
        self._asked.add(certificate.fingerprint)
        if step is self._leaf and signs_itself(certificate):
            self._refuse(("self-signed", "it vouches for itself, and nobody else for it"), step.offer)
        elif step.fetched == _MOST_FETCHED:
            self._refuse(("too-deep", f"over {_MOST_FETCHED} certificates are missing"), step.offer)
        else:
            for offer in self._supply.fetch(certificate):
                taken = self._take(offer, step, fetched=1)
                if taken and self._anchor(taken):
                    break  # the other addresses need not be asked

    def _take(self, offer: Offer, below: _Step, *, fetched: int) -> _Step | None:
        """Return a new step to go on from if the certificate can be the issuer, else None."""
        certificate = offer.certificate
        twin = next((step for step in below.down() if step.offer.certificate.identity == certificate.identity), None)
        if twin and twin.below and twin.offer.certificate != certificate:
            below = twin.below  # another certificate of a CA that is in the chain already: it may lead elsewhere
        pair = (certificate.fingerprint, below.offer.certificate.fingerprint)
        if pair in self._compared:
            return None
        self._compared.add(pair)
        if broken := self._broken(certificate, below):
            self._refuse(broken, offer)
            return None
        if certificate.fingerprint in self._reached:
            return None
        self._reached.add(certificate.fingerprint)
        step = _Step(
            length=below.length + 1,
            number=len(self._reached),
            offer=offer,
            below=below,
            unsent=below.unsent + (offer.origin != SERVER),
            issuers=below.issuers + (not certificate.link.self_issued),
            fetched=below.fetched + fetched,
        )
        heapq.heappush(self._waiting, step)
        return step

    def _refuse(self, broken: tuple[str, str], offer: Offer) -> None:
        rule, reason = broken
        self._refusals.setdefault((rule, offer.certificate.fingerprint), Refusal(rule, reason, *offer))

    def _anchor(self, step: _Step) -> Certificate | None:
        leaf = self._leaf.offer.certificate
        for anchor in self._supply.anchors(step.offer.certificate.link.issuer_name):
            after = self._rules.distrust_after.get(anchor.fingerprint, "")
            if after and f"{leaf.validity.not_before:%Y-%m-%d}" > after:
                reason = f"it is not trusted for certificates that begin after {after}"
                broken: tuple[str, str] | None = ("anchor-distrusted", reason)
            elif anchor.fingerprint == step.offer.certificate.fingerprint:
                broken = self._unwanted(anchor)  # a leaf that the user trusts as it is
            else:
                broken = self._unwanted(anchor) or self._unfit(anchor, step)
            if broken is None:
                return anchor
            self._refuse(broken, Offer(anchor, STORE))
        return None

    def _broken(self, certificate: Certificate, below: _Step) -> tuple[str, str] | None:
        """Return the rule that keeps ``certificate`` from being the missing issuer of the one below, and the reason."""
        if len(self._compared) > _MOST_CHECKS:
            return "too-many-candidates", f"over {_MOST_CHECKS} certificates were compared"
        if comparable(certificate.link.subject_name) != comparable(below.offer.certificate.link.issuer_name):
            return "issuer-name-mismatch", f"it is not {below.offer.certificate.issuer}"
        if certificate.identity in (step.offer.certificate.identity for step in below.down()):
            return "issuer-loop", "this CA is further down in the same chain"
        if signs_itself(certificate):
            return "self-signed", "it vouches for itself, and the store does not have it"
        return (
            self._unwanted(certificate)
            or _no_ca(certificate)
            or broken_rule(certificate, self._rules.now)
            or weak_key(certificate)
            or weak_signature(certificate)
            or unhandled(certificate)
            or self._unfit(certificate, below)
        )

    def _unwanted(self, certificate: Certificate) -> tuple[str, str] | None:
        if certificate.is_among(self._rules.distrusted):
            return "distrusted", "you, or the system's administrator, said so"
        if certificate.is_revoked_by(self._rules.revoked):
            return "revoked", "the CCADB lists it as revoked"
        return None

    def _unfit(self, issuer: Certificate, below: _Step) -> tuple[str, str] | None:
        """Return why ``issuer``, of the right name, did not issue the certificate below or must not have."""
        child = below.offer.certificate
        if not issuer.validity.covers(self._rules.now):
            return broken_rule(issuer, self._rules.now)
        if child.link.authority_key_id and issuer.link.key_id and child.link.authority_key_id != issuer.link.key_id:
            return "key-id-mismatch", "it has the name, but another key than the one that is asked for"
        if issuer.constraints.path_length is not None and below.issuers > issuer.constraints.path_length:
            return "path-length-exceeded", f"only {issuer.constraints.path_length} CAs may follow below it"
        unseen = overlooked(issuer, child) if below.unsent and self._rules.to_store else None
        if unseen:
            return unseen
        if not is_signed_by(child, issuer):
            return "invalid-signature", f"the signature on {child.name} is not its own"
        return None


def _no_ca(certificate: Certificate) -> tuple[str, str] | None:
    parts = parsed_certificate(certificate.der)
    constraints, usage = parts.extension(x509.BasicConstraints), parts.extension(x509.KeyUsage)
    if constraints is None or not constraints.ca:
        return "not-a-ca", "its basicConstraints do not say that it is a CA"
    if usage is not None and not usage.key_cert_sign:
        return "no-cert-sign", "its keyUsage leaves out keyCertSign"
    return None
