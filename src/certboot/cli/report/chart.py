"""A chain as a picture in SVG: the anchor on top, the server's certificate below, and where it breaks.

Pure: from a server's evidence to markup. Every text is a stranger's, so it is made printable and then escaped. Colours
are classes; the page around it has the rules. Nothing needs the colours: each box says in words what it is.
"""

from __future__ import annotations

import typing
from html import escape

from certboot.cli.layout import columns
from certboot.errors import printable

if typing.TYPE_CHECKING:
    from collections.abc import Sequence

    from certboot.doctor.examination import Examination, Link

_WIDTH, _EDGE, _GAP = 400, 2, 44
_LINE, _PAD, _HEAD = 18, 14, 22
_COLUMNS = 46  # of a monospaced text of 13 pixels in a box
_MOST_LINES = 3
_MOST_BESIDE = 8
_STATES = {
    "sent": "sent by the server",
    "trusted": "trusted here",
    "missing": "MISSING: not sent, and not trusted here",
}
_NO_END = "no path to anything that is trusted here"


def chart(examination: Examination) -> str:
    """Return one ``<svg>`` element, or an empty text where it never came to a chain."""
    path, sent, beside = examination.path, examination.chain, examination.beside
    if not path:
        return ""
    places = {sent[at].fingerprint: at + 1 for at in reversed(range(len(sent)))}
    drawing = _Drawing()
    if path[-1].state != "trusted":
        drawing.box("end", "not trusted", [_NO_END])
        drawing.arrow(broken=True)
    for depth in range(len(path) - 1, -1, -1):
        link = path[depth]
        below_missing = depth > 0 and link.state == "missing"
        drawing.box(*_described(link, places.get(link.fingerprint, 0)))
        if depth:
            drawing.arrow(broken=below_missing, label="has signed")
    for subject in beside[:_MOST_BESIDE]:
        drawing.space()
        drawing.box("beside", "sent, but not part of the chain", wrapped(subject))
    if len(beside) > _MOST_BESIDE:
        drawing.space()
        drawing.box("beside", "sent, but not part of the chain", [f"and {len(beside) - _MOST_BESIDE} more"])
    return drawing.svg(_label(path))


def wrapped(text: str, width: int = _COLUMNS, most: int = _MOST_LINES) -> list[str]:
    """Return ``text`` made printable in at most this many lines of this many columns; an ellipsis says what is left."""
    lines, line, taken, last_space = [], "", 0, 0
    for character in printable(text):
        if taken + columns(character) > width:
            # At a space in the second half of the line, else in the midst of a word.
            at = last_space if last_space > width // 2 else len(line)
            lines.append(line[:at].rstrip())
            line = line[at:].lstrip()
            taken, last_space = columns(line), 0
            if len(lines) == most:
                lines[-1] = f"{lines[-1][: width - 1]}\N{HORIZONTAL ELLIPSIS}"
                return lines
        line += character
        taken += columns(character)
        if character == " ":
            last_space = len(line)
    return [*lines, line]


def _described(link: Link, place: int) -> tuple[str, str, list[str], str]:
    """Return the kind of the box, its heading, its lines and its fault."""
    heading = _STATES[link.state]
    if link.state == "sent" and place:
        heading = f"{heading}, as number {place}"
    lines = wrapped(link.subject or "no name")
    if link.not_after:
        lines.append(f"valid until {link.not_after:%Y-%m-%d}")
    return ("broken" if link.fault and link.state != "missing" else link.state), heading, lines, link.fault


def _label(path: Sequence[Link]) -> str:
    parts = [f"{_STATES[link.state]}{', ' + link.fault if link.fault else ''}" for link in path]
    end = "" if path[-1].state == "trusted" else f"; {_NO_END}"
    return f"The chain, from the server's certificate up: {'; '.join(parts)}{end}"


class _Drawing:
    """Boxes from the top down."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._y = _EDGE

    def box(self, kind: str, heading: str, lines: Sequence[str], fault: str = "") -> None:
        """Add a box; one with a fault names it in a line of its own."""
        height = _HEAD + _LINE * (len(lines) + bool(fault)) + _PAD
        inside = _WIDTH - 2 * _EDGE
        self._parts.append(
            f'<g class="box {kind}"><rect class="frame" x="{_EDGE}" y="{self._y}" width="{inside}" height="{height}"'
            f' rx="6"/><rect class="bar" x="{_EDGE}" y="{self._y}" width="8" height="{height}" rx="3"/>'
        )
        self._text("heading", heading, _HEAD)
        for number, line in enumerate(lines, start=1):
            self._text("name", line, _HEAD + number * _LINE)
        if fault:
            self._text("fault", f"\N{MULTIPLICATION SIGN} {fault}", _HEAD + (len(lines) + 1) * _LINE)
        self._parts.append("</g>")
        self._y += height

    def _text(self, kind: str, text: str, below: int) -> None:
        self._parts.append(
            f'<text class="{kind}" x="{_EDGE + 20}" y="{self._y + below}">{escape(printable(text))}</text>'
        )

    def arrow(self, *, broken: bool, label: str = "") -> None:
        """Add an arrow down to the next box, or a line with a cross for what does not hold."""
        top, end, x = self._y + 3, self._y + _GAP - 3, 60
        middle = (top + end) / 2
        if broken:
            self._parts.append(
                f'<g class="gap"><path d="M{x} {top}V{end}"/>'
                f'<path class="cross" d="M{x - 7} {middle - 7}l14 14m0 -14l-14 14"/></g>'
            )
        else:
            self._parts.append(f'<g class="signs"><path d="M{x} {top}V{end}m-6 -7l6 7l6 -7"/></g>')
        if label:
            words = "would have signed" if broken else label
            self._parts.append(f'<text class="label" x="{x + 18}" y="{middle + 4}">{words}</text>')
        self._y += _GAP

    def space(self) -> None:
        """Leave room above what does not belong to the chain."""
        self._y += _GAP // 2

    def svg(self, label: str) -> str:
        """Return the whole picture."""
        height = self._y + _EDGE
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img"'
            f' aria-label="{escape(printable(label))}">{"".join(self._parts)}</svg>'
        )
