"""What a store for one command or one shell holds: what the user's has, and CAs besides; or these CAs alone."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import typing
from dataclasses import dataclass

from certboot import moment
from certboot.clients.git import settings_outranked
from certboot.clients.variables import VARIABLES
from certboot.errors import StoreError
from certboot.sources import system
from certboot.sources.candidates import Candidate, Loaded, unparsed
from certboot.sources.table import SOURCES
from certboot.store import choices, env_file, generations
from certboot.store.config import parse_config, read_config
from certboot.store.env_file import EnvFile, usable
from certboot.store.inputs import Inputs
from certboot.store.manifest import Choices
from certboot.store.paths import StorePaths
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


class Contents(typing.NamedTuple):
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


def planned(paths: StorePaths, place: StorePaths, wanted: Wanted, environ: Mapping[str, str]) -> Contents:
    """Return what the store is to hold beside those of ``place``; raises CertbootError."""
    from certboot.store import decide  # it brings in cryptography

    former = _former(paths)
    previous = former.record if former else None
    data, out = read_config(paths.config), choices.distrusted_bytes(paths.distrusted)
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
    return Contents(
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
