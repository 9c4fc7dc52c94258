"""What the hook sets in a process: the variables of the ``env`` file, under the rules that the hook has for a store."""

from __future__ import annotations

import os
import typing
from dataclasses import dataclass

from certboot import files
from certboot.clients.variables import BY_NAME, held_back
from certboot.errors import StoreError
from certboot.store import env_file
from certboot.store.layout import BUNDLE, CRTS, in_force
from certboot_startup import adopted

if typing.TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from certboot.store.paths import StorePaths

_INIT = "certboot init"
_LOOK = "certboot doctor store"


@dataclass(frozen=True)
class Settings:
    """What certboot has for a process with a certain environment."""

    variables: dict[str, str]
    """Variable -> the bundle or the directory of the generation in force, whether or not it is set already."""
    held: dict[str, tuple[str, str]]
    """Those of them that the hook leaves alone, with the preset variable that decides it, and its value."""
    replaced: dict[str, str]
    """Variables whose value the user has adopted: the hook replaces it."""

    def applied_to(self, environ: Mapping[str, str]) -> dict[str, str]:
        """Return the environment that the hook makes of this one."""
        unset = {name: value for name, value in self.variables.items() if name not in self.held}
        return unset | dict(environ) | self.replaced


def settings(paths: StorePaths, environ: Mapping[str, str]) -> Settings:
    """Return the settings; raises StoreError where there is no store, or one that the hook would not use.

    Every value is the bundle or the directory of one generation of this store, and nobody but the user or root can
    write to it. Other lines of the file are no variables.
    """
    found = env_file.parse(paths.env) if paths.env.is_file() else None
    if found is None:
        message = f"there is no store yet: {paths.home}"
        raise StoreError(message, _INIT)
    listed = {name: value for name, value in found.variables.items() if name in BY_NAME}
    if not listed:
        return Settings({}, {}, {})
    folder = _folder(paths, next(iter(listed.values())))
    bundle, crts = str(folder / BUNDLE), str(folder / CRTS)
    variables = {name: value for name, value in listed.items() if value in (bundle, crts)}
    held = held_back(variables, paths, environ, found.adopted)
    values = {(name, value): adopted(name, str(folder)) for name, value in found.adopted}
    # One that was replaced in a parent stays as it is: it says that the user had exported a value.
    values |= {(name, value): value for (name, _), value in values.items()}
    replaced = {name: to for (name, value), to in values.items() if environ.get(name) == value}
    return Settings(variables, held, replaced)


def _folder(paths: StorePaths, value: str) -> Path:
    """Return the folder of the generation that this value belongs to, if the hook would use it."""
    folder = type(paths.home)(value).parent
    if folder != paths.current and folder.parent != paths.generations:
        message = f"the env file names something outside the store: {paths.env}"
        raise StoreError(message, _INIT)
    numbered = in_force(paths) if folder == paths.current else folder
    if numbered is None:
        message = f"what names the generation in force leads to none of this store: {paths.current}"
        raise StoreError(message, _INIT)
    bundle, crts = numbered / BUNDLE, numbered / CRTS
    exposed = _exposed(paths, numbered)
    if exposed:
        message = f"the store is not safe, {exposed[1]}: {exposed[0]}"
        raise StoreError(message, _LOOK)
    try:
        whole = bundle.is_file() and bundle.stat().st_size > 0 and bool(os.listdir(crts))
    except OSError:
        whole = False
    if not whole:
        message = f"the store is not whole, its bundle or directory is missing or empty: {folder}"
        raise StoreError(message, _INIT)
    return folder


def _exposed(paths: StorePaths, generation: Path) -> tuple[Path, str] | None:
    """Return what the hook would refuse the store for, and how others could change it, or None."""
    how = files.exposed(paths.home)
    found = files.exposed_above(paths.home) or ((paths.home, how) if how else None)
    for part in (paths.env, paths.generations, generation, generation / CRTS, generation / BUNDLE):
        how = files.exposed_itself(part)
        found = found or ((part, how) if how else None)
    return found
