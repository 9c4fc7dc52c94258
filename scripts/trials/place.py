"""Where the trials of scripts/long_run.py take place: a virtualenv with the wheel, homes, servers, and judgement."""

from __future__ import annotations

import contextlib
import os
import random
import re
import shutil
import subprocess
import sys
import threading
import typing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))

from support import report, whole
from support.environments import ROOT, SYSTEM_PATH, Environment, Ran, installer, make_environment
from support.issuers import intermediate, leaf
from support.pki import issue, on_server
from support.server import Listener, TlsServer, head, page

if typing.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SIDES = {"a": range(4), "b": range(1, 5)}
"""Two states of the CCADB's reports: a root with the intermediate below it leaves, and another one comes."""
GET = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1], timeout=60).read().decode())"
ERROR = re.compile(r"certboot: error: [^\n]+\n(\nhint: [^\n]+\n)?")
_STORE = Path(".local", "share", "certboot")


class Site(TlsServer):
    """A server of many clients that forgets those that have gone."""

    def _serve(self, connection: typing.Any, kept: typing.Any) -> None:  # noqa: ANN401 - sockets
        super()._serve(connection, kept)
        with contextlib.suppress(ValueError):
            self._open.remove(kept)
            self._threads.remove(threading.current_thread())


class Place:
    """A folder with all that the trials need. It stays where something was violated, with the homes as they were."""

    def __init__(self, folder: Path, seed: int, environment: Environment | None = None) -> None:
        self.folder, self.seed = folder, seed
        self.chance = random.Random(seed)  # noqa: S311 - moments and mutations, no secrets
        self.violations: list[str] = []
        folder.chmod(0o755)
        self.environment = environment or _environment(folder)
        self.version = self.run("certboot", "--version", home=folder).out.split()[-1]
        self.root = issue("Example Corp Root")
        self.file("corp.pem", self.root.pem)
        self.file("second.pem", issue("Second Corp Root").pem)
        for side, numbers in SIDES.items():
            report.save(whole.small_reports(numbers), folder / side)

    def file(self, name: str, data: bytes) -> Path:
        """Write a file, and return its path."""
        path = self.folder / name
        path.write_bytes(data)
        return path

    def home(self, name: str) -> Path:
        """Return a new and empty HOME."""
        path = self.folder / name
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir()
        return path

    def run(self, *argv: str | Path, home: Path, **variables: str) -> Ran:
        """Run a program of the virtualenv with nothing but HOME, PATH and these variables."""
        return self.environment.run(*argv, home=home, **variables)

    def start(self, *argv: str | Path, home: Path, **variables: str) -> subprocess.Popen[str]:
        """Start certboot likewise, and do not wait for it."""
        environ = self.environ(home, variables)
        command = [self.environment.folder / "bin" / "certboot", *argv]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, env=environ, cwd=home, stdout=subprocess.DEVNULL, stderr=pipe, text=True)

    def environ(self, home: Path, variables: Mapping[str, str]) -> dict[str, str]:
        """Return the variables of a user who has set only these."""
        path = f"{self.environment.folder / 'bin'}:{SYSTEM_PATH}"
        return {"HOME": str(home), "PATH": path, **variables}

    def made(self, name: str, *argv: str | Path, **variables: str) -> Path:
        """Return a new HOME in which certboot was run so."""
        home = self.home(name)
        if argv:
            ran = self.run("certboot", *argv, home=home, **variables)
            if ran.status:
                raise RuntimeError(f"certboot {argv[0]} has the status {ran.status}: {ran.err}")
        return home

    def check(self, condition: object, words: str, home: Path | None = None) -> bool:
        """Note a violation, and keep the home, unless the condition holds; returns whether it does."""
        if not condition:
            self.violations.append(words)
            sys.stderr.write(f"violated (seed {self.seed}): {words}\n")
            if home:
                kept = self.folder / "violations" / str(len(self.violations))
                kept.mkdir(parents=True)
                subprocess.run(["cp", "-a", home, kept], check=False)
        return bool(condition)

    def state(self, home: Path, words: str = "") -> whole.State | None:
        """Return what the store in force holds, None for no store; one that is not whole is a violation."""
        store = store_of(home)
        try:
            return whole.assert_whole(store) if whole.in_force(store) else None
        except (AssertionError, OSError, ValueError) as error:
            self.check(condition=False, words=f"{words}: the store is not whole: {error!r:.300}", home=home)
            return None

    @contextlib.contextmanager
    def sites(self) -> Iterator[tuple[TlsServer, TlsServer]]:
        """Run two servers below corp.pem: one sends its chain, the other has forgotten its issuer, which lies here."""
        issuing = intermediate("Forgotten Issuing CA", self.root)
        # Issuers lie at port 80 of this computer, here at an address that no other run of this uses.
        address = f"127.7.{os.getpid() // 250 % 250}.{os.getpid() % 250}"

        def issuer(connection: typing.Any) -> None:  # noqa: ANN401 - a socket
            if head(connection):
                connection.sendall(page(issuing.der))

        with contextlib.ExitStack() as stack:
            stack.enter_context(contextlib.closing(Listener(issuer, address, 80)))
            chains = ((leaf(self.root),), (leaf(issuing, f"http://{address}/ca"),))
            good, forgetful = (stack.enter_context(contextlib.closing(Site(on_server(*chain)))) for chain in chains)
            yield good, forgetful


def store_of(home: Path) -> Path:
    """Return where the store of this HOME lies."""
    return home / _STORE


def leftovers(home: Path) -> list[str]:
    """Return what a run has left behind that did not come to its end."""
    return whole.leftovers(store_of(home))


def put(made: Path, home: Path) -> None:
    """Let ``home`` be as ``made`` is."""
    shutil.rmtree(home, ignore_errors=True)
    shutil.copytree(made, home, symlinks=True)


def refused(ran: Ran) -> bool:
    """Return whether a command ended as it should where it cannot do its work: status 2, one message, no traceback."""
    return ran.status == 2 and bool(ERROR.fullmatch(ran.err))


def told(ran: Ran) -> str:
    """Return the status of a command, and the last that it said."""
    return f"status {ran.status}, {(ran.err or ran.out)[-400:]!r}"


def _environment(folder: Path) -> Environment:
    installer(sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", folder, ROOT)
    (wheel,) = folder.glob("*.whl")
    return make_environment(folder / "environment", wheel)


__all__ = ["GET", "SIDES", "Place", "Ran", "Site", "leftovers", "put", "refused", "store_of", "told"]
