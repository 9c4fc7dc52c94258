"""A finding of the doctor, and its remedies: none leads back to where it stands, or needs a store that is not there."""

from __future__ import annotations

import dataclasses
import typing
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from certboot.store.paths import in_force

if typing.TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from certboot.doctor.examination import Examination
    from certboot.store.paths import StorePaths

Group: TypeAlias = Literal["environment", "hook", "store", "clients", "server"]
Status: TypeAlias = Literal["ok", "info", "warn", "fail", "skip", "error"]
Fix: TypeAlias = tuple[tuple[str, ...], ...]
"""Commands that mend something, each an argv that can be run as it stands."""

INIT: Fix = (("certboot", "init"),)
UPDATE: Fix = (("certboot", "update"),)
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
        dataclasses.replace(finding, fix=(*INIT, *finding.fix)) if _needs_store(finding) else finding
        for finding in findings
    ]


def _needs_store(finding: Finding) -> bool:
    first = next((argv[1] for argv in finding.fix if argv[0] == "certboot"), "")
    return first in _NEED_STORE


def merged(fixes: Iterable[Fix]) -> Fix:
    """Return the commands, each once, and before it what a later fix wants done before it."""
    commands: list[tuple[str, ...]] = []
    for fix in fixes:
        at = len(commands)
        for argv in reversed(fix):
            if argv in commands:
                at = commands.index(argv)
            else:
                commands.insert(at, argv)
    return tuple(commands)


@dataclass(frozen=True)
class Finding:
    """One thing the doctor looked at. The field names are those of ``certboot doctor --json``."""

    id: str
    """``certboot explain ID`` tells its story."""
    group: Group
    status: Status
    subject: str
    """The variable, file or HOST:PORT that it is about."""
    summary: str
    """For people; its words may change."""
    evidence: Mapping[str, object] = field(default_factory=dict, hash=False)
    """What else it is concluded from; which keys there are depends on the id."""
    fix: Fix = ()
    here: tuple[str, ...] | None = None
    """Lines of the summary that are about this machine, and nobody else's business; None for an id without any."""
    examination: Examination | None = field(default=None, repr=False)
    """Of the group ``server`` alone. In JSON it is a part of the evidence, and so is ``here``."""

    @property
    def seen(self) -> Examination:
        """The examination; an empty one where there is none."""
        from certboot.doctor.examination import NOTHING  # what a run without a host does without

        return self.examination or NOTHING

    @property
    def failed(self) -> bool:
        """Whether something fails by it, or could not be examined."""
        return self.status in ("fail", "error")
