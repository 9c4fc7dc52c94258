"""What a source has to give, read but not yet parsed: enough to see whether it is what it was the last time."""

from __future__ import annotations

import typing
from dataclasses import dataclass

if typing.TYPE_CHECKING:
    from collections.abc import Callable

    from certboot.model import Loaded


@dataclass(frozen=True)
class Unparsed:
    """Bytes, and how candidates come out of them."""

    pieces: tuple[tuple[str, bytes], ...]
    """What each file, report or version is called, and its content. The same pieces parse to the same."""
    parse: Callable[[], Loaded]
    """Raises SourceError."""
