"""``pkcs12``: the certificates in a PKCS#12 file (RFC 7292), marked as trusted for Java.

- Java takes a certificate without a key for trusted only with Oracle's attribute trustedKeyUsage (PKCS12KeyStore.java).
- Nothing is encrypted: certificates are public, and it would take a random salt and IV.
- It has a MAC, although Java 18 and newer write their own ``cacerts`` without one: OpenSSL before 3.0 and the macOS
  keychain refuse a file that has none. It is HMAC with SHA-256, which Java reads since 8u301, 11.0.12 and 12.
- Its salt is taken from the content, so that the same certificates give the same bytes. What a salt is for holds:
  a table of passwords made in advance fits one content only. Two files with the same content and password are seen to
  be the same, which is the purpose. The salt does not depend on the password, which it would otherwise help to guess.
"""

from __future__ import annotations

import hashlib
import hmac
import typing

from certboot.pki import der
from certboot.store.export.aliases import by_alias

if typing.TYPE_CHECKING:
    from collections.abc import Sequence

    from certboot.model import Certificate

_OCTET_STRING = 0x04
_NULL = b"\x05\x00"
_BMP_STRING = 0x1E
_PKCS12_VERSION = b"\x03"
_ITERATIONS = 10_000  # as many as Java writes by default
_SALT_LENGTH = 20
_MAC_KEY = b"\x03"  # what the derived bytes are for (RFC 7292, B.3)
_BLOCK = 64  # of SHA-256, in bytes


def pkcs12(certificates: Sequence[Certificate], password: str) -> bytes:
    """Return the PFX in DER. ``password`` is not empty, and ASCII."""
    bags = b"".join(_bag(alias, certificate) for alias, certificate in by_alias(certificates).items())
    safe = der.encode(der.SEQUENCE, _data(der.encode(der.SEQUENCE, bags)))
    salt = hashlib.sha256(b"certboot pkcs12 salt\0" + safe).digest()[:_SALT_LENGTH]
    mac = hmac.digest(_mac_key(password, salt), safe, "sha256")
    digest = _sequence(_sequence(_oid("2.16.840.1.101.3.4.2.1"), _NULL), der.encode(_OCTET_STRING, mac))
    iterations = der.encode(der.INTEGER, _ITERATIONS.to_bytes(2, "big"))
    mac_data = _sequence(digest, der.encode(_OCTET_STRING, salt), iterations)
    return _sequence(der.encode(der.INTEGER, _PKCS12_VERSION), _data(safe), mac_data)


def _bag(alias: str, certificate: Certificate) -> bytes:
    x509 = der.encode(_OCTET_STRING, certificate.der)
    held = _sequence(_oid("1.2.840.113549.1.9.22.1"), der.encode(der.CONTEXT_0, x509))
    any_usage = _oid("2.5.29.37.0")
    attributes = (
        _attribute("1.2.840.113549.1.9.20", der.encode(_BMP_STRING, alias.encode("utf-16-be"))),  # friendlyName
        _attribute("2.16.840.1.113894.746875.1.1", any_usage),  # Oracle's trustedKeyUsage
    )
    # DER sorts the elements of a SET OF (X.690, 11.6).
    chosen = der.encode(der.SET, b"".join(sorted(attributes)))
    return _sequence(_oid("1.2.840.113549.1.12.10.1.3"), der.encode(der.CONTEXT_0, held), chosen)


def _attribute(kind: str, value: bytes) -> bytes:
    return _sequence(_oid(kind), der.encode(der.SET, value))


def _data(content: bytes) -> bytes:
    """Return a ContentInfo of the type data (RFC 2315, 7)."""
    octets = der.encode(_OCTET_STRING, content)
    return _sequence(_oid("1.2.840.113549.1.7.1"), der.encode(der.CONTEXT_0, octets))


def _sequence(*elements: bytes) -> bytes:
    return der.encode(der.SEQUENCE, b"".join(elements))


def _oid(dotted: str) -> bytes:
    first, second, *others = map(int, dotted.split("."))
    content = b""
    for arc in (first * 40 + second, *others):
        # Seven bits an octet, all but the last with the high bit (X.690, 8.19.2).
        octets = [arc & 0x7F]
        while arc := arc >> 7:
            octets.insert(0, 0x80 | arc & 0x7F)
        content += bytes(octets)
    return der.encode(der.OBJECT_IDENTIFIER, content)


def _mac_key(password: str, salt: bytes) -> bytes:
    """Return the key that RFC 7292, B.2 derives for a MAC. One block of SHA-256 is all of it."""
    bmp = password.encode("utf-16-be") + b"\0\0"
    found = _MAC_KEY * _BLOCK + _repeated(salt) + _repeated(bmp)
    for _ in range(_ITERATIONS):
        found = hashlib.sha256(found).digest()
    return found


def _repeated(text: bytes) -> bytes:
    """Return ``text`` over and over, up to the next full block."""
    length = -(-len(text) // _BLOCK) * _BLOCK
    return (text * length)[:length]
