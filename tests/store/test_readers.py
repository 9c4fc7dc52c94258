"""Differential: OpenSSL, Python and curl find the same anchors in either form of the store, and no others.

What each client makes of the variables that name it is in the tests of the clients.
"""

from __future__ import annotations

import functools
import hashlib
import json
import shutil
import socket
import ssl
import subprocess
import typing
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from support import report, whole
from support.commands import Run
from support.environments import SYSTEM_PATH
from support.issuers import ChainServer, leaf
from support.pki import DAY, Issued, issue
from support.server import TlsServer
from support.snapshot import contents, few_sources
from support.table import cases

from certboot.cli import main

pytestmark = [pytest.mark.slow, pytest.mark.real_sources]

FORMS = ("bundle.pem", "crts")
SMALL = range(6)
MISSING = "unable to get local issuer certificate"


@functools.cache
def twin(root: Issued) -> Issued:
    """Another certificate of the same name and key, signed with that key."""
    old = root.certificate
    builder = x509.CertificateBuilder(
        old.issuer, old.subject, old.public_key(), x509.random_serial_number(), old.not_valid_before_utc,
        old.not_valid_after_utc - DAY, list(old.extensions),
    )  # fmt: skip
    return Issued(builder.sign(root.key, hashes.SHA256()), root.key)


class Store(typing.NamedTuple):
    """Certifi's roots, the small ones with an intermediate below each, and a company's.

    The CCADB lists some among the intermediates that are none: other certificates of a root's name and key.
    """

    home: Path
    anchors: dict[str, Path]
    """SHA-256 -> file."""
    intermediates: dict[str, Path]
    rejected: set[str]

    def form(self, name: str) -> Path:
        return self.home / "current" / name

    def options(self, form: str) -> tuple[str | Path, ...]:
        """By these openssl verify believes one form of the store and nothing else."""
        if form == "crts":
            return ("-CApath", self.form(form), "-no-CAfile", "-no-CAstore")
        return ("-CAfile", self.form(form), "-no-CApath", "-no-CAstore")

    def context(self, form: str) -> ssl.SSLContext:
        """Python's default context with one form of the store, and nothing else, to believe."""
        if form == "crts":
            return ssl.create_default_context(capath=self.form(form))
        return ssl.create_default_context(cafile=self.form(form))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, ca: trustme.CA) -> Store:
    """Not to be changed."""
    folder = tmp_path_factory.mktemp("readers")
    ca.cert_pem.write_to_path(str(folder / "corp.pem"))
    families = whole.families()[: len(SMALL)]
    odd = twin(families[0][0])
    reports = report.Reports(
        tuple(report.root(root) for root, _ in families),
        tuple(report.intermediate(below) for below in (*(below for _, below in families), odd)),
        (report.revoked(issue("Revoked Issuer")),),
    )
    saved = report.save(reports.bodies(), folder / "reports")
    argv = ["init", "--source", "certifi,ccadb", "--intermediates", "--from", str(saved)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CERTBOOT_HOME", str(folder / "store"))
        assert main.main([*argv, "--add", str(folder / "corp.pem")]) == 0
    document = json.loads((folder / "store/current/manifest.json").read_bytes())
    held: dict[str, dict[str, Path]] = {"anchor": {}, "intermediate": {}}
    for entry in document["certificates"]:
        held[entry["role"]][entry["sha256"]] = folder / "store/current/crts" / entry["file"]
    assert len(held["anchor"]) > len(SMALL) + 20  # certifi's, as far as they have not expired
    assert len(held["intermediate"]) == len(SMALL)
    rejected = {entry["fingerprint"] for entry in document["rejected"]}
    return Store(folder / "store", held["anchor"], held["intermediate"], rejected)


def run(*argv: str | Path) -> subprocess.CompletedProcess[str]:
    command = [str(argument) for argument in argv]
    return subprocess.run(command, env={"PATH": SYSTEM_PATH}, capture_output=True, text=True, check=False, timeout=120)


def handshake(context: ssl.SSLContext, server: TlsServer | ChainServer) -> str:
    """Return ``ok``, or what OpenSSL has against the server's certificate."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        try:
            with context.wrap_socket(connection, server_hostname="localhost"):
                return "ok"
        except ssl.SSLCertVerificationError as error:
            return error.verify_message


@pytest.fixture
def site(serve: Callable[..., TlsServer], ca: trustme.CA) -> TlsServer:
    return serve(ca.issue_cert("localhost"))


@pytest.fixture
def strange_site(serve: Callable[..., TlsServer]) -> TlsServer:
    """A server whose CA is in no store."""
    return serve(trustme.CA().issue_cert("localhost"))


def test_the_bundle_has_the_anchors_the_directory_the_intermediates_too_and_openssls_own_links(
    store: Store, openssl: Callable[..., str], tmp_path: Path
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(store.form("bundle.pem"))
    assert {hashlib.sha256(der).hexdigest() for der in context.get_ca_certs(binary_form=True)} == store.anchors.keys()
    files = sorted(store.form("crts").glob("*.pem"))
    found = {hashlib.sha256(der).hexdigest() for file in files for der in whole.ders(file.read_text())}
    assert found == store.anchors.keys() | store.intermediates.keys()
    for file in files:
        shutil.copy(file, tmp_path)
    shutil.rmtree(tmp_path / "home")
    openssl("rehash", tmp_path)
    assert contents(store.form("crts")) == contents(tmp_path)


@cases("form", FORMS)
def test_openssl_finds_every_anchor_and_intermediate_and_no_stranger(store: Store, tmp_path: Path, form: str) -> None:
    """Each anchor is self-signed, so that it verifies only where it is an anchor itself."""
    files = [*store.anchors.values(), *store.intermediates.values()]
    ran = run("openssl", "verify", *store.options(form), *files)
    assert ran.stdout == "".join(f"{path}: OK\n" for path in files)
    stranger, alone = tmp_path / "stranger.pem", tmp_path / "alone.pem"
    stranger.write_bytes(issue("Small Root A").pem)  # the name of an anchor, another key
    assert run("openssl", "verify", *store.options(form), stranger).returncode == 2
    alone.write_text(next(iter(store.intermediates.values())).read_text())
    assert run("openssl", "verify", "-CAfile", alone, "-no-CApath", "-no-CAstore", alone).returncode == 2


@pytest.mark.filterwarnings("ignore:Parsed a serial number:cryptography.utils.CryptographyDeprecationWarning")
@cases("form", FORMS)
def test_whatever_is_self_signed_in_either_form_is_an_anchor_of_the_manifest(store: Store, form: str) -> None:
    """OpenSSL takes every self-signed certificate of a directory for an anchor."""
    path = store.form(form)
    texts = [path.read_text()] if path.is_file() else [file.read_text() for file in path.glob("*.pem")]
    certificates = [x509.load_der_x509_certificate(der) for text in texts for der in whole.ders(text)]
    roots = {c.fingerprint(hashes.SHA256()).hex() for c in certificates if c.issuer == c.subject}
    assert roots == store.anchors.keys()
    assert report.fingerprint(twin(whole.families()[0][0])) in store.rejected


@cases(("form", "option"), [("bundle.pem", "--cacert"), ("crts", "--capath")])
def test_ssl_and_curl_trust_the_added_cas_server_only(
    store: Store, site: TlsServer, strange_site: TlsServer, tmp_path: Path, form: str, option: str
) -> None:
    """The other of curl's two places, which it has a default for, is empty."""
    assert handshake(store.context(form), site) == "ok"
    assert handshake(store.context(form), strange_site) == MISSING
    (tmp_path / "empty.d").mkdir()
    (tmp_path / "no.pem").write_bytes(issue("Nobody's").pem)
    nothing = {"--capath": tmp_path / "empty.d", "--cacert": tmp_path / "no.pem"}

    def curl(server: TlsServer, places: dict[str, Path]) -> subprocess.CompletedProcess[str]:
        return run("curl", "-qsS", *(argument for place in places.items() for argument in place), server.url)

    assert curl(site, {**nothing, option: store.form(form)}).stdout == "ok"
    assert curl(strange_site, {**nothing, option: store.form(form)}).returncode == 60
    assert curl(site, nothing).returncode == 60


def test_a_context_with_the_directory_loads_nothing_until_it_is_needed(store: Store, site: TlsServer) -> None:
    lazy = store.context("crts")
    assert lazy.cert_store_stats() == {"x509": 0, "crl": 0, "x509_ca": 0}
    assert handshake(lazy, site) == "ok"
    assert lazy.cert_store_stats()["x509"] == 1  # the one that was needed
    # The control: a file is read whole, for each context.
    assert store.context("bundle.pem").cert_store_stats()["x509"] == len(store.anchors)


def test_a_server_that_sends_only_its_leaf_verifies_through_the_directory_as_long_as_its_root_is_there(
    store: Store, send: Callable[..., ChainServer], certboot: Run, monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:  # fmt: skip
    """Not even for a Python that takes whatever lies in the directory for an anchor (3.13 and newer)."""
    server = send(leaf(whole.families()[0][1]))
    shutil.copytree(store.home, tmp_path / "store", symlinks=True)
    monkeypatch.setenv("CERTBOOT_HOME", str(tmp_path / "store"))
    few_sources(monkeypatch)
    own = store._replace(home=tmp_path / "store")

    def partial() -> ssl.SSLContext:
        context = own.context("crts")
        context.verify_flags |= 0x80000  # VERIFY_X509_PARTIAL_CHAIN, by its number in OpenSSL
        return context

    assert handshake(own.context("bundle.pem"), server) == MISSING
    assert [handshake(context, server) for context in (own.context("crts"), partial())] == ["ok"] * 2
    assert certboot("distrust", "Small Root A").status == 0
    assert [handshake(context, server) for context in (own.context("crts"), partial())] == [MISSING] * 2
    assert certboot("distrust", "Small Root A", "--undo").status == 0
    assert handshake(own.context("crts"), server) == "ok"
    assert certboot("init", "--no-intermediates").status == 0
    assert handshake(own.context("crts"), server) == MISSING
