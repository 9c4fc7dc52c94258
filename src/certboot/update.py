"""``certboot init``: sources -> policy -> new generation -> switch -> ``env`` file, under the store's lock."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import typing
from dataclasses import dataclass
from datetime import datetime, timezone

from certboot import files, policy
from certboot.certs import annotated_pem, file_name
from certboot.clients import git_settings, held_back
from certboot.config import load_config
from certboot.errors import StoreError
from certboot.sources import added, certifi, system
from certboot.store import env_file, generations, manifest
from certboot.store.layout import in_force

if typing.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from certboot.model import TrustAnchor
    from certboot.paths import StorePaths
    from certboot.policy import Decision


@dataclass(frozen=True)
class Outcome:
    """What ``init`` found and did."""

    paths: StorePaths
    record: manifest.Manifest
    """The generation that is now in force."""
    previous: manifest.Manifest | None
    """The one that was in force before, if it could be read."""
    written: bool
    """A new generation was written and switched to."""
    settings: dict[str, str]
    """Variable -> value: the ``env`` file."""
    settings_written: bool
    held_back: dict[str, tuple[str, str]]
    """Variable -> the preset variable that keeps the hook from setting it, and that one's value."""
    git: tuple[str, ...]
    """The git settings for whose sake GIT_SSL_CAINFO is left out."""


def initialise(paths: StorePaths, add: Sequence[Path] = (), environ: Mapping[str, str] = os.environ) -> Outcome:
    """Fill the store from certifi, the system, earlier additions and ``add``; raises CertbootError or OSError.

    With nothing new, nothing changes. Whatever fails, the store is as it was.
    """
    now = datetime.now(timezone.utc).replace(microsecond=0)
    new = tuple(added.load_file(path, now) for path in add)
    git = git_settings(environ)
    _prepare(paths)
    with files.locked(paths.lock):
        generations.clean(paths)
        config = load_config(paths.config)
        loaded = (certifi.load(), system.load(), *new, added.load_kept(paths.trusted))
        unreadable = tuple(rejection for one in loaded for rejection in one.rejections)
        decision = policy.decide((candidate for one in loaded for candidate in one.candidates), now)
        former = in_force(paths)
        previous = _manifest_of(former)
        content = generations.content(_carried(decision, previous))
        record = manifest.Manifest(
            generation=generations.next_number(paths),
            created=now.isoformat(),
            command="init",
            certificates=manifest.entries(content.anchors),
            rejected=unreadable + decision.rejections,
        )
        written = not (
            former and previous and previous.content() == record.content() and generations.is_whole(former, content)
        )
        generation = generations.write(paths, content, record) if written else former
        added_now = {candidate.certificate.fingerprint for one in new for candidate in one.candidates}
        with _kept(paths, [a for _, a in content.anchors if a.certificate.fingerprint in added_now]):
            if written and generation:
                generations.switch(paths, generation)
        variables = [v for v in config.variables() if not (git and v.name == "GIT_SSL_CAINFO")]
        settings = env_file.values(variables, generations.visible_folder(paths))
        settings_written = env_file.read(paths.env) != settings
        if settings_written:
            files.replace(paths.env, env_file.render(settings))
        generations.prune(paths)
    return Outcome(
        paths=paths,
        record=record if written or not previous else previous,
        previous=previous,
        written=written,
        settings=settings,
        settings_written=settings_written,
        held_back=held_back(settings, paths, environ),
        git=git,
    )


def _prepare(paths: StorePaths) -> None:
    """Make the store's folder, unless somebody else could change what is, or will be, in it."""
    above = files.exposed_above(paths.home)
    if above:
        message = f"no safe place for the store, {above[1]}: {above[0]}"
        raise StoreError(message, "set CERTBOOT_HOME to a folder of your own")
    if paths.home.exists() and not paths.home.is_dir():
        message = f"the store's folder is a file: {paths.home}"
        raise StoreError(message, "move it away, or set CERTBOOT_HOME to another folder")
    ours = (paths.env, paths.current, paths.generations, paths.trusted, paths.config, paths.lock)
    for path in (paths.home, *ours, *paths.trusted.glob("*")):
        how = files.exposed(path)
        if how:
            message = f"the store cannot be relied on, {how}: {path}"
            raise StoreError(message, f"look at what is there; if it is yours and right, chmod go-w {path}")
    other = sorted({path.name for path in paths.home.glob("[!.]*")} - {path.name for path in ours})
    if other and not paths.generations.exists():
        message = f"the folder for the store holds other things ({other[0]}): {paths.home}"
        raise StoreError(message, "set CERTBOOT_HOME to a folder of your own")
    files.make_folder(paths.home)


def _manifest_of(generation: Path | None) -> manifest.Manifest | None:
    try:
        return manifest.read(generation) if generation else None
    except StoreError:
        return None  # damaged: what `init` writes takes its place


def _carried(decision: Decision, previous: manifest.Manifest | None) -> list[TrustAnchor]:
    """Return the anchors with the day, and for additions the path, under which they first came."""
    entries = previous.certificates if previous else ()
    known = {(entry.sha256, reason.source): reason for entry in entries for reason in entry.provenance}
    anchors = []
    for anchor in decision.anchors:
        reasons = []
        for reason in anchor.provenance:
            before = known.get((anchor.certificate.fingerprint, reason.source), reason)
            kept_detail = before.detail if reason.source == added.NAME else reason.detail
            reasons.append(dataclasses.replace(reason, since=before.since, detail=kept_detail))
        anchors.append(dataclasses.replace(anchor, provenance=tuple(reasons)))
    return anchors


@contextlib.contextmanager
def _kept(paths: StorePaths, additions: Sequence[TrustAnchor]) -> Iterator[None]:
    """Keep what the user added for later runs, unless what is done meanwhile fails."""
    written: list[Path] = []
    try:
        for anchor in additions:
            path = paths.trusted / file_name(anchor.certificate)
            if not path.exists():
                files.make_folder(paths.trusted)
                written.append(path)
                files.replace(path, annotated_pem(anchor.certificate).encode("ascii"))
        yield
    except BaseException:
        for path in written:
            path.unlink(missing_ok=True)
        raise
