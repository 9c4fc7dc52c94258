"""Rules that a certificate meets or breaks by itself, and what it would have to be issued anew with."""

from __future__ import annotations

import typing
from datetime import datetime

if typing.TYPE_CHECKING:
    from certboot.pki.certificate import Certificate

PYTHONS = "Python 3.13 and newer"
"""Which refuse it, because ssl.create_default_context() sets VERIFY_X509_STRICT there."""

_AUTHORITY_KEY = "authorityKeyIdentifier=keyid:always"
_OF_A_SERVER = {
    "strict-missing-aki": _AUTHORITY_KEY,
    "strict-key-usage": "keyUsage=critical,digitalSignature",
    "strict-path-length": "basicConstraints=critical,CA:FALSE",
}
_NO_EXTENSION_MENDS = frozenset({"strict-names", "strict-version"})

_ANY = float("inf")
_LEAST_STRENGTH = 112  # bits, what OpenSSL asks for at Python's security level 2


def reissue_extensions(certificate: Certificate, defects: typing.Iterable[str]) -> tuple[str, ...]:
    """Return the extensions that mend the defects, as OpenSSL's configuration has them; none where none would.

    Those of a CA are all that RFC 5280 wants of one: who issues it anew may start from nothing. See x509v3_config(5).
    """
    mended = [defect for defect in defects if defect not in _NO_EXTENSION_MENDS]
    if not mended or not certificate.constraints.is_ca:
        return tuple(dict.fromkeys(_OF_A_SERVER[defect] for defect in mended if defect in _OF_A_SERVER))
    limit = certificate.constraints.path_length
    return (
        "subjectKeyIdentifier=hash",
        *(() if certificate.link.self_issued else (_AUTHORITY_KEY,)),
        "basicConstraints=critical,CA:TRUE" + ("" if limit is None else f",pathlen:{limit}"),
        "keyUsage=critical,keyCertSign,cRLSign",
    )


def reissue_request(certificate: Certificate, defects: typing.Iterable[str]) -> str:
    """Return what to ask of whoever runs the CA; empty where no extension would mend it."""
    extensions = reissue_extensions(certificate, defects)
    # With another key or name, all that it has issued would have to be issued anew too.
    same = "same key and name" if certificate.constraints.is_ca else "same names"
    return f"its issuer can issue it anew with the {same}, and {' '.join(extensions)}" if extensions else ""


def weak_key(certificate: Certificate) -> tuple[str, str] | None:
    """Return the rule by which OpenSSL lets nobody sign with the key of this certificate, and the reason."""
    from certboot.pki.parsed import parsed_certificate  # with the certificate library, which the words do without

    key, strength = parsed_certificate(certificate.der).key
    return None if strength >= _LEAST_STRENGTH else ("weak-key", f"the key of {certificate.name} is {key}")


def weak_signature(certificate: Certificate) -> tuple[str, str] | None:
    """Return the rule by which OpenSSL does not believe the signature on this certificate, and the reason."""
    from certboot.pki.parsed import parsed_certificate

    digest, strength = parsed_certificate(certificate.der).signature
    return None if strength >= _LEAST_STRENGTH else ("weak-signature", f"it is signed with {digest}")


def overlooked(issuer: Certificate, certificate: Certificate) -> tuple[str, str] | None:
    """Return the rule that keeps ``certificate`` out of the store for what clients would no longer see of its issuer.

    Where a client takes a certificate of the directory for an anchor (VERIFY_X509_PARTIAL_CHAIN), OpenSSL builds the
    chain no further. What stands above limits nothing then, and is not refused for anything (check_extensions(),
    check_name_constraints() and check_auth_level() in crypto/x509/x509_vfy.c). So a certificate may be stored only
    where all of that is written in itself too. Of the purpose the policy sees to in every certificate by itself.
    """
    if issuer.constraints.name_constrained:
        return "name-constrained", f"clients would not see to which names {issuer.name} limits it"
    # A self-issued certificate (a CA's new key, signed with its old one) does not count (RFC 5280, 4.2.1.9).
    if room_below(issuer) - (not certificate.link.self_issued) < room_below(certificate):
        return "path-length-limited", f"clients would not see how few CAs {issuer.name} lets follow below it"
    # As long as OpenSSL sees the issuer, it refuses whatever that stands above.
    if issuer.constraints.unhandled_critical:
        return "unhandled-critical", f"its issuer has a critical extension that OpenSSL does not know: {issuer.name}"
    return weak_key(issuer) or weak_signature(certificate)


def room_below(certificate: Certificate) -> float:
    """Return how many CA certificates may follow (RFC 5280, 4.2.1.9)."""
    return _ANY if certificate.constraints.path_length is None else certificate.constraints.path_length


def broken_rule(certificate: Certificate, now: datetime) -> tuple[str, str] | None:
    """Return the rule that keeps ``certificate`` by itself from being trusted and the reason in words, or None."""
    if not certificate.constraints.is_ca:
        return "not-a-ca", "it may not issue certificates (basicConstraints, keyUsage)"
    if not certificate.constraints.for_tls_servers:
        return "wrong-purpose", "its extended key usage leaves out TLS servers"
    if certificate.validity.not_after < now:
        return "expired", f"it expired on {certificate.validity.not_after:%Y-%m-%d}"
    if certificate.validity.not_before > now:
        return "not-yet-valid", f"it is valid from {certificate.validity.not_before:%Y-%m-%d} on"
    return None


def unhandled(certificate: Certificate) -> tuple[str, str] | None:
    """Return the rule that keeps an intermediate out which OpenSSL would prefer to a sound twin and then refuse."""
    if certificate.constraints.unhandled_critical:
        return "unhandled-critical", "it has a critical extension that OpenSSL does not know"
    return None
