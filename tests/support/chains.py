"""Certificates that are right in all but one thing: what each test says is what it gets."""

from __future__ import annotations

import datetime
import functools
import ipaddress
import typing
from collections.abc import Sequence
from dataclasses import dataclass

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID
from support.pki import DAY, NOW, Issued, key_usage

from certboot.pki import der

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
Made = Issued


@functools.cache
def rsa_key(bits: int, number: int = 0) -> rsa.RSAPrivateKey:
    """A key of this size, the same every time: they take long to make."""
    del number
    return rsa.generate_private_key(65537, bits)


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
    valid: tuple[datetime.datetime, datetime.datetime] = (NOW - DAY, NOW + 365 * DAY)
    sha1: bool = False
    """Signed with SHA-1 in the place of SHA-256."""
    issuer_at: str = ""
    extra: tuple[tuple[x509.ExtensionType, bool], ...] = ()


CA = Form(ca=True, names=(), purposes=())
LEAF = Form()


def make(
    common_name: str,
    issuer: Issued | None = None,
    form: Form = LEAF,
    *,
    key: Key | None = None,
    signer: Key | None = None,
) -> Issued:
    """A certificate by ``issuer``, or self-signed; ``signer`` is the key that signs in the place of the issuer's."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = name(common_name, form.organisation)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(form.valid[0])
        .not_valid_after(form.valid[1])
    )
    for extension, critical in _extensions(form, key, issuer):
        builder = builder.add_extension(extension, critical)
    by = signer or (issuer.key if issuer else key)
    signed = builder.sign(by, hashes.SHA256())
    return Issued(_with_sha1(signed, by) if form.sha1 else signed, typing.cast("ec.EllipticCurvePrivateKey", key))


def _with_sha1(made: x509.Certificate, by: Key) -> x509.Certificate:
    """The same certificate signed with SHA-1, which the builder refuses."""
    if isinstance(by, rsa.RSAPrivateKey):
        algorithm = bytes.fromhex("300d06092a864886f70d0101050500")  # sha1WithRSAEncryption
    else:
        algorithm = bytes.fromhex("300906072a8648ce3d0401")  # ecdsa-with-SHA1
    fields = [each.encoded for each in der.children(der.read(made.tbs_certificate_bytes)[0].content)]
    fields[2] = algorithm
    signed = der.encode(der.SEQUENCE, b"".join(fields))
    if isinstance(by, rsa.RSAPrivateKey):
        signature = by.sign(signed, padding.PKCS1v15(), hashes.SHA1())  # noqa: S303
    else:
        signature = by.sign(signed, ec.ECDSA(hashes.SHA1()))  # noqa: S303
    whole = der.encode(der.SEQUENCE, signed + algorithm + der.encode(der.BIT_STRING, b"\x00" + signature))
    return x509.load_der_x509_certificate(whole)


def name(common_name: str, organisation: str = "") -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation)] if organisation else []
    return x509.Name([*attributes, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def on_server(leaf: Issued, *sent: Issued) -> trustme.LeafCert:
    """What a server presents, in this order."""
    return trustme.LeafCert(leaf.key_pem, leaf.pem, [each.pem for each in sent])


def general_name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _extensions(form: Form, key: Key, issuer: Issued | None) -> Sequence[tuple[x509.ExtensionType, bool]]:
    found: list[tuple[x509.ExtensionType, bool]] = list(form.extra)
    if form.constraints:
        found.append((x509.BasicConstraints(form.ca, form.path_length), form.critical))
    if form.usage:
        found.append((key_usage(key_cert_sign=form.ca if form.can_sign is None else form.can_sign), True))
    if form.ski:
        found.append((x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False))
    if form.aki and issuer:
        public = issuer.key.public_key()
        found.append((x509.AuthorityKeyIdentifier.from_issuer_public_key(public), False))
    if form.names:
        found.append((x509.SubjectAlternativeName([general_name(each) for each in form.names]), False))
    if form.purposes:
        found.append((x509.ExtendedKeyUsage(form.purposes), False))
    if form.issuer_at:
        location = x509.UniformResourceIdentifier(form.issuer_at)
        access = x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, location)
        found.append((x509.AuthorityInformationAccess([access]), False))
    return found
