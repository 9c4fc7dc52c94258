"""From the bytes of a file to candidates. A block that is broken becomes a rejection; the others still count."""

from __future__ import annotations

import typing

from certboot import pem
from certboot.certs import load_certificate
from certboot.errors import CertificateError
from certboot.model import Candidate, Loaded, Rejection

if typing.TYPE_CHECKING:
    from collections.abc import Iterable


def from_pem(text: bytes, source: str, detail: str) -> Loaded:
    """Return the certificates in PEM ``text``; other kinds of block (keys, CRLs) are passed over."""
    candidates, rejections = [], []
    for block in pem.blocks(text):
        if block.label not in pem.CERTIFICATE_LABELS:
            continue
        where = f"the block in line {block.line}"
        if block.data is None:
            rejections.append(Rejection("unreadable", source, detail, f"{where}: {block.defect}"))
            continue
        try:
            candidates.append(Candidate(load_certificate(block.data), source, detail))
        except CertificateError as error:
            rejections.append(Rejection("unreadable", source, detail, f"{where}: {error.message}"))
    return Loaded(tuple(candidates), tuple(rejections))


def from_ders(ders: Iterable[bytes], source: str, detail: str) -> Loaded:
    """Return the certificates in an iterable of DER bytes."""
    candidates, rejections = [], []
    for data in ders:
        try:
            candidates.append(Candidate(load_certificate(data), source, detail))
        except CertificateError as error:
            rejections.append(Rejection("unreadable", source, detail, error.message))
    return Loaded(tuple(candidates), tuple(rejections))
