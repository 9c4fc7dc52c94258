"""Findings of the group ``server`` on what only Python 3.13 and newer refuse (VERIFY_X509_STRICT)."""

from __future__ import annotations

from certboot.explanations.form import CA, Explanation

_WHY = (
    "ssl.create_default_context() of Python 3.13 and newer sets VERIFY_X509_STRICT, and urllib3 does the same there: "
    "OpenSSL then insists on RFC 5280. Python up to 3.12 accepts the chain. It is the certificate itself that breaks "
    "the rule; trusting it does not help."
)
_HOW = (
    "Show the finding to whoever runs the CA: it says with which extension the certificate has to be issued anew. "
    "Until it is: if a CA below the one with the defect has none, `certboot repair {target}` stores it under its "
    "anchor, after a question, and newer Pythons look at nothing above it. Else Python 3.12, or in your own code "
    "`context.verify_flags &= ~ssl.VERIFY_X509_STRICT`, which leaves every other check in place."
)


def _strict(title: str, meaning: str, operator: str) -> Explanation:
    return Explanation("server", title, meaning, _WHY, CA, _HOW, operator)


EXPLANATIONS = {
    "strict-missing-aki": _strict(
        "a certificate has no authority key identifier",
        "The authority key identifier says which key of the issuer signed a certificate; every certificate below "
        "a root "
        "must have it (RFC 5280, 4.2.1.1). Proxies that inspect TLS often leave it out. It must not be critical.",
        "Issue the certificate with authorityKeyIdentifier=keyid.",
    ),
    "strict-missing-ski": _strict(
        "a CA has no subject key identifier",
        "The subject key identifier names a CA's key, and every CA certificate must have it (RFC 5280, 4.2.1.2). "
        "It must "
        "not be critical.",
        "Issue the CA certificate with subjectKeyIdentifier=hash.",
    ),
    "strict-basic-constraints": _strict(
        "a CA's basic constraints are missing or not critical",
        "basicConstraints say that a certificate is a CA. They must be there and be marked critical, so that no client "
        "can overlook them (RFC 5280, 4.2.1.9). Zscaler's older CAs break this rule.",
        "Issue the CA certificate with basicConstraints=critical,CA:TRUE.",
    ),
    "strict-key-usage": _strict(
        "the key usage of a certificate is not right",
        "A CA must say in its key usage that it signs certificates, and what is no CA must not (RFC 5280, 4.2.1.3).",
        "Issue CA certificates with keyUsage=critical,keyCertSign,cRLSign and leave keyCertSign out of all others.",
    ),
    "strict-path-length": _strict(
        "a path length without the right to sign",
        "A path length limits how many CAs may follow; it makes no sense without CA:TRUE and keyCertSign (RFC 5280, "
        "4.2.1.9).",
        "Issue the certificate without pathlen, or with keyUsage keyCertSign.",
    ),
    "strict-names": _strict(
        "a name that must not be empty is empty",
        "An issuer, the subject of a CA, or the subjectAltName is there without content, or the subject is empty "
        "while the "
        "subjectAltName is not critical (RFC 5280, 4.1.2 and 4.2.1.6).",
        "Issue the certificate with a subject, or with a critical subjectAltName.",
    ),
    "strict-version": _strict(
        "an old version with new fields",
        "The certificate calls itself version 1 or 2 and has extensions, which came with version 3 (RFC 5280, "
        "4.1.2.1).",
        "Issue the certificate as version 3.",
    ),
}
