"""``manifest.json``: every certificate of a generation with its reasons, and everything that was turned away."""

from __future__ import annotations

import json
import typing
from dataclasses import asdict, dataclass

from certboot.errors import StoreError
from certboot.model import Provenance, Rejection

if typing.TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from certboot.model import TrustAnchor

SCHEMA = 1
NAME = "manifest.json"


@dataclass(frozen=True)
class Entry:
    """One certificate of a generation."""

    sha256: str
    role: str
    """``anchor``."""
    file: str
    subject: str
    not_before: str
    not_after: str
    provenance: tuple[Provenance, ...]


@dataclass(frozen=True)
class Manifest:
    """What a generation holds and why. Two with the same ``content`` are the same store."""

    generation: int
    created: str
    """ISO 8601, UTC, to the second."""
    command: str
    certificates: tuple[Entry, ...]
    rejected: tuple[Rejection, ...]

    def content(self) -> tuple[tuple[Entry, ...], tuple[Rejection, ...]]:
        """Return all but when and by which command it was made, and what was wrong with a file given once."""
        return self.certificates, tuple(rejection for rejection in self.rejected if rejection.source != "added")


_V = typing.TypeVar("_V", Entry, Provenance, Rejection)


def entries(files: Iterable[tuple[str, TrustAnchor]]) -> tuple[Entry, ...]:
    """Return the manifest's entries for file name and anchor."""
    return tuple(
        Entry(
            sha256=anchor.certificate.fingerprint,
            role="anchor",
            file=name,
            subject=anchor.certificate.subject,
            not_before=anchor.certificate.not_before.isoformat(),
            not_after=anchor.certificate.not_after.isoformat(),
            provenance=anchor.provenance,
        )
        for name, anchor in files
    )


def render(manifest: Manifest) -> bytes:
    """Return the manifest as JSON, in ASCII, one key a line."""
    return (json.dumps({"schema": SCHEMA, **asdict(manifest)}, indent=1) + "\n").encode("ascii")


def read(generation: Path) -> Manifest:
    """Return the manifest of the generation in this folder; raises StoreError."""
    path = generation / NAME
    hint = "certboot init writes the store anew"
    try:
        document = json.loads(path.read_bytes())
        if document.pop("schema") != SCHEMA:
            message = f"the manifest is of another version of certboot: {path}"
            raise StoreError(message, hint)
        certificates = tuple(_entry(entry) for entry in document.pop("certificates"))
        rejected = tuple(_texts(Rejection(**rejection)) for rejection in document.pop("rejected"))
        return Manifest(certificates=certificates, rejected=rejected, **document)
    except OSError as error:
        message = f"cannot read the manifest: {path}: {error.strerror}"
        raise StoreError(message, hint) from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        message = f"the manifest is damaged: {path}"
        raise StoreError(message, hint) from error


def _entry(document: dict[str, typing.Any]) -> Entry:
    provenance = tuple(_texts(Provenance(**reason)) for reason in document.pop("provenance"))
    return _texts(Entry(provenance=provenance, **document))


def _texts(value: _V) -> _V:
    """Return ``value`` if all its fields but ``provenance`` are texts; raises TypeError."""
    if any(not isinstance(text, str) for field, text in vars(value).items() if field != "provenance"):
        message = "not a text"
        raise TypeError(message)
    return value
