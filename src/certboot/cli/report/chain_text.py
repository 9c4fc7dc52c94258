"""A chain drawn in text: what the server sent, what is trusted, what is missing, and where it breaks."""

from __future__ import annotations

import typing

from certboot.printable import printable

if typing.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_STATES = {"sent": "sent", "trusted": "trusted", "missing": "MISSING"}


def chain_lines(evidence: Mapping[str, object]) -> list[str]:
    """Return the lines for a server's evidence, fit for a terminal; none where it never came to a chain."""
    return [*_presented(evidence), *_path(evidence), *_verdicts(evidence), *_operator(evidence)]


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
        said = f"refuse it, {verdict['code']} ({verdict['message']})" if verdict["code"] else "accept it"
        lines.append(f"  {verdict['client']:<26}{printable(said)}")
    return lines


def _operator(evidence: Mapping[str, object]) -> list[str]:
    operator = evidence.get("operator")
    return [f"for the server's operator: {printable(str(operator))}"] if operator else []
