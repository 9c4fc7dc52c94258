"""The CA at the top of a TLS server's chain, as ``trust HOST`` offers it. Part of the source ``added``.

Nothing is believed because of this: the links are checked so that it is the CA of this server, and a person decides.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from certboot.errors import SourceError
from certboot.pki.by_subject import readable
from certboot.pki.certificate import Certificate, is_signed_by
from certboot.sources import added
from certboot.sources.candidates import Candidate, Loaded, Offer
from certboot.sources.url import expected

Fetch: typing.TypeAlias = "Callable[[Certificate], Iterable[Offer]]"
"""Certificate -> what lies at the addresses that it names for its issuer (``aia.Issuers.fetched``)."""

_MOST_FETCHED = 4
_HINT = "ask whoever runs the server, or the CA, for the CA's certificate, then certboot trust FILE"


def topmost(presented: Sequence[bytes], host: str, pin: str, now: datetime, fetch: Fetch = lambda _: ()) -> Loaded:
    """Return the last certificate up from the server's own, by signatures that are checked; raises SourceError.

    What the server does not send of the chain is fetched. ``pin`` is empty, or the SHA-256 of the CA that is wanted, in
    hexadecimal digits with or without colons.
    """
    wanted = expected(pin)
    certificates = list(readable(presented))
    if not certificates or certificates[0].der != presented[0]:
        raise SourceError(f"the server sends no certificate that can be read: {host}", _HINT)
    leaf = certificates[0]
    offers = [Offer(certificate, f"sent by {host}") for certificate in certificates]
    sent = _upwards(leaf, lambda _: offers, len(offers))
    chain = [offers[0], *sent]
    if wanted not in (offer.certificate.fingerprint for offer in chain):
        chain += _upwards(chain[-1].certificate, fetch, _MOST_FETCHED)
    top = next((offer for offer in chain if offer.certificate.fingerprint == wanted), chain[-1])
    if top is chain[0] and not leaf.constraints.is_ca and leaf.link.self_issued:
        raise SourceError(f"its certificate signs itself and is no CA: {host}", f"certboot doctor {host}")
    if top is chain[0] and not leaf.constraints.is_ca:
        raise SourceError(f"the server sends only its own certificate, not its CA's: {host}", _HINT)
    if wanted and wanted != top.certificate.fingerprint:
        message = f"no CA of its chain has this SHA-256, the last one has {top.certificate.fingerprint}: {host}"
        hint = "ask whoever runs this CA which is right; somebody may stand between you and the server"
        raise SourceError(message, hint)
    where = top.origin if top in chain[: len(sent) + 1] else f"for {host}, from {top.origin}"
    return added.checked(Loaded((Candidate(top.certificate, added.NAME, where),)), host, now)


def _upwards(certificate: Certificate, issuers: Fetch, most: int) -> list[Offer]:
    """Return the issuer, its issuer and so on; no address is asked after one that has it."""
    chain: list[Offer] = []
    while len(chain) < most and not certificate.link.self_issued:
        known = (certificate, *(offer.certificate for offer in chain))
        offers = (offer for offer in issuers(certificate) if offer.certificate not in known)
        cas = (offer for offer in offers if offer.certificate.constraints.is_ca)
        above = next((offer for offer in cas if is_signed_by(certificate, offer.certificate)), None)
        if above is None:
            break
        chain.append(above)
        certificate = above.certificate
    return chain
