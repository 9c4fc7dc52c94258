"""What OpenSSL's own ``BEGIN TRUSTED CERTIFICATE`` says behind the certificate (X509_CERT_AUX, crypto/x509/x_x509a.c).

SEQUENCE { trust SEQUENCE OF OID OPTIONAL, reject [0] SEQUENCE OF OID OPTIONAL, alias, key id, other }, or nothing.
"""

from __future__ import annotations

from certboot.errors import CertificateError
from certboot.pki import der

_TLS_SERVERS = frozenset(
    (
        b"\x2b\x06\x01\x05\x05\x07\x03\x01",  # serverAuth, 1.3.6.1.5.5.7.3.1
        b"\x55\x1d\x25\x00",  # anyExtendedKeyUsage, 2.5.29.37.0
    )
)


def split_trusted(data: bytes) -> tuple[bytes, bool]:
    """Return the certificate, and whether it is not to be trusted for TLS servers; raises CertificateError.

    The rule is obj_trust() in crypto/x509/x509_trust.c: rejected, or with a list of trust that leaves it out.
    """
    try:
        certificate, rest = der.read(data, der.SEQUENCE)
        return certificate.encoded, bool(rest) and _distrusted(rest)
    except der.DerError as error:
        message = f"not a certificate with OpenSSL's trust settings: {error}"
        raise CertificateError(message) from error


def _distrusted(settings: bytes) -> bool:
    outer, _ = der.read(settings, der.SEQUENCE)
    fields = {field.tag: field.content for field in der.children(outer.content)}
    if _TLS_SERVERS & _identifiers(fields.get(der.CONTEXT_0, b"")):
        return True
    return der.SEQUENCE in fields and not _TLS_SERVERS & _identifiers(fields[der.SEQUENCE])


def _identifiers(content: bytes) -> set[bytes]:
    return {element.content for element in der.children(content)}
