"""Each client that is here, tried for real on a host that the user named: in a process of its own, by its defaults."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import typing
from concurrent.futures import ThreadPoolExecutor

from certboot.clients.installed import present_clients
from certboot.clients.trials import trial, verdict
from certboot.doctor.finding import Finding
from certboot.errors import printable

if typing.TYPE_CHECKING:
    from collections.abc import Mapping

    from certboot.clients.table import Client
    from certboot.clients.trials import Trial, Verdict

_SECONDS = 40
_AT_ONCE = 4
# A program gets its variables from a Python that starts it, as the hook means them.
_STARTER = (sys.executable, "-c", "import subprocess, sys; sys.exit(subprocess.call(sys.argv[1:]))")


def check(host: str, port: int, environ: Mapping[str, str]) -> list[Finding]:
    """Return one finding for each client: it accepts the host's certificate, refuses it, or there is no telling."""
    clients = tuple(present_clients(environ))
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(lambda client: _finding(client, host, port, environ, folder), clients))


def attempt(client: Client, tried: Trial, environ: Mapping[str, str], folder: str) -> tuple[Verdict, str]:
    """Return the verdict of one trial, and what the client said. It is started in ``folder``, where nothing is."""
    argv = (*_STARTER, *tried.argv) if client.program else tried.argv
    try:
        ran = subprocess.run(
            argv, input=tried.data, env={**environ, **dict(tried.environ)}, cwd=folder, capture_output=True,
            check=False, text=True, errors="replace", timeout=_SECONDS,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        return "unknown", str(error)
    return verdict(tried, ran.returncode, ran.stdout, ran.stderr)


def _finding(client: Client, host: str, port: int, environ: Mapping[str, str], folder: str) -> Finding:
    tried = trial(client, host, port)
    if tried is None:
        return Finding("client-untried", "clients", "skip", client.name, "cannot be tried without a service of its own")
    ended, said = attempt(client, tried, environ, folder)
    evidence: dict[str, object] = {"host": host, "port": port, "said": said}
    if ended == "accepted":
        return Finding("client-accepts-host", "clients", "ok", client.name, f"accepts {host}:{port}", evidence)
    if ended == "refused":
        summary = f"refuses {host}:{port}: {printable(said)}"
        return Finding("client-refuses-host", "clients", "fail", client.name, summary, evidence)
    return Finding("client-trial-failed", "clients", "warn", client.name, f"no answer: {printable(said)}", evidence)
