"""What ``certboot explain`` prints: the story of one finding, or the list of all."""

from __future__ import annotations

import textwrap
import typing
from itertools import groupby

if typing.TYPE_CHECKING:
    from collections.abc import Mapping

    from certboot.doctor.findings import Explanation

_WIDTH = 88
_TARGET = "HOST:PORT"


def story(kind: str, explanation: Explanation) -> str:
    """Return all there is to know of one finding."""
    parts = (
        ("what it means", explanation.meaning),
        ("why clients fail", explanation.why),
        ("who can mend it", explanation.who),
        ("how", explanation.how),
        ("for the server's operator", explanation.operator),
    )
    lines = [f"{kind}: {explanation.title}", f"group {explanation.group}"]
    for heading, text in parts:
        if text:
            lines += ["", heading, *_wrapped(text.format(target=_TARGET))]
    return "\n".join(lines)


def index(explanations: Mapping[str, Explanation]) -> str:
    """Return every id with its title, by group."""
    lines = []
    for group, members in groupby(explanations.items(), key=lambda item: item[1].group):
        lines.append(group)
        lines += [f"  {kind:<36}{explanation.title}" for kind, explanation in members]
    return "\n".join(lines)


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)
