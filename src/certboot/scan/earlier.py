"""What an earlier run of the same scan has done: its results, and which entries need no second one."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterable, Iterator

from certboot.errors import CertbootError
from certboot.scan.entries import Entry
from certboot.scan.result import Result

_FARTHEST = 1_000_000
"""How far the entry of a result can be ahead of the results: a bound for what a damaged file can say."""
_HINT = "go on with the list it was made from, or write to another file"


class Earlier:
    """Eight bytes for each entry of the list, whatever its length."""

    def __init__(self) -> None:
        self._digests = array("Q")
        self.count = 0

    def add(self, result: Result) -> None:
        """Note a result; raises CertbootError for one that cannot be of this scan."""
        place = result.number - 1
        if not 0 <= place < self.count + _FARTHEST:
            raise CertbootError(f"no result of a scan has this number: {result.number}", _HINT)
        self.count += 1
        self._digests.extend([0] * (place + 1 - len(self._digests)))
        self._digests[place] = _digest(result.input)

    def left(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        """Yield the entries that have no result yet; raises CertbootError if the list is another one."""
        length = 0
        for entry in entries:
            length = entry.number
            known = self._digests[entry.number - 1] if entry.number <= len(self._digests) else 0
            if known and known != _digest(entry.text):
                message = f"the results are of another list, which differs at entry {entry.number}: {entry.text!r}"
                raise CertbootError(message, _HINT)
            if not known:
                yield entry
        if length < len(self._digests):
            message = f"the results are of a longer list, of {len(self._digests)} entries and not {length}"
            raise CertbootError(message, _HINT)


def _digest(text: str) -> int:
    """Return a number that is never zero."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") | 1
