from __future__ import annotations

import dataclasses

from certboot.cli import listing
from certboot.sources.candidates import Rejection
from certboot.store.history import Step
from certboot.store.manifest import Choices, Entry, Manifest, Provenance

WHY = (Provenance("certifi", "2026.1", "2026-01-01"), Provenance("added", "/a\x1b.pem", "2026-01-02"))
ROOT = Entry(
    "ab" * 32, "anchor", "Root-abababab.pem", "Root\x1b", "CN=Root", "2020-01-01", "2030-01-01T00:00:00+00:00", WHY
)  # fmt: skip
BELOW = Entry(
    "cd" * 32, "intermediate", "Below.pem", "Below", "CN=Below", "2020", "2029-01-01", WHY[:1], (), "", "ab" * 32,
    "ef" * 32,
)  # fmt: skip
RECORD = Manifest(2, "2026-11-24T12:00:00+00:00", "update", Choices(), (ROOT, BELOW), ())
MARK = "\N{REPLACEMENT CHARACTER}"


def test_a_list_is_a_table_under_its_heads() -> None:
    assert listing.certificates_table((ROOT, BELOW)).split("\n") == [
        "SHA-256           ROLE          EXPIRES     SOURCES        NAME",
        f"abababababababab  anchor        2030-01-01  certifi,added  Root{MARK}",
        "cdcdcdcdcdcdcdcd  intermediate  2029-01-01  certifi        Below",
    ]
    assert listing.certificates_table(()) == "SHA-256  ROLE  EXPIRES  SOURCES  NAME"


def test_rejections_are_listed_and_counted_by_rule() -> None:
    rejected = (
        Rejection("expired", "certifi", "2026.1", "it expired", "ab" * 32, "CN=Old"),
        Rejection("unreadable", "added", "/a\n.pem", "not base64"),
        Rejection("expired", "system", "/etc", "it expired", "cd" * 32, "CN=Older"),
    )
    assert listing.rejections_table(rejected).split("\n") == [
        "SHA-256           RULE        SOURCE   WHAT      WHY",
        "abababababababab  expired     certifi  CN=Old    it expired",
        f"-                 unreadable  added    /a{MARK}.pem   not base64",
        "cdcdcdcdcdcdcdcd  expired     system   CN=Older  it expired",
        "2 expired, 1 unreadable",
    ]
    assert listing.rejections_table(()).endswith("\nnone")


def test_all_that_is_known_of_an_anchor_is_shown_with_its_pem() -> None:
    held = dataclasses.replace(ROOT, defects=("strict-missing-ski",), distrust_after="2025-11-30")
    assert listing.certificate_text(held, RECORD, "PEM\nPEM").split("\n") == [
        f"name      Root{MARK}",
        "subject   CN=Root",
        f"sha-256   {'ab' * 32}",
        "role      anchor",
        "valid     2020-01-01 to 2030-01-01T00:00:00+00:00",
        "source    certifi, 2026.1, since 2026-01-01",
        f"source    added, /a{MARK}.pem, since 2026-01-02",
        "distrust  of certificates that begin after 2025-11-30",
        "defect    strict-missing-ski: Python 3.13 and newer refuse it",
        "file      Root-abababab.pem",
        "",
        "PEM",
        "PEM",
    ]


def test_an_intermediate_names_its_issuer_and_its_anchor() -> None:
    lines = listing.certificate_text(BELOW, RECORD, "PEM").split("\n")
    assert lines[5:8] == [
        "source    certifi, 2026.1, since 2026-01-01",
        f"issuer    Root{MARK} (abababababababab)",
        "anchor    ? (efefefefefefefef)",
    ]


def test_a_history_marks_the_generation_in_force() -> None:
    older = dataclasses.replace(RECORD, generation=1, command="init", certificates=(ROOT,))
    assert listing.history_table(
        (Step(older, in_force=True, came=1, went=0), Step(RECORD, in_force=False, came=1, went=0))
    ).split("\n") == [
        "  GENERATION  MADE                       BY      CERTIFICATES  CHANGE",
        "* 1           2026-11-24T12:00:00+00:00  init    1             +1 -0",
        "  2           2026-11-24T12:00:00+00:00  update  2             +1 -0",
    ]


def test_a_difference_has_a_line_for_each_that_came_or_went() -> None:
    assert listing.difference_text((BELOW,), (ROOT,)).split("\n") == [
        "+ cdcdcdcdcdcdcdcd  intermediate  Below",
        f"- abababababababab  anchor        Root{MARK}",
        "1 came, 1 went",
    ]
    assert listing.difference_text((), ()) == "0 came, 0 went"
