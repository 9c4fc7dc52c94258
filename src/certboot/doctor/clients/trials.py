"""Each client that is here, tried for real on a host that the user named: in a process of its own, by its defaults."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import typing
from concurrent.futures import ThreadPoolExecutor

from certboot.clients.installed import present_clients
from certboot.clients.trials import trial, verdict
from certboot.clients.trust import effective_trust
from certboot.doctor.clients.check import gather, is_counted, left_out, told_by_settings
from certboot.doctor.finding import Finding
from certboot.errors import printable

if typing.TYPE_CHECKING:
    from collections.abc import Mapping

    from certboot.clients.table import Client
    from certboot.clients.trials import Trial, Verdict
    from certboot.clients.trust import Facts, Trust
    from certboot.doctor.finding import Status
    from certboot.store.paths import StorePaths

_SECONDS = 40
_AT_ONCE = 4
# A program gets its variables from a Python that starts it, as the hook means them.
_STARTER = (sys.executable, "-c", "import subprocess, sys; sys.exit(subprocess.call(sys.argv[1:]))")


def check(paths: StorePaths, environ: Mapping[str, str], host: str, port: int, *, reached: bool) -> list[Finding]:
    """Return one finding for each client: it accepts the host's certificate, refuses it, or there is no telling.

    A refusal is a failure of those that certboot means to reach; for others the finding has their own way. ``reached``:
    whether the doctor's own handshake came to a certificate; that no client does either is its failure, told there.
    """
    present = present_clients(environ)
    facts = gather(paths, environ, present)

    def finding(client: Client) -> Finding:
        tried = trial(client, host, port)
        if tried is None:
            summary = "cannot be tried without a service of its own"
            return Finding("client-untried", "clients", "skip", client.name, summary)
        ended, said = attempt(client, tried, environ, folder)
        evidence: dict[str, object] = {"host": host, "port": port, "said": said}
        if ended == "accepted":
            return Finding("client-accepts-host", "clients", "ok", client.name, f"accepts {host}:{port}", evidence)
        if ended == "refused":
            return _refusal(client, effective_trust(client, environ, facts), facts, evidence)
        status: Status = "warn" if reached else "skip"
        summary = f"no answer: {printable(said)}" if reached else "no answer either"
        return Finding("client-trial-failed", "clients", status, client.name, summary, evidence)

    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(finding, present))


def _refusal(client: Client, trust: Trust, facts: Facts, evidence: dict[str, object]) -> Finding:
    summary = f"refuses {evidence['host']}:{evidence['port']}"
    if is_counted(client, trust, facts):
        summary += f": {printable(str(evidence['said']))}"
        return Finding("client-refuses-host", "clients", "fail", client.name, summary, evidence)
    settings = " and ".join(told_by_settings(trust))
    if settings:
        summary += f"; it goes by {settings}, and certboot leaves that alone"
    else:
        summary += f"; what helps: {client.notes.way}" if client.notes.way else f"; {left_out(client)}"
    told = {**evidence, "way": settings or client.notes.way}
    return Finding("client-refuses-host", "clients", "info", client.name, summary, told)


def attempt(client: Client, tried: Trial, environ: Mapping[str, str], folder: str) -> tuple[Verdict, str]:
    """Return the verdict of one trial, and what the client said. It is started in ``folder``, where nothing is."""
    argv = (*_STARTER, *tried.argv) if client.program else tried.argv
    environ = {**environ, "CERTBOOT_HINTS": "0", **dict(tried.environ)}  # or what it says would name this very command
    try:
        ran = subprocess.run(
            argv, input=tried.data, env=environ, cwd=folder, capture_output=True,
            check=False, text=True, errors="replace", timeout=_SECONDS,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        return "unknown", str(error)
    return verdict(tried, ran.returncode, ran.stdout, ran.stderr)
