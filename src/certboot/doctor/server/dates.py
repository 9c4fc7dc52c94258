"""Whether a certificate that is not valid now is at fault itself, or this machine's clock."""

from __future__ import annotations

import typing

from certboot import moment
from certboot.doctor.environment.clock import NOTICEABLE
from certboot.doctor.server import remedies
from certboot.doctor.server.case import Cause
from certboot.pki.verify_codes import Code

if typing.TYPE_CHECKING:
    from certboot.doctor.server.case import Case


def not_valid_now(case: Case) -> Cause:
    """Return the cause for X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED."""
    wrong = _why_the_clock(case)
    if wrong:
        meaning = f"this machine's clock says {moment.shown(case.now)}, which cannot be right: {wrong}"
        return Cause(
            "clock-skew", meaning, depth=case.depth, evidence={"clock": case.now.isoformat(), "because": wrong}
        )
    certificate = case.culprit.certificate
    if case.code == Code.CERT_NOT_YET_VALID:
        meaning = f"valid only from {moment.shown(certificate.validity.not_before)} on: {certificate.subject}"
        return Cause("not-yet-valid", meaning, depth=case.depth)
    meaning = f"expired on {moment.shown(certificate.validity.not_after)}: {certificate.subject}"
    if not case.depth:
        if case.depth is None:
            meaning = "a certificate of the chain has expired, most likely the server's own"
        return Cause("expired-leaf", meaning, depth=case.depth)
    from_trust = case.depth >= case.path.sent
    where = "in the trust that is active" if from_trust else "that the server sends"
    kind = "expired-root" if from_trust and case.culprit.certificate.link.self_issued else "expired-intermediate"
    child = case.path.certificates[case.depth - 1]
    # The CA may have a newer certificate for the same key; OpenSSL prefers what is trusted to what is sent.
    fix = remedies.certboot("repair", case.target) if kind == "expired-intermediate" and child.issuers_at else ()
    return Cause(kind, f"a CA certificate {where} {meaning}", fix, depth=case.depth)


def _why_the_clock(case: Case) -> str:
    clock, there = case.known.clock, case.server_date
    if clock is None:
        return ""
    early = case.code == Code.CERT_NOT_YET_VALID
    if early and clock.earliest and case.now < clock.earliest:
        return f"certboot and its certificates are from {moment.shown(clock.earliest)}"
    if not early and clock.anchors_expired:
        return "by it most of the root certificates in use have expired"
    certificate = case.culprit.certificate
    if early and case.depth is not None and case.depth >= case.path.sent and case.depth:
        begin = moment.shown(certificate.validity.not_before)
        return f"a root that is already trusted would be valid only from {begin} on"
    believable = there is not None and not (clock.earliest and there < clock.earliest)
    differs = there is not None and believable and abs(there - case.now) > NOTICEABLE
    if there and differs and all(member.certificate.validity.covers(there) for member in case.path.certificates):
        return f"the server says that it is {moment.shown(there)}, and then its chain is valid"
    return ""
