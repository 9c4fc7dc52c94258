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
from support import pki
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
    return der.encode(der.SEQUENCE, kind + der.encode(tag, content))


def rdn(*values: bytes) -> bytes:
    return der.encode(der.SET, b"".join(values))


def name(*rdns: bytes) -> bytes:
    return der.encode(der.SEQUENCE, b"".join(rdns))


def common(tag: int, content: bytes) -> bytes:
    return name(rdn(value(tag, content)))


def with_subject(subject: bytes, serial: int = 1) -> bytes:
    """Return a certificate with that subject, byte for byte; no one looks at its signature here."""
    to_be_signed, *rest = der.children(der.read(TEMPLATE)[0].content)
    fields = [field.encoded for field in der.children(to_be_signed.content)]
    fields[1] = der.encode(der.INTEGER, (0x01000000 + serial).to_bytes(4, "big"))
    fields[5] = subject
    signed = der.encode(der.SEQUENCE, b"".join(fields))
    return der.encode(der.SEQUENCE, signed + b"".join(part.encoded for part in rest))


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


LOADED = {
    "empty name": name(),
    "ordinary name": name(
        rdn(value(PRINTABLE, b"US", bytes.fromhex("0603550406"))),
        rdn(value(UTF8, b"Example Corp", ORGANIZATION)),
        rdn(value(UTF8, b"Example Root")),
    ),
    "order of relative names counts": name(rdn(value(UTF8, b"Root")), rdn(value(UTF8, b"Corp", ORGANIZATION))),
    "multi-valued, sorted": name(rdn(value(UTF8, b"a"), value(UTF8, b"b"))),
    "multi-valued, unsorted": name(rdn(value(UTF8, b"b"), value(UTF8, b"a"))),
    "multi-valued, sorted only after lower-casing": name(rdn(value(UTF8, b"B"), value(UTF8, b"a"))),
    "multi-valued, of different lengths": name(rdn(value(UTF8, b"aa"), value(UTF8, b"b"))),
    "multi-valued, of different types": name(rdn(value(UTF8, b"b", ORGANIZATION), value(UTF8, b"c"))),
    "multi-valued, twice the same": name(rdn(value(UTF8, b"a"), value(UTF8, b"a"))),
    "upper and lower case": common(PRINTABLE, b"eXaMPle ROOT"),
    "upper case outside ASCII stays": common(UTF8, "ÄÖİ \u212a".encode()),
    "UTF8String outside ASCII": common(UTF8, "Zürich ☃ 💩".encode()),
    "byte order mark stays": common(UTF8, b"\xef\xbb\xbfa"),
    "every ASCII white space": common(UTF8, b"\t a \n\v\f\r  b \x20"),
    "only white space": common(UTF8, b" \t\n "),
    "separators that Python takes for space": common(UTF8, b"a\x1cb\x1d\x1e\x1fc "),
    "no-break space and next line stay": common(UTF8, "\xa0\xa0a\x85\x85b\u2003\u2003".encode()),
    "no-break space in T61String": common(T61, b"a\xa0\xa0b\x85\x85"),
    "NUL inside": common(UTF8, b"a\0b"),
    "empty value": common(UTF8, b""),
    "T61String is Latin-1": common(T61, b"Z\xfcrich  \xc4"),
    "PrintableString outside its alphabet": common(PRINTABLE, b"\xe9@\xff"),
    "IA5String": common(IA5, b"Foo@Example.COM"),
    "IA5String outside ASCII": common(IA5, b"\xe9\xff"),
    "BMPString": common(BMP, " Zürich \t ☃ ".encode("utf-16-be")),
    "BMPString with a byte order mark": common(BMP, b"\xfe\xff\0a"),
    "BMPString of noncharacters": common(BMP, b"\xff\xff\xff\xfe"),
    "UniversalString": common(UNIVERSAL, " Zürich ☃  💩".encode("utf-32-be")),
    "NumericString is copied": common(NUMERIC, b"1  2 "),
    "BIT STRING is copied": common(BIT, b"\0A  B"),
    "SEQUENCE is copied": common(der.SEQUENCE, b"\x0c\x03A  "),
    "90,000 characters": common(UTF8, b"ab " * 30_000),
    "empty relative name": name(rdn(value(UTF8, b"a")), rdn()),
}
REFUSED = {
    "UTF8String cut off": common(UTF8, b"a\xe2\x98"),
    "UTF8String of a surrogate": common(UTF8, b"\xed\xa0\x80"),
    "UTF8String too long for its character": common(UTF8, b"\xc0\x80"),
    "UTF8String beyond Unicode": common(UTF8, b"\xf4\x90\x80\x80"),
    "BMPString of odd length": common(BMP, b"\0a\0"),
    "BMPString of a surrogate": common(BMP, b"\xd8\x3d"),
    "BMPString of a surrogate pair": common(BMP, b"\xd8\x3d\xdc\xa9"),
    "UniversalString of odd length": common(UNIVERSAL, b"\0\0\0"),
    "UniversalString of a surrogate": common(UNIVERSAL, b"\0\0\xd8\0"),
    "UniversalString beyond Unicode": common(UNIVERSAL, b"\0\x11\0\0"),
    "value missing": name(rdn(der.encode(der.SEQUENCE, COMMON_NAME))),
    "something after the value": name(rdn(der.encode(der.SEQUENCE, COMMON_NAME + b"\x0c\x01a\x05\x00"))),
    "attribute as a SET": name(rdn(der.encode(der.SET, COMMON_NAME + b"\x0c\x01a"))),
    "relative name as a SEQUENCE": name(name(value(UTF8, b"a"))),
    "relative name cut off": name(rdn(value(UTF8, b"a"))[:-1]),
    "object identifier without content": name(rdn(value(UTF8, b"a", b"\x06\x00"))),
    "object identifier with a padded arc": name(rdn(value(UTF8, b"a", bytes.fromhex("0603558001")))),
    "BIT STRING without content": common(BIT, b""),
}


@cases("subject", LOADED.values())
def test_the_hash_is_what_openssl_prints(openssl: OpenSsl, subject: bytes) -> None:
    certificate = with_subject(subject)
    assert der.certificate_names(certificate)[1] == subject
    assert subject_hash(subject) == openssl("x509", "-noout", "-subject_hash", data=pem.encode(certificate)).strip()


@cases("subject", REFUSED.values())
def test_a_name_that_openssl_refuses_is_refused(openssl: OpenSsl, subject: bytes) -> None:
    assert not openssl("x509", "-noout", "-subject_hash", data=pem.encode(with_subject(subject)), status=1)
    with pytest.raises(der.DerError):
        subject_hash(subject)


def test_bytes_after_the_name_are_refused() -> None:
    assert subject_hash(name())
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
    assert subject_hash(der.certificate_names(issued.der)[1]) == expected


texts = st.text(
    st.sampled_from("aAbBzZ \t\n\v\f\r\x1c\x85\xa0\u0131\u212aäÄß☃") | st.characters(codec="utf-8"), max_size=20
)
_ENCODINGS = {
    UTF8: "utf-8",
    T61: "latin-1",
    IA5: "latin-1",
    PRINTABLE: "latin-1",
    BMP: "utf-16-be",
    UNIVERSAL: "utf-32-be",
}
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


@given(st.binary())
def test_no_bytes_raise_anything_but_der_error(data: bytes) -> None:
    assert ours(data) is None or len(subject_hash(data)) == 8


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
    hashes = [_hash_of(certificate) for certificate in certificates]
    assert re.fullmatch("[0-9a-f]{8}", hashes[0] or "")
    assert hashes == theirs(openssl, certificates)


def _hash_of(certificate: bytes) -> str | None:
    try:
        return subject_hash(der.certificate_names(certificate)[1])
    except der.DerError:
        return None
