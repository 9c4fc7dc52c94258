"""certboot makes TLS certificates work in Python, and in the programs that Python starts.

What a program may use of it: ``bundle()`` and ``directory()`` tell where the trust store in force is, and
``activate()`` does what the start-up hook does. All else is the command line's own and may change at any time.
"""

from __future__ import annotations

TYPE_CHECKING = False  # that of typing takes longer to import than all of this
if TYPE_CHECKING:
    from pathlib import Path

    __version__: str

__all__ = ["activate", "bundle", "directory"]


def activate() -> bool:
    """Point unset CA variables at the store and guard ssl, requests and certifi; return whether a store is in use now.

    For an application that starts without the hook: in a zipapp, embedded, frozen by another tool than PyInstaller. To
    be called before the first TLS context is made, best before ``ssl`` is imported. Called again, or after the hook, it
    changes nothing. Raises nothing and prints nothing: without a store, or with one that others could change, all is as
    it was.
    """
    import certboot_startup

    certboot_startup.activate()
    return certboot_startup.status == "active"


def bundle() -> Path:
    """Return the file with the trust anchors in force, PEM; raises certboot.errors.StoreError where there is no store.

    The path stays the same from update to update, but on Windows without symbolic links, where each gives another.
    For whatever takes a file: ``session.verify = str(bundle())``.
    """
    return _in_force() / "bundle.pem"


def directory() -> Path:
    """Return the directory of the same with OpenSSL's hash links, and of the intermediates; raises as ``bundle``.

    For whatever takes one: ``ssl.create_default_context(capath=str(directory()))``, which parses nothing.
    """
    return _in_force() / "crts"


def _in_force() -> Path:
    from certboot.store.env_file import usable
    from certboot.store.generations import visible_folder
    from certboot.store.paths import store_paths

    paths = store_paths()
    try:
        return usable(paths, visible_folder(paths))
    except OSError as error:  # such as a daemon's that has dropped root
        from certboot.errors import StoreError

        message = f"the store cannot be read, {error.strerror}: {error.filename}"
        raise StoreError(message, "certboot doctor store") from error


def __getattr__(name: str) -> str:
    # Reading the metadata costs more than the rest of `certboot --help`, so it waits until somebody asks.
    if name == "__version__":
        from importlib.metadata import version

        return version("certboot")
    raise AttributeError(name)
