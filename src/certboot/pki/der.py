"""Just enough DER and BER (ITU-T X.690) to find the elements of certificates, CRLs and containers, byte for byte.

cryptography re-encodes a name when it is asked for it; the subject hash needs the bytes that stand in the certificate.
In BER lengths may be indefinite, as DER forbids; what reads it works on positions and copies nothing, so that the time
it takes grows only with the size of the data.
"""

from __future__ import annotations

import typing
from collections.abc import Iterable, Iterator

SEQUENCE = 0x30
SET = 0x31
BOOLEAN = 0x01
INTEGER = 0x02
BIT_STRING = 0x03
OBJECT_IDENTIFIER = 0x06
OCTET_STRING = 0x04
CONTEXT_0 = 0xA0
CONTEXT_3 = 0xA3
_CERTIFICATE_FIELDS = [INTEGER, SEQUENCE, SEQUENCE, SEQUENCE, SEQUENCE, SEQUENCE]
"""Serial number, algorithm, issuer, validity, subject, key."""

CONSTRUCTED = 0x20
END_OF_CONTENTS = 0x00
_MOST_BER_ELEMENTS = 1_000_000  # about a second's work


class DerError(ValueError):
    """Bytes that are not DER, or not of the expected shape."""


class Element(typing.NamedTuple):
    """One element: its tag octet, its content and the whole of it, header included."""

    tag: int
    content: bytes
    encoded: bytes


Span: typing.TypeAlias = tuple[int, int, int, int]
"""Where one element lies in some bytes: its tag octet, and where it, its content and the next element start.

A plain tuple, because a directory of 10,000 certificates has 200,000 of them.
"""


def read(data: bytes, expected: int | None = None) -> tuple[Element, bytes]:
    """Return the first element of ``data`` and the bytes after it; raises DerError."""
    tag, _, start, end = span(data, 0, len(data))
    if expected is not None and tag != expected:
        raise DerError(f"tag {tag:#04x} where {expected:#04x} belongs")
    return Element(tag, data[start:end], data[:end]), data[end:]


def children(content: bytes) -> Iterator[Element]:
    """Yield the elements that ``content`` consists of; raises DerError on a remainder."""
    end = 0
    while end < len(content):
        tag, at, start, end = span(content, end, len(content))
        yield Element(tag, content[start:end], content[at:end])


def span(data: bytes, at: int, limit: int) -> Span:
    """Return where the element at ``at`` lies in ``data[:limit]``, without a copy of it; raises DerError."""
    start = at + 2
    if start > limit:
        raise DerError("the data ends inside an element")
    tag, length = data[at], data[at + 1]
    if tag & 0x1F == 0x1F:  # noqa: PLR2004 - X.690 8.1.2.4
        raise DerError("a tag number above 30")
    if length & 0x80:
        octets = length & 0x7F
        start += octets
        if not 1 <= octets <= 4 or start > limit:  # noqa: PLR2004 - X.690 10.1; with more it would be over 4 GiB
            raise DerError("a length that DER does not allow")
        length = int.from_bytes(data[at + 2 : start], "big")
    end = start + length
    if end > limit:
        raise DerError("the data ends inside an element")
    return tag, at, start, end


def encode(tag: int, content: bytes) -> bytes:
    """Return one element with ``tag`` around ``content``."""
    length = len(content)
    if length < 0x80:  # noqa: PLR2004 - X.690 8.1.3.4
        return bytes((tag, length)) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + content


def subject_name(certificate: bytes) -> bytes:
    """Return the DER Name of the subject of an X.509 certificate (RFC 5280, 4.1); raises DerError."""
    return names_and_key(certificate)[1]


def names_and_key(certificate: bytes) -> tuple[bytes, bytes, bytes]:
    """Return issuer, subject and SubjectPublicKeyInfo of an X.509 certificate (RFC 5280, 4.1); raises DerError."""
    tags, places = _signed_fields(certificate)
    first = int(tags[:1] == [CONTEXT_0])  # the version, absent in version 1
    if tags[first : first + 6] != _CERTIFICATE_FIELDS:
        raise DerError("not the fields of a certificate")
    return certificate[places[first + 2]], certificate[places[first + 4]], certificate[places[first + 5]]


def with_subject(certificate: bytes, subject: bytes) -> bytes:
    """Return an X.509 certificate with this DER Name in the place of its subject; raises DerError.

    Its own signature does not fit any more.
    """
    tags, places = _signed_fields(certificate)
    at = int(tags[:1] == [CONTEXT_0]) + 4
    fields = [subject if number == at else certificate[place] for number, place in enumerate(places)]
    return encode(SEQUENCE, encode(SEQUENCE, b"".join(fields)) + certificate[places[-1].stop :])


def extensions(certificate: bytes) -> list[Element]:
    """Return the extensions of an X.509 certificate, each a SEQUENCE (RFC 5280, 4.1); raises DerError."""
    tags, places = _signed_fields(certificate)
    if tags[-1:] != [CONTEXT_3]:
        return []
    return list(children(read(read(certificate[places[-1]])[0].content, SEQUENCE)[0].content))


def with_extensions(certificate: bytes, replaced: Iterable[bytes]) -> bytes:
    """Return an X.509 certificate with these extensions in the place of its own, which there must be; raises DerError.

    Its own signature does not fit any more.
    """
    _, places = _signed_fields(certificate)
    fields = [certificate[place] for place in places[:-1]]
    own = encode(CONTEXT_3, encode(SEQUENCE, b"".join(replaced)))
    return encode(SEQUENCE, encode(SEQUENCE, b"".join((*fields, own))) + certificate[places[-1].stop :])


def issuer_and_serial(certificate: bytes) -> bytes:
    """Return by what its issuer knows an X.509 certificate: IssuerAndSerialNumber (RFC 5652, 10.2.4); raises DerError.

    It looks no further than there: what a list has revoked may be broken behind it.
    """
    _, _, at, limit = span(certificate, 0, len(certificate))
    _, _, at, limit = span(certificate, at, limit)
    version, _, _, after = span(certificate, at, limit)
    if version == CONTEXT_0:  # absent in version 1
        at = after
    serial, begin, _, end = span(certificate, at, limit)
    algorithm, _, _, at = span(certificate, end, limit)
    issuer, _, _, after = span(certificate, at, limit)
    if [serial, algorithm, issuer] != _CERTIFICATE_FIELDS[:3]:
        raise DerError("not the fields of a certificate")
    return encode(SEQUENCE, certificate[at:after] + certificate[begin:end])


def crl_issuer(crl: bytes) -> bytes:
    """Return the DER Name of the issuer of a certificate revocation list (RFC 5280, 5.1); raises DerError."""
    tags, places = _signed_fields(crl)
    first = int(tags[:1] == [INTEGER])  # the version, absent in version 1
    if tags[first : first + 2] != [SEQUENCE, SEQUENCE]:
        raise DerError("not the fields of a certificate revocation list")
    return crl[places[first + 1]]


def _signed_fields(signed: bytes) -> tuple[list[int], list[slice]]:
    """Return the tags of the fields that are signed, and the place of each."""
    # SEQUENCE { to-be-signed SEQUENCE, algorithm SEQUENCE, signature BIT STRING }
    outer, _, at, limit = span(signed, 0, len(signed))
    fields, _, start, end = span(signed, at, limit)
    algorithm, _, content, after = span(signed, end, limit)
    signature, _, _, last = span(signed, after, limit)
    shape = (outer, fields, algorithm, signature)
    if shape != (SEQUENCE, SEQUENCE, SEQUENCE, BIT_STRING) or last != limit or content == after:
        raise DerError("not a signed object")
    tags, places = [], []
    while start < end:
        tag, at, _, start = span(signed, start, end)
        tags.append(tag)
        places.append(slice(at, start))
    return tags, places


def ber_header(data: bytes, at: int) -> tuple[int, int, int | None]:
    """Return tag, begin of the content, and end of the element (None: indefinite) at ``at``; raises DerError."""
    if len(data) < at + 2 or data[at] & 0x1F == 0x1F:  # noqa: PLR2004 - tag numbers above 30: 8.1.2.4
        raise DerError("not an element")
    tag, length, content = data[at], data[at + 1], at + 2
    if length == 0x80:  # noqa: PLR2004 - X.690 8.1.3.6
        if not tag & CONSTRUCTED:
            raise DerError("a primitive element of indefinite length")
        return tag, content, None
    if length & 0x80:
        content += length & 0x7F
        length = int.from_bytes(data[at + 2 : content], "big")
    if len(data) < content + length:
        raise DerError("the data ends inside an element")
    return tag, content, content + length


def ber_children(data: bytes, at: int, end: int) -> Iterator[Span]:
    """Yield where the elements from ``at`` to ``end`` lie, or to the end-of-contents octets before; raises DerError."""
    while at < end:
        tag, content, _ = ber_header(data, at)
        if tag == END_OF_CONTENTS:
            return
        after = _end_of_element(data, at)
        yield tag, at, content, after
        at = after


def _end_of_element(data: bytes, at: int) -> int:
    open_elements = 0
    for _ in range(_MOST_BER_ELEMENTS):
        tag, content, end = ber_header(data, at)
        at = content if end is None else end
        if end is None:
            open_elements += 1
        elif tag == END_OF_CONTENTS:
            open_elements -= 1
        if open_elements <= 0:
            return at
    raise DerError("more elements than any certificate has")
