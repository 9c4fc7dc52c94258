"""Where the elements of BER (ITU-T X.690) lie in some bytes: lengths may be indefinite, as DER forbids.

Everything works on positions and copies nothing, so that the time it takes grows only with the size of the data.
"""

from __future__ import annotations

import typing
from collections.abc import Iterator

from certboot.pki.der import DerError

CONSTRUCTED = 0x20
END_OF_CONTENTS = 0x00
_MOST_BER_ELEMENTS = 1_000_000  # about a second's work


class BerElement(typing.NamedTuple):
    """One element: its tag octet, and where it begins, where its content begins and where it ends."""

    tag: int
    begin: int
    content: int
    end: int


def ber_header(data: bytes, at: int) -> tuple[int, int, int | None]:
    """Return tag, begin of the content, and end of the element (None: indefinite) at ``at``; raises DerError."""
    if len(data) < at + 2 or data[at] & 0x1F == 0x1F:  # noqa: PLR2004 - tag numbers above 30: 8.1.2.4
        message = "not an element"
        raise DerError(message)
    tag, length, content = data[at], data[at + 1], at + 2
    if length == 0x80:  # noqa: PLR2004 - X.690 8.1.3.6
        if not tag & CONSTRUCTED:
            message = "a primitive element of indefinite length"
            raise DerError(message)
        return tag, content, None
    if length & 0x80:
        content += length & 0x7F
        length = int.from_bytes(data[at + 2 : content], "big")
    if len(data) < content + length:
        message = "the data ends inside an element"
        raise DerError(message)
    return tag, content, content + length


def ber_children(data: bytes, at: int, end: int) -> Iterator[BerElement]:
    """Yield the elements from ``at`` to ``end``, or to the end-of-contents octets before it; raises DerError."""
    while at < end:
        tag, content, _ = ber_header(data, at)
        if tag == END_OF_CONTENTS:
            return
        element = BerElement(tag, at, content, _end_of_element(data, at))
        yield element
        at = element.end


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
    message = "more elements than any certificate has"
    raise DerError(message)
