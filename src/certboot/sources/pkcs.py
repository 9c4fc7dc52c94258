"""Certificates in PKCS#7 (RFC 2315, 9.1) and PKCS#12 (RFC 7292). A key that lies beside them is never handed on."""

from __future__ import annotations

import itertools
import re
import warnings
from collections.abc import Callable, Iterator

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from certboot import der
from certboot.errors import CertificateError
from certboot.sources import ber

Password = Callable[[], bytes]
"""Asked only when a PKCS#12 file needs one; raises CertbootError if the user declines."""

_SEQUENCE = rb"\x30(?:[\x00-\x80]|\x81.|\x82..|\x83...|\x84....)"
_SIGNED_DATA = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"  # 1.2.840.113549.1.7.2
_PKCS7 = re.compile(_SEQUENCE + re.escape(_SIGNED_DATA), re.DOTALL)
_PKCS12 = re.compile(_SEQUENCE + rb"\x02\x01\x03\x30", re.DOTALL)  # version 3
# PKCS#1, SEC 1 and PKCS#8 begin with a version of 0 or 1, an encrypted PKCS#8 with an algorithm of PKCS#5 or PKCS#12.
_PBE = _SEQUENCE + rb"\x06[\x09\x0a]\x2a\x86\x48\x86\xf7\x0d\x01(?:\x05|\x0c\x01)"
_KEY = re.compile(_SEQUENCE + rb"(?:\x02\x01[\x00\x01][\x02\x04\x30]|" + _PBE + rb")", re.DOTALL)

_MOST_FIELDS = 6  # of SignedData
_OCTET_STRING = 0x04
_REFUSED = (ValueError, TypeError, x509.InvalidVersion)
_PASSWORD_HINT = "give the password in a file: --password-file FILE"  # noqa: S105 - words, not a password
# OpenSSL hashes some 5 million times a second. Its own default is 2,048 iterations, the most careful writers use
# 1 million; a file can ask for 2 billion, and nothing could stop OpenSSL then.
_MOST_WORK = 5_000_000
_WORK_OF_AN_ELEMENT = 10
# The OID of scrypt, 1.3.6.1.4.1.11591.4.11 (RFC 7914, 7). OpenSSL limits its memory, but not how often it repeats (p).
_SCRYPT = b"\x2b\x06\x01\x04\x01\xda\x47\x04\x0b"
_LAYERS = 3  # PFX, AuthenticatedSafe, SafeContents: each in an OCTET STRING of the one before


def is_pkcs7(data: bytes) -> bool:
    """Return whether the bytes begin as PKCS#7 signed data, in DER or BER."""
    return _PKCS7.match(data) is not None


def is_pkcs12(data: bytes) -> bool:
    """Return whether the bytes begin as PKCS#12, in DER or BER."""
    return _PKCS12.match(data) is not None


def is_key(data: bytes) -> bool:
    """Return whether the bytes begin as a private key in DER, encrypted or not."""
    return _KEY.match(data) is not None


def in_pkcs7(data: bytes) -> Iterator[bytes]:
    """Yield the certificates as they stand, signed by nobody; raises DerError.

    cryptography's load_der_pkcs7_certificates gives none at all where it dislikes a single one.
    """
    if not is_pkcs7(data):
        message = "not PKCS#7 signed data"
        raise der.DerError(message)
    # ContentInfo { OID, [0] { SignedData { version, digests, content, certificates [0] IMPLICIT SET, … } } }
    at, end = _inside(data, 0, der.SEQUENCE)
    at, end = _inside(data, at + len(_SIGNED_DATA), der.CONTEXT_0)
    at, end = _inside(data, at, der.SEQUENCE)
    for field in itertools.islice(ber.children(data, at, end), _MOST_FIELDS):
        if field.tag == der.CONTEXT_0:
            for element in ber.children(data, field.content, field.end):
                yield data[element.begin : element.end]


def in_pkcs12(data: bytes, detail: str, password: Password | None) -> list[bytes]:
    """Return the certificates; raises CertificateError. ``password`` is asked where it cannot be opened without."""
    obstacle = _obstacle(data)
    if obstacle:
        message = f"{obstacle}: {detail}"
        raise CertificateError(message, "ask for the certificate by itself, in PEM")
    try:
        return _opened(data, None, detail)
    except _REFUSED as error:
        if password is None:
            message = f"it needs a password, or is damaged: {detail}"
            raise CertificateError(message, _PASSWORD_HINT) from error
    try:
        return _opened(data, _usable(password()), detail)
    except _REFUSED as error:
        message = f"the password is wrong, or the file is damaged: {detail}"
        raise CertificateError(message, _PASSWORD_HINT) from error


def _inside(data: bytes, at: int, expected: int) -> tuple[int, int]:
    """Return where the content of the element at ``at`` begins and ends; raises DerError if it is of another tag."""
    tag, content, end = ber.header(data, at)
    if tag != expected:
        message = f"tag {tag:#04x} where {expected:#04x} belongs"
        raise der.DerError(message)
    return content, len(data) if end is None else end


def _opened(data: bytes, password: bytes | None, detail: str) -> list[bytes]:
    # Imported here: it takes 10 ms, which every run without such a file saves.
    from cryptography.hazmat.primitives.serialization import Encoding, pkcs12

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of BER or old algorithms, about which the user can do nothing
            found = pkcs12.load_pkcs12(data, password)
            certificates = ([found.cert] if found.cert else []) + found.additional_certs
            return [certificate.certificate.public_bytes(Encoding.DER) for certificate in certificates]
    except UnsupportedAlgorithm as error:  # the key's, which cryptography reads in any case
        message = f"it holds a key of a kind that is not supported: {detail}"
        raise CertificateError(message, "ask for the certificate by itself, in PEM") from error


def _usable(password: bytes) -> bytes:
    # cryptography panics at a zero byte, and stumbles over what is not UTF-8.
    if b"\0" in password:
        message = "a zero byte"
        raise ValueError(message)
    password.decode("utf-8")
    return password


def _obstacle(data: bytes) -> str:
    """Return why OpenSSL might hash for hours, as far as that can be seen before anything is decrypted, or "".

    In all the schemes but scrypt (RFC 7292, RFC 8018) the number of iterations follows the salt, an OCTET STRING. Not
    seen is what stands inside of what is encrypted.
    """
    work, layers = 0, [data]
    for _ in range(_LAYERS):
        if any(_SCRYPT in layer for layer in layers):
            return "it is encrypted with scrypt, which could take hours to open"
        inner: list[bytes] = []
        for layer in layers:
            work += _work_of_layer(layer, inner)
            if work > _MOST_WORK:
                return "opening it would take too long"
        layers = inner
    return ""


def _work_of_layer(layer: bytes, inner: list[bytes]) -> int:
    """Return the work that one layer asks for, and put what may be the next layer into ``inner``."""
    work = 0
    strings: list[bytes] = []  # neighbours: BER may cut one OCTET STRING into many
    try:
        for tag, content in ber.primitives(layer):
            work += _WORK_OF_AN_ELEMENT
            if work > _MOST_WORK:
                break
            if tag == _OCTET_STRING:
                strings.append(content)
            elif tag != ber.END_OF_CONTENTS:
                if strings and tag == der.INTEGER:
                    work += int.from_bytes(content, "big")
                inner += _layer_of(strings)
                strings = []
    except der.DerError:
        pass  # a salt or a ciphertext, or a file that OpenSSL will refuse
    inner += _layer_of(strings)
    return work


def _layer_of(strings: list[bytes]) -> list[bytes]:
    joined = b"".join(strings)
    return [joined] if joined[:1] == bytes((der.SEQUENCE,)) else []
