"""Who besides the user and root could change what lies at a path, or put something else there.

In: a path, and whether groups count. Out: the place by which it can be done and how, in words, or nothing. Windows
guards the profile by other means.
"""

from __future__ import annotations

import os
import stat
import typing
from pathlib import Path

import certboot_startup
from certboot.errors import SourceError

LINK = "a link"


class Exposure(typing.NamedTuple):
    """How others could decide what is at a path."""

    place: Path
    """The path itself, or a folder or link above it."""
    how: str


def exposed(path: Path, *, groups: bool = False) -> str:
    """Return how somebody other than the user or root could change what is at ``path``, or "" if nobody could.

    What does not exist, or cannot be reached, is not exposed. With ``groups`` any group may write to it.
    """
    if os.name != "posix":
        return ""
    try:
        status = path.stat()
    except OSError:
        return ""
    return _by_rights(status, groups=groups)


def exposed_itself(path: Path) -> str:
    """Return the same of what must not be a link either, since the hook passes none there."""
    return LINK if os.name == "posix" and path.is_symlink() else exposed(path)


def exposed_above(path: Path, *, groups: bool = False) -> Exposure | None:
    """Return the folder or link by which others could put something else in the place of ``path``, and how, or None.

    The rule is the hook's own: ``certboot_startup.unsafe_part``. With ``groups`` a folder may be written to by any
    group, as an administrator gives one to those who look after programs and certificates (Debian's /usr/local and
    /usr/local/share/ca-certificates are of the group staff): what lies there is his to decide. No store may lie there.
    """
    whole = os.path.join(os.getcwd(), path)
    try:
        part = certboot_startup.unsafe_part(whole, 0o002 if groups else 0o022)
        return Exposure(Path(part), _how(part)) if part and (part != whole or os.path.islink(part)) else None
    except OSError:  # nothing is there yet, or it cannot be reached
        return None


def written_by_others(path: Path, *, groups: bool = False, groups_above: bool = False) -> Exposure | None:
    """Return by what others could decide what is at ``path``: by itself, else by what is above it; or None."""
    how = exposed(path, groups=groups)
    return Exposure(path, how) if how else exposed_above(path, groups=groups or groups_above)


def refuse_exposed(path: Path) -> None:
    """Raise SourceError where somebody other than the user or root could change what lies at ``path``.

    Raises OSError where nothing does: somebody else could put it there the next moment.
    """
    path.stat()
    exposure = written_by_others(path, groups_above=True)
    if exposure:
        place, how = exposure
        message = f"not a safe place to read CA certificates from at every update, {how}: {place}"
        yours = f"chmod go-w {place}, if it is yours and right; else " if how.startswith("others") else ""
        raise SourceError(message, f"{yours}move them to a folder of your own")


def _how(part: str) -> str:
    status = os.lstat(part)
    if stat.S_ISLNK(status.st_mode) and status.st_uid in (0, os.geteuid()):
        return "a link that lies where others may write, or leads elsewhere than it says"
    return _by_rights(status) or "it belongs to root, in a folder where others may write"


def _by_rights(status: os.stat_result, *, groups: bool = False) -> str:
    if status.st_uid not in (0, os.geteuid()):
        return f"it belongs to another user (uid {status.st_uid})"
    if groups:
        return "everybody may write to it" if status.st_mode & stat.S_IWOTH else ""
    return "others may write to it" if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH) else ""
