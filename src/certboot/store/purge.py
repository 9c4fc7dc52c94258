"""The store is taken away: all that certboot wrote, and nothing else that lies in its folder."""

from __future__ import annotations

import contextlib
from pathlib import Path

from certboot.errors import StoreError
from certboot.files import is_folder, is_leaf
from certboot.store import belongings, ephemeral
from certboot.store.belongings import FOLDERS
from certboot.store.lock import locked
from certboot.store.paths import StorePaths


def purgeable(paths: StorePaths) -> tuple[Path, ...]:
    """Return the parts of a store that are there, in the order of their removal; raises StoreError for no store.

    One that a killed run, or ``hook``, has begun is one too. The ``env`` file goes first: from then on no interpreter
    is pointed at what is about to vanish. The generations go last: by them what is left when it is broken off is still
    known to be a store.
    """
    belongings.refuse_ephemeral(paths)
    other = belongings.stranger(paths) if paths.home.is_dir() else None
    if not belongings.is_store(paths) and (other or not belongings.is_begun(paths)):
        message = f"there is no store: {paths.home}" + (f" (it holds other things, {other.name})" if other else "")
        raise StoreError(message, "nothing was removed; if you used CERTBOOT_HOME for init, set it now too")
    *parts, generations = paths.parts
    half = (path for path in belongings.entries(paths.home) if belongings.is_half_written(paths, path))
    return tuple(
        path for path in (*parts, *half, generations) if (is_folder if path.name in FOLDERS else is_leaf)(path)
    )


def purge(paths: StorePaths) -> tuple[str, ...]:
    """Remove the store and return the names of other things that lie in its folder; raises StoreError or OSError."""
    with locked(paths.lock):
        for path in purgeable(paths):
            belongings.take_away(path)
    left = list(ephemeral.sweep(paths, shells=True))  # what a command still goes by
    paths.lock.unlink(missing_ok=True)
    for folder in (paths.generations, paths.home):
        with contextlib.suppress(OSError):
            folder.rmdir()
    for path in belongings.entries(paths.home):
        left += belongings.others(path) if path.name in FOLDERS else [path]
    return tuple(str(path.relative_to(paths.home)) for path in left)
