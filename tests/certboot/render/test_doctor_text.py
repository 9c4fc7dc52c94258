from __future__ import annotations

from certboot.model import Finding
from certboot.render.doctor_text import doctor_report

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
        "hint: certboot init\n"
        "hint: chmod go-w '/a b'"
    )


def test_where_all_is_well_it_says_so() -> None:
    assert doctor_report([]) == "\nno problem found"
    assert doctor_report([Finding("a", "hook", "warn", "hook", "w")]).endswith("\n\nno problem found")


def test_a_presented_chain_is_shown_leaf_first() -> None:
    leaf = {"fingerprint": "ab", "subject": "CN=\x1b[1m", "issuer": "CN=\nB", "not_before": "1", "not_after": "2"}
    unread = {"fingerprint": "", "subject": "not a certificate", "issuer": "", "not_before": "", "not_after": ""}
    report = doctor_report([Finding("a", "server", "ok", "h:1", "s", {"chain": [leaf, unread]})])
    assert report.split("\n")[2:7] == [
        "        presented chain:",
        "         0 s:CN=\N{REPLACEMENT CHARACTER}[1m",
        "           i:CN=\N{REPLACEMENT CHARACTER}B",
        "           v:1 to 2",
        "         1 s:not a certificate",
    ]


def test_no_text_of_a_finding_can_drive_the_terminal() -> None:
    evil = "\x1b]0;x\x07\r\x9b\u202e\u2028"
    report = doctor_report([Finding("a", "g", "fail", evil, f"{evil}\n{evil}", fix=(("run", evil),))])
    assert [line for line in report.split("\n") if not line.isprintable()] == []
