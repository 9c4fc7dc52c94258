from __future__ import annotations

import typing

from support.table import cases

from certboot.cli.report.text import closing, doctor_report
from certboot.doctor.finding import Finding

if typing.TYPE_CHECKING:
    from certboot.doctor.finding import Status

INIT = (("certboot", "init"),)


def test_findings_stand_under_their_groups_and_the_summary_and_hints_come_last() -> None:
    findings = [
        Finding("a", "environment", "ok", "SSL_CERT_FILE", "good", fix=(("never", "shown"),)),
        Finding("b", "environment", "fail", "SSL_CERT_DIR", "bad\nbecause", fix=INIT),
        Finding("c", "store", "error", "store", "broken", fix=(("chmod", "go-w", "/a b"), ("certboot", "init"))),
    ]
    assert doctor_report(findings) == (
        "environment\n"
        f"  ok    {'SSL_CERT_FILE':<34}good\n"
        f"  fail  {'SSL_CERT_DIR':<34}bad\n"
        "        because\n"
        "store\n"
        f"  error {'store':<34}broken\n"
        "\n"
        "2 failed in environment, store\n"
        "hint: chmod go-w '/a b'\n"
        "hint: certboot init\n"
        "hint: certboot explain b"
    )


def test_where_all_is_well_it_says_so() -> None:
    assert doctor_report([]) == "\nno problem found"
    assert doctor_report([Finding("a", "hook", "info", "hook", "w")]).endswith("\n\nno problem found")


@cases(
    ("statuses", "words"),
    [
        ("warn", "nothing failed; 1 warning in hook"),
        ("warn info warn ok", "nothing failed; 2 warnings in hook"),
        ("fail warn", "1 failed in hook; 1 warning in hook"),
        ("error", "1 failed in hook"),
        ("skip", "no problem found"),
    ],
)
def test_warnings_are_counted(statuses: str, words: str) -> None:
    findings = [Finding("a", "hook", typing.cast("Status", status), "hook", "w") for status in statuses.split()]
    assert closing(findings)[:2] == ["", words]


def test_what_failed_or_warns_can_be_explained_the_cause_first_and_each_once() -> None:
    findings = [
        Finding("variable-points-nowhere", "environment", "fail", "SSL_CERT_FILE", "w"),
        Finding("variable-points-nowhere", "environment", "fail", "SSL_CERT_DIR", "w"),
        Finding("hook-alone", "hook", "warn", "hook", "w"),
        Finding("guards-off", "hook", "info", "hook", "w"),
        Finding("missing-intermediate", "server", "fail", "h:1", "s"),
        Finding("expires-soon", "server", "warn", "h:1", "s"),
    ]
    assert closing(findings)[-1] == ("hint: certboot explain missing-intermediate variable-points-nowhere hook-alone")
    assert closing(findings[3:4]) == ["", "no problem found"]


def test_a_hint_in_words_is_shown_once_after_the_commands() -> None:
    words: dict[str, object] = {"hint": "mend\nit"}
    findings = [
        Finding("a", "store", "error", "store", "w", words),
        Finding("b", "store", "fail", "store", "w", words, INIT),
        Finding("c", "store", "ok", "store", "w", {"hint": "never"}),
    ]
    assert closing(findings)[2:] == [
        "hint: certboot init", "hint: mend\N{REPLACEMENT CHARACTER}it", "hint: certboot explain b",
    ]  # fmt: skip


def test_commands_keep_their_order_within_each_finding() -> None:
    fixes = ("rm a", "init"), ("rm b", "init"), ("init", "repair h"), ("rm a",), ("doctor",)
    findings = [
        Finding("check-not-finished", "hook", "info", "s", "w", fix=tuple(tuple(command.split()) for command in fix))
        for fix in fixes
    ]
    assert closing(findings)[2:] == ["hint: rm a", "hint: rm b", "hint: init", "hint: repair h", "hint: doctor"]


LEAF = {"fingerprint": "ab", "subject": "CN=\x1b[1m", "issuer": "CN=\nB", "not_before": "1", "not_after": "2"}
UNREAD = {"fingerprint": "", "subject": "not a certificate", "issuer": "", "not_before": "", "not_after": ""}


def test_a_chain_is_drawn_with_what_is_sent_missing_trusted_and_broken() -> None:
    evidence: dict[str, object] = {
        "chain": [LEAF, UNREAD],
        "path": [
            {"state": "sent", "subject": "CN=\x1b[1m", "fault": ""},
            {"state": "missing", "subject": "CN=B", "fault": "missing-intermediate"},
        ],
        "beside": ["CN=C"],
        "verdicts": [
            {"client": "Python up to 3.12", "code": 0, "message": "ok"},
            {"client": "Python 3.13 and newer", "code": 89, "message": "why"},
        ],
        "operator": "send it",
    }
    report = doctor_report([Finding("missing-intermediate", "server", "fail", "h:1", "s", evidence)])
    assert report.split("\n") == [
        "server",
        f"  fail  {'h:1':<34}missing-intermediate",
        "        s",
        "        presented chain:",
        "         0 s:CN=\N{REPLACEMENT CHARACTER}[1m",
        "           i:CN=\N{REPLACEMENT CHARACTER}B",
        "           v:1 to 2",
        "           SHA-256:ab",
        "         1 s:not a certificate",
        "        from the server up to what is trusted:",
        "          sent     CN=\N{REPLACEMENT CHARACTER}[1m",
        "                   | signed by",
        "          MISSING  CN=B   <-- missing-intermediate",
        "                   x no path to anything that is trusted here",
        "          unused   CN=C",
        "        what clients say:",
        "          Python up to 3.12         accept it",
        "          Python 3.13 and newer     refuse it, 89 (why)",
        "        for the server's operator: send it",
        "",
        "1 failed in server",
        "hint: certboot explain missing-intermediate",
    ]


def test_a_good_chain_ends_at_what_is_trusted() -> None:
    path = [{"state": "sent", "subject": "CN=A", "fault": ""}, {"state": "trusted", "subject": "CN=B", "fault": ""}]
    report = doctor_report([Finding("handshake-ok", "server", "ok", "h:1", "s", {"path": path, "verdicts": []})])
    assert report.split("\n")[2:] == [
        "        from the server up to what is trusted:",
        "          sent     CN=A",
        "                   | signed by",
        "          trusted  CN=B",
        "",
        "no problem found",
    ]


def test_no_text_of_a_finding_can_drive_the_terminal() -> None:
    evil = "\x1b]0;x\x07\r\x9b\u202e\u2028"
    report = doctor_report([Finding("a", "hook", "fail", evil, f"{evil}\n{evil}", fix=(("run", evil),))])
    assert [line for line in report.split("\n") if not line.isprintable()] == []
