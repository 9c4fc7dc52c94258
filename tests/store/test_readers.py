"""Differential: every client that reads the store finds the same anchors in it, in either form."""

from __future__ import annotations

import functools
import hashlib
import io
import ipaddress
import json
import socket
import ssl
import subprocess
import sys
import typing
import zipfile
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
import requests
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID
from support import report, whole
from support.environments import SYSTEM_PATH
from support.pki import DAY, Issued, issue
from support.server import TlsServer
from support.table import cases

from certboot.sources import ccadb

if typing.TYPE_CHECKING:
    from support.environments import Ran

    from certboot.store.paths import StorePaths

    Run = Callable[..., Ran]
    Serve = Callable[..., TlsServer]

pytestmark = [pytest.mark.slow, pytest.mark.real_sources]

FORMS = ("bundle.pem", "crts")
SMALL = range(6)


class Store(typing.NamedTuple):
    """Certifi's roots, the small ones with an intermediate below each, and a company's."""

    bundle: Path
    crts: Path
    anchors: dict[str, Path]
    """SHA-256 -> file."""
    intermediates: dict[str, Path]

    def form(self, name: str) -> Path:
        return self.bundle if name == "bundle.pem" else self.crts


@pytest.fixture
def store(certboot: Run, paths: StorePaths, tmp_path: Path, ca_file: Path) -> Store:
    folder = report.save(whole.small_reports(SMALL), tmp_path / "reports")
    arguments = ("--source", "certifi,ccadb", "--intermediates", "--from", folder, "--add", ca_file)
    assert certboot("init", *arguments).status == 0
    crts = paths.current / "crts"
    entries = json.loads((paths.current / "manifest.json").read_bytes())["certificates"]
    by_role = {
        role: {entry["sha256"]: crts / entry["file"] for entry in entries if entry["role"] == role}
        for role in ("anchor", "intermediate")
    }
    assert len(by_role["anchor"]) > len(SMALL) + 20  # certifi's, as far as they have not expired
    assert len(by_role["intermediate"]) == len(SMALL)
    return Store(paths.current / "bundle.pem", crts, by_role["anchor"], by_role["intermediate"])


@pytest.fixture
def site(serve: Serve, ca: trustme.CA) -> TlsServer:
    return serve(ca.issue_cert("localhost"))


@pytest.fixture
def strange_site(serve: Serve) -> TlsServer:
    """A server whose CA is in no store."""
    return serve(trustme.CA().issue_cert("localhost"))


def run(*argv: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [str(argument) for argument in argv]
    environ = {"PATH": SYSTEM_PATH, **variables}
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=120)


def isolated(store: Store, form: str) -> tuple[str | Path, ...]:
    """The options by which openssl verify believes one form of the store and nothing else."""
    if form == "crts":
        return ("-CApath", store.crts, "-no-CAfile", "-no-CAstore")
    return ("-CAfile", store.bundle, "-no-CApath", "-no-CAstore")


# The same anchors


def test_ssl_finds_the_anchors_of_the_manifest_in_the_bundle(store: Store) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(store.bundle)
    found = [hashlib.sha256(der).hexdigest() for der in context.get_ca_certs(binary_form=True)]
    assert sorted(found) == sorted(store.anchors)


@cases("form", FORMS)
def test_openssl_finds_every_anchor_and_no_stranger(store: Store, tmp_path: Path, form: str) -> None:
    """Each anchor is self-signed, so that it verifies only where it is an anchor itself."""
    ran = run("openssl", "verify", *isolated(store, form), *store.anchors.values())
    assert ran.stdout == "".join(f"{path}: OK\n" for path in store.anchors.values())
    stranger = tmp_path / "stranger.pem"
    stranger.write_bytes(issue("Small Root A").pem)  # the name of an anchor, another key
    assert run("openssl", "verify", *isolated(store, form), stranger).returncode == 2


@cases("form", FORMS)
def test_openssl_verifies_an_intermediate_up_to_its_root_and_not_by_itself(
    store: Store, tmp_path: Path, form: str
) -> None:
    trust = isolated(store, form)
    files = list(store.intermediates.values())
    assert run("openssl", "verify", *trust, *files).stdout == "".join(f"{path}: OK\n" for path in files)
    alone = tmp_path / "alone.pem"
    alone.write_text(files[0].read_text())
    trust = ("-CAfile", alone, "-no-CApath", "-no-CAstore")
    assert run("openssl", "verify", *trust, alone).returncode == 2


@pytest.mark.filterwarnings("ignore:Parsed a serial number:cryptography.utils.CryptographyDeprecationWarning")
@cases("form", FORMS)
def test_whatever_is_self_signed_in_either_form_is_an_anchor_of_the_manifest(
    store: Store, certboot: Run, tmp_path: Path, form: str
) -> None:
    """OpenSSL takes every self-signed certificate of a directory for an anchor.

    The CCADB lists some among the intermediates: other certificates of a root's name and key.
    """
    root, below = whole.families()[0]
    reports = report.Reports((report.root(root),), (report.intermediate(below), report.intermediate(twin(root))), ())
    bodies = {**whole.small_reports(SMALL), ccadb.INTERMEDIATES: reports.bodies()[ccadb.INTERMEDIATES]}
    assert certboot("update", "--from", report.save(bodies, tmp_path / "with a twin")).status == 0
    path = store.form(form)
    texts = [path.read_text()] if path.is_file() else [file.read_text() for file in path.glob("*.pem")]
    certificates = [x509.load_der_x509_certificate(der) for text in texts for der in whole.ders(text)]
    roots = {c.fingerprint(hashes.SHA256()).hex() for c in certificates if c.issuer == c.subject}
    assert roots == store.anchors.keys()
    found = json.loads(certboot("list", "--rejected", "--json").out)["rejected"]
    assert report.fingerprint(twin(root)) in {one["fingerprint"] for one in found}


@functools.cache
def twin(root: Issued) -> Issued:
    """Another certificate of the same name and key, signed with that key."""
    old = root.certificate
    builder = x509.CertificateBuilder(
        old.issuer, old.subject, old.public_key(), x509.random_serial_number(), old.not_valid_before_utc,
        old.not_valid_after_utc - DAY, list(old.extensions),
    )  # fmt: skip
    return Issued(builder.sign(root.key, hashes.SHA256()), root.key)


# The same handshakes


@cases("form", FORMS)
def test_ssl_shakes_hands_with_the_added_cas_server_only(
    store: Store, site: TlsServer, strange_site: TlsServer, form: str
) -> None:
    assert handshake(context(store, form), site) == "ok"
    assert handshake(context(store, form), strange_site) == "unable to get local issuer certificate"


@cases("form", FORMS)
def test_requests_trusts_the_added_cas_server_only(
    store: Store, site: TlsServer, strange_site: TlsServer, form: str
) -> None:
    with requests.Session() as session:
        session.trust_env = False
        session.verify = str(store.form(form))
        assert session.get(site.url, timeout=20).text == "ok"
        with pytest.raises(requests.exceptions.SSLError):
            session.get(strange_site.url, timeout=20)


@cases(("option", "form"), [("--cacert", "bundle.pem"), ("--capath", "crts")])
def test_curl_trusts_the_added_cas_server_only(
    store: Store, site: TlsServer, strange_site: TlsServer, tmp_path: Path, option: str, form: str
) -> None:
    """The other of curl's two places, which it has a default for, is empty."""
    (tmp_path / "empty.d").mkdir()
    (tmp_path / "no.pem").write_bytes(issue("Nobody's").pem)
    other = ("--capath", tmp_path / "empty.d") if option == "--cacert" else ("--cacert", tmp_path / "no.pem")
    trust = (option, store.form(form), *other)
    assert run("curl", "-qsS", *trust, site.url).stdout == "ok"
    assert run("curl", "-qsS", *trust, strange_site.url).returncode == 60
    nothing = ("--cacert", tmp_path / "no.pem", "--capath", tmp_path / "empty.d")
    assert run("curl", "-qsS", *nothing, site.url).returncode == 60


def index(server: TlsServer) -> None:
    """Let the server be a package index with one package."""
    wheel = io.BytesIO()
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr("small-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: small\nVersion: 1.0\n")
        file.writestr("small-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr("small-1.0.dist-info/RECORD", "")
    name = "small-1.0-py3-none-any.whl"
    server.pages["/simple/small/"] = f'<!DOCTYPE html><a href="/{name}">{name}</a>'.encode()
    server.pages[f"/{name}"] = wheel.getvalue()

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html" if self.path.endswith("/") else "application/octet-stream")
            self.send_header("Content-Length", str(len(server.pages[self.path])))
            self.end_headers()

        def do_GET(self) -> None:
            self.do_HEAD()
            self.wfile.write(server.pages[self.path])

        def log_message(self, *_: object) -> None:
            """Keep the test output clean."""

    server.handler = Handler


@pytest.mark.parametrize(("variable", "form"), [("SSL_CERT_FILE", "bundle.pem"), ("SSL_CERT_DIR", "crts")])
def test_uv_trusts_the_added_cas_index_only(
    store: Store, site: TlsServer, strange_site: TlsServer, tmp_path: Path, variable: str, form: str
) -> None:
    pytest.importorskip("uv")

    def install(server: TlsServer, **variables: str) -> subprocess.CompletedProcess[str]:
        index(server)
        target = ("--no-cache", "--no-config", "--python", sys.executable, "--target", tmp_path / "target")
        argv = (sys.executable, "-m", "uv", "pip", "install", *target)
        where = ("--default-index", f"{server.url}/simple/", "small")
        return run(*argv, *where, HOME=str(tmp_path), UV_HTTP_RETRIES="0", **variables)

    trust = {variable: str(store.form(form))}
    assert install(strange_site, **trust).returncode != 0
    assert install(site).returncode != 0  # not without the variable
    assert not (tmp_path / "target" / "small-1.0.dist-info").exists()
    ran = install(site, **trust)
    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / "target" / "small-1.0.dist-info").exists()


# Intermediates


def context(store: Store, form: str) -> ssl.SSLContext:
    """Python's default context with one form of the store, and nothing else, to believe."""
    if form == "crts":
        return ssl.create_default_context(capath=store.crts)
    return ssl.create_default_context(cafile=store.bundle)


def handshake(context: ssl.SSLContext, server: TlsServer) -> str:
    """Return ``ok``, or what OpenSSL has against the server's certificate."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        try:
            with context.wrap_socket(connection, server_hostname="localhost"):
                return "ok"
        except ssl.SSLCertVerificationError as error:
            return error.verify_message


def test_intermediates_are_in_the_directory_and_not_in_the_bundle(store: Store) -> None:
    held = {hashlib.sha256(der).hexdigest() for der in whole.ders(store.bundle.read_text())}
    assert held == store.anchors.keys()
    files = {
        hashlib.sha256(der).hexdigest() for file in store.crts.glob("*.pem") for der in whole.ders(file.read_text())
    }
    assert files == store.anchors.keys() | store.intermediates.keys()


def test_a_context_with_the_directory_loads_nothing_until_it_is_needed(store: Store, site: TlsServer) -> None:
    lazy = context(store, "crts")
    assert lazy.cert_store_stats() == {"x509": 0, "crl": 0, "x509_ca": 0}
    assert handshake(lazy, site) == "ok"
    assert lazy.cert_store_stats()["x509"] == 1  # the one that was needed
    # The control: a file is read whole, for each context.
    assert context(store, "bundle.pem").cert_store_stats()["x509"] == len(store.anchors)


@pytest.fixture
def leaf_only(serve: Serve) -> TlsServer:
    """A server that forgets to send its intermediate, the one below the first of the small roots."""
    _, issuer = whole.families()[0]
    return serve(leaf_below(issuer))


def leaf_below(issuer: Issued) -> trustme.LeafCert:
    key = issuer.key.public_key()
    leaf = issue(
        "localhost",
        issuer,
        extensions=(
            (x509.SubjectAlternativeName([x509.DNSName("localhost"), loopback()]), False),
            (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
            (x509.AuthorityKeyIdentifier.from_issuer_public_key(key), False),
        ),
    )
    return trustme.LeafCert(leaf.key_pem, leaf.pem, [])


def loopback() -> x509.IPAddress:
    return x509.IPAddress(ipaddress.ip_address("127.0.0.1"))


def test_a_server_that_sends_only_its_leaf_verifies_through_the_directory(
    store: Store, leaf_only: TlsServer, certboot: Run
) -> None:
    missing = "unable to get local issuer certificate"
    assert handshake(context(store, "bundle.pem"), leaf_only) == missing
    assert handshake(context(store, "crts"), leaf_only) == "ok"
    assert certboot("init", "--no-intermediates").status == 0
    assert handshake(context(store, "crts"), leaf_only) == missing


def test_the_intermediate_does_not_outlive_its_root(store: Store, leaf_only: TlsServer, certboot: Run) -> None:
    """Not even for a Python that takes whatever lies in the directory for an anchor (3.13 and newer)."""
    partial = context(store, "crts")
    partial.verify_flags |= 0x80000  # VERIFY_X509_PARTIAL_CHAIN, by its number in OpenSSL
    assert handshake(partial, leaf_only) == "ok"
    assert certboot("distrust", "Small Root A").status == 0
    partial = context(store, "crts")
    partial.verify_flags |= 0x80000
    assert handshake(partial, leaf_only) == "unable to get local issuer certificate"
