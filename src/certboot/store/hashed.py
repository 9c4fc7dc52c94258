"""What a file is linked by: OpenSSL's hash of the subject of its certificate, or of the issuer of its CRL."""

from __future__ import annotations

import hashlib
import os
import typing

from cryptography import x509

from certboot.errors import CertificateError
from certboot.pki import der, pem
from certboot.pki.parsing import parsing
from certboot.pki.subject_hash import subject_hash
from certboot.store.hash_links import Hashed

if typing.TYPE_CHECKING:
    from certboot.store.hash_links import Found

_LIMIT = 64 * 1024 * 1024
_CHUNK = 1024 * 1024
# What lies in the directory may be a pipe by the time it is opened.
_READ = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)


def hashed(entry: os.DirEntry[str]) -> Found:
    """Return what the file is linked by, or why it is not."""
    try:
        data = _content(entry)
    except OSError as error:
        return f"it cannot be read: {error.strerror}"
    return "it is too large to be a certificate or CRL" if len(data) > _LIMIT else _linked_by(data)


def _content(entry: os.DirEntry[str]) -> bytes:
    """Return a file's bytes, but few more than ``_LIMIT``; raises OSError."""
    if not entry.is_file():
        return b""
    # Not files.read_regular(), nor open(): a directory of thousands is read here, and each call to the system counts.
    descriptor = os.open(entry.path, _READ)
    try:
        size = os.fstat(descriptor).st_size
        data = os.read(descriptor, min(size, _LIMIT) + 1)
        while len(data) not in (size, _LIMIT + 1) and (more := os.read(descriptor, _CHUNK)):
            data += more
    finally:
        os.close(descriptor)
    return data


def _linked_by(data: bytes) -> Found:
    """Return what these bytes are linked by, or why they are not."""
    # What OpenSSL's PEM_X509_INFO_read_bio makes of it: exactly one certificate or CRL, a key beside it or not.
    blocks = list(pem.blocks(data))
    certificates = [block for block in blocks if block.label in pem.CERTIFICATE_LABELS]
    crls = [block for block in blocks if block.label == pem.CRL_LABEL]
    if not certificates + crls or (
        len(blocks) > 1 and max(len(certificates), len(crls), sum(map(pem.is_key, blocks))) > 1
    ):
        return "it does not contain exactly one certificate or CRL"
    if any(block.data is None for block in blocks):
        return "it cannot be read as PEM"
    try:
        first, *_ = [_object(block) for block in certificates + crls]
    except ValueError as error:
        return f"it is damaged: {error}"
    return first


def _object(block: pem.PemBlock) -> Hashed:
    data = block.data or b""
    encoded = data[: der.span(data, 0, len(data))[3]]  # a TRUSTED CERTIFICATE carries its settings after it
    digest = hashlib.sha256(encoded).hexdigest()
    try:
        if block.label == pem.CRL_LABEL:
            with parsing():
                x509.load_der_x509_crl(encoded)
            return Hashed(subject_hash(der.crl_issuer(encoded)), "r", digest)
        with parsing():
            x509.load_der_x509_certificate(encoded)
    except CertificateError as error:
        # OpenSSL is milder with some, and it is the one who will look for them.
        from certboot.pki.certificate import loads_in_openssl

        if block.label == pem.CRL_LABEL or not loads_in_openssl(encoded):
            raise der.DerError(str(error.__cause__)) from error
        return Hashed(subject_hash(der.certificate_names(encoded)[1]), "", digest)
    return Hashed(subject_hash(der.certificate_names(encoded)[1]), "", digest)
