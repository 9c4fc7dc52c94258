"""Just enough DER (ITU-T X.690) to cut a certificate or CRL into its elements, byte for byte.

cryptography re-encodes a name when it is asked for it; the subject hash needs the bytes that stand in the certificate.
"""

from __future__ import annotations

import typing
from collections.abc import Iterator

SEQUENCE = 0x30
SET = 0x31
INTEGER = 0x02
OBJECT_IDENTIFIER = 0x06
CONTEXT_0 = 0xA0


class DerError(ValueError):
    """Bytes that are not DER, or not of the expected shape."""


class Element(typing.NamedTuple):
    """One element: its tag octet, its content and the whole of it, header included."""

    tag: int
    content: bytes
    encoded: bytes


def read(data: bytes, expected: int | None = None) -> tuple[Element, bytes]:
    """Return the first element of ``data`` and the bytes after it; raises DerError."""
    if len(data) < 2:  # noqa: PLR2004 - a tag octet and a length octet
        message = "the data ends inside an element"
        raise DerError(message)
    tag, length, start = data[0], data[1], 2
    if tag & 0x1F == 0x1F:  # noqa: PLR2004 - X.690 8.1.2.4
        message = "a tag number above 30"
        raise DerError(message)
    if length & 0x80:
        octets = length & 0x7F
        start += octets
        # X.690 10.1: definite form, and more than four octets would be a certificate of over 4 GiB.
        if not 1 <= octets <= 4 or len(data) < start:  # noqa: PLR2004
            message = "a length that DER does not allow"
            raise DerError(message)
        length = int.from_bytes(data[2:start], "big")
    end = start + length
    if len(data) < end:
        message = "the data ends inside an element"
        raise DerError(message)
    if expected is not None and tag != expected:
        message = f"tag {tag:#04x} where {expected:#04x} belongs"
        raise DerError(message)
    return Element(tag, data[start:end], data[:end]), data[end:]


def children(content: bytes) -> Iterator[Element]:
    """Yield the elements that ``content`` consists of; raises DerError on a remainder."""
    while content:
        element, content = read(content)
        yield element


def encode(tag: int, content: bytes) -> bytes:
    """Return one element with ``tag`` around ``content``."""
    length = len(content)
    if length < 0x80:  # noqa: PLR2004 - X.690 8.1.3.4
        return bytes((tag, length)) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + content


def certificate_names(certificate: bytes) -> tuple[bytes, bytes]:
    """Return the DER Names of issuer and subject of an X.509 certificate (RFC 5280, 4.1); raises DerError."""
    fields = _signed_fields(certificate)
    if fields and fields[0].tag == CONTEXT_0:  # the version, absent in version 1
        fields = fields[1:]
    expected = (INTEGER, SEQUENCE, SEQUENCE, SEQUENCE, SEQUENCE, SEQUENCE)  # serial … issuer, validity, subject, key
    if tuple(field.tag for field in fields[:6]) != expected:
        message = "not the fields of a certificate"
        raise DerError(message)
    return fields[2].encoded, fields[4].encoded


def crl_issuer(crl: bytes) -> bytes:
    """Return the DER Name of the issuer of a certificate revocation list (RFC 5280, 5.1); raises DerError."""
    fields = _signed_fields(crl)
    if fields and fields[0].tag == INTEGER:  # the version, absent in version 1
        fields = fields[1:]
    if tuple(field.tag for field in fields[:2]) != (SEQUENCE, SEQUENCE):
        message = "not the fields of a certificate revocation list"
        raise DerError(message)
    return fields[1].encoded


def _signed_fields(signed: bytes) -> list[Element]:
    # SEQUENCE { to-be-signed SEQUENCE, algorithm SEQUENCE, signature BIT STRING }
    outer, _ = read(signed, SEQUENCE)
    to_be_signed, rest = read(outer.content, SEQUENCE)
    algorithm, rest = read(rest, SEQUENCE)
    _signature, rest = read(rest, 0x03)
    if rest or not algorithm.content:
        message = "not a signed object"
        raise DerError(message)
    return list(children(to_be_signed.content))
