"""X509_V_ERR_* of OpenSSL 3 and 4 (include/openssl/x509_vfy.h.in), with its words (crypto/x509/x509_txt.c)."""

from __future__ import annotations

import enum


class Code(enum.IntEnum):
    """Those that certboot knows by name."""

    words: str

    def __new__(cls, number: int, words: str = "") -> Code:  # noqa: PYI034 - typing.Self is of Python 3.11
        """Return the member of this number."""
        code = int.__new__(cls, number)
        code._value_ = number
        code.words = words
        return code

    OK = 0, "ok"
    UNABLE_TO_GET_ISSUER_CERT = 2, "unable to get issuer certificate"
    CERT_SIGNATURE_FAILURE = 7, "certificate signature failure"
    CERT_NOT_YET_VALID = 9, "certificate is not yet valid"
    CERT_HAS_EXPIRED = 10, "certificate has expired"
    DEPTH_ZERO_SELF_SIGNED_CERT = 18, "self-signed certificate"
    SELF_SIGNED_CERT_IN_CHAIN = 19, "self-signed certificate in certificate chain"
    UNABLE_TO_GET_ISSUER_CERT_LOCALLY = 20, "unable to get local issuer certificate"
    UNABLE_TO_VERIFY_LEAF_SIGNATURE = 21, "unable to verify the first certificate"
    CERT_CHAIN_TOO_LONG = 22, "certificate chain too long"
    PATH_LENGTH_EXCEEDED = 25, "path length constraint exceeded"
    INVALID_PURPOSE = 26, "unsuitable certificate purpose"
    CERT_REJECTED = 28, "certificate rejected"
    UNHANDLED_CRITICAL_EXTENSION = 34, "unhandled critical extension"
    PERMITTED_VIOLATION = 47, "permitted subtree violation"
    EXCLUDED_VIOLATION = 48, "excluded subtree violation"
    UNSUPPORTED_CONSTRAINT_TYPE = 51, "unsupported name constraint type"
    UNSUPPORTED_NAME_SYNTAX = 53, "unsupported or invalid name syntax"
    HOSTNAME_MISMATCH = 62, "hostname mismatch"
    IP_ADDRESS_MISMATCH = 64, "IP address mismatch"
    EE_KEY_TOO_SMALL = 66, "EE certificate key too weak"
    CA_KEY_TOO_SMALL = 67, "CA certificate key too weak"
    CA_MD_TOO_WEAK = 68, "CA signature digest algorithm too weak"
    SIGNATURE_ALGORITHM_INCONSISTENCY = 78, "cert info signature and signature algorithm mismatch"
    INVALID_CA = 79, "invalid CA certificate"
    PATHLEN_INVALID_FOR_NON_CA = 80, "Path length invalid for non-CA cert"
    PATHLEN_WITHOUT_KU_KEY_CERT_SIGN = 81, "Path length given without key usage keyCertSign"
    KU_KEY_CERT_SIGN_INVALID_FOR_NON_CA = 82, "Key usage keyCertSign invalid for non-CA cert"
    ISSUER_NAME_EMPTY = 83, "Issuer name empty"
    SUBJECT_NAME_EMPTY = 84, "Subject name empty"
    MISSING_AUTHORITY_KEY_IDENTIFIER = 85, "Missing Authority Key Identifier"
    MISSING_SUBJECT_KEY_IDENTIFIER = 86, "Missing Subject Key Identifier"
    EMPTY_SUBJECT_ALT_NAME = 87, "Empty Subject Alternative Name extension"
    EMPTY_SUBJECT_SAN_NOT_CRITICAL = 88, "Subject empty and Subject Alt Name extension not critical"
    CA_BCONS_NOT_CRITICAL = 89, "Basic Constraints of CA cert not marked critical"
    CA_CERT_MISSING_KEY_USAGE = 92, "CA cert does not include key usage extension"
    EXTENSIONS_REQUIRE_VERSION_3 = 93, "Using cert extension requires at least X509v3"
    EMPTY_AUTHORITY_KEY_IDENTIFIER = 102, "Empty Authority Key Identifier"
    AKID_ISSUER_SERIAL_NOT_PAIRED = 103, "Authority Key Identifier issuer and serial number must be paired"


NO_ISSUER = frozenset(
    {Code.UNABLE_TO_GET_ISSUER_CERT, Code.UNABLE_TO_GET_ISSUER_CERT_LOCALLY, Code.UNABLE_TO_VERIFY_LEAF_SIGNATURE}
)
WITHOUT_END = NO_ISSUER | {Code.DEPTH_ZERO_SELF_SIGNED_CERT, Code.SELF_SIGNED_CERT_IN_CHAIN}
WRONG_TIME = frozenset({Code.CERT_NOT_YET_VALID, Code.CERT_HAS_EXPIRED})
WRONG_NAME = frozenset({Code.HOSTNAME_MISMATCH, 63, Code.IP_ADDRESS_MISMATCH})
STRICT_ONLY = frozenset(
    {*range(79, 90), Code.CA_CERT_MISSING_KEY_USAGE, Code.EXTENSIONS_REQUIRE_VERSION_3, *range(102, 104)}
)
"""What only Python 3.13 and newer refuse (VERIFY_X509_STRICT); INVALID_CA then of a root that others let pass."""
