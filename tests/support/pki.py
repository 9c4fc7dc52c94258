"""The factory of certificates: right in all but what a test says. trustme makes the ordinary ones of servers."""

from __future__ import annotations

import dataclasses
import datetime
import functools
import ipaddress
import typing
from collections.abc import Callable
from dataclasses import dataclass

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID
from support import asn1

_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
NOW = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
DAY = datetime.timedelta(days=1)
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
Extensions = tuple[tuple[x509.ExtensionType, bool], ...]
Validity = tuple[datetime.datetime, datetime.datetime]


@functools.cache
def rsa_key(bits: int, number: int = 0) -> rsa.RSAPrivateKey:
    """A key of this size, the same every time: they take long to make."""
    del number
    return rsa.generate_private_key(65537, bits)


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@dataclass(frozen=True)
class Issued:
    """A certificate with its key. A few are RSA keys all the same, which nobody but the builder looks at."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        plain = serialization.NoEncryption()
        return self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)

    @property
    def sha256(self) -> str:
        return self.certificate.fingerprint(hashes.SHA256()).hex()


Made = Issued


@dataclass(frozen=True)
class Form:
    """What a certificate is like. Without a change it is what RFC 5280 asks for."""

    ca: bool = False
    names: tuple[str, ...] = ("localhost",)
    organisation: str = ""
    constraints: bool = True
    critical: bool = True
    """The basic constraints."""
    usage: bool = True
    can_sign: bool | None = None
    """keyCertSign; as a rule what is a CA may."""
    ski: bool = True
    aki: bool = True
    path_length: int | None = None
    purposes: tuple[x509.ObjectIdentifier, ...] = (ExtendedKeyUsageOID.SERVER_AUTH,)
    valid: Validity = (NOW - DAY, NOW + 365 * DAY)
    sha1: bool = False
    """Signed with SHA-1 in the place of SHA-256."""
    issuer_at: str | tuple[str, ...] = ()
    """Addresses of the issuer's certificate."""
    extra: Extensions = ()


CA = Form(ca=True, names=(), purposes=())
LEAF = Form()


def changed(form: Form, **changes: object) -> Form:
    return dataclasses.replace(form, **changes)  # type: ignore[arg-type]


def issue(
    subject: str | x509.Name,
    issuer: Issued | None = None,
    *,
    extensions: Extensions | None = None,
    valid: Validity = (NOW - DAY, NOW + 365 * DAY),
    key: ec.EllipticCurvePrivateKey | None = None,
) -> Issued:
    """Return a certificate, self-signed without ``issuer``; without ``extensions`` a proper CA certificate."""
    key = key or new_key()
    subject = name(subject) if isinstance(subject, str) else subject
    extensions = ca_extensions(key) if extensions is None else extensions
    return Issued(_signed(subject, issuer, key, extensions, valid, issuer.key if issuer else key), key)


def make(
    common_name: str,
    issuer: Issued | None = None,
    form: Form = LEAF,
    *,
    key: Key | None = None,
    signer: Key | None = None,
) -> Issued:
    """Return one of this form, self-signed without ``issuer``; ``signer`` is the key that signs in place of its key."""
    key = key or new_key()
    signer = signer or (issuer.key if issuer else key)
    subject = name(common_name, form.organisation)
    certificate = _signed(subject, issuer, key, extensions_of(form, key, issuer), form.valid, signer)
    return Issued(
        _with_sha1(certificate, signer) if form.sha1 else certificate, typing.cast("ec.EllipticCurvePrivateKey", key)
    )


def _signed(
    subject: x509.Name, issuer: Issued | None, key: Key, extensions: Extensions, valid: Validity, signer: Key
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(valid[0])
        .not_valid_after(valid[1])
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(signer, hashes.SHA256())


def _with_sha1(made: x509.Certificate, by: Key) -> x509.Certificate:
    """The same certificate signed with SHA-1, which the builder refuses."""
    sha1 = hashes.SHA1()  # noqa: S303
    sign: Callable[[bytes], bytes]
    if isinstance(by, rsa.RSAPrivateKey):
        algorithm = asn1.sequence(asn1.oid("2a864886f70d010105"), asn1.EMPTY)
        sign = functools.partial(by.sign, padding=padding.PKCS1v15(), algorithm=sha1)
    else:
        algorithm = asn1.sequence(asn1.oid("2a8648ce3d0401"))
        sign = lambda data: by.sign(data, ec.ECDSA(sha1))  # noqa: E731 - older versions name the argument otherwise
    data = made.public_bytes(serialization.Encoding.DER)
    edited = asn1.edited(data, {asn1.ALGORITHM: algorithm}, sign)
    return x509.load_der_x509_certificate(edited)


def name(common_name: str, organisation: str = "") -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation)] if organisation else []
    return x509.Name([*attributes, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def on_server(leaf: Issued, *sent: Issued) -> trustme.LeafCert:
    """What a server presents, in this order."""
    return trustme.LeafCert(leaf.key_pem, leaf.pem, [issued.pem for issued in sent])


def general_name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def resigned(issued: Issued) -> Issued:
    """Return the certificate with another signature, as good, that nobody needs a key for: (r, n - s) for (r, s)."""
    r, s = decode_dss_signature(issued.certificate.signature)
    data = asn1.edited(issued.der, {}, lambda _: encode_dss_signature(r, _P256_ORDER - s))
    return Issued(x509.load_der_x509_certificate(data), issued.key)


def with_key_as(issued: Issued, issuer: Issued, info: bytes) -> Issued:
    """Return the certificate with this SubjectPublicKeyInfo in the place of its own, signed by ``issuer`` again."""
    data = asn1.edited(issued.der, {asn1.KEY: info}, lambda body: issuer.key.sign(body, ec.ECDSA(hashes.SHA256())))
    return Issued(x509.load_der_x509_certificate(data), issued.key)


def compressed(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return the SubjectPublicKeyInfo of a key on P-256 with its point compressed."""
    point = key.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint)
    return asn1.sequence(asn1.sequence(asn1.oid("2a8648ce3d0201"), asn1.oid("2a8648ce3d030107")), asn1.bits(point))


def ca_extensions(key: Key) -> Extensions:
    return (
        (x509.BasicConstraints(ca=True, path_length=None), True),
        (key_usage(key_cert_sign=True), True),
        (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
    )


def key_usage(*, key_cert_sign: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=key_cert_sign, crl_sign=key_cert_sign, encipher_only=False,
        decipher_only=False,
    )  # fmt: skip


def crl(issuer: Issued) -> bytes:
    """Return an empty certificate revocation list in PEM."""
    builder = x509.CertificateRevocationListBuilder().issuer_name(issuer.certificate.subject)
    builder = builder.last_update(NOW).next_update(NOW + DAY)
    return builder.sign(issuer.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def extensions_of(form: Form, key: Key, issuer: Issued | None) -> Extensions:
    """Return what a certificate of this form has."""
    can_sign = form.ca if form.can_sign is None else form.can_sign
    listed: list[tuple[x509.ExtensionType, bool]] = list(form.extra)
    if form.constraints:
        listed.append((x509.BasicConstraints(form.ca, form.path_length), form.critical))
    if form.usage:
        listed.append((key_usage(key_cert_sign=can_sign), True))
    if form.ski:
        listed.append((x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False))
    if form.aki and issuer:
        listed.append((x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), False))
    if form.names:
        listed.append((x509.SubjectAlternativeName([general_name(text) for text in form.names]), False))
    if form.purposes:
        listed.append((x509.ExtendedKeyUsage(form.purposes), False))
    if form.issuer_at:
        addresses = (form.issuer_at,) if isinstance(form.issuer_at, str) else form.issuer_at
        places = map(x509.UniformResourceIdentifier, addresses)
        issuers = AuthorityInformationAccessOID.CA_ISSUERS
        listed.append((x509.AuthorityInformationAccess(x509.AccessDescription(issuers, at) for at in places), False))
    return tuple(listed)
