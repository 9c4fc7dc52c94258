"""certboot makes TLS certificates work in Python, and in the programs that Python starts.

What a program may use of it: ``bundle()`` and ``directory()`` tell where the trust store in force is, ``activate()``
does what the start-up hook does, and ``diagnose()`` tells why a server is refused, in the classes that are named below.
All else is the command line's own and may change at any time.
"""

from __future__ import annotations

TYPE_CHECKING = False  # that of typing takes longer to import than all of this
if TYPE_CHECKING:
    from pathlib import Path

    from certboot.doctor.diagnosis import Diagnosis
    from certboot.doctor.examination import ClientVerdict, Link, PresentedCertificate, Trust
    from certboot.doctor.finding import Finding

    __version__: str

__all__ = [
    "ClientVerdict", "Diagnosis", "Finding", "Link", "PresentedCertificate", "Trust",
    "activate", "bundle", "diagnose", "directory",
]  # fmt: skip


def activate() -> bool:
    """Point unset CA variables at the store and guard ssl, requests and certifi; return whether a store is in use now.

    For an application that starts without the hook: in a zipapp, embedded, frozen by another tool than PyInstaller. To
    be called before the first TLS context is made, best before ``ssl`` is imported. Called again, or after the hook, it
    changes nothing. Raises nothing and prints nothing: without a store, or with one that others could change, all is as
    it was. A folder that ``hook install --home`` has recorded stands in a start-up file, which ``python -S`` does not
    read: there only $CERTBOOT_HOME names it.
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


def diagnose(
    target: str,
    *,
    starttls: str | None = None,
    connect: str | None = None,
    servername: str | None = None,
    timeout: float = 10.0,
) -> Diagnosis:
    """Return why the clients that are here refuse a server, if they do, and what mends it: ``certboot doctor HOST``.

    ``target`` is HOST, HOST:PORT or a URL, and the rest are that command's options; raises
    certboot.errors.CertbootError where these name no server, or there is no home folder. What the server and the
    network do is no exception, but the diagnosis. It contacts this server alone (by a proxy, if this process is told of
    one), needs no store, and prints and changes nothing. It blocks, for ``timeout`` seconds at most and the moment that
    the verdict takes: in asyncio, wait for ``asyncio.to_thread(diagnose, target)``. Threads may call it at the same
    time.
    """
    import os

    from certboot.doctor.diagnosis import diagnosed
    from certboot.doctor.run import examine
    from certboot.net.address import parse_target
    from certboot.store.paths import store_paths

    server = parse_target(target, starttls or "", connect, servername, timeout)
    return diagnosed(server.shown, examine(store_paths(), os.environ, (), server))


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


def __getattr__(name: str) -> object:
    # Reading the metadata costs more than the rest of `certboot --help`, so it waits until somebody asks.
    if name == "__version__":
        from importlib.metadata import version

        return version("certboot")
    if name in __all__:
        from certboot.doctor import diagnosis, examination, finding

        return next(getattr(module, name) for module in (diagnosis, examination, finding) if hasattr(module, name))
    raise AttributeError(name)
