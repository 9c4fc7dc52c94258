"""OpenSSL's verdict without the server is the one that it gives with it."""

from __future__ import annotations

import os
import socket
import ssl
from contextlib import closing
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from support.pki import CA, Key, make, on_server, rsa_key
from support.server import TlsServer
from support.table import cases

from certboot.pki.verdict import openssl_verdict, verifying_context


@cases("key", [rsa_key(2048), ec.generate_private_key(ec.SECP384R1())])
@cases("host", ["localhost", "127.0.0.1", "a.example"])
@cases("known", [True, False])
def test_it_is_that_of_a_real_handshake(key: Key, host: str, *, known: bool) -> None:
    root, other = make("Root", form=CA), make("Other", form=CA)
    leaf, anchor = make("localhost", root, key=key), (root if known else other).der
    context, real = ssl.create_default_context(cadata=anchor), 0
    with (
        closing(TlsServer(on_server(leaf))) as server,
        socket.create_connection(("127.0.0.1", server.port)) as plain,
    ):
        try:
            context.wrap_socket(plain, server_hostname=host).close()
        except ssl.SSLCertVerificationError as error:
            real = error.verify_code
    verdict = openssl_verdict(verifying_context(anchors=(anchor,)), (leaf.der,), host)
    assert verdict
    assert verdict[0] == real


def test_rules_of_other_clients_can_be_asked_for() -> None:
    root = make("Root", form=CA)
    leaf = make("localhost", root)
    for strict in (True, False):
        flags = verifying_context(strict=strict, anchors=(root.der,)).verify_flags
        assert bool(flags & ssl.VERIFY_X509_STRICT) is bool(flags & ssl.VERIFY_X509_PARTIAL_CHAIN) is strict
    assert verifying_context(common_name=False).hostname_checks_common_name is False
    assert openssl_verdict(verifying_context(anchors=(root.der,)), (leaf.der,), "localhost") == (0, "ok")


@pytest.mark.timeout(20)
def test_the_active_trust_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "pipe"))
    with pytest.raises(OSError, match="a pipe, not a regular file"):
        verifying_context()
    assert verifying_context(anchors=()).get_ca_certs() == []  # the control: it is not read


def test_where_openssl_says_nothing_there_is_no_verdict() -> None:
    root = make("Root", form=CA)
    leaf = make("localhost", root).der
    context = verifying_context(anchors=(root.der,))
    for sent, host in (((leaf, *(root.der,) * 400), "localhost"), ((), "localhost"), ((b"junk",), "localhost"),
                       ((leaf,), ".example")):  # fmt: skip
        assert openssl_verdict(context, sent, host) is None
    context.set_ciphers("DHE-RSA-AES256-GCM-SHA384")
    assert openssl_verdict(context, (leaf,), "localhost") is None
