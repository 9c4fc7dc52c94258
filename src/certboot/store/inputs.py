"""What a run goes by: settings, choices, the generation in force, and what the chosen sources have, not yet parsed."""

from __future__ import annotations

import contextlib
import dataclasses
import typing
from dataclasses import dataclass
from pathlib import Path

from certboot import files
from certboot.errors import CertbootError, StoreError
from certboot.sources import added, adopted, ccadb, certifi, repaired, system, url
from certboot.sources.candidates import Unparsed
from certboot.store import choices as store_adoptions
from certboot.store import freshness, manifest
from certboot.store.choices import parse_distrusted, read_bytes
from certboot.store.config import Config, parse_config, read_config, rebased
from certboot.store.paths import BUNDLE, exposed_part, in_force

if typing.TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from certboot.clients.variables import Adoption
    from certboot.sources.candidates import Loaded
    from certboot.sources.ccadb import Progress
    from certboot.store.config import Company
    from certboot.store.manifest import Choices
    from certboot.store.paths import StorePaths
    from certboot.store.request import Request

_T = typing.TypeVar("_T")

COMPANY = "company"


@dataclass(frozen=True)
class Inputs:
    """All that the decision depends on, but for the request."""

    now: datetime
    config: Config
    settings_file: bytes | None
    """What is to take the place of config.toml."""
    distrusted: dict[str, str]
    """What the user wants out: fingerprint -> name."""
    choices: manifest.Choices
    sources: tuple[Unparsed, ...]
    kept: Unparsed
    """What earlier runs put into ``trusted``."""
    adoptions: tuple[Adoption, ...]
    """Values of preset variables that are taken over from now on; what they name is among the sources."""
    former: Path | None
    """The generation in force."""
    previous: manifest.Manifest | None
    """Its manifest, if that can be read."""
    digest: str


def read_inputs(paths: StorePaths, request: Request, now: datetime, progress: Progress | None) -> Inputs:
    """Return what this run goes by; raises CertbootError or OSError."""
    former = in_force(paths)
    previous = _manifest_of(former)
    # What is decided by and what is compared the next time are the same bytes, each read once and before the sources:
    # a download leaves minutes in which somebody may change these files.
    settings, settings_file, config = _config(paths, request)
    out = read_bytes(paths.distrusted)
    choices = _choices(request, config, previous)
    adoptions = tuple(
        dict.fromkeys(
            each
            for each in (*store_adoptions.read_adoptions(paths.adopted), *request.adopt)
            if each not in request.abandon
        )
    )
    kept = added.read_kept(paths.trusted)
    sources: tuple[Unparsed, ...] = ()
    # Whoever blocks a source must not keep a certificate in the store that the user wants out.
    if not (request.only_distrusts and previous):
        sources = (
            *Sources(paths, config, choices, now, progress).read(),
            *(adopted.read_again(each, paths.home) for each in adoptions),
        )
    pieces = (piece for unparsed in (*sources, kept) for piece in unparsed.pieces)
    beside = (("choices", repr(choices).encode()), ("settings", settings), ("distrusted", out))
    return Inputs(
        now=now,
        config=config,
        settings_file=settings_file,
        distrusted=parse_distrusted(out, paths.distrusted),
        choices=choices,
        sources=sources,
        kept=kept,
        adoptions=adoptions,
        former=former,
        previous=previous,
        digest=freshness.digest_of_inputs((*beside, *pieces)),
    )


def nothing_new(inputs: Inputs, last: freshness.LastRead | None) -> bool:
    """Return whether these inputs are those of the last run, and its generation is still in force, whole."""
    if not (last and inputs.former and inputs.previous):
        return False
    try:
        if exposed_part(inputs.former):
            return False
        return last.covers(freshness.digest_of_run(inputs.digest, inputs.former), inputs.now)
    except OSError:
        return False


def _manifest_of(generation: Path | None) -> manifest.Manifest | None:
    try:
        return manifest.read(generation) if generation else None
    except StoreError:
        return None  # damaged: what is written now takes its place


def _config(paths: StorePaths, request: Request) -> tuple[bytes, bytes | None, Config]:
    """Return the settings: as bytes, as bytes that are to take the place of config.toml, and as values."""
    if request.config is None:
        data = read_config(paths.config)
        return data, None, parse_config(data, paths.config)
    try:
        data = files.read_regular(request.config, files.SMALL)
    except OSError as error:
        message = f"cannot read {request.config}: {error.strerror}"
        raise CertbootError(message, "check the path, and that you may read the file") from error
    config = parse_config(data, request.config.absolute())
    # From now on the file lies in the store's folder; its relative paths still start where they did.
    data = rebased(data.decode(), request.config.absolute().parent).encode()
    return data, data, config


def _choices(request: Request, config: Config, previous: manifest.Manifest | None) -> manifest.Choices:
    last = previous.choices if previous else manifest.Choices()
    folder = str(config.ccadb_folder.absolute()) if config.ccadb_folder else None
    reports = str(Path(request.reports).absolute()) if request.reports else request.reports
    return manifest.Choices(
        sources=_first(request.sources, config.sources, last.sources),
        intermediates=_first(request.intermediates, config.intermediates, last.intermediates),
        reports=_first(reports, folder, last.reports),
    )


def _first(*choices: _T | None) -> _T:
    """Return the first that was chosen: an empty choice is one too."""
    return next(choice for choice in choices if choice is not None)


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
