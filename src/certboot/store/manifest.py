"""``manifest.json``: every certificate of a generation with its reasons, and everything that was turned away."""

from __future__ import annotations

import base64
import dataclasses
import functools
import hashlib
import json
import typing
from dataclasses import asdict, dataclass
from datetime import datetime

from certboot import files
from certboot.clients.variables import BY_NAME, Adoption
from certboot.errors import StoreError
from certboot.pki import pem
from certboot.pki.fingerprint import is_whole, short
from certboot.sources import repaired
from certboot.sources.candidates import Rejection, Role

if typing.TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from certboot.pki.certificate import Certificate
    from certboot.sources.candidates import Role

SCHEMA = 1
NAME = "manifest.json"
_HINT = "certboot init writes the store anew"


class Descent(typing.NamedTuple):
    """Why an intermediate is believed: the certificate that signed it, and the anchor at the end of its chain."""

    issuer: str
    """SHA-256, as is the other."""
    anchor: str


_NONE = Descent("", "")


class Original(typing.NamedTuple):
    """In whose place a stand-in is in the store."""

    sha256: str
    defects: tuple[str, ...]
    """Why: what Python 3.13 and newer refuse in it."""
    der: str
    """The certificate itself, in Base64."""


@dataclass(frozen=True)
class Entry:
    """One certificate of a generation. Most fields are texts."""

    sha256: str
    name: str
    subject: str
    not_before: str
    not_after: str
    provenance: tuple[Provenance, ...]
    defects: tuple[str, ...] = ()
    """What Python 3.13 and newer refuse in it."""
    distrust_after: str = ""
    """Of an anchor: leaves that begin later are not to be trusted (ISO 8601)."""
    descent: Descent = _NONE
    """Of an intermediate: without its anchor it leaves."""
    original: Original | None = None
    """Of a stand-in, which is an anchor: without its original it leaves."""

    @property
    def file(self) -> str:
        """Its name in ``crts``."""
        return pem.file_name(self.name, self.sha256)

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """The SHA-256 by which it may be meant: its own, and that of its original."""
        return (self.sha256, self.original.sha256) if self.original else (self.sha256,)

    @property
    def given(self) -> str:
        """The SHA-256 of what its sources have: its own, or that of its original."""
        return self.fingerprints[-1]

    @property
    def stands_for(self) -> str:
        """In words, for which certificate it stands; empty where it is no stand-in."""
        return f"stand-in for {short(self.original.sha256)}" if self.original else ""

    @property
    def role(self) -> Role:
        """What clients take it for."""
        return "intermediate" if self.descent.issuer else "anchor"

    def document(self) -> dict[str, object]:
        """Return the entry as the file has it."""
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        issuer, anchor = fields.pop("descent")
        original = fields.pop("original")
        fields["provenance"] = [vars(reason) for reason in self.provenance]
        document = {"sha256": fields.pop("sha256"), "role": self.role, "file": self.file, **fields}
        document |= {"issuer": issuer, "anchor": anchor}
        return document | {"stand_in_for": original._asdict()} if original else document

    @property
    def bundled(self) -> bool:
        """Whether it is in the bundle too: every anchor, and of the intermediates those that some server forgets.

        The others are left to the directory: a client that loads the bundle parses all of it for each context.
        """
        return self.role == "anchor" or self.is_from([repaired.NAME])

    def is_from(self, sources: Iterable[str]) -> bool:
        """Return whether one of these sources is among the reasons for it."""
        return any(reason.source in sources for reason in self.provenance)


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

    @property
    def fingerprints(self) -> frozenset[str]:
        """The SHA-256 of all that it holds, and of that which stand-ins stand for."""
        return frozenset(fingerprint for entry in self.certificates for fingerprint in entry.fingerprints)

    def content(self) -> tuple[object, ...]:
        """Return all but when and by which command it was made, and what was wrong with a file given once."""
        rejected = tuple(rejection for rejection in self.rejected if rejection.source != "added")
        return self.choices, self.certificates, rejected, self.adopted

    def digest(self) -> str:
        """Return a SHA-256 by which two machines see whether they trust the same: over role and fingerprint of each."""
        lines = sorted(f"{entry.role} {entry.sha256}\n" for entry in self.certificates)
        return hashlib.sha256("".join(lines).encode("ascii")).hexdigest()


@dataclass(frozen=True)
class Provenance:
    """Why a certificate is in the store: which source gave it, from where, since when."""

    source: str
    """``certifi``, ``system``, ``ccadb``, ``company``, ``added``, ``adopted`` or ``repaired``."""
    detail: str
    """The file or version that the source read it from."""
    since: str
    """The day on which this source first gave it (ISO 8601, UTC)."""


_V = typing.TypeVar("_V", Entry, Provenance, Rejection)


def entry(held: TrustAnchor | Intermediate) -> Entry:
    """Return the manifest's entry for one certificate."""
    certificate = held.certificate
    original = held.original if isinstance(held, TrustAnchor) else None
    der = base64.b64encode(original.der).decode("ascii") if original else ""
    return Entry(
        sha256=certificate.fingerprint,
        name=certificate.name,
        subject=certificate.subject,
        not_before=certificate.validity.not_before.isoformat(),
        not_after=certificate.validity.not_after.isoformat(),
        provenance=held.provenance,
        defects=certificate.defects,
        distrust_after=held.distrust_after if isinstance(held, TrustAnchor) else "",
        descent=_NONE if isinstance(held, TrustAnchor) else Descent(held.issuer, held.anchor),
        original=Original(original.fingerprint, original.defects, der) if original else None,
    )


def render(manifest: Manifest) -> bytes:
    """Return the manifest as JSON, in ASCII, one key a line."""
    document = {"schema": SCHEMA, **asdict(dataclasses.replace(manifest, certificates=()))}
    document["certificates"] = [entry.document() for entry in manifest.certificates]
    return (json.dumps(document, indent=1) + "\n").encode("ascii")


def read(generation: Path) -> Manifest:
    """Return the manifest of the generation in this folder; raises StoreError."""
    path = generation / NAME
    try:
        return _parsed(files.read_regular(path, files.LARGE), path)
    except OSError as error:
        raise StoreError(f"cannot read the manifest: {path}: {error.strerror}", _HINT) from error


@functools.lru_cache(maxsize=2)  # one command looks at the same manifest more than once, and it may have 2,000 entries
def _parsed(data: bytes, path: Path) -> Manifest:
    try:
        document = json.loads(data)
        if document.pop("schema") != SCHEMA:
            raise StoreError(f"the manifest is of another version of certboot: {path}", _HINT)
        manifest = Manifest(
            choices=_choices(document.pop("choices")),
            certificates=tuple(_entry(entry) for entry in document.pop("certificates")),
            rejected=tuple(_texts(Rejection(**rejection)) for rejection in document.pop("rejected")),
            adopted=tuple(_adoption(*pair) for pair in document.pop("adopted", ())),
            **document,
        )
        _all_texts((manifest.created, manifest.command))
        number = manifest.generation  # by it the folder is found again
        _require(_is_moment(manifest.created), type(number) is int, path.parent.name == str(number))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise StoreError(f"the manifest is damaged: {path}", _HINT) from error
    else:
        return manifest


def _choices(document: dict[str, typing.Any]) -> Choices:
    choices = Choices(tuple(document.pop("sources")), **document)
    _all_texts((*choices.sources, choices.reports))
    _require(type(choices.intermediates) is bool, "\0" not in choices.reports)
    return choices


def _entry(document: dict[str, typing.Any]) -> Entry:
    provenance = tuple(_texts(Provenance(**reason)) for reason in document.pop("provenance"))
    role, descent = document.pop("role"), Descent(document.pop("issuer", ""), document.pop("anchor", ""))
    defects, original = tuple(document.pop("defects")), _original(document.pop("stand_in_for", None))
    file = document.pop("file")
    entry = _texts(Entry(provenance=provenance, defects=defects, descent=descent, original=original, **document))
    _all_texts((*defects, *descent))
    _require(provenance, is_whole(entry.sha256), file == entry.file)
    _require(not (original and entry.role == "intermediate"))
    _require(role == entry.role, not any(descent) or all(map(is_whole, descent)))
    _require(_is_moment(entry.not_before), _is_moment(entry.not_after))
    if entry.distrust_after:
        datetime.fromisoformat(entry.distrust_after)
    return entry


def _original(document: dict[str, typing.Any] | None) -> Original | None:
    if document is None:
        return None
    original = Original(document.pop("sha256"), tuple(document.pop("defects")), document.pop("der"))
    _all_texts((original.sha256, *original.defects, original.der))
    data = base64.b64decode(original.der, validate=True)
    _require(not document, hashlib.sha256(data).hexdigest() == original.sha256)
    return original


def _adoption(variable: str, value: str) -> Adoption:
    _all_texts((variable, value))
    adoption = Adoption(variable, value)
    _require(variable in BY_NAME, not adoption.unfit)
    return adoption


def _texts(value: _V) -> _V:
    """Return ``value`` if all its fields but the lists are texts; raises TypeError or ValueError."""
    fields = ((name, text) for name, text in vars(value).items() if not isinstance(text, tuple))
    _all_texts(text for name, text in fields if (name, text) != ("original", None))
    return value


def _all_texts(values: Iterable[str]) -> None:
    for value in values:
        # A path may hold bytes that are no text, and nothing else half of a surrogate pair. AttributeError for no text.
        value.encode("utf-8", "surrogateescape")


def _is_moment(text: str) -> bool:
    return datetime.fromisoformat(text).tzinfo is not None


def _require(*conditions: object) -> None:
    if not all(conditions):
        raise ValueError


@dataclass(frozen=True)
class TrustAnchor:
    """A CA certificate that is believed without a further signature, with every reason for it."""

    certificate: Certificate
    provenance: tuple[Provenance, ...]
    distrust_after: str = ""
    original: Certificate | None = None
    """For which certificate it stands, where it is a stand-in."""

    @property
    def given(self) -> Certificate:
        """What the sources gave."""
        return self.original or self.certificate


@dataclass(frozen=True)
class Intermediate:
    """A CA certificate that is there only because an anchor in the store vouches for it, and leaves with it."""

    certificate: Certificate
    provenance: tuple[Provenance, ...]
    issuer: str
    """Fingerprint of the certificate in the store whose key signed it."""
    anchor: str
    """Fingerprint of the anchor at the end of its chain."""

    @property
    def given(self) -> Certificate:
        """What the sources gave."""
        return self.certificate
