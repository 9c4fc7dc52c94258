"""Certificates as a stranger may send them: each is a proper CA certificate but for one thing, edited in its DER."""

from __future__ import annotations

import ssl
from dataclasses import dataclass

from support import asn1
from support.asn1 import EMPTY, bits, edited, number, octets, oid, sequence
from support.issuers import intermediate, leaf
from support.pki import issue

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


def _listed() -> der.Element:
    """Return the extensions of the CA."""
    signed, *_ = der.children(der.read(CA.der)[0].content)
    *_, extensions = der.children(signed.content)
    return der.read(extensions.content)[0]


def with_extension(kind: str, content: bytes, critical: bool = False) -> bytes:  # noqa: FBT001, FBT002 - from a table
    """Return all the extensions of the CA with this one in the place of its namesake, or behind them."""
    listed = _listed()
    others = [extension for extension in der.children(listed.content) if oid(kind) not in extension.encoded]
    own = sequence(oid(kind), *([b"\x01\x01\xff"] if critical else []), octets(content))
    return der.encode(0xA3, sequence(*(extension.encoded for extension in others), own))


def twice() -> bytes:
    listed = _listed()
    return der.encode(0xA3, sequence(listed.content, listed.content))


def utc(text: str) -> bytes:
    return der.encode(asn1.UTC_TIME, text.encode())


def generalized(text: str) -> bytes:
    return der.encode(asn1.GENERALIZED_TIME, text.encode())


RSA, DSA, EC, PSS = oid("2a864886f70d010101"), oid("2a8648ce380401"), oid("2a8648ce3d0201"), oid("2a864886f70d01010a")
ED25519, X25519, ML_DSA, NOBODYS = oid("2b6570"), oid("2b656e"), oid("608648016503040312"), oid("2b060104018f5b")
POINT = b"\x04" + bytes(range(64))
BEGIN, FAR = utc("200101000000Z"), utc("491231235959Z")
SAN, BASIC, USAGE, EKU = "551d11", "551d13", "551d0f", "551d25"
AKI, SKI, NAMES, POLICIES, AIA, CRL = "551d23", "551d0e", "551d1e", "551d20", "2b06010505070101", "551d1f"

_KEYS: dict[str, tuple[bytes, bytes]] = {
    "key on an unknown curve": (sequence(EC, oid("2a8648ce3d030166")), POINT),
    "key with explicit parameters": (
        sequence(EC, sequence(number("01"), sequence(oid("2a8648ce3d0101"), number("17")))), POINT,
    ),
    "key without a curve": (sequence(EC), POINT),
    "key off its curve": (sequence(EC, P256), POINT),
    "key at infinity": (sequence(EC, P256), b"\0"),
    "key of nobody's kind": (sequence(NOBODYS), POINT),
    "key of ML-DSA": (sequence(ML_DSA), bytes(1952)),
    "Ed25519 with parameters": (sequence(ED25519, EMPTY), bytes(32)),
    "Ed25519 too short": (sequence(ED25519), bytes(31)),
    "X25519": (sequence(X25519), bytes(32)),
    "RSA of zero": (sequence(RSA, EMPTY), sequence(number("00"), number("00"))),
    "RSA negative": (sequence(RSA, EMPTY), sequence(number("ff"), number("ff"))),
    "RSA of 64,000 bits": (sequence(RSA, EMPTY), sequence(number("00" + "f1" * 8000), number("010001"))),
    "RSA without parameters": (sequence(RSA), sequence(number("00"), number("00"))),
    "RSA for PSS": (sequence(PSS), sequence(number("00" + "f1" * 256), number("010001"))),
    "DSA without parameters": (sequence(DSA), number("05")),
    "DSA of zero": (sequence(DSA, sequence(number("00"), number("00"), number("00"))), number("00")),
}  # fmt: skip
_EXTENSIONS: dict[str, tuple[str, bytes] | tuple[str, bytes, bool]] = {
    "extension with a huge OID": (HUGE_ARC.hex(), b"\x05\0"),
    "extension that is critical and nobody's": ("2b060104018f5b", b"", True),
    "names of nothing": (SAN, sequence()),
    "names that are no DER": (SAN, b"\x30\x84\xff\xff\xff\xff"),
    "names with an address of 5 bytes": (SAN, sequence(der.encode(0x87, b"12345"))),
    "names with an X.400 address": (SAN, sequence(der.encode(0xA3, b"\x05\0"))),
    "names with an EDI party": (SAN, sequence(der.encode(0xA5, b"\x05\0"))),
    "names with bytes": (SAN, sequence(der.encode(0x82, b"a\xff\0\x1b[31m"))),
    "names with a name of bits": (SAN, sequence(der.encode(0xA4, name((3, b"\0a"))))),
    "path length negative": (BASIC, sequence(b"\x01\x01\xff", number("ff"))),
    "path length huge": (BASIC, sequence(b"\x01\x01\xff", number("01" + "00" * 40))),
    "key usage of nothing": (USAGE, der.encode(asn1.BIT_STRING, b"")),
    "key usage of 100 bytes": (USAGE, bits(b"\xff" * 100)),
    "purposes of nothing": (EKU, sequence()),
    "purpose with a huge OID": (EKU, sequence(der.encode(6, HUGE_ARC))),
    "issuer's key without its serial": (AKI, sequence(der.encode(0x82, b"\1"))),
    "issuer's key of nothing": (AKI, sequence()),
    "own key of no type": (SKI, b"\x05\0"),
    "constraints with a mask of holes": (
        NAMES, sequence(der.encode(0xA0, sequence(der.encode(0x87, b"\x0a\0\0\0\xff\0\xff\0")))), True,
    ),
    "constraints of nothing": (NAMES, sequence(), True),
    "policies with a qualifier of nobody's": (
        POLICIES, sequence(sequence(NOBODYS, sequence(sequence(NOBODYS, EMPTY)))),
    ),
    "issuer at an address of bytes": (
        AIA, sequence(sequence(oid("2b06010505073002"), der.encode(0x86, b"http://\xff\x1b[31m/"))),
    ),
    "revocation list of nothing": (CRL, sequence(sequence())),
}  # fmt: skip
_OTHERS: dict[int, dict[str, bytes]] = {
    asn1.ALGORITHM: {
        "PSS without parameters": sequence(PSS),
        "PSS with NULL": sequence(PSS, EMPTY),
        "PSS with an unknown digest": sequence(PSS, sequence(der.encode(0xA0, sequence(NOBODYS)))),
        "signature of nobody's kind": sequence(NOBODYS),
        "signature of ML-DSA": sequence(ML_DSA),
        "signature with a huge OID": sequence(der.encode(6, HUGE_ARC)),
        "signature with MD2": sequence(oid("2a864886f70d010102"), EMPTY),
    },
    asn1.SERIAL: {
        "serial of zero": number("00"),
        "serial negative": number("ff80"),
        "serial of nothing": number(""),
        "serial of 3,000 bytes": number("01" * 3000),
    },
    asn1.VALIDITY: {
        "dates to 9999": sequence(BEGIN, generalized("99991231235959Z")),
        "dates from the year 0": sequence(generalized("00000101000000Z"), FAR),
        "dates from the year 1": sequence(generalized("00010101000000Z"), FAR),
        "dates of the 13th month": sequence(BEGIN, generalized("20501301000000Z")),
        "dates with a fraction": sequence(BEGIN, generalized("20500101000000.5Z")),
        "dates with an offset": sequence(BEGIN, utc("490101000000+0100")),
        "dates without seconds": sequence(BEGIN, utc("4901010000Z")),
        "dates the wrong way round": sequence(FAR, BEGIN),
        "dates of text": sequence(BEGIN, der.encode(asn1.UTF8, b"tomorrow")),
    },
    asn1.VERSION: {
        "version 4": der.encode(0xA0, number("03")),
        "version of 9 bytes": der.encode(0xA0, number("01" * 9)),
        "version 1 with extensions": b"",
    },
    asn1.EXTENSIONS: {
        "extensions twice": twice(),
        "extensions of nothing": der.encode(0xA3, sequence()),
    },
    asn1.SUBJECT: {
        "subject of nothing": sequence(),
        "subject with an empty set": sequence(der.encode(der.SET, b"")),
        "subject in half a BMPString": name((30, b"\0N\0")),
        "subject in a BMPString of surrogates": name((30, b"\xd8\0\0N")),
        "subject in T61": name((20, b"N\xe4sty CA")),
        "subject in a UniversalString": name((28, b"\0\x11\0\0")),
        "subject in broken UTF-8": name((asn1.UTF8, b"N\xff\xfe")),
        "subject in bits": name((asn1.BIT_STRING, b"\0Nasty")),
        "subject in a country of 9 letters": name((19, b"Abcdefghi"), kind=bytes.fromhex("550406")),
        "subject in nothing": name((asn1.NULL, b"")),
        "subject with a huge OID": name((asn1.UTF8, b"Nasty CA"), kind=HUGE_ARC),
        "subject with an OID of nothing": name((asn1.UTF8, b"Nasty CA"), kind=b""),
        "subject of 100,000 letters": name((asn1.UTF8, b"N" * 100_000)),
        "subject of 2,000 names": name(*[(asn1.UTF8, b"Nasty CA")] * 2000),
        "subject that writes to the terminal": name((asn1.UTF8, b"\x1b[31m\n-----BEGIN CERTIFICATE-----")),
    },
}  # fmt: skip
_FIELDS: dict[str, tuple[int, bytes]] = {
    **{kind: (asn1.KEY, sequence(algorithm, bits(content))) for kind, (algorithm, content) in _KEYS.items()},
    **{kind: (asn1.EXTENSIONS, with_extension(*parts)) for kind, parts in _EXTENSIONS.items()},
    **{kind: (at, content) for at, kinds in _OTHERS.items() for kind, content in kinds.items()},
}
KINDS = tuple(_FIELDS)


def field(kind: str) -> tuple[int, bytes]:
    """Which field that is, and what stands there."""
    return _FIELDS[kind]


def ca(kind: str) -> Raw:
    """The CA certificate with this one thing."""
    at, content = _FIELDS[kind]
    return Raw(edited(CA.der, {at: content}))


def leaf_with(kind: str) -> Raw:
    """The server's own certificate with this one thing."""
    at, content = _FIELDS[kind]
    return Raw(edited(LEAF.der, {at: content}), LEAF.key_pem)


def leaf_below(kind: str, *addresses: str) -> Raw:
    """A server's certificate that names the CA certificate as its issuer, and these addresses for it."""
    at, content = _FIELDS[kind]
    made = leaf(CA, *addresses)
    return Raw(edited(made.der, {asn1.ISSUER: content} if at == asn1.SUBJECT else {}), made.key_pem)


def parsed(raw: Raw) -> bool:
    """Whether it is read as a certificate, so that its parts come to be looked at later on."""
    try:
        load_certificate(raw.der)
    except CertificateError:
        return False
    return True
