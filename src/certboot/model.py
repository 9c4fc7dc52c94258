"""The values that the parts of certboot hand to each other. All are frozen; none does any work."""

from __future__ import annotations

import typing
from dataclasses import dataclass, field

if typing.TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True)
class Certificate:
    """An X.509 certificate that both cryptography and this Python's OpenSSL can read."""

    der: bytes
    fingerprint: str
    """SHA-256 of the DER bytes, in lower-case hexadecimal."""
    subject: str
    """RFC 4514, printable characters only."""
    issuer: str
    name: str
    """What a person calls it: the common name, else the unit or organisation, else the fingerprint's start."""
    subject_hash: str
    not_before: datetime
    not_after: datetime
    self_issued: bool
    is_ca: bool
    """What OpenSSL's X509_check_ca says, a version 1 root included."""
    for_tls_servers: bool
    """No extended key usage, or one that allows serverAuth."""


@dataclass(frozen=True)
class Provenance:
    """Why a certificate is in the store: which source gave it, from where, since when."""

    source: str
    """``certifi``, ``system`` or ``added``."""
    detail: str
    """The file or version that the source read it from."""
    since: str
    """The day on which this source first gave it (ISO 8601, UTC)."""


@dataclass(frozen=True)
class Candidate:
    """A certificate that a source offers."""

    certificate: Certificate
    source: str
    detail: str


@dataclass(frozen=True)
class Rejection:
    """Something a source offered that did not enter the store, and the rule that kept it out."""

    rule: str
    source: str
    detail: str
    reason: str
    fingerprint: str = ""
    subject: str = ""


@dataclass(frozen=True)
class Loaded:
    """What one source had to give: candidates, and what could not even become one."""

    candidates: tuple[Candidate, ...]
    rejections: tuple[Rejection, ...] = ()


@dataclass(frozen=True)
class TrustAnchor:
    """A CA certificate that is believed without a further signature, with every reason for it."""

    certificate: Certificate
    provenance: tuple[Provenance, ...]


@dataclass(frozen=True)
class Presented:
    """One certificate as a server sent it."""

    fingerprint: str
    subject: str
    issuer: str
    not_before: str
    not_after: str


@dataclass(frozen=True)
class Handshake:
    """What one TLS handshake with the active trust gave."""

    host: str
    port: int
    outcome: str
    """``ok``, ``unverified`` (OpenSSL refused the chain), or the id of what kept the two from shaking hands."""
    verify_code: int | None = None
    """X509_V_ERR_* of OpenSSL; 0 when the chain is good; None when it never came to that."""
    verify_message: str = ""
    protocol: str = ""
    chain: tuple[Presented, ...] = ()
    """The presented chain, leaf first; empty where the server sent none."""
    error: str = ""


@dataclass(frozen=True)
class Finding:
    """One thing the doctor looked at. The field names are those of ``certboot doctor --json``."""

    id: str
    group: str
    status: str
    """``ok``, ``info``, ``warn``, ``fail``, ``skip`` or ``error``."""
    subject: str
    summary: str
    evidence: dict[str, object] = field(default_factory=dict)
    fix: tuple[tuple[str, ...], ...] = ()
    """Commands that mend it, each an argv that can be run as it stands."""
