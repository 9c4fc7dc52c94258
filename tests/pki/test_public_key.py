"""A key is the same however it is written down, and no other is."""

from __future__ import annotations

import hashlib

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st
from support import pki
from support.asn1 import EMPTY, bits, number, oid, sequence
from support.pki import rsa_key
from support.table import cases

from certboot.pki import der
from certboot.pki.certificate import load_certificate
from certboot.pki.public_key import canonical
from certboot.pki.subject_hash import canonical as canonical_name

RSA, OAEP, PSS, X509_RSA = "2a864886f70d010101", "2a864886f70d010107", "2a864886f70d01010a", "55080101"
EC, P_256 = "2a8648ce3d0201", "2a8648ce3d030107"
ED25519, ED448 = "2b6570", "2b6571"
Encoding, Format = serialization.Encoding, serialization.PublicFormat


def info(kind: str, key: bytes, parameters: bytes = b"") -> bytes:
    """A SubjectPublicKeyInfo."""
    return sequence(sequence(oid(kind), parameters), bits(key))


def rsa_forms(key: rsa.RSAPrivateKey) -> dict[str, bytes]:
    n = key.public_key().public_numbers().n
    plain = sequence(number(n), number(65537))
    return {
        "as usual": key.public_key().public_bytes(Encoding.DER, Format.SubjectPublicKeyInfo),
        "with EMPTY": info(RSA, plain, EMPTY),
        "without parameters": info(RSA, plain),
        "for PSS": info(PSS, plain),
        "for PSS with parameters": info(PSS, plain, sequence()),
        "for OAEP": info(OAEP, plain, EMPTY),
        "of X.509": info(X509_RSA, plain, number("0800")),
        "with more zeros": info(RSA, sequence(number(f"000000{n:x}"), number(65537)), EMPTY),
        "with no zero": info(RSA, sequence(number(f"{n:x}"), number(65537)), EMPTY),
        "with another exponent": info(RSA, sequence(number(n), number(3)), EMPTY),
    }


def ec_forms(key: ec.EllipticCurvePrivateKey) -> dict[str, bytes]:
    whole = key.public_key().public_bytes(Encoding.X962, Format.UncompressedPoint)
    short = key.public_key().public_bytes(Encoding.X962, Format.CompressedPoint)
    return {
        "as usual": key.public_key().public_bytes(Encoding.DER, Format.SubjectPublicKeyInfo),
        "whole": info(EC, whole, oid(P_256)),
        "compressed": info(EC, short, oid(P_256)),
        "hybrid": info(EC, bytes([6 + (short[0] & 1)]) + whole[1:], oid(P_256)),
        "with the parameters of the curve": info(EC, whole, sequence(number(1))),
        "with the other sign": info(EC, bytes([short[0] ^ 1]) + short[1:], oid(P_256)),
    }


def ed_forms(kind: str, key: ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey) -> dict[str, bytes]:
    raw = key.public_key().public_bytes(Encoding.Raw, Format.Raw)
    return {
        "as usual": key.public_key().public_bytes(Encoding.DER, Format.SubjectPublicKeyInfo),
        "without parameters": info(kind, raw),
        "with EMPTY": info(kind, raw, EMPTY),
    }


FORMS = {
    "RSA": (rsa_forms(rsa_key(2048)), rsa_forms(rsa_key(2048, 1))),
    "an elliptic curve": (ec_forms(pki.issue("key").key), ec_forms(pki.issue("key").key)),
    "Ed25519": tuple(ed_forms(ED25519, ed25519.Ed25519PrivateKey.generate()) for _ in "12"),
    "Ed448": tuple(ed_forms(ED448, ed448.Ed448PrivateKey.generate()) for _ in "12"),
}


@cases("kind", FORMS)
def test_a_key_is_the_same_in_every_form_and_another_in_none(kind: str) -> None:
    one, other = ({canonical(form) for form in forms.values()} for forms in FORMS[kind])
    assert len(set(FORMS[kind][0].values())) > 1
    assert (len(one), len(other)) == (1, 1)
    assert one != other


def test_two_kinds_of_key_are_never_the_same() -> None:
    forms = [form for pair in FORMS.values() for form in pair]
    assert len({canonical(form) for each in forms for form in each.values()}) == len(forms)
    raw = bytes(32)
    assert canonical(info(ED25519, raw)) != canonical(info(ED448, raw))


@given(st.binary(max_size=60), st.sampled_from([RSA, PSS, EC, ED25519, "2a03"]))
def test_what_cannot_be_read_is_taken_as_it_stands_and_nothing_is_raised(data: bytes, kind: str) -> None:
    assert canonical(info(kind, data))
    assert canonical(data)[:1] in {data[:1], b"\x30"}
    if data[:1] != b"\x30":
        assert canonical(data) == data


@cases("form", ["compressed", "hybrid"])
def test_certificates_of_one_name_and_key_have_one_identity_whatever_the_form_of_the_key(form: str) -> None:
    root = pki.issue("Example Root")
    copy = load_certificate(pki.with_key_as(root, root, ec_forms(root.key)[form]).der)
    original = load_certificate(root.der)
    assert copy.identity == original.identity
    assert copy.fingerprint != original.fingerprint
    # The rule of 0.1.0 told them apart, and each store that it made holds what that rule gave.
    assert copy.former_identity != original.former_identity
    name = der.encode(der.SEQUENCE, canonical_name(original.link.subject_name))
    key = root.key.public_key().public_bytes(Encoding.DER, Format.SubjectPublicKeyInfo)
    assert original.former_identity == hashlib.sha256(name + key).hexdigest()


def test_among_what_is_distrusted_is_whatever_is_named_there_in_one_of_three_ways() -> None:
    certificate = load_certificate(pki.issue("Example Root").der)
    ways = (certificate.fingerprint, certificate.identity, certificate.former_identity)
    assert len(set(ways)) == 3
    assert [certificate.is_among({way}) for way in ways] == [True] * 3
    assert not certificate.is_among({"0" * 64})
