"""DER and BER are cut where X.690 says; that nothing but DerError comes of anything else is for tests/fuzz."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st
from support import pki
from support.table import cases

from certboot.pki import der

CERTIFICATE = pki.issue("Example Root")
CRL = x509.load_pem_x509_crl(pki.crl(CERTIFICATE))
CRL_DER = CRL.public_bytes(serialization.Encoding.DER)

tags = st.integers(0, 255).filter(lambda tag: tag & 0x1F != 0x1F)
elements = st.tuples(tags, st.binary(max_size=300))


@given(elements, st.binary())
def test_an_encoded_element_reads_back_with_the_bytes_after_it(element: tuple[int, bytes], rest: bytes) -> None:
    tag, content = element
    encoded = der.encode(tag, content)
    assert der.read(encoded + rest) == (der.Element(tag, content, encoded), rest)


@given(st.lists(elements))
def test_children_are_all_the_elements_in_order(parts: list[tuple[int, bytes]]) -> None:
    content = b"".join(der.encode(*part) for part in parts)
    assert [(child.tag, child.content) for child in der.children(content)] == parts


@cases(
    ("length", "header"),
    [(0, "0400"), (127, "047f"), (128, "048180"), (255, "0481ff"), (256, "04820100"), (65536, "0483010000")],
)
def test_lengths_take_as_few_octets_as_x690_demands(length: int, header: str) -> None:
    encoded = der.encode(0x04, bytes(length))
    assert encoded[: len(encoded) - length].hex() == header
    assert len(der.read(encoded)[0].content) == length


@cases(
    ("data", "message"),
    [
        ("", "the data ends inside an element"),
        ("30", "the data ends inside an element"),
        ("300200", "the data ends inside an element"),
        ("3082ff", "a length that DER does not allow"),
        ("30800000", "a length that DER does not allow"),  # the indefinite form of BER
        ("30850000000001ff", "a length that DER does not allow"),
        ("1f8100", "a tag number above 30"),
        ("3100", "tag 0x31 where 0x30 belongs"),
    ],
)
def test_what_is_not_der_is_refused_with_its_reason(data: str, message: str) -> None:
    assert der.read(bytes.fromhex("3000"), der.SEQUENCE)[0].content == b""
    with pytest.raises(der.DerError) as caught:
        der.read(bytes.fromhex(data), der.SEQUENCE)
    assert str(caught.value) == message


def test_a_remainder_after_the_last_child_is_refused() -> None:
    assert len(list(der.children(bytes.fromhex("05000500")))) == 2
    with pytest.raises(der.DerError):
        list(der.children(bytes.fromhex("0500050001")))


def test_names_serial_and_key_of_a_certificate_and_the_issuer_of_a_crl_are_cut_out_byte_for_byte() -> None:
    child = pki.issue("child", CERTIFICATE)
    own, above = (name.public_bytes() for name in (child.certificate.subject, child.certificate.issuer))
    issuer, serial = der.children(der.read(der.issuer_and_serial(child.der), der.SEQUENCE)[0].content)
    assert issuer.encoded == above == der.crl_issuer(CRL_DER)
    assert (serial.tag, int.from_bytes(serial.content, "big")) == (der.INTEGER, child.certificate.serial_number)
    spki = child.key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    assert der.names_and_key(child.der) == (above, der.subject_name(child.der), spki) == (above, own, spki)


def test_issuer_and_serial_are_found_in_what_is_broken_behind_them() -> None:
    expected = der.issuer_and_serial(CERTIFICATE.der)
    fields = list(der.children(der.read(der.read(CERTIFICATE.der)[0].content)[0].content))
    broken = der.encode(der.SEQUENCE, b"".join(field.encoded for field in fields[:4]) + b"\xff")
    assert der.issuer_and_serial(der.encode(der.SEQUENCE, broken)) == expected
    with pytest.raises(der.DerError):
        der.names_and_key(der.encode(der.SEQUENCE, broken))
    for other in ("0500 0500 0500", "0201 01 3000 3100"):
        with pytest.raises(der.DerError):
            der.issuer_and_serial(der.encode(der.SEQUENCE, der.encode(der.SEQUENCE, bytes.fromhex(other))))


def test_version_1_has_no_version_field() -> None:
    def without_version(signed: bytes, tag: int) -> bytes:
        to_be_signed, *rest = der.children(der.read(signed)[0].content)
        version, *fields = der.children(to_be_signed.content)
        assert version.tag == tag
        short = der.encode(der.SEQUENCE, b"".join(field.encoded for field in fields))
        return der.encode(der.SEQUENCE, short + b"".join(field.encoded for field in rest))

    subject = CERTIFICATE.certificate.subject.public_bytes()
    version_1 = without_version(CERTIFICATE.der, der.CONTEXT_0)
    assert der.subject_name(version_1) == subject
    assert der.issuer_and_serial(version_1) == der.issuer_and_serial(CERTIFICATE.der)
    assert der.names_and_key(version_1) == der.names_and_key(CERTIFICATE.der)
    assert der.crl_issuer(without_version(CRL_DER, der.INTEGER)) == subject


def test_a_signed_object_has_three_parts_and_no_fourth_and_a_certificate_is_no_crl() -> None:
    content = der.read(CERTIFICATE.der)[0].content
    for cut, data in (
        *((der.subject_name, der.encode(der.SEQUENCE, other)) for other in (content + b"\x05\x00", content[:90], b"")),
        (der.subject_name, CRL_DER),
        (der.crl_issuer, CERTIFICATE.der),
    ):
        with pytest.raises(der.DerError):
            cut(data)


# BER


NULL = b"\x05\x00"
INDEFINITE = b"\x30\x80" + b"\xa0\x80" + NULL + b"\0\0" + b"\x04\x01x" + b"\0\0"


def ber_children(data: bytes) -> list[tuple[int, bytes]]:
    return [(tag, data[begin:after]) for tag, begin, _, after in der.ber_children(data, 0, len(data))]


def test_elements_of_indefinite_length_end_with_their_own_end() -> None:
    assert ber_children(INDEFINITE + NULL) == [(0x30, INDEFINITE), (5, NULL)]
    assert ber_children(NULL + b"\0\0" + NULL) == [(5, NULL)]


@given(st.lists(st.tuples(st.sampled_from([0x30, 0x04, 0x02, 0xA0]), st.binary(max_size=300)), max_size=5))
def test_der_is_cut_as_certboot_der_cuts_it(parts: list[tuple[int, bytes]]) -> None:
    data = b"".join(der.encode(tag, content) for tag, content in parts)
    assert ber_children(data) == [(element.tag, element.encoded) for element in der.children(data)]


@cases(
    "data",
    [b"\x30", b"\x1f\x81\x01\x00", b"\x04\x80\0\0", b"\x30\x05\x00", b"\x30\x84\xff\xff\xff\xff", b"\x30\x80\x05\x00"],
)
def test_what_is_no_element_is_an_error(data: bytes) -> None:
    with pytest.raises(der.DerError):
        ber_children(data)


def test_the_elements_inside_an_indefinite_one_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(der, "_MOST_BER_ELEMENTS", 6)
    assert ber_children(INDEFINITE) == [(0x30, INDEFINITE)]
    monkeypatch.setattr(der, "_MOST_BER_ELEMENTS", 5)
    with pytest.raises(der.DerError, match="more elements"):
        ber_children(INDEFINITE)
