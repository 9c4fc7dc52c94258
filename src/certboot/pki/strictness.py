"""What VERIFY_X509_STRICT, the default of Python 3.13 and newer, asks of a certificate beyond the usual."""

from __future__ import annotations

import typing

from cryptography import x509

from certboot.pki import verify_codes as code

if typing.TYPE_CHECKING:
    from collections.abc import Iterator

    from certboot.pki.parsed import ParsedCertificate


def strict_defect(each: ParsedCertificate, *, is_last: bool) -> int:
    """Return the X509_V_ERR_* by which OpenSSL refuses one certificate of a chain of two or more, or 0.

    The order is that of check_extensions() in crypto/x509/x509_vfy.c. ``is_last``: nothing above it is needed.
    """
    return next(_defects(each, is_last=is_last), 0)


def _defects(each: ParsedCertificate, *, is_last: bool) -> Iterator[int]:
    yield from _in_constraints_and_usage(each)
    yield from _in_names(each)
    if each.parsed.version is not x509.Version.v3:
        if len(each.parsed.extensions):
            yield code.EXTENSIONS_REQUIRE_VERSION_3
        return
    if not is_last and not each.certificate.authority_key_id:
        yield code.MISSING_AUTHORITY_KEY_IDENTIFIER
    if _claims_ca(each) and each.extension(x509.SubjectKeyIdentifier) is None:
        yield code.MISSING_SUBJECT_KEY_IDENTIFIER


def _in_constraints_and_usage(each: ParsedCertificate) -> Iterator[int]:
    usage = each.extension(x509.KeyUsage)
    if each.certificate.path_length is not None:
        if not _claims_ca(each):
            yield code.PATHLEN_INVALID_FOR_NON_CA
        if usage is None or not usage.key_cert_sign:
            yield code.PATHLEN_WITHOUT_KU_KEY_CERT_SIGN
    if _claims_ca(each):
        if not each.critical(x509.BasicConstraints):
            yield code.CA_BCONS_NOT_CRITICAL
        if usage is None:
            yield code.CA_CERT_MISSING_KEY_USAGE
    elif usage is not None and usage.key_cert_sign:
        yield code.KU_KEY_CERT_SIGN_INVALID_FOR_NON_CA


def _in_names(each: ParsedCertificate) -> Iterator[int]:
    usage = each.extension(x509.KeyUsage)
    alternatives = each.extension(x509.SubjectAlternativeName)
    if not len(each.parsed.issuer):
        yield code.ISSUER_NAME_EMPTY
    if not len(each.parsed.subject):
        if _claims_ca(each) or (usage is not None and usage.crl_sign) or alternatives is None:
            yield code.SUBJECT_NAME_EMPTY
        elif not each.critical(x509.SubjectAlternativeName):
            yield code.EMPTY_SUBJECT_SAN_NOT_CRITICAL
    if alternatives is not None and not len(alternatives):
        yield code.EMPTY_SUBJECT_ALT_NAME


def _claims_ca(each: ParsedCertificate) -> bool:
    """EXFLAG_CA: what the basic constraints say, whatever the key usage does."""
    constraints = each.extension(x509.BasicConstraints)
    return bool(constraints and constraints.ca)
