"""What a diagnosis starts from, beside the handshake itself, and what it comes to."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from dataclasses import dataclass, field

from certboot.doctor.examination import NO_INSTRUCTION
from certboot.pki.verdict import STRICT_PYTHON
from certboot.store.manifest import Choices

if typing.TYPE_CHECKING:
    from datetime import datetime

    from certboot.doctor.environment import trust_files
    from certboot.doctor.examination import Instruction
    from certboot.doctor.finding import Fix, Status
    from certboot.net.handshake import Handshake
    from certboot.net.target import Target
    from certboot.pki.certificate import Certificate
    from certboot.pki.parsed import ParsedCertificate
    from certboot.pki.path import Path
    from certboot.pki.verdict import Judgement


@dataclass(frozen=True)
class Judgements:
    """What OpenSSL says with the rules of each kind of client; None where it was not asked."""

    here: Judgement | None
    """This Python's standard library, as it is."""
    lax: Judgement | None = None
    """Python up to 3.12."""
    strict: Judgement | None = None
    """Python 3.13 and newer."""
    without_common_name: Judgement | None = None
    """urllib3 2, and so requests and pip, in this Python."""


@dataclass(frozen=True)
class Distrust:
    """Who is not to be believed. Fingerprints are SHA-256 in lower-case hexadecimal."""

    revoked: frozenset[str] = frozenset()
    """What of the chain the CCADB lists as revoked."""
    certificates: Mapping[str, str] = field(default_factory=dict)
    """By the user, for ``Certificate.is_among`` -> the fingerprint by which ``certboot distrust --undo`` lets it in
    again; empty where config.toml or the administrator of the system says it."""
    subjects: Mapping[str, str] = field(default_factory=dict)
    """Of these, those that a source offered and the store left out: subject -> fingerprint."""
    after: Mapping[str, str] = field(default_factory=dict)
    """Anchor, or intermediate of the store -> the day (ISO 8601) after which a leaf below it must not begin."""

    def undo(self, certificate: Certificate) -> str | None:
        """Return by which fingerprint what is distrusted can be let in again, if at all; None if it is not."""
        return max(
            (self.certificates[name] for name in certificate.known_as if name in self.certificates), default=None
        )


@dataclass(frozen=True)
class Clock:
    """By what this machine's clock can be seen to be wrong."""

    earliest: datetime | None = None
    """A moment in the past: a clock that shows an earlier one is wrong."""
    anchors_expired: bool = False
    """Most of certifi's roots have expired, by this machine's clock."""


@dataclass(frozen=True)
class Known:
    """What is known of CAs beyond the trust that is active."""

    elsewhere: tuple[tuple[ParsedCertificate, str], ...] = ()
    """Certificates that may have issued what the server sent and are not in the active trust, and where they are."""
    intermediates: tuple[ParsedCertificate, ...] = ()
    """Such certificates that are known to be intermediates of public CAs, or are in the store as such."""
    stored: frozenset[str] = frozenset()
    """Fingerprints of those that are in the store and not in the active trust."""
    in_store: frozenset[str] = frozenset()
    """Fingerprints of all that is in the store."""
    sources: tuple[str, ...] = Choices().sources
    """What the store is made from, or would be."""
    overrides: tuple[trust_files.Override, ...] = ()
    """What keeps the store out of the active trust."""
    organisations: frozenset[str] = frozenset()
    """The organisations of the anchors in the active trust."""
    also_issued_for: tuple[str, ...] = ()
    """Other hosts, unrelated to this one, that showed a certificate of the same issuer."""
    distrust: Distrust = field(default_factory=Distrust)
    clock: Clock | None = field(default_factory=Clock)
    """None where the time to judge by is one that the user asked for: it says nothing of this machine's clock."""


@dataclass(frozen=True)
class Evidence:
    """Everything that was found out of one chain. Certificates are DER."""

    target: Target
    now: datetime
    """Aware."""
    judgements: Judgements
    presented: tuple[bytes, ...] = ()
    anchors: tuple[bytes, ...] = ()
    """Those of the active trust that OpenSSL had at hand."""
    handshake: Handshake | None = None
    """None for a chain from a file."""
    strict_here: bool = STRICT_PYTHON
    level: int = 2
    known: Known = field(default_factory=Known)
    variables: tuple[str, ...] = ("SSL_CERT_FILE", "SSL_CERT_DIR")
    """Those that say what is trusted."""

    @property
    def codes(self) -> frozenset[int]:
        """By which codes clients refuse it."""
        judgements = (self.judgements.here, self.judgements.lax, self.judgements.strict)
        return frozenset(judgement.code for judgement in judgements if judgement and judgement.code)


@dataclass(frozen=True)
class Case:
    """One chain to be judged, with all that has a bearing on it."""

    target: Target
    now: datetime
    """Aware."""
    sent: tuple[ParsedCertificate, ...]
    """What the server sent, as far as it can be read; leaf first."""
    path: Path
    """From the leaf to an anchor of the active trust, or as far as there is one."""
    code: int
    """The code that is to be explained; 0 for none."""
    depth: int | None
    """Where in the path that is; None if it is not known."""
    known: Known
    server_date: datetime | None = None
    proxy: str = ""
    """The proxy on the way, without credentials."""
    overshadowing: ParsedCertificate | None = None
    """What of the active trust keeps clients from a twin that the server sends, and with which they would accept it."""

    @property
    def leaf(self) -> ParsedCertificate:
        """The server's own certificate."""
        return self.sent[0]

    @property
    def top(self) -> ParsedCertificate:
        """Where the path ends."""
        return self.path.certificates[-1]

    @property
    def culprit(self) -> ParsedCertificate:
        """The certificate that the code is about, or the leaf."""
        return self.path.certificates[self.depth or 0]


@dataclass(frozen=True)
class Cause:
    """A finding in the making."""

    id: str
    meaning: str
    fix: Fix = ()
    status: Status = "fail"
    depth: int | None = None
    """The certificate of the path that it is about."""
    evidence: Mapping[str, object] = field(default_factory=dict)
    certain: bool | None = None
    operator: Instruction | None = NO_INSTRUCTION
    """In the place of what its story says; None where it is not the affair of who operates the server."""
    here: tuple[str, ...] | None = None
