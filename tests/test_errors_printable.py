"""Text from strangers cannot drive a terminal."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from support.table import cases

from certboot.errors import printable, shortened


@cases("text", ["", "Example Root", "Zürich ☃ 💩", "a  b"])
def test_ordinary_text_stays(text: str) -> None:
    assert printable(text) == text


@cases("text", ["\n", "\r", "\0", "\x1b", "\x7f", "\x9b", "\u2028", "\u202e", "\u200b", "\udcff", "\xa0"])
def test_what_could_move_hide_or_turn_text_is_replaced(text: str) -> None:
    assert printable(f"a{text}[31mb") == "a\ufffd[31mb"


@given(st.text(st.characters()))
def test_the_result_is_one_printable_line_of_the_same_length(text: str) -> None:
    assert printable(text).isprintable()
    assert len(printable(text)) == len(text)
    assert printable(printable(text)) == printable(text)


def test_a_text_that_nobody_would_read_is_cut_and_its_length_told() -> None:
    assert shortened("a\n" * 150) == "a\ufffd" * 150
    assert shortened("a\n" * 15_000) == "a\ufffd" * 150 + "\N{HORIZONTAL ELLIPSIS} (30,000 characters)"
