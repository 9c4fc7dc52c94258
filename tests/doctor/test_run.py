from __future__ import annotations

import typing
from collections.abc import Callable

import pytest
from support.table import cases

from certboot.doctor import run
from certboot.doctor.finding import Finding
from certboot.errors import StoreError
from certboot.net.target import Target
from certboot.store.paths import StorePaths

if typing.TYPE_CHECKING:
    from support.environments import Ran

    from certboot.doctor.finding import Group, Status


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


def test_named_groups_are_examined_alone(certboot: Callable[..., Ran], paths: StorePaths) -> None:
    assert [f.group for f in run.examine(paths, {}, ("store", "hook"))] == ["store", "hook"]
    assert certboot("doctor", "hook").out == f"hook\n  ok    {'hook':<34}words\n\nno problem found\n"


def test_a_host_is_examined_last(monkeypatch: pytest.MonkeyPatch, paths: StorePaths) -> None:
    asked: list[Target] = []

    def server(target: Target, _: StorePaths) -> list[Finding]:
        asked.append(target)
        return [Finding("handshake-ok", "server", "ok", target.host, "words")]

    monkeypatch.setattr("certboot.doctor.server.check.check", server)
    target = Target("a.example", 443)
    assert [f.group for f in run.examine(paths, {}, ("hook",), target)] == ["hook", "server"]
    assert asked == [target]


@cases(
    ("statuses", "expected"),
    [
        ((), None),
        (("ok", "info", "warn"), None),
        (("warn", "info"), "x0"),
        (("fail", "warn"), "x0"),
        (("error",), "x0"),
    ],
)
def test_the_primary_cause_is_the_first_finding_on_the_server(
    statuses: tuple[Status, ...], expected: str | None
) -> None:
    others = (Finding("y", "store", "fail", "s", "w"),)
    found = tuple(Finding(f"x{number}", "server", status, "s", "w") for number, status in enumerate(statuses))
    assert run.primary((*others, *found)) == expected


@cases(
    ("statuses", "expected"),
    [
        ((), 0),
        (("ok", "info", "warn", "skip"), 0),
        (("ok", "fail"), 1),
        (("ok", "error"), 2),
        (("fail", "error", "fail"), 2),
    ],
)
def test_the_exit_status_is_that_of_the_worst_finding(statuses: tuple[Status, ...], expected: int) -> None:
    assert run.exit_code(tuple(Finding("x", "hook", status, "s", "w") for status in statuses)) == expected


@cases("form", [(), ("--json",)], ids=["text", "json"])
@cases(("status", "expected"), [("ok", 0), ("info", 0), ("warn", 0), ("fail", 1)])
def test_text_and_json_have_the_same_exit_status(
    certboot: Callable[..., Ran],
    monkeypatch: pytest.MonkeyPatch,
    form: tuple[str, ...],
    status: Status,
    expected: int,
) -> None:
    report(monkeypatch, "store", status)
    assert certboot("doctor", *form).status == expected


@cases(
    ("error", "summary", "hint"),
    [
        (StoreError("no store", "make one"), "no store", {"hint": "make one"}),
        (ZeroDivisionError("by zero"), "ZeroDivisionError: by zero", {}),
    ],
)
@cases("group", run.GROUPS)
def test_a_check_that_crashes_is_a_finding_and_the_others_still_run(  # noqa: PLR0913, PLR0917
    certboot: Callable[..., Ran],
    monkeypatch: pytest.MonkeyPatch,
    paths: StorePaths,
    group: str,
    error: Exception,
    summary: str,
    hint: dict[str, str],
) -> None:
    crash(monkeypatch, group, error)
    findings = run.examine(paths, {})
    assert [f.group for f in findings] == ["environment", "hook", "store", "clients"]
    (broken,) = [f for f in findings if f.group == group]
    assert (broken.id, broken.status, broken.summary) == ("check-not-finished", "error", summary)
    assert broken.evidence == hint
    for form in ((), ("--json",)):
        ran = certboot("doctor", *form)
        assert (ran.status, ran.err) == (2, "")
        assert "Traceback" not in ran.out
        assert all(words in ran.out for words in hint.values())
    assert ("\nhint: make one" in certboot("doctor").out) is bool(hint)


def test_a_crash_on_a_host_is_a_finding_too(certboot: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch) -> None:
    crash(monkeypatch, "server", RuntimeError("odd"))
    ran = certboot("doctor", "a.example")
    assert (ran.status, ran.err) == (2, "")
    assert "RuntimeError: odd" in ran.out
