"""Part of the group ``store``: what others could change of it, and what takes that from them."""

from __future__ import annotations

import os
import shlex
import typing

from certboot import files
from certboot.model import Finding
from certboot.store.layout import BUNDLE, CRTS

if typing.TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from certboot.doctor.generation import Generation
    from certboot.paths import StorePaths

_ELSEWHERE = "or set CERTBOOT_HOME to a folder of your own"
# Everybody has to write there, which the sticky bit makes safe.
_SHARED = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 - nothing is written there
_Fix = tuple[tuple[str, ...], ...]


def check(paths: StorePaths, current: Generation) -> Iterator[Finding]:
    """Yield a finding for the folder above the store, and for each of its parts, that somebody else could change."""
    above = files.exposed_above(paths.home)
    if above:
        yield _finding(*above, *_mended_above(*above))
    how = files.exposed(paths.home)
    if how.startswith("it belongs"):  # and so does most of what is in it
        hint = f"run certboot as that user, {_ELSEWHERE}; if it is to be yours and is right, {_chown(paths.home)}"
        yield _finding(paths.home, how, (), hint)
        return
    parts = (part for part in paths.parts if part != paths.current)  # it leads to the generation
    made_again = {paths.env, paths.checked, current.folder / BUNDLE, *(current.folder / CRTS).glob("*")}
    for path in (
        paths.home,
        paths.lock,
        *parts,
        current.folder,
        *paths.trusted.glob("*"),
        *paths.repaired.glob("*"),
        *current.folder.glob("*"),
        *(current.folder / CRTS).glob("*"),
    ):
        how = files.exposed(path)
        if not how:
            continue
        if how.startswith("others"):
            yield _finding(path, how, (("chmod", "go-w", str(path)),))
        elif path in made_again and _may_remove(path):
            yield _finding(path, how, (("rm", "-f", str(path)), ("certboot", "init")))
        else:
            hint = f"look at what it holds, which another user may have written; if it is right, {_chown(path)}"
            yield _finding(path, how, (), hint)


def _finding(path: Path, how: str, fix: _Fix, hint: str = "") -> Finding:
    return Finding("store-unsafe", "store", "fail", "store", f"{how}: {path}", {"hint": hint} if hint else {}, fix)


def _mended_above(place: Path, how: str) -> tuple[_Fix, str]:
    if not how.startswith("others"):
        # Whatever is done to it, its owner can undo.
        return (), f"whoever owns it decides what is in it: have root make it yours, {_ELSEWHERE}: {place}"
    shared = os.path.realpath(place) in map(os.path.realpath, _SHARED)
    argv = ("chmod", "+t" if shared else "go-w", str(place))
    if os.geteuid() in (0, place.stat().st_uid):
        return (argv,), ""
    return (), f"have root run: {shlex.join(argv)}; {_ELSEWHERE}"


def _chown(path: Path) -> str:
    recursive = ("-R",) if path.is_dir() else ()
    return f"as root: {shlex.join(('chown', *recursive, str(os.geteuid()), str(path)))}"


def _may_remove(path: Path) -> bool:
    """Return whether this user may remove a file that somebody else owns: its folder is theirs."""
    return os.geteuid() in (0, path.parent.stat().st_uid)
