"""What only informs and cannot be read is left out; what limits a certificate is read, or nobody relies on it."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography import x509
from support.asn1 import sequence
from support.issuers import below, leaf
from support.pki import ca_extensions, issue
from support.table import cases

from certboot.errors import CertificateError
from certboot.pki import der, pem
from certboot.pki.certificate import is_signed_by, load_certificate
from certboot.pki.parsed import parsed_certificate

ROOT = issue("Example Root")
WITH_A_NAME_OF_BITS = next(pem.certificates(Path(__file__).with_name("bit_string_name.pem").read_bytes()))
ISSUER_ALONE = der.encode(0xA1, der.encode(0xA4, ROOT.certificate.subject.public_bytes()))
KEY_ID = der.encode(0x80, b"key")
BROKEN = b"\x30\x03\x02\x01\x05"


def ca_with(kind: str, content: bytes, *, critical: bool = False) -> bytes:
    """A CA certificate of the root with an extension of this kind."""
    extension = x509.UnrecognizedExtension(x509.ObjectIdentifier(kind), content)
    key = issue("key").key
    extensions = [(value, is_critical) for value, is_critical in ca_extensions(key) if value.oid != extension.oid]
    return issue("Odd CA", ROOT, extensions=(*extensions, (extension, critical)), key=key).der


@cases(
    "kind, content, name",
    [
        ("2.5.29.35", sequence(ISSUER_ALONE), "authority key identifier"),
        ("1.3.6.1.5.5.7.1.1", BROKEN, "authority information access"),
        ("1.3.6.1.5.5.7.1.11", BROKEN, "subject information access"),
        ("2.5.29.31", BROKEN, "CRL distribution points"),
        ("2.5.29.46", BROKEN, "freshest CRL"),
        ("2.5.29.32", BROKEN, "certificate policies"),
        ("2.5.29.18", BROKEN, "issuer alternative name"),
        ("1.3.6.1.4.1.11129.2.4.2", BROKEN, "list of signed certificate timestamps"),
    ],
)
def test_it_is_left_out_and_all_else_is_as_ever(kind: str, content: bytes, name: str) -> None:
    data = ca_with(kind, content)
    certificate = load_certificate(data)
    assert certificate.unread == (name,)
    assert certificate.der == data
    assert certificate.constraints == load_certificate(ROOT.der).constraints
    assert is_signed_by(certificate, load_certificate(ROOT.der))
    assert not is_signed_by(certificate, certificate)
    assert parsed_certificate(data).issuers_at == ()
    with pytest.raises(CertificateError, match="OpenSSL reads this certificate"):
        load_certificate(ca_with(kind, content, critical=True))


def test_of_an_authority_key_identifier_the_key_is_still_known() -> None:
    certificate = load_certificate(ca_with("2.5.29.35", sequence(KEY_ID, ISSUER_ALONE)))
    assert certificate.link.authority_key_id == b"key"
    assert "strict-missing-aki" not in certificate.defects
    assert load_certificate(ca_with("2.5.29.35", b"\x05\0")).link.authority_key_id == b""


def test_what_stands_there_twice_is_no_certificate() -> None:
    extensions = [extension.encoded for extension in der.extensions(ca_with("2.5.29.31", BROKEN))]
    with pytest.raises(CertificateError, match="OpenSSL reads this certificate"):
        load_certificate(der.with_extensions(ROOT.der, [*extensions, extensions[-1]]))
    assert load_certificate(der.with_extensions(ROOT.der, extensions)).unread == ("CRL distribution points",)


def test_a_name_that_cannot_be_read_is_left_out_with_its_extension() -> None:
    assert load_certificate(WITH_A_NAME_OF_BITS).unread


def test_a_certificate_that_can_be_read_is_read_whole() -> None:
    assert load_certificate(leaf(ROOT, "http://example.org/ca").der).unread == ()
    assert parsed_certificate(leaf(ROOT, "http://example.org/ca").der).issuers_at == ("http://example.org/ca",)
    assert load_certificate(issue("CA", ROOT, extensions=below(ROOT)).der).unread == ()


@pytest.mark.parametrize(
    "kind", ["2.5.29.19", "2.5.29.15", "2.5.29.37", "2.5.29.30", "2.5.29.36", "2.5.29.17", "2.5.29.14"]
)
def test_what_limits_a_certificate_or_names_it_is_read_or_the_certificate_is_not(kind: str) -> None:
    with pytest.raises(CertificateError, match="OpenSSL reads this certificate, the cryptography package does not: "):
        load_certificate(ca_with(kind, b"\x05\0"))
