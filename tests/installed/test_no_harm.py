"""First, do no harm: what a program or a user chose decides with certboot exactly as it does without."""

from __future__ import annotations

import json
import shutil
import typing
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme
from support.environments import Environment, with_clients
from support.pages import BUCKETS

if typing.TYPE_CHECKING:
    from support.server import TlsServer

pytestmark = pytest.mark.slow

CHOICES = Path(__file__).with_name("explicit_choices.py")
OFF = {"CERTBOOT_DISABLE": "1"}
Outcomes = dict[str, dict[str, list[str]]]
"""Kind of choice -> choice -> what came of it at the server of the own CA and at the one of the CA in the store."""


@pytest.fixture(scope="session")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return with_clients(tmp_path_factory, wheel, pip=("pip",))


@pytest.fixture(scope="session")
def trusting(environment: Environment, ca: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A HOME whose user ran ``certboot init --add`` with the private CA. Not to be changed."""
    home = tmp_path_factory.mktemp("no-harm-home")
    ca.cert_pem.write_to_path(str(home / "corp.pem"))
    ran = environment.run("certboot", "init", "--add", "corp.pem", home=home)
    assert ran.status == 0, ran.err
    return home


@pytest.fixture(scope="session")
def other() -> trustme.CA:
    """A CA that only the explicit choice knows."""
    return trustme.CA(organization_name="Other Corp")


@pytest.fixture(scope="session")
def own(other: trustme.CA, openssl: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with that CA as own.pem and its hash link."""
    folder = tmp_path_factory.mktemp("own")
    other.cert_pem.write_to_path(str(folder / "own.pem"))
    openssl("rehash", folder)
    return folder


@pytest.fixture
def urls(serve: Callable[..., TlsServer], other: trustme.CA, ca: trustme.CA) -> list[str]:
    """Servers of the own CA and of the one in the store; leaf and intermediate are sent, the root is not."""
    leaves = (one.create_child_ca().issue_cert("localhost") for one in (other, ca))
    return [serve(leaf, pages={"/": BUCKETS}).url for leaf in leaves]


@pytest.fixture
def outcomes(environment: Environment, trusting: Path, own: Path, urls: list[str]) -> Callable[..., Outcomes]:
    def run(**variables: str) -> Outcomes:
        ran = environment.run("python", CHOICES, own / "own.pem", own, *urls, home=trusting, **variables)
        assert ran.status == 0, ran.err
        return typing.cast("Outcomes", json.loads(ran.out))

    return run


EXPECTED = {"only own": ["ok", "refused"], "off": ["ok", "ok"], "nobody": ["refused", "refused"]}
# Which of the defaults an exported variable decides, and so decides them alone.
SSL = {"ssl, the defaults", "urllib", "http.client", "httpx", "aiohttp", "urllib3"}
REQUESTS = {"requests", "requests, verify on", "requests, verify on, session.verify a file", "botocore"}
BOTH = {"ssl, the defaults and cafile", "ssl, cafile and the defaults"}
EXPORTED: dict[str, set[str]] = {
    "": set(),
    "REQUESTS_CA_BUNDLE": REQUESTS,
    "CURL_CA_BUNDLE": REQUESTS - {"botocore"},
    "SSL_CERT_FILE": SSL | BOTH,
    "SSL_CERT_DIR": SSL | BOTH,
}


@pytest.mark.parametrize("exported", EXPORTED)
def test_an_explicit_choice_decides_as_without_certboot_and_where_there_is_none_the_store_is_trusted(
    outcomes: Callable[..., Outcomes], own: Path, exported: str
) -> None:
    value = str(own if exported == "SSL_CERT_DIR" else own / "own.pem")
    variables = {exported: value} if exported else {}
    with_, without = outcomes(**variables), outcomes(**variables, **OFF)
    for kind, expected in EXPECTED.items():
        overruled = set()
        if exported in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):  # psf/requests#3829: the user's own value does that
            overruled = {name for name in without[kind] if name.startswith("requests, session.verify")}
            overruled -= {name for name in overruled if "prepared" in name or "trust_env" in name}
        assert {n: found for n, found in without[kind].items() if found != expected and n not in overruled} == {}
        assert with_[kind] == without[kind]
    decided = EXPORTED[exported]
    trusting, bare = with_["default"], without["default"]
    assert {name: trusting[name] for name in decided} == {name: bare[name] for name in decided}
    assert {found[1] for name, found in trusting.items() if name in decided} <= {"refused"}
    # The own CA is refused or accepted as before; that of the store is accepted where it was refused.
    assert {name: found for name, found in trusting.items() if name not in decided} == {
        name: [found[0], "ok"] for name, found in bare.items() if name not in decided
    }


def test_without_the_guard_the_session_s_choice_is_overruled(outcomes: Callable[..., Outcomes]) -> None:
    """The control: this is what the guard is there for."""
    found = outcomes(CERTBOOT_GUARDS="ssl,certifi")
    assert found["only own"]["requests, session.verify a file"] == ["refused", "ok"]
    assert found["off"]["requests, session.verify off"] == ["refused", "ok"]
    assert found["only own"]["requests, verify a file"] == ["ok", "refused"]


PIP = (
    "python",
    "-m",
    "pip",
    "download",
    "--no-deps",
    "--no-cache-dir",
    "--disable-pip-version-check",
    "--retries",
    "0",
)
LEGACY = ("--use-deprecated", "legacy-certs")


@pytest.fixture
def download(
    environment: Environment, trusting: Path, tmp_path: Path, wheel: Path, serve: Callable[..., TlsServer]
) -> Callable[..., str]:
    """Download a package with pip from an index of this CA, and return what came of it."""
    pages = {f"/{wheel.name}": wheel.read_bytes(), "/simple/certboot/": f'<a href="/{wheel.name}">x</a>'.encode()}

    def run(ca: trustme.CA, *options: str, **variables: str) -> str:
        server = serve(ca.create_child_ca().issue_cert("localhost"), pages=pages)
        out = tmp_path / "out"
        shutil.rmtree(out, ignore_errors=True)
        variables.setdefault("PIP_CONFIG_FILE", "/dev/null")
        ran = environment.run(
            *PIP, *options, "-d", out, "-i", f"{server.url}/simple/", "certboot", home=trusting, **variables
        )
        if ran.status == 0:
            return "ok"
        assert "certificate" in (ran.out + ran.err).lower(), ran.out + ran.err
        return "refused"

    return run


WAYS: dict[str, Callable[[str, Path], tuple[tuple[str, ...], dict[str, str]]]] = {
    "--cert": lambda file, _: (("--cert", file), {}),
    "PIP_CERT": lambda file, _: ((), {"PIP_CERT": file}),
    "pip.conf": lambda file, folder: ((), {"PIP_CONFIG_FILE": configured(folder, file)}),
}


def configured(folder: Path, file: str) -> str:
    path = folder / "pip.conf"
    path.write_text(f"[global]\ncert = {file}\n")
    return str(path)


@pytest.fixture
def cas(other: trustme.CA, ca: trustme.CA) -> tuple[trustme.CA, ...]:
    """The own CA, the one in the store, and one that nobody knows."""
    return other, ca, trustme.CA()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("mode", [(), LEGACY], ids=["default", "legacy-certs"])
def test_pip_s_own_certificate_option_goes_before_ours(
    download: Callable[..., str],
    cas: tuple[trustme.CA, ...],
    own: Path,
    tmp_path: Path,
    mode: tuple[str, ...],
    way: str,
) -> None:
    options, variables = WAYS[way](str(own / "own.pem"), tmp_path)
    with_ = [download(one, *mode, *options, **variables) for one in cas]
    without = [download(one, *mode, *options, **variables, **OFF) for one in cas]
    assert without == ["ok", "refused", "refused"]
    # In its default mode pip adds the option to the system's trust, and that has the store in it.
    assert with_ == ["ok", "refused" if mode else "ok", "refused"]


@pytest.mark.parametrize("mode", [(), LEGACY], ids=["default", "legacy-certs"])
def test_pip_without_an_option_trusts_the_store(
    download: Callable[..., str], other: trustme.CA, ca: trustme.CA, mode: tuple[str, ...]
) -> None:
    assert [download(one, *mode) for one in (other, ca)] == ["refused", "ok"]
    assert [download(one, *mode, **OFF) for one in (other, ca)] == ["refused", "refused"]


def test_without_the_guard_pip_s_option_is_overruled(
    download: Callable[..., str], other: trustme.CA, own: Path
) -> None:
    """The control: this is what the guard is there for."""
    assert download(other, "--cert", str(own / "own.pem"), CERTBOOT_GUARDS="ssl,certifi") == "refused"
