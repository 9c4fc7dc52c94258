"""The file ``distrusted``: certificates that the user never wants in the store, a fingerprint and a name a line."""

from __future__ import annotations

import typing

from certboot.errors import StoreError

if typing.TYPE_CHECKING:
    from pathlib import Path


def read(path: Path) -> dict[str, str]:
    """Return SHA-256 -> name; empty where there is no such file; raises OSError."""
    try:
        lines = path.read_text("utf-8", errors="replace").split("\n")
    except FileNotFoundError:
        return {}
    return {fingerprint: name for fingerprint, _, name in (line.partition("  ") for line in lines) if fingerprint}


def render(distrusted: dict[str, str]) -> bytes:
    """Return the bytes of the file."""
    return "".join(f"{fingerprint}  {name}\n" for fingerprint, name in sorted(distrusted.items())).encode("utf-8")


def find(distrusted: dict[str, str], text: str) -> tuple[str, str]:
    """Return the one (SHA-256, name) that a prefix of the fingerprint or the name means; raises StoreError."""
    prefix = text.strip().replace(":", "").lower() or "none"
    wanted = text.strip().casefold()
    found = [each for each in distrusted.items() if each[0].startswith(prefix) or each[1].casefold() == wanted != ""]
    if len(found) != 1:
        message = f"{text!r} names {len(found)} of the {len(distrusted)} distrusted certificates"
        known = ", ".join(f"{fingerprint[:16]} {name}" for fingerprint, name in distrusted.items())
        raise StoreError(message, f"they are: {known}" if known else "nothing is distrusted")
    return found[0]
