"""A certificate as certboot knows it: from bytes, and as the text that stands beside it in a file."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import re
import ssl
import typing
from collections.abc import Container
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from certboot.errors import CertificateError, shortened
from certboot.moment import nears_its_end
from certboot.pki import der, pem
from certboot.pki.fingerprint import short
from certboot.pki.informing import loaded
from certboot.pki.parse_errors import parsing
from certboot.pki.public_key import canonical as key_itself
from certboot.pki.subject_hash import canonical, comparable, hash_of

# Of texts that are shown, and that a stranger chose. RFC 5280 (A.1) allows a common name 64 characters.
_LONGEST_NAME, _LONGEST_SUBJECT = 120, 600
_NAMES = (NameOID.COMMON_NAME, NameOID.ORGANIZATIONAL_UNIT_NAME, NameOID.ORGANIZATION_NAME)
_E = typing.TypeVar("_E", bound=x509.ExtensionType)
# Critical extensions that OpenSSL handles (X509_supported_extension in crypto/x509/v3_purp.c), as far as they occur.
_HANDLED_CRITICAL = frozenset(
    (
        "2.5.29.15", "2.5.29.17", "2.5.29.19", "2.5.29.30", "2.5.29.31", "2.5.29.32", "2.5.29.33", "2.5.29.36",
        "2.5.29.37", "2.5.29.54", "2.16.840.1.113730.1.1",
    )
)  # fmt: skip


@functools.lru_cache(maxsize=4096)  # most certificates come from several sources
def load_certificate(data: bytes) -> Certificate:
    """Return the certificate in these DER bytes; raises CertificateError.

    OpenSSL itself must load it too: one certificate that it cannot read makes a whole bundle unreadable for it.
    """
    with parsing("not a certificate in DER"):
        _, rest = der.read(data, der.SEQUENCE)
    if rest:
        raise CertificateError("bytes after the certificate")
    if not loads_in_openssl(data):
        raise CertificateError("not a certificate that OpenSSL can read")
    with parsing("OpenSSL reads this certificate, the cryptography package does not"):
        return _described(loaded(data).certificate, data)


def loads_in_openssl(data: bytes) -> bool:
    """Return whether this Python's OpenSSL can read these DER bytes as a certificate."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=data)
    except (ssl.SSLError, ValueError):
        return False
    return True


def is_unread(data: bytes) -> bool:
    """Return whether OpenSSL can read these DER bytes as a certificate, and cryptography not all of it that decides."""
    try:
        load_certificate(data)
    except CertificateError:
        return loads_in_openssl(data)
    return False


def is_signed_by(certificate: Certificate, issuer: Certificate) -> bool:
    """Return whether the key of ``issuer`` made the signature on ``certificate``, and the names fit.

    They do where OpenSSL says so (X509_NAME_cmp in crypto/x509/x509_cmp.c): the same text may be two kinds of string.
    """
    if comparable(certificate.link.issuer_name) != comparable(issuer.link.subject_name):
        return False
    with contextlib.suppress(CertificateError), parsing():
        # cryptography compares every byte of the names. The signature is not verified over that of the issuer.
        same = certificate.link.issuer_name == issuer.link.subject_name
        data = issuer.der if same else der.with_subject(issuer.der, certificate.link.issuer_name)
        signed, signer = x509.load_der_x509_certificate(certificate.der), x509.load_der_x509_certificate(data)
        signed.verify_directly_issued_by(signer)
        return True
    return False


def signs_itself(certificate: Certificate) -> bool:
    """Return whether its own key made its signature, and the names fit."""
    return certificate.link.self_issued and is_signed_by(certificate, certificate)


def annotated_pem(certificate: Certificate) -> str:
    """Return the certificate as PEM under comment lines that say what it is. ASCII only, whatever the subject holds."""
    valid = f"{certificate.validity.not_before:%Y-%m-%d} to {certificate.validity.not_after:%Y-%m-%d}"
    lines = (f"Subject: {certificate.subject}", f"SHA-256: {certificate.fingerprint}", f"Valid: {valid}")
    # A subject must not be able to write a block of its own into the file: "-----BEGIN" cannot stand in a comment.
    comments = (re.sub("-{2,}", "-", line).encode("ascii", "replace").decode() for line in lines)
    return "".join(f"# {comment}\n" for comment in comments) + pem.encode(certificate.der)


def file_name(certificate: Certificate) -> str:
    """Return the name of the file that holds it alone."""
    return pem.file_name(certificate.name, certificate.fingerprint)


def _described(parsed: x509.Certificate, data: bytes) -> Certificate:
    extensions = parsed.extensions
    issuer_name, subject_name, public_key = der.names_and_key(data)
    compared = canonical(subject_name)
    self_issued = compared == comparable(issuer_name)
    fingerprint = hashlib.sha256(data).hexdigest()
    basic = extension_in(extensions, x509.BasicConstraints)
    key = extension_in(extensions, x509.SubjectKeyIdentifier)
    authority = extension_in(extensions, x509.AuthorityKeyIdentifier)
    return Certificate(
        der=data,
        fingerprint=fingerprint,
        subject=shortened(parsed.subject.rfc4514_string(), _LONGEST_SUBJECT) or "(empty)",
        issuer=shortened(parsed.issuer.rfc4514_string(), _LONGEST_SUBJECT) or "(empty)",
        name=shortened(first_text(parsed.subject, *_NAMES), _LONGEST_NAME) or short(fingerprint),
        validity=Validity(parsed.not_valid_before_utc, parsed.not_valid_after_utc),
        link=Link(
            subject_name,
            issuer_name,
            subject_hash=hash_of(compared),
            self_issued=self_issued,
            key_id=key.digest if key else b"",
            authority_key_id=(authority.key_identifier if authority else None) or b"",
            issuer_and_serial=der.issuer_and_serial(data),
        ),
        constraints=Constraints(
            is_ca=_is_ca(parsed.version, extensions, self_issued=self_issued),
            for_tls_servers=_for_tls_servers(extensions),
            path_length=basic.path_length if basic else None,
            name_constrained=extension_in(extensions, x509.NameConstraints) is not None,
            unhandled_critical=any(
                extension.critical and extension.oid.dotted_string not in _HANDLED_CRITICAL for extension in extensions
            ),
        ),
        identity=_digest(compared, key_itself(public_key)),
        defects=_defects(extensions, self_issued=self_issued),
    )


def _digest(name: bytes, key: bytes) -> str:
    return hashlib.sha256(der.encode(der.SEQUENCE, name) + key).hexdigest()


def _defects(extensions: x509.Extensions, *, self_issued: bool) -> tuple[str, ...]:
    """Return what OpenSSL's check_extensions() (crypto/x509/x509_vfy.c) finds in a CA certificate when it is strict.

    Nothing in one that is a server's own (``openssl req -x509`` makes such): it stands alone, and is checked only in a
    chain of two or more.
    """
    names = extension_in(extensions, x509.SubjectAlternativeName) or ()
    if self_issued and any(isinstance(name, (x509.DNSName, x509.IPAddress)) for name in names):
        return ()
    usage = extension_in(extensions, x509.KeyUsage)
    authority = extension_in(extensions, x509.AuthorityKeyIdentifier)
    constraints = extension_in(extensions, x509.BasicConstraints)
    limited = constraints is not None and constraints.path_length is not None
    critical = (type(extension.value) for extension in extensions if extension.critical)
    defects = {
        "strict-missing-ski": extension_in(extensions, x509.SubjectKeyIdentifier) is None,
        "strict-missing-aki": not self_issued and not (authority and authority.key_identifier),
        "strict-basic-constraints": x509.BasicConstraints not in critical,
        "strict-key-usage": usage is None,
        "strict-path-length": limited and (usage is None or not usage.key_cert_sign),
    }
    return tuple(name for name, present in defects.items() if present)


def first_text(name: x509.Name, *kinds: x509.ObjectIdentifier) -> str:
    """Return the first attribute of these kinds that is not blank; empty for none."""
    for kind in kinds:
        for attribute in name.get_attributes_for_oid(kind):
            if isinstance(attribute.value, str) and attribute.value.strip():
                return attribute.value.strip()
    return ""


def _is_ca(version: x509.Version, extensions: x509.Extensions, *, self_issued: bool) -> bool:
    """Return what check_ca() in OpenSSL's crypto/x509/v3_purp.c says of a certificate (its Netscape case aside)."""
    usage = extension_in(extensions, x509.KeyUsage)
    if usage is not None and not usage.key_cert_sign:
        return False
    constraints = extension_in(extensions, x509.BasicConstraints)
    if constraints is not None:
        return constraints.ca
    return usage is not None or (version is x509.Version.v1 and self_issued)


def _for_tls_servers(extensions: x509.Extensions) -> bool:
    # OpenSSL does not take anyExtendedKeyUsage for serverAuth (check_purpose_ssl_server in v3_purp.c).
    usage = extension_in(extensions, x509.ExtendedKeyUsage)
    return usage is None or ExtendedKeyUsageOID.SERVER_AUTH in usage


def extension_in(extensions: x509.Extensions, kind: type[_E]) -> _E | None:
    """Return the value of the extension of this class, or None."""
    try:
        return extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


_SOON = timedelta(days=14)


class Validity(typing.NamedTuple):
    """From when to when a certificate is valid, both days included."""

    not_before: datetime
    not_after: datetime

    def covers(self, moment: datetime) -> bool:
        """Return whether it is valid then."""
        return self.not_before <= moment <= self.not_after

    def ends_soon(self, moment: datetime) -> bool:
        """Return whether then it is valid for less than 14 days more, and less than a third of its life."""
        return nears_its_end(*self, moment, _SOON)


class Link(typing.NamedTuple):
    """By what a certificate and its issuer find each other when a chain is built (RFC 4158, 2.4)."""

    subject_name: bytes
    """The DER Name of the subject, as it stands in the certificate."""
    issuer_name: bytes
    subject_hash: str
    """OpenSSL's X509_NAME_hash of the subject: the name of its link in a hash directory."""
    self_issued: bool
    """Whether OpenSSL takes both names for the same."""
    key_id: bytes
    """The subject key identifier; empty if there is none."""
    authority_key_id: bytes
    """The key identifier of the issuer; empty if there is none."""
    issuer_and_serial: bytes
    """By what its issuer knows it, and so whoever revokes it (IssuerAndSerialNumber; RFC 5652, 10.2.4), as DER."""


class Constraints(typing.NamedTuple):
    """What a certificate may be used for (RFC 5280, 4.2.1)."""

    is_ca: bool
    """What OpenSSL's X509_check_ca says, a version 1 root included."""
    for_tls_servers: bool
    """No extended key usage, or one that allows serverAuth."""
    path_length: int | None
    """How many CA certificates may follow; None: any number."""
    name_constrained: bool
    """Whether it limits the names in the certificates below it (nameConstraints; RFC 5280, 4.2.1.10)."""
    unhandled_critical: bool
    """Whether it has a critical extension that OpenSSL does not know: OpenSSL refuses every chain with it in."""


@dataclass(frozen=True)
class Certificate:
    """An X.509 certificate that this Python's OpenSSL can read, and cryptography all of it that decides."""

    der: bytes
    fingerprint: str
    """SHA-256 of the DER bytes, in lower-case hexadecimal."""
    subject: str
    """RFC 4514, printable characters only."""
    issuer: str
    name: str
    """What a person calls it: the common name, else the unit or organisation, else the fingerprint's start."""
    validity: Validity
    link: Link
    constraints: Constraints
    identity: str
    """Whose certificate it is: SHA-256 over the subject, as OpenSSL compares it, and the key, however it is encoded.

    A signature can be rewritten without its key (ECDSA), that on an anchor is never checked, and whoever has the key
    can have it certified anew: each gives the certificate another fingerprint.
    """
    defects: tuple[str, ...]
    """What Python 3.13 and newer refuse in a CA certificate (VERIFY_X509_STRICT): ``strict-missing-ski`` and kin."""

    @functools.cached_property
    def unread(self) -> tuple[str, ...]:
        """In words, the extensions that cryptography cannot read. They only inform: nothing is believed for them."""
        with parsing():
            return loaded(self.der).unread

    @functools.cached_property
    def former_identity(self) -> str:
        """The same with the bytes of the SubjectPublicKeyInfo in the place of the key: what a store of 0.1.0 holds."""
        _, subject_name, public_key = der.names_and_key(self.der)
        return _digest(canonical(subject_name), public_key)

    @property
    def known_as(self) -> tuple[str, str, str]:
        """All by which it may be named where it is distrusted: its fingerprint, and whose it is."""
        return self.fingerprint, self.identity, self.former_identity

    def is_among(self, distrusted: Container[str]) -> bool:
        """Return whether it is named there."""
        return any(name in distrusted for name in self.known_as)

    def is_revoked_by(self, names: Container[str | bytes]) -> bool:
        """Return whether it is named there: by its fingerprint, or by its issuer and serial number."""
        return self.fingerprint in names or self.link.issuer_and_serial in names
