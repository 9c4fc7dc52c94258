"""Every change of the store goes one way, under its lock: sources, policy, new generation, switch, ``env`` file."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import typing
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

from certboot import files, policy
from certboot.certs import annotated_pem, file_name
from certboot.clients import git_settings, held_back
from certboot.config import Config, load_config, parse_config, rebased
from certboot.errors import CertbootError, StoreError
from certboot.policy import Decision, Rules
from certboot.sources import added, gather
from certboot.store import distrusted, env_file, generations, manifest
from certboot.store.layout import in_force

if typing.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from certboot.clients import Variable
    from certboot.model import Loaded, Provenance, Rejection
    from certboot.paths import StorePaths
    from certboot.sources.ccadb import Progress


_T = typing.TypeVar("_T")


@dataclass(frozen=True)
class Request:
    """What one command wants of the store. None: as config.toml has it, else as it was the last time."""

    command: str
    additions: tuple[Loaded, ...] = ()
    """CA certificates that the user named, and has confirmed where that was asked."""
    sources: tuple[str, ...] | None = None
    intermediates: bool | None = None
    reports: str | None = None
    """The folder to read the CCADB's reports from; empty: the network."""
    config: Path | None = None
    """A settings file that takes the place of config.toml."""
    distrust: Mapping[str, str] = field(default_factory=dict)
    """Fingerprint -> name of what is to leave and stay out."""
    trust_again: frozenset[str] = frozenset()
    """Fingerprints that are no longer distrusted."""
    dry_run: bool = False


@dataclass(frozen=True)
class Outcome:
    """What a command found and did."""

    paths: StorePaths
    record: manifest.Manifest
    """The generation that is now in force, or with a dry run would be."""
    previous: manifest.Manifest | None
    """The one that was in force before, if it could be read."""
    rejected: tuple[Rejection, ...]
    """What did not enter this time."""
    written: bool
    """A new generation was written and switched to, or with a dry run would have been."""
    settings: dict[str, str]
    """Variable -> value: the ``env`` file."""
    settings_written: bool
    held_back: dict[str, tuple[str, str]]
    """Variable -> the preset variable that keeps the hook from setting it, and that one's value."""
    git: tuple[str, ...]
    """The git settings for whose sake GIT_SSL_CAINFO is left out."""


@dataclass(frozen=True)
class _Plan:
    """What the store is to be, before anything is written."""

    config: Config
    content: generations.Content
    record: manifest.Manifest
    previous: manifest.Manifest | None
    written: bool
    """The generation in force is not already this one, whole."""
    kept: dict[Path, bytes]
    """Files beside the generation that are to change: path -> content."""


def apply(
    paths: StorePaths, request: Request, environ: Mapping[str, str] = os.environ, progress: Progress | None = None
) -> Outcome:
    """Bring the store to what ``request`` and its sources say; raises CertbootError or OSError.

    With nothing new, nothing changes. Whatever fails, the store is as it was.
    """
    git = git_settings(environ)
    _prepare(paths)
    with files.locked(paths.lock):
        generations.clean(paths)
        plan = _planned(paths, request, datetime.now(timezone.utc).replace(microsecond=0), progress)
        settings: dict[str, str] = {}
        settings_written = False
        if not request.dry_run:
            with _restored_on_failure(plan.kept):
                if plan.written:
                    generations.switch(paths, generations.write(paths, plan.content, plan.record))
            variables = [v for v in plan.config.variables() if not (git and v.name == "GIT_SSL_CAINFO")]
            settings, settings_written = _write_settings(paths, variables)
            if plan.written or request.command == "update":
                with contextlib.suppress(OSError):  # the store is what it should be; it will only be read again sooner
                    files.replace(paths.checked, f"{datetime.now(timezone.utc).isoformat()}\n".encode())
            generations.prune(paths)
    return Outcome(
        paths=paths,
        record=plan.record if plan.written or not plan.previous else plan.previous,
        previous=plan.previous,
        rejected=plan.record.rejected,
        written=plan.written,
        settings=settings,
        settings_written=settings_written,
        held_back=held_back(settings, paths, environ),
        git=git,
    )


def age_in_seconds(paths: StorePaths) -> float:
    """Return how long ago the sources were last read; infinite where that is not known."""
    try:
        then = datetime.fromisoformat(paths.checked.read_text("ascii").strip())
        return (datetime.now(timezone.utc) - then).total_seconds()
    except (OSError, ValueError, TypeError):
        return float("inf")


def _prepare(paths: StorePaths) -> None:
    """Make the store's folder, unless somebody else could change what is, or will be, in it."""
    above = files.exposed_above(paths.home)
    if above:
        message = f"no safe place for the store, {above[1]}: {above[0]}"
        raise StoreError(message, "set CERTBOOT_HOME to a folder of your own")
    if paths.home.exists() and not paths.home.is_dir():
        message = f"the store's folder is a file: {paths.home}"
        raise StoreError(message, "move it away, or set CERTBOOT_HOME to another folder")
    for path in (paths.home, paths.lock, *paths.parts, *paths.trusted.glob("*")):
        how = files.exposed(path)
        if how:
            message = f"the store cannot be relied on, {how}: {path}"
            raise StoreError(message, f"look at what is there; if it is yours and right, chmod go-w {path}")
    ours = {path.name for path in (paths.lock, *paths.parts)}
    other = sorted({path.name for path in paths.home.glob("[!.]*")} - ours)
    if other and not paths.generations.exists():
        message = f"the folder for the store holds other things ({other[0]}): {paths.home}"
        raise StoreError(message, "set CERTBOOT_HOME to a folder of your own")
    files.make_folder(paths.home)


def _planned(paths: StorePaths, request: Request, now: datetime, progress: Progress | None) -> _Plan:
    former = in_force(paths)
    previous = _manifest_of(former)
    settings_file, config = _config(paths, request)
    choices = _choices(request, config, previous)
    sources = gather.Sources(paths, config, choices, now, progress)
    loaded = (*sources.load(), *request.additions, added.load_kept(paths.trusted))
    out = {**distrusted.read(paths.distrusted), **request.distrust}
    out = {fingerprint: name for fingerprint, name in out.items() if fingerprint not in request.trust_again}
    rules = Rules(
        now,
        revoked=frozenset().union(*(one.revoked for one in loaded)),
        distrusted=frozenset(out).union(config.distrust, *(one.distrusted for one in loaded)),
        checked={entry.sha256: entry.issuer for entry in previous.certificates if entry.issuer} if previous else {},
    )
    decision = policy.decide((candidate for one in loaded for candidate in one.candidates), rules)
    decision = _carried(decision, previous)
    content = generations.content(decision.anchors, decision.intermediates)
    record = manifest.Manifest(
        generation=generations.next_number(paths),
        created=now.isoformat(),
        command=request.command,
        choices=choices,
        certificates=content.entries,
        rejected=(*(rejection for one in loaded for rejection in one.rejections), *decision.rejections),
    )
    same = previous is not None and previous.content() == record.content()
    return _Plan(
        config=config,
        content=content,
        record=record,
        previous=previous,
        written=not (same and former and generations.is_whole(former, content)),
        kept=_kept_files(paths, request, decision, out, settings_file),
    )


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


def _carried(decision: Decision, previous: manifest.Manifest | None) -> Decision:
    """Return the decision with the day, and for additions the path, under which each certificate first came."""
    entries = previous.certificates if previous else ()
    known = {(entry.sha256, reason.source): reason for entry in entries for reason in entry.provenance}

    def carried(fingerprint: str, reasons: tuple[Provenance, ...]) -> tuple[Provenance, ...]:
        before = [(reason, known.get((fingerprint, reason.source), reason)) for reason in reasons]
        return tuple(
            dataclasses.replace(new, since=old.since, detail=old.detail if new.source == added.NAME else new.detail)
            for new, old in before
        )

    return decision._replace(
        anchors=tuple(
            dataclasses.replace(held, provenance=carried(held.certificate.fingerprint, held.provenance))
            for held in decision.anchors
        ),
        intermediates=tuple(
            dataclasses.replace(held, provenance=carried(held.certificate.fingerprint, held.provenance))
            for held in decision.intermediates
        ),
    )


def _kept_files(
    paths: StorePaths, request: Request, decision: Decision, out: dict[str, str], config: bytes | None
) -> dict[Path, bytes]:
    """Return the files, beside the generation, that carry the user's choices over to later runs: path -> content."""
    wanted: dict[Path, bytes] = {}
    added_now = {candidate.certificate.fingerprint for one in request.additions for candidate in one.candidates}
    for anchor in decision.anchors:
        if anchor.certificate.fingerprint in added_now:
            wanted[paths.trusted / file_name(anchor.certificate)] = annotated_pem(anchor.certificate).encode("ascii")
    if out != distrusted.read(paths.distrusted):
        wanted[paths.distrusted] = distrusted.render(out)
    if config is not None:
        wanted[paths.config] = config
    return {path: data for path, data in wanted.items() if not path.exists() or path.read_bytes() != data}


@contextlib.contextmanager
def _restored_on_failure(wanted: dict[Path, bytes]) -> Iterator[None]:
    """Write these files; if that, or what is done meanwhile, fails, they are as they were."""
    before: dict[Path, bytes | None] = {}
    try:
        for path, data in wanted.items():
            files.make_folder(path.parent)
            before[path] = path.read_bytes() if path.exists() else None
            files.replace(path, data)
        yield
    except BaseException:
        for path, old in before.items():
            if old is None:
                path.unlink(missing_ok=True)
            else:
                files.replace(path, old)
        raise


def _write_settings(paths: StorePaths, variables: list[Variable]) -> tuple[dict[str, str], bool]:
    settings = env_file.values(variables, generations.visible_folder(paths))
    changed = env_file.read(paths.env) != settings
    if changed:
        files.replace(paths.env, env_file.render(settings))
    return settings, changed
