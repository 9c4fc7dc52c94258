from __future__ import annotations

from datetime import timedelta

import pytest
from support.table import cases

from certboot.errors import CertbootError
from certboot.store.config import parse_duration


@cases(
    ("text", "span"),
    [
        ("90m", timedelta(minutes=90)),
        ("12h", timedelta(hours=12)),
        ("7d", timedelta(days=7)),
        ("2w", timedelta(weeks=2)),
        ("0d", timedelta(0)),
        ("99999w", timedelta(weeks=99999)),
    ],
)
def test_a_span_is_a_number_and_a_unit(text: str, span: timedelta) -> None:
    assert parse_duration(text) == span


@cases(
    "text",
    ["", "7", "d", "7 d", "-7d", "7.5d", "7y", "7D", "1h30m", "7d\n", "999999d", "\N{ARABIC-INDIC DIGIT SEVEN}d"],
)
def test_anything_else_is_an_error_that_shows_how(text: str) -> None:
    with pytest.raises(CertbootError) as refused:
        parse_duration(text)
    assert refused.value.message == f"not a span of time: {text!r}"
    assert "7d" in refused.value.hint
