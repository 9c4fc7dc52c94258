"""A certificate is described as OpenSSL understands it, and its text smuggles nothing into a file."""

from __future__ import annotations

import hashlib
import re
import ssl
import warnings
from collections.abc import Callable

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID as Eku
from cryptography.x509.oid import NameOID
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support import asn1, pki
from support.asn1 import edited
from support.issuers import intermediate, leaf, openssl_path, respelled, spelled
from support.table import cases

from certboot.errors import CertificateError
from certboot.pki import certificate as certificates
from certboot.pki import der, pem

ROOT = pki.issue("Example Root")
CHILD = pki.issue("child", ROOT, extensions=())
INSIDE = b"-----BEGIN CERTIFICATE-----"
# OpenSSL takes them, and cryptography raises TypeError: the second is a root of Starfield with a changed byte.
BIT_STRING_NAME = bytes.fromhex("300d 310b 3009 0603550403 0302 0058")


def named(*attributes: tuple[x509.ObjectIdentifier, str], key: ec.EllipticCurvePrivateKey | None = None) -> pki.Issued:
    """Return a CA certificate with these attributes, whatever their length."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # cryptography would rather have 1 to 64 characters
        return pki.issue(x509.Name([x509.NameAttribute(*pair, _validate=False) for pair in attributes]), key=key)


def test_a_certificate_is_described() -> None:
    found = certificates.load_certificate(CHILD.der)
    assert found.der == CHILD.der
    assert found.fingerprint == hashlib.sha256(CHILD.der).hexdigest()
    assert (found.subject, found.issuer, found.name) == ("CN=child", "CN=Example Root", "child")
    assert (found.validity.not_before, found.validity.not_after) == (pki.NOW - pki.DAY, pki.NOW + 365 * pki.DAY)
    assert not found.link.self_issued
    assert certificates.load_certificate(ROOT.der).link.self_issued


@cases(
    ("attributes", "name"),
    [
        ([(NameOID.ORGANIZATION_NAME, "Corp"), (NameOID.COMMON_NAME, "Root")], "Root"),
        ([(NameOID.ORGANIZATION_NAME, "Corp"), (NameOID.ORGANIZATIONAL_UNIT_NAME, "Unit")], "Unit"),
        ([(NameOID.ORGANIZATION_NAME, "Corp"), (NameOID.COUNTRY_NAME, "US")], "Corp"),
        ([(NameOID.ORGANIZATION_NAME, "Corp"), (NameOID.COMMON_NAME, "  ")], "Corp"),
        ([(NameOID.COMMON_NAME, " Root "), (NameOID.COMMON_NAME, "Other")], "Root"),
        ([(NameOID.COMMON_NAME, "a\n\x1b[31m\u202eb")], "a\ufffd\ufffd[31m\ufffdb"),
        ([], ""),
    ],
)
def test_its_name_is_the_most_personal_there_is_and_printable(
    attributes: list[tuple[x509.ObjectIdentifier, str]], name: str
) -> None:
    found = certificates.load_certificate(named(*attributes).der)
    assert found.name == (name or found.fingerprint[:16])
    assert found.subject.isprintable()


def purpose(openssl: Callable[..., str], certificate: bytes, which: str) -> bool:
    """Return whether ``openssl x509 -purpose`` takes it for a CA of that kind, with a warning or not."""
    lines = openssl("x509", "-noout", "-purpose", data=pem.encode(certificate)).splitlines()
    (verdict,) = (line.partition(" : ")[2] for line in lines if line.startswith(f"{which} : "))
    return verdict != "No"


CONSTRAINTS: dict[str, pki.Extensions] = {
    "no basicConstraints": (),
    "CA": ((x509.BasicConstraints(ca=True, path_length=None), True),),
    "no CA": ((x509.BasicConstraints(ca=False, path_length=None), True),),
}
USAGES: dict[str, pki.Extensions] = {
    "no keyUsage": (),
    "keyCertSign": ((pki.key_usage(key_cert_sign=True), True),),
    "no keyCertSign": ((pki.key_usage(key_cert_sign=False), True),),
}


VERSION_1 = {None: True, ROOT: False}
"""Of certificates of version 1 only a root is a CA."""


@cases("issuer", VERSION_1)
@cases("usage", USAGES)
@cases("constraints", CONSTRAINTS)
def test_openssl_decides_what_a_ca_is(
    openssl: Callable[..., str], constraints: str, usage: str, issuer: pki.Issued | None
) -> None:
    made = pki.issue("x", issuer, extensions=CONSTRAINTS[constraints] + USAGES[usage])
    # "OCSP helper CA" is check_ca() alone in crypto/x509/v3_purp.c.
    assert certificates.load_certificate(made.der).constraints.is_ca == purpose(openssl, made.der, "OCSP helper CA")
    if constraints == "no basicConstraints" and usage == "no keyUsage":
        version_1 = edited(made.der, {asn1.VERSION: b""})
        is_ca = certificates.load_certificate(version_1).constraints.is_ca
        assert is_ca == purpose(openssl, version_1, "OCSP helper CA") == VERSION_1[issuer]
        assert not certificates.load_certificate(made.der).constraints.is_ca


@cases(
    ("purposes", "allowed"),
    [
        ([Eku.SERVER_AUTH], True),
        ([Eku.CLIENT_AUTH, Eku.SERVER_AUTH], True),
        ([Eku.CLIENT_AUTH], False),
        ([Eku.ANY_EXTENDED_KEY_USAGE], False),
        ([Eku.CODE_SIGNING, Eku.EMAIL_PROTECTION], False),
        (None, True),
    ],
)
def test_an_extended_key_usage_must_allow_tls_servers(
    openssl: Callable[..., str], purposes: list[x509.ObjectIdentifier] | None, *, allowed: bool
) -> None:
    usage: pki.Extensions = ((x509.ExtendedKeyUsage(purposes), False),) if purposes else ()
    made = pki.issue("x", extensions=CONSTRAINTS["CA"] + usage)
    assert (
        certificates.load_certificate(made.der).constraints.for_tls_servers
        == purpose(openssl, made.der, "SSL server CA")
        == allowed
    )


texts = st.text(max_size=40) | st.lists(
    st.sampled_from(["\n", "\r", "-", "--", "-----", "BEGIN CERTIFICATE", "X" * 230, pem.encode(CHILD.der), "é", "\0"]),
    max_size=8,
).map("".join)


@settings(max_examples=60, deadline=None)
@given(texts, texts)
@example(f"x\n{pem.encode(CHILD.der)}", "-----BEGIN CERTIFICATE-----")
# OpenSSL reads lines in pieces of 254 bytes; "# Subject: OU=,CN=" are the first 18.
@example("x" * 236 + INSIDE.decode(), "")
def test_the_text_of_a_certificate_holds_it_and_no_other(common_name: str, unit: str) -> None:
    made = named((NameOID.COMMON_NAME, common_name), (NameOID.ORGANIZATIONAL_UNIT_NAME, unit))
    text = certificates.annotated_pem(certificates.load_certificate(made.der))
    assert text.isascii()
    comments, begin, _ = text.partition(INSIDE.decode())
    assert begin
    assert [line for line in comments.splitlines() if not line.startswith("# ")] == []
    assert [block.data for block in pem.blocks(text.encode())] == [made.der]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=text)
    assert context.get_ca_certs(binary_form=True) == [made.der]


def test_the_text_of_a_certificate_says_what_it_is() -> None:
    text = certificates.annotated_pem(certificates.load_certificate(ROOT.der))
    valid = f"{pki.NOW - pki.DAY:%Y-%m-%d} to {pki.NOW + 365 * pki.DAY:%Y-%m-%d}"
    fingerprint = hashlib.sha256(ROOT.der).hexdigest()
    comments = f"# Subject: CN=Example Root\n# SHA-256: {fingerprint}\n# Valid: {valid}\n"
    assert text == comments + ROOT.pem.decode()


@cases(
    ("common_name", "readable"),
    [
        ("ISRG Root X1", "ISRG_Root_X1"), ("../../etc/passwd", "etc_passwd"), ("C:\\nul. ", "C_nul"),
        ("TÜRKTRUST Kök", "TRKTRUST_Kk"), ("Ω\n", "certificate"), ("x" * 100, "x" * 64), (".hidden", "hidden"),
    ],
)  # fmt: skip
def test_a_file_name_is_readable(common_name: str, readable: str) -> None:
    found = certificates.load_certificate(named((NameOID.COMMON_NAME, common_name)).der)
    assert certificates.file_name(found) == f"{readable}-{found.fingerprint[:8]}.pem"


@settings(max_examples=40, deadline=None)
@given(texts)
def test_a_file_name_is_portable_whatever_the_name(common_name: str) -> None:
    found = certificates.load_certificate(named((NameOID.COMMON_NAME, common_name)).der)
    assert re.fullmatch("[A-Za-z0-9][A-Za-z0-9_]{0,63}-[0-9a-f]{8}[.]pem", certificates.file_name(found))


def identity(certificate: bytes) -> str:
    return certificates.load_certificate(certificate).identity


def test_an_identity_is_that_of_every_certificate_of_a_name_and_key_and_of_no_other() -> None:
    """Signature, serial number, dates, issuer and extensions do not count; names are those of OpenSSL."""
    others = {
        "signed anew": pki.resigned(ROOT),
        "issued anew": pki.issue("Example Root", key=ROOT.key),
        "issued by another": pki.issue("Example Root", pki.issue("Other"), key=ROOT.key, extensions=()),
        "spelled otherwise": named((NameOID.COMMON_NAME, " example  ROOT"), key=ROOT.key),
    }
    found = {kind: identity(issued.der) for kind, issued in others.items()}
    assert found == dict.fromkeys(others, identity(ROOT.der))
    assert len({certificates.load_certificate(issued.der).fingerprint for issued in (ROOT, *others.values())}) == 5
    assert identity(pki.issue("Example Root").der) != identity(ROOT.der)
    assert identity(pki.issue("Example Root 2", key=ROOT.key).der) != identity(ROOT.der)


def test_issuer_and_serial_are_those_of_a_copy_with_another_signature_too() -> None:
    copy, sibling = certificates.load_certificate(pki.resigned(CHILD).der), pki.issue("child", ROOT, key=CHILD.key)
    assert copy.link.issuer_and_serial == certificates.load_certificate(CHILD.der).link.issuer_and_serial
    assert copy.link.issuer_and_serial != certificates.load_certificate(sibling.der).link.issuer_and_serial
    assert certificates.is_signed_by(copy, certificates.load_certificate(ROOT.der))


def test_name_constraints_are_seen() -> None:
    constraints = x509.NameConstraints([x509.DNSName("good.test")], None)
    made = pki.issue("x", extensions=(*CONSTRAINTS["CA"], (constraints, True)))
    assert certificates.load_certificate(made.der).constraints.name_constrained
    assert not certificates.load_certificate(ROOT.der).constraints.name_constrained


extensions = der.read(list(der.children(der.read(der.read(ROOT.der)[0].content)[0].content))[7].content)[0].content


@cases(
    "data",
    [
        b"",
        b"text",
        ROOT.pem,
        ROOT.der[:-1],
        ROOT.der + b"\0",
        edited(ROOT.der, {asn1.VERSION: bytes.fromhex("a003020104")}),
        edited(ROOT.der, {asn1.VALIDITY: bytes.fromhex("30040500 0500")}),
        edited(ROOT.der, {asn1.SUBJECT: bytes.fromhex("300d310b3009060355040304024142")}),
        edited(ROOT.der, {asn1.SUBJECT: bytes.fromhex("300d310b300906035504030c02e298")}),
        edited(ROOT.der, {asn1.EXTENSIONS: der.encode(0xA3, der.encode(der.SEQUENCE, extensions * 2))}),
        x509.load_pem_x509_crl(pki.crl(ROOT)).public_bytes(serialization.Encoding.DER),
        edited(ROOT.der, {asn1.SUBJECT: BIT_STRING_NAME}),
    ],
)
def test_what_is_no_sound_certificate_is_refused(data: bytes) -> None:
    assert (
        certificates.load_certificate(edited(ROOT.der, {asn1.SERIAL: b"\x02\x01\x00"})).name == "Example Root"
    )  # an old sin
    with pytest.raises(CertificateError) as caught:
        certificates.load_certificate(data)
    assert caught.value.message.isprintable()


@cases(("text", "kind"), [("Example CA", 12), ("Example CA", 30), ("  example  cA ", 12), ("Example CA", 19)])
def test_names_that_openssl_takes_for_one_fit_whatever_strings_they_are(text: str, kind: int) -> None:
    ca, other = respelled(ROOT, text, kind)
    issued, forged = leaf(ca), intermediate(spelled(text, kind), ROOT)
    child, issuer, stranger = (certificates.load_certificate(each.der) for each in (issued, other, forged))
    assert certificates.is_signed_by(child, issuer)
    assert openssl_path([issued.pem, other.pem], ROOT).endswith("leaf: OK\n")
    assert not certificates.is_signed_by(child, stranger)
    assert not openssl_path([issued.pem, forged.pem], ROOT).endswith("leaf: OK\n")


@cases("text", ["Example CB", "ExampleCA", "Example CA."])
def test_another_name_does_not_fit_though_the_key_is_the_same(text: str) -> None:
    ca, other = respelled(ROOT, text)
    issued = leaf(ca)
    child, stranger = (certificates.load_certificate(made.der) for made in (issued, other))
    assert not certificates.is_signed_by(child, stranger)
    assert not openssl_path([issued.pem, other.pem], ROOT).endswith("leaf: OK\n")


def test_a_certificate_by_itself_under_a_name_spelled_otherwise_is_self_issued() -> None:
    """OpenSSL takes it for a root."""
    key = pki.issue("key").key
    upper = pki.issue(spelled("EXAMPLE", 19), key=key)
    made = pki.issue(spelled("example"), upper, key=key)
    found = certificates.load_certificate(made.der)
    assert found.link.self_issued
    assert certificates.is_signed_by(found, found)
