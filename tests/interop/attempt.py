"""One client on one server: what it said, what the server saw, and what both amount to."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
import typing
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.environments import MACHINE, SYSTEM_PATH, Environment, Ran

if typing.TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from listener import Listener
    from matrix import Client

SCRIPTS = Path(__file__).parent / "clients" / "scripts.py"
PASSED, REFUSED = "passed", "refused"
# Not whom to trust, but what this machine's own configuration files say of that (a company's pip.conf, say).
NO_MACHINE_FILES = {
    "GIT_CONFIG_SYSTEM": os.devnull,
    "PIP_CONFIG_FILE": os.devnull,
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "NPM_CONFIG_GLOBALCONFIG": os.devnull,
    "UV_NO_CONFIG": "1",
}
_ABOUT_TRUST = re.compile(r"certificate|unknown_ca", re.IGNORECASE)


def _cargo_folder() -> str:
    """Return the folder of the genuine cargo: what rustup puts on the PATH wants a HOME with its toolchains."""
    found = shutil.which("cargo", path=MACHINE.get("PATH"))
    if not found or shutil.which("cargo", path=SYSTEM_PATH):
        return ""
    if Path(found).resolve().name == "rustup":
        asked = [str(Path(found).resolve()), "which", "cargo"]
        found = subprocess.run(asked, env=MACHINE, capture_output=True, text=True, check=False).stdout.strip()
    return os.path.dirname(found)


@dataclass(frozen=True)
class User:
    """A user who has set nothing but HOME and PATH."""

    home: Path
    environments: Mapping[str, Environment]
    prefix: Sequence[str]
    """Shows every command the system store of the test; empty where that cannot be had."""

    PATH: typing.ClassVar[str] = f"{SYSTEM_PATH}:{_cargo_folder()}".rstrip(":")

    def run(self, command: Sequence[str], environment: str = "main", **variables: str) -> Ran:
        path = f"{self.environments[environment].folder / 'bin'}:{self.PATH}"
        environ = {"HOME": str(self.home), "PATH": path, **NO_MACHINE_FILES, **variables}
        done = subprocess.run(
            [*self.prefix, *command], env=environ, cwd=self.home, capture_output=True, text=True, check=False,
            timeout=120,
        )  # fmt: skip
        return Ran(done.returncode, done.stdout, done.stderr)


@dataclass(frozen=True)
class Attempts:
    """Tries clients, each on a server that nobody else uses."""

    user: User
    listen: Callable[[str], Listener]

    def __call__(self, client: Client, server: str, **variables: str) -> str:
        """Return ``PASSED``, ``REFUSED``, or in full what else happened.

        Passed: the client says so, and it sent the server data. Refused: it says that it failed, it began a handshake
        and sent no data, and its error or its alert speaks of the certificate.
        """
        if client.program and not shutil.which(client.program, path=User.PATH):
            pytest.skip(f"no {client.program} on this machine")
        listener = self.listen(server)
        try:
            with tempfile.TemporaryDirectory() as out:
                ran = self.user.run(_command(client, listener.port, out), client.environment, **variables)
            connections = listener.settled()
        finally:
            listener.close()
        ok, said = _said(client, ran)
        told = f"{said} {' '.join(each.refusal for each in connections)}"
        data, hello = (any(getattr(each, name) for each in connections) for name in ("data", "hello"))
        if ok and data:
            return PASSED
        if ok is False and hello and not data and _ABOUT_TRUST.search(told):
            return REFUSED
        return f"status {ran.status}, connections {connections}: {ran.out}\n{ran.err}"


def _command(client: Client, port: int, out: str) -> list[str]:
    if client.argv:
        return [part.format(host=client.host, port=port, out=out) for part in client.argv]
    return ["python", str(SCRIPTS), client.name, f"https://{client.host}:{port}/"]


def _said(client: Client, ran: Ran) -> tuple[bool | None, str]:
    """Return whether the client says that it connected, and its error; None for a script that broke on its way."""
    if client.argv:
        return ran.status == 0, ran.out + ran.err
    try:
        answer = json.loads(ran.out.splitlines()[-1])
    except (IndexError, ValueError):
        return None, ""
    return answer["ok"], answer.get("error", "") + ran.err
