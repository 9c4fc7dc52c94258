"""Certificates with any property that a test needs; trustme makes the ordinary ones."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.x509.oid import NameOID

from certboot.pki import der

_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
NOW = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
DAY = datetime.timedelta(days=1)


@dataclass(frozen=True)
class Issued:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    """A few are RSA keys all the same, which nobody but the builder and the serializer looks at."""

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


def name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def issue(
    subject: str | x509.Name,
    issuer: Issued | None = None,
    *,
    extensions: tuple[tuple[x509.ExtensionType, bool], ...] | None = None,
    valid: tuple[datetime.datetime, datetime.datetime] = (NOW - DAY, NOW + 365 * DAY),
    key: ec.EllipticCurvePrivateKey | None = None,
) -> Issued:
    """Return a certificate, self-signed without ``issuer``; without ``extensions`` a proper CA certificate."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = name(subject) if isinstance(subject, str) else subject
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(valid[0])
        .not_valid_after(valid[1])
    )
    for extension, critical in ca_extensions(key) if extensions is None else extensions:
        builder = builder.add_extension(extension, critical)
    return Issued(builder.sign((issuer or Issued(None, key)).key, hashes.SHA256()), key)  # type: ignore[arg-type]


def resigned(issued: Issued) -> Issued:
    """Return the certificate with another signature, as good, that nobody needs a key for: (r, n - s) for (r, s)."""
    signed, algorithm, signature = der.children(der.read(issued.der)[0].content)
    r, s = decode_dss_signature(signature.content[1:])
    other = der.encode(der.BIT_STRING, b"\0" + encode_dss_signature(r, _P256_ORDER - s))
    whole = der.encode(der.SEQUENCE, signed.encoded + algorithm.encoded + other)
    return Issued(x509.load_der_x509_certificate(whole), issued.key)


def with_key_as(issued: Issued, issuer: Issued, info: bytes) -> Issued:
    """Return the certificate with this SubjectPublicKeyInfo in the place of its own, signed by ``issuer`` again."""
    signed, algorithm, _ = der.children(der.read(issued.der)[0].content)
    fields = [each.encoded for each in der.children(signed.content)]
    fields[6] = info  # of version 3, which this is
    body = der.encode(der.SEQUENCE, b"".join(fields))
    signature = der.encode(der.BIT_STRING, b"\0" + issuer.key.sign(body, ec.ECDSA(hashes.SHA256())))
    whole = der.encode(der.SEQUENCE, body + algorithm.encoded + signature)
    return Issued(x509.load_der_x509_certificate(whole), issued.key)


def compressed(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return the SubjectPublicKeyInfo of a key on P-256 with its point compressed."""
    point = key.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint)
    algorithm = bytes.fromhex("301306072a8648ce3d020106082a8648ce3d030107")
    return der.encode(der.SEQUENCE, algorithm + der.encode(der.BIT_STRING, b"\0" + point))


def ca_extensions(key: ec.EllipticCurvePrivateKey) -> tuple[tuple[x509.ExtensionType, bool], ...]:
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
