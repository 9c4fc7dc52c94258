"""What a run goes by: settings, choices, the generation in force, and what the sources have, not yet parsed."""

from __future__ import annotations

import typing
from dataclasses import dataclass
from pathlib import Path

from certboot import files
from certboot.errors import CertbootError, StoreError
from certboot.sources import added, adopted
from certboot.store import adoptions as store_adoptions
from certboot.store import freshness, gather, manifest
from certboot.store.choices import parse_distrusted, read_bytes
from certboot.store.config import Config, parse_config, read_config, rebased
from certboot.store.layout import exposed_part, in_force

if typing.TYPE_CHECKING:
    from datetime import datetime

    from certboot.sources.candidates import Unparsed
    from certboot.sources.ccadb import Progress
    from certboot.store.adoptions import Adoption
    from certboot.store.paths import StorePaths
    from certboot.store.request import Request

_T = typing.TypeVar("_T")


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
            *gather.Sources(paths, config, choices, now, progress).read(),
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
