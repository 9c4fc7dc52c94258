"""One call of the system fails, once: at the first, a middle and the last time that a command makes it."""

from __future__ import annotations

import errno
import itertools
import os
import typing
from collections.abc import Callable, Iterator
from pathlib import Path

from certboot import files

if typing.TYPE_CHECKING:
    import pytest

CALLS: dict[str, tuple[object, str]] = {
    "os.open": (os, "open"), "os.fsync": (os, "fsync"), "os.rename": (os, "rename"), "os.replace": (os, "replace"),
    "os.fchmod": (os, "fchmod"), "open": (files, "open"), "Path.symlink_to": (Path, "symlink_to"),
    "Path.mkdir": (Path, "mkdir"),
}  # fmt: skip
SWITCHES = ("rename", "replace", "symlink_to", "symlink")
"""What puts something in force: each time that it is made counts."""


class Failing:
    """Lets a call fail at its ``at``-th time; never for 0. ``times`` counts how often it was made."""

    def __init__(self, patch: pytest.MonkeyPatch, call: tuple[object, str], at: int = 0, code: int = errno.EIO) -> None:
        owner, name = call
        real: Callable[..., object] = getattr(owner, name, open)
        self.times = 0

        def counted(*arguments: object, **options: object) -> object:
            self.times += 1
            if self.times == at:
                raise OSError(code, os.strerror(code))
            return real(*arguments, **options)

        patch.setattr(owner, name, counted, raising=False)


def moments(call: tuple[object, str], times: int) -> Iterator[tuple[int, int]]:
    """Return at which of ``times`` times a call is to fail, and with which error."""
    at = range(1, times + 1) if call[1] in SWITCHES else sorted({1, (times + 1) // 2, times} - {0})
    return zip(at, itertools.cycle((errno.ENOSPC, errno.EACCES, errno.EIO)), strict=False)
