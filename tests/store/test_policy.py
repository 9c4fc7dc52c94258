"""Every candidate is decided: an anchor or intermediate with all its sources, or a rejection that names its rule.

An intermediate hangs where a chain of good signatures leads to an anchor, and nowhere else; and whatever is wrong above
it, a client still sees: for none of that it enters. Asked is the real Python 3.13, whose clients end a chain at the
first certificate of the directory.
"""

from __future__ import annotations

import dataclasses
import json
import random
import ssl
import subprocess
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import strategies as st
from support.certificates import with_fields
from support.commands import Run
from support.environments import find_python
from support.issuers import ChainServer, intermediate, leaf, openssl_path, respelled, spelled
from support.pki import CA, DAY, LEAF, Form, Issued, Made, issue, key_usage, make, resigned, rsa_key
from support.pki import NOW as TODAY
from support.server import PlainServer, page
from support.table import cases

from certboot.pki.certificate import Certificate, Constraints, Link, Validity, is_signed_by, load_certificate
from certboot.repair import completion
from certboot.sources.candidates import Candidate, Offer, Rejection, Role
from certboot.store import policy
from certboot.store.manifest import Descent, Intermediate, Provenance, TrustAnchor
from certboot.store.policy import Decision, Rules, decide

NOW = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
SECOND = timedelta(seconds=1)
GOOD = Certificate(
    der=issue("Example", issue("Its issuer")).der,
    fingerprint="aa", subject="CN=Example Root", issuer="CN=Example Root", name="Example Root",
    validity=Validity(NOW, NOW),
    link=Link(b"", b"", "00000000", self_issued=True, key_id=b"", authority_key_id=b"", issuer_and_serial=b"7"),
    constraints=Constraints(
        is_ca=True, for_tls_servers=True, path_length=None, name_constrained=False, unhandled_critical=False
    ),
    identity="same", defects=(),
)  # fmt: skip
BROKEN: dict[str, dict[str, object]] = {
    "not-a-ca": {"is_ca": False},
    "wrong-purpose": {"for_tls_servers": False},
    "expired": {"not_after": NOW - SECOND},
    "not-yet-valid": {"not_before": NOW + SECOND},
}


RULES = Rules(NOW)


def like_good(**changes: object) -> Certificate:
    return with_fields(GOOD, **changes)


@cases("rule", BROKEN)
def test_each_rule_alone_keeps_a_certificate_out_under_its_name(rule: str) -> None:
    decision = decide([Candidate(like_good(**BROKEN[rule]), "added", "corp.pem")], RULES)
    reason = decision.rejections[0].reason
    assert reason
    assert rule not in ("expired", "not-yet-valid") or "2026-03-01" in reason
    assert decision == Decision((), (), (Rejection(rule, "added", "corp.pem", reason, GOOD.fingerprint, GOOD.subject),))


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


@given(st.permutations(["bb", "cc", "dd", "ee"]))
def test_anchors_come_in_order_of_name_whatever_the_case_then_of_fingerprint(order: list[str]) -> None:
    names = {"bb": "beta", "cc": "Alpha", "dd": "alpha", "ee": "Gamma"}
    candidates = [Candidate(like_good(fingerprint=each, name=names[each]), "added", "") for each in order]
    anchors = decide(candidates, RULES).anchors
    assert [anchor.certificate.fingerprint for anchor in anchors] == ["cc", "dd", "bb", "ee"]


# What decides beside the certificate itself


OFFERED = Candidate(GOOD, "certifi", "1")


def rules_of(decision: Decision) -> list[str]:
    return [rejection.rule for rejection in decision.rejections]


@cases(
    ("rules", "candidate", "rule"),
    [
        *((Rules(NOW, distrusted=frozenset({mark})), OFFERED, "distrusted") for mark in ("aa", "same")),
        *((Rules(NOW, distrusted_by_system=frozenset({mark})), OFFERED, "distrusted") for mark in ("aa", "same")),
        (Rules(NOW, revoked=frozenset({"aa"})), OFFERED, "revoked"),
        (Rules(NOW, revoked=frozenset({b"7"})), OFFERED, "revoked"),
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
    others = Rules(NOW, frozenset({"bb", b"8"}), frozenset({"cc"}), frozenset({"dd"}))
    assert len(decide([OFFERED], others).anchors) == 1


@cases(("who", "field"), [("you", "distrusted"), ("the administrator of this system", "distrusted_by_system")])
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
    return Candidate(loaded(issued), source, "report", role)


def loaded(issued: Issued | Made) -> Certificate:
    return load_certificate(issued.der)


def sha(issued: Issued | Made) -> str:
    return loaded(issued).fingerprint


def test_an_intermediate_enters_under_its_issuer_and_anchor_with_all_its_sources() -> None:
    offered = [offer(DEEPER), offer(BELOW), offer(ROOT, "anchor", "certifi"), offer(BELOW, source="added")]
    decision = decide(offered, REAL)
    today = f"{REAL.now:%Y-%m-%d}"
    ccadb, added = Provenance("ccadb", "report", today), Provenance("added", "report", today)
    assert decision.intermediates == (
        Intermediate(loaded(BELOW), (ccadb, added), sha(ROOT), sha(ROOT)),
        Intermediate(loaded(DEEPER), (ccadb,), sha(BELOW), sha(ROOT)),
    )
    assert decision.rejections == ()


@cases(
    ("issued", "rule"),
    [(STRAY, "no-issuer"), (FORGED, "invalid-signature"), (TOO_DEEP, "path-length-exceeded"), (ROOT, "duplicate")],
)
def test_an_intermediate_without_a_good_chain_is_rejected_once_a_source(issued: Issued, rule: str) -> None:
    anchors = [offer(ROOT, "anchor", "certifi"), offer(LIMITED, "anchor", "certifi")]
    decision = decide([*anchors, offer(issued), offer(issued, source="added"), offer(BELOW)], REAL)
    assert [(r.rule, r.source, r.fingerprint) for r in decision.rejections] == [
        (rule, "ccadb", sha(issued)),
        (rule, "added", sha(issued)),
    ]
    assert [held.certificate.name for held in decision.intermediates] == ["Below"]


@cases("kind", ["revoked", "distrusted"])
@cases(("issued", "left", "orphans"), [(ROOT, [], 2), (BELOW, [], 1), (DEEPER, ["Below"], 0)])
def test_with_a_certificate_goes_all_below_it(kind: str, issued: Issued, left: list[str], orphans: int) -> None:
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
    serial = loaded(BELOW).link.issuer_and_serial
    decision = decide(offered, dataclasses.replace(REAL, revoked=by_fingerprint.revoked | {serial}))
    assert [(each.rule, each.fingerprint) for each in decision.rejections] == [("revoked", sha(copy))]
    assert [held.certificate.fingerprint for held in decision.intermediates] == [sha(sibling)]


EVERYBODY = (ROOT, LIMITED, BELOW, DEEPER, FORGED, STRAY, TOO_DEEP)
some = st.frozensets(st.sampled_from([sha(issued) for issued in EVERYBODY]), max_size=2)
mixed = st.builds(
    Candidate, st.sampled_from([loaded(issued) for issued in EVERYBODY]), st.sampled_from(["certifi", "ccadb"]),
    st.uuids().map(str), st.sampled_from(["anchor", "intermediate"]), st.booleans(),
)  # fmt: skip


@given(st.lists(mixed, max_size=12), some, some)
def test_every_candidate_is_accepted_or_rejected_and_never_both(
    offered: list[Candidate], revoked: frozenset[str], distrusted: frozenset[str]
) -> None:
    """Each has a detail of its own; of several from one source the first gives the detail of the provenance."""
    decision = decide(offered, Rules(REAL.now, revoked=revoked, distrusted=distrusted))
    accepted: list[tuple[str, TrustAnchor | Intermediate]] = [("anchor", entry) for entry in decision.anchors]
    accepted += [("intermediate", entry) for entry in decision.intermediates]
    held = {
        (entry.certificate.fingerprint, role, reason.source): reason.detail
        for role, entry in accepted
        for reason in entry.provenance
    }
    rejected = [rejection.detail for rejection in decision.rejections]
    assert len(rejected) == len({*rejected})
    merged = [
        candidate.detail
        for candidate in offered
        if (candidate.certificate.fingerprint, candidate.role, candidate.source) in held
        and candidate.detail not in rejected
    ]
    assert len(merged) + len(rejected) == len(offered)
    assert {*held.values()} <= {*merged}
    fingerprints = [entry.certificate.fingerprint for _, entry in accepted]
    assert len(fingerprints) == len({*fingerprints})
    assert not {*fingerprints} & (revoked | distrusted)
    for entry in decision.intermediates:
        assert {entry.issuer, entry.anchor} <= {*fingerprints}


# Where an intermediate hangs


def signed(
    subject: str,
    issuer: Issued | None = None,
    *,
    room: int | None = None,
    key: ec.EllipticCurvePrivateKey | None = None,
    named_key: ec.EllipticCurvePrivateKey | None = None,
    constraints: x509.NameConstraints | None = None,
) -> Issued:
    """A CA certificate with all key identifiers. ``named_key``: the one its authority key identifier speaks of."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    named = (named_key or (issuer.key if issuer else key)).public_key()
    extensions = (
        (x509.BasicConstraints(ca=True, path_length=room), True),
        (key_usage(key_cert_sign=True), True),
        (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(named), False),
        *(((constraints, True),) if constraints else ()),
    )
    return issue(subject, issuer, extensions=extensions, key=key)


def link(issuer: Issued, anchor: Issued) -> Descent:
    return Descent(sha(issuer), sha(anchor))


def hang(
    intermediates: Iterable[Issued], anchors: Iterable[Issued], checked: dict[str, str] | None = None
) -> tuple[dict[str, Descent], dict[str, str]]:
    """What ``policy.link_intermediates`` says, fingerprint -> Descent and -> rule."""
    hanging, failed = policy.link_intermediates(map(loaded, intermediates), map(loaded, anchors), checked or {})
    assert all(reason for _, reason in failed.values())
    return hanging, {fingerprint: rule for fingerprint, (rule, _) in failed.items()}


TOP = signed("Root")
ONE = signed("One", TOP)
TWO = signed("Two", ONE)
THREE = signed("Three", TWO)


@cases("order", [(ONE, TWO, THREE), (THREE, TWO, ONE), (TWO, THREE, ONE)])
def test_chains_of_any_length_end_at_the_anchor_in_whatever_order_they_come(order: tuple[Issued, ...]) -> None:
    expected = {sha(ONE): link(TOP, TOP), sha(TWO): link(ONE, TOP), sha(THREE): link(TWO, TOP)}
    assert hang(order, [signed("Other"), TOP]) == (expected, {})


def test_the_right_name_with_another_key_id_is_no_issuer_and_without_key_ids_the_signature_decides() -> None:
    other = signed("Root")
    assert hang([ONE], [other]) == ({}, {sha(ONE): "no-issuer"})
    assert hang([ONE], [other, TOP]) == ({sha(ONE): link(TOP, TOP)}, {})
    plain = ((x509.BasicConstraints(ca=True, path_length=None), True),)
    root, namesake = issue("Root", extensions=plain), issue("Root", extensions=plain)
    below = issue("Below", root, extensions=plain)
    assert hang([below], [namesake]) == ({}, {sha(below): "invalid-signature"})
    for anchors in ([root, namesake], [namesake, root]):
        assert hang([below], anchors) == ({sha(below): link(root, root)}, {})


def test_a_wrong_signature_under_the_right_name_and_key_id_is_told_and_nothing_hangs_below_it() -> None:
    forged = signed("Forged", signed("Root"), named_key=TOP.key)
    below = signed("Below", forged)
    rules = {sha(forged): "invalid-signature", sha(below): "no-issuer"}
    assert hang([below, forged], [TOP]) == ({}, rules)


@pytest.mark.parametrize(("room", "enters"), [(None, False), (5, False), (1, False), (0, True)])
def test_below_a_path_length_hangs_only_what_has_no_wider_one(room: int | None, *, enters: bool) -> None:
    """Clients may take it for an anchor and then do not see the path length above."""
    root = signed("Root", room=1)
    one = signed("One", root, room=room)
    two = signed("Two", one)
    rules = {sha(one): "path-length-limited", sha(two): "no-issuer"}
    assert hang([one, two], [root])[1] == ({sha(two): "path-length-exceeded"} if enters else rules)


def test_of_several_issuers_the_one_nearest_to_an_anchor_counts() -> None:
    other = signed("Other")
    crossed = signed("Two", other, key=TWO.key)  # the key of Two, directly below another anchor
    for order in ([ONE, TWO, crossed, THREE], [THREE, crossed, TWO, ONE]):
        for anchors in ([TOP, other], [other, TOP]):
            hanging, failed = hang(order, anchors)
            assert failed == {}
            assert hanging[sha(THREE)] == link(crossed, other)
            assert hanging[sha(TWO)] == link(ONE, TOP)
    assert hang([ONE, TWO, crossed, THREE], [TOP])[0][sha(THREE)] == link(TWO, TOP)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """The pairs whose signature is checked."""
    pairs: list[tuple[str, str]] = []
    real = is_signed_by

    def noted(certificate: Certificate, issuer: Certificate) -> bool:
        pairs.append((certificate.name, issuer.name))
        return real(certificate, issuer)

    monkeypatch.setattr("certboot.store.policy.is_signed_by", noted)
    return pairs


def test_a_signature_that_was_found_good_before_is_not_checked_again(counted: list[tuple[str, str]]) -> None:
    first = hang([ONE, TWO, THREE], [TOP])
    assert counted == [("One", "Root"), ("Two", "One"), ("Three", "Two")]
    counted.clear()
    known = {fingerprint: found.issuer for fingerprint, found in first[0].items()}
    del known[sha(TWO)]
    assert hang([ONE, TWO, THREE], [TOP], known) == first
    assert counted == [("Two", "One")]


def test_what_was_checked_skips_the_signature_and_nothing_else(counted: list[tuple[str, str]]) -> None:
    """Name, key identifier and room decide as before, and another issuer's signature is checked."""
    closed = signed("Root", room=0)
    below, stranger = signed("Below", closed), signed("Stranger", signed("Root"))
    forged = signed("Forged", signed("Root"), named_key=TOP.key)
    roots = {name: sha(issued) for name, issued in (("closed", closed), ("root", TOP), ("other", ONE))}
    known = {sha(below): roots["closed"], sha(stranger): roots["root"], sha(forged): roots["other"]}
    assert hang([below], [closed], known) == ({}, {sha(below): "path-length-exceeded"})
    assert hang([stranger], [TOP], known) == ({}, {sha(stranger): "no-issuer"})
    assert counted == []
    assert hang([forged], [TOP], known) == ({}, {sha(forged): "invalid-signature"})
    assert counted == [("Forged", "Root")]


GOOD_TEST = x509.NameConstraints(permitted_subtrees=[x509.DNSName("good.test")], excluded_subtrees=None)


@cases("constrained", ["anchor", "intermediate"])
def test_below_name_constraints_nothing_hangs_and_the_constrained_one_itself_does(constrained: str) -> None:
    root = signed("Root", constraints=GOOD_TEST if constrained == "anchor" else None)
    one = signed("One", root, constraints=None if constrained == "anchor" else GOOD_TEST)
    two = signed("Two", one)
    hanging, failed = hang([one, two], [root])
    if constrained == "anchor":
        assert (hanging, failed) == ({}, {sha(one): "name-constrained", sha(two): "no-issuer"})
    else:
        assert hanging == {sha(one): link(root, root)}
        assert failed == {sha(two): "name-constrained"}


def test_below_name_constraints_a_ca_hangs_by_another_chain_without_them() -> None:
    """Its key may sign for any name by that chain, whatever directory or client is asked."""
    constrained = signed("One", TOP, constraints=GOOD_TEST)
    free = signed("One", TOP, key=constrained.key)
    below = signed("Two", constrained)
    for order in ([constrained, free, below], [below, free, constrained]):
        hanging, failed = hang(order, [TOP])
        assert failed == {}
        assert hanging[sha(below)] == link(free, TOP)


@dataclasses.dataclass(frozen=True)
class Pki:
    """Few names and few keys, so that they collide: crossed, forged, self-issued, in loops, with little room."""

    anchors: list[Issued]
    intermediates: list[Issued]


KEYS = [ec.generate_private_key(ec.SECP256R1()) for _ in range(3)]


def random_pki(seed: int) -> Pki:
    chance = random.Random(seed)  # noqa: S311 - the same ones at every run

    def make(*, root: bool) -> Issued:
        subject, key = chance.choice("ABC"), chance.choice(KEYS)
        room = chance.choice((None, None, None, 0, 1))
        if root:
            return signed(subject, room=room, key=key)
        issuer = Issued(issue(chance.choice("ABC"), key=KEYS[0]).certificate, chance.choice(KEYS))
        named = chance.choice(KEYS) if chance.random() < 0.1 else None
        return signed(subject, issuer, room=room, key=key, named_key=named)

    anchors = [make(root=True) for _ in range(chance.randint(1, 3))]
    return Pki(anchors, [make(root=False) for _ in range(chance.randint(1, 7))])


def oracle(pki: Pki) -> set[str]:
    """The fingerprints of the intermediates from which some chain leads to an anchor, by trying every one."""
    keys = {sha(one): one for one in (*pki.anchors, *pki.intermediates)}
    anchors = {sha(anchor) for anchor in pki.anchors}

    def signs(upper: Certificate, lower: Certificate) -> bool:
        own, above = lower.link.authority_key_id, upper.link.key_id
        named = not own or not above or own == above
        try:
            keys[lower.fingerprint].certificate.verify_directly_issued_by(keys[upper.fingerprint].certificate)
        except Exception:  # noqa: BLE001 - whatever is wrong with it
            return False
        return named

    def fits(path: list[Certificate]) -> bool:
        """Whether each certificate of a path, lowest first, lets those below it follow, and no fewer than they do."""
        return all(
            upper.constraints.path_length is None
            or (
                lower.constraints.path_length is not None
                and sum(not each.link.self_issued for each in path[below:at]) + lower.constraints.path_length
                <= upper.constraints.path_length
            )
            for at, upper in enumerate(path)
            for below, lower in enumerate(path[:at])
        )

    def reaches(path: list[Certificate]) -> bool:
        if not fits(path):
            return False
        if path[-1].fingerprint in anchors:
            return True
        above = [one for one in map(loaded, keys.values()) if one not in path and signs(one, path[-1])]
        return any(reaches([*path, one]) for one in above)

    return {sha(one) for one in pki.intermediates if reaches([loaded(one)])}


def test_in_150_random_pkis_what_hangs_is_what_some_chain_leads_to_an_anchor_from() -> None:
    wrong, hung = [], 0
    for seed in range(150):
        pki = random_pki(seed)
        hanging, failed = hang(pki.intermediates, pki.anchors)
        assert hanging.keys() | failed.keys() == {sha(one) for one in pki.intermediates}
        assert not hanging.keys() & failed.keys()
        hung += len(hanging)
        if set(hanging) != oracle(pki):
            wrong.append(seed)
    assert wrong == []
    assert hung > 60


def leaf_below(issuer: Issued) -> Issued:
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key())
    return issue("leaf", issuer, extensions=((authority, False),), key=KEYS[0])


def test_each_link_leads_to_its_anchor_in_the_eyes_of_openssl(openssl: Callable[..., str], tmp_path: Path) -> None:
    """Asked for a leaf below each: what OpenSSL finds a chain for by itself hangs, too, under that name and key.

    But where a path length would be overlooked: there only the first half is asked.
    """
    only = ("verify", "-no-CAfile", "-no-CApath", "-no-CAstore")
    asked = 0
    for seed in range(16):
        pki = random_pki(1000 + seed)
        folder = tmp_path / str(seed)
        folder.mkdir()
        files, leaves = {}, {}
        for issued in (*pki.anchors, *pki.intermediates):
            fingerprint = sha(issued)
            files[fingerprint], leaves[fingerprint] = folder / fingerprint, folder / f"leaf-{fingerprint}"
            files[fingerprint].write_bytes(issued.pem)
            leaves[fingerprint].write_bytes(leaf_below(issued).pem)
        hanging, failed = hang(pki.intermediates, pki.anchors)
        for fingerprint, found in hanging.items():
            between, upper = [files[fingerprint]], found.issuer
            while upper != found.anchor:
                between.append(files[upper])
                upper = hanging[upper].issuer
            below = [argument for path in between for argument in ("-untrusted", path)]
            assert openssl(*only, "-trusted", files[found.anchor], *below, leaves[fingerprint]).endswith(": OK\n")
        if "path-length-limited" in failed.values():
            continue
        asked += 1
        offered = [argument for one in pki.intermediates for argument in ("-untrusted", files[sha(one)])]
        trusted = [argument for one in pki.anchors for argument in ("-trusted", files[sha(one)])]
        said = openssl(*only, *trusted, *offered, *leaves.values(), status=None).splitlines()
        good = [line.removesuffix(": OK").rpartition("leaf-")[2] for line in said if line.endswith(": OK")]
        known = {sha(one): loaded(one) for one in (*pki.anchors, *pki.intermediates)}
        usable = {*hanging, *(sha(one) for one in pki.anchors)}
        named = {fingerprint: (one.subject, one.link.key_id) for fingerprint, one in known.items()}
        assert {named[fingerprint] for fingerprint in good} <= {named[fingerprint] for fingerprint in usable}
    assert asked > 4


@cases(("text", "kind"), [("Example CA", 12), ("example  CA", 19), ("Example CA", 30)])
def test_names_are_compared_as_openssl_does(text: str, kind: int) -> None:
    root = signed("Root")
    ca, other = respelled(root, text, kind)
    below, forged = intermediate("Below", ca), intermediate(spelled(text, kind), root)
    for upper, good in ((other, True), (forged, False)):
        hanging, failed = policy.link_intermediates([loaded(upper), loaded(below)], [loaded(root)], {})
        assert hanging.get(sha(below)) == (link(upper, root) if good else None)
        assert (sha(below) in failed) is not good
        said = openssl_path([below.pem, upper.pem], root)
        assert said.endswith("leaf: OK\n") is good


# What a client would overlook

UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4.5"), b"\5\0")
POLICIES = x509.PolicyConstraints(require_explicit_policy=0, inhibit_policy_mapping=0)
ENDED = (TODAY - 30 * DAY, TODAY - DAY)
HANDSHAKES = """
import json, ssl, sys

def shaken(folder, name):
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.set_ciphers("DEFAULT:@SECLEVEL=0")
    server.load_cert_chain(f"{folder}/chain", f"{folder}/key")
    client = ssl.create_default_context(capath=f"{folder}/crts")
    one, other = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = client.wrap_bio(one, other, server_hostname=name), server.wrap_bio(other, one, server_side=True)
    for end in ends * 6:
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLCertVerificationError as error:
            return error.verify_message
    return "accepted"

print(json.dumps([shaken(*argument.split("=")) for argument in sys.argv[1:]]))
"""
Question = tuple[Sequence[Made], Sequence[Made], str]
"""What a server sends, what lies in the client's directory, and the name of the server."""


def said_by_python_3_13(openssl: Callable[..., str], top: Path, questions: Sequence[Question]) -> list[str]:
    arguments = []
    for number, (sent, directory, name) in enumerate(questions):
        folder = top / str(number)
        (folder / "crts").mkdir(parents=True)
        (folder / "chain").write_bytes(b"".join(made.pem for made in sent))
        (folder / "key").write_bytes(sent[0].key_pem)
        for at, made in enumerate(directory):
            (folder / "crts" / f"{at}.pem").write_bytes(made.pem)
        arguments.append(f"{folder}={name}")
    openssl("rehash", *top.glob("*/crts"))
    command = (find_python("3.13"), "-c", HANDSHAKES, *arguments)
    said: list[str] = json.loads(subprocess.run(command, env={}, capture_output=True, text=True, check=True).stdout)
    return said


@dataclasses.dataclass(frozen=True)
class Chain:
    """A leaf below two CAs below a root."""

    root: Made
    one: Made
    two: Made
    leaf: Made

    @property
    def sent(self) -> tuple[Made, ...]:
        """What a server sends that has forgotten nothing."""
        return self.leaf, self.two, self.one


def chain(root: Form = CA, one: Form = CA, two: Form = CA, *, bits: int = 0) -> Chain:
    top = make("Root", form=root, key=rsa_key(bits) if bits else None)
    upper = make("One", top, one)
    lower = make("Two", upper, two)
    return Chain(top, upper, lower, make("evil.test", lower, replace(LEAF, names=("evil.test",))))


def entering(made: Chain, now: datetime = TODAY) -> Decision:
    """What of the chain enters the store."""
    offered = (Candidate(loaded(issued), "repaired", "file", "intermediate") for issued in (made.one, made.two))
    return decide([Candidate(loaded(made.root), "added", "file"), *offered], Rules(now))


def stored(made: Chain) -> tuple[list[str], dict[str, str]]:
    """By name: the intermediates that enter the store, and the rules by which they do not."""
    decision = entering(made)
    rules = {
        rejection.subject.removeprefix("CN="): rejection.rule
        for rejection in decision.rejections
        if rejection.source == "repaired"
    }
    return [held.certificate.name for held in decision.intermediates], rules


def repairs(made: Chain, *sent: Made) -> bool:
    """Whether repair would store what a server forgets that sends these only."""
    anchors = [held.certificate for held in entering(made).anchors]
    supply = completion.Supply(
        lambda name: [anchor for anchor in anchors if anchor.link.subject_name == name],
        lambda _: [Offer(loaded(issued), "somebody") for issued in (made.one, made.two)],
        lambda _: [],
    )
    rules = completion.Rules(TODAY, to_store=True)
    return completion.complete([loaded(issued) for issued in sent], supply, rules).anchor is not None


CLIENTS, SERVERS = ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH
TOO_LONG = "path length constraint exceeded"
OVERLOOKED = [
    ("permitted subtree violation", chain(replace(CA, extra=((GOOD_TEST, True),))), "name-constrained"),
    (TOO_LONG, chain(replace(CA, path_length=1)), "path-length-limited"),
    (TOO_LONG, chain(replace(CA, path_length=1), replace(CA, path_length=5)), "path-length-limited"),
    ("unhandled critical extension", chain(replace(CA, extra=((UNKNOWN, True),))), "unhandled-critical"),
    ("CA certificate key too weak", chain(bits=1024), "weak-key"),
    ("CA signature digest algorithm too weak", chain(one=replace(CA, sha1=True)), "weak-signature"),
    ("certificate has expired", chain(replace(CA, valid=ENDED)), "no-issuer"),
    ("unsuitable certificate purpose", chain(replace(CA, purposes=(CLIENTS,))), "no-issuer"),
]
"""What a client says that sees it, the chain, and the rule that keeps its intermediates out."""
CONTROLS = [
    chain(),
    chain(*(replace(CA, path_length=length) for length in (2, 1, 0))),
    chain(*(replace(CA, path_length=length) for length in (3, 1, 0))),
    chain(replace(CA, extra=((UNKNOWN, False),))),
    chain(bits=2048),
    chain(replace(CA, purposes=(CLIENTS, SERVERS))),
    chain(replace(CA, extra=((POLICIES, True),))),  # which no client asks for
]
LIMITS = [
    (TOO_LONG, chain(one=replace(CA, path_length=0))),
    ("permitted subtree violation", chain(one=replace(CA, extra=((GOOD_TEST, True),)))),
]
"""These stand in what a client takes for an anchor itself: only what is below it stays out."""


@pytest.mark.filterwarnings("ignore:RSA key size")
def test_for_what_a_client_would_overlook_above_it_no_intermediate_enters_the_store() -> None:
    for _, made, rule in OVERLOOKED:
        assert stored(made) == ([], {"One": rule, "Two": "no-issuer"})
        assert not repairs(made, made.leaf)
        assert not repairs(made, made.leaf, made.two)
    for made in CONTROLS:
        assert stored(made) == (["One", "Two"], {})
        assert repairs(made, made.leaf, made.two)
    for _, made in LIMITS:
        assert stored(made)[0] == ["One"]
    # OpenSSL would take it, and refuse it, in the place of a sound twin that a server sends.
    assert stored(chain(one=replace(CA, extra=((UNKNOWN, True),)))) == (
        [],
        {"One": "unhandled-critical", "Two": "no-issuer"},
    )


@pytest.mark.slow
def test_python_3_13_overlooks_what_is_above_its_directory(openssl: Callable[..., str], tmp_path: Path) -> None:
    """The control is the very acceptance that storing the intermediate would bring about.

    No client asks for X509_V_FLAG_POLICY_CHECK: with it OpenSSL does not look at an anchor's either (RFC 5280, 6.1).
    """
    assert not ssl.create_default_context().verify_flags & 0x80
    asked: list[tuple[Question, str]] = []
    for refusal, made, _ in OVERLOOKED:
        asked += [((made.sent, [made.root], "evil.test"), refusal)]
        asked += [((made.sent, [made.root, made.one], "evil.test"), "accepted")]
    for made in CONTROLS:
        asked += [((made.sent, [made.root], "evil.test"), "accepted")]
        asked += [((made.sent[:2], [made.root, made.one, made.two], "evil.test"), "accepted")]
    for refusal, made in LIMITS:
        good = make("good.test", made.one, replace(LEAF, names=("good.test",)))
        asked += [((made.sent, held, "evil.test"), refusal) for held in ([made.root], [made.root, made.one])]
        asked += [((made.sent, [made.root, made.one, made.two], "evil.test"), "accepted")]
        asked += [(((good, made.one), [made.root, made.one], "good.test"), "accepted")]
    assert said_by_python_3_13(openssl, tmp_path, [question for question, _ in asked]) == [said for _, said in asked]


@cases("whose", ["root", "upper"])
def test_what_hangs_below_a_certificate_leaves_when_that_one_ends(whose: str) -> None:
    """An intermediate that outlives what is above it: until then it is stored, and one second later it is not."""
    short = replace(CA, valid=(TODAY - DAY, TODAY + 10 * DAY))
    made = chain(short) if whose == "root" else chain(one=short)

    def held(now: datetime) -> list[str]:
        decision = entering(made, now)
        anchors = [anchor.certificate.name for anchor in decision.anchors]
        return anchors + [intermediate.certificate.name for intermediate in decision.intermediates]

    moment = loaded(made.root if whose == "root" else made.one).validity.not_after
    assert held(moment) == ["Root", "One", "Two"]
    assert held(moment + SECOND) == ([] if whose == "root" else ["Root"])
    assert policy.next_change(map(loaded, (made.root, made.one, made.two)), TODAY) == moment


def test_init_says_when_an_update_is_due_and_nothing_where_nothing_outlives_its_issuer(
    certboot: Run, clean: Path, place: PlainServer, send: Callable[..., ChainServer]
) -> None:
    root, control = issue("Short Root", valid=(TODAY - DAY, TODAY + 20 * DAY)), issue("Long Root")
    (clean / "roots.pem").write_bytes(root.pem + control.pem)

    def said() -> list[str]:
        ran = certboot("init", "--add", clean / "roots.pem")
        assert ran.status == 0
        return [line for line in ran.out.splitlines() if line.startswith("  due ")]

    assert said() == []
    when = f"{TODAY + 20 * DAY:%Y-%m-%d}"
    due = f"  due       certboot update by {when}: Short Root ends then, and what is below it does not"
    for under, name, expected in ((control, "nested", []), (root, "outliving", [due])):
        ca = intermediate(name, under)
        place.pages[f"/{name}"] = page(ca.der)
        assert certboot("repair", "--yes", send(leaf(ca, f"{place.url}/{name}")).shown).status == 0
        assert said() == expected
