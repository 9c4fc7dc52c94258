"""What every test starts from: no CA or proxy variable, a HOME of its own, and real things to test against."""

from __future__ import annotations

import contextlib
import errno
import importlib.util
import os
import signal
import subprocess
import sys
import tempfile
import typing
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import hypothesis
import pytest
import trustme

from certboot import files, moment
from certboot.cli import main
from certboot.clients.variables import VARIABLES
from certboot.net import address_policy
from certboot.store.paths import StorePaths, store_paths

sys.path.insert(0, str(Path(__file__).parent))
from support.asking import ask, one_client, trust  # noqa: F401 - fixtures for all
from support.environments import ROOT, SYSTEM_PATH, Environment, Ran, built_once, installer, make_environment
from support.issuers import Send, trusted_root, without_its_issuer
from support.newer_openssl import post_quantum  # noqa: F401 - a fixture for all
from support.pki import Issued, on_server
from support.server import Listener, PlainServer, TlsServer
from support.snapshot import few_sources

Server = typing.TypeVar("Server", bound=Listener)

# A shell that starts the tests in the background, or nohup, has them, and all that they start, ignore these signals;
# a shell below them cannot even trap what is ignored at its own start.
for _name, _handler in (
    ("SIGINT", signal.default_int_handler),
    ("SIGQUIT", signal.SIG_DFL),
    ("SIGHUP", signal.SIG_DFL),
):
    _signal = getattr(signal, _name, signal.SIGINT)  # Windows has the first alone
    if signal.getsignal(_signal) is signal.SIG_IGN:
        signal.signal(_signal, _handler)

# hypothesis gives an example 200 ms of the clock, which a machine with other things to do does not have.
_PATIENT = (hypothesis.HealthCheck.too_slow,)
hypothesis.settings.register_profile("patient", deadline=None, suppress_health_check=_PATIENT)
hypothesis.settings.load_profile("patient")


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Clear what the machine presets, and return the HOME of this test."""
    names = {variable.name for variable in VARIABLES}
    for name in list(os.environ):
        if (
            name in names
            or name.startswith(("CERTBOOT_", "XDG_", "PIP_", "UV_", "GIT_", "AWS_", "PYTHON"))
            or name.upper().endswith("_PROXY")
            or "SSL" in name
            or "CERT" in name
        ):
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    # pytest closes its folders to others, and what root has in such a one serves root alone.
    for folder in home.parents:
        if folder.stat().st_mode & 0o077 == 0:
            folder.chmod(0o711)
    return home


@pytest.fixture(autouse=True)
def sources(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let certifi and the system have a few CAs instead of 165, but where a test is about the real ones."""
    if not request.node.get_closest_marker("real_sources"):
        few_sources(monkeypatch)


@pytest.fixture
def reachable() -> Iterator[Path]:
    """A folder into which every user may look: the guard of ssl has the directory read in no other one of root's."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def paths(clean: Path) -> StorePaths:
    """The store of this test's HOME. Nothing is there yet."""
    found = store_paths()
    assert found.home.is_relative_to(clean)
    return found


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    """Set the moment by which certboot judges certificates in this process; OpenSSL goes by the machine's clock."""
    return lambda at: monkeypatch.setattr(moment, "now", lambda: at)


@pytest.fixture
def certboot(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Run a certboot command in this process."""

    def run(*argv: str | Path) -> Ran:
        capsys.readouterr()
        try:
            status = main.main([str(argument) for argument in argv])
        except SystemExit as error:  # argparse, on --help and wrong usage
            status = int(error.code or 0)
        return Ran(status, *capsys.readouterr())

    return run


@pytest.fixture
def store(certboot: Callable[..., Ran], paths: StorePaths) -> StorePaths:
    """A store with the few sources: generation 1."""
    assert certboot("init").status == 0
    return paths


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
def started() -> Iterator[Callable[[Server], Server]]:
    """Let a server run until the test is over."""
    with contextlib.ExitStack() as stack:
        yield lambda server: stack.enter_context(contextlib.closing(server))


@pytest.fixture
def serve(started: Callable[[TlsServer], TlsServer]) -> Callable[..., TlsServer]:
    """Start TLS servers on loopback: ``serve(leaf)`` with a trustme.LeafCert."""
    return lambda leaf, **options: started(TlsServer(leaf, **options))


@pytest.fixture
def send(started: Callable[[TlsServer], TlsServer]) -> Callable[..., TlsServer]:
    """Start TLS servers on loopback that send exactly these certificates: ``send(leaf, intermediate)``."""
    return lambda *chain: started(TlsServer(on_server(*chain)))


@pytest.fixture
def listen(started: Callable[[Listener], Listener]) -> Callable[..., Listener]:
    """Start a server that talks like this: ``listen(talk)``."""
    return lambda talk, host="127.0.0.1": started(Listener(talk, host))


@pytest.fixture
def place(started: Callable[[PlainServer], PlainServer], monkeypatch: pytest.MonkeyPatch) -> PlainServer:
    """An HTTP server on loopback, where an issuer may lie: its port stands for 80, which only root may have."""
    server = started(PlainServer())
    monkeypatch.setattr(address_policy, "_PORTS_HERE", {"http": (server.port,), "https": (443,)})
    return server


@pytest.fixture
def root(clean: Path, certboot: Callable[..., Ran]) -> Issued:
    """A CA that the store trusts."""
    return trusted_root(clean, certboot)


@pytest.fixture
def forgetful(root: Issued, place: PlainServer, send: Send) -> TlsServer:
    """A server that does not send its issuer, which lies where its certificate says."""
    return without_its_issuer(root, place, send)


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], typing.Any]:
    """The script of this name as a module, which no import statement names."""
    monkeypatch.syspath_prepend(ROOT / "scripts")

    def load(name: str) -> typing.Any:  # noqa: ANN401
        spec = importlib.util.spec_from_file_location(f"script_{name}", ROOT / "scripts" / f"{name}.py")
        assert spec
        assert spec.loader
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, spec.name, module)
        spec.loader.exec_module(module)
        return module

    return load


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


@pytest.fixture
def unreadable(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """What makes a file one that this user may not read: a mode of 0 would not keep root out."""
    real = files.read_regular

    def forbid(forbidden: Path) -> None:
        def read(path: str | os.PathLike[str], most: int, *, follow: bool = True) -> bytes:
            if Path(path) == forbidden:
                raise PermissionError(errno.EACCES, "Permission denied", os.fspath(path))
            return real(path, most, follow=follow)

        monkeypatch.setattr(files, "read_regular", read)

    return forbid
