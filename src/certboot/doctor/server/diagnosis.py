"""The findings on one server or chain: the cause first with the links of the chain, then what else there is to say."""

from __future__ import annotations

import functools
import typing
from dataclasses import replace
from datetime import datetime

from certboot.doctor.examination import (
    NO_INSTRUCTION,
    NOTHING,
    ClientVerdict,
    Examination,
    Link,
    Outcome,
    PresentedCertificate,
)
from certboot.doctor.finding import Finding
from certboot.doctor.findings import EXPLANATIONS
from certboot.doctor.server import cause as causes
from certboot.doctor.server.case import Case, Cause
from certboot.doctor.server.no_handshake import without_verdict
from certboot.doctor.server.pythons import OTHERS, python_verdicts
from certboot.doctor.server.remarks import remarks, unread
from certboot.errors import CertificateError, printable
from certboot.pki.by_subject import BySubject, readable_parts
from certboot.pki.openssl import OURS
from certboot.pki.parse_errors import parsing
from certboot.pki.parsed import parsed_certificate
from certboot.pki.path import is_issuer
from certboot.pki.subject_hash import comparable
from certboot.pki.verify import Rules, overshadowing, verify
from certboot.pki.verify_codes import NO_ISSUER, Code

if typing.TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from certboot.doctor.examination import State
    from certboot.doctor.finding import Status
    from certboot.doctor.server.case import Evidence
    from certboot.pki.openssl import Version
    from certboot.pki.parsed import ParsedCertificate

GOOD = "handshake-ok"
_MOST_SHOWN = 100
_WITHOUT_ISSUER = frozenset({"missing-intermediate", "wrong-chain", "untrusted-root", "distrusted-by-user"})
_MOST_COMPARED = 50_000  # certificates with the name of an issuer; OpenSSL has judged without this list


def examined(evidence: Evidence, *, by_openssl: bool = True) -> list[Finding]:
    """Return the findings; the first has the verdict: ``handshake-ok`` or the one cause.

    ``by_openssl``: whether to compute what other versions of OpenSSL than this Python's say.
    """
    handshake = evidence.handshake
    if handshake and handshake.outcome not in ("ok", "unverified"):
        return [_finding(evidence, without_verdict(evidence.target, handshake), _examination(evidence))]
    sent = readable_parts(evidence.presented)
    unlooked = [_finding(evidence, remark) for remark in unread(evidence.presented)]
    if not sent or not evidence.presented or sent[0].certificate.der != evidence.presented[0]:
        return [_without_leaf(evidence), *unlooked]
    known = (sent, relevant(evidence.anchors, sent)) if by_openssl else ()
    verdicts = python_verdicts(evidence, *known)
    case, primary = _judged(evidence, sent, verdicts)
    drawn = _with_path(_examination(evidence, verdicts), case, primary)
    others = remarks(case, handshake, primary.id)
    return [_finding(evidence, primary, drawn), *(_finding(evidence, remark) for remark in others), *unlooked]


def relevant(anchors: Sequence[bytes], sent: Sequence[ParsedCertificate]) -> tuple[ParsedCertificate, ...]:
    """Return those anchors that may stand above what was sent, or are among it, and those above them."""
    by_name = _by_name(tuple(anchors))
    chosen: dict[bytes, ParsedCertificate] = {}
    for member in sent:
        own = by_name.parts_of(member.certificate.link.subject_name)
        chosen.update((anchor.certificate.der, anchor) for anchor in own if anchor == member)
    left: dict[bytes, Sequence[ParsedCertificate]] = {}
    waiting = list(sent)
    compared = 0
    for child in waiting:  # grows as it goes
        issuer = child.certificate.link.issuer_name
        name = comparable(issuer)
        if name not in left:
            left[name] = by_name.parts_of(issuer)
        candidates = [anchor for anchor in left[name] if anchor.certificate.der not in chosen]
        compared += len(candidates)
        if compared > _MOST_COMPARED:
            break
        above = [anchor for anchor in candidates if is_issuer(anchor, child)]
        chosen.update((anchor.certificate.der, anchor) for anchor in above)
        # What was found once is looked at no more: of thousands with one name each would be compared with each.
        left[name] = [anchor for anchor in candidates if anchor.certificate.der not in chosen]
        waiting += above
    return tuple(chosen.values())


@functools.lru_cache(maxsize=4)  # of many hosts in a row the active trust is the same
def _by_name(anchors: tuple[bytes, ...]) -> BySubject:
    return BySubject(anchors)


def _judged(
    evidence: Evidence, sent: tuple[ParsedCertificate, ...], verdicts: Iterable[ClientVerdict]
) -> tuple[Case, Cause]:
    judgements = evidence.judgements
    here, lax = judgements.here, judgements.lax
    refused_here = here is not None and here.code != 0
    # What every client refuses counts before what only the strict do.
    if lax and lax.code and (refused_here or not evidence.strict_here):
        case = _case(evidence, sent, lax.code, strict=False)
        return case, causes.refused(case, lax.message)
    if here and here.code:
        case = _case(evidence, sent, here.code, strict=evidence.strict_here)
        only_strict = evidence.strict_here and lax is not None
        return case, causes.strict_only(case, here=True) if only_strict else causes.refused(case, here.message)
    case = _case(evidence, sent, 0, strict=evidence.strict_here)
    objection = causes.though_accepted(case, judgements.without_common_name)
    if objection:
        return case, objection
    refusing = [verdict for verdict in verdicts if verdict.code]
    only_strict = all(verdict.strict for verdict in refusing)
    for verdict in sorted(refusing, key=lambda verdict: not verdict.strict):
        theirs = _case(evidence, sent, verdict.code, strict=verdict.strict, openssl=verdict.version)
        if verdict.strict and (only_strict or verdict.code in causes.STRICT_CAUSES):
            return theirs, causes.strict_only(theirs, here=False)
        # The chain is drawn as it is here, where it has an end.
        cause = causes.refused(theirs, verdict.message, verdict.version)
        return case, Cause(cause.id, cause.meaning, cause.fix, "warn", cause.depth)
    return case, Cause(GOOD, "", status="ok")


def _case(
    evidence: Evidence, sent: tuple[ParsedCertificate, ...], wanted: int, *, strict: bool, openssl: Version = OURS
) -> Case:
    anchors = relevant(evidence.anchors, sent)
    rules = Rules(evidence.now, evidence.target.name, strict=strict, level=evidence.level, openssl=openssl)
    verdict = verify(sent, anchors, rules)
    date = evidence.handshake.peer.date if evidence.handshake else ""
    believed = [member for member in sent if member.certificate.fingerprint not in evidence.known.distrust.revoked]
    return Case(
        evidence.target,
        evidence.now,
        sent,
        verdict.path,
        wanted,
        verdict.depth if verdict.code == wanted and wanted else None,
        evidence.known,
        datetime.fromisoformat(date) if date else None,
        evidence.handshake.peer.proxy if evidence.handshake else "",
        overshadowing(believed, anchors, rules) if wanted and verdict.code == wanted else None,
    )


_CODE_ALONE: dict[int, str] = {
    Code.OK: GOOD,
    Code.CERT_HAS_EXPIRED: "expired-leaf",
    Code.CERT_NOT_YET_VALID: "not-yet-valid",
    **dict.fromkeys(NO_ISSUER, "untrusted-root"),
    **causes.CAUSES,
}


def _without_leaf(evidence: Evidence) -> Finding:
    """Return the finding where the server's own certificate was not seen or cannot be read: only the code is known."""
    judgements = evidence.judgements
    code = judgements.here.code if judgements.here else 1
    accepted = judgements.lax is not None and judgements.lax.code == 0
    kind = _CODE_ALONE.get(code, "verification-failed")
    status: Status = "fail" if code else "ok"
    if accepted and judgements.strict and judgements.strict.code:
        kind = causes.STRICT_CAUSES.get(judgements.strict.code, "verification-failed")
        status = "fail" if evidence.strict_here else "warn"
    meaning = "" if kind == GOOD else "the certificate itself could not be looked at"
    unknown = kind == "untrusted-root"
    meaning += "\nif its root is a company's own, ask the company for its file, then certboot trust FILE" * unknown
    cause = Cause(kind, meaning, status=status, certain=False if unknown else None)
    return _finding(evidence, cause, _examination(evidence))


def _examination(evidence: Evidence, verdicts: Iterable[ClientVerdict] | None = None) -> Examination:
    """Return what there is to be seen, but for the path."""
    judgements, handshake = evidence.judgements, evidence.handshake
    here, by_name = judgements.here, judgements.without_common_name
    said = [*(python_verdicts(evidence) if verdicts is None else verdicts)]
    said += [ClientVerdict(OTHERS, "", *by_name)] if by_name else []
    code, message = here or (None, "")
    way = (handshake.protocol, handshake.cipher, handshake.peer.proxy) if handshake else ("", "", "")
    chain = tuple(_presented(der) for der in evidence.presented[:_MOST_SHOWN])
    return Examination(outcome=Outcome(code, message, *way, verdicts=tuple(said)), chain=chain)


def _finding(evidence: Evidence, cause: Cause, examination: Examination = NOTHING) -> Finding:
    here, shown = evidence.judgements.here, evidence.target.shown
    # A chain from a file has no port: nobody has named a server that a command might go to.
    fix = tuple(argv for argv in cause.fix if evidence.target.port or shown not in argv)
    lines = []
    if examination.outcome and here:
        lines.append(f"Verify return code: {here.code} ({here.message})")
        if here.code == 0 and examination.outcome.protocol:
            lines[0] += f", {examination.outcome.protocol}"
    lines += [cause.meaning] if cause.meaning else []
    operator = cause.operator or NO_INSTRUCTION
    if cause.operator and not operator.words and cause.status != "ok":
        operator = operator._replace(words=EXPLANATIONS[cause.id].operator.format(target=shown))
    examination = replace(examination, operator=operator, certain=cause.certain)
    summary = "\n".join(lines)
    return Finding(cause.id, "server", cause.status, shown, summary, cause.evidence, fix, cause.here, examination)


def _presented(der: bytes) -> PresentedCertificate:
    """Return what is shown of a certificate that the server sent, as far as it can be read."""
    try:
        member = parsed_certificate(der)
        with parsing():
            serial = f"{member.parsed.serial_number:x}"
    except CertificateError as error:
        return PresentedCertificate(der, printable(error.message))
    certificate = member.certificate
    return PresentedCertificate(
        der,
        certificate.subject,
        certificate.issuer,
        *certificate.validity,
        certificate.fingerprint,
        serial,
        tuple(printable(name) for name in (*member.dns_names, *member.addresses)),
        member.issuers_at,
    )


def _with_path(examination: Examination, case: Case, cause: Cause) -> Examination:
    """Return it with the links from the leaf to the end, and what was sent beside them."""
    if cause.id == GOOD and case.path.defect:
        return examination  # what OpenSSL accepts has its end, in a certificate that only OpenSSL can read
    links: list[Link] = []
    for depth, member in enumerate(case.path.certificates):
        fault = cause.id if depth == cause.depth and cause.status != "ok" else ""
        certificate = member.certificate
        state: State = "sent" if depth < case.path.sent else "trusted"
        links.append(Link(certificate.subject, state, fault, certificate.fingerprint, certificate.validity.not_after))
    if case.path.defect and not case.top.is_self_signed and cause.id != "openssl-too-old":
        fault = cause.id if cause.id in _WITHOUT_ISSUER and cause.id != "wrong-chain" else ""
        links.append(Link(case.top.certificate.issuer, "missing", fault))
    beside = [member for member in case.sent if member not in case.path.certificates]
    return replace(examination, path=tuple(links), beside=tuple(member.certificate.subject for member in beside))
