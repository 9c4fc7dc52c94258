"""``java-cacerts``: Java's own key store format, JKS, as its ``cacerts`` file was until Java 18.

The format is documented where OpenJDK writes it: JavaKeyStore.java, engineStore. What must not vary with the day of the
export, the date of each entry, is the first day of the certificate's validity.

A JKS file is protected by SHA-1 over the password and the content, without a salt and without iterations: whoever has
the file can try passwords at full speed. A password that guards anything else does not belong here.
"""

from __future__ import annotations

import hashlib
import struct
import typing

from certboot.store.export.aliases import by_alias

if typing.TYPE_CHECKING:
    from collections.abc import Sequence

    from certboot.model import Certificate

_JKS_MAGIC = 0xFEEDFEED
_JKS_VERSION = 2
_TRUSTED_CERTIFICATE = 2
_WHITENER = b"Mighty Aphrodite"  # the constant of getPreKeyedHash in JavaKeyStore.java


def java_cacerts(certificates: Sequence[Certificate], password: str) -> bytes:
    """Return the key store, with one trusted certificate entry for each."""
    named = by_alias(certificates)
    head = struct.pack(">III", _JKS_MAGIC, _JKS_VERSION, len(named))
    body = head + b"".join(_jks_entry(alias, certificate) for alias, certificate in named.items())
    keyed = password.encode("utf-16-be") + _WHITENER + body
    return body + hashlib.sha1(keyed, usedforsecurity=False).digest()  # the format knows no other digest


def _jks_entry(alias: str, certificate: Certificate) -> bytes:
    milliseconds = int(certificate.not_before.timestamp()) * 1000
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
