"""A scan's results for spreadsheets and for Prometheus: what a stranger wrote is text there."""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import Metric
from prometheus_client import parser as prometheus
from prometheus_client.openmetrics import parser
from support.pki import DAY
from support.table import cases

from certboot.cli.scan_formats import csv_lines, openmetrics
from certboot.scan.result import Presented, Result, Verdict, scan_line

THEN = datetime(2030, 1, 1, tzinfo=timezone.utc)
END = Presented("ab" * 32, "CN=a.example", "CN=Issuing CA", "2029-12-01T00:00:00+00:00", "2030-01-31T12:00:00+00:00")
GOOD = Result(1, "a.example", "a.example:443", Verdict(None, "ok", "Verify return code: 0 (ok)", 0, "TLSv1.3", END))
OLD = Result(
    2, "b.example 192.0.2.1", "b.example:443",
    Verdict(
        "expired-leaf", "fail", "expired\nlong ago", 10, "TLSv1.3",
        Presented("cd" * 32, "CN=b.example", "CN=Issuing CA", "", "2029-12-30T12:00:00+00:00"),
        also=("root-sent", "expires-soon"), fix=(("certboot", "init"), ("certboot", "repair", "b.example:443")),
    ),
)  # fmt: skip
NONE = Result(3, 'no "host" \\ at all', "", Verdict("not-a-host", "fail", "no host"))
Read = Callable[[str], Iterable[Metric]]
READ_OPENMETRICS: Read = parser.text_string_to_metric_families
READ_PROMETHEUS: Read = prometheus.text_string_to_metric_families
TEXT = st.text() | st.text("=+-@;,\"' \n\ta")
ALL = (GOOD, OLD, NONE, GOOD)


@pytest.fixture(autouse=True)
def then(clock: Callable[[datetime], None]) -> None:
    clock(THEN)


def table(*results: Result) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO("".join(csv_lines(results)))))


def test_a_spreadsheet_has_the_keys_of_a_json_line_in_a_row_for_each_host() -> None:
    good, old, none, _ = table(*ALL)
    assert (good["target"], good["status"], good["primary"], good["days_left"]) == ("a.example:443", "ok", "", "30")
    assert (good["not_after"], good["subject"]) == (END.not_after, "CN=a.example")
    assert (old["days_left"], old["also"], old["verify_code"]) == ("-1", "root-sent expires-soon", "10")
    assert (old["fix"], old["summary"]) == (
        "certboot init && certboot repair b.example:443", "expired; long ago",
    )  # fmt: skip
    assert (none["input"], none["days_left"], none["subject"]) == (NONE.input, "", "")
    assert set(good) - {"days_left"} <= {key for key in scan_line(GOOD).split('"') if key.isidentifier()}
    assert list(csv_lines([])) == []


@cases(
    ("text", "cell"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"), ("+1", "'+1"), ("-1", "'-1"), ("@SUM(1)", "'@SUM(1)"), ("CN=a", "CN=a"),
        ("  =1", "  '=1"), ("\t=1", "\N{REPLACEMENT CHARACTER}=1"), ("\r=1", "\N{REPLACEMENT CHARACTER}=1"),
        ("a;=1", "a;'=1"), ("a; @b", "a; '@b"), ('a;"=1', 'a;"\'=1'), (";=1", ";'=1"),
        ("\N{FULLWIDTH EQUALS SIGN}1", "'\N{FULLWIDTH EQUALS SIGN}1"),
        ("a\n=1", "a; '=1"), ('a,"=1', 'a,"=1'), ("a-b=c", "a-b=c"), ("", ""),
    ],
)  # fmt: skip
def test_what_a_stranger_wrote_is_no_formula_however_the_file_is_opened(text: str, cell: str) -> None:
    subject = Presented("", text, "", "", "")
    row = table(Result(1, text, text, Verdict("expired-leaf", "fail", text, certificate=subject, root=text)))[0]
    assert {row[name] for name in ("input", "target", "subject", "summary", "root")} == {cell}


@given(TEXT, TEXT)
def test_whatever_a_list_and_a_certificate_say_each_result_is_a_line(text: str, other: str) -> None:
    subject = Presented("", other, "", "", "")
    lines = list(csv_lines([Result(1, text, other, Verdict("expired-leaf", "fail", text, certificate=subject))]))
    assert len(lines) == 2
    assert lines[1].count("\n") == 1
    assert lines[1].encode()
    for separator in (",", ";"):
        cells = next(csv.reader([lines[1]], delimiter=separator))
        assert not any(cell.lstrip().startswith(("=", "+", "-", "@")) for cell in cells)
    (gauges,) = openmetrics([Result(1, text, other, GOOD.verdict)])
    (series,) = next(iter(READ_OPENMETRICS(gauges))).samples
    assert set(series.labels) == {"input", "target", "cause"}


def test_the_gauges_are_what_both_formats_of_prometheus_say_they_are() -> None:
    (text,) = openmetrics(ALL)
    assert text.endswith("\n# EOF\n")
    for read in (READ_OPENMETRICS, READ_PROMETHEUS):
        families = list(read(text))
        assert {family.type for family in families} == {"gauge"}
        values = {family.name: [sample.value for sample in family.samples] for family in families}
        assert values == {
            "certboot_scan_success": [1, 0, 0],
            "certboot_scan_verify_code": [0, 10],
            "certboot_scan_certificate_not_after_timestamp_seconds": [1896091200, 1893326400],
            "certboot_scan_certificate_left_seconds": [30.5 * DAY.total_seconds(), -1.5 * DAY.total_seconds()],
        }
        causes = {sample.labels["input"]: sample.labels["cause"] for sample in families[0].samples}
        assert causes == {GOOD.input: "", OLD.input: "expired-leaf", NONE.input: "not-a-host"}
        assert all(sample.timestamp is None for family in families for sample in family.samples)
    assert [family.unit for family in READ_OPENMETRICS(text)] == ["", "", "seconds", "seconds"]
    assert list(openmetrics([])) == []


@cases(("end", "gauges"), [
    ("2030-01-31T14:00:00+02:00", 4), ("9999-12-31T23:59:59-23:59", 2), ("0001-01-01T00:00:00+23:59", 2), ("soon", 2),
])  # fmt: skip
def test_an_end_that_is_no_time_has_no_gauge(end: str, gauges: int) -> None:
    (text,) = openmetrics([replace(GOOD, verdict=replace(GOOD.verdict, certificate=replace(END, not_after=end)))])
    values = [line.rpartition(" ")[2] for line in text.splitlines() if not line.startswith("#")]
    assert values == ["1", "0", "1896091200", "2635200"][:gauges]


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is missing")
def test_promtool_has_nothing_to_say_of_them() -> None:
    ran = subprocess.run(
        ["promtool", "check", "metrics"], input="".join(openmetrics(ALL)), capture_output=True, text=True, check=True
    )
    assert ran.stdout + ran.stderr == ""
