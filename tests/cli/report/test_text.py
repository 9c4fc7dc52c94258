from __future__ import annotations

import typing

from support.table import cases

from certboot.cli.report.text import closing, doctor_report
from certboot.doctor.finding import Finding, Status

if typing.TYPE_CHECKING:
    from certboot.doctor.finding import Status

INIT = (("certboot", "init"),)
MARK = "\N{REPLACEMENT CHARACTER}"


def test_findings_stand_under_their_groups_and_the_summary_and_hints_come_last() -> None:
    findings = [
        Finding("a", "environment", "ok", "SSL_CERT_FILE", "good", fix=(("never", "shown"),)),
        Finding("b", "environment", "fail", "SSL_CERT_DIR", "bad\nbecause", {"hint": "mend\nit"}, INIT),
        Finding("c", "store", "error", "\x1b]0;x\x07\r", "broken\u202e", fix=(("chmod", "go-w", "/a b\x9b"), *INIT)),
    ]
    assert doctor_report(findings) == (
        "environment\n"
        f"  ok    {'SSL_CERT_FILE':<34}good\n"
        f"  fail  {'SSL_CERT_DIR':<34}bad\n"
        "        because\n"
        "store\n"
        f"  error {f'{MARK}]0;x{MARK}{MARK}':<34}broken{MARK}\n"
        "\n"
        "2 failed in environment, store\n"
        f"hint: chmod go-w '/a b{MARK}'\n"
        "hint: certboot init\n"
        f"hint: mend{MARK}it\n"
        "hint: certboot explain b"
    )


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


def test_commands_keep_their_order_within_each_finding_and_hints_in_words_come_after_them_once() -> None:
    words: dict[str, object] = {"hint": "mend it"}
    fixes = ("rm a", "init"), ("rm b", "init"), ("init", "repair h"), ("rm a",), ("doctor",)
    findings = [
        Finding("check-not-finished", "hook", "info", "s", "w", words, tuple(tuple(command.split()) for command in fix))
        for fix in fixes
    ]
    findings.append(Finding("c", "store", "ok", "store", "w", {"hint": "never"}))
    hints = ["rm a", "rm b", "init", "repair h", "doctor", "mend it"]
    assert closing(findings)[2:] == [f"hint: {hint}" for hint in hints]


LEAF = {"fingerprint": "ab", "subject": "CN=\x1b[1m", "issuer": "CN=\nB", "not_before": "1", "not_after": "2"}
UNREAD = {"fingerprint": "", "subject": "not a certificate", "issuer": "", "not_before": "", "not_after": ""}


def test_a_chain_is_drawn_with_what_is_sent_missing_trusted_and_broken() -> None:
    sent = {"state": "sent", "subject": "CN=\x1b[1m", "fault": ""}
    evidence: dict[str, object] = {
        "chain": [LEAF, UNREAD],
        "path": [sent, {"state": "missing", "subject": "CN=B", "fault": "missing-intermediate"}],
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
        f"         0 s:CN={MARK}[1m",
        f"           i:CN={MARK}B",
        "           v:1 to 2",
        "           SHA-256:ab",
        "         1 s:not a certificate",
        "        from the server up to what is trusted:",
        f"          sent     CN={MARK}[1m",
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
    path = [sent, {"state": "trusted", "subject": "CN=B", "fault": ""}]
    report = doctor_report([Finding("handshake-ok", "server", "ok", "h:1", "s", {"path": path, "verdicts": []})])
    assert report.split("\n")[4:] == [
        "                   | signed by",
        "          trusted  CN=B",
        "",
        "no problem found",
    ]
