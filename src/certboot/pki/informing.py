"""Extensions that only inform: where cryptography cannot read one that OpenSSL can, the rest is read without it.

cryptography reads all extensions of a certificate or none. What limits a certificate must be read, or nobody may rely
on it; what tells where something lies, or helps to find the issuer, is left to OpenSSL, which decides in any case.
"""

from __future__ import annotations

import contextlib
import typing
from collections.abc import Iterable

from cryptography import x509

from certboot.errors import CertificateError
from certboot.pki import der
from certboot.pki.parse_errors import parsing

_KEY_ID = 0x80  # AuthorityKeyIdentifier.keyIdentifier (RFC 5280, 4.2.1.1)
_AUTHORITY_KEY_ID = bytes.fromhex("551d23")
AUTHORITY_KEY_ID = "authority key identifier"
# The contents of their object identifiers.
_INFORMING = {
    _AUTHORITY_KEY_ID: AUTHORITY_KEY_ID,
    bytes.fromhex("2b06010505070101"): "authority information access",
    bytes.fromhex("2b0601050507010b"): "subject information access",
    bytes.fromhex("551d1f"): "CRL distribution points",
    bytes.fromhex("551d2e"): "freshest CRL",
    bytes.fromhex("551d20"): "certificate policies",
    bytes.fromhex("551d12"): "issuer alternative name",
    bytes.fromhex("2b06010401d679020402"): "list of signed certificate timestamps",
}


class Loaded(typing.NamedTuple):
    """A certificate as cryptography has it, and the names of the extensions that it is without."""

    certificate: x509.Certificate
    unread: tuple[str, ...] = ()


def loaded(data: bytes) -> Loaded:
    """Return the certificate in these DER bytes, without the informing extensions that cannot be read.

    None is left out that is critical, or that says what the certificate may be used for: where one of those cannot be
    read, ``extensions`` of the certificate raises as ever. Raises DerError, and what cryptography does.
    """
    certificate = x509.load_der_x509_certificate(data)
    return Loaded(certificate) if _is_readable(certificate) else _without_unreadable(data)


def _without_unreadable(data: bytes) -> Loaded:
    extensions = [(_kind(extension), extension.encoded) for extension in der.extensions(data)]
    own = {kind: [encoded for other, encoded in extensions if other == kind] for kind in _INFORMING}
    # What stands there twice OpenSSL does not accept either.
    unread = [kind for kind, same in own.items() if len(same) == 1 and not _is_readable(_with(data, same))]
    kept = [encoded for kind, encoded in extensions if kind not in unread]
    if _AUTHORITY_KEY_ID in unread:
        kept.append(_with_key_id_only(*own[_AUTHORITY_KEY_ID]))
    return Loaded(_with(data, kept), tuple(_INFORMING[kind] for kind in unread))


def _kind(extension: der.Element) -> bytes:
    """Return the kind of an extension; empty for one that is critical."""
    identifier, *value = der.children(extension.content)
    return identifier.content if len(value) == 1 else b""


def _with(data: bytes, extensions: Iterable[bytes]) -> x509.Certificate:
    return x509.load_der_x509_certificate(der.with_extensions(data, extensions))


def _is_readable(certificate: x509.Certificate) -> bool:
    with contextlib.suppress(CertificateError), parsing():
        _ = certificate.extensions
        return True
    return False


def _with_key_id_only(extension: bytes) -> bytes:
    """Return an authority key identifier without the issuer and serial number, which belong together there."""
    identifier, value = der.children(der.read(extension)[0].content)
    try:
        parts = list(der.children(der.read(value.content, der.SEQUENCE)[0].content))
    except der.DerError:
        parts = []
    key_id = b"".join(part.encoded for part in parts if part.tag == _KEY_ID)
    return der.encode(der.SEQUENCE, identifier.encoded + der.encode(der.OCTET_STRING, der.encode(der.SEQUENCE, key_id)))
