"""What a certificate that Python 3.13 and newer refuse would have to be issued anew with."""

from __future__ import annotations

import typing

if typing.TYPE_CHECKING:
    from certboot.model import Certificate

PYTHONS = "Python 3.13 and newer"
"""Which refuse it, because ssl.create_default_context() sets VERIFY_X509_STRICT there."""

_OF_A_CA = {
    "strict-missing-ski": "subjectKeyIdentifier=hash",
    "strict-basic-constraints": "basicConstraints=critical,CA:TRUE",
    "strict-key-usage": "keyUsage=critical,keyCertSign,cRLSign",
    "strict-path-length": "keyUsage=critical,keyCertSign,cRLSign",
}
_OF_A_SERVER = {
    "strict-key-usage": "keyUsage=critical,digitalSignature",
    "strict-path-length": "basicConstraints=critical,CA:FALSE",
}


def reissue_extension(certificate: Certificate, defect: str) -> str:
    """Return the extension that mends the defect, as OpenSSL's configuration has it; empty where none would.

    See x509v3_config(5).
    """
    if defect == "strict-missing-aki":
        return "authorityKeyIdentifier=keyid:always"
    if not certificate.is_ca:
        return _OF_A_SERVER.get(defect, "")
    limit = certificate.path_length if defect == "strict-basic-constraints" else None
    return _OF_A_CA.get(defect, "") + ("" if limit is None else f",pathlen:{limit}")


def reissue_request(certificate: Certificate, defects: typing.Iterable[str]) -> str:
    """Return what to ask of whoever runs the CA; empty where no extension would mend it."""
    extensions = [found for defect in defects if (found := reissue_extension(certificate, defect))]
    if not extensions:
        return ""
    # With another key or name, all that it has issued would have to be issued anew too.
    same = "same key and name" if certificate.is_ca else "same names"
    return f"its issuer can issue it anew with the {same}, and {' '.join(dict.fromkeys(extensions))}"
