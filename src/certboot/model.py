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
    subject_name: bytes
    """The DER Name of the subject, as it stands in the certificate."""
    issuer_name: bytes
    key_id: bytes
    """The subject key identifier; empty if there is none."""
    authority_key_id: bytes
    """The key identifier of the issuer; empty if there is none."""
    path_length: int | None
    """How many CA certificates may follow; None: any number."""
    defects: tuple[str, ...]
    """What Python 3.13 and newer refuse in a CA certificate (VERIFY_X509_STRICT): ``strict-missing-ski`` and kin."""


@dataclass(frozen=True)
class Provenance:
    """Why a certificate is in the store: which source gave it, from where, since when."""

    source: str
    """``certifi``, ``system``, ``ccadb``, ``company`` or ``added``."""
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
    role: str = "anchor"
    """``anchor`` or ``intermediate``: what the source offers it as."""
    tls_trust: bool = True
    """Whether the source trusts it for TLS servers at all (Mozilla's trust bits)."""
    distrust_after: str = ""
    """Mozilla's "Distrust for TLS After Date" (ISO 8601): leaves that begin later are not to be trusted."""


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
    revoked: frozenset[str] = frozenset()
    """Fingerprints that the source says are revoked, whoever else offers them."""
    distrusted: frozenset[str] = frozenset()
    """Fingerprints that the source says are not to be trusted for TLS servers, whoever else offers them."""


@dataclass(frozen=True)
class TrustAnchor:
    """A CA certificate that is believed without a further signature, with every reason for it."""

    certificate: Certificate
    provenance: tuple[Provenance, ...]
    distrust_after: str = ""


@dataclass(frozen=True)
class Intermediate:
    """A CA certificate that is there only because an anchor in the store vouches for it, and leaves with it."""

    certificate: Certificate
    provenance: tuple[Provenance, ...]
    issuer: str
    """Fingerprint of the certificate in the store whose key signed it."""
    anchor: str
    """Fingerprint of the anchor at the end of its chain."""


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
