"""OpenSSL's verdict without the server is the one that it gives with it."""

from __future__ import annotations

import ssl

from cryptography.hazmat.primitives.asymmetric import ec
from support.chains import CA, make, on_server, rsa_key
from support.faults import Listener, server_context, tls
from support.table import cases

from certboot.pki.verdict import openssl_verdict, verifying_context


@cases("key", [rsa_key(2048), ec.generate_private_key(ec.SECP384R1())], ids=["RSA", "EC"])
@cases("host", ["localhost", "127.0.0.1", "a.example"])
@cases("known", [True, False])
def test_it_is_that_of_a_real_handshake(key: rsa_key | ec.EllipticCurvePrivateKey, host: str, *, known: bool) -> None:  # type: ignore[valid-type]
    root, other = make("Root", form=CA), make("Other", form=CA)
    leaf = make("localhost", root, key=key)
    server = Listener(tls(server_context(on_server(leaf))))
    context = ssl.create_default_context(cadata=(root if known else other).der)
    try:
        import socket

        with socket.create_connection(("127.0.0.1", server.port)) as plain:
            try:
                with context.wrap_socket(plain, server_hostname=host) as secure:
                    secure.sendall(b"x")
                real = 0
            except ssl.SSLCertVerificationError as error:
                real = error.verify_code
    finally:
        server.close()
    anchors = ((root if known else other).der,)
    found = openssl_verdict(verifying_context(anchors=anchors), (leaf.der,), host)
    assert found
    assert found[0] == real


def test_rules_of_other_clients_can_be_asked_for() -> None:
    root = make("Root", form=CA)
    leaf = make("localhost", root)
    for strict in (True, False):
        flags = verifying_context(strict=strict, anchors=(root.der,)).verify_flags
        assert bool(flags & ssl.VERIFY_X509_STRICT) is bool(flags & ssl.VERIFY_X509_PARTIAL_CHAIN) is strict
    assert verifying_context(common_name=False).hostname_checks_common_name is False
    assert openssl_verdict(verifying_context(anchors=(root.der,)), (leaf.der,), "localhost") == (0, "ok")


def test_where_openssl_says_nothing_there_is_no_verdict() -> None:
    root = make("Root", form=CA)
    leaf = make("localhost", root)
    context = verifying_context(anchors=(root.der,))
    assert openssl_verdict(context, (leaf.der, *(root.der,) * 400), "localhost") is None
    assert openssl_verdict(context, (), "localhost") is None
    assert openssl_verdict(context, (b"junk",), "localhost") is None
    assert openssl_verdict(context, (leaf.der,), ".example") is None
    context.set_ciphers("DHE-RSA-AES256-GCM-SHA384")
    assert openssl_verdict(context, (leaf.der,), "localhost") is None
