"""``hooks.json`` in the store's folder: where copies of the hook are, so that an update can tell which are outdated.

Only a list of places. Whether a copy is there, and whose it is, its own record says.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import subprocess
import typing
from pathlib import Path

from certboot import files, ownership
from certboot.errors import CertbootError, StoreError
from certboot.hook import inventory
from certboot.store import belongings, generations
from certboot.store.lock import locked

if typing.TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from certboot.store.paths import StorePaths

_SCHEMA = 1


def hook_command(action: str, python: str | Path, *, user: bool = False, base: bool = False) -> tuple[str, ...]:
    """Return the command that copies the hook into an interpreter, or takes it away."""
    where = (*(["--base"] if base else []), "--python", str(python), *(["--user"] if user else []))
    return ("certboot", "hook", action, *where)


def shell_line(argv: Sequence[str]) -> str:
    """Return a command as it is written in a shell."""
    return subprocess.list2cmdline(argv) if os.name == "nt" else shlex.join(argv)


class Copy(typing.NamedTuple):
    """One place where certboot has put the hook."""

    python: str
    """The interpreter."""
    folder: str
    """Its folder of packages."""
    user: bool
    """That folder is the user's own."""
    base: bool = False
    """That folder is the interpreter's library: the hook is for every virtualenv of it."""

    def argv(self, action: str) -> tuple[str, ...]:
        """Return the command that renews (``install``) or removes (``uninstall``) the copy."""
        return hook_command(action, self.python, user=self.user, base=self.base)

    def command(self, action: str) -> str:
        """Return the same for a shell."""
        return shell_line(self.argv(action))

    def is_there(self) -> bool:
        """Return whether there still is a copy."""
        return inventory.look(Path(self.folder)).record is not None


class Outdated(typing.NamedTuple):
    """A copy that is not the hook that this certboot has."""

    copy: Copy
    version: str
    """The version of certboot from which it was made."""


def copies(paths: StorePaths) -> tuple[Copy, ...]:
    """Return the places that are listed, without those where no copy is any more."""
    return tuple(copy for copy in _read(paths) if copy.is_there())


def lost_copies(paths: StorePaths) -> tuple[Copy, ...]:
    """Return the interpreters whose virtualenvs had the hook, until something, such as an upgrade, took it away."""
    bases = [copy for copy in _read(paths) if copy.base]
    lost = [copy for copy in bases if os.path.exists(copy.python) and not copy.is_there()]
    return (*lost, *filter(None, map(_upgraded, bases)))


def _upgraded(copy: Copy) -> Copy | None:
    """Return what uv has put in the place of an interpreter of its own, if that has no hook.

    It has a folder for each patch release, cpython-3.12.1-linux-x86_64-gnu, and a link to the newest of them without
    the last number, which new environments go by: https://github.com/astral-sh/uv/pull/13954
    """
    prefix = Path(os.path.commonpath((copy.python, copy.folder)))
    release = re.fullmatch(r"(.+-[0-9]+\.[0-9]+)\.[0-9][^-+]*([-+].+)", prefix.name)
    newest = prefix.with_name("".join(release.groups())) if release else prefix
    python, folder = (str(newest / Path(path).relative_to(prefix)) for path in (copy.python, copy.folder))
    there = Copy(python, folder, user=False, base=True)
    same = newest == prefix or not os.path.exists(newest) or (os.path.exists(prefix) and newest.samefile(prefix))
    return None if same or there.is_there() else there


def outdated_copies(paths: StorePaths) -> tuple[Outdated, ...]:
    """Return the copies that this certboot would renew; never raises, and starts no interpreter."""
    try:
        hooks = [(copy, inventory.look(Path(copy.folder))) for copy in copies(paths)]
        return tuple(Outdated(copy, hook.version) for copy, hook in hooks if inventory.outdated(hook))
    except (OSError, CertbootError):
        return ()


def renew(paths: StorePaths) -> tuple[Copy, ...]:
    """Bring the outdated copies to the hook that this certboot has, and return them; never raises.

    A copy of a newer certboot stays as it is: two of them that serve one store must not undo each other's work. What
    cannot be renewed stays outdated, and whole.
    """
    from importlib.metadata import version

    from certboot.hook.install import install

    renewed = []
    for outdated in outdated_copies(paths):
        with contextlib.suppress(OSError, CertbootError):
            if _release(outdated.version) <= _release(version("certboot")):
                install(Path(outdated.copy.folder))
                renewed.append(outdated.copy)
    return tuple(renewed)


def _release(version: str) -> tuple[tuple[int, ...], str, int]:
    """Return what releases are ordered by (PEP 440), candidates before theirs, and what is no version before all."""
    release = re.match(r"([0-9]{1,9}(?:\.[0-9]{1,9})*)(?:(a|b|rc)([0-9]{1,9}))?", version)
    if not release:
        return (), "", 0
    return tuple(map(int, release[1].split("."))), release[2] or "release", int(release[3] or 0)


def remember(paths: StorePaths, copy: Copy) -> None:
    """List a place; raises StoreError or OSError where there can be no list."""
    exposure = ownership.written_by_others(paths.home)
    if exposure:
        message = f"no safe place for a list of copies, {exposure.how}: {paths.home}"
        raise StoreError(message, "certboot doctor store looks at it")
    belongings.claim(paths)
    with locked(paths.lock):
        _write(paths, [*_without(_read(paths), copy.folder, copy.python), copy])


def forget(paths: StorePaths, folder: Path, python: Path | None = None) -> None:
    """Take a place off the list, and what an upgrade of ``python`` took away; raises StoreError or OSError."""
    gone = str(folder), str(python or "")
    listed = _read(paths)
    if len(_without(listed, *gone)) == len(listed):
        return
    with locked(paths.lock):
        _write(paths, _without(_read(paths), *gone))
    # A folder that was made for the list alone goes with it.
    if {path.name for path in paths.home.iterdir()} == {paths.lock.name}:
        paths.lock.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            paths.home.rmdir()


def _without(listed: Iterable[Copy], folder: str, python: str) -> list[Copy]:
    """Leave out a place, and the former library folders of its interpreter, which an upgrade took away."""
    return [
        copy
        for copy in listed
        if copy.folder != folder and not (copy.base and copy.python == python and not copy.is_there())
    ]


def _read(paths: StorePaths) -> tuple[Copy, ...]:
    """Return what is listed; nothing if it is no list of certboot's, or one that others could have written."""
    try:
        if ownership.exposed(paths.home) or ownership.exposed(paths.hooks):
            return ()
        listed = (
            Copy(str(copy["python"]), str(copy["folder"]), user=copy["user"] is True, base=copy.get("base") is True)
            for copy in json.loads(files.read_regular(paths.hooks, files.SMALL))["copies"]
        )
        return tuple(copy for copy in listed if os.path.isabs(copy.folder) and os.path.isabs(copy.python))
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return ()


def _write(paths: StorePaths, listed: list[Copy]) -> None:
    """Write the list. For the holder of the lock."""
    generations.clean(paths)
    if not listed:
        paths.hooks.unlink(missing_ok=True)
        return
    entries = [copy._asdict() for copy in sorted(listed, key=lambda copy: copy.folder)]
    for entry in entries:
        if not entry["base"]:  # which a former certboot does not know
            del entry["base"]
    whole = {"schema": _SCHEMA, "copies": entries}
    files.replace(paths.hooks, (json.dumps(whole, indent=1) + "\n").encode("ascii"))
