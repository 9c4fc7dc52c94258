"""The parts of a certificate that a diagnosis looks at."""

from __future__ import annotations

import warnings

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID
from support.pki import CA, DAY, LEAF, NOW, Key, changed, issue, make, name, rsa_key
from support.table import cases

from certboot.errors import CertificateError
from certboot.pki.parsed import ParsedCertificate, parsed_certificate

ROOT = make("Corp Root", form=changed(CA, organisation=" Corp "))


def signed_by(
    key: ed25519.Ed25519PrivateKey | dsa.DSAPrivateKey, digest: hashes.HashAlgorithm | None
) -> ParsedCertificate:
    """A certificate with a key of this kind, signed by itself."""
    builder = x509.CertificateBuilder().subject_name(name("x")).issuer_name(name("x")).serial_number(1)
    builder = builder.public_key(key.public_key()).not_valid_before(NOW).not_valid_after(NOW + DAY)
    return ParsedCertificate(ROOT_DETAILS.certificate, builder.sign(key, digest))  # type: ignore[arg-type]


ROOT_DETAILS = parsed_certificate(ROOT.der)


@cases(
    ("key", "kind", "strength"),
    [
        (rsa_key(1024), "RSA with 1024 bits", 80),
        (rsa_key(2048), "RSA with 2048 bits", 112),
        (rsa_key(3072), "RSA with 3072 bits", 128),
        (ec.generate_private_key(ec.SECP256R1()), "an elliptic curve of 256 bits", 128),
        (ec.generate_private_key(ec.SECP384R1()), "an elliptic curve of 384 bits", 192),
    ],
)
def test_a_key_has_a_kind_and_a_strength(key: Key, kind: str, strength: int) -> None:
    assert parsed_certificate(make("x", key=key).der).key == (kind, strength)


def test_keys_of_other_kinds_have_one_too() -> None:
    assert signed_by(ed25519.Ed25519PrivateKey.generate(), None).key == ("Ed25519 or Ed448", 128)
    assert signed_by(ed25519.Ed25519PrivateKey.generate(), None).signature == ("no separate digest", 128)
    assert signed_by(dsa.generate_private_key(2048), hashes.SHA256()).key == ("DSA with 2048 bits", 112)


def test_a_key_that_cannot_be_read_has_no_strength() -> None:
    der = bytearray(ROOT.der)
    curve = bytes.fromhex("06082a8648ce3d030107")  # prime256v1
    at = der.index(curve)
    der[at + len(curve) - 1] = 0x66  # a curve that does not exist
    broken = ParsedCertificate(ROOT_DETAILS.certificate, x509.load_der_x509_certificate(bytes(der)))
    assert broken.key == ("a key of an unknown kind", 0)


def test_a_signature_has_a_digest_and_a_strength() -> None:
    assert parsed_certificate(make("x").der).signature == ("SHA256", 128)
    assert parsed_certificate(make("x", form=changed(LEAF, sha1=True)).der).signature == ("SHA1", 63)
    der = ROOT.der.replace(bytes.fromhex("2a8648ce3d040302"), bytes.fromhex("2a8648ce3d040366"))
    unknown = ParsedCertificate(ROOT_DETAILS.certificate, x509.load_der_x509_certificate(der))
    assert unknown.signature == ("an unknown digest", 0)


def test_names_organisations_and_addresses_are_at_hand() -> None:
    uri, issuers = x509.UniformResourceIdentifier, AuthorityInformationAccessOID.CA_ISSUERS
    places = (
        (AuthorityInformationAccessOID.OCSP, uri("http://o.example")), (issuers, x509.DNSName("x")),
        (issuers, uri("http://c.example/\x07")),
    )  # fmt: skip
    access = x509.AuthorityInformationAccess([x509.AccessDescription(*place) for place in places])
    form = changed(LEAF, names=("a.example", "192.0.2.1"), extra=((access, False),))
    found = parsed_certificate(make("Common", ROOT, form).der)
    assert (found.dns_names, found.addresses, found.common_names) == (("a.example",), ("192.0.2.1",), ("Common",))
    assert found.names == ("a.example", "192.0.2.1")
    assert (found.organisation, found.issuer_organisation) == ("", "Corp")
    assert found.issuers_at == ("http://c.example/\N{REPLACEMENT CHARACTER}",)
    assert parsed_certificate(make("Common", ROOT, changed(LEAF, names=())).der).names == ("Common",)
    assert not found.is_self_signed
    assert ROOT_DETAILS.is_self_signed


def test_what_is_no_certificate_has_no_details() -> None:
    with pytest.raises(CertificateError):
        parsed_certificate(b"junk")


@cases("text", ["x" * 3000, ""])
def test_a_name_that_is_too_long_or_empty_causes_no_warning(text: str) -> None:
    """The library warns of it when a name is parsed, on the terminal of whoever asks for a diagnosis."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kinds = (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME)
        issued = issue(x509.Name([x509.NameAttribute(kind, text, _validate=False) for kind in kinds])).der
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = parsed_certificate(issued)
        assert found.common_names == (text,)
        assert found.organisation == found.issuer_organisation == text
        assert found.names == (text,)
