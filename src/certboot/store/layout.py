"""What a generation's parts are called, and which generation is in force. Needs no certificate library."""

from __future__ import annotations

import os
import re
import typing

from certboot import files

if typing.TYPE_CHECKING:
    from pathlib import Path

    from certboot.store.paths import StorePaths

BUNDLE = "bundle.pem"
CRTS = "crts"
PARTIAL = ".partial"
"""How the name of a generation ends that is not whole yet, or no longer."""
NUMBER = "[1-9][0-9]*"
CERTIFICATE = r"\w+-[0-9a-f]{8}\.pem"
"""The names of files as ``certificate.file_name`` gives them."""
LINK = "[0-9a-f]{8}[.](?:0|[1-9][0-9]*)"
"""The names of hash links."""
REPORT = r"[A-Z][A-Za-z]+(?:\.json)?"
"""The names of the CCADB's reports, and of the notes on them."""
REHASHED = r"[0-9]+-[0-9]+\.(json|[0-9]+)"
"""The names of what certboot 0.1.0 remembered of rehashed directories."""
_LONGEST = 4096  # bytes of a path
_IN_FORCE = re.compile(r"generations[/\\][0-9]+")


def in_force(paths: StorePaths) -> Path | None:
    """Return the folder of the generation in force, or None where there is none: what leads elsewhere is none."""
    try:
        link = paths.current.is_symlink()
        target = os.readlink(paths.current) if link else files.read_regular(paths.current, _LONGEST).decode().strip()
    except (OSError, UnicodeDecodeError):
        return None
    generation = paths.home / target
    return generation if _IN_FORCE.fullmatch(target) and generation.is_dir() else None


def exposed_part(generation: Path) -> tuple[Path, str] | None:
    """Return what of a generation others could change, and how, or None; raises OSError where a part is missing.

    The hook refuses the first three. To look at each file of the directory at every start would cost it too much.
    """
    crts = generation / CRTS
    for path in (generation, crts, generation / BUNDLE):
        how = files.exposed_itself(path)
        if how:
            return path, how
    for name in os.listdir(crts):
        path = crts / name
        how = files.exposed(path)
        if path.is_symlink() and os.path.basename(os.readlink(path)) != os.readlink(path):
            how = "a link that leads out of the directory"
        if how:
            return path, how
    return None
