from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.table import cases

from certboot.errors import StoreError
from certboot.store.choices import find_distrusted, read_distrusted, render_distrusted

ONE, TWO = "ab12" + "0" * 60, "ab34" + "0" * 60
BOTH = {ONE: "Root  One", TWO: "Zürich"}


def test_where_there_is_no_file_nobody_is_distrusted(tmp_path: Path) -> None:
    assert read_distrusted(tmp_path / "distrusted") == {}


@given(
    st.dictionaries(
        st.sampled_from([ONE, TWO, "0" * 64]),
        st.text(st.characters(min_codepoint=33, exclude_categories=["Cs"]), max_size=9),
    )
)
def test_what_is_written_is_read_back(tmp_path_factory: pytest.TempPathFactory, distrusted: dict[str, str]) -> None:
    path = tmp_path_factory.mktemp("store") / "distrusted"
    path.write_bytes(render_distrusted(distrusted))
    assert read_distrusted(path) == distrusted


def test_a_fingerprint_and_a_name_stand_on_a_line_in_order() -> None:
    assert (
        render_distrusted(BOTH)
        == render_distrusted(dict(reversed(BOTH.items())))
        == f"{ONE}  Root  One\n{TWO}  Zürich\n".encode()
    )


def test_a_line_that_somebody_wrote_by_hand_counts_with_or_without_a_name(tmp_path: Path) -> None:
    (tmp_path / "distrusted").write_bytes(ONE.encode() + b"\n\n" + TWO.encode() + b"  \xff\n")
    assert read_distrusted(tmp_path / "distrusted") == {ONE: "", TWO: "\N{REPLACEMENT CHARACTER}"}


@cases("text", [ONE, "ab12", "AB:12", "ROOT  ONE"])
def test_one_is_found_by_its_first_digits_or_its_name(text: str) -> None:
    assert find_distrusted(BOTH, text) == (ONE, "Root  One")


@cases(("text", "count"), [("ab", 2), ("ff", 0), ("Root", 0)])
def test_none_and_several_are_errors_that_list_what_there_is(text: str, count: int) -> None:
    with pytest.raises(StoreError) as refused:
        find_distrusted(BOTH, text)
    assert refused.value.message == f"{text!r} names {count} of the 2 distrusted certificates"
    assert refused.value.hint == f"they are: {ONE[:16]} Root  One, {TWO[:16]} Zürich"


def test_nothing_names_nobody_even_if_there_is_only_one() -> None:
    """``certboot distrust --undo "$ID"`` with ID unset."""
    with pytest.raises(StoreError):
        find_distrusted({ONE: "Root  One"}, "")


def test_with_nothing_distrusted_there_is_still_a_hint() -> None:
    with pytest.raises(StoreError) as refused:
        find_distrusted({}, "ab12")
    assert refused.value.hint


@cases("line", ["{0}", "{0}  Name", "{1}\tName", " {0} Name", "{0} Name\r", "{2}  Name"])
def test_a_line_that_was_written_by_hand_counts(tmp_path: Path, line: str) -> None:
    digits = ONE.upper()
    colons = ":".join(digits[at : at + 2] for at in range(0, 64, 2))
    (tmp_path / "distrusted").write_text(f"\n{line.format(ONE, digits, colons)}\n")
    assert list(read_distrusted(tmp_path / "distrusted")) == [ONE]


@cases("line", ["Evil CA", "# a comment", ONE[:63], f"{ONE}0", "g" * 64])
def test_a_line_that_cannot_be_understood_is_an_error_with_its_number(tmp_path: Path, line: str) -> None:
    (tmp_path / "distrusted").write_text(f"{ONE}\n{line}\n")
    with pytest.raises(StoreError, match="distrusted, line 2: it does not begin with a SHA-256"):
        read_distrusted(tmp_path / "distrusted")
