"""What a scan says of one line of its list, as a JSON line and back. ``scan.schema.json`` says what a line holds."""

from __future__ import annotations

import json
import typing
from dataclasses import asdict, dataclass

from certboot.doctor.finding import Presented
from certboot.errors import CertbootError

if typing.TYPE_CHECKING:
    from collections.abc import Sequence

    from certboot.doctor.finding import Finding
    from certboot.net.connection import Target
    from certboot.scan.entries import Entry

NOT_A_HOST = "not-a-host"
NOT_FINISHED = "check-not-finished"
UNTRUSTED = "untrusted-root"
_LONGEST, _LONGEST_SUMMARY = 1000, 4000

SCHEMA = 1
BEGINNING = f'{{"schema":{SCHEMA},'.encode()
"""Of every line."""
_TYPES = {"number": int, "input": str, "target": str, "status": str, "summary": str, "root": str}


@dataclass(frozen=True)
class Result:
    """One line of the answer."""

    number: int
    """The place of the entry in the list, from 1 on."""
    input: str
    """The entry as it stands in the list, without a password."""
    target: str
    """HOST:PORT; empty if the entry is no host."""
    primary: str | None
    """The id of the one cause, as ``certboot doctor`` gives it; None for a handshake that is good for every client."""
    status: str
    """``ok``, ``warn``: this Python accepts it, ``fail``, or ``error``: certboot itself failed."""
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
    fix: tuple[tuple[str, ...], ...] = ()
    """Commands that mend it, each an argv that runs as it stands."""
    seconds: float = 0.0


def no_host(entry: Entry) -> Result:
    """Return the result for an entry that names no host."""
    return Result(entry.number, entry.text, "", NOT_A_HOST, "fail", entry.problem)


def examined(target: Target, findings: Sequence[Finding], seconds: float) -> Result:
    """Return the result for a host, as from an entry that has yet to get its number and text."""
    first, *others = findings
    evidence: dict[str, typing.Any] = first.evidence
    chain = evidence.get("chain") or ()
    return Result(
        0,
        "",
        target.shown,
        None if first.status == "ok" else first.id,
        first.status,
        _cut(first.summary, _LONGEST_SUMMARY),
        evidence.get("verify_code"),
        evidence.get("protocol", ""),
        Presented(**{name: _cut(value) for name, value in chain[0].items()}) if chain else None,
        _cut(evidence.get("root", "")) if first.id == UNTRUSTED else "",
        tuple(finding.id for finding in others),
        first.fix,
        round(seconds, 3),
    )


def _cut(text: str, most: int = _LONGEST) -> str:
    """Return what a certificate says without the rest of what is absurdly long: thousands of results are kept."""
    return text if len(text) <= most else f"{text[:most]}..."


def scan_line(result: Result) -> str:
    """Return one JSON object in ASCII and on one line, with the line's end."""
    return json.dumps({"schema": SCHEMA, **asdict(result)}, separators=(",", ":")) + "\n"


def parse_line(line: bytes) -> Result:
    """Return the result in a line that ``scan_line`` wrote, as far as a later run needs it; raises CertbootError."""
    try:
        found: dict[str, typing.Any] = json.loads(line)
        # Text that is none (half of a surrogate pair) could neither be compared with the list nor shown.
        json.dumps(found, ensure_ascii=False).encode()
        whole = found["schema"] == SCHEMA and all(type(found[name]) is kind for name, kind in _TYPES.items())
        plain = isinstance(found["verify_code"], int | None) and isinstance(found["protocol"], str)
        if whole and plain and isinstance(found["primary"], str | None) and isinstance(found["seconds"], float | int):
            certificate = Presented(**found["certificate"]) if found["certificate"] else None
            fix = tuple(tuple(map(str, argv)) for argv in found["fix"])
            also = tuple(map(str, found["also"]))
            rest = {name: found[name] for name in ("primary", "verify_code", "protocol", "seconds")}
            named = {name: found[name] for name in _TYPES}
            return Result(**named, **rest, certificate=certificate, also=also, fix=fix)
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    message = "not a line of certboot scan"
    raise CertbootError(message, "write to another file, or move this one away")
