"""The main job: after ``certboot init``, unchanged scripts trust a private CA, and nothing that worked is worse."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme
from support.environments import HERE, SYSTEM_PATH, Environment, Ran, make_environment, with_clients
from support.pages import BOTO3, NODE, QUIET, pages
from support.server import TlsServer

pytestmark = pytest.mark.slow

PYTHON = {
    "requests": "import requests, sys; print(requests.get(sys.argv[1] + '/page').text)",
    "urllib": "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1] + '/page').read().decode())",
    "httpx": "import httpx, sys; print(httpx.get(sys.argv[1] + '/page').text)",
    "aiohttp": """\
import aiohttp, asyncio, sys
async def main():
    async with aiohttp.ClientSession() as session, session.get(sys.argv[1] + "/page") as answer:
        print(await answer.text())
asyncio.run(main())
""",
    "boto3": BOTO3,
    "curl": "import subprocess, sys; sys.exit(subprocess.call(['curl', '-sS', sys.argv[1] + '/page']))",
    "git": "import subprocess, sys; sys.exit(subprocess.call(['git', 'ls-remote', sys.argv[1] + '/ok.git']))",
    "node": f"import subprocess, sys; sys.exit(subprocess.call(['node', '-e', {NODE!r}, sys.argv[1] + '/page']))",
}
COMMANDS = {name: ["python", "-c", script, "{url}"] for name, script in PYTHON.items()} | {
    "pip": [
        "python",
        "-m",
        "pip",
        "download",
        "--no-deps",
        "--no-cache-dir",
        "-d",
        "{out}",
        "-i",
        "{url}/simple/",
        "ok",
    ],
    "uv": ["python", "-m", "uv", "pip", "install", "--no-deps", "--target", "{out}", "-i", "{url}/simple/", "ok"],
}


@pytest.fixture(scope="session", params=[HERE])
def environment(request: pytest.FixtureRequest, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return with_clients(tmp_path_factory, wheel, request.param)


@pytest.fixture(scope="session")
def trusting(environment: Environment, ca: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A HOME whose user ran ``certboot init --add`` with the private CA. Not to be changed."""
    home = tmp_path_factory.mktemp("trusting")
    ca.cert_pem.write_to_path(str(home / "corp.pem"))
    ran = environment.run("certboot", "init", "--add", "corp.pem", home=home, **QUIET)
    assert ran.status == 0, ran.err
    return home


Serving = Callable[[trustme.CA], TlsServer]


@pytest.fixture
def serving(serve: Callable[..., TlsServer]) -> Serving:
    """Start a server whose chain is as in real life: leaf and intermediate are sent, the root is not."""
    return lambda ca: serve(ca.create_child_ca().issue_cert("localhost"), pages=pages())


def needs(client: str) -> None:
    if client in ("curl", "git", "node") and not shutil.which(client, path=SYSTEM_PATH):
        pytest.skip(f"no {client} on this machine")


@pytest.fixture
def outcome(environment: Environment, tmp_path: Path) -> Callable[..., str]:
    """Run a client against a server and return ``ok``, ``refused`` for its certificate, or all that it printed."""

    def run(client: str, server: TlsServer, home: Path, **variables: str) -> str:
        out = tmp_path / "out"
        shutil.rmtree(out, ignore_errors=True)
        command = [part.replace("{url}", server.url).replace("{out}", str(out)) for part in COMMANDS[client]]
        return verdict(environment.run(*command, home=home, **QUIET, **variables))

    return run


def verdict(ran: Ran) -> str:
    if ran.status == 0 and "ok" in ran.out + ran.err:
        return "ok"
    said = (ran.out + ran.err).lower()
    return "refused" if ran.status != 0 and "certificate" in said else f"{ran.status}: {ran.out}{ran.err}"


@pytest.mark.parametrize("client", COMMANDS)
def test_an_unchanged_client_refuses_the_private_ca_before_init_and_trusts_it_after_and_no_other(
    outcome: Callable[..., str], serving: Serving, ca: trustme.CA, clean: Path, trusting: Path, client: str
) -> None:
    needs(client)
    server, stranger = serving(ca), serving(trustme.CA())
    found = (outcome(client, server, clean), outcome(client, server, trusting), outcome(client, stranger, trusting))
    assert found == ("refused", "ok", "refused")


def test_certboot_disable_takes_the_trust_away(
    outcome: Callable[..., str], serving: Serving, ca: trustme.CA, trusting: Path
) -> None:
    assert outcome("requests", serving(ca), trusting, CERTBOOT_DISABLE="1") == "refused"


def test_public_trust_is_kept(
    wheel: Path, serving: Serving, ca: trustme.CA, ca_file: Path, tmp_path: Path, clean: Path
) -> None:
    """A CA that certifi brings, as it brings the public ones, is trusted by all, beside the user's own."""
    environment = make_environment(tmp_path / "venv", wheel, "requests", "httpx")
    (bundled,) = environment.folder.glob("lib/python*/site-packages/certifi/cacert.pem")
    public = trustme.CA()
    with bundled.open("ab") as file:
        file.write(b"\n" + public.cert_pem.bytes())
    assert environment.run("certboot", "init", "--add", ca_file, home=clean).status == 0
    servers = [serving(public), serving(ca), serving(trustme.CA())]

    def outcomes(client: str) -> list[str]:
        commands = (["python", "-c", PYTHON[client], server.url] for server in servers)
        return [verdict(environment.run(*command, home=clean)) for command in commands]

    clients = ["requests", "urllib", "httpx", *(["curl"] if shutil.which("curl", path=SYSTEM_PATH) else [])]
    assert {client: outcomes(client) for client in clients} == {client: ["ok", "ok", "refused"] for client in clients}


EXPORTED = {
    "REQUESTS_CA_BUNDLE": ("requests", "boto3"),
    "CURL_CA_BUNDLE": ("requests", "curl"),
    "SSL_CERT_FILE": ("urllib", "httpx", "aiohttp", "uv", "curl"),
    "SSL_CERT_DIR": ("urllib", "httpx", "aiohttp", "uv", "curl"),
    "GIT_SSL_CAINFO": ("git",),
    "GIT_SSL_CAPATH": ("git",),
    "AWS_CA_BUNDLE": ("boto3",),
}


@pytest.fixture(scope="session")
def other() -> trustme.CA:
    """Another CA of the user's, which certboot does not know."""
    return trustme.CA(organization_name="Other Corp")


@pytest.fixture
def own(tmp_path: Path, other: trustme.CA, openssl: Callable[..., str]) -> Path:
    """A directory with the other CA as own.pem and its hash link."""
    folder = tmp_path / "own"
    folder.mkdir()
    other.cert_pem.write_to_path(str(folder / "own.pem"))
    openssl("rehash", folder)
    return folder


@pytest.fixture
def servers(serving: Serving, other: trustme.CA, ca: trustme.CA) -> tuple[TlsServer, TlsServer]:
    return serving(other), serving(ca)


@pytest.fixture
def homes(clean: Path, trusting: Path) -> tuple[Path, Path]:
    return clean, trusting


@pytest.mark.parametrize(("variable", "client"), [(name, client) for name in EXPORTED for client in EXPORTED[name]])
def test_a_variable_that_the_user_exported_decides_alone(
    outcome: Callable[..., str],
    servers: tuple[TlsServer, TlsServer],
    trusting: Path,
    own: Path,
    variable: str,
    client: str,
) -> None:
    """The CA it names is trusted and the one in the store is not, just as before there was a store."""
    needs(client)
    value = str(own if variable in ("SSL_CERT_DIR", "GIT_SSL_CAPATH") else own / "own.pem")
    assert [outcome(client, server, trusting, **{variable: value}) for server in servers] == ["ok", "refused"]


# The last tests, so that the environment of the others is set up once.
@pytest.mark.parametrize("environment", ["3.13"], indirect=True)
@pytest.mark.parametrize("client", ["requests", "urllib", "httpx", "aiohttp"])
def test_an_unchanged_client_on_python_3_13_refuses_it_before_init_and_trusts_it_after(
    outcome: Callable[..., str], serving: Serving, ca: trustme.CA, clean: Path, trusting: Path, client: str
) -> None:
    server = serving(ca)
    assert (outcome(client, server, clean), outcome(client, server, trusting)) == ("refused", "ok")


@pytest.mark.parametrize("environment", ["3.13", HERE], indirect=True)
def test_pip_cert_still_works(
    outcome: Callable[..., str], servers: tuple[TlsServer, TlsServer], homes: tuple[Path, Path], own: Path
) -> None:
    """REQUESTS_CA_BUNDLE, which pip would prefer, yields to it.

    It does not decide alone: pip 24.2 and later add it to what SSL_CERT_FILE, or else the system, says.
    """
    server, _ = servers
    found = [outcome("pip", server, home, PIP_CERT=str(own / "own.pem")) for home in homes]
    assert (found, outcome("pip", server, homes[1])) == (["ok", "ok"], "refused")
