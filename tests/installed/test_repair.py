"""A server that sends only its leaf: before ``certboot repair`` every client refuses it, after it all accept it."""

from __future__ import annotations

import json
import shutil
import ssl
import tempfile
import typing
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from support.environments import HERE, SYSTEM_PATH, Environment, with_clients
from support.issuers import as_pkcs7, intermediate, leaf
from support.pages import BOTO3, NODE, QUIET, pages
from support.pki import Issued, issue
from support.plain_server import PlainServer, moved, page

if typing.TYPE_CHECKING:
    from support.server import TlsServer

pytestmark = pytest.mark.slow

CALL = "import subprocess, sys; sys.exit(subprocess.call({command!r} + [sys.argv[1] + {path!r}]))"
SCRIPTS = {
    "requests": "import requests, sys; print(requests.get(sys.argv[1] + '/page').text)",
    "httpx": "import httpx, sys; print(httpx.get(sys.argv[1] + '/page').text)",
    "urllib": "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1] + '/page').read().decode())",
    "boto3": BOTO3,
    "curl": CALL.format(command=["curl", "-sS"], path="/page"),
    "git": CALL.format(command=["git", "ls-remote"], path="/ok.git"),
    "node": CALL.format(command=["node", "-e", NODE], path="/page"),
}
PIP = ["-m", "pip", "download", "--no-deps", "--no-cache-dir", "-d", "{out}", "-i", "{url}/simple/", "ok"]
CLIENTS = {name: ["-c", script, "{url}"] for name, script in SCRIPTS.items()} | {"pip": PIP}


@pytest.fixture(scope="session", params=[HERE, "3.13"])
def environment(request: pytest.FixtureRequest, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return with_clients(tmp_path_factory, wheel, request.param)


class OnlyLeaf:
    """A certificate as ``TlsServer`` takes it: nothing but the leaf is sent."""

    def __init__(self, issued: Issued) -> None:
        self._issued = issued

    def configure_cert(self, context: ssl.SSLContext) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "leaf.pem")
            path.write_bytes(self._issued.pem + self._issued.key_pem)
            context.load_cert_chain(path)


def present() -> list[str]:
    return [each for each in CLIENTS if each not in ("curl", "git", "node") or shutil.which(each, path=SYSTEM_PATH)]


def outcomes(environment: Environment, server: TlsServer, home: Path) -> dict[str, str]:
    """Each client -> whether it accepts the server."""

    def outcome(client: str) -> str:
        shutil.rmtree(home / "out", ignore_errors=True)
        command = [part.replace("{url}", server.url).replace("{out}", "out") for part in CLIENTS[client]]
        ran = environment.run("python", *command, home=home, **QUIET)
        if ran.status == 0 and "ok" in ran.out:
            return "ok"
        said = ran.out + ran.err
        return "refused" if ran.status and "certificate" in said.lower() else f"{ran.status}: {said}"

    return {client: outcome(client) for client in present()}


def trusted_root(environment: Environment, home: Path) -> Issued:
    """A root that the store of this user has."""
    root = issue("Example Root")
    (home / "root.pem").write_bytes(root.pem)
    assert environment.run("certboot", "init", "--add", "root.pem", home=home, **QUIET).status == 0
    return root


def test_after_one_repair_every_client_accepts_the_server(
    environment: Environment,
    serve: Callable[..., TlsServer],
    place: PlainServer,
    clean: Path,
) -> None:
    root = trusted_root(environment, clean)
    upper = intermediate("Example Upper CA", root)
    lower = intermediate("Example Lower CA", upper, f"{place.url}/upper.cer")
    place.pages |= {"/upper.cer": page(upper.der), "/lower.p7c": page(lower.pem)}
    server = serve(OnlyLeaf(leaf(lower, f"{place.url}/lower.p7c")), pages=pages())
    clients = present()
    assert outcomes(environment, server, clean) == dict.fromkeys(clients, "refused")
    host = f"localhost:{server.port}"
    doctor = json.loads(environment.run("certboot", "doctor", host, "--json", home=clean).out)
    assert ["certboot", "repair", host] in [fix for finding in doctor["findings"] for fix in finding["fix"]]
    repaired = environment.run("certboot", "repair", host, "--yes", "--allow-private", home=clean)
    assert (repaired.status, repaired.err) == (0, "")
    assert repaired.out.splitlines()[-1] == f"{host}: Verify return code: 0 (ok)"
    assert outcomes(environment, server, clean) == dict.fromkeys(clients, "ok")
    assert environment.run("certboot", "rollback", home=clean).status == 0
    assert outcomes(environment, server, clean) == dict.fromkeys(clients, "refused")


def test_so_it_is_for_every_way_in_which_an_issuer_may_lie_somewhere(
    environment: Environment,
    serve: Callable[..., TlsServer],
    place: PlainServer,
    clean: Path,
) -> None:
    """All of these servers are repaired at once."""
    root = trusted_root(environment, clean)
    made = {name: intermediate(f"{name} CA", root) for name in ("DER", "PKCS7", "PKCS7-PEM", "Cross", "Moved", "Dead")}
    twin = intermediate("Cross CA", issue("Stranger"), key=made["Cross"].key)
    place.pages |= {
        "/DER": page(made["DER"].der),
        "/PKCS7": page(as_pkcs7(made["PKCS7"])),
        "/PKCS7-PEM": page(as_pkcs7(made["PKCS7-PEM"], encoding=Encoding.PEM)),
        "/Cross": page(as_pkcs7(twin, made["Cross"])),
        "/Moved": moved(f"{place.url}/there"),
        "/there": page(made["Moved"].der),
        "/Dead": page(made["Dead"].der),
    }
    dead = {"Dead": ["http://127.0.0.1:9/ca"]}
    servers = {
        name: serve(OnlyLeaf(leaf(ca, *dead.get(name, []), f"{place.url}/{name}")), pages=pages())
        for name, ca in made.items()
    }
    hosts = [f"localhost:{server.port}" for server in servers.values()]
    assert environment.run("python", "-c", SCRIPTS["urllib"], servers["Cross"].url, home=clean).status == 1
    repaired = environment.run("certboot", "repair", *hosts, "--yes", "--allow-private", home=clean)
    assert (repaired.status, repaired.err) == (0, "")
    for name, server in servers.items():
        assert (name, outcomes(environment, server, clean)) == (name, dict.fromkeys(present(), "ok"))
