"""The doctor's findings as JSON, for programs. ``doctor.schema.json`` beside this file says what it holds."""

from __future__ import annotations

import json
import typing

if typing.TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from certboot.doctor.diagnosis import Diagnosis
    from certboot.doctor.examination import Examination, Outcome, PresentedCertificate
    from certboot.doctor.finding import Finding

    Members = dict[str, object]

SCHEMA = 1
_OF_PYTHON = ("client", "openssl", "code", "message", "rule")
_OF_OTHERS = ("client", "openssl", "rule", "code", "message")
_OF_LINK = ("subject", "fingerprint", "not_after", "state", "fault")
_OF_TRUST = ("clients", "code", "message", "counted", "trusts", "places")
_OF_ANY = ("fingerprint", "subject", "issuer", "not_before", "not_after")
_OF_READABLE = ("serial", "names", "issuers_at")
_LATE = {"distrusted-by-user": ("operator",), "certificate-file-damaged": ("file", "damage")}
"""Members that stand further down than with other ids: whoever compares outputs line by line is to see no change."""
_MOMENTS = ("not_before", "not_after")


def doctor_json(findings: Sequence[Finding], diagnosis: Diagnosis | None = None) -> str:
    """Return one JSON object, in ASCII; ``ok`` is false when the exit status is not 0.

    With a server ``primary`` is the id of the one cause, or null when every client accepts it; without, the key is
    not there.
    """
    document: Members = {"schema": SCHEMA, "ok": not any(finding.failed for finding in findings)}
    if diagnosis:
        document["primary"] = diagnosis.cause.id if diagnosis.cause else None
    document["findings"] = [_finding(finding) for finding in findings]
    return json.dumps(document, indent=1)


def _finding(finding: Finding) -> Members:
    members = _picked(finding, "id", "group", "status", "subject", "summary")
    return {**members, "evidence": _evidence(finding, finding.examination), "fix": finding.fix}


def _evidence(finding: Finding, examination: Examination | None) -> Members:
    """Return what the finding is concluded from: of a server what has been examined, and what the id alone has."""
    own = {**finding.evidence, **({} if finding.here is None else {"here": finding.here})}
    if examination is None:
        return own
    members = _outcome(examination.outcome, examination.chain) if examination.outcome else {}
    if examination.path:
        members["path"] = [_picked(link, *_OF_LINK) for link in examination.path]
        members["beside"] = examination.beside
    if examination.operator.words:
        members["operator"] = examination.operator.words
    if examination.certain is not None:
        members["certain"] = examination.certain
    if examination.operator.commands:
        members["issue"] = examination.operator.commands
    members |= own
    if examination.send:
        members["send"] = examination.send._asdict()
    members |= {name: members.pop(name) for name in _LATE.get(finding.id, ()) if name in members}
    if examination.clients:
        members["clients"] = examination.clients
    if examination.trusts:
        members["by_trust"] = [_picked(trust, *_OF_TRUST) for trust in examination.trusts]
    return members


def _outcome(outcome: Outcome, chain: Iterable[PresentedCertificate]) -> Members:
    return {
        "verify_code": outcome.code,
        "verify_message": outcome.message,
        **_picked(outcome, "protocol", "cipher", "proxy"),
        "verdicts": [
            _picked(verdict, *(_OF_PYTHON if verdict.client.startswith("Python") else _OF_OTHERS))
            for verdict in outcome.verdicts
        ],
        "chain": [
            _picked(certificate, *_OF_ANY, *(_OF_READABLE if certificate.fingerprint else ())) for certificate in chain
        ],
    }


def _picked(value: object, *names: str) -> Members:
    """Return these of its attributes, moments in ISO 8601."""
    members = {name: getattr(value, name) for name in names}
    moments = {name: members[name].isoformat() if members[name] else "" for name in _MOMENTS if name in members}
    return members | moments
