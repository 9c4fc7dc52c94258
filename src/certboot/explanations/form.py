"""The form of what ``certboot explain`` tells of a finding."""

from __future__ import annotations

from dataclasses import dataclass

YOU = "you, on this machine"
OPERATOR = "whoever operates the server"
ADMINISTRATOR = "whoever administers your network"
CA = "whoever runs the CA"
NOBODY = "nobody has to"


@dataclass(frozen=True)
class Explanation:
    """The story of one finding, for people who do not know TLS as well as for those who do."""

    group: str
    """``environment``, ``hook``, ``store``, ``clients``, ``server``, or ``doctor`` for the doctor's own."""
    title: str
    """In a few words."""
    meaning: str
    """What it means."""
    why: str
    """Why clients fail because of it, or do not."""
    who: str
    """Who can mend it."""
    how: str
    """What mends it. ``{target}`` stands for HOST:PORT."""
    operator: str = ""
    """What to tell the server's operator, with ``{target}``; empty where he has no part in it."""
