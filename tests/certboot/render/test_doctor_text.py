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
    report = doctor_report([Finding("a", "g", "fail", evil, f"{evil}\n{evil}", fix=(("run", evil),))])
    assert [line for line in report.split("\n") if not line.isprintable()] == []
