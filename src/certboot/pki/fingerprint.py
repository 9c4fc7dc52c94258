"""SHA-256 fingerprints as people write them: with colons, in upper case, or only their first digits."""

from __future__ import annotations

import re

_WHOLE = re.compile("[0-9a-f]{64}")


def plain(text: str) -> str:
    """Return the digits as certboot writes them: lower case, without colons, and without blanks around them."""
    return text.replace(":", "").strip().lower()


def short(digits: str) -> str:
    """Return as many of the digits as tell certificates apart, and a person compares at a glance."""
    return digits[:16]


def is_whole(digits: str) -> bool:
    """Return whether these are the 64 digits of a SHA-256, as ``plain`` gives them."""
    return _WHOLE.fullmatch(digits) is not None
