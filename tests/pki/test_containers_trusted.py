"""Who is distrusted by OpenSSL's trust settings, compared with what ``openssl verify`` itself says."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from support.asn1 import explicit, oid, sequence
from support.pki import Issued, issue
from support.table import cases

from certboot.errors import CertificateError
from certboot.pki import certificate, containers, der, pem

SERVER, CLIENT, ANY = oid("2b06010505070301"), oid("2b06010505070302"), oid("551d2500")


@functools.cache
def pair() -> tuple[Issued, Issued]:
    root = issue("Root")
    return root, issue("www.example.org", root, extensions=((x509.BasicConstraints(ca=False, path_length=None), True),))


def trust(*purposes: bytes) -> bytes:
    return sequence(*purposes)


def reject(*purposes: bytes) -> bytes:
    return explicit(*purposes)


ALIAS = der.encode(12, b"ours")
DISTRUSTED = {
    "reject-server": sequence(reject(SERVER)),
    "reject-any": sequence(reject(ANY)),
    "reject-both-purposes": sequence(reject(CLIENT, SERVER)),
    "reject-what-is-trusted": sequence(trust(SERVER), reject(SERVER), ALIAS),
    "trust-client": sequence(trust(CLIENT)),
    "trust-client-alias": sequence(trust(CLIENT), ALIAS),
    "trust-nothing": sequence(trust()),
    "bytes-behind": sequence(reject(SERVER)) + b"\0",
}
TRUSTED = {
    "no-settings": b"",
    "empty-settings": sequence(),
    "alias": sequence(ALIAS),
    "key-id": sequence(ALIAS, der.encode(4, b"id")),
    "trust-server": sequence(trust(SERVER)),
    "trust-any": sequence(trust(ANY)),
    "trust-both-purposes": sequence(trust(CLIENT, SERVER), ALIAS),
    "reject-client": sequence(reject(CLIENT)),
    "reject-nothing": sequence(reject()),
}


@cases("kind", [*DISTRUSTED, *TRUSTED])
def test_openssl_verify_agrees(openssl: Callable[..., str], tmp_path: Path, kind: str) -> None:
    root, leaf = pair()
    data = root.der + {**DISTRUSTED, **TRUSTED}[kind]
    assert containers.split_trusted(data) == (root.der, kind in DISTRUSTED)
    (tmp_path / "root.pem").write_text(pem.encode(data).replace("CERTIFICATE", "TRUSTED CERTIFICATE"))
    (tmp_path / "leaf.pem").write_bytes(leaf.pem)
    said = openssl(
        "verify", "-purpose", "sslserver", "-CAfile", tmp_path / "root.pem", tmp_path / "leaf.pem",
        status=2 if kind in DISTRUSTED else 0,
    )  # fmt: skip
    assert (": OK" in said) == (kind in TRUSTED)


@cases(
    ("arguments", "distrusted"),
    [
        (("-addreject", "serverAuth"), True),
        (("-addreject", "anyExtendedKeyUsage"), True),
        (("-addtrust", "clientAuth"), True),
        (("-addreject", "emailProtection"), False),
        (("-addtrust", "serverAuth", "-addtrust", "clientAuth", "-setalias", "ours"), False),
        (("-setalias", "ours"), False),
    ],
)
def test_what_openssl_x509_writes_is_understood(
    openssl: Callable[..., str], tmp_path: Path, arguments: tuple[str, ...], *, distrusted: bool
) -> None:
    root, _ = pair()
    (tmp_path / "root.pem").write_bytes(root.pem)
    text = openssl("x509", "-in", tmp_path / "root.pem", *arguments, "-trustout")
    (block,) = pem.blocks(text.encode())
    assert block.label == "TRUSTED CERTIFICATE"
    assert containers.split_trusted(block.data or b"") == (root.der, distrusted)


@cases("rest", [b"\0", b"\x04\x00", b"\x30\x05\x30", sequence(b"\x30\x03\x06"), sequence(b"\xa0\x03\x06\x05x")])
def test_settings_that_cannot_be_read_are_an_error(rest: bytes) -> None:
    root, _ = pair()
    assert certificate.load_certificate(containers.split_trusted(root.der)[0]).name == "Root"
    with pytest.raises(CertificateError, match="not a certificate with OpenSSL's trust settings: "):
        containers.split_trusted(root.der + rest)
