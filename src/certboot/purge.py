"""``certboot purge``: take away everything that certboot wrote into its store, and nothing else."""

from __future__ import annotations

import contextlib
import shutil
import typing

from certboot import files
from certboot.errors import StoreError
from certboot.store import generations

if typing.TYPE_CHECKING:
    from pathlib import Path

    from certboot.paths import StorePaths


def find(paths: StorePaths) -> tuple[Path, ...]:
    """Return what ``remove`` would take away, first the ``env`` file; raises StoreError where there is no store."""
    present = tuple(path for path in paths.parts if path.is_symlink() or path.exists())
    # By one of these it is known to be a store: `env` may be anybody's.
    if not {paths.current, paths.generations, paths.hooks}.intersection(present):
        message = f"there is no store: {paths.home}"
        raise StoreError(message, "nothing to do; if you used CERTBOOT_HOME for init, set it now too")
    return present


def remove(paths: StorePaths) -> tuple[str, ...]:
    """Remove the store and return the names of other things that lie in its folder; raises OSError.

    The ``env`` file goes first: from then on no interpreter is pointed at what is about to vanish.
    """
    with files.locked(paths.lock):
        generations.clean(paths)
        for path in find(paths):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
    paths.lock.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        paths.home.rmdir()
    return tuple(sorted(path.name for path in paths.home.iterdir())) if paths.home.is_dir() else ()
