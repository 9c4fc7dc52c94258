"""What a run goes by: settings, choices, the generation in force, and what the chosen sources have, not yet parsed."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import typing
from dataclasses import dataclass
from pathlib import Path

from certboot import files
from certboot.errors import StoreError
from certboot.sources import ccadb, certifi, company, system
from certboot.sources.table import Folders, Reading, read_all
from certboot.store import env_file, freshness, manifest
from certboot.store.choices import distrusted_bytes, parse_distrusted, read_adoptions
from certboot.store.config import Config, parse_config, read_config
from certboot.store.manifest import Choices, Manifest
from certboot.store.paths import BUNDLE, StorePaths, in_force, is_exposed

if typing.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from certboot.clients.variables import Adoption, Profile
    from certboot.sources.candidates import Loaded, Unparsed
    from certboot.sources.ccadb import Progress
    from certboot.store.request import Request, Selection

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
    choices: Choices
    sources: tuple[Unparsed, ...]
    adoptions: tuple[Adoption, ...]
    """Values of preset variables that are taken over from now on; what they name is among the sources."""
    former: Path | None
    """The generation in force."""
    previous: Manifest | None
    """Its manifest, if that can be read."""
    digest: str


def read_inputs(paths: StorePaths, request: Request, now: datetime, progress: Progress | None) -> Inputs:
    """Return what this run goes by; raises CertbootError or OSError."""
    former = in_force(paths)
    previous = _manifest_of(former)
    # What is decided by and what is compared the next time are the same bytes, each read once and before the sources:
    # a download leaves minutes in which somebody may change these files.
    replacement = request.selection.settings
    settings = read_config(paths.config) if replacement is None else replacement
    config = parse_config(settings, paths.config)
    before = env_file.parse(paths.env) or env_file.EnvFile({})
    profile: Profile = _first(request.selection.profile, config.hook.profile, before.profile)
    config = dataclasses.replace(config, hook=config.hook._replace(profile=profile))
    out = distrusted_bytes(paths.distrusted)
    distrusted = parse_distrusted(out, paths.distrusted)
    choices = _choices(request.selection, config, previous)
    adoptions = tuple(
        adoption
        for adoption in dict.fromkeys((*read_adoptions(paths.adopted), *request.adopt))
        if adoption not in request.abandon
    )
    sources: tuple[Unparsed, ...] = ()
    # Whoever blocks a source must not keep a certificate in the store that the user wants out.
    if not (request.only_distrusts and previous):
        with contextlib.ExitStack() as stack:
            # What this very run is to believe is as good as what is in the store. Updates parse nothing for it.
            new = request.additions or replacement or not former
            given = _given(request, config, choices, now) if new else ()
            unwanted = frozenset((*distrusted, *request.distrust, *config.distrust))
            verify = functools.cache(lambda: stack.enter_context(believed(paths, given, now, unwanted)))
            by = reading(paths, config, choices, now, progress, verify)
            sources = tuple(read_all(dataclasses.replace(by, additions=request.additions, adoptions=adoptions)))
    pieces = (piece for unparsed in sources for piece in unparsed.pieces)
    beside = (("choices", repr(choices).encode()), ("settings", settings), ("distrusted", out))
    return Inputs(
        now=now,
        config=config,
        settings_file=replacement,
        distrusted=distrusted,
        choices=choices,
        sources=sources,
        adoptions=adoptions,
        former=former,
        previous=previous,
        digest=freshness.digest_of_inputs((*beside, *pieces)),
    )


def nothing_new(inputs: Inputs, last: freshness.LastRead | None) -> bool:
    """Return whether these inputs are those of the last run, and its generation is still in force, whole."""
    if not (last and inputs.former and inputs.previous):
        return False
    with contextlib.suppress(OSError):
        digest = freshness.digest_of_run(inputs.digest, inputs.former)
        return not is_exposed(inputs.former) and last.covers(digest, inputs.now)
    return False


def _manifest_of(generation: Path | None) -> Manifest | None:
    with contextlib.suppress(StoreError):  # damaged: what is written now takes its place
        return manifest.read(generation) if generation else None
    return None


def _choices(selection: Selection, config: Config, previous: Manifest | None) -> Choices:
    last = previous.choices if previous else Choices()
    folder = str(config.ccadb.folder.absolute()) if config.ccadb.folder else None
    reports = str(Path(selection.reports).absolute()) if selection.reports else selection.reports
    return Choices(
        sources=_first(selection.sources, config.sources, last.sources),
        intermediates=_first(selection.intermediates, config.intermediates, last.intermediates),
        reports=_first(reports, folder, last.reports),
    )


def _first(*choices: _T | None) -> _T:
    """Return the first that was chosen: an empty choice is one too."""
    return next(choice for choice in choices if choice is not None)


def _given(request: Request, config: Config, choices: Choices, now: datetime) -> Iterator[Loaded]:
    """Yield what the user gives by itself, not by an address, and the system's CAs if chosen; raises SourceError."""
    yield from request.additions
    if system.NAME in choices.sources:
        yield system.read().parse()
    for place in config.companies:
        if not place.address:
            yield company.read(place, Path, now).parse()


def reading(
    paths: StorePaths, config: Config, choices: Choices, now: datetime, progress: Progress | None = None,
    verify: Callable[[], Path] | None = None,
) -> Reading:  # fmt: skip
    """Return how the sources are read. ``progress`` is told a report's name and its bytes so far and in all.

    ``verify`` gives the file that downloads are verified with; without it that is ``trusted_bundle``.
    """
    verify = verify or functools.partial(trusted_bundle, paths)

    def reports() -> ccadb.Read:
        if choices.reports:
            return ccadb.from_folder(Path(choices.reports))
        address = config.ccadb.address or ccadb.ADDRESS
        return ccadb.from_network(address, paths.cache, verify(), progress)

    return Reading(
        now=now,
        folders=Folders(paths.home, paths.trusted, paths.repaired),
        chosen=choices.sources,
        intermediates=choices.intermediates,
        reports=reports,
        report_folders=report_folders(paths, choices),
        verify=verify,
        companies=config.companies,
    )


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


@contextlib.contextmanager
def believed(
    paths: StorePaths, given: Iterable[Loaded], now: datetime, distrusted: frozenset[str] = frozenset()
) -> Iterator[Path]:
    """Give the file that downloads are verified with: ``trusted_bundle``, and the roots that are given beside it.

    A server inside of a company has a certificate of its CA, which no store knows where the first run brings it along.
    Of what is given those count that policy lets into a store.
    """
    loaded = tuple(given)
    if not loaded:
        yield trusted_bundle(paths)
        return
    import tempfile

    from certboot.pki.certificate import annotated_pem
    from certboot.sources.extract import merged
    from certboot.store import policy

    offered = merged(loaded)
    rules = policy.Rules(now, distrusted=distrusted, distrusted_by_system=offered.distrusted)
    roots = (member.given for member in policy.decide(offered.candidates, rules).anchors)
    pems = "\n".join(annotated_pem(root) for root in roots if root.link.self_issued)
    known = files.read_if_there(trusted_bundle(paths), files.LARGE) or b""
    with tempfile.TemporaryDirectory() as folder:
        bundle = Path(folder, BUNDLE)
        bundle.write_bytes(known + b"\n" + pems.encode("ascii"))
        yield bundle
