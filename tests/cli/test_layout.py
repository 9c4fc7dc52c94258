"""Lines are wrapped between words to any width, in colour where that is wanted, and lose nothing."""

from __future__ import annotations

import io
import os
import re
import sys
from pathlib import Path

import pytest
from support.table import cases
from support.terminal import Terminal

from certboot.cli.layout import Form, Line, form_of, laid_out

ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
FINGERPRINT = "0123456789abcdef" * 4
TEXT = f"it is {'word ' * 30}end {FINGERPRINT} \u8a3c\u660e\u66f8 again"


@cases("width", [20, 40, 60, 80, 120, 200])
@cases("lead", ["", "  sent      "])
def test_no_word_is_broken_and_none_is_lost(width: int, lead: str) -> None:
    rows = laid_out(Line(TEXT, lead, hang=4), Form(width)).split("\n")
    assert " ".join(rows).split() == f"{lead}{TEXT}".split()
    assert [row for row in rows if len(row) > width and len(row.split()) > 1] == []
    assert all(row.startswith("    ") for row in rows[1:])


def test_a_wide_character_takes_two_columns() -> None:
    assert laid_out(Line("\u8a3c \u660e", hang=0), Form(4)) == "\u8a3c\n\u660e"
    assert laid_out(Line("\u8a3c \u660e", hang=0), Form(5)) == "\u8a3c \u660e"


def test_a_command_is_one_line_and_so_is_everything_where_there_is_no_width() -> None:
    line = Line(TEXT, "fix here: ", wrapped=False)
    assert laid_out(line, Form(20)) == laid_out(line._replace(wrapped=True), Form()) == f"fix here: {TEXT}"


def test_the_lead_is_coloured_or_without_one_the_whole_line() -> None:
    assert laid_out(Line("a bc", "x ", "bad", 1), Form(4, colour=True)) == "\x1b[1;31mx \x1b[0ma\n bc"
    assert laid_out(Line("a b", style="bad", hang=0), Form(1, colour=True)) == "\x1b[1;31ma\x1b[0m\n\x1b[1;31mb\x1b[0m"
    assert laid_out(Line("a b"), Form(1, colour=True)) == "a\n  b"


@cases(
    ("terminal", "variables", "colour"),
    [
        (True, {}, True),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"NO_COLOR": ""}, True),
        (True, {"TERM": "dumb"}, False),
        (True, {"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
        (False, {}, False),
        (False, {"FORCE_COLOR": "1"}, True),
    ],
)
def test_colour_is_there_where_it_is_wanted(
    terminal: bool,  # noqa: FBT001 - a fact of the table
    variables: dict[str, str],
    colour: bool,  # noqa: FBT001
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"TERM": "xterm", "COLUMNS": "70", "WT_SESSION": "1", **variables}.items():
        monkeypatch.setenv(name, value)
    form = form_of(Terminal() if terminal else io.StringIO())
    assert form == Form(70 if terminal else 0, colour)


@cases(("encoding", "symbols"), [("utf-8", True), ("ascii", False), ("latin-1", False), ("cp437", False)])
def test_symbols_are_for_streams_that_take_them(encoding: str, symbols: bool) -> None:  # noqa: FBT001
    assert form_of(io.TextIOWrapper(io.BytesIO(), encoding)).symbols is symbols


def test_a_real_terminal_gets_colour_and_its_own_width(clean: Path) -> None:
    pytest.importorskip("pty", reason="Windows has other terminals")
    from support.pseudo_terminal import shown

    environ = {"HOME": str(clean), "PATH": os.environ["PATH"], "TERM": "xterm", "LANG": "C.UTF-8"}
    text = shown([sys.executable, "-m", "certboot", "doctor", "store"], environ, 30)
    assert text.startswith("\x1b[1;31m\N{BALLOT X} store  store-missing\x1b[0m\n")
    rows = ESCAPE.sub("", text).split("\n")
    assert [row for row in rows if len(row) > 30 and len(row.split()) > 1 and not row.startswith("hint: ")] == []
    assert "fix here: certboot init" in rows
