"""The groups of the doctor as a whole: their order, the exit status, and a check that crashes."""

from __future__ import annotations

import typing

import pytest
from support.commands import Run
from support.table import cases

from certboot.doctor import run
from certboot.doctor.diagnosis import diagnosed
from certboot.doctor.finding import Finding, Group, Status
from certboot.errors import StoreError
from certboot.net.target import Target
from certboot.store.paths import StorePaths


@pytest.fixture(autouse=True)
def each_group_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    for group in run.GROUPS:
        report(monkeypatch, group, "ok")


def report(monkeypatch: pytest.MonkeyPatch, group: Group, status: Status) -> None:
    finding = Finding(f"{group}-seen", group, status, group, "words")
    monkeypatch.setattr(f"certboot.doctor.{group}.check.check", lambda *_: [finding])


def crash(monkeypatch: pytest.MonkeyPatch, group: str, error: Exception) -> None:
    def broken(*_: object) -> typing.NoReturn:
        raise error

    monkeypatch.setattr(f"certboot.doctor.{group}.check.check", broken)


def test_without_a_target_every_group_is_examined_in_order(paths: StorePaths) -> None:
    assert [f.group for f in run.examine(paths, {})] == ["environment", "hook", "store", "clients"]


def test_named_groups_are_examined_alone(certboot: Run, paths: StorePaths) -> None:
    assert [f.group for f in run.examine(paths, {}, ("store", "hook"))] == ["store", "hook"]
    assert certboot("doctor", "hook").out == "\N{CHECK MARK} hook         words\n\nno problem found\n"


def test_who_asks_about_a_host_need_have_no_store(monkeypatch: pytest.MonkeyPatch, paths: StorePaths) -> None:
    missing = Finding("store-missing", "store", "fail", "store", "words")
    monkeypatch.setattr("certboot.doctor.store.check.check", lambda _: [missing])
    well = Finding("handshake-ok", "server", "ok", "a.example", "words")
    monkeypatch.setattr("certboot.doctor.server.check.check", lambda *_: [well])
    assert run.exit_code(run.examine(paths, {}, server=Target("a.example", 443))) == 0
    assert run.exit_code(run.examine(paths, {})) == 1


def test_a_host_is_examined_last(monkeypatch: pytest.MonkeyPatch, paths: StorePaths) -> None:
    asked: list[Target] = []

    def server(target: Target, _: StorePaths) -> list[Finding]:
        asked.append(target)
        return [Finding("handshake-ok", "server", "ok", target.host, "words")]

    monkeypatch.setattr("certboot.doctor.server.check.check", server)
    target = Target("a.example", 443)
    assert [f.group for f in run.examine(paths, {}, ("hook",), target)] == ["hook", "server"]
    assert asked == [target]


def statuses_of(*statuses: Status) -> tuple[Finding, ...]:
    return tuple(Finding(f"x{number}", "server", status, "s", "w") for number, status in enumerate(statuses))


@cases(("statuses", "primary", "status"), [
    (("ok", "info", "warn", "skip"), None, 0),
    (("warn", "fail"), None, 1),
    (("fail", "warn"), "x0", 1),
    (("ok", "fail"), None, 1),
    (("error",), "x0", 2),
    (("fail", "error", "fail"), "x0", 2),
])  # fmt: skip
def test_the_first_is_primary_the_worst_the_status(
    statuses: tuple[Status, ...], primary: str | None, status: int
) -> None:
    cause = diagnosed("a.example:443", statuses_of(*statuses)).cause
    assert (cause and cause.id) == primary
    assert run.exit_code(statuses_of(*statuses)) == status


def test_text_and_json_have_the_same_exit_status(certboot: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    worst: dict[Status, int] = {"ok": 0, "info": 0, "warn": 0, "fail": 1}
    for status, expected in worst.items():
        report(monkeypatch, "store", status)
        assert certboot("doctor").status == certboot("doctor", "--json").status == expected


@cases("group", run.GROUPS)
def test_a_check_that_crashes_is_a_finding_and_the_others_still_run(
    certboot: Run, monkeypatch: pytest.MonkeyPatch, paths: StorePaths, group: str
) -> None:
    for error, summary, hint in (
        (StoreError("no store", "make one"), "no store", {"hint": "make one"}),
        (ZeroDivisionError("by zero"), "ZeroDivisionError: by zero", {}),
    ):
        crash(monkeypatch, group, error)
        findings = run.examine(paths, {})
        assert [finding.group for finding in findings] == ["environment", "hook", "store", "clients"]
        (broken,) = (finding for finding in findings if finding.group == group)
        assert (broken.id, broken.status, broken.summary) == ("check-not-finished", "error", summary)
        assert broken.evidence == hint
        for form in ((), ("--json",)):
            ran = certboot("doctor", *form)
            assert (ran.status, ran.err, "Traceback" in ran.out) == (2, "", False)
            assert all(words in ran.out for words in hint.values())
        assert ("\nhint: make one" in certboot("doctor").out) is bool(hint)


def test_a_crash_on_a_host_is_a_finding_too(certboot: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    crash(monkeypatch, "server", RuntimeError("odd"))
    ran = certboot("doctor", "a.example")
    assert (ran.status, ran.err) == (2, "")
    assert "RuntimeError: odd" in ran.out
