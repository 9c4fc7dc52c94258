"""The stories of all findings that the doctor can give, from a Markdown file for each of its groups.

A finding is a heading ``## ID: TITLE``, what it means, and then paragraphs that begin with a word of ``_FIELDS``. Of
these only who can mend it must be there. ``{target}`` stands for HOST:PORT.
"""

from __future__ import annotations

import typing
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_GROUPS = ("server", "environment", "hook", "store", "clients", "doctor")
_FIELDS = {
    "**Why clients fail:** ": "why",
    "**Who can mend it:** ": "who",
    "**How:** ": "how",
    "**For the server's operator:** ": "operator",
}


@dataclass(frozen=True)
class Explanation:
    """The story of one finding, for people who do not know TLS as well as for those who do."""

    group: str
    """``environment``, ``hook``, ``store``, ``clients``, ``server``, or ``doctor`` for the doctor's own."""
    title: str
    """In a few words."""
    meaning: str
    """What it means."""
    who: str
    """Who can mend it."""
    why: str = ""
    """Why clients fail because of it; empty where they do not."""
    how: str = ""
    """What mends it."""
    operator: str = ""
    """What to tell the server's operator; empty where he has no part in it."""


def parse(group: str, text: str) -> Iterator[tuple[str, Explanation]]:
    """Yield id and story of each finding in the Markdown of one group; raises ValueError, TypeError or KeyError."""
    for section in text.split("\n## ")[1:]:
        heading, meaning, *paragraphs = (" ".join(part.split()) for part in section.strip().split("\n\n"))
        kind, title = heading.split(": ", 1)
        fields: dict[str, str] = {}
        for paragraph in paragraphs:
            label = paragraph[: paragraph.index(":** ") + len(":** ")]
            fields[_FIELDS[label]] = paragraph.removeprefix(label)
        yield kind, Explanation(group, title, meaning, **fields)


def _all() -> Iterator[tuple[str, Explanation]]:
    for group in _GROUPS:
        yield from parse(group, Path(__file__).with_name(f"{group}.md").read_text("utf-8"))


EXPLANATIONS: typing.Final[dict[str, Explanation]] = dict(_all())
"""By id, in the order in which they are listed."""
