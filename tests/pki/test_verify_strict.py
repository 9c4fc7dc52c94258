"""What is strict about Python 3.13 is what OpenSSL's flag is strict about."""

from __future__ import annotations

import dataclasses

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from support.chains import CA, Made, make, name
from support.pki import DAY, NOW
from support.table import cases

from certboot.doctor.server.cause import STRICT_CAUSES
from certboot.pki.parsed import parsed_certificate
from certboot.pki.verdict import openssl_verdict, verifying_context
from certboot.pki.verify import strict_defect
from certboot.pki.verify_codes import STRICT_ONLY

ROOT = make("Root", form=CA)
SAN = x509.SubjectAlternativeName([x509.DNSName("localhost")])


def test_what_only_newer_pythons_refuse_has_a_finding_for_each_code() -> None:
    assert frozenset(STRICT_CAUSES) == STRICT_ONLY


def bare(subject: x509.Name, extensions: tuple[tuple[x509.ExtensionType, bool], ...], issuer: Made = ROOT) -> Made:
    """A certificate with exactly these extensions."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject)
        .public_key(ROOT.key.public_key())
        .serial_number(7)
        .not_valid_before(NOW - DAY)
        .not_valid_after(NOW + DAY)
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return Made(builder.sign(issuer.key, hashes.SHA256()), ROOT.key)


AKI = x509.AuthorityKeyIdentifier.from_issuer_public_key(ROOT.key.public_key())
SKI = x509.SubjectKeyIdentifier.from_public_key(ROOT.key.public_key())
EMPTY = x509.Name([])
NAMELESS_ROOT = Made(bare(EMPTY, ((x509.BasicConstraints(ca=True, path_length=None), True),)).certificate, ROOT.key)


@cases(
    ("made", "code"),
    [
        (make("localhost", ROOT), 0),
        (bare(EMPTY, ((SAN, False), (AKI, False))), 88),
        (bare(EMPTY, ((SAN, True), (AKI, False))), 0),
        (bare(EMPTY, ((AKI, False),)), 84),
        (bare(name("localhost"), ((AKI, False),)), 0),
        (bare(name("localhost"), ()), 85),
    ],
    ids=["good", "empty subject", "control", "no name", "common name", "no AKI"],
)
def test_each_defect_has_openssls_code(made: Made, code: int) -> None:
    assert strict_defect(parsed_certificate(made.der), is_last=False) == code
    context = verifying_context(strict=True, anchors=(ROOT.der,))
    found = openssl_verdict(context, (made.der,), "localhost")
    assert found
    assert found[0] == code or (code in (0, 84) and found[0] in (0, 62, 84))


def test_an_issuer_without_a_name_is_one() -> None:
    made = bare(name("x"), ((SAN, False), (AKI, False)), NAMELESS_ROOT)
    assert strict_defect(parsed_certificate(made.der), is_last=False) == 83


def test_the_last_certificate_needs_no_key_identifier_of_an_issuer() -> None:
    without = make("Middle", ROOT, dataclasses.replace(CA, aki=False))
    assert strict_defect(parsed_certificate(without.der), is_last=True) == 0
    assert strict_defect(parsed_certificate(without.der), is_last=False) == 85


def test_an_empty_list_of_names_is_one() -> None:
    empty = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.17"), bytes.fromhex("3000"))
    made = bare(name("x"), ((empty, False), (AKI, False)))
    assert strict_defect(parsed_certificate(made.der), is_last=False) == 87
    found = openssl_verdict(verifying_context(strict=True, anchors=(ROOT.der,)), (made.der,), "localhost")
    assert found
    assert found[0] == 87
