"""What a damaged certificate in a file means for the verdict on the chain: it may be the very one that is missing."""

from __future__ import annotations

import dataclasses
import typing

from certboot.doctor.findings import EXPLANATIONS
from certboot.model import Finding
from certboot.pki.verify_codes import NO_ISSUER

if typing.TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_ID = "certificate-file-damaged"
_MOST_SHOWN = 5
_MOST = 100
# What is said where an issuer is not found. That the user distrusts it is known for certain.
_WITHOUT_ISSUER = frozenset({"missing-intermediate", "untrusted-root", "wrong-chain"})


def with_damage(findings: Sequence[Finding], path: Path, damage: tuple[str, ...]) -> list[Finding]:
    """Return the findings on a chain with what is damaged in its file: the cause itself where an issuer is missing."""
    first, *others = findings
    links = typing.cast("list[dict[str, object]]", first.evidence.get("path") or [])
    without_issuer = first.id in _WITHOUT_ISSUER and first.evidence.get("verify_code") in NO_ISSUER
    if not (links and without_issuer):
        return [first, *remark(first, path, damage, "fail"), *others]
    evidence = {
        **first.evidence,
        "path": [{**link, "fault": _ID if link["state"] == "missing" else ""} for link in links],
        "operator": EXPLANATIONS[_ID].operator,
        **_evidence(path, damage),
    }
    verdict = first.summary.partition("\n")[0]
    summary = f"{verdict}\n{_summary(path, damage)}\nit may be the one that is missing: {links[-1]['subject']}"
    return [dataclasses.replace(first, id=_ID, summary=summary, evidence=evidence, fix=()), *others]


def remark(first: Finding, path: Path, damage: tuple[str, ...], status: str) -> list[Finding]:
    """Return what is damaged as a finding beside ``first``, the verdict."""
    return [Finding(_ID, first.group, status, first.subject, _summary(path, damage), _evidence(path, damage))]


def _summary(path: Path, damage: tuple[str, ...]) -> str:
    more = len(damage) - _MOST_SHOWN
    lines = [f"there is a damaged certificate in {path}", *damage[:_MOST_SHOWN]]
    return "\n".join([*lines, f"and {more} more"] if more > 0 else lines)


def _evidence(path: Path, damage: tuple[str, ...]) -> dict[str, object]:
    return {"file": str(path), "damage": list(damage[:_MOST])}
