"""PEM (RFC 7468) taken apart: every block with its label, its bytes or what is wrong with it, and its line."""

from __future__ import annotations

import base64
import binascii
import typing
from collections.abc import Iterator

CERTIFICATE_LABELS = frozenset({"CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE"})
CRL_LABEL = "X509 CRL"


class PemBlock(typing.NamedTuple):
    """One block. ``data`` is the decoded bytes, or None where ``defect`` says why there are none."""

    label: str
    line: int
    data: bytes | None
    defect: str = ""


def blocks(text: bytes) -> Iterator[PemBlock]:
    """Yield the PEM blocks of ``text`` in order, whatever stands around them. One pass, however broken the text is."""
    label, start, body = "", 0, [b""]
    for number, raw in enumerate(text.splitlines(), start=1):
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


def encode(certificate: bytes) -> str:
    """Return the DER certificate as one PEM block in lines of 64 characters, with a final newline."""
    coded = base64.b64encode(certificate).decode("ascii")
    lines = (coded[at : at + 64] for at in range(0, len(coded), 64))
    return "\n".join(("-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----", ""))


def _label(line: bytes, prefix: bytes) -> str:
    return line[len(prefix) : -5].decode("ascii", "replace")


def _decoded(label: str, start: int, body: list[bytes]) -> PemBlock:
    if any(b":" in line for line in body):  # RFC 1421 headers, up to the first empty line
        body = body[body.index(b"") :] if b"" in body else []
    try:
        data = base64.b64decode(b"".join(body), validate=True)
    except binascii.Error:
        return PemBlock(label, start, None, "not base64")
    return PemBlock(label, start, data) if data else PemBlock(label, start, None, "nothing between BEGIN and END")
