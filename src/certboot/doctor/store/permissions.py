"""Part of the group ``store``: what others could change of it, and what takes that from them."""

from __future__ import annotations

import os
import shlex
import typing

from certboot import ownership
from certboot.doctor.finding import Finding
from certboot.store.paths import BUNDLE, CRTS
from certboot.store.place import ELSEWHERE, SHARED, closed_to_others, mended_above

if typing.TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from certboot.doctor.finding import Fix
    from certboot.store.generations import Generation
    from certboot.store.paths import StorePaths

# Everybody has to write there, which the sticky bit makes safe.
_SHARED = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 - nothing is written there


def check(paths: StorePaths, current: Generation) -> Iterator[Finding]:
    """Yield a finding for the folder above the store, and for each of its parts, that somebody else could change."""
    above = ownership.exposed_above(paths.home)
    if above:
        yield _finding(*above, *_mended_above(*above))
        if above[0] == paths.home:
            return
    how = ownership.exposed(paths.home)
    if how.startswith("it belongs"):  # and so does most of what is in it
        hint = f"run certboot as that user, or {ELSEWHERE}; if it is to be yours and is right, {_chown(paths.home)}"
        yield _finding(paths.home, how, (), hint)
        return
    parts = (part for part in paths.parts if part != paths.current)  # it leads to the generation
    no_links = {paths.env, paths.generations, current.folder, current.folder / CRTS}  # of others the damage is told
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
        how = ownership.exposed_itself(path) if path in no_links else ownership.exposed(path)
        if not how:
            continue
        if how.startswith("others"):
            yield _finding(path, how, (("chmod", "go-w", str(path)),))
        elif path in made_again and _may_remove(path):
            yield _finding(path, how, (("rm", "-f", str(path)), ("certboot", "init")))
        elif how == ownership.LINK:
            hint = "the hook passes no link in a store: put what it leads to into its place, or certboot init"
            yield _finding(path, how, (), hint)
        else:
            hint = f"look at what it holds, which another user may have written; if it is right, {_chown(path)}"
            yield _finding(path, how, (), hint)


def served(paths: StorePaths) -> Iterator[Finding]:
    """Yield a finding where a store of root's serves root alone: a daemon that drops root is cut off from it."""
    closed = closed_to_others(paths.home)
    if closed:
        summary = f"it serves root alone, since no other user may pass {closed}; a daemon that drops root loses it"
        hint = f"{SHARED}; for a machine on which no daemon starts as root, nothing"
        yield Finding(
            "store-serves-root-alone", "store", "warn", "store", summary, {"closed": str(closed), "hint": hint}
        )


def _finding(path: Path, how: str, fix: Fix, hint: str = "") -> Finding:
    return Finding("store-unsafe", "store", "fail", "store", f"{how}: {path}", {"hint": hint} if hint else {}, fix)


def _mended_above(place: Path, how: str) -> tuple[Fix, str]:
    if not how.startswith("others"):
        # Whatever is done to it, its owner can undo.
        return (), mended_above(place, how)
    shared = os.path.realpath(place) in map(os.path.realpath, _SHARED)
    argv = ("chmod", "+t" if shared else "go-w", str(place))
    if os.geteuid() in (0, place.stat().st_uid):
        return (argv,), ""
    return (), f"have root run: {shlex.join(argv)}; or {ELSEWHERE}"


def _chown(path: Path) -> str:
    recursive = ("-R",) if path.is_dir() else ()
    return f"as root: {shlex.join(('chown', *recursive, str(os.geteuid()), str(path)))}"


def _may_remove(path: Path) -> bool:
    """Return whether this user may remove a file that somebody else owns: its folder is theirs."""
    return os.geteuid() in (0, path.parent.stat().st_uid)
