"""``pkcs12`` and ``java-cacerts``: key stores for Java, byte for byte the same for the same certificates.

PKCS#12 (RFC 7292), marked as trusted for Java:

- Java takes a certificate without a key for trusted only with Oracle's attribute trustedKeyUsage (PKCS12KeyStore.java).
- Nothing is encrypted: certificates are public, and it would take a random salt and IV.
- It has a MAC, although Java 18 and newer write their own ``cacerts`` without one: OpenSSL before 3.0 and the macOS
  keychain refuse a file that has none. It is HMAC with SHA-256, which Java reads since 8u301, 11.0.12 and 12.
- Its salt is taken from the content, so that the same certificates give the same bytes. What a salt is for holds:
  a table of passwords made in advance fits one content only. Two files with the same content and password are seen to
  be the same, which is the purpose. The salt does not depend on the password, which it would otherwise help to guess.

JKS is Java's own format, as its ``cacerts`` file was until Java 18; OpenJDK documents it where it writes it:
JavaKeyStore.java, engineStore. What must not vary with the day of the export, the date of each entry, is the first day
of the certificate's validity. A JKS file is protected by SHA-1 over the password and the content, without a salt and
without iterations: whoever has the file can try passwords at full speed. A password that guards anything else does not
belong here.
"""

from __future__ import annotations

import collections
import hashlib
import hmac
import re
import struct
import typing
from collections.abc import Sequence

from certboot.errors import CertbootError
from certboot.pki import der

if typing.TYPE_CHECKING:
    from certboot.pki.certificate import Certificate


_NULL = b"\x05\x00"
_BMP_STRING = 0x1E
_PKCS12_VERSION = b"\x03"
_ITERATIONS = 10_000  # as many as Java writes by default
_SALT_LENGTH = 20
_MAC_KEY = b"\x03"  # what the derived bytes are for (RFC 7292, B.3)
_BLOCK = 64  # of SHA-256, in bytes

_JKS_MAGIC = 0xFEEDFEED
_JKS_VERSION = 2
_TRUSTED_CERTIFICATE = 2
_WHITENER = b"Mighty Aphrodite"  # the constant of getPreKeyedHash in JavaKeyStore.java

# What a password of Java's may hold (PBEKey.java of OpenJDK: any other character is an error).
_TYPEABLE = re.compile(r"[ -~]+")


def pkcs12(certificates: Sequence[Certificate], password: str) -> bytes:
    """Return the PFX in DER. ``password`` is not empty, and ASCII."""
    bags = b"".join(_bag(alias, certificate) for alias, certificate in by_alias(certificates).items())
    safe = der.encode(der.SEQUENCE, _data(der.encode(der.SEQUENCE, bags)))
    salt = hashlib.sha256(b"certboot pkcs12 salt\0" + safe).digest()[:_SALT_LENGTH]
    mac = hmac.digest(_mac_key(password, salt), safe, "sha256")
    digest = _sequence(_sequence(_oid("2.16.840.1.101.3.4.2.1"), _NULL), der.encode(der.OCTET_STRING, mac))
    iterations = der.encode(der.INTEGER, _ITERATIONS.to_bytes(2, "big"))
    mac_data = _sequence(digest, der.encode(der.OCTET_STRING, salt), iterations)
    return _sequence(der.encode(der.INTEGER, _PKCS12_VERSION), _data(safe), mac_data)


def _bag(alias: str, certificate: Certificate) -> bytes:
    x509 = der.encode(der.OCTET_STRING, certificate.der)
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
    octets = der.encode(der.OCTET_STRING, content)
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
    key = _MAC_KEY * _BLOCK + _repeated(salt) + _repeated(bmp)
    for _ in range(_ITERATIONS):
        key = hashlib.sha256(key).digest()
    return key


def _repeated(text: bytes) -> bytes:
    """Return ``text`` over and over, up to the next full block."""
    length = -(-len(text) // _BLOCK) * _BLOCK
    return (text * length)[:length]


def java_cacerts(certificates: Sequence[Certificate], password: str) -> bytes:
    """Return the key store, with one trusted certificate entry for each."""
    named = by_alias(certificates)
    head = struct.pack(">III", _JKS_MAGIC, _JKS_VERSION, len(named))
    body = head + b"".join(_jks_entry(alias, certificate) for alias, certificate in named.items())
    keyed = password.encode("utf-16-be") + _WHITENER + body
    return body + hashlib.sha1(keyed, usedforsecurity=False).digest()  # the format knows no other digest


def _jks_entry(alias: str, certificate: Certificate) -> bytes:
    milliseconds = int(certificate.validity.not_before.timestamp()) * 1000
    return b"".join((
        struct.pack(">I", _TRUSTED_CERTIFICATE),
        _utf(alias),
        struct.pack(">q", milliseconds),
        _utf("X.509"),
        struct.pack(">I", len(certificate.der)),
        certificate.der,
    ))  # fmt: skip


def _utf(text: str) -> bytes:
    """Return what DataOutputStream.writeUTF writes, for ASCII without NUL."""
    return struct.pack(">H", len(text)) + text.encode("ascii")


def by_alias(certificates: Sequence[Certificate]) -> dict[str, Certificate]:
    """Return alias -> certificate, sorted. No two share one, and each stays the same whatever else comes or goes.

    An alias is a readable name and the first digits of the SHA-256, in ``a-z0-9_-``. Where that is not enough to tell
    two apart, which takes intent, both have all the digits.
    """
    from certboot.pki.certificate import file_name  # a help lists the formats, and needs no cryptography

    distinct = {certificate.fingerprint: certificate for certificate in certificates}.values()
    short = [(file_name(certificate).removesuffix(".pem").lower(), certificate) for certificate in distinct]
    uses = collections.Counter(alias for alias, _ in short)
    named = {
        alias if uses[alias] == 1 else f"{alias.rpartition('-')[0]}-{certificate.fingerprint}": certificate
        for alias, certificate in short
    }
    return dict(sorted(named.items()))


def checked_password(data: bytes) -> str:
    """Return the password that a file holds; raises CertbootError for one that Java would not take."""
    text = data.decode("utf-8", "replace")
    if not text:
        raise CertbootError("the password is empty", "leave out --password-file for Java's default, changeit")
    if not _TYPEABLE.fullmatch(text):
        message = "the password has characters that Java does not take in one"
        raise CertbootError(message, "ASCII letters, digits, punctuation and spaces, on one line")
    return text
