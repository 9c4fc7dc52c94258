"""``certboot purge``: take away everything that certboot wrote into its store, and nothing else."""

from __future__ import annotations

import contextlib
import typing

from certboot import files
from certboot.errors import StoreError
from certboot.store import belongings

if typing.TYPE_CHECKING:
    from pathlib import Path

    from certboot.store.paths import StorePaths


def purgeable(paths: StorePaths) -> tuple[Path, ...]:
    """Return what ``remove`` would take away, first the ``env`` file; raises StoreError where there is no store."""
    if not belongings.is_purgeable(paths):
        other = belongings.stranger(paths) if paths.home.is_dir() else None
        message = f"there is no store: {paths.home}" + (f" (it holds other things, {other.name})" if other else "")
        raise StoreError(message, "nothing was removed; if you used CERTBOOT_HOME for init, set it now too")
    return belongings.present(paths)


def purge(paths: StorePaths) -> tuple[str, ...]:
    """Remove the store and return the names of other things that lie in its folder; raises StoreError or OSError.

    The ``env`` file goes first: from then on no interpreter is pointed at what is about to vanish. The generations go
    last: by them the rest of a purge that was killed is still known to be a store.
    """
    with files.locked(paths.lock):
        for path in purgeable(paths):
            belongings.take_away(path)
    paths.lock.unlink(missing_ok=True)
    for folder in (paths.generations, paths.home):
        with contextlib.suppress(OSError):
            folder.rmdir()
    return tuple(str(path.relative_to(paths.home)) for path in belongings.left(paths))
