"""A store for one command or one shell: what the user's has, and CAs besides; or these CAs alone.

<home>/runs/run-1a2b3c4d    for a command. ``lock`` is held by it, and by those it started, as long as they need it
<home>/runs/env-<digest>    for a shell, of which nobody knows when it ends: it goes a month after it was last asked for

Each is a whole store, which CERTBOOT_HOME names; the hook and every command read it as any other, and none changes it.
The user's own is only read. What nobody holds goes with the next run, whatever has killed the one that made it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import re
import shutil
import time
import typing
from dataclasses import dataclass
from pathlib import Path

from certboot import files, moment, ownership
from certboot.clients.git import settings_outranked
from certboot.clients.variables import BY_NAME, VARIABLES
from certboot.errors import StoreError
from certboot.sources import system
from certboot.sources.candidates import Candidate, Loaded, unparsed
from certboot.sources.table import SOURCES
from certboot.store import belongings, choices, env_file, generations
from certboot.store.config import parse_config, read_config
from certboot.store.env_file import EnvFile, Settings, settings, usable
from certboot.store.inputs import Inputs
from certboot.store.lock import Hold, hold
from certboot.store.manifest import Choices
from certboot.store.paths import RUN, SHELL, StorePaths, own_paths
from certboot.store.place import mended_above
from certboot.store.request import Request

if typing.TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from certboot.clients.variables import Variable
    from certboot.pki.certificate import Certificate
    from certboot.sources.repaired import Repair
    from certboot.store.config import Config
    from certboot.store.generations import Generation
    from certboot.store.manifest import Entry
    from certboot.store.request import Plan

_MONTH = 30 * 24 * 3600
_ATTEMPTS = 9
_PRIVATE = 0o700


@dataclass(frozen=True)
class Wanted:
    """What is to be trusted."""

    additions: tuple[Loaded, ...]
    """The CA certificates that the user named."""
    repairs: tuple[Repair, ...] = ()
    """The intermediates that the user named with them."""
    only: bool = False
    """Nothing else is trusted: neither what the user's store has, nor what a variable names already."""

    @property
    def certificates(self) -> list[Certificate]:
        """All that the user named."""
        roots = [candidate.certificate for loaded in self.additions for candidate in loaded.candidates]
        return [*roots, *(repair.certificate for repair in self.repairs)]


@dataclass(frozen=True)
class Ephemeral:
    """One such store."""

    paths: StorePaths
    plan: Plan
    """What is in it, and what did not enter."""
    only: bool
    without_store: bool
    """There was no store to begin with: it has the CAs of certifi and the system, as far as settings choose these."""
    descriptor: int = -1
    """Who inherits it keeps the store."""

    def settings(self, environ: Mapping[str, str]) -> Settings:
        """Return what leads there in this environment; raises StoreError for a store that the hook would not use."""
        return settings(self.paths, environ)

    def applied_to(self, environ: Mapping[str, str]) -> dict[str, str]:
        """Return the environment of a process that is to use it; raises StoreError as above."""
        chosen = self.settings(environ)
        if self.only:
            others = leading_elsewhere(environ)
            whole = {name: value for name, value in environ.items() if name not in others} | chosen.variables
        else:
            whole = chosen.applied_to(environ)
        return {**whole, "CERTBOOT_HOME": str(self.paths.home)}


@contextlib.contextmanager
def for_command(paths: StorePaths, wanted: Wanted, environ: Mapping[str, str]) -> Iterator[Ephemeral]:
    """Let there be a store for one command; raises CertbootError, and then there is none.

    It goes at the end, unless something that the command has started still holds it.
    """
    with _room(paths) as place:
        contents = _contents(paths, place, wanted, environ)
        made, lock = _begun(place.runs)
        try:
            with _written(made):
                _write(made, contents, made.home)
            yield Ephemeral(made, contents.plan, wanted.only, contents.without_store, lock.descriptor)
        finally:
            lock.release()


def for_shell(paths: StorePaths, wanted: Wanted, environ: Mapping[str, str]) -> Ephemeral:
    """Return a store that stays: that which is there already, where it has the same in it; raises as above."""
    with _room(paths) as place:
        contents = _contents(paths, place, wanted, environ)
        home = place.runs / f"env-{contents.digest}"
        kept = Ephemeral(StorePaths(home), contents.plan, wanted.only, contents.without_store)
        try:
            kept.settings({})
            os.utime(home)
        except (StoreError, OSError):
            shutil.rmtree(home, ignore_errors=True)
            made, lock = _begun(place.runs)
            try:
                with _written(made):
                    _write(made, contents, home)
                if lock.descriptor < 0:
                    lock.release()  # Windows moves nothing that is open
                with contextlib.suppress(OSError):  # another has made the same meanwhile, or what is said below is so
                    made.home.rename(home)
            finally:
                lock.release()
            kept.settings({})
    return kept


def sweep(place: StorePaths, *, shells: bool = False) -> tuple[Path, ...]:
    """Remove the stores that nobody holds, and those of shells that are old, or all of them; return what is held."""
    for home in _copies(place):
        with contextlib.suppress(OSError):  # it is tried again the next time
            if files.is_folder(home) and _fullmatch(RUN, home.name):
                _remove_unheld(home)
            elif files.is_folder(home) and _fullmatch(SHELL, home.name):
                age = time.time() - home.stat().st_mtime
                if shells or age > _MONTH:  # under a name by which half of it is known to be nobody's
                    _remove_unheld(home.rename(home.with_name(_new_name())))
    for folder in (place.runs, place.home):
        with contextlib.suppress(OSError):  # it is not empty
            folder.rmdir()
    return tuple(home for home in _copies(place) if _fullmatch(RUN, home.name))


def _copies(place: StorePaths) -> list[Path]:
    return belongings.entries(place.runs) if files.is_folder(place.runs) else []  # a link may lead anywhere


def leading_elsewhere(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the variables that are set here, name CAs to some client, and are none that certboot sets."""
    from certboot.clients.table import CLIENTS, places  # which most runs do without

    looked_at = (place for client in CLIENTS for place in (*places(client), *client.switches) if not place.setting)
    return tuple(sorted({place.name for place in looked_at}.intersection(environ).difference(BY_NAME)))


def _fullmatch(pattern: str, name: str) -> bool:
    return re.fullmatch(pattern, name) is not None


def _new_name() -> str:
    return f"run-{os.urandom(4).hex()}"


def _remove_unheld(home: Path) -> None:
    # The lock may be missing, where a run was killed before it made it, or while it removed its store.
    lock = hold(home / "lock")
    if lock:
        shutil.rmtree(home, ignore_errors=True)
        lock.release()
        shutil.rmtree(home, ignore_errors=True)  # Windows removes nothing that is open


@contextlib.contextmanager
def _room(paths: StorePaths) -> Iterator[StorePaths]:
    """Swept before and after: the store beside whose parts this goes; raises StoreError where there is no safe room."""
    place = StorePaths(paths.home.parents[1]) if paths.is_ephemeral else paths
    if place.home.exists() and not os.access(place.home, os.W_OK):  # root's, for every user
        place = own_paths()
    exposure = ownership.written_by_others(place.home)
    if exposure:
        message = f"no safe place for the store, {exposure.how}: {exposure.place}"
        raise StoreError(message, mended_above(*exposure))
    with _written(place):
        belongings.claim(place)
        if os.path.lexists(place.runs) and not files.is_folder(place.runs):
            raise StoreError(f"a file or link, in the place of a folder: {place.runs}", "move it away")
        files.make_folder(place.runs)
    try:
        sweep(place)
        yield place
    finally:
        sweep(place)


@contextlib.contextmanager
def _written(store: StorePaths) -> Iterator[None]:
    """Raise StoreError where the disk does not take what is written."""
    try:
        yield
    except OSError as error:
        message = f"no room for a copy of the store, {error.strerror}: {error.filename or store.home}"
        hint = "set XDG_DATA_HOME to a folder in which you may write; or --home DIR, without what this store has"
        raise StoreError(message, hint) from error


def _begun(runs: Path) -> tuple[StorePaths, Hold]:
    """Return an empty store that nobody else may enter, and its lock."""
    for _ in range(_ATTEMPTS):
        store = StorePaths(runs / _new_name())
        with contextlib.suppress(FileNotFoundError, FileExistsError):  # another run has swept here at this moment
            files.make_folder(runs)
            store.home.mkdir(_PRIVATE)
            lock = hold(store.lock)
            if lock:
                return store, lock
    raise StoreError(f"other runs of certboot leave no room here: {runs}", "try again")


class _Contents(typing.NamedTuple):
    """What is to be written."""

    plan: Plan
    env: EnvFile
    """Without values: they depend on the folder."""
    variables: tuple[Variable, ...]
    distrusted: bytes
    config: bytes
    without_store: bool

    @property
    def digest(self) -> str:
        """What tells one from another."""
        parts = (self.plan.record.digest(), repr(self.env), repr(self.variables))
        return hashlib.sha256(b"\0".join((*map(os.fsencode, parts), self.distrusted, self.config))).hexdigest()[:16]


def _contents(paths: StorePaths, place: StorePaths, wanted: Wanted, environ: Mapping[str, str]) -> _Contents:
    from certboot.store import decide  # it brings in cryptography

    former = _former(paths)
    previous = former.record if former else None
    data, out = read_config(paths.config), choices.read_bytes(paths.distrusted)
    config = parse_config(data, paths.config)
    chosen = previous.choices if previous else Choices(Choices().sources if config.sources is None else config.sources)
    base = _held(former) if former else _default(chosen.sources)
    distrusted = choices.parse_distrusted(out, paths.distrusted)
    _refuse_distrusted(wanted, {*distrusted, *config.distrust, *base.distrusted})
    kept = dataclasses.replace(base, candidates=()) if wanted.only else base
    inputs = Inputs(
        now=moment.now().replace(microsecond=0),
        config=config,
        settings_file=None,
        distrusted=distrusted,
        choices=chosen,
        sources=tuple(map(unparsed, (kept, *wanted.additions))),
        adoptions=previous.adopted if previous and not wanted.only else (),
        former=None,
        previous=None if wanted.only else previous,
        digest="",
    )
    request = Request("run --add", additions=wanted.additions, repairs=wanted.repairs)
    plan = decide.decide(StorePaths(place.runs / "new"), request, inputs)
    before = env_file.parse(paths.env)
    env = dataclasses.replace(before or EnvFile({}), variables={}, adopted=inputs.adoptions)
    return _Contents(
        plan, env, tuple(_variables(config, before, wanted, environ)), out, data, without_store=former is None
    )


def _variables(
    config: Config, before: EnvFile | None, wanted: Wanted, environ: Mapping[str, str]
) -> Iterable[Variable]:
    """Return what the hook sets: as it does already, else as ``init`` has it; or all: for these alone."""
    if wanted.only:
        return VARIABLES
    if before:
        return (variable for variable in VARIABLES if variable.name in before.variables)
    git = settings_outranked(environ)
    return (variable for variable in config.variables() if not (git and variable.name == "GIT_SSL_CAINFO"))


def _refuse_distrusted(wanted: Wanted, distrusted: Collection[str]) -> None:
    """Raise StoreError where all that is named is distrusted: with ``only`` nothing would be left."""
    offered = wanted.certificates
    if offered and all(certificate.is_among(distrusted) for certificate in offered):
        hint = "certboot list --rejected says by whom; by you: certboot distrust ID --undo"
        raise StoreError(f"it is distrusted, and stays out: {offered[0].name}", hint)


def _former(paths: StorePaths) -> Generation | None:
    """Return what is in force, where the hook would use it, or None where there is no store; raises StoreError."""
    if not (os.path.lexists(paths.env) or os.path.lexists(paths.current)):
        return None
    usable(paths, generations.visible_folder(paths))
    return generations.needed(paths)


def _held(former: Generation) -> Loaded:
    """Return what the store has, as candidates once more, and what its sources said is not to be trusted."""
    entries, rejected = former.record.certificates, former.record.rejected
    return Loaded(
        candidates=tuple(
            candidate
            for entry, certificate in zip(entries, generations.certificates(former.folder, entries), strict=True)
            for candidate in _offered(entry, certificate)
        ),
        rejections=rejected,
        revoked=frozenset(rejection.fingerprint for rejection in rejected if rejection.rule == "revoked"),
        distrusted=_distrusted_by_system() if system.NAME in former.record.choices.sources else frozenset(),
    )


def _offered(entry: Entry, certificate: Certificate) -> Iterator[Candidate]:
    """Yield a certificate as its sources have offered it: of a stand-in the original, with the wish for the same."""
    original = generations.original(entry)
    wish = certificate.link.key_id if original else None
    for reason in entry.provenance:
        yield Candidate(
            original or certificate, reason.source, reason.detail, entry.role,
            distrust_after=entry.distrust_after, stand_in=wish,
        )  # fmt: skip


def _distrusted_by_system() -> frozenset[str]:
    read = system.read()
    # Only blocks of this name say so, and few systems have one (openssl-x509(1), Trust Options).
    marked = any(b"TRUSTED CERTIFICATE" in data for _, data in read.pieces)
    return read.parse().distrusted if marked else frozenset()


def _default(chosen: Collection[str]) -> Loaded:
    """Return what ``init`` would take from these sources, without the network; raises SourceError."""
    from certboot.sources.extract import merged

    return merged(source.alone().parse() for source in SOURCES if source.name in chosen and source.alone)


def _write(made: StorePaths, contents: _Contents, home: Path) -> None:
    """Fill a store that will be named ``home``, and open it to readers; raises StoreError or OSError."""
    content, record = contents.plan.content, contents.plan.record
    if content:
        generations.switch(made, generations.write(made, content, record, durable=False))
    for path, data in ((made.distrusted, contents.distrusted), (made.config, contents.config)):
        if data:
            files.write_new(path, data)
    visible = home / generations.visible_folder(made).relative_to(made.home)
    env = dataclasses.replace(contents.env, variables=env_file.values(contents.variables, visible))
    files.write_new(made.env, env_file.render(env))
    made.home.chmod(files.FOLDER_MODE)
