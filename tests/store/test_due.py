"""What ends, and how soon that is: certificates, Mozilla's trust in them, and what was read of the sources."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta

from support.pki import DAY, NOW
from support.table import cases

from certboot.sources import repaired
from certboot.store.due import age, due
from certboot.store.manifest import Descent, Entry, Provenance


def entry(lived: float, left: float, source: str = "certifi", after: float | None = None) -> Entry:
    """An anchor that has lived for so many days and has so many left; Mozilla's trust ends after as many."""
    return Entry(
        "a" * 64, "A", "CN=A", (NOW - lived * DAY).isoformat(), (NOW + left * DAY).isoformat(),
        (Provenance(source, "file", "2026-01-01"),),
        distrust_after="" if after is None else f"{NOW + after * DAY:%Y-%m-%d}",
    )  # fmt: skip


def below(anchor: Entry) -> Entry:
    return dataclasses.replace(anchor, descent=Descent("b" * 64, "b" * 64))


@cases(
    ("of", "span", "expected"),
    [
        (entry(365, 31), None, []), (entry(365, 29), None, ["expires"]), (entry(365, 0), None, ["expired"]),
        (entry(365, -1), None, ["expired"]), (entry(365, 60), 61, ["expires"]), (entry(365, 60), 59, []),
        # A third of its life, where that is less than 30 days.
        (entry(19, 11), None, []), (entry(21, 9), None, ["expires"]), (entry(21, 9), 8, []),
        (entry(0, 6), 7, ["expires"]),
        # Of the many that no server is known to need nothing is said before.
        (below(entry(365, 5)), None, []), (below(entry(365, -1)), None, ["expired"]),
        (below(entry(365, 5)), 6, ["expires"]),
        (below(entry(365, 5, repaired.NAME)), None, ["expires"]),
        (entry(365, 365, after=31), None, []), (entry(365, 365, after=29), None, ["distrust-after"]),
        (entry(365, 365, after=-397), None, ["distrust-after"]), (entry(365, 365, after=-400), None, ["distrusted"]),
        (entry(365, 365, after=40), 41, ["distrust-after"]), (entry(365, 365, after=40), 38, []),
        (entry(365, 20, after=-10), None, ["distrust-after", "expires"]),
    ],
)  # fmt: skip
def test_a_certificate_is_due_near_its_end_and_near_the_end_of_mozilla_s_trust(
    of: Entry, span: int | None, expected: list[str]
) -> None:
    items = due([of], NOW, None if span is None else timedelta(days=span))
    assert [item.kind for item in items] == expected


@cases(
    ("hours", "limit", "words", "old"),
    [
        (1, None, "less than a day ago, on 2026-05-09; the limit is 30 days", False),
        (30 * 24, None, "30 days ago, on 2026-04-09; the limit is 30 days", False),
        (31 * 24, None, "31 days ago, on 2026-04-08; the limit is 30 days", True),
        (25, timedelta(days=1), "1 day ago, on 2026-05-08; the limit is 1 day", True),
        (2, timedelta(minutes=90), "less than a day ago, on 2026-05-09; the limit is 90 minutes", True),
    ],
)  # fmt: skip
def test_a_store_is_old_by_the_last_look_at_its_sources(
    hours: int,
    limit: timedelta | None,
    words: str,
    old: bool,  # noqa: FBT001 - a table's column
) -> None:
    now = datetime.fromisoformat("2026-05-09T12:00:00+00:00")
    assert age(now - timedelta(hours=hours), limit, now) == (f"its sources were last read {words}", old)
