"""A server that sends only its leaf: before ``certboot repair`` every client refuses it, after it all accept it."""

from __future__ import annotations

import json
import ssl
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from support.environments import Environment
from support.issuers import as_pkcs7, intermediate, leaf
from support.pages import QUIET, pages
from support.pki import Issued, issue
from support.programs import outcome, present
from support.server import PlainServer, TlsServer, moved, page

pytestmark = pytest.mark.slow

CLIENTS = present("requests", "httpx", "urllib", "boto3", "curl", "git", "node", "pip")
Serve = Callable[..., TlsServer]


class OnlyLeaf:
    """A certificate as ``TlsServer`` takes it: nothing but the leaf is sent."""

    def __init__(self, issued: Issued) -> None:
        self._issued = issued

    def configure_cert(self, context: ssl.SSLContext) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "leaf.pem")
            path.write_bytes(self._issued.pem + self._issued.key_pem)
            context.load_cert_chain(path)


def outcomes(environment: Environment, server: TlsServer, home: Path, *clients: str) -> dict[str, str]:
    return {client: outcome(environment, client, server.url, home) for client in clients or CLIENTS}


def trusted_root(environment: Environment, home: Path) -> Issued:
    """A root that the store of this user has."""
    root = issue("Example Root")
    (home / "root.pem").write_bytes(root.pem)
    assert environment.run("certboot", "init", "--add", "root.pem", home=home, **QUIET).status == 0
    return root


def test_after_one_repair_every_client_accepts_the_server(
    environment: Environment, newest_python: Environment, serve: Serve, place: PlainServer, clean: Path
) -> None:
    root = trusted_root(environment, clean)
    upper = intermediate("Example Upper CA", root)
    lower = intermediate("Example Lower CA", upper, f"{place.url}/upper.cer")
    place.pages |= {"/upper.cer": page(upper.der), "/lower.p7c": page(lower.pem)}
    server = serve(OnlyLeaf(leaf(lower, f"{place.url}/lower.p7c")), pages=pages())
    assert outcomes(environment, server, clean) == dict.fromkeys(CLIENTS, "refused")
    host = f"localhost:{server.port}"
    doctor = json.loads(environment.run("certboot", "doctor", host, "--json", home=clean).out)
    assert ["certboot", "repair", host] in [fix for finding in doctor["findings"] for fix in finding["fix"]]
    repaired = environment.run("certboot", "repair", host, "--yes", "--allow-private", home=clean)
    assert (repaired.status, repaired.err) == (0, "")
    assert f"{host}  Verify return code: 0 (ok)\n" in repaired.out
    assert outcomes(environment, server, clean) == dict.fromkeys(CLIENTS, "ok")
    assert outcome(newest_python, "urllib", server.url, clean) == "ok"
    assert environment.run("certboot", "rollback", home=clean).status == 0
    for python in (environment, newest_python):
        assert outcome(python, "urllib", server.url, clean) == "refused"


def test_so_it_is_for_every_way_in_which_an_issuer_may_lie_somewhere(
    environment: Environment, serve: Serve, place: PlainServer, clean: Path
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
    servers = {name: serve(OnlyLeaf(leaf(ca, *dead.get(name, []), f"{place.url}/{name}"))) for name, ca in made.items()}
    hosts = [f"localhost:{server.port}" for server in servers.values()]
    assert outcome(environment, "urllib", servers["Cross"].url, clean) == "refused"
    repaired = environment.run("certboot", "repair", *hosts, "--yes", "--allow-private", home=clean)
    assert (repaired.status, repaired.err) == (0, "")
    for name, server in servers.items():  # what OpenSSL takes from the bundle, and from the directory
        clients = ("urllib", *present("curl")) if name == "Cross" else ("urllib",)
        assert (name, outcomes(environment, server, clean, *clients)) == (name, dict.fromkeys(clients, "ok"))
