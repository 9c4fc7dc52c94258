"""A handshake has one cause, and OpenSSL's verify code decides which."""

from __future__ import annotations

import json
from datetime import datetime, timezone

import pytest

from certboot.diagnosis import diagnose
from certboot.model import Finding, Handshake, Presented

NOW = datetime(2026, 3, 1, tzinfo=timezone.utc)
FRESH, PAST = "2027-01-01T00:00:00+00:00", "2026-02-28T23:59:59+00:00"
ADD = (("certboot", "init", "--add", "CA.pem"),)


def presented(name: str, issuer: str, not_after: str = FRESH) -> Presented:
    return Presented("aa", f"CN={name}", f"CN={issuer}", "2025-01-01T00:00:00+00:00", not_after)


LEAF, MIDDLE, ROOT = presented("leaf", "Middle"), presented("Middle", "Root"), presented("Root", "Root")
OLD_LEAF, OLD_MIDDLE = presented("leaf", "Middle", PAST), presented("Middle", "Root", PAST)
UNREADABLE = Presented("", "not a certificate that OpenSSL can read", "", "", "")


def refused(code: int, *chain: Presented) -> Handshake:
    return Handshake("example.org", 443, "unverified", code, "in OpenSSL's words", chain=chain)


@pytest.mark.parametrize(
    ("code", "chain", "cause", "fix", "said"),
    [
        (2, (LEAF,), "issuer-not-found", ADD, "CN=Middle"),
        (20, (LEAF, MIDDLE), "issuer-not-found", ADD, "CN=Root"),
        (21, (LEAF,), "issuer-not-found", ADD, "CN=Middle"),
        (20, (), "issuer-not-found", ADD, "unknown"),
        (19, (LEAF, MIDDLE, ROOT), "untrusted-root", ADD, "CN=Root"),
        (19, (), "untrusted-root", ADD, "unknown"),
        (9, (LEAF,), "not-yet-valid", (), "clock"),
        (10, (OLD_LEAF, MIDDLE), "expired-leaf", (), "CN=leaf"),
        (10, (LEAF, OLD_MIDDLE), "expired-intermediate", (), "CN=Middle"),
        (10, (OLD_LEAF, OLD_MIDDLE), "expired-leaf", (), "CN=leaf"),
        (10, (LEAF, UNREADABLE, OLD_MIDDLE), "expired-intermediate", (), "CN=Middle"),
        (10, (LEAF, MIDDLE), "expired-root", (), "trust that is active"),
        (10, (), "expired", (), "which one"),
        (18, (ROOT,), "self-signed-leaf", (), "signs itself"),
        (62, (LEAF,), "hostname-mismatch", (), "other names"),
        (63, (LEAF,), "hostname-mismatch", (), "other names"),
        (64, (LEAF,), "hostname-mismatch", (), "other names"),
        (89, (LEAF,), "verification-failed", (), "refuses"),
        (85, (OLD_LEAF,), "verification-failed", (), "refuses"),
    ],
)
def test_the_verify_code_decides_the_cause(
    code: int, chain: tuple[Presented, ...], cause: str, fix: tuple[tuple[str, ...], ...], said: str
) -> None:
    finding = diagnose(refused(code, *chain), NOW)
    expected = Finding(cause, "server", "fail", "example.org:443", finding.summary, finding.evidence, fix)
    assert finding == expected
    words, meaning = finding.summary.split("\n", 1)
    assert words == f"Verify return code: {code} (in OpenSSL's words)"
    assert said in meaning


def test_a_message_of_openssl_decides_nothing() -> None:
    misleading = Handshake("example.org", 443, "unverified", 18, "certificate has expired", chain=(OLD_LEAF,))
    assert diagnose(misleading, NOW).id == "self-signed-leaf"


def test_a_certificate_that_ends_this_very_second_has_not_expired() -> None:
    ends = presented("leaf", "Middle", NOW.isoformat())
    assert diagnose(refused(10, ends), NOW).id == "expired-root"
    assert diagnose(refused(10, OLD_LEAF), NOW).id == "expired-leaf"


def test_a_good_handshake_is_ok_and_needs_no_command() -> None:
    good = Handshake("::1", 8443, "ok", 0, "ok", "TLSv1.3", (LEAF,))
    evidence: dict[str, object] = {"verify_code": 0, "verify_message": "ok", "chain": [vars(LEAF)]}
    expected = Finding("handshake-ok", "server", "ok", "::1:8443", "Verify return code: 0 (ok), TLSv1.3", evidence)
    assert diagnose(good, NOW) == expected


@pytest.mark.parametrize("outcome", ["dns-failure", "timeout", "connection-refused", "trust-unreadable"])
def test_what_never_came_to_a_chain_keeps_its_own_name_and_words(outcome: str) -> None:
    expected = Finding(outcome, "server", "fail", "example.org:443", "why", {"error": "why"})
    assert diagnose(Handshake("example.org", 443, outcome, error="why"), NOW) == expected


def test_evidence_holds_the_chain_and_fits_into_json() -> None:
    evidence = diagnose(refused(20, LEAF, MIDDLE), NOW).evidence
    assert json.loads(json.dumps(evidence))["chain"] == [vars(LEAF), vars(MIDDLE)]
