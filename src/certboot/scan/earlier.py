"""What earlier runs of the same scan have done: its results, and which entries need no second one."""

from __future__ import annotations

import hashlib
import io
import os
from array import array
from collections.abc import Callable, Iterable, Iterator

from certboot.errors import CertbootError
from certboot.scan.entries import Entry
from certboot.scan.result import BEGINNING, Result, parse_line

LONGEST_RESULT = 512 * 1024
"""More bytes than a line with a result has, of which a summary keeps parts for each cause."""
_FARTHEST = 16_000_000
"""How far the entry of a result can be ahead of the results, as it is in a shard: a bound for a damaged file."""
_HINT = "write to another file, or go on with the list it was made from"


class Earlier:
    """Eight bytes for each entry of the list, whatever its length."""

    def __init__(self, hint: str = _HINT) -> None:
        self._hint = hint
        self._digests = array("Q")
        self.count = 0
        self.length = 0
        """The entries of the list, when all of it has been read."""

    def add(self, result: Result) -> None:
        """Note a result; raises CertbootError for one that cannot be of this scan."""
        place = result.number - 1
        if not 0 <= place < self.count + _FARTHEST:
            raise CertbootError(f"no result of a scan has this number: {result.number}", self._hint)
        self._digests.frombytes(bytes(8 * max(0, place + 1 - len(self._digests))))
        if self._digests[place]:
            raise CertbootError(f"entry {result.number} has two results", self._hint)
        self.count += 1
        self._digests[place] = _mark(result.input)

    def knows(self, result: Result) -> bool:
        """Return whether a result of this entry was noted."""
        return self._digests[result.number - 1] == _mark(result.input)

    def read(self, file: io.BufferedIOBase, path: str | os.PathLike[str]) -> Iterator[tuple[int, Result]]:
        """Note each result in a file and yield it, with where its line ends; raises CertbootError, with line and path.

        A last line of ours that is not whole is left out. A file without a whole line of ours is somebody else's, and
        so is what ends as no line of ours begins.
        """
        end = 0
        for number, line in enumerate(iter(lambda: file.readline(LONGEST_RESULT), b""), 1):
            if not line.endswith(b"\n") and len(line) < LONGEST_RESULT:
                if not (end and line[: len(BEGINNING)] == BEGINNING[: len(line)]):
                    message = f"{'its last line is' if end else 'it holds'} none of certboot scan: {path}"
                    raise CertbootError(message, self._hint)
                return
            try:
                result = parse_line(line)
                self.add(result)
            except CertbootError as error:
                raise CertbootError(f"{error.message}: line {number} of {path}", self._hint) from error
            end += len(line)
            yield end, result

    def left(self, entries: Iterable[Entry], mine: Callable[[Entry], bool] = lambda _: True) -> Iterator[Entry]:
        """Yield those of ``mine`` that have no result yet; raises CertbootError if list or shard is another one."""
        for entry in entries:
            self.length = entry.number
            known = self._digests[entry.number - 1] if entry.number <= len(self._digests) else 0
            if known and known != _mark(entry.text):
                message = f"the results are of another list, which differs at entry {entry.number}: {entry.text!r}"
                raise CertbootError(message, self._hint)
            if known and not mine(entry):
                message = f"the results are of another shard, which has entry {entry.number}: {entry.text!r}"
                raise CertbootError(message, "a file for each shard")
            if not known and mine(entry):
                yield entry
        if self.length < len(self._digests):
            message = f"the results are of a longer list, of {len(self._digests)} entries and not {self.length}"
            raise CertbootError(message, self._hint)

    def gaps(self) -> Iterator[int]:
        """Yield the numbers that have no result, though a later one has."""
        return (number for number, known in enumerate(self._digests, 1) if not known)


def digest(text: str) -> int:
    """Return a number of eight bytes that is the same for a text everywhere and always."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def _mark(text: str) -> int:
    """Return a number that is never zero."""
    return digest(text) | 1
