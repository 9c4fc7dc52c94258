"""OpenSSL's hash of a name, by which it finds a certificate's issuer in a directory (``<hash>.<number>``).

The same as ``openssl x509 -subject_hash``: SHA-1 over a canonical form of the name (crypto/x509/x_name.c). SHA-1 is
only an index here, nothing is believed because of it.
"""

from __future__ import annotations

import functools
import hashlib
import re

from certboot.pki import der

FILE_NAME = re.compile(r"([0-9a-f]{8})\.[0-9]+")
"""How a certificate's file is called in such a directory."""
# The string types that OpenSSL turns into UTF-8 before it compares names (ASN1_MASK_CANON in x_name.c).
_CODECS = {12: "utf-8", 19: "latin-1", 20: "latin-1", 22: "latin-1", 28: "utf-32-be", 30: "utf-16-be"}
_UTF8_STRING = 12
_BMP_STRING = 30
# The types it copies as they stand. It loads no certificate with any other type in a name (DIRECTORYSTRING and
# B_ASN1_PRINTABLE in asn1.h).
_COPIED = frozenset({der.BIT_STRING, 7, 8, 9, 11, 13, 14, 15, 18, 29, der.SEQUENCE})
_MOST_UNUSED_BITS = 7
# Arcs of seven bits an octet, the last without the high bit, the first not padded with 0x80 (X.690 8.19.2).
_OBJECT_IDENTIFIER = re.compile(rb"(?:(?:[\x81-\xff][\x80-\xff]*)?[\x00-\x7f])+", re.DOTALL)
_SPACES = re.compile(rb"[ \t\n\v\f\r]+")
_SHORT = 256  # bytes of a relative name that is worth remembering


def subject_hash(name: bytes) -> str:
    """Return the hash of a DER-encoded Name as eight lower-case hexadecimal digits; raises der.DerError."""
    return hash_of(canonical(name))


def hash_of(canonical_name: bytes) -> str:
    """Return the same of a name in its canonical form."""
    digest = hashlib.sha1(canonical_name, usedforsecurity=False).digest()
    return f"{int.from_bytes(digest[:4], 'little'):08x}"


def canonical(name: bytes) -> bytes:
    """Return what OpenSSL compares of a DER-encoded Name: equal for two that it takes for one; raises der.DerError."""
    tag, _, at, limit = der.span(name, 0, len(name))
    if tag != der.SEQUENCE or limit != len(name):
        raise der.DerError("not a name, or bytes after the name")
    whole = b""
    while at < limit:
        _, start, _, at = der.span(name, at, limit)
        rdn = name[start:at]
        whole += _remembered(rdn) if len(rdn) <= _SHORT else _canonical_rdn(rdn)
    return whole


def texts(name: bytes) -> list[str]:
    """Return the strings of a DER-encoded Name as they are compared, in lower case; raises der.DerError."""
    pairs = (pair for rdn in der.children(canonical(name)) for pair in der.children(rdn.content))
    values = ([*der.children(pair.content)][-1] for pair in pairs)
    return [value.content.decode() for value in values if value.tag == _UTF8_STRING]


@functools.lru_cache(maxsize=4096)  # many certificates have few issuers
def comparable(name: bytes) -> bytes:
    """Return what is equal for two DER-encoded Names that OpenSSL takes for one, whatever strings they consist of.

    Two that it does not load are equal if all their bytes are.
    """
    try:
        return canonical(name)
    except der.DerError:
        return name


def _canonical_rdn(rdn: bytes) -> bytes:
    tag, _, at, limit = der.span(rdn, 0, len(rdn))
    if tag != der.SET:
        raise der.DerError("a relative name that is not a SET")
    attributes = []
    while at < limit:
        tag, _, start, at = der.span(rdn, at, limit)
        attributes.append(_canonical_attribute(rdn, start, at))
        if tag != der.SEQUENCE:
            raise der.DerError("an attribute that is not a SEQUENCE")
    return der.encode(der.SET, b"".join(sorted(attributes))) if attributes else b""


# A directory of CAs has few countries and not many organisations.
_remembered = functools.lru_cache(maxsize=1024)(_canonical_rdn)


def _canonical_attribute(data: bytes, at: int, limit: int) -> bytes:
    kind, _, start, middle = der.span(data, at, limit)
    tag, _, content, end = der.span(data, middle, limit)
    if kind != der.OBJECT_IDENTIFIER or end != limit or not _OBJECT_IDENTIFIER.fullmatch(data, start, middle):
        raise der.DerError("an attribute that is not a pair of type and value")
    return der.encode(der.SEQUENCE, data[at:middle] + _canonical_value(tag, data[content:end], data[middle:end]))


def _canonical_value(tag: int, content: bytes, encoded: bytes) -> bytes:
    codec = _CODECS.get(tag)
    if codec is None:
        if tag not in _COPIED:
            raise der.DerError(f"a string type that OpenSSL does not take in a name: {tag:#04x}")
        if tag == der.BIT_STRING and (not content or content[0] > _MOST_UNUSED_BITS):
            raise der.DerError("a BIT STRING without the number of its unused bits")
        return encoded
    try:
        text = content.decode(codec)
    except UnicodeError as error:
        raise der.DerError(f"a string that is not {codec}") from error
    if tag == _BMP_STRING and len(text) * 2 != len(content):
        raise der.DerError("a surrogate in a BMPString")
    # bytes.lower() touches A to Z only, as OpenSSL does.
    return der.encode(_UTF8_STRING, _SPACES.sub(b" ", text.encode()).strip(b" ").lower())
