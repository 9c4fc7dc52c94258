"""What a source offers: candidates and rejections, parsed, or read so far only as to see whether it is what it was."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

SIZE_LIMIT = 16 * 1024 * 1024
"""More bytes than any file of certificates has."""
FORMATS = "PEM, DER, PKCS#7 or PKCS#12"

if typing.TYPE_CHECKING:
    from certboot.pki.certificate import Certificate


Role: TypeAlias = Literal["anchor", "intermediate"]


@dataclass(frozen=True)
class Unparsed:
    """Bytes, and how candidates come out of them."""

    pieces: tuple[tuple[str, bytes], ...]
    """What each file, report or version is called, and its content. The same pieces parse to the same."""
    parse: Callable[[], Loaded]
    """Raises SourceError."""


@dataclass(frozen=True)
class Candidate:
    """A certificate that a source offers."""

    certificate: Certificate
    source: str
    detail: str
    role: Role = "anchor"
    """What the source offers it as."""
    tls_trust: bool = True
    """Whether the source trusts it for TLS servers at all (Mozilla's trust bits)."""
    distrust_after: str = ""
    """Mozilla's "Distrust for TLS After Date" (ISO 8601): leaves that begin later are not to be trusted."""
    with_settings: bool = False
    """OpenSSL's trust settings came with it (``TRUSTED CERTIFICATE``), which no copy of it could carry."""
    stand_in: bytes | None = None
    """The user wants its stand-in, with this key identifier where it has none; empty: that of its key."""


@dataclass(frozen=True)
class Rejection:
    """Something a source offered that did not enter the store, and the rule that kept it out."""

    rule: str
    source: str
    detail: str
    reason: str
    fingerprint: str = ""
    subject: str = ""
    identity: str = ""
    """``Certificate.identity`` of what is distrusted: nobody else of that name and key is to be trusted either."""


@dataclass(frozen=True)
class Loaded:
    """What one source had to give: candidates, and what could not even become one."""

    candidates: tuple[Candidate, ...]
    rejections: tuple[Rejection, ...] = ()
    revoked: frozenset[str | bytes] = frozenset()
    """Fingerprints, and ``Link.issuer_and_serial``, of what the source says is revoked, whoever else offers it."""
    distrusted: frozenset[str] = frozenset()
    """Fingerprints and identities that are not to be trusted for TLS servers, whoever else offers them.

    The administrator of the system may say so for everybody, and no other source.
    """

    def with_stand_ins(self, key_id: bytes | None) -> Loaded:
        """Return the same with this for the ``Candidate.stand_in`` of all."""
        candidates = tuple(dataclasses.replace(candidate, stand_in=key_id) for candidate in self.candidates)
        return dataclasses.replace(self, candidates=candidates)


def unparsed(loaded: Loaded) -> Unparsed:
    """Return what was parsed already as a source gives it; no later run has it, so it has no pieces to know it by."""
    return Unparsed((), lambda: loaded)


class Offer(typing.NamedTuple):
    """A certificate, and who has it: the server, the store, a report by its name, or an address."""

    certificate: Certificate
    origin: str
