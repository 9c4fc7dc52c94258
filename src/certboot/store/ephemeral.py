"""A store for one command or one shell: how it is made, held and taken away. ``ephemeral_contents`` has what is in it.

<home>/runs/run-1a2b3c4d    for a command. ``lock`` is held by it, and by those it started, as long as they need it
<home>/runs/env-<digest>    for a shell, of which nobody knows when it ends: it goes a month after it was last asked for

Each is a whole store, which CERTBOOT_HOME names; the hook and every command read it as any other, and none changes it.
The user's own is only read. What nobody holds goes with the next run, whatever has killed the one that made it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import shutil
import time
import typing
from dataclasses import dataclass
from pathlib import Path

from certboot import files, ownership
from certboot.clients.variables import BY_NAME
from certboot.errors import StoreError
from certboot.store import belongings, env_file, generations, layout
from certboot.store.env_file import Settings, settings
from certboot.store.ephemeral_contents import Contents, Wanted, planned
from certboot.store.lock import Hold, hold
from certboot.store.paths import RUN, SHELL, StorePaths, own_paths
from certboot.store.place import mended_above

if typing.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from certboot.store.request import Plan

_MONTH = 30 * 24 * 3600
_ATTEMPTS = 9
_PRIVATE = 0o700


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
        contents = planned(paths, place, wanted, environ)
        store, lock = _begun(place.runs)
        try:
            with _written(store):
                _write(store, contents, store.home)
            yield Ephemeral(store, contents.plan, wanted.only, contents.without_store, lock.descriptor)
        finally:
            lock.release()


def for_shell(paths: StorePaths, wanted: Wanted, environ: Mapping[str, str]) -> Ephemeral:
    """Return a store that stays: that which is there already, where it has the same in it; raises as above."""
    with _room(paths) as place:
        contents = planned(paths, place, wanted, environ)
        home = place.runs / f"env-{contents.digest}"
        kept = Ephemeral(StorePaths(home), contents.plan, wanted.only, contents.without_store)
        try:
            kept.settings({})
            os.utime(home)
        except (StoreError, OSError):
            shutil.rmtree(home, ignore_errors=True)
            store, lock = _begun(place.runs)
            try:
                with _written(store):
                    _write(store, contents, home)
                if lock.descriptor < 0:
                    lock.release()  # Windows moves nothing that is open
                with contextlib.suppress(OSError):  # another has made the same meanwhile, or what is said below is so
                    store.home.rename(home)
            finally:
                lock.release()
            kept.settings({})
    return kept


def sweep(place: StorePaths, *, shells: bool = False) -> tuple[Path, ...]:
    """Remove the stores that nobody holds, and those of shells that are old, or all of them; return what is held."""
    for home in _copies(place):
        with contextlib.suppress(OSError):  # it is tried again the next time
            if files.is_folder(home) and re.fullmatch(RUN, home.name):
                _remove_unheld(home)
            elif files.is_folder(home) and re.fullmatch(SHELL, home.name):
                age = time.time() - home.stat().st_mtime
                if shells or age > _MONTH:  # under a name by which half of it is known to be nobody's
                    _remove_unheld(home.rename(home.with_name(_new_name())))
    for folder in (place.runs, place.home):
        with contextlib.suppress(OSError):  # it is not empty
            folder.rmdir()
    return tuple(home for home in _copies(place) if re.fullmatch(RUN, home.name))


def _copies(place: StorePaths) -> list[Path]:
    return belongings.entries(place.runs) if files.is_folder(place.runs) else []  # a link may lead anywhere


def leading_elsewhere(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the variables that are set here, name CAs to some client, and are none that certboot sets."""
    from certboot.clients.table import CLIENTS, places  # which most runs do without

    looked_at = (place for client in CLIENTS for place in (*places(client), *client.switches) if not place.setting)
    return tuple(sorted({place.name for place in looked_at}.intersection(environ).difference(BY_NAME)))


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


def _write(store: StorePaths, contents: Contents, home: Path) -> None:
    """Fill a store that will be named ``home``, and open it to readers; raises StoreError or OSError."""
    content, record = contents.plan.content, contents.plan.record
    if content:
        generations.switch(store, layout.write(store, content, record, durable=False))
    for path, data in ((store.distrusted, contents.distrusted), (store.config, contents.config)):
        if data:
            files.write_new(path, data)
    visible = home / generations.visible_folder(store).relative_to(store.home)
    env = dataclasses.replace(contents.env, variables=env_file.values(contents.variables, visible))
    files.write_new(store.env, env_file.render(env))
    store.home.chmod(files.FOLDER_MODE)
