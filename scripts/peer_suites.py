"""Run the test suites of five peers without and with the hook, and compare test by test.

    python3 scripts/peer_suites.py                      all of them; half an hour
    python3 scripts/peer_suites.py --peer urllib3       one of them
    python3 scripts/peer_suites.py --folder DIR         keep what is made there, the reports (JUnit XML) among it

Each suite comes from its source distribution and runs whole, aiohttp's in part, in a virtualenv of its own, under a
user who has set nothing but HOME and PATH and whose store has one CA more than certifi. Needs Python 3.11, openssl and
pip's access to PyPI. The exit status is 0 if every test had the same outcome both ways, 1 if one had not, 2 if a suite
did not run. What came of it stands in docs/clients.md.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tarfile
import tempfile
import typing
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

if typing.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

ROOT = Path(__file__).resolve().parents[1]
PINS = (ROOT / "scripts" / "constraints.txt", ROOT / "scripts" / "peer_suites.txt")
WITHOUT, WITH = "without", "with"
# What may follow an exit of pytest whose report counts: all passed, or some tests failed.
RAN = (0, 1)


@dataclass(frozen=True)
class Peer:
    """A project, what its suite needs beyond it (a group of its pyproject.toml, requirements), and how it is run."""

    name: str
    version: str
    group: str = ""
    requirements: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    """Further ones of pytest, such as the files that are run in the place of all."""


PEERS = (
    Peer("certifi", "2026.10.18"),
    Peer("requests", "2.34.2", "test"),
    # What its group `dev` adds to `test`, without the profilers and the release tools; and its extras.
    Peer("urllib3", "2.8.0", "test", ("brotli", "backports.zstd", "cryptography", "idna", "pyopenssl", "trustme")),
    # What these need stands in files that pin it, or that their source distributions do not have.
    Peer("httpx", "0.28.1", requirements=(
        "brotli", "chardet", "click", "h2", "pygments", "rich", "socksio", "trio", "trustme", "uvicorn", "zstandard",
    )),
    Peer("aiohttp", "3.14.5", requirements=(
        "blockbuster", "freezegun", "isal", "proxy-py", "pytest-codspeed", "pytest-cov", "pytest-mock",
        "python-on-whales", "re-assert", "trustme", "zlib-ng",
    ), options=("--no-cov", *(f"tests/test_{name}.py" for name in (
        "client_fingerprint", "client_functional", "client_session", "client_ws_functional", "connector",
        "proxy_functional",
    )))),  # what speaks TLS: all of it takes an hour
)  # fmt: skip

Outcomes = dict[str, tuple[str, ...]]
"""The outcomes of every test, by its name; most names stand for one test."""


class NotRunError(Exception):
    """A step before the comparison failed."""


def main() -> int:
    """Return the exit status."""
    parser = argparse.ArgumentParser(description="Compare peers' own test suites without and with certboot's hook.")
    parser.add_argument("--peer", action="append", choices=[peer.name for peer in PEERS], help="only this one")
    parser.add_argument("--folder", type=Path, help="where all is made, and kept")
    parser.add_argument("--runs", type=int, default=2, help="how often each way; tells unstable tests (%(default)s)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = (arguments.folder or Path(temporary)).resolve()
        try:
            user = User(folder / "home")
            wheel = make_store(folder, user)
            peers = [peer for peer in PEERS if not arguments.peer or peer.name in arguments.peer]
            differing = sum(compared(peer, folder / peer.name, wheel, user, arguments.runs) for peer in peers)
        except NotRunError as error:
            sys.stderr.write(f"peer_suites: error: {error}\n")
            return 2
    print("every test had the same outcome both ways" if not differing else f"{differing} tests differ")
    return 1 if differing else 0


@dataclass(frozen=True)
class User:
    """Somebody who has set nothing but HOME and PATH."""

    home: Path

    def run(self, command: Sequence[str | Path], cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a program as this user, with ``variables`` besides."""
        environ = {"HOME": str(self.home), "PATH": os.defpath, **variables}
        return subprocess.run(command, env=environ, cwd=cwd, capture_output=True, text=True, check=False)


def make_store(folder: Path, user: User) -> Path:
    """Build certboot's wheel, fill a store with it from a virtualenv of its own, and return the wheel."""
    user.home.mkdir(parents=True)
    python = virtualenv(folder / "certboot")
    pip(python, "wheel", "--no-deps", "-w", folder / "wheel", ROOT)
    (wheel,) = (folder / "wheel").glob("certboot-*.whl")
    pip(python, "install", *pins(), wheel)
    key, ca = folder / "key.pem", folder / "company.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    install([*command, "-keyout", key, "-out", ca, "-subj", "/CN=Peer Suites Root", "-days", "30"])
    done = user.run([python.with_name("certboot"), "init", "--add", ca], folder)
    if done.returncode:
        raise NotRunError(done.stdout + done.stderr)
    return wheel


def compared(peer: Peer, folder: Path, wheel: Path, user: User, runs: int) -> int:
    """Run one peer's suite both ways, print what differs, and return how many tests do."""
    folder.mkdir()
    pinned = f"{peer.name}=={peer.version}"
    print(f"{pinned}", flush=True)
    python = virtualenv(folder / "venv")
    pip(python, "download", "--no-deps", "--no-binary", peer.name, "-d", folder, pinned)
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as unpacked:
        unpacked.extractall(folder, filter="data")
    source = folder / archive.name.removesuffix(".tar.gz")
    group = ["--group", f"{source / 'pyproject.toml'}:{peer.group}"] if peer.group else []
    own = folder / "constraints.txt"
    own.write_text("".join(line for path in PINS for line in path.open() if not line.startswith(f"{peer.name}==")))
    pip(python, "install", "-c", own, source, "pytest-timeout", "pytest-xdist", *peer.requirements, *group)
    pip(python, "install", "--no-deps", wheel)
    results: dict[str, list[Outcomes]] = {WITHOUT: [], WITH: []}
    for number in range(runs):
        for way, variables in ((WITHOUT, {"CERTBOOT_DISABLE": "1"}), (WITH, {})):
            check_hook(python, user, source, variables)
            report = folder / f"{way}-{number + 1}.xml"
            results[way].append(suite((python, "-m", "pytest", *peer.options), user, source, report, variables))
            print(f"  {way:7} {counted(results[way][-1])}", flush=True)
    return told(results)


def check_hook(python: Path, user: User, cwd: Path, variables: Mapping[str, str]) -> None:
    """Raise NotRunError unless the hook acts in the virtualenv, or is off where it is to be off."""
    done = user.run([python, "-c", "import certboot_startup; print(certboot_startup.status)"], cwd, **variables)
    if done.stdout.strip() != ("disabled" if variables else "active"):
        message = f"the hook is not as it must be: {done.stdout}{done.stderr}"
        raise NotRunError(message)


def suite(
    pytest: Sequence[str | Path], user: User, source: Path, report: Path, variables: Mapping[str, str]
) -> Outcomes:
    """Run a suite once and return every test's outcome."""
    # urllib3's test_http2_probe_blocked_per_thread hangs now and then, without certboot too. In a worker it ends as a
    # failure of its own.
    alone = ["-n", "1", "--timeout", "60", "--timeout-method", "thread"]
    command: list[str | Path] = [*pytest, "-q", *alone, f"--junitxml={report}"]
    done = user.run(command, source, **variables)
    if done.returncode not in RAN:
        raise NotRunError(done.stdout[-4000:] + done.stderr[-4000:])
    return outcomes(ET.parse(report).iter("testcase"))  # noqa: S314 - pytest wrote it just now


def outcomes(cases: Iterable[ET.Element]) -> Outcomes:
    """Return what the test cases of a report say."""
    found: Outcomes = {}
    for case in cases:
        name = f"{case.get('classname')}::{case.get('name')}"
        # A test that passes and whose tear-down fails has one child, one that was expected to fail is "skipped".
        said = [child.get("type") or child.tag for child in case if child.tag in ("failure", "error", "skipped")]
        tags = [child.tag for child in case if child.tag in ("failure", "error")]
        outcome = "+".join(tags) or (said[0] if said else "passed")
        found[name] = tuple(sorted((*found.get(name, ()), outcome)))
    return found


def counted(results: Outcomes) -> str:
    """Return how many tests had each outcome."""
    counts = Counter(outcome for each in results.values() for outcome in each)
    return ", ".join(f"{number} {outcome}" for outcome, number in sorted(counts.items()))


def told(results: Mapping[str, Sequence[Outcomes]]) -> int:
    """Print the tests that have no outcome in common both ways, and those whose outcome changes; count the first."""
    names = sorted({name for runs in results.values() for run in runs for name in run})
    differing = 0
    for name in names:
        without, with_hook = ({run.get(name, ("absent",)) for run in results[way]} for way in (WITHOUT, WITH))
        if not without & with_hook:
            differing += 1
            print(f"  DIFFERS   {name}: without {_listed(without)}, with {_listed(with_hook)}")
        elif len(without | with_hook) > 1:
            print(f"  unstable  {name}: without {_listed(without)}, with {_listed(with_hook)}")
    return differing


def _listed(found: set[tuple[str, ...]]) -> str:
    return " or ".join(sorted(" and ".join(each) for each in found))


def virtualenv(folder: Path) -> Path:
    """Make a virtualenv with the pip of constraints.txt, and return its interpreter."""
    install([sys.executable, "-m", "venv", folder])
    python = folder / "bin" / "python"
    pip(python, "install", *pins(), "pip")
    return python


def pins() -> list[str | Path]:
    """Return pip's options for the exact versions."""
    return [option for path in PINS for option in ("-c", path)]


def pip(python: Path, *arguments: str | Path) -> None:
    """Run a virtualenv's pip with this machine's own settings; raises NotRunError."""
    command: list[str | Path] = [python, "-m", "pip", "--disable-pip-version-check", "-q", *arguments]
    install(command, CERTBOOT_DISABLE="1")


def install(command: Sequence[str | Path], **variables: str) -> None:
    """Run a step with this machine's own settings; raises NotRunError with what it printed."""
    done = subprocess.run(command, env={**os.environ, **variables}, capture_output=True, text=True, check=False)
    if done.returncode:
        message = f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}"
        raise NotRunError(message)


if __name__ == "__main__":
    sys.exit(main())
