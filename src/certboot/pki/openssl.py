"""What the versions of OpenSSL do differently when they verify a chain: each difference once, with who has it.

Found by reading crypto/x509/{x509_vfy,v3_purp,v3_ncons}.c of 3.0.20, 3.5.7, 3.6.3 and 4.0.2 beside each other, and
measured on those and others by the tests. Addresses that are no URL are not taken alike even within one series; that
is left out.
"""

from __future__ import annotations

import ssl
import typing

Version: typing.TypeAlias = "tuple[int, int, int]"
Difference: typing.TypeAlias = typing.Literal[
    "critical bits",
    "key id required",
    "URL parsed",
    "same serial is same",
    "own key id unseen",
    "ML-DSA",
]

_LATEST = 0xFF
_FIRST, _NEVER = (0, 0, 0), (_LATEST, 0, 0)
_SPANS: dict[Difference, tuple[Version, Version]] = {
    # check_extensions(), strict: basicConstraints, and the names of who has no subject, must be critical.
    # https://github.com/openssl/openssl/issues/30249
    "critical bits": (_FIRST, (4, 0, 0)),
    # check_extensions(), strict: an AKI must have a key identifier. From 4.0 on it must have anything at all, and an
    # issuer goes with a serial number. https://github.com/openssl/openssl/issues/29971
    "key id required": (_FIRST, (4, 0, 0)),
    # nc_uri(): by OSSL_parse_url(), which knows of users, IPv6 and queries.
    "URL parsed": ((3, 5, 0), _NEVER),
    # Keys and signatures of ML-DSA (FIPS 204) are read. Before, nothing has issued what is signed so.
    "ML-DSA": ((3, 5, 0), _NEVER),
    # ossl_x509_likely_issued(): what has the same issuer and serial number is the same certificate.
    "same serial is same": ((4, 0, 0), _NEVER),
    # ossl_x509v3_cache_extensions(): whether it names its own key as its issuer's was looked at too early.
    "own key id unseen": ((4, 0, 0), (4, 0, 3)),
}
"""From which version on, and before which."""

MODELS: dict[str, Version] = {
    f"{major}.{minor}": (major, minor, _LATEST) for major, minor in ((3, 0), (3, 5), (3, 6), (4, 0))
}
"""The series that are told apart, oldest first, each by its latest release."""
NEWEST = MODELS["4.0"]


def version_of(number: int) -> Version:
    """Return the version in an OPENSSL_VERSION_NUMBER of OpenSSL 3 or newer (include/openssl/opensslv.h.in)."""
    return number >> 28, number >> 20 & 0xFF, number >> 4 & 0xFF


OURS = version_of(ssl.OPENSSL_VERSION_NUMBER)
"""This Python's."""


def ways(openssl: Version) -> tuple[bool, ...]:
    """Return what is the same for two versions that judge every chain alike."""
    return tuple(does(openssl, difference) for difference in _SPANS)


def does(openssl: Version, difference: Difference) -> bool:
    """Return whether this version is one of those."""
    since, before = _SPANS[difference]
    return since <= openssl < before
