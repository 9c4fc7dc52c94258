"""A stand-in for a root: its name and key in a certificate without the faults that strict verification refuses.

A trust anchor is a name and a key (RFC 5280, 6.1.1(d)); OpenSSL does not verify its signature unless it is told to
(X509_V_FLAG_CHECK_SS_SIGNATURE). So what its issuer left out can be written into a copy, and nobody needs the key:
serial, dates, extensions, algorithm and the bytes of the signature, which fits no more, stay as they are. A copy is
made only where it allows nothing that the original did not; each reason not to is a ``Declined``.
"""

from __future__ import annotations

import contextlib
import enum
import hashlib
import re
import typing

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from certboot.errors import CertificateError
from certboot.pki import der
from certboot.pki.certificate import Certificate, is_signed_by
from certboot.pki.informing import AUTHORITY_KEY_ID
from certboot.pki.openssl import MODELS
from certboot.pki.parse_errors import parsing
from certboot.pki.parsed import ParsedCertificate, parsed_certificate
from certboot.pki.path import is_issuer
from certboot.pki.verify import strict_defects

_BASIC_CONSTRAINTS = bytes.fromhex("551d13")
_SUBJECT_KEY_ID = bytes.fromhex("551d0e")
_KEY_USAGE = bytes.fromhex("551d0f")
_CRITICAL = der.read(der.encode(der.BOOLEAN, b"\xff"))[0]
_CERT_AND_CRL_SIGN = der.encode(der.BIT_STRING, b"\x01\x06")  # bits 5 and 6 (RFC 5280, 4.2.1.3)
_HOST = re.compile(r"localhost|\S+[.:]\S+")  # one of a single label may be a CA's as well


class Declined(enum.Enum):
    """Why a certificate gets no stand-in, in words that go on after its name."""

    UNREADABLE = "it cannot be read whole"
    EXTENSION_TWICE = "it has an extension twice"
    VERSION = "it is not of version 3"
    NOT_A_ROOT = "its subject and issuer are not the same, byte for byte"
    NO_BASIC_CONSTRAINTS = "it has no basic constraints: with a key usage it could issue what it cannot now"
    NOT_A_CA = "its basic constraints do not say that it is a CA"
    KEY_USAGE = "its key usage does not let it sign certificates"
    OF_A_SERVER = "it is made for a server, whose own certificate it may be"
    NAMED_AS_A_SERVER = "its name is a server's, whose own certificate it may be, and no chain below it was tried"
    ANOTHER_AUTHORITY = "its authority key identifier is not its own"
    SELF_SIGNATURE = "its signature cannot be verified with its own key"
    NOTHING_TO_MEND = "strict verification finds nothing in it that a stand-in would mend"
    ANOTHER_FAULT = "strict verification refuses it for more than a stand-in mends"


def stand_in(original: bytes, key_id: bytes = b"") -> bytes | Declined:
    """Return the stand-in for a root, both in DER, or the reason why there is none.

    ``key_id``: what certificates below it name it by (authorityKeyIdentifier), for one that does not say it itself;
    else it is the SHA-1 of the key (RFC 5280, 4.2.1.2). A wrong one only keeps chains from being found.
    """
    try:
        own = {parts[0].content: parts for parts in map(_parts, der.extensions(original))}
        if len(own) < len(der.extensions(original)):
            return Declined.EXTENSION_TWICE
        root = parsed_certificate(original)
    except (der.DerError, CertificateError):
        return Declined.UNREADABLE
    declined = _declined(root, signs_others=bool(key_id))
    if declined:
        return declined
    key_id = root.certificate.link.authority_key_id or key_id or _sha1_of_key(original)
    added = {
        _SUBJECT_KEY_ID: _new(_SUBJECT_KEY_ID, der.encode(der.OCTET_STRING, key_id)),
        _KEY_USAGE: _new(_KEY_USAGE, _CERT_AND_CRL_SIGN, critical=True),
    }
    identifier, *_, value = own[_BASIC_CONSTRAINTS]
    mended = added | own | {_BASIC_CONSTRAINTS: (identifier, _CRITICAL, value)}
    if mended == own:
        return Declined.NOTHING_TO_MEND
    # What there was keeps its order; what is new comes behind it.
    ordered = [*own, *(kind for kind in added if kind not in own)]
    new = der.with_extensions(original, (_joined(mended[kind]) for kind in ordered))
    # One store serves Pythons with any OpenSSL.
    copy = parsed_certificate(new)
    codes = (code for openssl in MODELS.values() for code in strict_defects(copy, is_last=True, openssl=openssl))
    return Declined.ANOTHER_FAULT if any(codes) else new


def _declined(root: ParsedCertificate, *, signs_others: bool) -> Declined | None:
    certificate = root.certificate
    constraints, usage = root.extension(x509.BasicConstraints), root.extension(x509.KeyUsage)
    authority = root.extension(x509.AuthorityKeyIdentifier)
    reasons = {
        Declined.VERSION: root.parsed.version is not x509.Version.v3,
        Declined.NOT_A_ROOT: certificate.link.subject_name != certificate.link.issuer_name,
        Declined.NO_BASIC_CONSTRAINTS: constraints is None,
        Declined.NOT_A_CA: not (constraints and constraints.ca),
        Declined.KEY_USAGE: not (usage is None or usage.key_cert_sign),
        Declined.OF_A_SERVER: bool(root.dns_names or root.addresses),
        # Without alternative names clients go by this one; ``openssl req -x509 -subj /CN=HOST`` makes such.
        Declined.NAMED_AS_A_SERVER: not signs_others and any(map(_HOST.fullmatch, root.common_names)),
        Declined.ANOTHER_AUTHORITY: not is_issuer(root, root)
        or (authority is not None and authority.key_identifier == b"")
        or AUTHORITY_KEY_ID in certificate.unread,
    }
    first = next((reason for reason, applies in reasons.items() if applies), None)
    if first is None and not (is_signed_by(certificate, certificate) or _signs_itself_by_sha1(certificate)):
        return Declined.SELF_SIGNATURE
    return first


def _signs_itself_by_sha1(certificate: Certificate) -> bool:
    """Return whether it does: cryptography takes SHA-1 for no signature, and no client looks at that of an anchor."""
    with contextlib.suppress(CertificateError), parsing():
        signed = x509.load_der_x509_certificate(certificate.der)
        key, signature, data = signed.public_key(), signed.signature, signed.tbs_certificate_bytes
        if not isinstance(signed.signature_hash_algorithm, hashes.SHA1):
            return False
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, data, padding.PKCS1v15(), hashes.SHA1())  # noqa: S303 - it vouches for nothing
            return True
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, data, ec.ECDSA(hashes.SHA1()))  # noqa: S303 - nor does this
            return True
    return False


def _parts(extension: der.Element) -> tuple[der.Element, ...]:
    """Return identifier, value, and between them whether it is critical, if that is said (RFC 5280, 4.1)."""
    parts = tuple(der.children(extension.content))
    if extension.tag != der.SEQUENCE or not parts:
        raise der.DerError("not an extension")
    return parts


def _new(kind: bytes, value: bytes, *, critical: bool = False) -> tuple[der.Element, ...]:
    return tuple(
        der.read(part)[0]
        for part in (
            der.encode(der.OBJECT_IDENTIFIER, kind),
            *((_CRITICAL.encoded,) if critical else ()),
            der.encode(der.OCTET_STRING, value),
        )
    )


def _joined(parts: typing.Iterable[der.Element]) -> bytes:
    return der.encode(der.SEQUENCE, b"".join(part.encoded for part in parts))


def _sha1_of_key(certificate: bytes) -> bytes:
    """Return the digest of the subjectPublicKey without its tag, length and unused bits."""
    *_, public_key = der.names_and_key(certificate)
    _, key = der.children(der.read(public_key)[0].content)
    return hashlib.sha1(key.content[1:], usedforsecurity=False).digest()
