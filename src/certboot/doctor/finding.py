"""A finding of the doctor, and its remedies: none leads back to where it stands, or needs a store that is not there."""

from __future__ import annotations

import dataclasses
import typing
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from certboot.store.paths import in_force

if typing.TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from certboot.store.paths import StorePaths

Group: TypeAlias = Literal["environment", "hook", "store", "clients", "server"]
Status: TypeAlias = Literal["ok", "info", "warn", "fail", "skip", "error"]
Fix: TypeAlias = tuple[tuple[str, ...], ...]
"""Commands that mend something, each an argv that can be run as it stands."""

_INIT = ("certboot", "init")
# Of the commands that mend something, those that refuse to begin without a store.
_NEED_STORE = ("adopt", "distrust", "repair", "update")


def without_return(findings: Iterable[Finding], groups: Collection[str]) -> list[Finding]:
    """Return the findings without remedies that are to look at groups which this run looks at anyway."""

    def returns(argv: tuple[str, ...]) -> bool:
        return argv[:2] == ("certboot", "doctor") and set(argv[2:]) <= set(groups)

    return [dataclasses.replace(finding, fix=tuple(a for a in finding.fix if not returns(a))) for finding in findings]


def with_store(findings: Iterable[Finding], paths: StorePaths) -> list[Finding]:
    """Return the findings, where there is no store with remedies that make it first if they need it."""
    if in_force(paths):
        return list(findings)
    return [
        dataclasses.replace(finding, fix=(_INIT, *finding.fix)) if _needs_store(finding) else finding
        for finding in findings
    ]


def _needs_store(finding: Finding) -> bool:
    first = next((argv[1] for argv in finding.fix if argv[0] == "certboot"), "")
    return first in _NEED_STORE


@dataclass(frozen=True)
class Presented:
    """One certificate as a server sent it, to be shown. One that cannot be read has only a ``subject`` that says so."""

    fingerprint: str
    subject: str
    issuer: str
    not_before: str
    not_after: str


@dataclass(frozen=True)
class Finding:
    """One thing the doctor looked at. The field names are those of ``certboot doctor --json``."""

    id: str
    group: Group
    status: Status
    subject: str
    summary: str
    evidence: dict[str, object] = field(default_factory=dict)
    fix: Fix = ()
