"""What there is to be seen of a server: the chain, and what clients say of it. The doctor's findings are made of it."""

from __future__ import annotations

import typing
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from certboot.pki.openssl import OURS

if typing.TYPE_CHECKING:
    from datetime import datetime

    from certboot.clients.table import Rules
    from certboot.pki.openssl import Version

State: TypeAlias = Literal["sent", "trusted", "missing", "found"]
"""Of a link: sent by the server, in the active trust, or neither; only ``repair`` has what it found or had stored."""


@dataclass(frozen=True)
class PresentedCertificate:
    """A certificate as the server sent it. Of one that cannot be read there is no more than why, as its ``subject``."""

    der: bytes = field(repr=False)
    subject: str
    issuer: str = ""
    not_before: datetime | None = None
    not_after: datetime | None = None
    fingerprint: str = ""
    """SHA-256, lower-case hexadecimal."""
    serial: str = ""
    """Hexadecimal."""
    names: tuple[str, ...] = ()
    """DNS names and IP addresses of its subjectAltName."""
    issuers_at: tuple[str, ...] = ()
    """Where it says that its issuer's certificate lies (caIssuers)."""


@dataclass(frozen=True)
class Link:
    """A certificate of the path from the server's own up to a trusted one, or in its place one that is missing."""

    subject: str
    state: State
    fault: str = ""
    """The id of the cause, if that is about this certificate."""
    fingerprint: str = ""
    not_after: datetime | None = None
    """None of one that is missing."""


@dataclass(frozen=True)
class Trust:
    """What the clients that share one trust say of the chain."""

    clients: tuple[str, ...]
    code: int
    """X509_V_ERR_* of OpenSSL; 0 if they accept it; -1 if they cannot load what they are to trust, and refuse all."""
    message: str
    """OpenSSL's words, or what cannot be loaded."""
    counted: bool
    """Whether certboot means to reach them, and no settings file of their own says otherwise."""
    trusts: tuple[str, ...]
    """Files, folders, or a default in words; where they cannot be loaded, which."""
    places: tuple[str, ...]
    """The variables and settings that say so."""
    cause: str = ""
    """The id of the finding that says why they refuse it; empty where they accept it or do not count."""
    fix: tuple[tuple[str, ...], ...] = ()
    """The commands that mend that."""
    locations: tuple[str, ...] = ()
    """The files and directories behind what they trust."""
    rules: Rules = "python"

    @property
    def refused(self) -> bool:
        """Whether they refuse the host, and certboot is to blame or to help."""
        return self.counted and self.code != 0

    @property
    def variables(self) -> tuple[str, ...]:
        """The variables that say what they trust."""
        return tuple(dict.fromkeys(place for place in self.places if place.isidentifier()))


@dataclass(frozen=True)
class ClientVerdict:
    """What OpenSSL says of the chain by the rules of one kind of client."""

    client: str
    openssl: str
    """Which versions of OpenSSL say so, in words; empty for all."""
    code: int
    message: str
    rule: str = ""
    """In plain words, by which rule it refuses; empty if it does not, and where the message says it."""
    strict: bool = False
    """Whether these clients verify by the letter of RFC 5280 (VERIFY_X509_STRICT)."""
    version: Version = OURS
    """One of these versions of OpenSSL."""


@dataclass(frozen=True)
class Outcome:
    """What came of the handshake, or of a chain from a file. What is not known is empty."""

    code: int | None
    """X509_V_ERR_* of OpenSSL; 0 is good; None where it never came to a chain."""
    message: str = ""
    protocol: str = ""
    """``TLSv1.3``"""
    cipher: str = ""
    proxy: str = ""
    """The proxy on the way, without credentials."""
    verdicts: tuple[ClientVerdict, ...] = ()
    """What OpenSSL says by the rules of other clients, and in other versions."""


class Instruction(typing.NamedTuple):
    """What to tell the server's operator."""

    words: str = ""
    commands: tuple[tuple[str, ...], ...] = ()


class ChainToSend(typing.NamedTuple):
    """The chain that the server should send in the place of its own."""

    pem: str
    """The server's certificate first, without a root."""
    subjects: tuple[str, ...]


NO_INSTRUCTION = Instruction()


@dataclass(frozen=True)
class Examination:
    """What a finding on a server is concluded from, as far as it is about clients or the chain."""

    clients: tuple[str, ...] = ()
    """Whom it is about, where there is more than one cause."""
    trusts: tuple[Trust, ...] = ()
    """Only of the first finding."""
    operator: Instruction = NO_INSTRUCTION
    certain: bool | None = None
    """Of a missing intermediate and an unknown root: whether it is known, and not only likely, which of both it is."""
    outcome: Outcome | None = None
    """By the trust that the finding is about; None for a remark, and where that trust cannot be loaded."""
    chain: tuple[PresentedCertificate, ...] = ()
    path: tuple[Link, ...] = ()
    """From the server's certificate up to a trusted one, or as far as there is one."""
    beside: tuple[str, ...] = ()
    """The subjects of what was sent and is not needed."""
    send: ChainToSend | None = None

    @property
    def code(self) -> int | None:
        """OpenSSL's verdict, if there is one."""
        return self.outcome.code if self.outcome else None

    @property
    def verdicts(self) -> tuple[ClientVerdict, ...]:
        """Those of the outcome."""
        return self.outcome.verdicts if self.outcome else ()


NOTHING = Examination()
