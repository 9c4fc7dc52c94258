"""Every candidate is decided: an anchor with all its sources, or a rejection that names its rule."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certboot.model import Candidate, Certificate, Provenance, Rejection
from certboot.policy import broken_rule, decide

NOW = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
SECOND = timedelta(seconds=1)
GOOD = Certificate(
    der=b"",
    fingerprint="aa",
    subject="CN=Example Root",
    issuer="CN=Example Root",
    name="Example Root",
    subject_hash="00000000",
    not_before=NOW,
    not_after=NOW,
    self_issued=True,
    is_ca=True,
    for_tls_servers=True,
    subject_name=b"",
    issuer_name=b"",
    key_id=b"",
    authority_key_id=b"",
    path_length=None,
    defects=(),
)
BROKEN: dict[str, dict[str, object]] = {
    "not-a-ca": {"is_ca": False},
    "wrong-purpose": {"for_tls_servers": False},
    "expired": {"not_after": NOW - SECOND},
    "not-yet-valid": {"not_before": NOW + SECOND},
}


def like_good(**changes: object) -> Certificate:
    return dataclasses.replace(GOOD, **changes)  # type: ignore[arg-type]


def test_a_ca_for_tls_servers_breaks_no_rule_from_its_first_to_its_last_second() -> None:
    assert broken_rule(GOOD, NOW) is None


@pytest.mark.parametrize("rule", BROKEN)
def test_each_rule_alone_keeps_a_certificate_out_under_its_name(rule: str) -> None:
    decision = decide([Candidate(like_good(**BROKEN[rule]), "added", "corp.pem")], NOW)
    reason = decision.rejections[0].reason
    assert reason
    assert decision == ((), (Rejection(rule, "added", "corp.pem", reason, GOOD.fingerprint, GOOD.subject),))


@pytest.mark.parametrize(("rule", "day"), [("expired", "2026-03-01"), ("not-yet-valid", "2026-03-01")])
def test_a_rejection_for_its_dates_names_the_day(rule: str, day: str) -> None:
    broken = broken_rule(like_good(**BROKEN[rule]), NOW)
    assert broken is not None
    assert day in broken[1]


def test_a_certificate_from_several_sources_is_one_anchor_with_all_of_them() -> None:
    offered = [("certifi", "2026.1"), ("system", "/etc/ssl"), ("certifi", "again"), ("added", "corp.pem")]
    (anchor,), rejections = decide([Candidate(GOOD, *origin) for origin in offered], NOW)
    assert anchor.certificate == GOOD
    assert anchor.provenance == (
        Provenance("certifi", "2026.1", "2026-03-01"),
        Provenance("system", "/etc/ssl", "2026-03-01"),
        Provenance("added", "corp.pem", "2026-03-01"),
    )
    assert rejections == ()


def test_a_broken_certificate_is_rejected_once_for_each_source() -> None:
    expired = like_good(**BROKEN["expired"])
    decision = decide([Candidate(expired, "system", "a"), Candidate(expired, "added", "b")], NOW)
    assert [rejection.source for rejection in decision.rejections] == ["system", "added"]


@given(st.permutations(["bb", "cc", "dd", "ee"]))
def test_anchors_come_in_order_of_name_whatever_the_case_then_of_fingerprint(order: list[str]) -> None:
    names = {"bb": "beta", "cc": "Alpha", "dd": "alpha", "ee": "Gamma"}
    candidates = [Candidate(like_good(fingerprint=each, name=names[each]), "added", "") for each in order]
    anchors = decide(candidates, NOW).anchors
    assert [anchor.certificate.fingerprint for anchor in anchors] == ["cc", "dd", "bb", "ee"]


kinds = st.sampled_from([GOOD, *(like_good(fingerprint=rule, **changes) for rule, changes in BROKEN.items())])
candidates = st.builds(Candidate, kinds, st.sampled_from(["certifi", "system", "added"]), st.text(max_size=3))


@given(st.lists(candidates))
def test_nothing_is_lost(offered: list[Candidate]) -> None:
    decision = decide(iter(offered), NOW)
    good = [candidate for candidate in offered if candidate.certificate is GOOD]
    bad = [candidate for candidate in offered if candidate.certificate is not GOOD]
    accepted = {(anchor.certificate, reason.source) for anchor in decision.anchors for reason in anchor.provenance}
    assert accepted == {(candidate.certificate, candidate.source) for candidate in good}
    assert [(r.fingerprint, r.rule, r.source, r.detail) for r in decision.rejections] == [
        (c.certificate.fingerprint, c.certificate.fingerprint, c.source, c.detail) for c in bad
    ]
