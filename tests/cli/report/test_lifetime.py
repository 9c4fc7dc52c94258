"""The bar of a certificate's lifetime: where the day stands in it, and in which words."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from support.table import cases

from certboot.cli.report.lifetime import WIDTH, lifetime

BEGIN, DAY = datetime(2026, 1, 1, tzinfo=timezone.utc), timedelta(days=1)
END = BEGIN + 100 * DAY
EDGE = 4


@cases(
    ("today", "kind", "words", "gone"),
    [
        (BEGIN + 50 * DAY, "good", "50 days left of 100 days", (WIDTH - 2 * EDGE) // 2),
        (END - 13 * DAY, "soon", "13 days left of 100 days", 341),
        (END - timedelta(hours=2), "soon", "2 hours left of 100 days", 392),
        (END + DAY, "over", "ended 1 day ago", 388),
        (BEGIN - 3 * DAY, "early", "begins in 3 days", 0),
    ],
)
def test_the_bar_says_how_much_is_over_and_left(today: datetime, kind: str, words: str, gone: int) -> None:
    bar = lifetime(BEGIN, END, today)
    assert bar
    assert (bar.kind, bar.words, bar.gone) == (kind, words, gone)
    assert EDGE <= bar.begin <= bar.begin + bar.gone <= bar.begin + bar.length <= WIDTH - EDGE
    assert (bar.begin <= bar.today <= bar.begin + bar.length) == (kind in ("good", "soon"))


def test_half_a_life_of_six_days_is_not_soon() -> None:
    kinds = [bar and bar.kind for bar in (lifetime(BEGIN, BEGIN + 6 * DAY, BEGIN + days * DAY) for days in (3, 5))]
    assert kinds == ["good", "soon"]


def test_there_is_none_of_what_is_no_lifetime() -> None:
    assert [lifetime(BEGIN, BEGIN + days * DAY, BEGIN) is None for days in (-1, 0, 1)] == [True, True, False]
