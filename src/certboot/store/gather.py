"""Reads the sources that the user has chosen, each by its own module."""

from __future__ import annotations

import contextlib
import dataclasses
import typing
from dataclasses import dataclass
from pathlib import Path

from certboot.sources import added, ccadb, certifi, repaired, system, url
from certboot.sources.candidates import Unparsed
from certboot.store.layout import BUNDLE, in_force

if typing.TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from certboot.model import Loaded
    from certboot.sources.ccadb import Progress
    from certboot.store.config import Company, Config
    from certboot.store.manifest import Choices
    from certboot.store.paths import StorePaths

COMPANY = "company"


@dataclass(frozen=True)
class Sources:
    """What to read, and from where. ``progress`` is told a report's name and its bytes so far and in all."""

    paths: StorePaths
    config: Config
    choices: Choices
    now: datetime
    progress: Progress | None = None

    def read(self) -> Iterator[Unparsed]:
        """Yield what each chosen source has to give; raises SourceError."""
        if "certifi" in self.choices.sources:
            yield certifi.read()
        if "system" in self.choices.sources:
            yield system.read()
        if "ccadb" in self.choices.sources or self.choices.intermediates:
            yield self._ccadb()
        for company in self.config.companies:
            yield self._company(company)
        yield self._repaired(revocations_known="ccadb" in self.choices.sources or self.choices.intermediates)

    def _ccadb(self) -> Unparsed:
        unparsed = ccadb.read(self._reports(), intermediates=self.choices.intermediates)
        if "ccadb" in self.choices.sources:
            return unparsed
        return Unparsed(unparsed.pieces, lambda: _without_roots(unparsed.parse()))

    def _reports(self) -> ccadb.Read:
        if self.choices.reports:
            return ccadb.from_folder(Path(self.choices.reports))
        site = self.config.ccadb_address or ccadb.ADDRESS
        return ccadb.from_network(site, self.paths.cache, trusted_bundle(self.paths), self.progress)

    def _repaired(self, *, revocations_known: bool) -> Unparsed:
        """Return what repair has stored, and what of it the CCADB has revoked as far as that was ever fetched."""
        kept = repaired.read(self.paths.repaired)
        report = (
            b""
            if revocations_known or not kept.pieces
            else ccadb.cached_report(report_folders(self.paths, self.choices), ccadb.REVOKED)
        )
        if not report:
            return kept

        def parse() -> Loaded:
            loaded = kept.parse()
            fingerprints = (candidate.certificate.fingerprint for candidate in loaded.candidates)
            return dataclasses.replace(
                loaded, revoked=ccadb.listed_in(report, fingerprints), revoked_serials=ccadb.revoked_serials(report)
            )

        return Unparsed((*kept.pieces, (ccadb.REVOKED, report)), parse)

    def _company(self, company: Company) -> Unparsed:
        if company.path:
            unparsed = added.read(company.path, self.now, remembered=True)
        else:
            verify = trusted_bundle(self.paths)
            unparsed = url.read(company.address, pin=company.sha256, verify=verify, now=self.now)
        return Unparsed(unparsed.pieces, lambda: _of(COMPANY, unparsed.parse()))


def _without_roots(loaded: Loaded) -> Loaded:
    """Return the intermediates, and what is revoked: of the CCADB nothing else was asked for."""
    kept = tuple(candidate for candidate in loaded.candidates if candidate.role == "intermediate")
    return dataclasses.replace(loaded, candidates=kept)


def _of(source: str, loaded: Loaded) -> Loaded:
    candidates = tuple(dataclasses.replace(candidate, source=source) for candidate in loaded.candidates)
    rejections = tuple(dataclasses.replace(rejection, source=source) for rejection in loaded.rejections)
    return dataclasses.replace(loaded, candidates=candidates, rejections=rejections)


def report_folders(paths: StorePaths, choices: Choices) -> tuple[Path, ...]:
    """Return where a report of the CCADB may lie, the folder that counts first: the chosen one, then the cache."""
    return (*([Path(choices.reports)] if choices.reports else []), paths.cache)


def trusted_bundle(paths: StorePaths) -> Path:
    """Return the file that downloads are verified with: the store's bundle, or where there is none certifi's.

    Without a file no update could mend what is missing.
    """
    generation = in_force(paths)
    if generation:
        with contextlib.suppress(OSError):
            if (generation / BUNDLE).stat().st_size:
                return generation / BUNDLE
    return certifi.path()
