"""``certboot repair`` where Python 3.13 and newer refuse a CA of the store: they may end the chain below it."""

from __future__ import annotations

import json
import socket
import ssl
import typing
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from support.commands import Run
from support.issuers import ChainServer, Send, repaired_in
from support.pki import CA, LEAF, Form, make
from support.snapshot import snapshot
from support.table import cases

from certboot.pki.verdict import STRICT_PYTHON
from certboot.store.paths import StorePaths

Start = Callable[..., ChainServer]
ONLY = ((x509.NameConstraints([x509.DNSName("localhost")], None), True),)


@pytest.fixture
def start(certboot: Run, clean: Path, send: Send) -> Start:
    """Trust a root of this form; return a server below it with this intermediate, which it sends with its leaf."""

    def begin(root: Form, middle: Form = CA, leaf: Form = LEAF) -> ChainServer:
        top = make("Example Root", form=root)
        between = make("Example CA", top, middle)
        (clean / "root.pem").write_bytes(top.pem)
        assert certboot("init", "--add", clean / "root.pem").status == 0
        return send(make("localhost", between, leaf), between)

    return begin


def accepted(paths: StorePaths, server: ChainServer, *, strict: bool) -> list[bool]:
    """Whether a Python of the kind accepts the server, with the store's file and with its directory."""
    found = []
    for places in ({"cafile": paths.current / "bundle.pem"}, {"capath": paths.current / "crts"}):
        context = ssl.create_default_context(**typing.cast("typing.Any", places))
        flags = ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
        context.verify_flags = context.verify_flags | flags if strict else context.verify_flags & ~flags
        with socket.create_connection(("127.0.0.1", server.port), 5) as plain:
            try:
                context.wrap_socket(plain, server_hostname="localhost").close()
                found.append(True)
            except ssl.SSLCertVerificationError:
                found.append(False)
    return found


NO_KEY_ID = replace(CA, ski=False)


@cases(("root", "defect"), [
    (NO_KEY_ID, "strict-missing-ski"),
    (replace(CA, critical=False), "strict-basic-constraints"),
    (replace(CA, usage=False), "strict-key-usage"),
])  # fmt: skip
def test_what_every_python_accepts_is_stored(
    certboot: Run, paths: StorePaths, start: Start, root: Form, defect: str
) -> None:
    server = start(root)
    assert (accepted(paths, server, strict=True), accepted(paths, server, strict=False)) == ([False] * 2, [True] * 2)
    ran = certboot("repair", "--yes", server.shown)
    assert ran.status == 0, ran.err
    lines = ran.out.splitlines()
    assert lines[0] == f"✗ {server.shown}  {defect}"
    assert lines[1].startswith("  Python 3.13 and newer refuse Example Root (")
    assert lines[1].endswith(f"): {defect}")
    assert repaired_in(paths) == {"Example CA": "intermediate"}
    assert (accepted(paths, server, strict=True), accepted(paths, server, strict=False)) == ([True] * 2, [True] * 2)
    again = certboot("repair", server.shown)
    assert (again.status, again.out.splitlines()[0]) == (0, f"✓ {server.shown}  no intermediate is missing")
    assert certboot("distrust", "Example Root").status == 0
    assert repaired_in(paths) == {}


@cases(("root", "middle", "leaf"), [
    (CA, CA, LEAF),  # which nobody refuses
    (NO_KEY_ID, NO_KEY_ID, LEAF),
    (CA, replace(CA, critical=False), LEAF),
    (NO_KEY_ID, CA, replace(LEAF, aki=False)),
    (replace(NO_KEY_ID, extra=ONLY), CA, LEAF),
    (replace(NO_KEY_ID, path_length=1), CA, LEAF),
])  # fmt: skip
def test_else_nothing_is_stored(
    certboot: Run, paths: StorePaths, start: Start, root: Form, middle: Form, leaf: Form
) -> None:
    server = start(root, middle, leaf)
    before = snapshot(paths.home)
    assert certboot("repair", "--yes", server.shown).out.startswith(f"✓ {server.shown}  no intermediate is missing\n")
    assert snapshot(paths.home) == before


@pytest.mark.usefixtures("one_client")
def test_the_doctor_names_the_ways_that_remain_and_the_one_that_it_can_go(
    certboot: Run, paths: StorePaths, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = start(replace(CA, critical=False, path_length=1), replace(CA, path_length=0))
    monkeypatch.setenv("SSL_CERT_FILE", str(paths.current / "bundle.pem"))
    ran = certboot("doctor", "hook", server.shown, "--json")
    found = next(each for each in json.loads(ran.out)["findings"] if each["group"] == "server")
    assert (found["id"], found["status"]) == (
        "strict-basic-constraints", "fail" if STRICT_PYTHON else "warn",
    )  # fmt: skip
    assert found["fix"] == [["certboot", "repair", server.shown]]
    assert found["evidence"]["operator"].startswith("CN=Example Root: its issuer can issue it anew with ")
    ran = certboot("doctor", "hook", server.shown)
    words = " ".join(ran.out.split())
    for text in (
        "accepted Python up to 3.12; Python 3.13 and newer, OpenSSL 4.0 and newer",
        "refused Python 3.13 and newer, OpenSSL before 4.0: 89, a CA whose basic constraints are not marked critical",
        "its issuer can issue it anew with the same key and name, and subjectKeyIdentifier=hash",
        " basicConstraints=critical,CA:TRUE,pathlen:1 ",
        "with CN=Example CA in the store, which has no such defect and is valid until ",
        "or use a Python up to 3.12",
        f"fix here: certboot repair {server.shown}",
    ):
        assert text in words
    assert certboot("repair", "--yes", server.shown).status == 0
    after = json.loads(certboot("doctor", "hook", server.shown, "--json").out)
    assert (after["primary"], found["id"] in [each["id"] for each in after["findings"]]) == (None, False)


@pytest.mark.usefixtures("one_client")
def test_without_such_an_intermediate_the_doctor_offers_no_command(
    certboot: Run, paths: StorePaths, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = start(replace(NO_KEY_ID, extra=ONLY))
    monkeypatch.setenv("SSL_CERT_FILE", str(paths.current / "bundle.pem"))
    ran = certboot("doctor", "hook", server.shown)
    assert "subjectKeyIdentifier=hash" in ran.out
    assert ("certboot repair" in ran.out, "in the store, which" in ran.out) == (False, False)


def test_trust_names_the_ways_too(certboot: Run, start: Start, clean: Path) -> None:
    server = start(replace(CA, critical=False, ski=False))
    words = " ".join(certboot("trust", clean / "root.pem").out.split())
    assert "strict-missing-ski, strict-basic-constraints: Python 3.13 and newer refuse what it issues" in words
    assert "and subjectKeyIdentifier=hash basicConstraints=critical,CA:TRUE" in words
    assert "an intermediate without a defect, if there is one, will do: certboot repair HOST" in words
    ran = certboot("trust", server.shown)  # which sends its intermediate only
    assert ran.status == 2
    assert "Example CA is an intermediate of Example Root, which the store trusts already" in ran.err
    assert f"hint: certboot repair {server.shown}" in ran.err
