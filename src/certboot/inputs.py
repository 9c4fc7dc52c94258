"""What a run goes by: settings, choices, the generation in force, and what the sources have, not yet parsed."""

from __future__ import annotations

import typing
from dataclasses import dataclass
from pathlib import Path

from certboot.config import Config, load_config, parse_config, rebased
from certboot.errors import CertbootError, StoreError
from certboot.sources import added, gather
from certboot.store import last_read, manifest
from certboot.store.layout import in_force

if typing.TYPE_CHECKING:
    from datetime import datetime

    from certboot.paths import StorePaths
    from certboot.plan import Request
    from certboot.sources.ccadb import Progress
    from certboot.sources.unparsed import Unparsed

_T = typing.TypeVar("_T")


@dataclass(frozen=True)
class Inputs:
    """All that the decision depends on, but for the request."""

    now: datetime
    config: Config
    settings_file: bytes | None
    """What is to take the place of config.toml."""
    choices: manifest.Choices
    sources: tuple[Unparsed, ...]
    kept: Unparsed
    """What earlier runs put into ``trusted``."""
    former: Path | None
    """The generation in force."""
    previous: manifest.Manifest | None
    """Its manifest, if that can be read."""
    digest: str


def read_inputs(paths: StorePaths, request: Request, now: datetime, progress: Progress | None) -> Inputs:
    """Return what this run goes by; raises CertbootError or OSError."""
    former = in_force(paths)
    previous = _manifest_of(former)
    settings_file, config = _config(paths, request)
    choices = _choices(request, config, previous)
    sources = tuple(gather.Sources(paths, config, choices, now, progress).read())
    kept = added.read_kept(paths.trusted)
    beside = tuple(
        (path.name, path.read_bytes() if path.exists() else b"") for path in (paths.config, paths.distrusted)
    )
    pieces = (piece for unparsed in (*sources, kept) for piece in unparsed.pieces)
    digest = last_read.digest_of_inputs((("choices", repr(choices).encode()), *beside, *pieces))
    return Inputs(now, config, settings_file, choices, sources, kept, former, previous, digest)


def nothing_new(inputs: Inputs, last: last_read.LastRead | None) -> bool:
    """Return whether these inputs are those of the last run, and its generation is still in force, whole."""
    if not (last and inputs.former and inputs.previous):
        return False
    try:
        return last.covers(last_read.digest_of_run(inputs.digest, inputs.former), inputs.now)
    except OSError:
        return False


def _manifest_of(generation: Path | None) -> manifest.Manifest | None:
    try:
        return manifest.read(generation) if generation else None
    except StoreError:
        return None  # damaged: what is written now takes its place


def _config(paths: StorePaths, request: Request) -> tuple[bytes | None, Config]:
    """Return the settings, and the bytes that are to take the place of config.toml if a file was given for it."""
    if request.config is None:
        return None, load_config(paths.config)
    try:
        data = request.config.read_bytes()
    except OSError as error:
        message = f"cannot read {request.config}: {error.strerror}"
        raise CertbootError(message, "check the path, and that you may read the file") from error
    config = parse_config(data, request.config.absolute())
    # From now on the file lies in the store's folder; its relative paths still start where they did.
    data = rebased(data.decode(), request.config.absolute().parent).encode()
    return data, config


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
