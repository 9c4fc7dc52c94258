"""``certboot trust HOST``: the CA that a server sends, never without a look at it or its fingerprint."""

from __future__ import annotations

import hashlib
import ssl
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme
from support.environments import Ran
from support.pki import NOW, issue
from support.server import TlsServer
from support.snapshot import assert_refused, snapshot
from support.table import cases

from certboot.cli.trust import _is_server
from certboot.errors import SourceError
from certboot.sources.server import topmost
from certboot.store import generations
from certboot.store.paths import StorePaths


def fingerprint(ca: trustme.CA) -> str:
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(ca.cert_pem.bytes().decode())).hexdigest()


@pytest.fixture
def with_root(ca: trustme.CA, serve: Callable[..., TlsServer]) -> TlsServer:
    """A server that sends its root along."""
    leaf = ca.issue_cert("localhost")
    leaf.private_key_and_cert_chain_pem = trustme.Blob(
        leaf.private_key_and_cert_chain_pem.bytes() + ca.cert_pem.bytes()
    )
    return serve(leaf)


@pytest.fixture
def store(certboot: Callable[..., Ran], paths: StorePaths) -> StorePaths:
    assert certboot("init").status == 0
    return paths


def names(store: StorePaths) -> set[str]:
    return {entry.name for entry in generations.current(store).certificates}


def test_the_remedy_of_an_untrusted_root_mends_it(
    certboot: Callable[..., Ran], store: StorePaths, ca: trustme.CA, with_root: TlsServer
) -> None:
    host = f"localhost:{with_root.port}"
    assert f"hint: certboot trust {host}\n" in certboot("doctor", "store", host).out
    digits = fingerprint(ca).upper()
    pin = ":".join(digits[at : at + 2] for at in range(0, 64, 2))
    ran = certboot("trust", host, "--yes", "--fingerprint", pin)
    assert ran.status == 0, ran.err
    assert (pin in ran.out, "Compare the SHA-256 with one" in ran.out) == (True, True)
    (entry,) = (entry for entry in generations.current(store).certificates if entry.sha256 == fingerprint(ca))
    assert [(reason.source, reason.detail) for reason in entry.provenance] == [("added", f"sent by {host}")]
    context = ssl.create_default_context(cafile=str(store.current / "bundle.pem"))
    with urllib.request.urlopen(with_root.url, context=context) as answer:  # noqa: S310 - our own https server
        assert answer.read() == b"ok"


@cases(
    ("options", "says"),
    [
        (["--yes"], "what comes from the network is not trusted unseen"),
        (["--yes", "--fingerprint", "0" * 64], "no CA of its chain has this SHA-256"),
        (["--yes", "--fingerprint", "abcd"], "not a SHA-256 of 64 hexadecimal digits: abcd"),
        ([], "there is no terminal to ask on"),
    ],
)
def test_nothing_is_trusted_unseen(
    certboot: Callable[..., Ran], store: StorePaths, with_root: TlsServer, options: list[str], says: str
) -> None:
    before = snapshot(store.home)
    ran = certboot("trust", f"localhost:{with_root.port}", *options)
    assert_refused(ran)
    assert says in ran.err
    assert snapshot(store.home) == before


def test_a_server_that_sends_no_ca_has_nothing_to_trust(
    certboot: Callable[..., Ran], store: StorePaths, ca: trustme.CA, serve: Callable[..., TlsServer]
) -> None:
    before = names(store)
    ran = certboot("trust", f"localhost:{serve(ca.issue_cert('localhost')).port}", "--yes", "--sha256", fingerprint(ca))
    assert_refused(ran)
    assert "it sends its own certificate only, and none of the CA that issued it" in ran.err
    assert names(store) == before


@cases("target", ["localhost:1", "127.0.0.1:1"])
def test_a_server_that_does_not_answer_is_named(certboot: Callable[..., Ran], target: str) -> None:
    ran = certboot("trust", target)
    assert_refused(ran)
    assert f"no certificate came from {target}\n\nhint: certboot doctor {target}\n" in ran.err


@cases(
    ("target", "server"),
    [
        ("intranet.example", True),
        ("intranet", False),
        ("intranet:443", True),
        ("[::1]:443", True),
        ("corp.pem", False),
        ("corp.CRT", False),
        ("https://pki.example/ca.crt", False),
        ("./intranet.example", False),
    ],
)
def test_a_server_is_told_from_a_file(target: str, server: bool) -> None:  # noqa: FBT001 - a parameter of the test
    assert _is_server(target) == server


def test_a_file_with_the_name_of_a_server_is_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "intranet.example").touch()
    assert not _is_server("intranet.example")


ROOT = issue("Root")
MIDDLE = issue("Middle", ROOT)
LEAF = issue("leaf", MIDDLE, extensions=())


@cases(
    ("sent", "top"),
    [
        ([LEAF, MIDDLE, ROOT], ROOT),
        ([LEAF, ROOT, MIDDLE], ROOT),
        ([LEAF, MIDDLE], MIDDLE),
        ([LEAF, issue("Root"), MIDDLE], MIDDLE),
        ([LEAF, MIDDLE, issue("Unrelated")], MIDDLE),
        ([ROOT], ROOT),
    ],
)
def test_the_top_is_found_by_signatures_not_by_names_or_order(sent: list[object], top: object) -> None:
    loaded = topmost([each.der for each in sent], "host", "", NOW)  # type: ignore[attr-defined]
    assert [candidate.certificate.der for candidate in loaded.candidates] == [top.der]  # type: ignore[attr-defined]


@cases("sent", [[], [b"junk"], [b"junk", ROOT.der], [LEAF.der], [LEAF.der, b"junk"]])
def test_what_holds_no_ca_is_an_error(sent: list[bytes]) -> None:
    with pytest.raises(SourceError):
        topmost(sent, "host", "", NOW)
