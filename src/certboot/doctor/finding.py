"""Remedies as they are offered: none leads back to where it stands, and none needs a store that is not there."""

from __future__ import annotations

import dataclasses
import typing

from certboot.store.layout import in_force

if typing.TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from certboot.model import Finding
    from certboot.store.paths import StorePaths

_INIT = ("certboot", "init")
# Of the commands that mend something, those that refuse to begin without a store.
_NEED_STORE = ("adopt", "distrust", "repair", "update")


def without_return(findings: Iterable[Finding], groups: Collection[str]) -> list[Finding]:
    """Return the findings without remedies that are to look at groups which this run looks at anyway."""

    def returns(argv: tuple[str, ...]) -> bool:
        return argv[:2] == ("certboot", "doctor") and set(argv[2:]) <= set(groups)

    return [dataclasses.replace(each, fix=tuple(a for a in each.fix if not returns(a))) for each in findings]


def with_store(findings: Iterable[Finding], paths: StorePaths) -> list[Finding]:
    """Return the findings, where there is no store with remedies that make it first if they need it."""
    if in_force(paths):
        return list(findings)
    return [dataclasses.replace(each, fix=(_INIT, *each.fix)) if _needs_store(each) else each for each in findings]


def _needs_store(finding: Finding) -> bool:
    first = next((argv[1] for argv in finding.fix if argv[0] == "certboot"), "")
    return first in _NEED_STORE
