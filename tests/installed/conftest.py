"""What the tests of an installed certboot share: one matrix of virtualenvs a run, a HOME with a store, two servers."""

from __future__ import annotations

import shutil
import subprocess
import sys
import typing
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme
from support.environments import (
    ROOT,
    VERSIONS,
    Environment,
    built_once,
    find_python,
    installer,
    make_environment,
    versions_here,
)
from support.pages import pages
from support.virtualenvs import packages, virtualenv

if typing.TYPE_CHECKING:
    from support.server import TlsServer

CLIENTS = ("requests", "httpx", "aiohttp", "boto3", "uv", "websockets")
# Those who change ``ssl`` or imports themselves, and the newest pip.
BESIDE = ("truststore", "gevent", "coverage", "pytest", "pip")
BUNDLED = """\
import ensurepip, glob, os, sysconfig
folder = sysconfig.get_config_var("WHEEL_PKG_DIR") or os.path.join(os.path.dirname(ensurepip.__file__), "_bundled")
print(*glob.glob(os.path.join(folder, "pip-" + ensurepip.version() + "-*.whl")))
"""
"""Tells where the wheel of pip lies that a Python brings; to install it with ensurepip would take ten times as long."""


@pytest.fixture(scope="session")
def as_it_comes(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Environment]:
    """Return the virtualenv of a version with the pip that it brings, and the hook of the wheel. Not to be changed."""

    def made(version: str) -> Environment:
        python = find_python(version)

        def build(folder: Path) -> None:
            virtualenv(folder, python=python)
            asked = subprocess.run([python, "-I", "-c", BUNDLED], capture_output=True, text=True, check=True)
            for path, part in ((Path(asked.stdout.strip()), "pip"), (wheel, "certboot_startup")):
                with zipfile.ZipFile(path) as archive:
                    names = [name for name in archive.namelist() if name.startswith(part)]
                    archive.extractall(packages(folder), names)

        return Environment(built_once(tmp_path_factory, f"python-{version}", build))

    return made


@pytest.fixture(scope="session", params=VERSIONS)
def any_python(request: pytest.FixtureRequest, as_it_comes: Callable[[str], Environment]) -> Environment:
    """Such a virtualenv of every version."""
    return as_it_comes(request.param)


@pytest.fixture(scope="session")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """A virtualenv with certboot, the clients, and those beside which it must work. Not to be changed."""
    build = lambda folder: make_environment(folder, wheel, *CLIENTS, *BESIDE)  # noqa: E731
    return Environment(built_once(tmp_path_factory, "clients", build))


@pytest.fixture(scope="session")
def newest_python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """A virtualenv of the newest Python with certboot and the clients. Not to be changed."""
    python = find_python(versions_here(*VERSIONS)[-1])
    build = lambda folder: make_environment(folder, wheel, *CLIENTS, python=python)  # noqa: E731
    return Environment(built_once(tmp_path_factory, "clients-newest", build))


@pytest.fixture(scope="session")
def oldest_python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """A virtualenv of Python 3.10 with certboot and the clients. Not to be changed."""
    python = find_python("3.10")
    build = lambda folder: make_environment(folder, wheel, *CLIENTS, python=python)  # noqa: E731
    return Environment(built_once(tmp_path_factory, "clients-3.10", build))


@pytest.fixture(scope="session")
def oldest_dependencies(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """A virtualenv of Python 3.10 with certboot and the oldest dependencies that it allows. Not to be changed."""
    python = find_python("3.10")

    def build(folder: Path) -> None:
        environment = make_environment(folder, wheel, python=python)
        install = (sys.executable, "-m", "uv", "pip", "install", "-q", "--link-mode=hardlink")
        oldest = ROOT / "scripts" / "constraints-oldest.txt"
        installer(*install, "--python", environment.python, "-r", oldest, wheel)

    return Environment(built_once(tmp_path_factory, "oldest dependencies", build))


@pytest.fixture(scope="session")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the package is built from, in another folder and with other dates. Not to be changed."""

    def fill(folder: Path) -> None:
        (folder / "docs").mkdir()
        for name in ("pyproject.toml", "README.md", "LICENSE", "docs/certboot.1", "docs/picture.txt"):
            shutil.copyfile(ROOT / name, folder / name)
        shutil.copytree(
            ROOT / "src", folder / "src", copy_function=shutil.copyfile, ignore=shutil.ignore_patterns("__pycache__")
        )

    return built_once(tmp_path_factory, "copy of the repository", fill)


@pytest.fixture(scope="session")
def trusting(installed: Environment, ca: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A HOME whose user ran ``certboot init --add`` with the private CA. Not to be changed."""
    home = tmp_path_factory.mktemp("trusting")
    home.chmod(0o755)  # in a home of root's that nobody else may enter, the guard reads the bundle
    ca.cert_pem.write_to_path(str(home / "corp.pem"))
    ran = installed.run("certboot", "init", "--add", "corp.pem", home=home)
    assert ran.status == 0, ran.err
    return home


@pytest.fixture(scope="session")
def current(trusting: Path) -> Path:
    """The generation in force there."""
    return trusting / ".local" / "share" / "certboot" / "current"


@pytest.fixture
def copied_store(trusting: Path) -> Callable[[Path], Path]:
    """Copy that store to another folder, where it may be changed. Other start-up files may write to it, too."""

    def copied(folder: Path) -> Path:
        store = trusting / ".local" / "share" / "certboot"
        shutil.copytree(store, folder, symlinks=True)
        env = folder / "env"
        env.write_text(env.read_text().replace(str(store), str(folder)))
        return folder

    return copied


@pytest.fixture(scope="session")
def other() -> trustme.CA:
    """Another CA of the user's, which certboot does not know."""
    return trustme.CA(organization_name="Other Corp")


@pytest.fixture(scope="session")
def own(other: trustme.CA, openssl: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with that CA as own.pem and its hash link."""
    folder = tmp_path_factory.mktemp("own")
    other.cert_pem.write_to_path(str(folder / "own.pem"))
    openssl("rehash", folder)
    return folder


@pytest.fixture
def serving(serve: Callable[..., TlsServer]) -> Callable[[trustme.CA], str]:
    """Start a server of this CA and return its address: leaf and intermediate are sent, the root is not."""
    return lambda ca: serve(ca.create_child_ca().issue_cert("localhost"), pages=pages()).url


@pytest.fixture
def both(serving: Callable[[trustme.CA], str], other: trustme.CA, ca: trustme.CA) -> list[str]:
    """Servers of the other CA and of the private one."""
    return [serving(other), serving(ca)]


@pytest.fixture
def url(serving: Callable[[trustme.CA], str], ca: trustme.CA) -> str:
    """A server of the private CA."""
    return f"{serving(ca)}/page"


@pytest.fixture
def unknown_url(serving: Callable[[trustme.CA], str]) -> str:
    """A server of a CA that nobody knows."""
    return f"{serving(trustme.CA())}/page"
