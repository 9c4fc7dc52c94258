"""Text from strangers cannot drive a terminal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certboot.printable import printable


@pytest.mark.parametrize("text", ["", "Example Root", "Zürich ☃ 💩", "a  b"])
def test_ordinary_text_stays(text: str) -> None:
    assert printable(text) == text


@pytest.mark.parametrize(
    "text", ["\n", "\r", "\0", "\x1b", "\x7f", "\x9b", "\u2028", "\u202e", "\u200b", "\udcff", "\xa0"]
)
def test_what_could_move_hide_or_turn_text_is_replaced(text: str) -> None:
    assert printable(f"a{text}[31mb") == "a\ufffd[31mb"


@given(st.text(st.characters()))
def test_the_result_is_one_printable_line_of_the_same_length(text: str) -> None:
    assert printable(text).isprintable()
    assert len(printable(text)) == len(text)
    assert printable(printable(text)) == printable(text)
