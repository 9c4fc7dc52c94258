"""What a scan says of one line of its list, as a JSON line and back. ``scan.schema.json`` says what a line holds."""

from __future__ import annotations

import json
import math
import re
import typing
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from certboot import moment
from certboot.doctor.examination import PresentedCertificate
from certboot.doctor.finding import Finding, Fix, Status
from certboot.doctor.findings import EXPLANATIONS
from certboot.errors import CertbootError
from certboot.scan.entries import Entry

NOT_A_HOST = "not-a-host"
NOT_FINISHED = "check-not-finished"
UNTRUSTED = "untrusted-root"
SOON = "expires-soon"
_LONGEST, _LONGEST_SUMMARY = 1000, 4000

SCHEMA = 1
BEGINNING = f'{{"schema":{SCHEMA},'.encode()
"""Of every line."""
# Commands that the doctor of servers gives, the words parted by zero bytes: no others are shown as certboot's.
_COMMAND = re.compile(
    r"(env\0((-u\0[^\0]+\0)+|OPENSSL_CONF=[^\0]+classical\.cnf\0))?"
    r"certboot\0(adopt|distrust|doctor|init|repair|trust|update)(\0[^\0]*)*"
)
_OF_THE_ENTRY = ("number", "input", "target", "seconds")
_TYPES: dict[str, tuple[type, ...]] = {
    "number": (int,),
    **dict.fromkeys(("input", "target", "status", "summary", "protocol", "root"), (str,)),
    "primary": (str, type(None)),
    "verify_code": (int, type(None)),
    "seconds": (float, int),
}


@dataclass(frozen=True)
class Presented:
    """The server's certificate. One that cannot be read has only a ``subject`` that says so."""

    fingerprint: str
    subject: str
    issuer: str
    not_before: str
    not_after: str


@dataclass(frozen=True)
class Verdict:
    """What came of one host. The names are those of a line."""

    primary: str | None
    """The id of the one cause, as ``certboot doctor`` gives it; None for a handshake that is good for every client."""
    status: Status
    """``warn``: this Python accepts it, ``error``: certboot itself failed."""
    summary: str
    verify_code: int | None = None
    """X509_V_ERR_*; None where it did not come to that."""
    protocol: str = ""
    certificate: Presented | None = None
    """The server's own."""
    root: str = ""
    """The subject of the CA at the end of the chain, if that is what is not trusted."""
    also: tuple[str, ...] = ()
    """The ids of what else there is to say."""
    fix: Fix = ()


@dataclass(frozen=True)
class Result:
    """One line of the answer."""

    number: int
    """The place of the entry in the list, from 1 on."""
    input: str
    """The entry as it stands in the list, without a password."""
    target: str
    """HOST:PORT; empty if the entry is no host."""
    verdict: Verdict
    seconds: float = 0.0


def no_host(entry: Entry) -> Result:
    """Return the result for an entry that names no host."""
    return Result(entry.number, entry.text, "", Verdict(NOT_A_HOST, "fail", entry.problem))


def verdict(findings: Sequence[Finding]) -> Verdict:
    """Return what the findings on a host come to."""
    first, *others = findings
    examination = first.seen
    return Verdict(
        primary=None if first.status == "ok" else first.id,
        status=first.status,
        summary=_cut(first.summary, _LONGEST_SUMMARY),
        verify_code=examination.code,
        protocol=examination.outcome.protocol if examination.outcome else "",
        certificate=_presented(examination.chain[0]) if examination.chain else None,
        root=_cut(str(first.evidence.get("root", ""))) if first.id == UNTRUSTED else "",
        also=tuple(finding.id for finding in others),
        fix=first.fix,
    )


def _presented(certificate: PresentedCertificate) -> Presented:
    begin, end = (when.isoformat() if when else "" for when in (certificate.not_before, certificate.not_after))
    return Presented(certificate.fingerprint, _cut(certificate.subject), _cut(certificate.issuer), begin, end)


def time_left(result: Result, now: datetime) -> timedelta | None:
    """Return how long the host's certificate is still valid, below zero if it has ended; None if none can be read."""
    certificate = result.verdict.certificate
    end = moment.parsed(certificate.not_after) if certificate else None
    return end - now if end else None


def within(result: Result, span: timedelta, now: datetime) -> Result:
    """Return the result in which ``expires-soon`` is what ends within this span, whatever the doctor takes for soon."""
    others = tuple(kind for kind in result.verdict.also if kind != SOON)
    left = time_left(result, now)
    ends = left is not None and timedelta(0) <= left <= span
    return replace(result, verdict=replace(result.verdict, also=(*others, SOON) if ends else others))


def _cut(text: str, most: int = _LONGEST) -> str:
    """Return what a certificate says without the rest of what is absurdly long: thousands of results are kept."""
    return text if len(text) <= most else f"{text[:most]}..."


def scan_line(result: Result) -> str:
    """Return one JSON object in ASCII and on one line, with the line's end."""
    document = asdict(result)
    judged, seconds = document.pop("verdict"), document.pop("seconds")
    return json.dumps({"schema": SCHEMA, **document, **judged, "seconds": seconds}, separators=(",", ":")) + "\n"


def parse_line(line: bytes) -> Result:
    """Return the result in a line that ``scan_line`` wrote, without what a newer one adds; raises CertbootError."""
    try:
        document: dict[str, typing.Any] = json.loads(line)
        # Text that is none (half of a surrogate pair) could neither be compared with the list nor shown.
        json.dumps(document, ensure_ascii=False).encode()
        if _is_well_formed(document):
            certificate = Presented(**document["certificate"]) if document["certificate"] else None
            texts = {name: document[name] for name in _TYPES if name not in _OF_THE_ENTRY}
            fix = tuple(map(tuple, document["fix"]))
            judged = Verdict(**texts, certificate=certificate, also=tuple(document["also"]), fix=fix)
            return Result(**{name: document[name] for name in _OF_THE_ENTRY}, verdict=judged)
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    raise CertbootError("not a line of certboot scan, or of a newer one")


def _is_well_formed(document: dict[str, typing.Any]) -> bool:
    """Return whether all is of its type, and what lines are counted and mended by is ours. Other text may be any."""
    primary, status = document["primary"], document["status"]
    kinds = (*document["also"], *([] if primary is None else [primary]))
    return (
        document["schema"] == SCHEMA
        and all(type(document[name]) in types for name, types in _TYPES.items())
        and status in typing.get_args(Status)
        and (primary is None) == (status == "ok")
        and (primary != NOT_A_HOST or (status == "fail" and not document["target"]))
        and all(kind in EXPLANATIONS for kind in kinds)
        and all(_COMMAND.fullmatch("\0".join(argv)) for argv in document["fix"])
        and all(isinstance(value, str) for value in (document["certificate"] or {}).values())
        and 0 <= document["seconds"] < math.inf
    )
