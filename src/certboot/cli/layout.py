"""How lines for people are laid out: wrapped between words to the width there is, and coloured where that is wanted.

Colour tells nothing that the words do not. A word is never broken, so that a fingerprint is copied as it is.
"""

from __future__ import annotations

import os
import shutil
import typing
import unicodedata

from certboot.errors import printable

if typing.TYPE_CHECKING:
    from typing import Literal, TextIO, TypeAlias

    Style: TypeAlias = Literal["", "good", "bad", "doubt", "strong"]

STYLES: dict[str, Style] = {"ok": "good", "warn": "doubt", "fail": "bad", "error": "bad"}
_SYMBOLS = {"ok": "\N{CHECK MARK}", "warn": "!", "fail": "\N{BALLOT X}", "error": "\N{BALLOT X}"}
_CODES = {"good": "32", "bad": "1;31", "doubt": "33", "strong": "1"}


class Line(typing.NamedTuple):
    """One line before it is laid out. What is in it may be a stranger's."""

    text: str
    lead: str = ""
    """What stands before the text, and is not wrapped."""
    style: Style = ""
    """Of the lead; without one, of the whole line."""
    hang: int = 2
    """How far in the text goes on below."""
    wrapped: bool = True
    """False for a command: the terminal itself breaks what is too long, and it is copied as one line."""


class Advice(str):
    """A line of certboot's own words that ends with a command: ``…: certboot …``. Nothing in it is a stranger's."""

    __slots__ = ()


class Form(typing.NamedTuple):
    """How a stream wants its lines."""

    width: int = 0
    """0: none is wrapped."""
    colour: bool = False
    symbols: bool = True
    """Whether it takes more than ASCII."""


def mark(status: str, *, symbols: bool) -> str:
    """Return what stands before what has this status, a finding's: in words where there are no symbols."""
    return _SYMBOLS.get(status, "-") if symbols else f"{status:<5}"


def heading(status: str, text: str, *, symbols: bool) -> Line:
    """Return the line that says of what is told below how it fares."""
    return Line(f"{mark(status, symbols=symbols)} {text}", style=STYLES.get(status, ""))


def sha256_line(digits: str, indent: str = "  ") -> Line:
    """Return the line on which each SHA-256 stands: 64 digits in one word, as they are copied, below ``HANG`` columns.

    ``openssl x509 -fingerprint -sha256`` prints the same with colons and capitals, which would not fit 80 columns.
    """
    return Line(digits, f"{indent}SHA-256   ", wrapped=False)


def form_of(stream: TextIO) -> Form:
    """Return how this stream wants its lines: what is no terminal gets each whole, as a search of it expects."""
    terminal = stream.isatty()
    return Form(shutil.get_terminal_size().columns if terminal else 0, _wants_colour(terminal), _takes_symbols(stream))


def _wants_colour(terminal: bool) -> bool:  # noqa: FBT001 - the one thing that is asked
    # https://no-color.org and https://force-color.org: what the user says goes before what the terminal is.
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    # Windows' old console shows escape sequences as they are.
    return terminal and os.environ.get("TERM") != "dumb" and (os.name != "nt" or "WT_SESSION" in os.environ)


def _takes_symbols(stream: TextIO) -> bool:
    try:
        "\N{CHECK MARK}".encode(stream.encoding or "utf-8")
    except (LookupError, UnicodeEncodeError):
        return False
    return True


def laid_out(line: Line, form: Form) -> str:
    """Return the line as it is written, without what could drive a terminal but for its own colours."""
    lead, text = printable(line.lead), printable(line.text)
    rows = _rows(lead, text, line.hang, form.width) if form.width and line.wrapped else [lead + text]
    code = _CODES.get(line.style) if form.colour else None
    if code and lead:
        rows[0] = f"\x1b[{code}m{lead}\x1b[0m{rows[0][len(lead) :]}"
    elif code:
        rows = [f"\x1b[{code}m{row}\x1b[0m" for row in rows]
    return "\n".join(rows)


def _rows(lead: str, text: str, hang: int, width: int) -> list[str]:
    rows, row, gap = [], lead, ""
    for word in text.split(" "):
        if row.strip() and columns(row + gap + word) > width:
            rows.append(row.rstrip())
            row, gap = " " * hang, ""
        row += gap + word
        gap = " "
    return [*rows, row.rstrip()]


def columns(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
