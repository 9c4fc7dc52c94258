"""PEM (RFC 7468) taken apart: every block with its label, its bytes or what is wrong with it, and its line."""

from __future__ import annotations

import base64
import binascii
import re
import typing
from collections.abc import Iterator

CERTIFICATE_LABELS = frozenset({"CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE"})
CRL_LABEL = "X509 CRL"
_KEY = "PRIVATE KEY"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_BEGIN, _END = b"-----BEGIN CERTIFICATE-----\n", b"\n-----END CERTIFICATE-----"


def file_name(name: str, fingerprint: str) -> str:
    """Return a readable, portable file name, distinct by the first eight digits of the fingerprint."""
    slug = re.sub("[^A-Za-z0-9]+", "_", name.encode("ascii", "ignore").decode()).strip("_")[:64]
    return f"{slug or 'certificate'}-{fingerprint[:8]}.pem"


class PemBlock(typing.NamedTuple):
    """One block. ``data`` is the decoded bytes, or None where ``defect`` says why there are none.

    Private keys are nobody's business here: their ``data`` is empty.
    """

    label: str
    line: int
    data: bytes | None
    defect: str = ""


def is_key(block: PemBlock) -> bool:
    """Return whether the block is a private key of any kind."""
    return block.label.endswith(_KEY)


def blocks(text: bytes) -> Iterator[PemBlock]:
    """Yield the PEM blocks of ``text`` in order, whatever stands around them. One pass, however broken the text is."""
    plain = _plain(text)
    if plain:
        yield plain
    else:
        yield from _any(text)


def _plain(text: bytes) -> PemBlock | None:
    """Return the one block of a file as most are, a certificate below any text; None for a file of any other kind."""
    head, _, rest = text.partition(_BEGIN)
    body, end, tail = rest.partition(_END)
    lines = body.split(b"\n")
    if not end or tail not in (b"", b"\n") or b"" in lines:
        return None
    if head and (not head.endswith(b"\n") or b"-----BEGIN " in head):
        return None
    try:
        data = base64.b64decode(b"".join(lines), validate=True)
    except binascii.Error:
        return None
    return PemBlock("CERTIFICATE", head.count(b"\n") + 1, data) if data else None


def _any(text: bytes) -> Iterator[PemBlock]:
    label, start, body = "", 0, [b""]
    for number, raw in enumerate(text.removeprefix(_BYTE_ORDER_MARK).split(b"\n"), start=1):
        line = raw.rstrip()
        if line.startswith(b"-----BEGIN ") and line.endswith(b"-----"):
            if label:
                yield PemBlock(label, start, None, "no END line")
            label, start, body = _label(line, b"-----BEGIN "), number, []
        elif label and line.startswith(b"-----END "):
            if _label(line, b"-----END ") == label:
                yield _decoded(label, start, body)
            else:
                yield PemBlock(label, start, None, "an END line of another kind")
            label = ""
        elif label:
            body.append(line)
    if label:
        yield PemBlock(label, start, None, "no END line")


def certificates(text: bytes) -> Iterator[bytes]:
    """Yield the certificates in DER, and look at nothing else: for those who verify them anyway."""
    for block in blocks(text):
        if block.data and block.label in CERTIFICATE_LABELS:
            yield block.data


def encode(certificate: bytes) -> str:
    """Return the DER certificate as one PEM block in lines of 64 characters, with a final newline."""
    coded = base64.b64encode(certificate).decode("ascii")
    lines = (coded[at : at + 64] for at in range(0, len(coded), 64))
    return "\n".join(("-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----", ""))


def _label(line: bytes, prefix: bytes) -> str:
    return line[len(prefix) : -5].decode("ascii", "replace")


def _decoded(label: str, start: int, body: list[bytes]) -> PemBlock:
    if label.endswith(_KEY):
        return PemBlock(label, start, b"")
    # OpenSSL takes an empty line only directly after BEGIN, where it ends the headers (RFC 1421), and refuses a
    # certificate that has headers; to us they are not base64.
    if b"" in body[1:]:
        return PemBlock(label, start, None, "an empty line inside")
    try:
        data = base64.b64decode(b"".join(b"".join(body).split()), validate=True)
    except binascii.Error:
        return PemBlock(label, start, None, "not base64")
    return PemBlock(label, start, data) if data else PemBlock(label, start, None, "nothing between BEGIN and END")
