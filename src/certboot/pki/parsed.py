"""What a diagnosis has to know of a certificate beyond certificate.Certificate: its names, its key, its extensions."""

from __future__ import annotations

import contextlib
import functools
import ipaddress
import typing
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from certboot.errors import CertificateError, printable
from certboot.pki import der
from certboot.pki.certificate import Certificate, extension_in, first_text, load_certificate
from certboot.pki.informing import loaded
from certboot.pki.parse_errors import parsing
from certboot.pki.subject_hash import comparable

_AUTHORITY_KEY_ID = bytes.fromhex("551d23")
_ISSUER = 0xA1
_PARTS = (0x80, _ISSUER, 0x82)  # of AuthorityKeyIdentifier
_DIRECTORY_NAME = 0xA4  # of GeneralName
_RSA, _EC, _DSA = map(bytes.fromhex, ("2a864886f70d0101", "2a8648ce3d", "2a8648ce38"))
_KINDS = (_RSA, _EC, _DSA)  # how their object identifiers begin; of Ed25519 and ML-DSA key and signature have the same
# Of ML-DSA: kind -> name, and bits of strength (FIPS 204, table 1; RFC 9881).
_ML_DSA = {
    bytes.fromhex(f"60864801650304031{number}"): (f"ML-DSA-{size}", strength)
    for number, size, strength in ((1, 44, 128), (2, 65, 192), (3, 87, 256))
}
_E = typing.TypeVar("_E", bound=x509.ExtensionType)
# NIST SP 800-57 part 1, table 2: bits of an RSA, DSA or DH modulus, and the bits of strength they give.
_STRENGTHS = ((15360, 256), (7680, 192), (3072, 128), (2048, 112), (1024, 80))
_UNKNOWN_KEY = ("a key of an unknown kind", 0)
_STRENGTH_OF_OTHER_KEYS = 128  # Ed25519; Ed448 is stronger
_NO_DIGEST = ("no separate digest", _STRENGTH_OF_OTHER_KEYS)
# What OpenSSL 3 counts a digest for in a signature (ossl_x509_init_sig_info in crypto/x509/x509_set.c).
_WEAK_HASHES = {"md5": 39, "sha1": 63}


class Authority(typing.NamedTuple):
    """An authority key identifier (RFC 5280, 4.2.1.1); None for a part that it is without."""

    key_id: bytes | None
    issuer: bytes | None
    serial: bytes | None
    directory: bytes | None
    """The first Name among those of the issuer, the only one that OpenSSL looks at."""


@dataclass(frozen=True)
class ParsedCertificate:
    """A certificate with its parts at hand. Two are equal when their certificates are."""

    certificate: Certificate
    parsed: x509.Certificate
    """Without what ``Certificate.unread`` names: its bytes are not those of the certificate."""

    @functools.cached_property
    def subject(self) -> x509.Name:
        """The subject; ``parsed`` would read it, and cryptography warn of it, anew each time."""
        return self.parsed.subject

    @functools.cached_property
    def issuer(self) -> x509.Name:
        """The issuer, likewise."""
        return self.parsed.issuer

    def extension(self, kind: type[_E]) -> _E | None:
        """Return the value of the extension of this class, or None."""
        return extension_in(self.parsed.extensions, kind)

    def critical(self, kind: type[x509.ExtensionType]) -> bool:
        """Return whether the extension is there and marked critical."""
        return any(entry.critical for entry in self.parsed.extensions if isinstance(entry.value, kind))

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
        values = (name.value for name in self.alternative_names if isinstance(name, x509.IPAddress))
        return tuple(
            str(address) for address in values if isinstance(address, (ipaddress.IPv4Address, ipaddress.IPv6Address))
        )

    @property
    def common_names(self) -> tuple[str, ...]:
        """The common names of the subject."""
        values = (attribute.value for attribute in self.subject.get_attributes_for_oid(NameOID.COMMON_NAME))
        return tuple(value for value in values if isinstance(value, str))

    @property
    def names(self) -> tuple[str, ...]:
        """Everything that a host may be called to be this server, fit for a terminal."""
        return tuple(printable(name) for name in (*self.dns_names, *self.addresses) or self.common_names)

    @property
    def organisation(self) -> str:
        """The organisation of the subject; empty if there is none."""
        return first_text(self.subject, NameOID.ORGANIZATION_NAME)

    @property
    def issuer_organisation(self) -> str:
        """The organisation of the issuer; empty if there is none."""
        return first_text(self.issuer, NameOID.ORGANIZATION_NAME)

    @functools.cached_property
    def authority(self) -> Authority | None:
        """The authority key identifier, also one that cryptography does not read; None without one, or a broken one."""
        with contextlib.suppress(ValueError):  # DerError is one
            for extension in der.extensions(self.certificate.der):
                kind, *_, value = der.children(extension.content)
                if kind.content == _AUTHORITY_KEY_ID:
                    held = der.children(der.read(value.content, der.SEQUENCE)[0].content)
                    parts = {part.tag: part.content for part in held}
                    names = {name.tag: name.content for name in reversed([*der.children(parts.get(_ISSUER, b""))])}
                    key_id, issuer, serial = map(parts.get, _PARTS)
                    return Authority(key_id, issuer, serial, names.get(_DIRECTORY_NAME))
        return None

    @functools.cached_property
    def serial(self) -> bytes:
        """The serial number as it stands in the certificate."""
        _, serial = der.children(der.read(self.certificate.link.issuer_and_serial)[0].content)
        return serial.content

    def identifies(self, issuer: ParsedCertificate) -> bool:
        """Return whether its authority key identifier, if any, is of this issuer (X509_check_akid() of OpenSSL)."""
        wanted, link = self.authority, issuer.certificate.link
        if wanted is None:
            return True
        if wanted.key_id is not None and link.key_id and wanted.key_id != link.key_id:
            return False
        if wanted.serial is not None and wanted.serial != issuer.serial:
            return False
        directory = wanted.directory
        return directory is None or comparable(directory) == comparable(link.issuer_name)

    def is_signed_as_by(self, issuer: ParsedCertificate) -> bool:
        """Return whether the issuer's key is of the kind that makes such signatures (check_sig_alg_match())."""
        return issuer._key_kind in (_kind(self._algorithms[0]), _DSA)

    @functools.cached_property
    def _key_kind(self) -> bytes:
        _, _, info = der.names_and_key(self.certificate.der)
        return _kind(der.read(info)[0].content)

    @property
    def has_ml_dsa_key(self) -> bool:
        """Whether its key is one of ML-DSA, which signs after the age of quantum computers too (FIPS 204)."""
        return self._key_kind in _ML_DSA

    @property
    def has_ml_dsa_signature(self) -> bool:
        """Whether such a key has signed it."""
        return _kind(self._algorithms[0]) in _ML_DSA

    @property
    def algorithms_agree(self) -> bool:
        """Whether what is signed names the algorithm of the signature that stands beside it (RFC 5280, 4.1.1.2)."""
        inner, outer = self._algorithms
        return inner == outer

    @functools.cached_property
    def _algorithms(self) -> tuple[bytes, bytes]:
        signed, outer, _ = der.children(der.read(self.certificate.der)[0].content)
        inner = next(part for part in der.children(signed.content) if part.tag == der.SEQUENCE)
        return inner.encoded, outer.encoded

    @functools.cached_property
    def is_self_signed(self) -> bool:
        """Whether subject and issuer, its key identifiers and its algorithms say so (EXFLAG_SS of OpenSSL)."""
        return self.certificate.link.self_issued and self.identifies(self) and self.is_signed_as_by(self)

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
        if self.has_ml_dsa_key:
            return _ML_DSA[self._key_kind]
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
        if self.has_ml_dsa_signature:  # cryptography before 49 does not know it
            return _NO_DIGEST
        try:
            with parsing():
                algorithm = self.parsed.signature_hash_algorithm
        except CertificateError:
            return "an unknown digest", 0
        if algorithm is None:
            return _NO_DIGEST
        return algorithm.name.upper(), _WEAK_HASHES.get(algorithm.name, algorithm.digest_size * 4)


def _kind(algorithm: bytes) -> bytes:
    """Return one object identifier for the keys of a kind, and for all signatures that they make."""
    identifier = der.read(der.read(algorithm, der.SEQUENCE)[0].content, der.OBJECT_IDENTIFIER)[0].content
    return next((kind for kind in _KINDS if identifier.startswith(kind)), identifier)


@functools.lru_cache(maxsize=1024)
def parsed_certificate(der: bytes) -> ParsedCertificate:
    """Return the certificate in these DER bytes with its parts; raises CertificateError."""
    certificate = load_certificate(der)
    with parsing():
        member = ParsedCertificate(certificate, loaded(der).certificate)
        # Errors and warnings come when a part is parsed, so all that could cause one is parsed here.
        _ = member.subject, member.issuer, member.parsed.extensions
        return member
