"""Which anchors have a stand-in in their place, and why others that are to have one do not."""

from __future__ import annotations

import itertools
import typing
from collections.abc import Container, Iterable, Mapping, Sequence

from certboot.pki.certificate import Certificate, load_certificate
from certboot.sources import certifi
from certboot.sources.candidates import Candidate
from certboot.sources.table import PUBLIC

NONE = "no-stand-in"
"""The rule by which a certificate enters as it is; by any other it does not enter."""


class Refusal(typing.NamedTuple):
    """Why there is none."""

    rule: str
    reason: str


def public_cas(candidates: Iterable[Candidate] = ()) -> frozenset[str]:
    """Return the identities of public CAs: those of certifi, chosen or not, and of these candidates."""
    known = (candidate for candidate in candidates if candidate.source in PUBLIC)
    return frozenset(candidate.certificate.identity for candidate in (*known, *certifi.read().parse().candidates))


def standing(offers: Sequence[Candidate], key_id: bytes, public: Container[str]) -> Certificate | Refusal:
    """Return the stand-in for the certificate of these offers, or why there is none.

    ``key_id``: as ``pki.stand_in`` has it; ``public``: ``Certificate.identity`` of public CAs.
    """
    from certboot.pki.stand_in import stand_in  # with all of verification, which most runs do without

    certificate = offers[0].certificate
    if certificate.identity in public or any(candidate.source in PUBLIC for candidate in offers):
        return _none("it is a public CA, which certifi or the CCADB has")
    if any(candidate.with_settings for candidate in offers):
        return _none("trust settings came with it (TRUSTED CERTIFICATE), which a copy would be without")
    copy = stand_in(certificate.der, key_id)
    return load_certificate(copy) if isinstance(copy, bytes) else _none(copy.value)


def decide(
    anchors: Mapping[str, Sequence[Candidate]], public: Container[str]
) -> tuple[dict[str, Certificate], dict[str, Refusal]]:
    """Return fingerprint -> stand-in for those anchors that are to have one, and -> why not for the others.

    A wish is for all certificates of a name and key: of two, strict verification may come upon either.
    """
    standing_in, refused = {}, {}
    wishes = _wishes(anchors)
    for fingerprint, offers in anchors.items():
        certificate = offers[0].certificate
        key_id = wishes.get(certificate.identity)
        if key_id is None or not certificate.defects:
            continue
        result = standing(offers, key_id, public)
        if isinstance(result, Refusal):
            refused[fingerprint] = result
        elif _successor(result, anchors):
            refused[fingerprint] = Refusal("issued-anew", "its CA has a certificate without these faults in the store")
        else:
            standing_in[fingerprint] = result
    return standing_in, refused


def _wishes(anchors: Mapping[str, Sequence[Candidate]]) -> dict[str, bytes]:
    """Return identity -> key identifier of what is to have a stand-in."""
    wishes: dict[str, bytes] = {}
    for candidate in itertools.chain(*anchors.values()):
        if candidate.stand_in is not None:
            identity = candidate.certificate.identity
            wishes[identity] = max(wishes.get(identity, b""), candidate.stand_in)
    return wishes


def _successor(certificate: Certificate, anchors: Mapping[str, Sequence[Candidate]]) -> bool:
    """Return whether one of the anchors is a root with its name and key, and without need of a stand-in.

    One that another CA has signed ends no chain for Python up to 3.12; of what names hosts no defects are known.
    """
    from certboot.pki.stand_in import Declined, stand_in

    others = (offers[0].certificate for offers in anchors.values())
    same = (other for other in others if other.identity == certificate.identity)
    return any(stand_in(other.der) is Declined.NOTHING_TO_MEND for other in same)


def _none(reason: str) -> Refusal:
    return Refusal(NONE, f"no stand-in for it, {reason}")
