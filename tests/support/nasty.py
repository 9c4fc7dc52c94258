"""Certificates as a stranger may send them: each is a proper CA certificate but for one thing, edited in its DER."""

from __future__ import annotations

import ssl
from dataclasses import dataclass

from support.asn1 import (
    ALGORITHM,
    BIT_STRING,
    EMPTY,
    EXTENSIONS,
    GENERALIZED_TIME,
    ISSUER,
    KEY,
    NULL,
    SERIAL,
    SUBJECT,
    UTC_TIME,
    UTF8,
    VALIDITY,
    VERSION,
    bits,
    edited,
    number,
    octets,
    oid,
    sequence,
)  # fmt: skip
from support.issuers import intermediate, leaf
from support.pki import Issued, issue

from certboot.errors import CertificateError
from certboot.pki import der
from certboot.pki.certificate import load_certificate

ROOT = issue("Nasty Root")
CA = intermediate("Nasty CA", ROOT)
LEAF = leaf(CA)

P256 = oid("2a8648ce3d030107")
HUGE_ARC = b"\x2a" + b"\xff" * 300 + b"\x7f"


@dataclass(frozen=True)
class Raw:
    """A certificate that nobody has parsed, with a key for the server that sends it."""

    der: bytes
    key_pem: bytes = b""

    @property
    def pem(self) -> bytes:
        return ssl.DER_cert_to_PEM_cert(self.der).encode()


def name(*parts: tuple[int, bytes], kind: bytes = bytes.fromhex("550403")) -> bytes:
    return sequence(*(der.encode(der.SET, sequence(der.encode(6, kind), der.encode(tag, text))) for tag, text in parts))


def key(algorithm: bytes, content: bytes) -> bytes:
    return sequence(algorithm, bits(content))


def dates(begin: bytes, end: bytes) -> bytes:
    return sequence(begin, end)


def _listed() -> der.Element:
    """Return the extensions of the CA."""
    signed, *_ = der.children(der.read(CA.der)[0].content)
    *_, extensions = der.children(signed.content)
    return der.read(extensions.content)[0]


def with_extension(kind: str, content: bytes, *, critical: bool = False) -> bytes:
    """Return all the extensions of the CA with this one in the place of its namesake, or behind them."""
    listed = _listed()
    others = [each for each in der.children(listed.content) if oid(kind) not in each.encoded]
    own = sequence(oid(kind), *([b"\x01\x01\xff"] if critical else []), octets(content))
    return der.encode(0xA3, sequence(*(each.encoded for each in others), own))


def twice() -> bytes:
    listed = _listed()
    return der.encode(0xA3, sequence(listed.content, listed.content))


def utc(text: str) -> bytes:
    return der.encode(UTC_TIME, text.encode())


def generalized(text: str) -> bytes:
    return der.encode(GENERALIZED_TIME, text.encode())


RSA, DSA, EC, PSS = oid("2a864886f70d010101"), oid("2a8648ce380401"), oid("2a8648ce3d0201"), oid("2a864886f70d01010a")
ED25519, X25519, ML_DSA, NOBODYS = oid("2b6570"), oid("2b656e"), oid("608648016503040312"), oid("2b060104018f5b")
POINT = b"\x04" + bytes(range(64))
BEGIN, FAR = utc("200101000000Z"), utc("491231235959Z")
SAN, BASIC, USAGE, EKU = "551d11", "551d13", "551d0f", "551d25"
AKI, SKI, NAMES, POLICIES, AIA, CRL = "551d23", "551d0e", "551d1e", "551d20", "2b06010505070101", "551d1f"

_FIELDS: dict[str, dict[int, bytes]] = {
    "PSS without parameters": {ALGORITHM: sequence(PSS)},
    "PSS with NULL": {ALGORITHM: sequence(PSS, EMPTY)},
    "PSS with an unknown digest": {ALGORITHM: sequence(PSS, sequence(der.encode(0xA0, sequence(NOBODYS))))},
    "signature of nobody's kind": {ALGORITHM: sequence(NOBODYS)},
    "signature of ML-DSA": {ALGORITHM: sequence(ML_DSA)},
    "signature with a huge OID": {ALGORITHM: sequence(der.encode(6, HUGE_ARC))},
    "signature with MD2": {ALGORITHM: sequence(oid("2a864886f70d010102"), EMPTY)},
    "key on an unknown curve": {KEY: key(sequence(EC, oid("2a8648ce3d030166")), POINT)},
    "key with explicit parameters": {
        KEY: key(sequence(EC, sequence(number("01"), sequence(oid("2a8648ce3d0101"), number("17")))), POINT)
    },
    "key without a curve": {KEY: key(sequence(EC), POINT)},
    "key off its curve": {KEY: key(sequence(EC, P256), POINT)},
    "key at infinity": {KEY: key(sequence(EC, P256), b"\0")},
    "key of nobody's kind": {KEY: key(sequence(NOBODYS), POINT)},
    "key of ML-DSA": {KEY: key(sequence(ML_DSA), bytes(1952))},
    "Ed25519 with parameters": {KEY: key(sequence(ED25519, EMPTY), bytes(32))},
    "Ed25519 too short": {KEY: key(sequence(ED25519), bytes(31))},
    "X25519": {KEY: key(sequence(X25519), bytes(32))},
    "RSA of zero": {KEY: key(sequence(RSA, EMPTY), sequence(number("00"), number("00")))},
    "RSA negative": {KEY: key(sequence(RSA, EMPTY), sequence(number("ff"), number("ff")))},
    "RSA of 64,000 bits": {KEY: key(sequence(RSA, EMPTY), sequence(number("00" + "f1" * 8000), number("010001")))},
    "RSA without parameters": {KEY: key(sequence(RSA), sequence(number("00"), number("00")))},
    "RSA for PSS": {KEY: key(sequence(PSS), sequence(number("00" + "f1" * 256), number("010001")))},
    "DSA without parameters": {KEY: key(sequence(DSA), number("05"))},
    "DSA of zero": {KEY: key(sequence(DSA, sequence(number("00"), number("00"), number("00"))), number("00"))},
    "serial of zero": {SERIAL: number("00")},
    "serial negative": {SERIAL: number("ff80")},
    "serial of nothing": {SERIAL: number("")},
    "serial of 3,000 bytes": {SERIAL: number("01" * 3000)},
    "dates to 9999": {VALIDITY: dates(BEGIN, generalized("99991231235959Z"))},
    "dates from the year 0": {VALIDITY: dates(generalized("00000101000000Z"), FAR)},
    "dates from the year 1": {VALIDITY: dates(generalized("00010101000000Z"), FAR)},
    "dates of the 13th month": {VALIDITY: dates(BEGIN, generalized("20501301000000Z"))},
    "dates with a fraction": {VALIDITY: dates(BEGIN, generalized("20500101000000.5Z"))},
    "dates with an offset": {VALIDITY: dates(BEGIN, utc("490101000000+0100"))},
    "dates without seconds": {VALIDITY: dates(BEGIN, utc("4901010000Z"))},
    "dates the wrong way round": {VALIDITY: dates(FAR, BEGIN)},
    "dates of text": {VALIDITY: dates(BEGIN, der.encode(UTF8, b"tomorrow"))},
    "version 4": {VERSION: der.encode(0xA0, number("03"))},
    "version of 9 bytes": {VERSION: der.encode(0xA0, number("01" * 9))},
    "version 1 with extensions": {VERSION: b""},
    "extensions twice": {EXTENSIONS: twice()},
    "extensions of nothing": {EXTENSIONS: der.encode(0xA3, sequence())},
    "extension with a huge OID": {EXTENSIONS: with_extension((HUGE_ARC).hex(), b"\x05\0")},
    "extension that is critical and nobody's": {EXTENSIONS: with_extension("2b060104018f5b", b"", critical=True)},
    "names of nothing": {EXTENSIONS: with_extension(SAN, sequence())},
    "names that are no DER": {EXTENSIONS: with_extension(SAN, b"\x30\x84\xff\xff\xff\xff")},
    "names with an address of 5 bytes": {EXTENSIONS: with_extension(SAN, sequence(der.encode(0x87, b"12345")))},
    "names with an X.400 address": {EXTENSIONS: with_extension(SAN, sequence(der.encode(0xA3, b"\x05\0")))},
    "names with an EDI party": {EXTENSIONS: with_extension(SAN, sequence(der.encode(0xA5, b"\x05\0")))},
    "names with bytes": {EXTENSIONS: with_extension(SAN, sequence(der.encode(0x82, b"a\xff\0\x1b[31m")))},
    "names with a name of bits": {EXTENSIONS: with_extension(SAN, sequence(der.encode(0xA4, name((3, b"\0a")))))},
    "path length negative": {EXTENSIONS: with_extension(BASIC, sequence(b"\x01\x01\xff", number("ff")))},
    "path length huge": {EXTENSIONS: with_extension(BASIC, sequence(b"\x01\x01\xff", number("01" + "00" * 40)))},
    "key usage of nothing": {EXTENSIONS: with_extension(USAGE, der.encode(BIT_STRING, b""))},
    "key usage of 100 bytes": {EXTENSIONS: with_extension(USAGE, bits(b"\xff" * 100))},
    "purposes of nothing": {EXTENSIONS: with_extension(EKU, sequence())},
    "purpose with a huge OID": {EXTENSIONS: with_extension(EKU, sequence(der.encode(6, HUGE_ARC)))},
    "issuer's key without its serial": {EXTENSIONS: with_extension(AKI, sequence(der.encode(0x82, b"\1")))},
    "issuer's key of nothing": {EXTENSIONS: with_extension(AKI, sequence())},
    "own key of no type": {EXTENSIONS: with_extension(SKI, b"\x05\0")},
    "constraints with a mask of holes": {
        EXTENSIONS: with_extension(
            NAMES,
            sequence(der.encode(0xA0, sequence(der.encode(0x87, bytes((10, 0, 0, 0, 255, 0, 255, 0)))))),
            critical=True,
        )
    },
    "constraints of nothing": {EXTENSIONS: with_extension(NAMES, sequence(), critical=True)},
    "policies with a qualifier of nobody's": {
        EXTENSIONS: with_extension(POLICIES, sequence(sequence(NOBODYS, sequence(sequence(NOBODYS, EMPTY)))))
    },
    "issuer at an address of bytes": {
        EXTENSIONS: with_extension(
            AIA, sequence(sequence(oid("2b06010505073002"), der.encode(0x86, b"http://\xff\x1b[31m/")))
        )
    },
    "revocation list of nothing": {EXTENSIONS: with_extension(CRL, sequence(sequence()))},
    "subject of nothing": {SUBJECT: sequence()},
    "subject with an empty set": {SUBJECT: sequence(der.encode(der.SET, b""))},
    "subject in half a BMPString": {SUBJECT: name((30, b"\0N\0"))},
    "subject in a BMPString of surrogates": {SUBJECT: name((30, b"\xd8\0\0N"))},
    "subject in T61": {SUBJECT: name((20, b"N\xe4sty CA"))},
    "subject in a UniversalString": {SUBJECT: name((28, b"\0\x11\0\0"))},
    "subject in broken UTF-8": {SUBJECT: name((UTF8, b"N\xff\xfe"))},
    "subject in bits": {SUBJECT: name((BIT_STRING, b"\0Nasty"))},
    "subject in a country of 9 letters": {SUBJECT: name((19, b"Abcdefghi"), kind=bytes.fromhex("550406"))},
    "subject in nothing": {SUBJECT: name((NULL, b""))},
    "subject with a huge OID": {SUBJECT: name((UTF8, b"Nasty CA"), kind=HUGE_ARC)},
    "subject with an OID of nothing": {SUBJECT: name((UTF8, b"Nasty CA"), kind=b"")},
    "subject of 100,000 letters": {SUBJECT: name((UTF8, b"N" * 100_000))},
    "subject of 2,000 names": {SUBJECT: name(*[(UTF8, b"Nasty CA")] * 2000)},
    "subject that writes to the terminal": {SUBJECT: name((UTF8, b"\x1b[31m\n-----BEGIN CERTIFICATE-----"))},
}
KINDS = tuple(_FIELDS)


def ca(kind: str) -> Raw:
    """The CA certificate with this one thing."""
    return Raw(edited(CA.der, _FIELDS[kind]))


def leaf_with(kind: str) -> Raw:
    """The server's own certificate with this one thing."""
    fields = {at: content for at, content in _FIELDS[kind].items() if at != EXTENSIONS}
    return Raw(edited(LEAF.der, fields or _FIELDS[kind]), LEAF.key_pem)


def leaf_below(kind: str, *addresses: str) -> Raw:
    """A server's certificate that names the CA certificate as its issuer, and these addresses for it."""
    subject = _FIELDS[kind].get(SUBJECT)
    made: Issued = leaf(CA, *addresses)
    return Raw(edited(made.der, {ISSUER: subject} if subject else {}), made.key_pem)


def parsed(raw: Raw) -> bool:
    """Whether it is read as a certificate, so that its parts come to be looked at later on."""
    try:
        load_certificate(raw.der)
    except CertificateError:
        return False
    return True
