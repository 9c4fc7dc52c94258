"""``certboot list``, ``show``, ``distrust``, ``history``, ``rollback`` and ``diff``: what they say and put in force."""

from __future__ import annotations

import dataclasses
import json
import typing
from pathlib import Path

import pytest
from support.commands import FEW, Run, entry, in_colons, names, saved
from support.pki import DAY, NOW, issue
from support.report import fingerprint
from support.small_ccadb import CCADB_BELOW, CCADB_ROOTS, DEEPER, DOOMED, GONE, LOST
from support.snapshot import assert_refused, roots, snapshot

from certboot.cli import listing
from certboot.sources.candidates import Rejection
from certboot.store import generations, history
from certboot.store.history import Step
from certboot.store.manifest import Choices, Descent, Entry, Manifest, Provenance
from certboot.store.paths import StorePaths

WHY = (Provenance("certifi", "2026.1", "2026-01-01"), Provenance("added", "/a\x1b.pem", "2026-01-02"))
TOP = Entry(
    "ab" * 32, "Root\x1b", "CN=Zürich", "2020-01-01", "2030-01-01T00:00:00+00:00", WHY
)  # fmt: skip
BELOW = Entry(
    "cd" * 32, "Below", "CN=Below", "2020", "2029-01-01", WHY[:1], (), "",
    Descent("ab" * 32, "ef" * 32),
)  # fmt: skip
REJECTED = (
    Rejection("expired", "certifi", "2026.1", "it expired", "ab" * 32, "CN=Old"),
    Rejection("unreadable", "added", "/a\n.pem", "not base64"),
    Rejection("expired", "system", "/etc", "it expired", "cd" * 32, "CN=Older"),
)
RECORD = Manifest(2, "2026-11-24T12:00:00+00:00", "update", Choices(), (TOP, BELOW), REJECTED)
MARK = "\N{REPLACEMENT CHARACTER}"


def test_a_list_is_a_table_under_its_heads() -> None:
    assert listing.certificates_table((TOP, BELOW)).split("\n") == [
        "SHA-256           ROLE          EXPIRES     SOURCES        NAME",
        f"abababababababab  anchor        2030-01-01  certifi,added  Root{MARK}",
        "cdcdcdcdcdcdcdcd  intermediate  2029-01-01  certifi        Below",
    ]
    assert listing.certificates_table(()) == "SHA-256  ROLE  EXPIRES  SOURCES  NAME"
    assert listing.rejections_table(REJECTED).split("\n") == [
        "SHA-256           RULE        SOURCE   WHY         WHAT",
        "abababababababab  expired     certifi  it expired  CN=Old",
        f"-                 unreadable  added    not base64  /a{MARK}.pem",
        "cdcdcdcdcdcdcdcd  expired     system   it expired  CN=Older",
        "2 expired, 1 unreadable",
    ]
    assert listing.rejections_table(()).endswith("\nnone")


def test_a_list_as_json_holds_what_was_chosen_and_the_digest_of_the_whole_store() -> None:
    head = {"schema": 1, "generation": 2, "digest": RECORD.digest()}
    for chosen in ((TOP, BELOW), (BELOW,), ()):
        text = listing.list_json(RECORD, chosen, rejected=False)
        certificates = [certificate.document() for certificate in chosen]
        assert text.isascii()
        assert json.loads(text) == json.loads(json.dumps({**head, "certificates": certificates}))
    rejected = json.loads(listing.list_json(RECORD, (TOP,), rejected=True))
    assert rejected == {**head, "rejected": [dataclasses.asdict(rejection) for rejection in REJECTED]}


def test_all_that_is_known_of_a_certificate_is_shown_with_its_pem() -> None:
    held = dataclasses.replace(TOP, defects=("strict-missing-ski",), distrust_after="2025-11-30")
    assert listing.certificate_text(held, RECORD, "PEM\nPEM").split("\n") == [
        f"name      Root{MARK}",
        "subject   CN=Zürich",
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
    assert listing.certificate_text(BELOW, RECORD, "PEM").split("\n")[6:8] == [
        f"issuer    Root{MARK} (abababababababab)",
        "anchor    ? (efefefefefefefef)",
    ]


def test_a_history_marks_the_generation_in_force_and_a_difference_has_a_line_for_each() -> None:
    older = dataclasses.replace(RECORD, generation=1, command="init", certificates=(TOP,))
    steps = (
        Step(older, in_force=True, came=1, went=0, changed=("reasons",)),
        Step(RECORD, in_force=False, came=1, went=0),
        Step(RECORD, in_force=False, came=0, went=0, changed=("choices", "reasons")),
        Step(RECORD, in_force=False, came=0, went=0),
    )
    assert listing.history_table(steps).split("\n") == [
        "  GENERATION  MADE (UTC)        BY      CERTIFICATES  CHANGE",
        "* 1           2026-11-24 12:00  init    1             +1 -0",
        "  2           2026-11-24 12:00  update  2             +1 -0",
        "  2           2026-11-24 12:00  update  2             choices, reasons",
        "  2           2026-11-24 12:00  update  2             files written anew",
    ]
    assert listing.history_table(steps[1:2]).endswith("2             the oldest that is kept")
    assert listing.difference_text((BELOW,), (TOP,)).split("\n") == [
        "+ cdcdcdcdcdcdcdcd  intermediate  Below",
        f"- abababababababab  anchor        Root{MARK}",
        "1 came, 1 went",
    ]
    assert listing.difference_text((), ()) == "0 came, 0 went"


def listed(certboot: Run, *argv: str) -> dict[str, typing.Any]:
    ran = certboot("list", "--json", *argv)
    assert (ran.status, ran.err) == (0, "")
    document: dict[str, typing.Any] = json.loads(ran.out)
    return document


def shown(certboot: Run, *argv: str) -> set[str]:
    """The names in ``list --json``; the table has as many lines below its head, and the store's age is the last."""
    certificates = {certificate["name"] for certificate in listed(certboot, *argv)["certificates"]}
    more = "--expiring" in argv
    assert len(certboot("list", *argv).out.splitlines()) == len(certificates) + 1 + more
    return certificates


def test_a_list_is_filtered_and_has_the_same_digest_whatever_is_listed(
    certboot: Run, full: StorePaths, tmp_path: Path
) -> None:
    short = issue("Short", valid=(NOW - DAY, NOW + 20 * DAY))
    certboot("trust", "--yes", saved(tmp_path / "short.pem", short))
    assert shown(certboot) == names(full) == FEW | CCADB_ROOTS | CCADB_BELOW | {"Short"}
    assert shown(certboot, "--role", "intermediate") == CCADB_BELOW
    assert shown(certboot, "--source", "system") == {"Root A"}
    assert shown(certboot, "--expiring", "30d") == {"Short", "CCADB Other"}  # which Mozilla distrusts from a day on
    assert shown(certboot, "--expiring", "9d") == {"CCADB Other"}
    assert shown(certboot, "--role", "anchor", "--source", "ccadb") == CCADB_ROOTS
    (rejection,) = listed(certboot, "--rejected")["rejected"]
    assert (rejection["rule"], rejection["source"], rejection["fingerprint"]) == ("revoked", "ccadb", fingerprint(GONE))
    assert certboot("list", "--rejected").out.splitlines()[-1] == "1 revoked"
    digest = generations.current(full).digest()
    for argv in ((), ("--role", "anchor"), ("--source", "company"), ("--rejected",)):
        assert listed(certboot, *argv)["digest"] == digest


@pytest.mark.usefixtures("full")
def test_a_source_that_there_is_not_is_an_error_that_names_those_there_are(certboot: Run) -> None:
    for argv in ((), ("--json",)):
        ran = certboot("list", "--source", "nobody", *argv)
        assert_refused(ran, "no such source: nobody\n\nhint: --source takes one of certifi, system, ccadb, ")
        assert certboot("list", "--source", "company", *argv).status == 0


def test_show_tells_everything_and_ends_with_the_file(certboot: Run, full: StorePaths) -> None:
    ran = certboot("show", fingerprint(DEEPER)[:12])
    assert (ran.status, ran.err) == (0, "")
    held = entry(full, "CCADB Deeper")
    assert held.descent == (fingerprint(LOST), fingerprint(DOOMED))
    pem = (full.current / "crts" / held.file).read_text()
    assert ran.out == f"{listing.certificate_text(held, generations.current(full), pem.rstrip())}\n"
    assert pem.encode().endswith(DEEPER.pem)
    dates = {name: entry(full, name).distrust_after for name in CCADB_ROOTS}
    assert dates == {"CCADB Root": "", "CCADB Doomed": "", "CCADB Other": "2025-11-30"}
    assert "distrust  of certificates that begin after 2025-11-30\n" in certboot("show", "CCADB Other").out


def test_what_is_distrusted_leaves_with_all_below_it_and_stays_out(certboot: Run, full: StorePaths) -> None:
    ran = certboot("distrust", in_colons(fingerprint(DOOMED)[:20]))
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.splitlines()[-4] == "0 came, 3 went"
    assert ran.out.splitlines()[-1] == f"  undo      certboot distrust --undo {fingerprint(DOOMED)[:16]}"
    left = (FEW | CCADB_ROOTS | CCADB_BELOW) - {"CCADB Doomed", "CCADB Lost", "CCADB Deeper"}
    for argv in (("list",), ("update",), ("init",), ("init", "--no-intermediates"), ("init", "--intermediates")):
        certboot(*argv)
        assert "CCADB Doomed" not in names(full)
    assert names(full) == left
    rejected = {(rejection.rule, rejection.fingerprint) for rejection in generations.current(full).rejected}
    assert ("distrusted", fingerprint(DOOMED)) in rejected
    ran = certboot("distrust", "--undo", "ccadb doomed")
    assert ran.out.splitlines()[-1] == "3 came, 0 went"
    assert names(full) == left | {"CCADB Doomed", "CCADB Lost", "CCADB Deeper"}


def test_an_id_that_names_none_or_several_and_the_last_anchor_are_refused(certboot: Run, store: StorePaths) -> None:
    before = snapshot(store.home)
    for argv in (("distrust",), ("show",)):
        ran = certboot(*argv, "Root ")
        assert (ran.status, ran.out) == (2, "")
        assert ran.err.startswith("certboot: error: 'Root ' names 3 certificates\n\nhint: ")
        assert_refused(certboot(*argv, "Nobody"))
    assert_refused(certboot("distrust", "--undo", "Root A"))
    assert snapshot(store.home) == before
    certboot("init", "--source", "system")
    assert_refused(certboot("distrust", "Root A"))
    assert names(store) == {"Root A"}


@pytest.fixture
def three(certboot: Run, store: StorePaths, ca_file: Path) -> StorePaths:
    """Generation 1 of init, 2 with a company CA, 3 without Root A."""
    for argv in (("trust", "--yes", ca_file), ("distrust", "Root A")):
        assert certboot(*argv).status == 0
    return store


def test_history_and_diff_compare_all_that_is_kept(certboot: Run, three: StorePaths) -> None:
    before = snapshot(three.home)
    lines = certboot("history").out.splitlines()[1:]
    rows = [[number, by, *rest] for number, _, _, by, *rest in (line.replace("*", " ").split() for line in lines)]
    assert rows == [["1", "init", "3", "+3", "-0"], ["2", "trust", "4", "+1", "-0"], ["3", "distrust", "3", "+0", "-1"]]
    assert [line[0] for line in lines] == [" ", " ", "*"]
    assert certboot("diff", "1", "3").out.splitlines() == [
        f"+ {entry(three, 'Example Corp Root').sha256[:16]}  anchor        Example Corp Root",
        f"- {fingerprint(roots()[0])[:16]}  anchor        Root A",
        "1 came, 1 went",
    ]
    assert certboot("diff", "3", "2").out.splitlines()[-1] == "1 came, 0 went"
    assert certboot("diff", "2", "2").out == "0 came, 0 went\n"
    assert_refused(certboot("diff", "1", "9"))
    assert snapshot(three.home) == before


def test_rollback_goes_back_and_to_a_number(certboot: Run, three: StorePaths) -> None:
    steps = history.steps(three)
    for argv, number, change in (
        ((), 2, "1 came, 0 went"),
        (("1",), 1, "0 came, 1 went"),
        (("3",), 3, "1 came, 1 went"),
    ):
        ran = certboot("rollback", *argv)
        assert (ran.status, ran.err) == (0, "")
        assert f"{change}\n" in ran.out
        assert f"generation {number} is in force again" in ran.out
        assert generations.current(three).generation == number
        assert certboot("doctor", "store").status == 0
    assert [step.record for step in history.steps(three)] == [step.record for step in steps]
    before = snapshot(three.home)
    assert_refused(certboot("rollback", "7"), "there is no generation 7\n")
    assert snapshot(three.home) == before
    certboot("rollback", "1")
    assert_refused(certboot("rollback"))
