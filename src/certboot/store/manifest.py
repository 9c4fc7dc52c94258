"""``manifest.json``: every certificate of a generation with its reasons, and everything that was turned away."""

from __future__ import annotations

import functools
import hashlib
import json
import typing
from dataclasses import asdict, dataclass

from certboot import files
from certboot.errors import StoreError
from certboot.model import Intermediate, Provenance, Rejection, TrustAnchor
from certboot.store import repairs
from certboot.store.adoptions import Adoption

if typing.TYPE_CHECKING:
    from pathlib import Path

SCHEMA = 1
NAME = "manifest.json"
_HINT = "certboot init writes the store anew"


@dataclass(frozen=True)
class Entry:
    """One certificate of a generation. All fields but ``provenance`` and ``defects`` are texts."""

    sha256: str
    role: str
    """``anchor`` or ``intermediate``."""
    file: str
    name: str
    subject: str
    not_before: str
    not_after: str
    provenance: tuple[Provenance, ...]
    defects: tuple[str, ...] = ()
    """What Python 3.13 and newer refuse in it."""
    distrust_after: str = ""
    """Of an anchor: leaves that begin later are not to be trusted (ISO 8601)."""
    issuer: str = ""
    """Of an intermediate: the SHA-256 of the certificate in the store that signed it."""
    anchor: str = ""
    """Of an intermediate: the SHA-256 of the anchor without which it leaves."""

    @property
    def bundled(self) -> bool:
        """Whether it is in the bundle too: every anchor, and of the intermediates those that some server forgets.

        The others are left to the directory: a client that loads the bundle parses all of it for each context.
        """
        return self.role == "anchor" or any(reason.source == repairs.NAME for reason in self.provenance)


@dataclass(frozen=True)
class Choices:
    """What the store is made from, for the next update: sources by name, and whether with intermediates."""

    sources: tuple[str, ...] = ("certifi", "system")
    intermediates: bool = False
    reports: str = ""
    """The folder that the CCADB's reports are read from; empty: from the network."""


@dataclass(frozen=True)
class Manifest:
    """What a generation holds and why. Two with the same ``content`` are the same store."""

    generation: int
    created: str
    """ISO 8601, UTC, to the second."""
    command: str
    choices: Choices
    certificates: tuple[Entry, ...]
    rejected: tuple[Rejection, ...]
    adopted: tuple[Adoption, ...] = ()
    """Values of preset variables whose certificates are in it, so that the hook may replace them."""

    def content(self) -> tuple[object, ...]:
        """Return all but when and by which command it was made, and what was wrong with a file given once."""
        rejected = tuple(rejection for rejection in self.rejected if rejection.source != "added")
        return self.choices, self.certificates, rejected, self.adopted

    def digest(self) -> str:
        """Return a SHA-256 by which two machines see whether they trust the same: over role and fingerprint of each."""
        lines = sorted(f"{entry.role} {entry.sha256}\n" for entry in self.certificates)
        return hashlib.sha256("".join(lines).encode("ascii")).hexdigest()


_V = typing.TypeVar("_V", Entry, Provenance, Rejection)


def entry(file: str, held: TrustAnchor | Intermediate) -> Entry:
    """Return the manifest's entry for one certificate under its file name."""
    certificate = held.certificate
    return Entry(
        sha256=certificate.fingerprint,
        role="anchor" if isinstance(held, TrustAnchor) else "intermediate",
        file=file,
        name=certificate.name,
        subject=certificate.subject,
        not_before=certificate.not_before.isoformat(),
        not_after=certificate.not_after.isoformat(),
        provenance=held.provenance,
        defects=certificate.defects,
        distrust_after=held.distrust_after if isinstance(held, TrustAnchor) else "",
        issuer="" if isinstance(held, TrustAnchor) else held.issuer,
        anchor="" if isinstance(held, TrustAnchor) else held.anchor,
    )


def render(manifest: Manifest) -> bytes:
    """Return the manifest as JSON, in ASCII, one key a line."""
    return (json.dumps({"schema": SCHEMA, **asdict(manifest)}, indent=1) + "\n").encode("ascii")


def read(generation: Path) -> Manifest:
    """Return the manifest of the generation in this folder; raises StoreError."""
    path = generation / NAME
    try:
        return _parsed(files.read_regular(path, files.LARGE), path)
    except OSError as error:
        message = f"cannot read the manifest: {path}: {error.strerror}"
        raise StoreError(message, _HINT) from error


@functools.lru_cache(maxsize=2)  # one command looks at the same manifest more than once, and it may have 2,000 entries
def _parsed(data: bytes, path: Path) -> Manifest:
    try:
        document = json.loads(data)
        if document.pop("schema") != SCHEMA:
            message = f"the manifest is of another version of certboot: {path}"
            raise StoreError(message, _HINT)
        choices = _choices(document.pop("choices"))
        certificates = tuple(_entry(entry) for entry in document.pop("certificates"))
        rejected = tuple(_texts(Rejection(**rejection)) for rejection in document.pop("rejected"))
        adopted = tuple(_adoption(pair) for pair in document.pop("adopted", ()))
        return Manifest(choices=choices, certificates=certificates, rejected=rejected, adopted=adopted, **document)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        message = f"the manifest is damaged: {path}"
        raise StoreError(message, _HINT) from error


def _choices(document: dict[str, typing.Any]) -> Choices:
    sources = tuple(document.pop("sources"))
    found = Choices(sources=sources, **document)
    texts = all(isinstance(text, str) for text in (*sources, found.reports))
    if not (texts and isinstance(found.intermediates, bool)):
        message = "not the choices of a store"
        raise TypeError(message)
    return found


def _entry(document: dict[str, typing.Any]) -> Entry:
    provenance = tuple(_texts(Provenance(**reason)) for reason in document.pop("provenance"))
    defects = tuple(str(defect) for defect in document.pop("defects"))
    return _texts(Entry(provenance=provenance, defects=defects, **document))


def _adoption(pair: list[object]) -> Adoption:
    variable, value = pair
    if not (isinstance(variable, str) and isinstance(value, str)):
        message = "not a text"
        raise TypeError(message)
    return Adoption(variable, value)


def _texts(value: _V) -> _V:
    """Return ``value`` if all its fields but the lists are texts; raises TypeError."""
    if any(not isinstance(text, str) for text in vars(value).values() if not isinstance(text, tuple)):
        message = "not a text"
        raise TypeError(message)
    return value
