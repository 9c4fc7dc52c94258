"""What every test starts from: no CA or proxy variable, a HOME of its own, and real things to test against."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import filelock
import pytest
import trustme

from certboot import cli
from certboot.clients import VARIABLES
from certboot.paths import StorePaths, store_paths

sys.path.insert(0, str(Path(__file__).parent))
from server import TlsServer

ROOT = Path(__file__).parents[1]
# Package installs go through whatever proxy and CA this machine is set up with; nothing else may see that.
MACHINE = dict(os.environ)
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Clear what the machine presets, and return the HOME of this test."""
    names = {variable.name for variable in VARIABLES}
    for name in list(os.environ):
        if (
            name in names
            or name.startswith(("CERTBOOT_", "XDG_", "PIP_", "UV_", "GIT_", "AWS_"))
            or name.upper().endswith("_PROXY")
            or "SSL" in name
            or "CERT" in name
            or name == "PYTHONDONTWRITEBYTECODE"
        ):
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    return home


@pytest.fixture
def paths(clean: Path) -> StorePaths:
    """The store of this test's HOME. Nothing is there yet."""
    found = store_paths()
    assert found.home.is_relative_to(clean)
    return found


@dataclass(frozen=True)
class Ran:
    """What a command gave back."""

    status: int
    out: str
    err: str


@pytest.fixture
def certboot(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Run a certboot command in this process."""

    def run(*argv: str | Path) -> Ran:
        capsys.readouterr()
        try:
            status = cli.main([str(argument) for argument in argv])
        except SystemExit as error:  # argparse, on --help and wrong usage
            status = int(error.code or 0)
        return Ran(status, *capsys.readouterr())

    return run


@pytest.fixture(scope="session")
def ca() -> trustme.CA:
    """A private CA that nobody trusts yet."""
    return trustme.CA(organization_name="Example Corp", organization_unit_name="Example Corp Root")


@pytest.fixture
def ca_file(ca: trustme.CA, tmp_path: Path) -> Path:
    """The private CA's certificate as a file."""
    path = tmp_path / "corp.pem"
    ca.cert_pem.write_to_path(str(path))
    return path


@pytest.fixture
def serve() -> Iterator[Callable[..., TlsServer]]:
    """Start TLS servers on loopback: ``serve(leaf)`` with a trustme.LeafCert."""
    servers: list[TlsServer] = []

    def start(leaf: trustme.LeafCert, **options: object) -> TlsServer:
        servers.append(TlsServer(leaf, **options))  # type: ignore[arg-type]
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def built_once(factory: pytest.TempPathFactory, name: str, build: Callable[[Path], object]) -> Path:
    """Return a folder that ``build`` has filled, once for all of pytest-xdist's workers."""
    base = factory.getbasetemp()
    base = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    folder, done = base / name, base / f"{name}.done"
    with filelock.FileLock(base / f"{name}.lock"):
        if not done.exists():
            folder.mkdir()
            build(folder)
            done.touch()
    return folder


def installer(*command: str | Path) -> None:
    """Run a package tool with the machine's own settings; its output is shown when it fails."""
    done = subprocess.run(command, env=MACHINE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel built from this repository."""
    folder = built_once(
        tmp_path_factory,
        "wheel",
        lambda out: installer(sys.executable, "-m", "build", "--no-isolation", "--wheel", "-o", out, ROOT),
    )
    (found,) = folder.glob("*.whl")
    return found


@dataclass(frozen=True)
class Environment:
    """A virtualenv with certboot's wheel in it."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    def pip(self, *arguments: str | Path) -> None:
        installer(self.python, "-m", "pip", *arguments)

    def run(self, *argv: str | Path, home: Path, **variables: str) -> Ran:
        """Run a program of the environment as a user would who has set nothing but HOME and PATH, and ``variables``."""
        environ = {"HOME": str(home), "PATH": f"{self.folder / 'bin'}:{SYSTEM_PATH}", **variables}
        program = self.folder / "bin" / argv[0]
        command = [str(program) if program.exists() else str(argv[0]), *map(str, argv[1:])]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, cwd=home, timeout=120)
        return Ran(done.returncode, done.stdout, done.stderr)


def make_environment(folder: Path, *packages: str | Path, python: str | Path = sys.executable) -> Environment:
    """Make a virtualenv in the empty ``folder`` and install ``packages``, in the versions of constraints.txt."""
    installer(python, "-m", "venv", folder)
    made = Environment(folder)
    made.pip("install", "-q", "--disable-pip-version-check", "-c", ROOT / "constraints.txt", *packages)
    return made


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """A fresh virtualenv with the wheel and what it needs, nothing else. Not to be changed."""
    return Environment(built_once(tmp_path_factory, "installed", lambda out: make_environment(out, wheel)))


@pytest.fixture(scope="session")
def openssl() -> Callable[..., str]:
    """Run the openssl program, the oracle, and return its standard output."""

    def run(*arguments: str | Path, data: str | None = None, status: int | None = 0) -> str:
        done = subprocess.run(
            ["openssl", *map(str, arguments)],
            input=data,
            env={"PATH": SYSTEM_PATH},
            capture_output=True,
            text=True,
            check=False,
        )
        assert status is None or done.returncode == status, done.stderr
        return done.stdout

    return run
