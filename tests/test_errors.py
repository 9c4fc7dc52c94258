"""Text from strangers cannot drive a terminal, and no password is shown."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from support.table import cases

from certboot.errors import counted, few, printable, shortened, without_credentials


def test_ordinary_text_stays_and_what_could_move_hide_or_turn_text_is_replaced() -> None:
    for text in ("", "Example Root", "Zürich ☃ 💩", "a  b"):
        assert printable(text) == text
    for text in "\n\r\0\x1b\x7f\x9b\u2028\u202e\u200b\udcff\xa0":
        assert printable(f"a{text}[31mb") == "a\ufffd[31mb"


@given(st.text(st.characters()))
def test_the_result_is_one_printable_line_of_the_same_length(text: str) -> None:
    assert printable(text).isprintable()
    assert len(printable(text)) == len(text)
    assert printable(printable(text)) == printable(text)


def test_a_text_that_nobody_would_read_is_cut_and_its_length_told() -> None:
    assert shortened("a\n" * 150) == "a\ufffd" * 150
    assert shortened("a\n" * 15_000) == "a\ufffd" * 150 + "\N{HORIZONTAL ELLIPSIS} (30,000 characters)"


def test_a_number_is_told_with_its_noun() -> None:
    assert [counted(count, "CA") for count in (0, 1, 2, 16_000_000)] == ["0 CAs", "1 CA", "2 CAs", "16,000,000 CAs"]
    assert [counted(count, "entry", "entries") for count in (1, 2)] == ["1 entry", "2 entries"]
    assert [counted(seconds, "second") for seconds in (0.5, 1.0, 0.1 + 0.2)] == [
        "0.5 seconds",
        "1 second",
        "0.3 seconds",
    ]


@cases(("most", "told"), [(1, "a and 2 more"), (2, "a, b and 1 more"), (3, "a, b, c"), (4, "a, b, c")])
def test_of_many_names_the_first_are_told_and_how_many_more_there_are(most: int, told: str) -> None:
    assert few(["a", "b", "c"], most) == told


@cases(
    ("address", "expected"),
    [
        ("http://me:secret@proxy.example:3128/", "http://proxy.example:3128/"),
        ("me:secret@proxy.example", "proxy.example"),
        ("http://proxy.example:3128", "http://proxy.example:3128"),
        ("proxy.example", "proxy.example"),
        ("http://me:sec/ret@proxy.example", "http://proxy.example"),
        ("http://me:sec@ret@proxy.example", "http://proxy.example"),
        ("", ""),
    ],
)
def test_what_stands_before_the_host_is_left_out(address: str, expected: str) -> None:
    assert without_credentials(address) == expected


@given(st.text(), st.text(max_size=9))
def test_no_password_stays(password: str, scheme: str) -> None:
    shown = without_credentials(f"{scheme}://{password}@host")
    assert shown.endswith("://host")
    assert "@" not in shown.partition("://")[2]
