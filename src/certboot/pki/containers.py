"""Certificates in PKCS#7 (RFC 2315, 9.1), PKCS#12 (RFC 7292) and OpenSSL's ``BEGIN TRUSTED CERTIFICATE``.

A key that lies beside them is never handed on. Behind a trusted certificate stands X509_CERT_AUX (crypto/x509/
x_x509a.c): SEQUENCE { trust SEQUENCE OF OID OPTIONAL, reject [0] SEQUENCE OF OID OPTIONAL, alias, key id, other }, or
nothing.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import cryptography

from certboot.errors import CertificateError
from certboot.pki import der, pkcs12_child

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
_PASSWORD_HINT = "give the password in a file: --password-file FILE"  # noqa: S105 - words, not a password
_PEM_HINT = "ask for the certificate by itself, in PEM"
_CODE = "import sys; sys.path += sys.argv[1:]; from certboot.pki import pkcs12_child; pkcs12_child.main()"
_SECONDS = 4 * pkcs12_child.SECONDS  # of the clock, on a machine that has other things to do

_TLS_SERVERS = frozenset(
    (
        b"\x2b\x06\x01\x05\x05\x07\x03\x01",  # serverAuth, 1.3.6.1.5.5.7.3.1
        b"\x55\x1d\x25\x00",  # anyExtendedKeyUsage, 2.5.29.37.0
    )
)


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
        raise der.DerError("not PKCS#7 signed data")
    # ContentInfo { OID, [0] { SignedData { version, digests, content, certificates [0] IMPLICIT SET, … } } }
    at, end = _inside(data, 0, der.SEQUENCE)
    at, end = _inside(data, at + len(_SIGNED_DATA), der.CONTEXT_0)
    at, end = _inside(data, at, der.SEQUENCE)
    for tag, _, content, after in itertools.islice(der.ber_children(data, at, end), _MOST_FIELDS):
        if tag == der.CONTEXT_0:
            for _, begin, _, next_begin in der.ber_children(data, content, after):
                yield data[begin:next_begin]


def in_pkcs12(data: bytes, detail: str, password: Password | None) -> list[bytes]:
    """Return the certificates; raises CertificateError. ``password`` is asked where it cannot be opened without."""
    certificates = _opened(data, None, detail)
    if certificates is not None:
        return certificates
    if password is None:
        raise CertificateError(f"it needs a password, or is damaged: {detail}", _PASSWORD_HINT)
    certificates = _opened(data, password(), detail)
    if certificates is None:
        raise CertificateError(f"the password is wrong, or the file is damaged: {detail}", _PASSWORD_HINT)
    return certificates


def _inside(data: bytes, at: int, expected: int) -> tuple[int, int]:
    """Return where the content of the element at ``at`` begins and ends; raises DerError if it is of another tag."""
    tag, content, end = der.ber_header(data, at)
    if tag != expected:
        raise der.DerError(f"tag {tag:#04x} where {expected:#04x} belongs")
    return content, len(data) if end is None else end


def _opened(data: bytes, password: bytes | None, detail: str) -> list[bytes] | None:
    """Return the certificates, or None where the file cannot be opened so; raises CertificateError.

    The file says itself how often something is hashed to open it, in a part that only shows when another is decrypted,
    and nothing stops OpenSSL while it hashes: a process of its own can be ended.
    """
    if password is not None and not _usable(password):
        return None
    # -I: neither the current folder nor a variable decides what is imported. The password is nobody's to see.
    argv = [sys.executable, "-I", "-c", _CODE, *_folders()]
    try:
        process = subprocess.run(
            argv, input=pkcs12_child.question(data, password), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env={**os.environ, "CERTBOOT_DISABLE": "1"}, check=False, timeout=_SECONDS,
        )  # fmt: skip
        answer = process.stdout
    except OSError as error:
        message = f"a PKCS#12 file is opened in a process of its own, which does not start, {error.strerror}: {detail}"
        raise CertificateError(message, _PEM_HINT) from error
    except subprocess.TimeoutExpired:
        answer = b""
    if answer.startswith(pkcs12_child.OPENED):
        return pkcs12_child.certificates(answer.removeprefix(pkcs12_child.OPENED))
    if answer == pkcs12_child.REFUSED:
        return None
    if answer == pkcs12_child.UNSUPPORTED:
        message = f"it holds a key of a kind that is not supported: {detail}"
    else:
        message = f"it asks for more time or memory than any file of certificates needs to be opened: {detail}"
    raise CertificateError(message, _PEM_HINT)


def _folders() -> list[str]:
    """Return where the child finds certboot and cryptography, which need not be where its Python looks."""
    ours, its = Path(__file__).absolute().parents[2], Path(cryptography.__path__[0]).absolute().parent
    return list(dict.fromkeys((str(ours), str(its))))


def _usable(password: bytes) -> bool:
    # cryptography panics at a zero byte, and stumbles over what is not UTF-8.
    with contextlib.suppress(UnicodeDecodeError):
        return "\0" not in password.decode()
    return False


def split_trusted(data: bytes) -> tuple[bytes, bool]:
    """Return the certificate, and whether it is not to be trusted for TLS servers; raises CertificateError.

    The rule is obj_trust() in crypto/x509/x509_trust.c: rejected, or with a list of trust that leaves it out.
    """
    try:
        certificate, rest = der.read(data, der.SEQUENCE)
        return certificate.encoded, bool(rest) and _distrusted(rest)
    except der.DerError as error:
        raise CertificateError(f"not a certificate with OpenSSL's trust settings: {error}") from error


def _distrusted(settings: bytes) -> bool:
    outer, _ = der.read(settings, der.SEQUENCE)
    fields = {field.tag: field.content for field in der.children(outer.content)}
    if _TLS_SERVERS & _identifiers(fields.get(der.CONTEXT_0, b"")):
        return True
    return der.SEQUENCE in fields and not _TLS_SERVERS & _identifiers(fields[der.SEQUENCE])


def _identifiers(content: bytes) -> set[bytes]:
    return {element.content for element in der.children(content)}
