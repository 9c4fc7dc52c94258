"""What OpenSSL 3 and 4 say of a chain, computed: the code, and what OpenSSL does not tell, at which certificate.

Pure, and with a time and a version that can be chosen. It follows verify_chain() and what that calls in
crypto/x509/x509_vfy.c, in the same order, with the flags that Python sets, VERIFY_X509_STRICT and
VERIFY_X509_PARTIAL_CHAIN of Python 3.13 among them; the tests compare it with real OpenSSLs. It explains, it admits
nobody: a connection is judged by OpenSSL itself.
"""

from __future__ import annotations

import itertools
import typing
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from certboot.pki import names
from certboot.pki.certificate import is_signed_by
from certboot.pki.openssl import OURS, Version, does
from certboot.pki.parsed import ParsedCertificate
from certboot.pki.path import Path, built, is_self_signed
from certboot.pki.rules import overlooked
from certboot.pki.verify_codes import STRICT_ONLY, Code

_STRENGTHS = (0, 80, 112, 128, 192, 256)  # of OpenSSL's security levels 0 to 5
_SERVER_GATED = x509.ObjectIdentifier("2.16.840.1.113730.4.1")
_MICROSOFT_GATED = x509.ObjectIdentifier("1.3.6.1.4.1.311.10.3.3")


@dataclass(frozen=True)
class Rules:
    """By what a chain is judged."""

    at: datetime
    """Aware."""
    host: str = ""
    """An IP address, or a DNS name in ASCII; empty: the name is not compared."""
    strict: bool = False
    """VERIFY_X509_STRICT, the default of Python 3.13 and newer."""
    partial: bool | None = None
    """VERIFY_X509_PARTIAL_CHAIN; None: as ``strict``, with which those have it."""
    level: int = 2
    """OpenSSL's security level; 2 is Python's."""
    common_name: bool = True
    openssl: Version = OURS


@dataclass(frozen=True)
class Verification:
    """The first thing that OpenSSL would refuse, and where in the path that is."""

    code: int
    depth: int
    path: Path

    @property
    def culprit(self) -> ParsedCertificate:
        """The certificate that the code is about."""
        return self.path.certificates[self.depth]


def verify(sent: Sequence[ParsedCertificate], anchors: Sequence[ParsedCertificate], rules: Rules) -> Verification:
    """Return what OpenSSL says of the leaf ``sent[0]`` with the rest of ``sent`` to help, as the rules have it."""
    partial = rules.strict if rules.partial is None else rules.partial
    path = built(sent, anchors, rules.at, partial=partial, openssl=rules.openssl)
    unread = sent[0].has_ml_dsa_key and not does(rules.openssl, "ML-DSA")
    if unread or sent[0].key[1] < _STRENGTHS[rules.level]:
        return Verification(Code.EE_KEY_TOO_SMALL, 0, path)
    if path.defect:
        return Verification(path.defect, len(path.certificates) - 1, path)
    for check in (_extensions, _strength, _host, _signatures_and_times, _name_constraints):
        if defect := next(check(path, rules), None):
            return Verification(*defect, path)
    return Verification(Code.OK, 0, path)


def overshadowing(
    sent: Sequence[ParsedCertificate], anchors: Sequence[ParsedCertificate], rules: Rules
) -> ParsedCertificate | None:
    """Return the certificate of the trust for which OpenSSL refuses what it would accept with a twin that was sent.

    A twin is another certificate of the same name and key. OpenSSL looks in the trust first, and tries no other.
    """
    refused = verify(sent, anchors, rules)
    identities = {member.certificate.identity for member in sent[1:]}
    trusted = refused.path.certificates[refused.path.sent :]
    twins = [member for member in trusted if member.certificate.identity in identities and member not in sent]
    if refused.code == Code.OK or not twins:
        return None
    others = [anchor for anchor in anchors if anchor not in twins]
    return twins[0] if verify(sent, others, rules).code == Code.OK else None


_Defects: typing.TypeAlias = "Iterator[tuple[int, int]]"
"""Codes with depths, the first of which counts."""


def _extensions(path: Path, rules: Rules) -> _Defects:
    """check_extensions(): what each certificate may be used for, and how many CAs may follow."""
    issuers = 0
    last = len(path.certificates) - 1
    for depth, member in enumerate(path.certificates):
        if member.certificate.constraints.unhandled_critical:
            yield Code.UNHANDLED_CRITICAL_EXTENSION, depth
        # X509_check_ca(): a CA by its basic constraints, or only by the looks of it (version 1, key usage).
        is_ca = member.certificate.constraints.is_ca
        by_looks = is_ca and not member.extension(x509.BasicConstraints)
        if (depth and not is_ca) or (by_looks and (rules.strict or depth not in (0, last))):
            yield Code.INVALID_CA, depth
        if rules.strict and last:
            yield from (
                (defect, depth) for defect in strict_defects(member, is_last=depth == last, openssl=rules.openssl)
            )
        if not _for_tls_servers(member, is_leaf=depth == 0):
            yield Code.INVALID_PURPOSE, depth
        limit = member.certificate.constraints.path_length
        if depth > 1 and limit is not None and issuers > limit:
            yield Code.PATH_LENGTH_EXCEEDED, depth
        issuers += depth > 0 and not member.certificate.link.self_issued


def _for_tls_servers(member: ParsedCertificate, *, is_leaf: bool) -> bool:
    """check_purpose_ssl_server() in v3_purp.c."""
    purposes = member.extension(x509.ExtendedKeyUsage)
    accepted = (ExtendedKeyUsageOID.SERVER_AUTH, _SERVER_GATED, _MICROSOFT_GATED)
    if purposes is not None and not any(purpose in purposes for purpose in accepted):
        return False
    usage = member.extension(x509.KeyUsage)
    if not is_leaf or usage is None:
        return True
    return usage.digital_signature or usage.key_encipherment or usage.key_agreement


def _strength(path: Path, rules: Rules) -> _Defects:
    """check_auth_level(): the keys of the issuers, and all signatures but the anchor's own."""
    needed = _STRENGTHS[rules.level]
    for depth, member in enumerate(path.certificates):
        if depth and member.key[1] < needed:
            yield Code.CA_KEY_TOO_SMALL, depth
        if depth < len(path.certificates) - 1 and member.signature[1] < needed:
            yield Code.CA_MD_TOO_WEAK, depth


def _host(path: Path, rules: Rules) -> _Defects:
    """check_id()."""
    if rules.host and not names.is_for(path.certificates[0], rules.host, common_name=rules.common_name):
        yield Code.IP_ADDRESS_MISMATCH if names.ip_address(rules.host) else Code.HOSTNAME_MISMATCH, 0


def _signatures_and_times(path: Path, rules: Rules) -> _Defects:
    """internal_verify(): from the anchor down. The anchor's own signature vouches for nothing."""
    last = len(path.certificates) - 1
    for depth in range(last, -1, -1):
        certificate = path.certificates[depth].certificate
        if depth < last and not is_signed_by(certificate, path.certificates[depth + 1].certificate):
            yield Code.CERT_SIGNATURE_FAILURE, depth
        if certificate.validity.not_before > rules.at:
            yield Code.CERT_NOT_YET_VALID, depth
        if certificate.validity.not_after < rules.at:
            yield Code.CERT_HAS_EXPIRED, depth


def _name_constraints(path: Path, rules: Rules) -> _Defects:
    """check_name_constraints(): from the anchor down, each certificate against all the CAs above it."""
    limits = [member.extension(x509.NameConstraints) for member in path.certificates]
    for depth in range(len(limits) - 1, -1, -1):
        below = path.certificates[depth]
        if depth and below.certificate.link.self_issued:
            continue
        for constraints in filter(None, limits[:depth:-1]):
            if violation := names.constraint_violation(constraints, below, is_leaf=depth == 0, openssl=rules.openssl):
                yield violation, depth


def strict_defects(member: ParsedCertificate, *, is_last: bool, openssl: Version = OURS) -> Iterator[int]:
    """Yield the X509_V_ERR_* by which OpenSSL refuses one certificate of a chain of two or more.

    The order is that of check_extensions() in crypto/x509/x509_vfy.c. ``is_last``: nothing above it is needed.
    """
    critical_bits = does(openssl, "critical bits")
    yield from _in_constraints_and_usage(member, critical_bits=critical_bits)
    yield from _in_names(member, critical_bits=critical_bits)
    if not member.algorithms_agree:
        yield Code.SIGNATURE_ALGORITHM_INCONSISTENCY
    if member.parsed.version is not x509.Version.v3:
        if len(member.parsed.extensions):
            yield Code.EXTENSIONS_REQUIRE_VERSION_3
        return
    yield from _in_authority_key_id(member, openssl, is_last=is_last)
    if _claims_ca(member) and member.extension(x509.SubjectKeyIdentifier) is None:
        yield Code.MISSING_SUBJECT_KEY_IDENTIFIER


def _in_authority_key_id(member: ParsedCertificate, openssl: Version, *, is_last: bool) -> Iterator[int]:
    wanted = member.authority
    if does(openssl, "key id required"):
        if not is_last and (wanted is None or wanted.key_id is None):
            yield Code.MISSING_AUTHORITY_KEY_IDENTIFIER
        return
    if not is_last and not is_self_signed(member, openssl):
        if wanted is None:
            yield Code.MISSING_AUTHORITY_KEY_IDENTIFIER
        elif not any(part is not None for part in wanted):
            yield Code.EMPTY_AUTHORITY_KEY_IDENTIFIER
    if wanted and (wanted.issuer is None) != (wanted.serial is None):
        yield Code.AKID_ISSUER_SERIAL_NOT_PAIRED


def _in_constraints_and_usage(member: ParsedCertificate, *, critical_bits: bool) -> Iterator[int]:
    usage = member.extension(x509.KeyUsage)
    if member.certificate.constraints.path_length is not None:
        if not _claims_ca(member):
            yield Code.PATHLEN_INVALID_FOR_NON_CA
        if usage is None or not usage.key_cert_sign:
            yield Code.PATHLEN_WITHOUT_KU_KEY_CERT_SIGN
    if _claims_ca(member):
        if critical_bits and not member.critical(x509.BasicConstraints):
            yield Code.CA_BCONS_NOT_CRITICAL
        if usage is None:
            yield Code.CA_CERT_MISSING_KEY_USAGE
    elif usage is not None and usage.key_cert_sign:
        yield Code.KU_KEY_CERT_SIGN_INVALID_FOR_NON_CA


def _in_names(member: ParsedCertificate, *, critical_bits: bool) -> Iterator[int]:
    usage = member.extension(x509.KeyUsage)
    alternatives = member.extension(x509.SubjectAlternativeName)
    if not len(member.issuer):
        yield Code.ISSUER_NAME_EMPTY
    if not len(member.subject):
        if _claims_ca(member) or (usage is not None and usage.crl_sign) or alternatives is None:
            yield Code.SUBJECT_NAME_EMPTY
        elif critical_bits and not member.critical(x509.SubjectAlternativeName):
            yield Code.EMPTY_SUBJECT_SAN_NOT_CRITICAL
    if alternatives is not None and not len(alternatives):
        yield Code.EMPTY_SUBJECT_ALT_NAME


def _claims_ca(member: ParsedCertificate) -> bool:
    """EXFLAG_CA: what the basic constraints say, whatever the key usage does."""
    constraints = member.extension(x509.BasicConstraints)
    return bool(constraints and constraints.ca)


class End(typing.NamedTuple):
    """An intermediate that they accept as the end of a chain, and the certificate above it that they refuse."""

    last: ParsedCertificate
    refused: ParsedCertificate


def strict_end(chain: Sequence[ParsedCertificate], trusted: Sequence[ParsedCertificate], now: datetime) -> End | None:
    """Return where they may end the chain of the leaf ``chain[0]`` if the store has that certificate too.

    What is in a store ends the chain for them, and what is above is not looked at. None where they refuse nothing or
    all of it, and where what a CA above limits would be overlooked then.
    """
    verification = verify(chain, trusted, Rules(now, strict=True))
    *below, last = verification.path.certificates[: verification.depth] or (chain[0],)
    if verification.code not in STRICT_ONLY or not below:
        return None
    upwards = [member.certificate for member in verification.path.certificates[verification.depth - 1 :]]
    if any(overlooked(issuer, certificate) for certificate, issuer in itertools.pairwise(upwards)):
        return None
    if verify(below, (last,), Rules(now, strict=True)).code != Code.OK:
        return None
    return End(last, verification.culprit)
