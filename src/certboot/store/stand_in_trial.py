"""A real chain below a root, tried in memory with the root and with its stand-in. Nothing is written or fetched."""

from __future__ import annotations

import typing
from collections.abc import Sequence

from certboot.pki.by_subject import readable
from certboot.pki.certificate import Certificate, is_signed_by
from certboot.pki.verdict import Judgement, openssl_verdict, verifying_context
from certboot.store import generations
from certboot.store.generations import named

if typing.TYPE_CHECKING:
    from certboot.store.generations import Generation

_MOST_ADDED = 8
_NOTHING = Judgement(-1, "OpenSSL says nothing of it")


class Trial(typing.NamedTuple):
    """What OpenSSL says where a certificate is all that is trusted; the host's name, the same for both, is left out."""

    before: Judgement
    """With the root as it is, as Python up to 3.12."""
    lax: Judgement
    """With the stand-in, as Python up to 3.12."""
    strict: Judgement
    """With the stand-in, as Python 3.13 and newer."""

    @property
    def helps(self) -> bool:
        """Whether the chain is accepted in all three ways."""
        return not (self.before.code or self.lax.code or self.strict.code)


def completed(presented: Sequence[bytes], generation: Generation | None) -> list[Certificate]:
    """Return a chain, with the intermediates of the store that it lacks; what cannot be read is left out."""
    chain = list(readable(presented))
    for certificate in chain:  # which grows meanwhile
        if generation is None or len(chain) > len(presented) + _MOST_ADDED:
            break
        for issuer, entry in named(generation, certificate.link.issuer_name):
            if entry.role == "intermediate" and issuer not in chain and is_signed_by(certificate, issuer):
                chain.append(issuer)
    return chain


def root_above(chain: Sequence[Certificate], generation: Generation | None) -> Certificate | None:
    """Return the root of the store that the chain leads to, as its source gave it; None for none."""
    for certificate in chain:
        for anchor, entry in named(generation, certificate.link.issuer_name) if generation else ():
            if entry.role == "anchor" and anchor.link.self_issued and is_signed_by(certificate, anchor):
                return generations.original(entry) or anchor
    return None


def key_id_below(chain: Sequence[Certificate], root: Certificate) -> bytes | None:
    """Return by which key identifier the chain names the root, empty for none; None where the root signed none of it.

    Only what the root has signed counts: nobody else may say how it is to be called.
    """
    below = [member for member in chain if member != root and is_signed_by(member, root)]
    return (
        next((member.link.authority_key_id for member in below if member.link.authority_key_id), b"") if below else None
    )


def tried(root: Certificate, copy: Certificate, chain: Sequence[Certificate]) -> Trial:
    """Return what comes of it."""
    ders = tuple(member.der for member in chain)
    return Trial(_judged(root, ders, strict=False), _judged(copy, ders, strict=False), _judged(copy, ders, strict=True))


def _judged(anchor: Certificate, chain: tuple[bytes, ...], *, strict: bool) -> Judgement:
    context = verifying_context(strict=strict, anchors=(anchor.der,))
    context.check_hostname = False
    return openssl_verdict(context, chain, "localhost") or _NOTHING
