"""Every candidate is decided: an anchor or intermediate with all its sources, or a rejection that names its rule."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta, timezone

from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st
from support.certificates import with_fields
from support.pki import Issued, ca_extensions, issue, resigned
from support.table import cases

from certboot.pki.certificate import Certificate, Constraints, Link, Validity, load_certificate
from certboot.pki.rules import broken_rule
from certboot.sources.candidates import Candidate, Rejection, Role
from certboot.store.manifest import Intermediate, Provenance
from certboot.store.policy import Decision, Rules, decide

NOW = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
SECOND = timedelta(seconds=1)
GOOD = Certificate(
    der=issue("Example", issue("Its issuer")).der,
    fingerprint="aa",
    subject="CN=Example Root",
    issuer="CN=Example Root",
    name="Example Root",
    validity=Validity(NOW, NOW),
    link=Link(b"", b"", "00000000", self_issued=True, key_id=b"", authority_key_id=b"", issuer_and_serial=b"7"),
    constraints=Constraints(
        is_ca=True, for_tls_servers=True, path_length=None, name_constrained=False, unhandled_critical=False
    ),
    identity="same",
    defects=(),
)
BROKEN: dict[str, dict[str, object]] = {
    "not-a-ca": {"is_ca": False},
    "wrong-purpose": {"for_tls_servers": False},
    "expired": {"not_after": NOW - SECOND},
    "not-yet-valid": {"not_before": NOW + SECOND},
}


RULES = Rules(NOW)


def like_good(**changes: object) -> Certificate:
    return with_fields(GOOD, **changes)


def test_a_ca_for_tls_servers_breaks_no_rule_from_its_first_to_its_last_second() -> None:
    assert broken_rule(GOOD, NOW) is None


@cases("rule", BROKEN)
def test_each_rule_alone_keeps_a_certificate_out_under_its_name(rule: str) -> None:
    decision = decide([Candidate(like_good(**BROKEN[rule]), "added", "corp.pem")], RULES)
    reason = decision.rejections[0].reason
    assert reason
    assert decision == Decision((), (), (Rejection(rule, "added", "corp.pem", reason, GOOD.fingerprint, GOOD.subject),))


@cases(("rule", "day"), [("expired", "2026-03-01"), ("not-yet-valid", "2026-03-01")])
def test_a_rejection_for_its_dates_names_the_day(rule: str, day: str) -> None:
    broken = broken_rule(like_good(**BROKEN[rule]), NOW)
    assert broken is not None
    assert day in broken[1]


def test_a_certificate_from_several_sources_is_one_anchor_with_all_of_them() -> None:
    offered = [("certifi", "2026.1"), ("system", "/etc/ssl"), ("certifi", "again"), ("added", "corp.pem")]
    (anchor,), _, rejections = decide([Candidate(GOOD, *origin) for origin in offered], RULES)
    assert anchor.certificate == GOOD
    assert anchor.provenance == (
        Provenance("certifi", "2026.1", "2026-03-01"),
        Provenance("system", "/etc/ssl", "2026-03-01"),
        Provenance("added", "corp.pem", "2026-03-01"),
    )
    assert rejections == ()


def test_a_broken_certificate_is_rejected_once_for_each_source() -> None:
    expired = like_good(**BROKEN["expired"])
    decision = decide([Candidate(expired, "system", "a"), Candidate(expired, "added", "b")], RULES)
    assert [rejection.source for rejection in decision.rejections] == ["system", "added"]


@given(st.permutations(["bb", "cc", "dd", "ee"]))
def test_anchors_come_in_order_of_name_whatever_the_case_then_of_fingerprint(order: list[str]) -> None:
    names = {"bb": "beta", "cc": "Alpha", "dd": "alpha", "ee": "Gamma"}
    candidates = [Candidate(like_good(fingerprint=each, name=names[each]), "added", "") for each in order]
    anchors = decide(candidates, RULES).anchors
    assert [anchor.certificate.fingerprint for anchor in anchors] == ["cc", "dd", "bb", "ee"]


# What decides beside the certificate itself


def rules_of(decision: Decision) -> list[str]:
    return [rejection.rule for rejection in decision.rejections]


@cases(
    ("rules", "candidate", "rule"),
    [
        (Rules(NOW, distrusted=frozenset({"aa"})), Candidate(GOOD, "certifi", "1"), "distrusted"),
        (Rules(NOW, distrusted=frozenset({"same"})), Candidate(GOOD, "certifi", "1"), "distrusted"),
        (Rules(NOW, distrusted_by_system=frozenset({"aa"})), Candidate(GOOD, "certifi", "1"), "distrusted"),
        (Rules(NOW, distrusted_by_system=frozenset({"same"})), Candidate(GOOD, "certifi", "1"), "distrusted"),
        (Rules(NOW, revoked=frozenset({"aa"})), Candidate(GOOD, "certifi", "1"), "revoked"),
        (Rules(NOW, revoked_serials=frozenset({b"7"})), Candidate(GOOD, "certifi", "1"), "revoked"),
        (RULES, Candidate(GOOD, "ccadb", "1", tls_trust=False), "no-tls-trust"),
        (RULES, Candidate(GOOD, "ccadb", "1", role="intermediate"), "no-issuer"),
    ],
)
def test_a_good_certificate_stays_out_by_what_others_say_of_it(rules: Rules, candidate: Candidate, rule: str) -> None:
    decision = decide([candidate], rules)
    reason = decision.rejections[0].reason
    assert reason
    identity = GOOD.identity if rule == "distrusted" else ""
    assert decision == Decision((), (), (Rejection(rule, candidate.source, "1", reason, "aa", GOOD.subject, identity),))
    others = Rules(NOW, frozenset({"bb"}), frozenset({b"8"}), frozenset({"cc"}), frozenset({"dd"}))
    assert len(decide([Candidate(GOOD, "certifi", "1")], others).anchors) == 1


YOU, ADMINISTRATOR = "you", "the administrator of this system"


@cases(("who", "field"), [(YOU, "distrusted"), (ADMINISTRATOR, "distrusted_by_system")])
def test_a_copy_of_what_is_distrusted_is_distrusted_and_the_reason_says_by_whom(who: str, field: str) -> None:
    """The same name and key under another fingerprint, be it offered before or after the one that is known."""
    known, copy = (Candidate(like_good(fingerprint=each), "company", "ca.pem") for each in ("aa", "bb"))
    other = Candidate(like_good(fingerprint="cc", identity="other"), "company", "ca.pem")
    rules = dataclasses.replace(RULES, **{field: frozenset({"aa"})})  # type: ignore[arg-type]
    for offered in ([known, copy, other], [other, copy, known]):
        decision = decide(offered, rules)
        assert [anchor.certificate.fingerprint for anchor in decision.anchors] == ["cc"]
        assert {each.fingerprint: (each.rule, each.reason) for each in decision.rejections} == {
            "aa": ("distrusted", f"{who} said so"),
            "bb": ("distrusted", f"it has the name and key of one that {who} distrusted"),
        }
    assert [anchor.certificate.fingerprint for anchor in decide([copy, other], rules).anchors] == ["bb", "cc"]
    by_identity = dataclasses.replace(RULES, **{field: frozenset({"aa", "same"})})  # type: ignore[arg-type]
    assert [anchor.certificate.fingerprint for anchor in decide([copy, other], by_identity).anchors] == ["cc"]


def test_the_users_own_word_is_the_first_reason_that_is_named() -> None:
    everybody = Rules(NOW, distrusted=frozenset({"aa"}), distrusted_by_system=frozenset({"aa"}))
    assert decide([Candidate(GOOD, "system", "")], everybody).rejections[0].reason == "you said so"
    both = Rules(NOW, revoked=frozenset({"aa"}), distrusted=frozenset({"aa"}))
    expired = Candidate(like_good(**BROKEN["expired"]), "ccadb", "", tls_trust=False)
    assert rules_of(decide([dataclasses.replace(expired, certificate=GOOD)], both)) == ["distrusted"]
    assert rules_of(decide([expired], dataclasses.replace(both, distrusted=frozenset()))) == ["revoked"]
    assert rules_of(decide([expired], RULES)) == ["no-tls-trust"]


def test_a_root_that_one_source_does_not_trust_for_tls_is_an_anchor_by_another() -> None:
    decision = decide([Candidate(GOOD, "ccadb", "", tls_trust=False), Candidate(GOOD, "certifi", "")], RULES)
    assert [reason.source for anchor in decision.anchors for reason in anchor.provenance] == ["certifi"]
    assert [(rejection.rule, rejection.source) for rejection in decision.rejections] == [("no-tls-trust", "ccadb")]


@cases(
    ("dates", "expected"),
    [(("",), ""), (("2025-11-30",), "2025-11-30"), (("", "2025-11-30"), "2025-11-30"), (("2026", "2025"), "2025")],
)
def test_the_earliest_date_of_distrust_is_carried(dates: tuple[str, ...], expected: str) -> None:
    offered = [Candidate(GOOD, f"source {number}", "", distrust_after=date) for number, date in enumerate(dates)]
    assert [anchor.distrust_after for anchor in decide(offered, RULES).anchors] == [expected]


# Intermediates, with real signatures

REAL = Rules(datetime.now(timezone.utc))
ROOT, LIMITED = issue("Root"), issue("Limited", extensions=((x509.BasicConstraints(ca=True, path_length=0), True),))
BELOW, TOO_DEEP = issue("Below", ROOT), issue("Too deep", LIMITED)
DEEPER = issue("Deeper", BELOW)
FORGED = issue("Forged", Issued(ROOT.certificate, issue("Root").key))
STRAY = issue("Stray", issue("Nobody"))


def offer(issued: Issued, role: Role = "intermediate", source: str = "ccadb") -> Candidate:
    return Candidate(load_certificate(issued.der), source, "report", role)


def sha(issued: Issued) -> str:
    return load_certificate(issued.der).fingerprint


def test_an_intermediate_enters_under_its_issuer_and_anchor_with_all_its_sources() -> None:
    offered = [offer(DEEPER), offer(BELOW), offer(ROOT, "anchor", "certifi"), offer(BELOW, source="added")]
    decision = decide(offered, REAL)
    today = f"{REAL.now:%Y-%m-%d}"
    ccadb, added = Provenance("ccadb", "report", today), Provenance("added", "report", today)
    assert decision.intermediates == (
        Intermediate(load_certificate(BELOW.der), (ccadb, added), sha(ROOT), sha(ROOT)),
        Intermediate(load_certificate(DEEPER.der), (ccadb,), sha(BELOW), sha(ROOT)),
    )
    assert decision.rejections == ()


@cases(
    ("issued", "rule"),
    [
        (STRAY, "no-issuer"),
        (FORGED, "invalid-signature"),
        (TOO_DEEP, "path-length-exceeded"),
        (ROOT, "duplicate"),
    ],
)
def test_an_intermediate_without_a_good_chain_of_its_own_is_rejected_once_for_each_source(
    issued: Issued, rule: str
) -> None:
    anchors = [offer(ROOT, "anchor", "certifi"), offer(LIMITED, "anchor", "certifi")]
    decision = decide([*anchors, offer(issued), offer(issued, source="added"), offer(BELOW)], REAL)
    assert [(r.rule, r.source, r.fingerprint) for r in decision.rejections] == [
        (rule, "ccadb", sha(issued)),
        (rule, "added", sha(issued)),
    ]
    assert [held.certificate.name for held in decision.intermediates] == ["Below"]


@cases("kind", ["revoked", "distrusted"])
@cases(("issued", "left", "orphans"), [(ROOT, [], 2), (BELOW, [], 1), (DEEPER, ["Below"], 0)])
def test_with_a_certificate_goes_all_that_hangs_below_it(
    kind: str, issued: Issued, left: list[str], orphans: int
) -> None:
    offered = [offer(ROOT, "anchor"), offer(BELOW), offer(DEEPER), offer(LIMITED, "anchor")]
    rules = dataclasses.replace(REAL, **{kind: frozenset({sha(issued)})})  # type: ignore[arg-type]
    decision = decide(offered, rules)
    assert [held.certificate.name for held in decision.intermediates] == left
    assert rules_of(decision) == [kind, *["no-issuer"] * orphans]


def test_a_copy_of_a_revoked_intermediate_with_another_signature_is_revoked_and_its_sibling_is_not() -> None:
    """The signature on the copy is good, too: only its fingerprint is another."""
    copy, sibling = resigned(BELOW), issue("Below", ROOT, key=BELOW.key)
    offered = [offer(ROOT, "anchor"), offer(copy), offer(sibling)]
    by_fingerprint = dataclasses.replace(REAL, revoked=frozenset({sha(BELOW)}))
    assert rules_of(decide(offered, by_fingerprint)) == []
    serial = load_certificate(BELOW.der).link.issuer_and_serial
    decision = decide(offered, dataclasses.replace(by_fingerprint, revoked_serials=frozenset({serial})))
    assert [(each.rule, each.fingerprint) for each in decision.rejections] == [("revoked", sha(copy))]
    assert [held.certificate.fingerprint for held in decision.intermediates] == [sha(sibling)]


def test_below_name_constraints_no_intermediate_enters() -> None:
    constraints = x509.NameConstraints([x509.DNSName("good.test")], None)
    constrained = issue("Constrained", ROOT, extensions=(*ca_extensions(BELOW.key), (constraints, True)), key=BELOW.key)
    offered = [offer(ROOT, "anchor"), offer(constrained), offer(issue("Deeper", constrained))]
    decision = decide(offered, REAL)
    assert [held.certificate.name for held in decision.intermediates] == ["Constrained"]
    assert rules_of(decision) == ["name-constrained"]


def test_an_intermediate_with_a_critical_extension_that_openssl_does_not_know_stays_out_with_all_below_it() -> None:
    """OpenSSL would take it, and refuse it, in the place of a sound twin that a server sends."""
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4.5"), b"\5\0")

    def with_unknown(*, critical: bool) -> Issued:
        extensions = (*ca_extensions(BELOW.key), (unknown, critical))
        return issue("Odd", ROOT, extensions=extensions, key=BELOW.key)

    odd, even = with_unknown(critical=True), with_unknown(critical=False)
    decision = decide([offer(ROOT, "anchor"), offer(odd, source="repaired"), offer(issue("Deeper", odd))], REAL)
    assert decision.intermediates == ()
    assert rules_of(decision) == ["unhandled-critical", "no-issuer"]
    decision = decide([offer(ROOT, "anchor"), offer(odd), offer(even), offer(issue("Deeper", odd))], REAL)
    assert [held.certificate.fingerprint for held in decision.intermediates if held.certificate.name == "Odd"] == [
        sha(even)
    ]
    assert rules_of(decision) == ["unhandled-critical"]


def test_a_forged_namesake_does_not_take_an_intermediate_away() -> None:
    offered = [offer(ROOT, "anchor"), offer(BELOW), offer(issue("Root"), "anchor", "system"), offer(FORGED)]
    decision = decide(offered, REAL)
    assert [held.certificate.name for held in decision.intermediates] == ["Below"]
    assert rules_of(decision) == ["invalid-signature"]


# Every one accounted for

kinds = st.sampled_from([GOOD, *(like_good(fingerprint=rule, **changes) for rule, changes in BROKEN.items())])
candidates = st.builds(Candidate, kinds, st.sampled_from(["certifi", "system", "added"]), st.text(max_size=3))


@given(st.lists(candidates))
def test_nothing_is_lost(offered: list[Candidate]) -> None:
    decision = decide(iter(offered), RULES)
    good = [candidate for candidate in offered if candidate.certificate is GOOD]
    bad = [candidate for candidate in offered if candidate.certificate is not GOOD]
    accepted = {(anchor.certificate, reason.source) for anchor in decision.anchors for reason in anchor.provenance}
    assert accepted == {(candidate.certificate, candidate.source) for candidate in good}
    assert [(r.fingerprint, r.rule, r.source, r.detail) for r in decision.rejections] == [
        (c.certificate.fingerprint, c.certificate.fingerprint, c.source, c.detail) for c in bad
    ]


EVERYBODY = (ROOT, LIMITED, BELOW, DEEPER, FORGED, STRAY, TOO_DEEP)
some = st.frozensets(st.sampled_from([sha(issued) for issued in EVERYBODY]), max_size=2)
mixed = st.builds(
    Candidate,
    st.sampled_from([load_certificate(issued.der) for issued in EVERYBODY]),
    st.sampled_from(["certifi", "ccadb"]),
    st.uuids().map(str),
    st.sampled_from(["anchor", "intermediate"]),
    st.booleans(),
)


@given(st.lists(mixed, max_size=12), some, some)
def test_every_candidate_is_accepted_or_rejected_and_never_both(
    offered: list[Candidate], revoked: frozenset[str], distrusted: frozenset[str]
) -> None:
    """Each has a detail of its own; of several from one source the first gives the detail of the provenance."""
    decision = decide(offered, Rules(REAL.now, revoked=revoked, distrusted=distrusted))
    anchors = [("anchor", held.certificate.fingerprint, held.provenance) for held in decision.anchors]
    others = [("intermediate", held.certificate.fingerprint, held.provenance) for held in decision.intermediates]
    held = {
        (fingerprint, role, reason.source): reason.detail
        for role, fingerprint, reasons in (*anchors, *others)
        for reason in reasons
    }
    rejected = [rejection.detail for rejection in decision.rejections]
    assert len(rejected) == len(set(rejected))
    merged = [
        candidate
        for candidate in offered
        if candidate.detail not in rejected
        and (candidate.certificate.fingerprint, candidate.role, candidate.source) in held
    ]
    assert len(merged) + len(rejected) == len(offered)
    assert set(held.values()) <= {candidate.detail for candidate in merged}
    fingerprints = [fingerprint for _, fingerprint, _ in (*anchors, *others)]
    assert len(fingerprints) == len(set(fingerprints))
    assert not set(fingerprints) & (revoked | distrusted)
    for each in decision.intermediates:
        assert {each.issuer, each.anchor} <= set(fingerprints)
