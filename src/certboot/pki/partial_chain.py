"""Where Python 3.13 and newer may end a chain whose upper part they refuse (VERIFY_X509_PARTIAL_CHAIN)."""

from __future__ import annotations

import itertools
import typing

from certboot.pki import verify_codes as code
from certboot.pki.verify import Rules, verify
from certboot.store.chain import overlooked

if typing.TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from certboot.pki.parsed import ParsedCertificate


class End(typing.NamedTuple):
    """An intermediate that they accept as the end of a chain, and the certificate above it that they refuse."""

    last: ParsedCertificate
    refused: ParsedCertificate


def strict_end(chain: Sequence[ParsedCertificate], trusted: Sequence[ParsedCertificate], now: datetime) -> End | None:
    """Return where they may end the chain of the leaf ``chain[0]`` if the store has that certificate too.

    What is in a store ends the chain for them, and what is above is not looked at. None where they refuse nothing or
    all of it, and where what a CA above limits would be overlooked then.
    """
    found = verify(chain, trusted, Rules(now, strict=True))
    *below, last = found.path.certificates[: found.depth] or (chain[0],)
    if found.code not in code.STRICT_ONLY or not below:
        return None
    upwards = [each.certificate for each in found.path.certificates[found.depth - 1 :]]
    if any(overlooked(issuer, certificate) for certificate, issuer in itertools.pairwise(upwards)):
        return None
    if verify(below, (last,), Rules(now, strict=True)).code != code.OK:
        return None
    return End(last, found.culprit)
