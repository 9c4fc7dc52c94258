"""What a generation's parts are called, and which generation is in force. Needs no certificate library."""

from __future__ import annotations

import os
import typing

from certboot import files

if typing.TYPE_CHECKING:
    from pathlib import Path

    from certboot.paths import StorePaths

BUNDLE = "bundle.pem"
CRTS = "crts"
_LONGEST = 4096  # bytes of a path


def in_force(paths: StorePaths) -> Path | None:
    """Return the folder of the generation in force, or None where there is none."""
    try:
        link = paths.current.is_symlink()
        target = os.readlink(paths.current) if link else files.read_regular(paths.current, _LONGEST).decode().strip()
    except (OSError, UnicodeDecodeError):
        return None
    generation = paths.home / target
    return generation if generation.is_dir() else None
