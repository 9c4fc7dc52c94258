"""Where a store may lie: what makes a place safe, whose HOME does not count, and whom a store of root's serves."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import certboot_startup

ELSEWHERE = "certboot init --home DIR and certboot hook install --home DIR, with a folder of your own"
SHARED = "for every user: certboot init --home /opt/certboot; certboot hook install --home /opt/certboot"


def mended_above(place: Path, how: str) -> str:
    """Return what makes a place safe that is not, by the words of ``ownership.exposed_above``."""
    if place == place.parent:  # in a user namespace that does not map root everything above belongs to nobody
        return "this sandbox does not show whose its folders are: run certboot, and what needs it, outside of it"
    if how.startswith("others"):
        return f"chmod go-w {place}, if it is yours and right; else {ELSEWHERE}"
    if how.startswith("a link"):
        return f"look at where it leads, and give that path as CERTBOOT_HOME; or {ELSEWHERE}"
    return f"as root: chown {os.geteuid()} {place}, if it is to be yours; else {ELSEWHERE}"


def ignored_home(environ: Mapping[str, str]) -> str:
    """Return HOME where it is another user's, so that the hook and certboot do not go by it, or ""."""
    home = environ.get("HOME", "")
    chosen = environ.get("CERTBOOT_HOME") or certboot_startup.home or environ.get("XDG_DATA_HOME", "").startswith("/")
    ignored = os.name == "posix" and home.startswith("/") and not chosen and certboot_startup.is_foreign(home)
    return home if ignored else ""


def closed_to_others(folder: Path) -> Path | None:
    """Return what of the way to a store of root's no other user may pass, or None: such a store serves root alone."""
    if os.name != "posix" or os.geteuid():
        return None
    whole = folder.resolve()
    return next((part for part in (*reversed(whole.parents), whole) if not part.stat().st_mode & 0o001), None)


def notes(folder: Path, environ: Mapping[str, str] = os.environ) -> list[str]:
    """Return what whoever makes a store should know of its place."""
    ignored, closed = ignored_home(environ), closed_to_others(folder)
    lines = []
    if ignored:
        lines.append(f"HOME belongs to another user, so it does not count: {ignored}")
    if closed:
        lines.append(f"the store serves root alone, and no daemon that drops root: no other user may pass {closed}")
    return lines
