"""What the report holds; how it looks as a whole is recorded in docs/terminals."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Iterable

from support.pki import DAY, NOW
from support.table import cases

from certboot.cli.layout import Form, Line, laid_out
from certboot.cli.report.text import doctor_report, whole_report
from certboot.doctor.examination import (
    ClientVerdict,
    Examination,
    Instruction,
    Link,
    Outcome,
    PresentedCertificate,
    Trust,
)
from certboot.doctor.finding import Finding, Status
from certboot.doctor.findings import EXPLANATIONS

INIT = (("certboot", "init"),)
MARK = "\N{REPLACEMENT CHARACTER}"
LEAF = PresentedCertificate(b"", "CN=\x1b[1m", "CN=\nB", NOW, NOW + DAY, "ab")
UNREAD = PresentedCertificate(b"", "not a certificate")


def examined(code: int | None, **changes: typing.Any) -> Examination:  # noqa: ANN401 - of fields of several types
    return Examination(outcome=Outcome(code), **changes)


SERVER = Finding("missing-intermediate", "server", "fail", "h:1", "code 20\nit is not sent", examination=examined(20))
EXPIRED = Finding("expired-leaf", "server", "fail", "h:1", "code 10\nit has expired", examination=examined(10))


def rows(lines: Iterable[Line]) -> list[str]:
    return [laid_out(line, Form()) for line in lines]


def closing(findings: list[Finding]) -> list[str]:
    """The last lines: the summary, and the hints."""
    told = rows(doctor_report(findings))
    return told[told.index("") + 1 :]


def trust(*clients: str, code: int = 20, trusts: tuple[str, ...] = (), places: tuple[str, ...] = ()) -> Trust:
    return Trust(clients, code, "", counted=True, trusts=trusts, places=places)


def test_variables_to_unset_are_one_line_before_the_commands() -> None:
    findings = [
        Finding("b", "environment", "fail", "B", "bad", {"unset": ["B"]}, INIT),
        Finding("c", "clients", "warn", "git", "bad", {"unset": ["A", "B"]}),
        Finding("d", "clients", "warn", "curl", "bad", {"unset": []}),
    ]
    assert [line for line in closing(findings) if "fix" in line] == ["fix here: unset B A", "fix here: certboot init"]


def test_problems_come_first_and_whole_and_each_group_that_is_well_takes_a_line() -> None:
    findings = [
        Finding("variable-usable", "environment", "ok", "SSL_CERT_FILE", "good", fix=(("never", "shown"),)),
        Finding("hook-active", "hook", "ok", "hook", "ran"),
        Finding("others", "hook", "info", "others", "never shown"),
        Finding("b", "store", "warn", "store", "bad\nbecause", {"hint": "mend\nit"}, INIT),
        Finding("b", "store", "warn", "another", "never shown"),
        Finding("b", "store", "fail", "first", "lost"),
        Finding("b", "store", "fail", "second", "never shown"),
        Finding("c", "clients", "error", "\x1b]0;x\x07\r", "broken\u202e", fix=(("chmod", "go-w", "/a b\x9b"), *INIT)),
    ]
    assert rows(doctor_report(findings)) == [
        "\N{BALLOT X} first  b",
        "  lost",
        "  the same with second",
        f"\N{BALLOT X} {MARK}]0;x{MARK}{MARK}  c",
        f"  broken{MARK}",
        "! store  b",
        "  bad",
        "  because",
        "  the same with another",
        "\N{CHECK MARK} environment  1 CA variable set, and usable",
        "\N{CHECK MARK} hook         ran",
        "",
        "3 failed in clients, store; 2 warnings in store",
        f"fix here: chmod go-w '/a b{MARK}'",
        "fix here: certboot init",
        f"hint: mend{MARK}it",
        "hint: certboot explain b",
    ]


@cases(
    ("finding", "words"),
    [
        (Finding("variables-unset", "environment", "info", "variables", "none is set"), "- environment  none is set"),
        (Finding("store-whole", "store", "ok", "store", "", {"anchors": 7}), "ok    store        7 CAs"),
        (
            Finding("store-whole", "store", "ok", "store", "", {"anchors": 7, "days": 0}),
            "ok    store        7 CAs, read today",
        ),
        (
            Finding("store-whole", "store", "ok", "store", "", {"anchors": 7, "days": 9}),
            "ok    store        7 CAs, read 9 days ago",
        ),
        (
            Finding("client-uses-store", "clients", "ok", "curl", "w"),
            "ok    clients      1 of 1 that are here trust certboot's store",
        ),
    ],
)
def test_what_is_well_is_said_in_a_line(finding: Finding, words: str) -> None:
    assert rows(doctor_report([finding], symbols=words.startswith("-")))[0] == words


@cases(
    ("statuses", "words"),
    [
        ((), "no problem found"),
        (("info", "skip"), "no problem found"),
        (("warn",), "nothing failed; 1 warning in hook"),
        (("warn", "info", "warn", "ok"), "nothing failed; 2 warnings in hook"),
        (("fail", "warn"), "1 failed in hook; 1 warning in hook"),
        (("error",), "1 failed in hook"),
    ],
)
def test_warnings_are_counted_and_where_all_is_well_it_says_so(statuses: tuple[Status, ...], words: str) -> None:
    findings = [Finding("a", "hook", status, "hook", "w") for status in statuses]
    assert closing(findings)[0] == words


def test_what_failed_or_warns_can_be_explained_the_cause_first_and_each_once() -> None:
    findings = [
        Finding("hook-alone", "hook", "warn", "hook", "w"),
        Finding("variable-points-nowhere", "environment", "fail", "SSL_CERT_FILE", "w"),
        Finding("variable-points-nowhere", "environment", "fail", "SSL_CERT_DIR", "w"),
        Finding("guards-off", "hook", "info", "hook", "w"),
    ]
    assert closing(findings)[-1] == "hint: certboot explain variable-points-nowhere hook-alone"
    assert closing(findings[3:]) == ["no problem found"]
    with_server = [*findings, SERVER, Finding("expires-soon", "server", "warn", "h:1", "s")]
    assert rows(whole_report(with_server))[-1] == (
        "hint: certboot explain missing-intermediate variable-points-nowhere hook-alone"
    )


def test_commands_keep_their_order_within_each_finding_and_hints_in_words_come_after_them_once() -> None:
    words: dict[str, object] = {"hint": "mend it"}
    fixes = ("rm a", "init"), ("rm b", "init"), ("init", "repair h"), ("rm a",), ("doctor",)
    findings = [
        Finding("check-not-finished", "hook", "info", "s", "w", words, tuple(tuple(command.split()) for command in fix))
        for fix in fixes
    ]
    findings.append(Finding("c", "store", "ok", "store", "w", {"hint": "never"}))
    commands = ["rm a", "rm b", "init", "repair h", "doctor"]
    assert closing(findings)[1:] == [*(f"fix here: {command}" for command in commands), "hint: mend it"]


def test_of_a_server_the_cause_comes_first_and_of_this_machine_only_what_failed() -> None:
    trusts = (
        trust("requests", trusts=("/s/bundle.pem",), places=("A", "A")),
        trust("urllib", trusts=("/s/bundle.pem", "/s/crts"), places=("B",)),
        trust("httpx", trusts=("/t/bundle.pem",)),
        trust(*(f"c{number}" for number in range(8)), code=0),
        Trust(("wget",), -1, "cannot load", counted=False, trusts=(), places=()),
    )
    path = (Link("CN=h", "sent"), Link("CN=B", "missing", "missing-intermediate"))
    whole = examined(20, path=path, trusts=trusts, operator=Instruction("Send it."))
    findings = [
        Finding("store-missing", "store", "fail", "store", "there is none"),
        Finding("hook-alone", "hook", "warn", "hook", "never shown"),
        Finding("variables-unset", "environment", "info", "variables", "never shown"),
        dataclasses.replace(SERVER, examination=whole),
        dataclasses.replace(EXPIRED, examination=Examination(("a", "b"))),
        Finding("root-sent", "server", "info", "h:1", "never shown"),
    ]
    assert rows(doctor_report(findings, symbols=False)) == [
        "fail  h:1  missing-intermediate",
        "  it is not sent",
        "",
        "  sent      CN=h",
        "  MISSING   CN=B   <-- missing-intermediate",
        "  x         no path to anything that is trusted here",
        "",
        "  refused   requests, urllib: 20 (A, B)",
        "  refused   httpx: 20",
        "  refused   wget: cannot load; certboot leaves it alone",
        "  accepted  c0, c1, c2, c3, c4, c5 and 2 more",
        "  code 20",
        "fail  h:1  expired-leaf",
        "  for a, b:",
        "  code 10",
        "  it has expired",
        "fail  store  store-missing",
        "  there is none",
        "",
        "3 failed in server, store; 1 warning in hook",
        "for the server's operator: Send it.",
        "hint: certboot explain missing-intermediate store-missing",
        "hint: certboot doctor hook",
    ]


def test_where_no_command_mends_it_the_first_words_of_its_story_do_but_for_commands_of_other_cases() -> None:
    (words,) = (row for row in rows(doctor_report([EXPIRED])) if row.startswith("fix here: "))
    assert EXPLANATIONS[EXPIRED.id].how.startswith(words.removeprefix("fix here: ").removesuffix("."))
    assert "`certboot " in EXPLANATIONS[SERVER.id].how
    assert "fix here" not in "".join(rows(doctor_report([SERVER])))
    (command,) = (row for row in closing([dataclasses.replace(EXPIRED, fix=INIT)]) if row.startswith("fix here: "))
    assert command == "fix here: certboot init"


def test_remarks_on_a_good_server_take_a_line_each_and_so_do_clients_that_were_tried() -> None:
    findings = [
        Finding("handshake-ok", "server", "ok", "h:1", "code 0", examination=examined(0)),
        Finding("root-sent", "server", "info", "h:1", "it sends a root"),
        Finding("client-accepts-host", "clients", "ok", "curl", "accepts h:1"),
    ]
    assert rows(doctor_report(findings)) == [
        "\N{CHECK MARK} h:1  handshake-ok",
        "  code 0",
        "- root-sent: it sends a root",
        "\N{CHECK MARK} curl: accepts h:1",
        "",
        "no problem found",
    ]


def test_of_a_long_chain_the_ends_are_drawn_and_where_it_breaks_and_of_an_unknown_root_the_fingerprint() -> None:
    chain = [Link(f"CN={number}", "sent") for number in range(8)]
    chain[4] = Link("CN=4", "sent", "expired-intermediate")
    chain[7] = Link("CN=7", "trusted")
    drawn = rows(doctor_report([dataclasses.replace(SERVER, examination=examined(None, path=tuple(chain)))]))[3:9]
    assert [" ".join(row.split()) for row in drawn] == [
        "",
        "sent CN=0",
        "...",
        "sent CN=4 <-- expired-intermediate",
        "...",
        "trusted CN=7",
    ]
    path = (Link("CN=h", "sent"), Link("CN=Root", "sent", "untrusted-root", "ab" * 32))
    told = rows(doctor_report([dataclasses.replace(SERVER, examination=examined(None, path=path))]))
    assert f"  SHA-256   {'ab' * 32}" in told


def test_the_whole_report_has_every_finding_under_its_group_and_all_evidence_of_a_server() -> None:
    verdicts = (
        ClientVerdict("Python up to 3.12", "", 0, "ok"),
        ClientVerdict("Python 3.13 and newer", "before 4.0", 89, "why", "r"),
    )
    whole = Examination(
        outcome=Outcome(None, verdicts=verdicts),
        chain=(LEAF, UNREAD),
        path=(Link("CN=\x1b[1m", "sent"), Link("CN=B", "missing", "missing-intermediate")),
        beside=("CN=C",),
        operator=Instruction("send it"),
    )
    findings = [
        Finding("a", "environment", "ok", "SSL_CERT_FILE", "good"),
        dataclasses.replace(SERVER, examination=whole, fix=INIT),
    ]
    assert rows(whole_report(findings)) == [
        "environment",
        f"  ok    {'SSL_CERT_FILE':<34}good",
        "server",
        f"  fail  {'h:1':<34}missing-intermediate",
        "    code 20",
        "    it is not sent",
        "    presented chain:",
        f"     0 s:CN={MARK}[1m",
        f"       i:CN={MARK}B",
        f"       v:{NOW.isoformat()} to {(NOW + DAY).isoformat()}",
        "     SHA-256   ab",
        "     1 s:not a certificate",
        "    from the server up to what is trusted:",
        f"      sent      CN={MARK}[1m",
        "      MISSING   CN=B   <-- missing-intermediate",
        "      x         no path to anything that is trusted here",
        "      unused    CN=C",
        "    what clients say:",
        "      Python up to 3.12                          accept it",
        "      Python 3.13 and newer, OpenSSL before 4.0  refuse it, 89 (why)",
        "",
        "1 failed in server",
        "fix here: certboot init",
        "for the server's operator: send it",
        "hint: certboot explain missing-intermediate",
    ]
