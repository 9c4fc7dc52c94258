"""The doctor's findings as text: groups, one line a finding, then what mends them and one summary line.

A server's chain is drawn: what was sent, what is trusted, what is missing, and where it breaks.
"""

from __future__ import annotations

import shlex
import typing
from itertools import groupby

from certboot.errors import printable

if typing.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from certboot.doctor.finding import Finding

SUBJECT = 34
"""The width of GRPC_DEFAULT_SSL_ROOTS_FILE_PATH, the longest subject, and two spaces."""
_INDENT = f"{'':8}"

_MOST_CLIENTS = 6
_STATES = {"sent": "sent", "trusted": "trusted", "missing": "MISSING"}


def doctor_report(findings: Sequence[Finding]) -> str:
    """Return the whole report. Readable without colour; strings from strangers cannot drive the terminal."""
    lines: list[str] = []
    for group, members in groupby(findings, key=lambda finding: finding.group):
        lines.append(group)
        for finding in members:
            lines += _described(finding)
    return "\n".join((*lines, *closing(findings)))


def closing(findings: Sequence[Finding]) -> list[str]:
    """Return the last lines: an empty one, the summary, and what mends and explains what was found, a line each."""
    wrong = [finding for finding in findings if finding.status != "ok"]
    words = dict.fromkeys(printable(str(hint)) for finding in wrong if (hint := finding.evidence.get("hint")))
    explained = _explained(wrong)
    hints = [*_commands(wrong), *words, *([shlex.join(("certboot", "explain", *explained))] if explained else [])]
    return ["", _summary(wrong), *(f"hint: {hint}" for hint in hints)]


def _summary(wrong: Sequence[Finding]) -> str:
    failed = [finding.group for finding in wrong if finding.status in ("fail", "error")]
    warned = [finding.group for finding in wrong if finding.status == "warn"]
    warnings = f"{len(warned)} warning{'s' * (len(warned) > 1)} in {_listed(warned)}" if warned else ""
    if failed:
        return f"{len(failed)} failed in {_listed(failed)}" + (f"; {warnings}" if warned else "")
    return f"nothing failed; {warnings}" if warned else "no problem found"


def _listed(groups: Iterable[str]) -> str:
    return ", ".join(sorted(set(groups)))


def _commands(wrong: Iterable[Finding]) -> list[str]:
    """Return what mends the findings, each command once, and before it what a later finding wants done before it."""
    merged: list[str] = []
    for finding in wrong:
        at = len(merged)
        for command in reversed([printable(shlex.join(argv)) for argv in finding.fix]):
            if command in merged:
                at = merged.index(command)
            else:
                merged.insert(at, command)
    return merged


def _explained(wrong: Iterable[Finding]) -> list[str]:
    """Return the ids of what is wrong, each once: of a server the verdict's, which is the cause, and that first."""
    told = [finding for finding in wrong if finding.status in ("fail", "warn")]
    verdict = [finding.id for finding in told if finding.group == "server"][:1]
    return list(dict.fromkeys([*verdict, *(finding.id for finding in told if finding.group != "server")]))


def said(finding: Finding) -> list[str]:
    """Return the lines of what a finding says, as they are; of a server's the id goes first."""
    lines = finding.summary.split("\n")
    return [finding.id, *lines] if finding.group == "server" and finding.status != "ok" else lines


def _described(finding: Finding) -> list[str]:
    first, *more = said(finding)
    lines = [f"  {finding.status:<6}{printable(finding.subject):<{SUBJECT}}{printable(first)}".rstrip()]
    lines += [f"{_INDENT}{printable(line)}" for line in more]
    return lines + [f"{_INDENT}{line}" for line in chain_lines(finding.evidence)]


def chain_lines(evidence: Mapping[str, object]) -> list[str]:
    """Return the lines for a server's evidence, fit for a terminal; none where it never came to a chain."""
    return [*_presented(evidence), *_path(evidence), *_trusts(evidence), *_verdicts(evidence), *_operator(evidence)]


def _presented(evidence: Mapping[str, object]) -> list[str]:
    chain = typing.cast("Sequence[Mapping[str, str]]", evidence.get("chain") or ())
    lines = ["presented chain:"] if chain else []
    for depth, certificate in enumerate(chain):
        lines.append(f"{depth:>2} s:{printable(certificate['subject'])}")
        if certificate["fingerprint"]:
            lines.append(f"   i:{printable(certificate['issuer'])}")
            lines.append(f"   v:{certificate['not_before']} to {certificate['not_after']}")
            lines.append(f"   SHA-256:{certificate['fingerprint']}")
    return lines


def _path(evidence: Mapping[str, object]) -> list[str]:
    path = typing.cast("Sequence[Mapping[str, str]]", evidence.get("path") or ())
    lines = ["from the server up to what is trusted:"] if path else []
    for depth, link in enumerate(path):
        if depth:
            lines.append(f"  {'':<9}| signed by")
        fault = f"   <-- {link['fault']}" if link["fault"] else ""
        lines.append(f"  {_STATES[link['state']]:<9}{printable(link['subject'])}{fault}")
    if path and path[-1]["state"] != "trusted":
        lines.append(f"  {'':<9}x no path to anything that is trusted here")
    beside = typing.cast("Sequence[str]", evidence.get("beside") or ())
    return lines + [f"  {'unused':<9}{printable(subject)}" for subject in beside]


def _verdicts(evidence: Mapping[str, object]) -> list[str]:
    verdicts = typing.cast("Sequence[Mapping[str, object]]", evidence.get("verdicts") or ())
    if not any(verdict["code"] for verdict in verdicts):
        return []
    lines = ["what clients say:"]
    for verdict in verdicts:
        answer = f"refuse it, {verdict['code']} ({verdict['message']})" if verdict["code"] else "accept it"
        lines.append(f"  {verdict['client']:<26}{printable(answer)}")
    return lines


def _trusts(evidence: Mapping[str, object]) -> list[str]:
    """Return a line for each trust that the clients here use: who they are, and how they fare."""
    trusts = typing.cast("Sequence[Mapping[str, typing.Any]]", evidence.get("by_trust") or ())
    lines = ["the clients that are here:"] if trusts else []
    for trust in trusts:
        if trust["code"]:
            result = f"refused ({trust['code'] if trust['code'] > 0 else trust['message']})"
            places = f", by {' and '.join(dict.fromkeys(trust['places']))}" if trust["places"] else ""
            aside = "" if trust["counted"] else "; certboot leaves them alone"
            lines.append(f"  {_some(trust['clients'])}: {result}{places}{aside}")
    accepting = [client for trust in trusts if not trust["code"] for client in trust["clients"]]
    at = 1 if accepting[:1] == ["requests"] else len(lines)
    return [
        printable(line) for line in (*lines[:at], *([f"  {_some(accepting)}: ok"] if accepting else []), *lines[at:])
    ]


def _some(clients: Sequence[str]) -> str:
    more = len(clients) - _MOST_CLIENTS
    return ", ".join(clients[:_MOST_CLIENTS]) + (f" and {more} more" if more > 0 else "")


def _operator(evidence: Mapping[str, object]) -> list[str]:
    operator = evidence.get("operator")
    return [f"for the server's operator: {printable(str(operator))}"] if operator else []
