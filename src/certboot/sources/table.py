"""The sources, a row each, in the order in which they are read: a new one is a module of this room, and a row here."""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from certboot.clients.variables import Adoption
from certboot.sources.candidates import Loaded, Unparsed
from certboot.sources.company import Company

if typing.TYPE_CHECKING:
    from certboot.sources import ccadb


class Folders(typing.NamedTuple):
    """The store's own folders, as far as sources lie there."""

    home: Path
    trusted: Path
    repaired: Path


@dataclass(frozen=True)
class Reading:
    """What a run reads its sources by."""

    now: datetime
    folders: Folders
    chosen: tuple[str, ...]
    """Those of the sources that can be chosen."""
    intermediates: bool
    reports: Callable[[], ccadb.Read]
    """Gives the reader of the CCADB's reports, of the network or of a folder."""
    report_folders: tuple[Path, ...]
    """Where a report may lie, the folder that counts first."""
    verify: Callable[[], Path]
    """Gives the file that downloads are verified with."""
    companies: tuple[Company, ...] = ()
    additions: tuple[Loaded, ...] = ()
    """What the user adds now."""
    adoptions: tuple[Adoption, ...] = ()

    @property
    def wanted(self) -> frozenset[str]:
        """The sources that were chosen, by name or for the intermediates."""
        return frozenset(self.chosen) | ({"ccadb"} if self.intermediates else frozenset())


class Source(typing.NamedTuple):
    """A place that certificates come from."""

    name: str
    shown: int
    """Its place in texts."""
    read: Callable[[Reading], Iterable[Unparsed]]
    """Raises SourceError."""
    optional: bool = False
    """It is read only where it is chosen: by ``--source``, or in config.toml."""
    own: bool = False
    """It is what the user, or the user's company, trusts beside the public CAs."""
    alone: Callable[[], Unparsed] | None = None
    """Reads the same without a run; raises SourceError. The doctor holds the store against it."""


def read_all(reading: Reading) -> Iterator[Unparsed]:
    """Yield what each source has to give; raises SourceError."""
    for source in SOURCES:
        if not source.optional or source.name in reading.wanted:
            yield from source.read(reading)


def _certifi() -> Unparsed:
    from certboot.sources import certifi

    return certifi.read()


def _system() -> Unparsed:
    from certboot.sources import system

    return system.read()


def _ccadb(reading: Reading) -> Iterator[Unparsed]:
    from certboot.sources import ccadb

    yield ccadb.read(reading.reports(), intermediates=reading.intermediates, roots=ccadb.NAME in reading.chosen)


def _companies(reading: Reading) -> Iterator[Unparsed]:
    from certboot.sources import company

    return (company.read(place, reading.verify, reading.now) for place in reading.companies)


def _repaired(reading: Reading) -> Iterator[Unparsed]:
    """Yield what repair has stored, and what of it the CCADB has revoked as far as that was ever fetched."""
    from certboot.sources import ccadb, repaired

    kept = repaired.read(reading.folders.repaired)
    asked = kept.pieces and ccadb.NAME not in reading.wanted
    report = ccadb.cached_report(reading.report_folders, ccadb.REVOKED) if asked else b""
    yield ccadb.without_revoked(kept, report) if report else kept


def _adopted(reading: Reading) -> Iterator[Unparsed]:
    from certboot.sources import adopted

    return (adopted.read_again(adoption, reading.folders.home) for adoption in reading.adoptions)


def _added(reading: Reading) -> Iterator[Unparsed]:
    from certboot.sources import added
    from certboot.sources.candidates import unparsed

    yield from map(unparsed, reading.additions)
    yield added.read_kept(reading.folders.trusted)


SOURCES = (
    Source("certifi", 1, lambda _: [_certifi()], optional=True, alone=_certifi),
    Source("system", 2, lambda _: [_system()], optional=True, alone=_system),
    Source("ccadb", 3, _ccadb, optional=True),
    Source("company", 4, _companies, own=True),
    Source("repaired", 7, _repaired),
    Source("adopted", 6, _adopted, own=True),
    Source("added", 5, _added, own=True),
)
OPTIONAL = tuple(source.name for source in SOURCES if source.optional)
OWN = tuple(source.name for source in SOURCES if source.own)
PUBLIC = ("certifi", "ccadb")
"""What root programmes see to: these CAs are issued anew, or go."""
SHOWN = tuple(source.name for source in sorted(SOURCES, key=lambda source: source.shown))
