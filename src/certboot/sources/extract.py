"""From the bytes of a file to candidates. A block that is broken becomes a rejection; the others still count."""

from __future__ import annotations

import typing
from collections.abc import Iterable, Iterator

from certboot.errors import CertificateError, SourceError
from certboot.pki import containers, der, pem
from certboot.pki.certificate import Certificate, load_certificate
from certboot.pki.containers import Password
from certboot.sources.candidates import FORMATS, SIZE_LIMIT, Candidate, Loaded, Rejection

COUNT_LIMIT = 20_000

_TRUSTED = "TRUSTED CERTIFICATE"
# RFC 7468, and what older OpenSSL wrote (PEM_STRING_PKCS7_SIGNED in pem.h).
PKCS7_LABELS = frozenset({"PKCS7", "PKCS #7 SIGNED DATA", "CMS"})
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_T = typing.TypeVar("_T")
_FORMAT_HINT = f"give a file of CA certificates in {FORMATS}"


class _Piece(typing.NamedTuple):
    """What may be a certificate. ``data`` is None where ``defect`` says why there is none."""

    data: bytes | None
    where: str = ""
    defect: str = ""
    with_settings: bool = False
    """OpenSSL's trust settings may follow the certificate."""


def from_bytes(
    data: bytes, source: str, detail: str, password: Password | None = None, *, pkcs12: bool = True
) -> Loaded:
    """Return the certificates in ``data``, whichever of PEM, DER, PKCS#7 and PKCS#12 it is; raises CertbootError.

    ``password`` is asked where a PKCS#12 file cannot be opened without; without ``pkcs12`` such a file is an error.
    Private keys are passed over.
    """
    if len(data) > SIZE_LIMIT:
        raise SourceError(f"over {SIZE_LIMIT // 1024 // 1024} MiB, which no certificate is: {detail}", _FORMAT_HINT)
    data = text_of_windows(data)
    if not data.strip():
        raise SourceError(f"an empty file: {detail}", _FORMAT_HINT)
    if containers.is_pkcs12(data):
        if not pkcs12:
            message = f"a PKCS#12 file, which can be made to take hours to open: {detail}"
            raise SourceError(message, "ask for the certificate in PEM; a file that you have yourself can be opened")
        return from_ders(containers.in_pkcs12(data, detail, password), source, detail)
    if containers.is_pkcs7(data):
        return _loaded(_pieces_of_pkcs7(data), source, detail)
    is_pem = b"-----BEGIN " in data and not is_one_element(data)
    pieces = _pieces_of_pem(data, detail, with_pkcs7=True) if is_pem else (_Piece(data),)
    loaded = _loaded(pieces, source, detail)
    if loaded.candidates:
        return loaded
    if containers.is_key(data) or (is_pem and not loaded.rejections and b"PRIVATE KEY-----" in data):
        message = f"a private key, not a certificate: {detail}"
        raise SourceError(message, "give the CA's certificate; a private key belongs to nobody but its owner")
    return loaded


def from_pem(text: bytes, source: str, detail: str, *, for_everybody: bool = False) -> Loaded:
    """Return the certificates in PEM ``text``; other kinds of block (keys, CRLs, PKCS#7) are passed over.

    So does OpenSSL with its CAfile and CApath. What the text marks as not to be trusted does not come from it;
    ``for_everybody`` it is ``distrusted``, whoever else offers it.
    """
    return _loaded(_pieces_of_pem(text, detail, with_pkcs7=False), source, detail, for_everybody=for_everybody)


def from_ders(ders: Iterable[bytes], source: str, detail: str) -> Loaded:
    """Return the certificates in an iterable of DER bytes."""
    return _loaded((_Piece(data) for data in ders), source, detail)


def merged(parts: Iterable[Loaded]) -> Loaded:
    """Return what several files gave as one."""
    parts = tuple(parts)
    return Loaded(
        candidates=tuple(candidate for part in parts for candidate in part.candidates),
        rejections=tuple(rejection for part in parts for rejection in part.rejections),
        revoked=frozenset().union(*(part.revoked for part in parts)),
        distrusted=frozenset().union(*(part.distrusted for part in parts)),
    )


def _loaded(pieces: Iterable[_Piece], source: str, detail: str, *, for_everybody: bool = False) -> Loaded:
    certificates: list[tuple[Certificate, bool]] = []
    rejections: list[Rejection] = []
    distrusted: dict[str, str] = {}
    for piece in tuple(_limited(pieces, detail)):  # all are counted before the first is parsed
        try:
            certificate, is_distrusted = _certificate(piece)
        except CertificateError as error:
            reason = f"{piece.where}: {error.message}" if piece.where else error.message
            rejections.append(Rejection("unreadable", source, detail, reason))
            continue
        if is_distrusted:
            reason = f"{piece.where} says that it is not to be trusted for TLS servers"
            distrusted |= dict.fromkeys((certificate.fingerprint, certificate.identity), reason)
        certificates.append((certificate, piece.with_settings))
    candidates = []
    for certificate, with_settings in certificates:
        reason = distrusted.get(certificate.fingerprint) or distrusted.get(certificate.identity, "")
        if reason:
            origin = (source, detail, reason, certificate.fingerprint, certificate.subject)
            rejections.append(Rejection("distrusted", *origin, certificate.identity if for_everybody else ""))
        else:
            candidates.append(Candidate(certificate, source, detail, with_settings=with_settings))
    # Whoever may write one file must not be able to take from the store what others have put there.
    everybody = frozenset(distrusted) if for_everybody else frozenset[str]()
    return Loaded(tuple(candidates), tuple(rejections), distrusted=everybody)


def _certificate(piece: _Piece) -> tuple[Certificate, bool]:
    """Return the certificate, and whether it is marked as not to be trusted for TLS servers."""
    if piece.data is None:
        raise CertificateError(piece.defect)
    data, distrusted = containers.split_trusted(piece.data) if piece.with_settings else (piece.data, False)
    return load_certificate(data), distrusted


def _pieces_of_pem(text: bytes, detail: str, *, with_pkcs7: bool) -> Iterator[_Piece]:
    for block in _limited(pem.blocks(text), detail):
        where = f"the block in line {block.line}"
        if block.label in pem.CERTIFICATE_LABELS:
            yield _Piece(block.data, where, block.defect, with_settings=block.label == _TRUSTED)
        elif with_pkcs7 and block.label in PKCS7_LABELS:
            broken = (_Piece(None, where, block.defect),)
            yield from broken if block.data is None else _pieces_of_pkcs7(block.data, where)


def _pieces_of_pkcs7(data: bytes, where: str = "") -> Iterator[_Piece]:
    try:
        for certificate in containers.in_pkcs7(data):
            yield _Piece(certificate, where)
    except der.DerError as error:
        yield _Piece(None, where, f"broken PKCS#7: {error}")


def _limited(items: Iterable[_T], detail: str) -> Iterator[_T]:
    for number, item in enumerate(items):
        if number == COUNT_LIMIT:
            raise SourceError(f"over {COUNT_LIMIT:,} blocks or certificates in one file: {detail}", _FORMAT_HINT)
        yield item


def text_of_windows(data: bytes) -> bytes:
    """Return text that Notepad or PowerShell saved as UTF-16 as UTF-8, and anything else as it is."""
    return data.decode("utf-16", "replace").encode() if data.startswith(_UTF16_MARKS) else data


def is_one_element(data: bytes) -> bool:
    """Return whether this is DER: PEM text in a comment inside a certificate must not be taken for the certificate."""
    try:
        return not der.read(data, der.SEQUENCE)[1].strip()
    except der.DerError:
        return False
