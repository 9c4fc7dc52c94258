"""Whom the clients of a command would trust that is not run: those on its PATH, and those of the Python behind it."""

from __future__ import annotations

import contextlib
import os
import shutil
import typing
from pathlib import Path

from certboot.clients.installed import present_clients
from certboot.clients.trust import effective_trust
from certboot.doctor.clients.check import Hook, gather
from certboot.errors import CertbootError
from certboot.hook import interpreters, status

if typing.TYPE_CHECKING:
    from collections.abc import Mapping

    from certboot.clients.table import Client
    from certboot.clients.trust import Trust
    from certboot.store.paths import StorePaths


class Inspection(typing.NamedTuple):
    """What there is to say of a command."""

    python: Path | None
    """The interpreter behind it, else the first on its PATH; it was started, and asked about itself."""
    hook: str
    """What the hook did there, in its word."""
    trusts: tuple[tuple[Client, Trust], ...]
    """The command itself first, where it is a client."""


def inspect(program: str, paths: StorePaths, environ: Mapping[str, str]) -> Inspection:
    """Return what a program, by its path, and all that it may start would trust; raises CertbootError."""
    python = interpreters.behind(program)
    started = status.start(python, environ) if python else status.Started("", "", "", ())
    search = environ.get("PATH", os.defpath)
    first = shutil.which("python3", path=search) or shutil.which("python", path=search)
    if first and not python:
        with contextlib.suppress(CertbootError):  # one that is another user's, say, is nobody's wish here
            started = status.start(Path(first).absolute(), environ)
            python = Path(first).absolute()
    present = [client for client in present_clients(environ, started.path) if client.program or python]
    facts = gather(paths, environ, present, Hook(started.generation, {}, started.guards))
    name = os.path.basename(program)
    present.sort(key=lambda client: name not in (client.program, client.name))
    return Inspection(python, started.status, tuple((c, effective_trust(c, environ, facts)) for c in present))


def besides(program: str, paths: StorePaths, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return what a program that is a client itself trusts besides the store, in words; nothing for any other."""
    own = [client for client in present_clients(environ, ()) if client.program == os.path.basename(program)]
    facts = gather(paths, environ, own)
    sources = (source for client in own for source in effective_trust(client, environ, facts).sources)
    return tuple(dict.fromkeys(source.what for source in sources if not source.of_store))
