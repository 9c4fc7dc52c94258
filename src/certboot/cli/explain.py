"""``explain``: what a finding of the doctor means, and who can mend it."""

from __future__ import annotations

import textwrap
import typing
from itertools import groupby

from certboot.cli import options
from certboot.cli.terminal import show
from certboot.errors import OK, CertbootError

if typing.TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Mapping

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
            raise _no_finding(kind, EXPLANATIONS)
    stories = (story(kind, EXPLANATIONS[kind]) for kind in dict.fromkeys(arguments.id))
    show("\n\n".join(stories) or index(EXPLANATIONS))
    return OK


def _no_finding(kind: str, ids: Iterable[str]) -> CertbootError:
    from difflib import get_close_matches

    # A word of it is as good as a slip of the keyboard: "expired" is less than half of "expired-intermediate".
    typed = kind.lower().replace("_", "-").replace(" ", "-")
    close = [known for known in ids if typed and typed in known] or get_close_matches(typed, ids, 3)
    hint = "\n  ".join(f"certboot explain {known}" for known in close[:3])
    return CertbootError(f"no finding of this id: {kind!r}", hint or "certboot explain lists them all")
