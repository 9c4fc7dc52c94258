"""The ``env`` file: what the hook applies, one KEY=value a line."""

from __future__ import annotations

import os
import typing

from certboot.clients import DIRECTORY

if typing.TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from certboot.clients import Variable


def values(variables: Iterable[Variable], folder: Path) -> dict[str, str]:
    """Return variable -> value, where ``folder`` is how the generation in force is to be named."""
    return {v.name: str(folder / ("crts" if v.form == DIRECTORY else "bundle.pem")) for v in variables}


def render(settings: dict[str, str]) -> bytes:
    """Return the bytes of the file."""
    return os.fsencode("".join(f"{name}={value}\n" for name, value in settings.items()))


def read(path: Path) -> dict[str, str] | None:
    """Return variable -> value as the file has it now, or None where there is none."""
    try:
        lines = os.fsdecode(path.read_bytes()).split("\n")
    except OSError:
        return None
    return dict(line.split("=", 1) for line in lines if "=" in line)
