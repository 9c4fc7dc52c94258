"""The doctor's findings on a terminal: what ``report/text.py`` says, in colour and wrapped to the width there is.

Colour tells nothing that the words do not. rich leaves it out where NO_COLOR is set or TERM is dumb.
"""

from __future__ import annotations

import typing
from itertools import groupby

from rich.console import Console
from rich.text import Text

from certboot.cli.report.text import SUBJECT, chain_lines, closing, said
from certboot.errors import printable

if typing.TYPE_CHECKING:
    from collections.abc import Sequence

    from certboot.doctor.finding import Finding

_STYLES = {"ok": "green", "info": "cyan", "warn": "yellow", "fail": "bold red", "skip": "dim", "error": "bold red"}
_BESIDE = 100  # columns from which what is said stands beside its subject
_INDENT = 8
_NARROW = 60
_DEEPEST = 12  # of the indentation of what is drawn
_MARKS = (("<--", "bold red"), ("MISSING", "bold red"), ("x no path", "bold red"), ("trusted ", "green"))


def doctor_terminal(findings: Sequence[Finding], terminal: typing.TextIO) -> None:
    """Print the whole report. Strings from strangers cannot drive the terminal."""
    # Without highlighting and markup nothing in the texts has a meaning of its own.
    console = Console(file=terminal, highlight=False, markup=False, emoji=False)
    for group, members in groupby(findings, key=lambda finding: finding.group):
        console.print(_text(group, "bold"))
        for finding in members:
            _print(console, finding)
    for line in closing(findings):
        style = "bold red" if " failed in " in line and not line.startswith("hint: ") else ""
        # The terminal itself breaks what is too long, so that a command is copied as one line.
        console.print(_text(line, style), soft_wrap=True)


def _print(console: Console, finding: Finding) -> None:
    first, *more = said(finding)
    lines = [*more, *chain_lines(finding.evidence)]
    indent = _INDENT if console.width >= _NARROW else _INDENT // 2
    status = _text(f"{finding.status:<6}", _STYLES.get(finding.status, ""))
    heading = Text.assemble("  ", status, _text(finding.subject, "bold"))
    if console.width >= _BESIDE and len(heading) < _INDENT + SUBJECT:
        heading.pad_right(_INDENT + SUBJECT - len(heading))
        _wrapped(console, _text(first), heading)
    else:
        console.print(heading, overflow="fold")
        lines.insert(0, first)
    for line in lines:
        # What is drawn below each other stays so when it is wrapped.
        within = min(len(line) - len(line.lstrip()), _DEEPEST)
        text = _text(line.lstrip())
        for mark, style in _MARKS:
            at = text.plain.find(mark)
            if at >= 0 and (mark == "<--" or at == 0):
                text.stylize(style, at, len(text) if mark == "<--" else at + len(mark))
        _wrapped(console, text, Text(" " * (indent + within)))


def _text(text: str, style: str = "") -> Text:
    """Return a line for rich, which adds its own escape sequences to what has none."""
    return Text(printable(text), style=style)


def _wrapped(console: Console, text: Text, start: Text) -> None:
    """Print ``text`` after ``start``, and what does not fit there below itself."""
    for piece in text.wrap(console, max(console.width - len(start), 1), overflow="fold") or [Text()]:
        piece.rstrip()
        console.print(Text.assemble(start, piece))
        start = Text(" " * len(start))
