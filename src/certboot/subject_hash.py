"""OpenSSL's hash of a name, by which it finds a certificate's issuer in a directory (``<hash>.<number>``).

The same as ``openssl x509 -subject_hash``: SHA-1 over a canonical form of the name (crypto/x509/x_name.c). SHA-1 is
only an index here, nothing is believed because of it.
"""

from __future__ import annotations

import hashlib
import re

from certboot import der

# The string types that OpenSSL turns into UTF-8 before it compares names (ASN1_MASK_CANON in x_name.c).
_CODECS = {12: "utf-8", 19: "latin-1", 20: "latin-1", 22: "latin-1", 28: "utf-32-be", 30: "utf-16-be"}
_UTF8_STRING = 12
_BMP_STRING = 30
# The types it copies as they stand. It loads no certificate with any other type in a name (DIRECTORYSTRING and
# B_ASN1_PRINTABLE in asn1.h).
_COPIED = frozenset({3, 7, 8, 9, 11, 13, 14, 15, 18, 29, der.SEQUENCE})
_BIT_STRING = 3
_MOST_UNUSED_BITS = 7
# Arcs of seven bits an octet, the last without the high bit, the first not padded with 0x80 (X.690 8.19.2).
_OBJECT_IDENTIFIER = re.compile(rb"(?:(?:[\x81-\xff][\x80-\xff]*)?[\x00-\x7f])+", re.DOTALL)
_SPACES = re.compile(rb"[ \t\n\v\f\r]+")


def subject_hash(name: bytes) -> str:
    """Return the hash of a DER-encoded Name as eight lower-case hexadecimal digits; raises der.DerError."""
    outer, rest = der.read(name, der.SEQUENCE)
    if rest:
        message = "bytes after the name"
        raise der.DerError(message)
    canonical = b"".join(_canonical_rdn(rdn) for rdn in der.children(outer.content))
    digest = hashlib.sha1(canonical, usedforsecurity=False).digest()
    return f"{int.from_bytes(digest[:4], 'little'):08x}"


def _canonical_rdn(rdn: der.Element) -> bytes:
    if rdn.tag != der.SET:
        message = "a relative name that is not a SET"
        raise der.DerError(message)
    if not rdn.content:
        return b""
    return der.encode(der.SET, b"".join(sorted(_canonical_attribute(item) for item in der.children(rdn.content))))


def _canonical_attribute(attribute: der.Element) -> bytes:
    kind, rest = der.read(attribute.content, der.OBJECT_IDENTIFIER)
    value, rest = der.read(rest)
    if rest or attribute.tag != der.SEQUENCE or not _OBJECT_IDENTIFIER.fullmatch(kind.content):
        message = "an attribute that is not a pair of type and value"
        raise der.DerError(message)
    return der.encode(der.SEQUENCE, kind.encoded + _canonical_value(value))


def _canonical_value(value: der.Element) -> bytes:
    codec = _CODECS.get(value.tag)
    if codec is None:
        if value.tag not in _COPIED:
            message = f"a string type that OpenSSL does not take in a name: {value.tag:#04x}"
            raise der.DerError(message)
        if value.tag == _BIT_STRING and (not value.content or value.content[0] > _MOST_UNUSED_BITS):
            message = "a BIT STRING without the number of its unused bits"
            raise der.DerError(message)
        return value.encoded
    try:
        text = value.content.decode(codec)
    except UnicodeError as error:
        message = f"a string that is not {codec}"
        raise der.DerError(message) from error
    if value.tag == _BMP_STRING and len(text) * 2 != len(value.content):
        message = "a surrogate in a BMPString"
        raise der.DerError(message)
    # bytes.lower() touches A to Z only, as OpenSSL does.
    return der.encode(_UTF8_STRING, _SPACES.sub(b" ", text.encode()).strip(b" ").lower())
