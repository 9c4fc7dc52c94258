"""The chain as something to look at: every link with where it comes from and what is wrong with it."""

from __future__ import annotations

import typing

from certboot.doctor.finding import Presented
from certboot.errors import CertificateError, printable
from certboot.pki.parsed import parsed_certificate

if typing.TYPE_CHECKING:
    from collections.abc import Iterable

    from certboot.doctor.server.case import Case, Cause
    from certboot.pki.parsed import ParsedCertificate

_MOST = 100
_WITHOUT_ISSUER = frozenset({"missing-intermediate", "wrong-chain", "untrusted-root", "distrusted-by-user"})


def presented(ders: Iterable[bytes]) -> list[Presented]:
    """Return what the server sent, in its order, as far as it can be read."""
    return [_described(der) for der in tuple(ders)[:_MOST]]


def _described(der: bytes) -> Presented:
    try:
        certificate = parsed_certificate(der).certificate
    except CertificateError as error:
        return Presented("", printable(error.message), "", "", "")
    begin, end = (moment.isoformat() for moment in certificate.validity)
    return Presented(certificate.fingerprint, certificate.subject, certificate.issuer, begin, end)


def path_evidence(case: Case, cause: Cause) -> dict[str, object]:
    """Return ``path``, the links from the leaf to the end with ``state`` and ``fault``, and what was sent beside them.

    States: ``sent`` by the server, ``trusted`` (it is in the active trust), ``missing`` (neither).
    """
    links: list[dict[str, object]] = []
    for depth, member in enumerate(case.path.certificates):
        state = "sent" if depth < case.path.sent else "trusted"
        links.append(_link(member, state, cause.id if depth == cause.depth and cause.status != "ok" else ""))
    if case.path.defect and not case.top.is_self_signed:
        issuer = case.top.certificate.issuer
        fault = cause.id if cause.id in _WITHOUT_ISSUER and cause.id != "wrong-chain" else ""
        links.append({"subject": issuer, "fingerprint": "", "not_after": "", "state": "missing", "fault": fault})
    beside = [member for member in case.sent if member not in case.path.certificates]
    return {"path": links, "beside": [member.certificate.subject for member in beside]}


def _link(member: ParsedCertificate, state: str, fault: str) -> dict[str, object]:
    certificate = member.certificate
    return {
        "subject": certificate.subject,
        "fingerprint": certificate.fingerprint,
        "not_after": certificate.validity.not_after.isoformat(),
        "state": state,
        "fault": fault,
    }
