"""Spans of time as people type them: ``90m``, ``12h``, ``7d``, ``2w``."""

from __future__ import annotations

import re
from datetime import timedelta

from certboot.errors import CertbootError

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_FORM = re.compile(r"([0-9]{1,5})([mhdw])")


def parse_duration(text: str) -> timedelta:
    """Return the span that ``text`` names; raises CertbootError."""
    match = _FORM.fullmatch(text)
    if not match:
        message = f"not a span of time: {text!r}"
        raise CertbootError(message, "a number and one of m, h, d, w, such as 7d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})
