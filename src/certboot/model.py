"""The values that the parts of certboot hand to each other. All are frozen; none does any work."""

from __future__ import annotations

import typing
from dataclasses import dataclass, field

if typing.TYPE_CHECKING:
    from collections.abc import Container
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
    name_constrained: bool
    """Whether it limits the names in the certificates below it (nameConstraints; RFC 5280, 4.2.1.10)."""
    unhandled_critical: bool
    """Whether it has a critical extension that OpenSSL does not know: OpenSSL refuses every chain with it in."""
    issuer_and_serial: bytes
    """By what its issuer knows it, and so whoever revokes it (IssuerAndSerialNumber; RFC 5652, 10.2.4), as DER."""
    identity: str
    """Whose certificate it is: SHA-256 over the subject, as OpenSSL compares it, and the key, however it is encoded.

    A signature can be rewritten without its key (ECDSA), that on an anchor is never checked, and whoever has the key
    can have it certified anew: each gives the certificate another fingerprint.
    """
    former_identity: str
    """The same with the bytes of the SubjectPublicKeyInfo in the place of the key: what a store of 0.1.0 holds."""
    defects: tuple[str, ...]
    """What Python 3.13 and newer refuse in a CA certificate (VERIFY_X509_STRICT): ``strict-missing-ski`` and kin."""

    @property
    def known_as(self) -> tuple[str, str, str]:
        """All by which it may be named where it is distrusted: its fingerprint, and whose it is."""
        return self.fingerprint, self.identity, self.former_identity

    def is_among(self, distrusted: Container[str]) -> bool:
        """Return whether it is named there."""
        return any(name in distrusted for name in self.known_as)


@dataclass(frozen=True)
class Provenance:
    """Why a certificate is in the store: which source gave it, from where, since when."""

    source: str
    """``certifi``, ``system``, ``ccadb``, ``company``, ``added``, ``adopted`` or ``repaired``."""
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
    identity: str = ""
    """``Certificate.identity`` of what is distrusted: nobody else of that name and key is to be trusted either."""


@dataclass(frozen=True)
class Loaded:
    """What one source had to give: candidates, and what could not even become one."""

    candidates: tuple[Candidate, ...]
    rejections: tuple[Rejection, ...] = ()
    revoked: frozenset[str] = frozenset()
    """Fingerprints that the source says are revoked, whoever else offers them."""
    revoked_serials: frozenset[bytes] = frozenset()
    """The same by ``Certificate.issuer_and_serial``, as far as the source tells."""
    distrusted: frozenset[str] = frozenset()
    """Fingerprints and identities that are not to be trusted for TLS servers, whoever else offers them.

    The administrator of the system may say so for everybody, and no other source.
    """


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
    """One certificate as a server sent it, to be shown. One that cannot be read has only a ``subject`` that says so."""

    fingerprint: str
    subject: str
    issuer: str
    not_before: str
    not_after: str


@dataclass(frozen=True)
class Target:
    """A TLS server that the user named, and how to get to it."""

    host: str
    """A DNS name, in Unicode if it was typed so, or an IP address without brackets."""
    port: int = 443
    starttls: str = ""
    """The protocol that begins in plain text (``smtp``), or empty for TLS from the first byte."""
    connect: tuple[str, int] | None = None
    """Where to connect to in the place of ``host`` and ``port``."""
    servername: str = ""
    """The name to ask for and to find in the certificate, in the place of ``host``."""
    timeout: float = 10.0
    """Seconds for everything together."""

    @property
    def name(self) -> str:
        """The name to ask for and to find in the certificate."""
        return self.servername or self.host.partition("%")[0]

    @property
    def shown(self) -> str:
        """HOST:PORT as the user may type it; the host alone for a chain from a file, which has the port 0."""
        if not self.port:
            return self.host
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Handshake:
    """What one TLS handshake with the active trust gave: facts only, certificates as DER."""

    outcome: str
    """``ok``; ``unverified``: OpenSSL refused the chain; ``failed``: the two did not agree on TLS; or the id of what
    kept it from coming to TLS at all."""
    error: str = ""
    """In words, why it did not come to TLS."""
    verify_code: int | None = None
    """X509_V_ERR_* of OpenSSL; 0 when the chain is good; None when it never came to that."""
    verify_message: str = ""
    protocol: str = ""
    """``TLSv1.3``, or the version that the server chose and this side refused."""
    cipher: str = ""
    presented: tuple[bytes, ...] = ()
    """What the server sent, in its order; empty where it sent nothing."""
    built: tuple[bytes, ...] = ()
    """The path that OpenSSL built when it found the chain good, leaf first."""
    anchors: tuple[bytes, ...] = ()
    """The CA certificates that OpenSSL had at hand: those of a file, and of a directory those it looked up."""
    reason: str = ""
    """OpenSSL's name for what this side did not accept (``DH_KEY_TOO_SMALL``)."""
    alert: int | None = None
    """What the server did not accept: the description of its TLS alert (RFC 8446, 6)."""
    closed: bool = False
    """The server ended the connection in the midst of the handshake."""
    answer: bytes = b""
    """The first bytes that came, as they came."""
    plain: bytes = b""
    """What the server answered when it was asked for a web page without TLS; empty where it was not asked."""
    certificate_requested: bool = False
    """The server asked for a certificate of the client."""
    name_sent: bool = True
    """The name was sent with the first message (SNI), which an IP address never is."""
    lenient: str = ""
    """Version and cipher that the server chose when old and weak ones were offered as well; empty: none, or not tried.
    """
    server_date: str = ""
    """What the server says the time is (ISO 8601), where that was asked."""
    proxy: str = ""
    """The proxy on the way, without credentials."""
    peer: str = ""
    """The IP address that showed this; empty behind a proxy, and where there was no connection."""


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
