"""The chain file that a server should send, where it can be completed from what it sent and what the store has."""

from __future__ import annotations

import dataclasses
import typing

from certboot.doctor.examination import ChainToSend
from certboot.pki import pem
from certboot.pki.by_subject import BySubject, readable
from certboot.repair.completion import STORE, Rules, Supply, complete
from certboot.sources.candidates import Offer

if typing.TYPE_CHECKING:
    from collections.abc import Iterator

    from certboot.doctor.finding import Finding
    from certboot.doctor.server.case import Evidence
    from certboot.pki.certificate import Certificate
    from certboot.store.authorities import Authorities

# Where another chain below the same certificate of the server mends it, or at least does no harm.
_BY_CHAIN = frozenset(
    {
        "handshake-ok",
        "missing-intermediate",
        "wrong-chain",
        "untrusted-root",
        "expired-intermediate",
        "revoked-intermediate",
    }
)


def with_complete_chain(findings: list[Finding], evidence: Evidence, authorities: Authorities) -> list[Finding]:
    """Return the findings, the first with the chain to send if the server should send something else than it does."""
    first = findings[0]
    if first.id not in _BY_CHAIN or not first.seen.path:
        return findings
    chain = _completed(evidence, authorities)
    if not chain or tuple(certificate.der for certificate in chain) == evidence.presented:
        return findings
    text = "".join(pem.encode(certificate.der) for certificate in chain)
    send = ChainToSend(text, tuple(certificate.subject for certificate in chain))
    examination = dataclasses.replace(first.seen, send=send)
    return [dataclasses.replace(first, examination=examination), *findings[1:]]


def _completed(evidence: Evidence, authorities: Authorities) -> tuple[Certificate, ...]:
    sent = tuple(readable(evidence.presented))
    if not sent or sent[0].der != evidence.presented[0] or not sent[0].validity.covers(evidence.now):
        return ()
    active = BySubject(evidence.anchors)
    known = BySubject(intermediate.certificate.der for intermediate in evidence.known.intermediates)

    def trusted(name: bytes, *, roots: bool) -> Iterator[Certificate]:
        for certificate in (*active.named(name), *authorities.anchors(name)):
            if certificate.link.self_issued is roots:
                yield certificate

    def anchors(name: bytes) -> Iterator[Certificate]:
        # Roots only: clients elsewhere may trust nothing below one.
        return trusted(name, roots=True)

    def at_hand(name: bytes) -> Iterator[Offer]:
        below = (*known.named(name), *authorities.intermediates(name), *trusted(name, roots=False))
        return (Offer(certificate, STORE) for certificate in below)

    distrust = evidence.known.distrust
    rules = Rules(evidence.now, authorities.revoked, distrust.certificates, distrust.after)
    completion = complete(sent, Supply(anchors, at_hand, lambda _: ()), rules)
    return tuple(offer.certificate for offer in completion.path) if completion.anchor else ()
