"""The subject hash is OpenSSL's, for every name that OpenSSL loads; the openssl program is the oracle."""

from __future__ import annotations

import csv
import re
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st
from support import asn1, pki
from support.table import cases

from certboot.pki import der, pem
from certboot.pki.subject_hash import subject_hash

OpenSsl = Callable[..., str]
CCADB = Path(__file__).parents[3] / "shared" / "data" / "ccadb"
TEMPLATE = pki.issue("template").der

COMMON_NAME = bytes.fromhex("0603550403")
ORGANIZATION = bytes.fromhex("060355040a")
BIT, UTF8, NUMERIC, PRINTABLE, T61, IA5, UNIVERSAL, BMP = 3, 12, 18, 19, 20, 22, 28, 30


def value(tag: int, content: bytes, kind: bytes = COMMON_NAME) -> bytes:
    """Return one AttributeTypeAndValue."""
    return asn1.sequence(kind, der.encode(tag, content))


def rdn(*values: bytes) -> bytes:
    return der.encode(der.SET, b"".join(values))


name = asn1.sequence


def common(tag: int, content: bytes) -> bytes:
    return name(rdn(value(tag, content)))


def with_subject(subject: bytes, serial: int = 1) -> bytes:
    """Return a certificate with that subject, byte for byte; no one looks at its signature here."""
    return asn1.edited(TEMPLATE, {asn1.SERIAL: asn1.number(0x01000000 + serial), asn1.SUBJECT: subject})


def ours(subject: bytes) -> str | None:
    try:
        return subject_hash(subject)
    except der.DerError:
        return None


def theirs(openssl: OpenSsl, certificates: Iterable[bytes]) -> list[str | None]:
    """Return the hash that ``openssl rehash`` gives each certificate, all in one call; None where it loads none."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        files = [folder / f"{number}.pem" for number, _ in enumerate(certificates)]
        for file, certificate in zip(files, certificates, strict=True):
            file.write_text(pem.encode(certificate))
        openssl("rehash", folder, status=None)
        found = {link.readlink().name: link.stem for link in folder.iterdir() if link.is_symlink()}
        return [found.get(file.name) for file in files]


LOADED = [
    name(),
    name(
        rdn(value(PRINTABLE, b"US", bytes.fromhex("0603550406"))), rdn(value(UTF8, b"Example Corp", ORGANIZATION)),
        rdn(value(UTF8, b"Example Root")),
    ),
    name(rdn(value(UTF8, b"Root")), rdn(value(UTF8, b"Corp", ORGANIZATION))),  # the order of relative names counts
    *(name(rdn(value(UTF8, one), value(UTF8, two))) for one, two in (
        (b"a", b"b"), (b"b", b"a"), (b"B", b"a"), (b"aa", b"b"), (b"a", b"a"),
    )),
    name(rdn(value(UTF8, b"b", ORGANIZATION), value(UTF8, b"c"))),
    *(common(UTF8, text.encode()) for text in (
        "ÄÖİ \u212a", "Zürich ☃ 💩", "\ufeffa", "\t a \n\v\f\r  b \x20", " \t\n ", "a\x1cb\x1d\x1e\x1fc ",
        "\xa0\xa0a\x85\x85b\u2003\u2003", "a\0b", "", "ab " * 30_000,
    )),
    common(PRINTABLE, b"eXaMPle ROOT"),
    common(PRINTABLE, b"\xe9@\xff"),
    common(T61, b"Z\xfcrich  \xc4"),
    common(T61, b"a\xa0\xa0b\x85\x85"),
    common(IA5, b"Foo@Example.COM"),
    common(IA5, b"\xe9\xff"),
    common(BMP, " Zürich \t ☃ ".encode("utf-16-be")),
    common(BMP, b"\xfe\xff\0a"),
    common(BMP, b"\xff\xff\xff\xfe"),
    common(UNIVERSAL, " Zürich ☃  💩".encode("utf-32-be")),
    common(NUMERIC, b"1  2 "),  # these are copied
    common(BIT, b"\0A  B"),
    common(der.SEQUENCE, b"\x0c\x03A  "),
    name(rdn(value(UTF8, b"a")), rdn()),
]  # fmt: skip
REFUSED = [
    # UTF-8 that is cut off, of a surrogate, too long for its character, beyond Unicode
    *(common(UTF8, text) for text in (b"a\xe2\x98", b"\xed\xa0\x80", b"\xc0\x80", b"\xf4\x90\x80\x80")),
    # of odd length, of a surrogate, of a pair of them
    *(common(BMP, text) for text in (b"\0a\0", b"\xd8\x3d", b"\xd8\x3d\xdc\xa9")),
    *(common(UNIVERSAL, text) for text in (b"\0\0\0", b"\0\0\xd8\0", b"\0\x11\0\0")),
    common(BIT, b""),
    name(rdn(der.encode(der.SEQUENCE, COMMON_NAME))),  # no value
    name(rdn(der.encode(der.SEQUENCE, COMMON_NAME + b"\x0c\x01a\x05\x00"))),  # something behind the value
    name(rdn(der.encode(der.SET, COMMON_NAME + b"\x0c\x01a"))),
    name(name(value(UTF8, b"a"))),
    name(rdn(value(UTF8, b"a"))[:-1]),
    name(rdn(value(UTF8, b"a", b"\x06\x00"))),  # no object identifier, and one with a padded arc
    name(rdn(value(UTF8, b"a", bytes.fromhex("0603558001")))),
]


@cases("subject", LOADED)
def test_the_hash_is_what_openssl_prints(openssl: OpenSsl, subject: bytes) -> None:
    certificate = with_subject(subject)
    assert der.subject_name(certificate) == subject
    assert subject_hash(subject) == openssl("x509", "-noout", "-subject_hash", data=pem.encode(certificate)).strip()


@cases("subject", REFUSED)
def test_a_name_that_openssl_refuses_is_refused(openssl: OpenSsl, subject: bytes) -> None:
    assert not openssl("x509", "-noout", "-subject_hash", data=pem.encode(with_subject(subject)), status=1)
    with pytest.raises(der.DerError):
        subject_hash(subject)
    with pytest.raises(der.DerError):
        subject_hash(name() + b"\0")


def test_openssl_and_we_load_names_of_the_same_string_types(openssl: OpenSsl) -> None:
    names = {tag: common(tag, b"\0Ab  Cd   ") for tag in range(1, 31)}
    found = theirs(openssl, [with_subject(subject, tag) for tag, subject in names.items()])
    assert any(found)
    assert not all(found)
    assert {tag: ours(subject) for tag, subject in names.items()} == dict(zip(names, found, strict=True))


def test_names_that_cryptography_writes_hash_as_openssl_says(openssl: OpenSsl) -> None:
    kinds = (_ASN1Type.UTF8String, _ASN1Type.PrintableString, _ASN1Type.T61String, _ASN1Type.BMPString)
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, "Example  Root", _type=kind) for kind in kinds]
    subject = x509.Name([x509.RelativeDistinguishedName([x]) for x in attributes])
    issued = pki.issue(subject)
    expected = openssl("x509", "-noout", "-subject_hash", data=issued.pem.decode()).strip()
    assert subject_hash(der.subject_name(issued.der)) == expected


texts = st.text(
    st.sampled_from("aAbBzZ \t\n\v\f\r\x1c\x85\xa0\u0131\u212aäÄß☃") | st.characters(codec="utf-8"), max_size=20
)
_ENCODINGS = {
    UTF8: "utf-8", T61: "latin-1", IA5: "latin-1", PRINTABLE: "latin-1", BMP: "utf-16-be", UNIVERSAL: "utf-32-be",
}  # fmt: skip
kinds = st.sampled_from([COMMON_NAME, ORGANIZATION])
attributes = st.builds(
    lambda tag, text, kind: value(tag, text.encode(_ENCODINGS[tag], "replace"), kind),
    st.sampled_from(sorted(_ENCODINGS)),
    texts,
    kinds,
) | st.builds(value, st.sampled_from([*_ENCODINGS, NUMERIC]), st.binary(max_size=12), kinds)
rdns = st.lists(attributes, min_size=1, max_size=3).map(lambda values: rdn(*values))
names = st.lists(rdns, max_size=4).map(lambda parts: name(*parts))


@settings(max_examples=25, deadline=None)
@given(st.lists(names, min_size=1, max_size=50))
def test_any_name_has_openssls_hash_or_is_refused_by_both(openssl: OpenSsl, subjects: list[bytes]) -> None:
    certificates = [with_subject(subject, serial) for serial, subject in enumerate(subjects, start=1)]
    assert [ours(subject) for subject in subjects] == theirs(openssl, certificates)


@pytest.mark.skipif(not CCADB.is_dir(), reason="the CCADB reports are not beside this repository")
def test_every_certificate_of_the_ccadb_has_openssls_hash(openssl: OpenSsl) -> None:
    certificates: dict[bytes, None] = {}
    before = csv.field_size_limit(1 << 24)
    try:
        for report in sorted(CCADB.iterdir()):
            with report.open(encoding="utf-8", newline="") as file:
                cells = [cell.strip("'") for row in csv.reader(file) for cell in row if "-----BEGIN" in cell]
            for cell in cells:
                certificates |= {block.data: None for block in pem.blocks(cell.encode()) if block.data}
    finally:
        csv.field_size_limit(before)
    assert len(certificates) > 1000
    hashes = [ours(der.subject_name(certificate)) for certificate in certificates]
    assert re.fullmatch("[0-9a-f]{8}", hashes[0] or "")
    assert hashes == theirs(openssl, certificates)
