"""Every change of the store goes one way, under its lock: sources, policy, new generation, switch, ``env`` file."""

from __future__ import annotations

import contextlib
import os
import typing
from dataclasses import dataclass

from certboot import files, moment, ownership
from certboot.clients.git import settings_outranked
from certboot.clients.variables import FULL
from certboot.errors import StoreError
from certboot.store import belongings, env_file, ephemeral, freshness, generations, layout
from certboot.store.env_file import chosen, held_back
from certboot.store.inputs import Inputs, nothing_new, read_inputs
from certboot.store.lock import locked
from certboot.store.paths import StorePaths, in_force
from certboot.store.place import mended_above
from certboot.store.request import Plan, Request

if typing.TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

    from certboot.clients.variables import Profile, Variable
    from certboot.sources.candidates import Rejection
    from certboot.sources.ccadb import Progress
    from certboot.store.manifest import Manifest


@dataclass(frozen=True)
class Outcome:
    """What a command found and did."""

    paths: StorePaths
    record: Manifest
    """The generation that is now in force, or with a dry run would be."""
    previous: Manifest | None
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
    profile: Profile

    def why_not(self, fingerprints: Collection[str]) -> tuple[str, str]:
        """Return by which rule the first of these certificates did not enter, and the reason in words."""
        refused = (rejection for rejection in self.rejected if rejection.fingerprint in fingerprints)
        return next(((rejection.rule, rejection.reason) for rejection in refused), ("", "no rule says why"))


def apply(
    paths: StorePaths, request: Request, environ: Mapping[str, str] = os.environ, progress: Progress | None = None
) -> Outcome:
    """Bring the store to what ``request`` and its sources say; raises CertbootError or OSError.

    With nothing new, nothing changes. Whatever fails, the store is as it was.
    """
    git = settings_outranked(environ)
    _prepare(paths)
    with locked(paths.lock):
        generations.clean(paths)
        ephemeral.sweep(paths)
        inputs = read_inputs(paths, request, moment.now().replace(microsecond=0), progress)
        plan = _planned(paths, request, inputs)
        settings: dict[str, str] = {}
        settings_written = False
        if not request.dry_run:
            with _restored_on_failure({**plan.kept, **_released(paths, inputs)}):
                if plan.content:
                    generations.switch(paths, layout.write(paths, plan.content, plan.record))
            variables = [v for v in inputs.config.variables() if not (git and v.name == "GIT_SSL_CAINFO")]
            settings, settings_written = _write_settings(paths, variables, inputs)
            if (plan.content and not request.only_distrusts) or request.command == "update":
                _write_checked(paths, request, inputs, plan)
            generations.prune(paths)
    return Outcome(
        paths=paths,
        record=plan.record,
        previous=inputs.previous,
        rejected=plan.rejected,
        written=plan.content is not None,
        settings=settings,
        settings_written=settings_written,
        held_back=held_back(settings, paths, chosen(paths, environ), inputs.adoptions),
        git=git,
        profile=inputs.config.hook.profile or FULL,
    )


def age_in_seconds(paths: StorePaths) -> float:
    """Return how long ago the sources were last read.

    Infinite where that is not known, where it lies in the future, and where a certificate of theirs has begun or ended
    since: what is below one that has ended leaves with it.
    """
    last, now = freshness.read(paths.checked), moment.now()
    return (now - last.when).total_seconds() if last and last.when <= now < last.until else float("inf")


def _prepare(paths: StorePaths) -> None:
    """Make the store's folder, unless somebody else could change what is, or will be, in it."""
    above = ownership.exposed_above(paths.home)
    if above:
        raise StoreError(f"no safe place for the store, {above.how}: {above.place}", mended_above(*above))
    if paths.home.exists() and not paths.home.is_dir():
        message = f"the store's folder is a file: {paths.home}"
        raise StoreError(message, "move it away, or set CERTBOOT_HOME to another folder")
    for path in (paths.home, paths.lock, *paths.parts, *paths.trusted.glob("*"), *paths.repaired.glob("*")):
        how = ownership.exposed_itself(path) if path == paths.generations else ownership.exposed(path)
        if how:
            message = f"the store cannot be relied on, {how}: {path}"
            mended = "chmod go-w" if how.startswith("others") else f"as root: chown {os.geteuid()}"
            raise StoreError(message, f"look at what is there; if it is yours and right, {mended} {path}")
    belongings.claim(paths)
    files.make_folder(paths.generations)  # before the lock: by it a run that is killed now is known to be one
    if ownership.written_by_others(paths.home):
        message = f"somebody else has made the folder for the store at this moment: {paths.home}"
        raise StoreError(message, "certboot init --home DIR, with a folder of your own")


def _planned(paths: StorePaths, request: Request, inputs: Inputs) -> Plan:
    last = freshness.read(paths.checked)
    if last and inputs.previous and request.changes_nothing and nothing_new(inputs, last):
        return Plan(None, inputs.previous, inputs.previous.rejected, last.until, {}, last.digest)
    from certboot.store import decide  # it brings in cryptography, which the common run does without

    if request.only_distrusts and inputs.previous and inputs.former:
        return decide.withdraw(paths, request, inputs, inputs.former, inputs.previous)
    return decide.decide(paths, request, inputs)


def _write_checked(paths: StorePaths, request: Request, inputs: Inputs, plan: Plan) -> None:
    generation = in_force(paths)
    with contextlib.suppress(OSError):  # the store is what it should be; it will only be read again sooner
        if generation:
            # What this run changed beside the generation it did not read: only the next one can know these inputs.
            digest = plan.digest
            if request.changes_nothing and not digest:
                digest = freshness.digest_of_run(inputs.digest, generation)
            files.replace(paths.checked, freshness.render(freshness.LastRead(inputs.now, digest, plan.until)))


@contextlib.contextmanager
def _restored_on_failure(wanted: dict[Path, bytes]) -> Iterator[None]:
    """Write these files; if that, or what is done meanwhile, fails, they are as they were."""
    before: dict[Path, bytes | None] = {}
    try:
        for path, data in wanted.items():
            files.make_folder(path.parent)
            before[path] = files.read_if_there(path, files.LARGE)
            files.replace(path, data)
        yield
    except BaseException:
        for path, old in before.items():
            if old is None:
                path.unlink(missing_ok=True)
            else:
                files.replace(path, old)
        raise


def _released(paths: StorePaths, inputs: Inputs) -> dict[Path, bytes]:
    """Return the ``env`` file without the values that are adopted no longer, if it has such.

    It is written before the switch: what such a value names must not be missing, not for a moment.
    """
    env = env_file.parse(paths.env) or env_file.EnvFile({})
    released = env.keeping(inputs.adoptions)
    return {} if released == env else {paths.env: env_file.render(released)}


def _write_settings(paths: StorePaths, variables: list[Variable], inputs: Inputs) -> tuple[dict[str, str], bool]:
    settings = env_file.values(variables, generations.visible_folder(paths))
    chosen = inputs.config.hook
    guards = None if chosen.guards is None else ",".join(chosen.guards)
    whole = env_file.EnvFile(
        settings, guards, inputs.adoptions, chosen.profile or FULL, hints=chosen.hints is not False
    )
    wanted = whole if settings else env_file.EnvFile({})
    # The hook takes no link, whatever it leads to.
    changed = env_file.parse(paths.env) != wanted or bool(ownership.exposed_itself(paths.env))
    if changed:
        files.replace(paths.env, env_file.render(wanted))
    return settings, changed
