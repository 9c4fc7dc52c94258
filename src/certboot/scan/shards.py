"""A scan in parts, on as many machines as one likes: which entries a part has, and the results of all parts as one."""

from __future__ import annotations

import contextlib
import io
import os
import threading
from array import array
from collections.abc import Generator, Iterable
from dataclasses import dataclass

from certboot.errors import CertbootError
from certboot.scan.earlier import LONGEST_RESULT, Earlier, digest
from certboot.scan.entries import Entry
from certboot.scan.result import Result, parse_line

_MOST_FILES = 2**20  # more than a command line can name
_HINT = "--merge takes what the shards of one list wrote, each file once, and with --file that list"


@dataclass(frozen=True)
class Shard:
    """A part of a list. An entry's host and port alone say whether it is there: a list that grows keeps its parts."""

    number: int
    """From 1 on."""
    of: int

    def has(self, entry: Entry) -> bool:
        """Return whether the entry is in this part; what is no host is in one too."""
        return digest(entry.target.shown if entry.target else entry.text) % self.of == self.number - 1

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


class Merge:
    """The results in the files of shards, in whatever order: in memory are sixteen bytes for each."""

    def __init__(self) -> None:
        self._earlier = Earlier(_HINT)
        self._files: list[tuple[io.BufferedIOBase, str | os.PathLike[str]]] = []
        self._lines = array("Q")
        """Of each entry: where its line begins, and in which file; 0 if there is none."""
        self.torn = 0
        """The files whose last line is not whole."""
        self.missing = 0
        self.first_missing = 0

    def add(self, file: io.BufferedIOBase, path: str | os.PathLike[str]) -> None:
        """Take in what a shard wrote; raises CertbootError for what none wrote, and for an entry with two results."""
        begin = 0
        self._files.append((file, path))
        for end, result in self._earlier.read(file, path):
            self._lines.frombytes(bytes(8 * max(0, result.number - len(self._lines))))
            self._lines[result.number - 1] = begin * _MOST_FILES + len(self._files)
            begin = end
        self.torn += os.fstat(file.fileno()).st_size > begin

    def compare(self, listed: Iterable[Entry] | None) -> None:
        """Count what has no result: of this list, or without one of what stands before the last that has.

        Raises CertbootError if there is no result, or if the results are of another list.
        """
        if not self.count:
            raise CertbootError("the files hold no result", _HINT)
        gaps = self._earlier.gaps()
        for number in gaps if listed is None else (entry.number for entry in self._earlier.left(listed)):
            self.first_missing = self.first_missing or number
            self.missing += 1

    @property
    def whole(self) -> bool:
        """Whether nothing is known to be missing."""
        return not (self.missing or self.torn)

    @property
    def count(self) -> int:
        """The entries that have a result."""
        return self._earlier.count

    def results(self, stopped: threading.Event) -> Generator[Result]:
        """Yield the results in their order, until ``stopped`` is set; raises CertbootError where a file changed."""
        for number, line in enumerate(self._lines, 1):
            if stopped.is_set():
                return
            if line:
                yield self._result(number, line)

    def _result(self, number: int, line: int) -> Result:
        begin, place = divmod(line, _MOST_FILES)
        file, path = self._files[place - 1]
        file.seek(begin)
        with contextlib.suppress(CertbootError):
            result = parse_line(file.readline(LONGEST_RESULT))
            if result.number == number and self._earlier.knows(result):
                return result
        raise CertbootError(f"it changed while it was read: {path}", "once no shard writes to it, merge again")
