"""Places that certboot remembers and reads again at every update: nobody else may decide what is in them then."""

from __future__ import annotations

import typing

from certboot import files
from certboot.errors import SourceError

if typing.TYPE_CHECKING:
    from pathlib import Path


def refuse_exposed(path: Path) -> None:
    """Raise SourceError where somebody other than the user or root could change what lies at ``path``.

    Raises OSError where nothing does: somebody else could put it there the next moment.
    """
    path.stat()
    how = files.exposed(path)
    found = (path, how) if how else files.exposed_above(path, groups=True)
    if not found:
        return
    place, how = found
    message = f"not a safe place to read CA certificates from at every update, {how}: {place}"
    yours = f"chmod go-w {place}, if it is yours and right; else " if how.startswith("others") else ""
    raise SourceError(message, f"{yours}move them to a folder of your own")
