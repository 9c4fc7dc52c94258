"""What a diagnosis has to know of a certificate beyond certificate.Certificate: its names, its key, its extensions."""

from __future__ import annotations

import functools
import ipaddress
import typing
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from certboot.errors import CertificateError, printable
from certboot.pki.certificate import Certificate, load_certificate
from certboot.pki.informing import loaded
from certboot.pki.parse_errors import parsing

_E = typing.TypeVar("_E", bound=x509.ExtensionType)
# NIST SP 800-57 part 1, table 2: bits of an RSA, DSA or DH modulus, and the bits of strength they give.
_STRENGTHS = ((15360, 256), (7680, 192), (3072, 128), (2048, 112), (1024, 80))
_UNKNOWN_KEY = ("a key of an unknown kind", 0)
_STRENGTH_OF_OTHER_KEYS = 128  # Ed25519; Ed448 is stronger
# What OpenSSL 3 counts a digest for in a signature (ossl_x509_init_sig_info in crypto/x509/x509_set.c).
_WEAK_HASHES = {"md5": 39, "sha1": 63}


@dataclass(frozen=True)
class ParsedCertificate:
    """A certificate with its parts at hand. Two are equal when their certificates are."""

    certificate: Certificate
    parsed: x509.Certificate
    """Without what ``Certificate.unread`` names: its bytes are not those of the certificate."""

    @functools.cached_property
    def _subject(self) -> x509.Name:
        return self.parsed.subject

    @functools.cached_property
    def _issuer(self) -> x509.Name:
        return self.parsed.issuer

    def extension(self, kind: type[_E]) -> _E | None:
        """Return the value of the extension of this class, or None."""
        found = self._found(kind)
        return found.value if found else None

    def critical(self, kind: type[x509.ExtensionType]) -> bool:
        """Return whether the extension is there and marked critical."""
        found = self._found(kind)
        return bool(found and found.critical)

    def _found(self, kind: type[_E]) -> x509.Extension[_E] | None:
        try:
            return self.parsed.extensions.get_extension_for_class(kind)
        except x509.ExtensionNotFound:
            return None

    @property
    def alternative_names(self) -> tuple[x509.GeneralName, ...]:
        """The subjectAltName; empty if there is none."""
        return tuple(self.extension(x509.SubjectAlternativeName) or ())

    @property
    def dns_names(self) -> tuple[str, ...]:
        """The DNS names of the subjectAltName, as they stand there."""
        return tuple(name.value for name in self.alternative_names if isinstance(name, x509.DNSName))

    @property
    def addresses(self) -> tuple[str, ...]:
        """The IP addresses of the subjectAltName, in canonical form."""
        found = (name.value for name in self.alternative_names if isinstance(name, x509.IPAddress))
        return tuple(
            str(address) for address in found if isinstance(address, (ipaddress.IPv4Address, ipaddress.IPv6Address))
        )

    @property
    def common_names(self) -> tuple[str, ...]:
        """The common names of the subject."""
        found = (attribute.value for attribute in self._subject.get_attributes_for_oid(NameOID.COMMON_NAME))
        return tuple(value for value in found if isinstance(value, str))

    @property
    def names(self) -> tuple[str, ...]:
        """Everything that a host may be called to be this server, fit for a terminal."""
        return tuple(printable(name) for name in (*self.dns_names, *self.addresses) or self.common_names)

    @property
    def organisation(self) -> str:
        """The organisation of the subject; empty if there is none."""
        return _organisation(self._subject)

    @property
    def issuer_organisation(self) -> str:
        """The organisation of the issuer; empty if there is none."""
        return _organisation(self._issuer)

    @property
    def is_self_signed(self) -> bool:
        """Whether subject and issuer, and the key identifiers where both are there, say so (EXFLAG_SS of OpenSSL)."""
        own, wanted = self.certificate.link.key_id, self.certificate.link.authority_key_id
        return self.certificate.link.self_issued and not (own and wanted and own != wanted)

    @property
    def issuers_at(self) -> tuple[str, ...]:
        """The addresses where the issuer's certificate lies (caIssuers, RFC 5280, 4.2.2.1)."""
        access = self.extension(x509.AuthorityInformationAccess) or ()
        return tuple(
            printable(description.access_location.value)
            for description in access
            if description.access_method == AuthorityInformationAccessOID.CA_ISSUERS
            and isinstance(description.access_location, x509.UniformResourceIdentifier)
        )

    @property
    def key(self) -> tuple[str, int]:
        """The kind and size of the key in words, and its strength in bits (0 for a key that cannot be read)."""
        try:
            with parsing():
                key = self.parsed.public_key()
        except CertificateError:
            return _UNKNOWN_KEY
        if isinstance(key, (rsa.RSAPublicKey, dsa.DSAPublicKey)):
            kind = "RSA" if isinstance(key, rsa.RSAPublicKey) else "DSA"
            strength = next((bits for size, bits in _STRENGTHS if key.key_size >= size), key.key_size // 16)
            return f"{kind} with {key.key_size} bits", strength
        if isinstance(key, ec.EllipticCurvePublicKey):
            return f"an elliptic curve of {key.key_size} bits", key.key_size // 2
        if isinstance(key, (ed25519.Ed25519PublicKey, ed448.Ed448PublicKey)):
            return "Ed25519 or Ed448", _STRENGTH_OF_OTHER_KEYS
        return _UNKNOWN_KEY

    @property
    def signature(self) -> tuple[str, int]:
        """The digest under the issuer's signature by name, and its strength in bits."""
        try:
            with parsing():
                algorithm = self.parsed.signature_hash_algorithm
        except CertificateError:
            return "an unknown digest", 0
        if algorithm is None:
            return "no separate digest", _STRENGTH_OF_OTHER_KEYS
        return algorithm.name.upper(), _WEAK_HASHES.get(algorithm.name, algorithm.digest_size * 4)


@functools.lru_cache(maxsize=1024)
def parsed_certificate(der: bytes) -> ParsedCertificate:
    """Return the certificate in these DER bytes with its parts; raises CertificateError."""
    certificate = load_certificate(der)
    with parsing():
        found = ParsedCertificate(certificate, loaded(der).certificate)
        # Errors and warnings come when a part is parsed, so all that could cause one is parsed here.
        _ = found._subject, found._issuer, found.parsed.extensions  # noqa: SLF001 - of this very module
        return found


def _organisation(name: x509.Name) -> str:
    for attribute in name.get_attributes_for_oid(NameOID.ORGANIZATION_NAME):
        if isinstance(attribute.value, str) and attribute.value.strip():
            return attribute.value.strip()
    return ""
