"""The CA at the top of what a TLS server sends, as ``trust HOST`` offers it. Part of the source ``added``."""

from __future__ import annotations

import typing

from certboot.certs import is_signed_by, load_certificate
from certboot.errors import CertificateError, SourceError
from certboot.model import Candidate, Loaded
from certboot.sources import added
from certboot.sources.address import expected

if typing.TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from certboot.model import Certificate

_HINT = "ask whoever runs the server, or the CA, for the CA's certificate, then certboot trust FILE"


def topmost(presented: Sequence[bytes], host: str, pin: str, now: datetime) -> Loaded:
    """Return the last certificate up from the server's own, by signatures that are checked; raises SourceError.

    ``pin`` is empty, or the SHA-256 that it must have, in hexadecimal digits with or without colons.
    """
    wanted = expected(pin)
    certificates = _readable(presented)
    if not certificates:
        message = f"it sends no certificate that can be read: {host}"
        raise SourceError(message, _HINT)
    top = certificates[0]
    for _ in certificates:
        above = next((each for each in certificates if each != top and _is_issuer(each, top)), None)
        if above is None or top.self_issued:
            break
        top = above
    if top is certificates[0] and not top.is_ca:
        message = f"it sends its own certificate only, and none of the CA that issued it: {host}"
        raise SourceError(message, _HINT)
    if wanted and wanted != top.fingerprint:
        message = f"the CA that it sends has another SHA-256, {top.fingerprint}: {host}"
        raise SourceError(
            message, "ask whoever runs this CA which is right; somebody may stand between you and the server"
        )
    return added.checked(Loaded((Candidate(top, added.NAME, f"sent by {host}"),)), host, now)


def _readable(presented: Sequence[bytes]) -> list[Certificate]:
    found = []
    for number, data in enumerate(presented):
        try:
            found.append(load_certificate(data))
        except CertificateError:
            if number == 0:
                return []
    return found


def _is_issuer(issuer: Certificate, certificate: Certificate) -> bool:
    return issuer.is_ca and issuer.subject_name == certificate.issuer_name and is_signed_by(certificate, issuer)
