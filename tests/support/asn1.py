"""DER written by hand, and certificates with other fields than they were made with."""

from __future__ import annotations

from collections.abc import Callable

from certboot.pki import der

VERSION, SERIAL, ALGORITHM, ISSUER, VALIDITY, SUBJECT, KEY, EXTENSIONS = range(8)
BIT_STRING, OCTET_STRING, NULL, UTF8, UTC_TIME, GENERALIZED_TIME = 3, 4, 5, 12, 23, 24
EMPTY = der.encode(NULL, b"")


def sequence(*parts: bytes) -> bytes:
    return der.encode(der.SEQUENCE, b"".join(parts))


def explicit(*parts: bytes) -> bytes:
    """What stands in [0]."""
    return der.encode(der.CONTEXT_0, b"".join(parts))


def oid(digits: str) -> bytes:
    return der.encode(der.OBJECT_IDENTIFIER, bytes.fromhex(digits))


def number(value: int | str) -> bytes:
    """A positive integer, or anything in its place that stands here in hexadecimal."""
    content = bytes.fromhex(value) if isinstance(value, str) else value.to_bytes(value.bit_length() // 8 + 1, "big")
    return der.encode(der.INTEGER, content)


def octets(content: bytes) -> bytes:
    return der.encode(OCTET_STRING, content)


def bits(content: bytes) -> bytes:
    return der.encode(BIT_STRING, b"\0" + content)


def edited(certificate: bytes, fields: dict[int, bytes], sign: Callable[[bytes], bytes] | None = None) -> bytes:
    """Return the certificate with other fields, empty for left out; nobody signs it anew without ``sign``.

    Its algorithm stands outside of what is signed too.
    """
    signed, algorithm, signature = der.children(der.read(certificate)[0].content)
    held = {at: element.encoded for at, element in enumerate(der.children(signed.content))} | fields
    body = sequence(*(held[at] for at in sorted(held)))
    return sequence(body, fields.get(ALGORITHM, algorithm.encoded), bits(sign(body)) if sign else signature.encoded)
