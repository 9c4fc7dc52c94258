"""The summary of a scan while it goes on: how many hosts have which cause, in a bounded space."""

from __future__ import annotations

import typing
from collections import Counter

from certboot.exit_status import FAILED, OK, UNFINISHED
from certboot.scan.issuers import Issuers
from certboot.scan.result import NOT_A_HOST

if typing.TYPE_CHECKING:
    from certboot.scan.result import Result

_EXAMPLES = 3


class Tally:
    """Counts results by cause."""

    def __init__(self) -> None:
        self.total = 0
        self.statuses: Counter[str] = Counter()
        self.causes: Counter[str] = Counter()
        """Ids of causes, those of warnings included."""
        self.remarks: Counter[str] = Counter()
        """Ids of what else there was to say."""
        self.examples: dict[str, list[str]] = {}
        """The first hosts of each cause."""
        self.fixes: dict[str, tuple[tuple[str, ...], ...]] = {}
        """What mends the first of them."""
        self.issuers = Issuers()

    def add(self, result: Result) -> None:
        """Count a result."""
        self.total += 1
        self.statuses[result.status] += 1
        self.remarks.update(set(result.also))
        if result.primary:
            self.causes[result.primary] += 1
            examples = self.examples.setdefault(result.primary, [])
            shown = result.target or result.input
            if len(examples) < _EXAMPLES and shown not in examples:
                examples.append(shown)
            self.fixes.setdefault(result.primary, result.fix)
        if result.root:
            self.issuers.add(result.root, _host(result.target))

    @property
    def invalid(self) -> int:
        """The entries that were no hosts."""
        return self.causes[NOT_A_HOST]

    @property
    def exit_status(self) -> int:
        """0 if every host is good, 1 if one fails, 2 if certboot itself failed at one."""
        if self.statuses["error"]:
            return UNFINISHED
        return FAILED if self.statuses["fail"] else OK


def _host(target: str) -> str:
    return target.rpartition(":")[0].strip("[]")
