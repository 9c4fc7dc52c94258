"""X509_V_ERR_* of OpenSSL 3 by number (include/openssl/x509_vfy.h.in)."""

from __future__ import annotations

OK = 0
UNABLE_TO_GET_ISSUER_CERT = 2
CERT_SIGNATURE_FAILURE = 7
CERT_NOT_YET_VALID = 9
CERT_HAS_EXPIRED = 10
DEPTH_ZERO_SELF_SIGNED_CERT = 18
SELF_SIGNED_CERT_IN_CHAIN = 19
UNABLE_TO_GET_ISSUER_CERT_LOCALLY = 20
UNABLE_TO_VERIFY_LEAF_SIGNATURE = 21
CERT_CHAIN_TOO_LONG = 22
PATH_LENGTH_EXCEEDED = 25
INVALID_PURPOSE = 26
CERT_REJECTED = 28
UNHANDLED_CRITICAL_EXTENSION = 34
HOSTNAME_MISMATCH = 62
IP_ADDRESS_MISMATCH = 64
EE_KEY_TOO_SMALL = 66
CA_KEY_TOO_SMALL = 67
CA_MD_TOO_WEAK = 68
SIGNATURE_ALGORITHM_INCONSISTENCY = 78
INVALID_CA = 79
PATHLEN_INVALID_FOR_NON_CA = 80
PATHLEN_WITHOUT_KU_KEY_CERT_SIGN = 81
KU_KEY_CERT_SIGN_INVALID_FOR_NON_CA = 82
ISSUER_NAME_EMPTY = 83
SUBJECT_NAME_EMPTY = 84
MISSING_AUTHORITY_KEY_IDENTIFIER = 85
MISSING_SUBJECT_KEY_IDENTIFIER = 86
EMPTY_SUBJECT_ALT_NAME = 87
EMPTY_SUBJECT_SAN_NOT_CRITICAL = 88
CA_BCONS_NOT_CRITICAL = 89
CA_CERT_MISSING_KEY_USAGE = 92
EXTENSIONS_REQUIRE_VERSION_3 = 93

NO_ISSUER = frozenset({UNABLE_TO_GET_ISSUER_CERT, UNABLE_TO_GET_ISSUER_CERT_LOCALLY, UNABLE_TO_VERIFY_LEAF_SIGNATURE})
WRONG_TIME = frozenset({CERT_NOT_YET_VALID, CERT_HAS_EXPIRED})
WRONG_NAME = frozenset({HOSTNAME_MISMATCH, 63, IP_ADDRESS_MISMATCH})

STRICT_ONLY = frozenset(
    {
        INVALID_CA,
        PATHLEN_INVALID_FOR_NON_CA,
        PATHLEN_WITHOUT_KU_KEY_CERT_SIGN,
        KU_KEY_CERT_SIGN_INVALID_FOR_NON_CA,
        MISSING_AUTHORITY_KEY_IDENTIFIER,
        MISSING_SUBJECT_KEY_IDENTIFIER,
        CA_BCONS_NOT_CRITICAL,
        CA_CERT_MISSING_KEY_USAGE,
        ISSUER_NAME_EMPTY,
        SUBJECT_NAME_EMPTY,
        EMPTY_SUBJECT_ALT_NAME,
        EMPTY_SUBJECT_SAN_NOT_CRITICAL,
        EXTENSIONS_REQUIRE_VERSION_3,
    }
)
"""What only Python 3.13 and newer refuse (VERIFY_X509_STRICT); INVALID_CA then of a root that others let pass."""

MESSAGES = {
    OK: "ok",
    UNABLE_TO_GET_ISSUER_CERT: "unable to get issuer certificate",
    CERT_SIGNATURE_FAILURE: "certificate signature failure",
    CERT_NOT_YET_VALID: "certificate is not yet valid",
    CERT_HAS_EXPIRED: "certificate has expired",
    DEPTH_ZERO_SELF_SIGNED_CERT: "self-signed certificate",
    SELF_SIGNED_CERT_IN_CHAIN: "self-signed certificate in certificate chain",
    UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "unable to get local issuer certificate",
    CERT_CHAIN_TOO_LONG: "certificate chain too long",
    PATH_LENGTH_EXCEEDED: "path length constraint exceeded",
    INVALID_PURPOSE: "unsuitable certificate purpose",
    UNHANDLED_CRITICAL_EXTENSION: "unhandled critical extension",
    47: "permitted subtree violation",
    48: "excluded subtree violation",
    51: "unsupported name constraint type",
    HOSTNAME_MISMATCH: "hostname mismatch",
    IP_ADDRESS_MISMATCH: "IP address mismatch",
    EE_KEY_TOO_SMALL: "EE certificate key too weak",
    CA_KEY_TOO_SMALL: "CA certificate key too weak",
    CA_MD_TOO_WEAK: "CA signature digest algorithm too weak",
    INVALID_CA: "invalid CA certificate",
    PATHLEN_INVALID_FOR_NON_CA: "Path length invalid for non-CA cert",
    PATHLEN_WITHOUT_KU_KEY_CERT_SIGN: "Path length given without key usage keyCertSign",
    KU_KEY_CERT_SIGN_INVALID_FOR_NON_CA: "Key usage keyCertSign invalid for non-CA cert",
    ISSUER_NAME_EMPTY: "Issuer name empty",
    SUBJECT_NAME_EMPTY: "Subject name empty",
    MISSING_AUTHORITY_KEY_IDENTIFIER: "Missing Authority Key Identifier",
    MISSING_SUBJECT_KEY_IDENTIFIER: "Missing Subject Key Identifier",
    EMPTY_SUBJECT_ALT_NAME: "Empty Subject Alternative Name extension",
    EMPTY_SUBJECT_SAN_NOT_CRITICAL: "Subject empty and Subject Alt Name extension not critical",
    CA_BCONS_NOT_CRITICAL: "Basic Constraints of CA cert not marked critical",
    CA_CERT_MISSING_KEY_USAGE: "CA cert does not include key usage extension",
    EXTENSIONS_REQUIRE_VERSION_3: "Using cert extension requires at least X509v3",
}
"""OpenSSL's words for the codes that ``certboot.pki.verify`` can come to."""
