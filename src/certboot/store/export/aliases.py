"""The aliases of certificates in Java's key stores.

Java looks an alias up in lower case, and keeps one entry of those that differ in nothing else (JavaKeyStore.java,
PKCS12KeyStore.java).
"""

from __future__ import annotations

import collections
import typing

from certboot.pki.certificate import file_name

if typing.TYPE_CHECKING:
    from collections.abc import Sequence

    from certboot.model import Certificate


def by_alias(certificates: Sequence[Certificate]) -> dict[str, Certificate]:
    """Return alias -> certificate, sorted. No two share one, and each stays the same whatever else comes or goes.

    An alias is a readable name and the first digits of the SHA-256, in ``a-z0-9_-``. Where that is not enough to tell
    two apart, which takes intent, both have all the digits.
    """
    distinct = {certificate.fingerprint: certificate for certificate in certificates}.values()
    short = [(file_name(certificate).removesuffix(".pem").lower(), certificate) for certificate in distinct]
    uses = collections.Counter(alias for alias, _ in short)
    named = {
        alias if uses[alias] == 1 else f"{alias.rpartition('-')[0]}-{certificate.fingerprint}": certificate
        for alias, certificate in short
    }
    return dict(sorted(named.items()))
