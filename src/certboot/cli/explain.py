"""``explain``: what a finding of the doctor means, and who can mend it."""

from __future__ import annotations

import textwrap
import typing
from difflib import get_close_matches
from itertools import groupby

from certboot.cli import options
from certboot.cli.terminal import show
from certboot.errors import OK, CertbootError

if typing.TYPE_CHECKING:
    import argparse
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


def explain_options(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    command.description = (
        "Tell what findings mean, why clients fail because of them, who can mend them and how. Without an "
        "id: list all findings."
    )
    options.words(command, "id", "ID", "such as missing-intermediate")


def explain_command(arguments: argparse.Namespace) -> int:
    """Tell the stories of some findings, or list all."""
    from certboot.doctor.findings import EXPLANATIONS

    for kind in arguments.id:
        if kind not in EXPLANATIONS:
            close = get_close_matches(kind, EXPLANATIONS, 1)
            message = f"no finding of this id: {kind!r}"
            raise CertbootError(message, f"certboot explain {close[0]}" if close else "certboot explain lists them all")
    stories = (story(kind, EXPLANATIONS[kind]) for kind in dict.fromkeys(arguments.id))
    show("\n\n".join(stories) or index(EXPLANATIONS))
    return OK
