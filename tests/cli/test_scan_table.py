"""What a scan shows to people: what is not good, the worst first and whole, in the columns that there are."""

from __future__ import annotations

import os
import shutil
import sys
import typing
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from support.commands import Run
from support.faults import server_context, tls
from support.pki import CA, DAY, LEAF, NOW, changed, make, on_server
from support.server import Listener
from support.table import cases
from support.terminal import Terminal

from certboot.cli.layout import Form, columns, laid_out
from certboot.cli.scan_table import scan_table
from certboot.doctor.finding import Status
from certboot.doctor.findings import EXPLANATIONS
from certboot.scan.result import Presented, Result, Verdict
from certboot.scan.tally import Tally

Clock = Callable[[datetime], None]
THEN = datetime(2030, 1, 1, tzinfo=timezone.utc)
HOURS = timedelta(hours=1)
A_TEST = changed(LEAF, names=("a.test",))
FIX = (("certboot", "trust", "box.example:443"),)


def result(
    target: str,
    primary: str | None = None,
    status: Status = "ok",
    left: timedelta | None = None,
    **more: typing.Any,  # noqa: ANN401 - the verdict's own
) -> Result:
    end = Presented("00" * 32, "CN=a", "CN=b", "", (THEN + left).isoformat()) if left is not None else None
    return Result(1, "an entry", target, Verdict(primary, status, "", certificate=end, **more))


MANY = (
    result("a.example:443", left=90 * DAY),
    result("b.example:443", left=33 * DAY),
    result("strict.example:443", "strict-missing-ski", "warn", 60 * DAY),
    result("soon.example:443", left=47 * HOURS, also=("root-sent", "expires-soon")),
    result("old.example:443", "expired-leaf", "fail", -49 * HOURS),
    result("box.example:443", "untrusted-root", "fail", 30 * DAY, fix=FIX),
    result("", "not-a-host", "fail"),
    result("it.example:443", "check-not-finished", "error"),
    result("top.example:443", "untrusted-root", "fail", 48 * HOURS),
    result("c.example:443"),
)


def shown(
    *results: Result, width: int = 80, symbols: bool = True, span: str | None = None, every: bool = False
) -> list[str]:
    tally, form = Tally(), Form(width, symbols=symbols)

    def told() -> typing.Iterator[Result]:
        for number, scanned in enumerate(results, 1):
            numbered = replace(scanned, number=number)
            tally.add(numbered)
            yield numbered

    lines = scan_table(told(), tally, form, span=span, every=every)
    return [row for line in lines for row in laid_out(line, form).split("\n")]


@pytest.fixture(autouse=True)
def then(clock: Clock) -> None:
    clock(THEN)


def test_problems_come_first_and_whole_and_what_is_good_is_counted() -> None:
    assert shown(*MANY) == [
        "  HOST                CAUSE               LEFT  WHO CAN MEND IT",
        "✗ box.example:443     untrusted-root      30 d  you here, network",
        "✗ top.example:443     untrusted-root       2 d  you here, network",
        "✗ old.example:443     expired-leaf        -2 d  its operator",
        "✗ an entry            not-a-host             -  you here",
        "✗ it.example:443      check-not-finished     -  you here",
        "! soon.example:443    expires-soon        47 h  its operator",
        "! strict.example:443  strict-missing-ski  60 d  its CA",
        "✓ 3 more good; the first ends in 33 d: b.example:443",
        "9 hosts: 4 good, 1 warned of, 3 fail, 1 not finished; 1 ends soon; 1 entry names",
        "  no host",
        "fix here: certboot trust box.example:443",
        "hint: certboot explain untrusted-root",
    ]
    assert shown(*MANY, every=True)[8:11] == [
        "✓ a.example:443       good                90 d",
        "✓ b.example:443       good                33 d",
        "✓ c.example:443       good                   -",
    ]
    assert shown(*MANY, symbols=False, every=True)[1:9:7] == [
        "fail  box.example:443     untrusted-root      30 d  you here, network",
        "ok    a.example:443       good                90 d",
    ]


def test_of_a_list_without_a_host_there_is_no_table(certboot: Run) -> None:
    assert shown() == []
    assert certboot("scan", "# none", "--format", "table").out == ""


def test_where_all_is_well_there_are_two_lines_and_what_ends_soon_is_told() -> None:
    assert shown(MANY[0], MANY[1], span="30d") == [
        "✓ 2 good; the first ends in 33 d: b.example:443", "2 hosts: 2 good, 0 fail",
    ]  # fmt: skip
    assert shown(MANY[3], MANY[9], span="30d")[1:] == [
        "! soon.example:443  expires-soon  47 h  its operator",
        "✓ 1 more good",
        "2 hosts: 2 good, 0 fail; 1 ends within 30d",
        "hint: certboot explain expires-soon",
    ]


LONG = "a-very-long-name-of-a-host.of-a-department.of-a-company.example:8443"


@cases("name", [LONG, f"{'名前' * 20}.example:443", f"{'x' * 4000}"])
@cases(("width", "who"), [(80, True), (63, True), (62, False), (46, False), (120, True)])
def test_a_name_is_shortened_in_its_middle_and_nothing_else(name: str, width: int, *, who: bool) -> None:
    head, row, *_ = shown(result(name, "strict-basic-constraints", "warn", 60 * DAY), width=width)
    assert columns(row) <= width
    assert ("WHO CAN MEND IT" in head, "its CA" in row) == (who, who)
    assert "  strict-basic-constraints" in row
    assert "60 d" in row
    assert row[2:5] == name[:3]
    assert name[-4:] in row
    assert ("…" in row) == (name not in row)
    assert name in shown(result(name, "strict-basic-constraints", "warn"), width=0)[1]


def test_a_name_of_absurd_length_makes_no_other_row_longer() -> None:
    long, short = result("a" * 9000, "expired-leaf", "fail"), result("b.example:443", "expired-leaf", "fail")
    _, first, second, *_ = shown(long, short, width=0)
    assert "a" * 9000 in first
    assert len(second) < 120


def test_the_story_of_each_cause_says_who_can_mend_it() -> None:
    for kind, story in EXPLANATIONS.items():
        if story.group == "server" and story.who != "nobody has to":
            row = shown(result("a.example:443", kind, "fail"), width=0)[1]
            first = "you here" if story.who.startswith("you") else ("its ", "network")
            assert row.split("-  ")[1].startswith(first), row


@pytest.fixture
def servers(listen: Callable[..., Listener], trust: Callable[..., None]) -> list[str]:
    """Twenty hosts, of which each has a fault that a browser hides."""
    root = make("Corp Root", form=CA)
    trust(root)
    middle = make("Corp Issuing CA", root, CA)
    ports = [
        listen(tls(server_context(on_server(make("a", middle, changed(LEAF, names=("*.test",)))))), "127.0.0.1").port
        for _ in range(2)
    ]
    return [f"host{number}.test 127.0.0.1:{ports[number % 2]}" for number in range(20)]


def test_a_quiet_run_shows_the_table_only_where_its_status_is_not_0(
    certboot: Run, clock: Clock, listen: Callable[..., Listener], trust: Callable[..., None], gone: str
) -> None:
    clock(NOW)
    root = make("Corp Root", form=CA)
    trust(root)
    good = f"a.test 127.0.0.1:{listen(tls(server_context(on_server(make('a.test', root, A_TEST))))).port}"
    for hosts, status, said in (
        ([good], 0, ""),
        ([good, gone], 1, "connection-refused"),
        ([good], 3, "ends within 2w"),
    ):
        span = ("--expires-within", "2w") if status == 3 else ()
        clock(LEAF.valid[1] - 9 * DAY if span else NOW)
        ran = certboot("scan", *hosts, *span, "-q", "--format", "table")
        assert (ran.status, ran.err, said in ran.out, bool(ran.out)) == (status, "", True, bool(status))


@cases("width", [80, 60])
def test_twenty_hosts_fit_on_a_screen(
    certboot: Run, clock: Clock, monkeypatch: pytest.MonkeyPatch, servers: list[str], width: int
) -> None:
    clock(NOW)
    monkeypatch.setenv("NO_COLOR", "1")
    screen = Terminal()
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setattr(shutil, "get_terminal_size", lambda: os.terminal_size((width, 25)))
    assert certboot("scan", *servers).status == 1
    lines = screen.getvalue().splitlines()
    assert len(lines) < 25
    assert lines[-2:] == ["20 hosts: 0 good, 20 fail", "hint: certboot explain missing-intermediate"]
    assert sum("missing-intermediate" in line for line in lines) == 21
    assert all(columns(line) <= width for line in lines)
