"""Which anchors get a stand-in is decided about certificates of a name and key, by who offers them."""

from __future__ import annotations

import dataclasses
import datetime

from support.pki import CA, Form, Issued, changed, make, new_key
from support.table import cases

from certboot.pki.certificate import load_certificate
from certboot.sources.candidates import Candidate
from certboot.store.policy import Decision, Rules, decide

KEY = new_key()
FAULTY = changed(CA, critical=False)
RULES = Rules(datetime.datetime.now(datetime.timezone.utc))


def offer(form: Form = FAULTY, source: str = "added", wish: bytes | None = None) -> Candidate:
    return Candidate(load_certificate(make("Root", form=form, key=KEY).der), source, source, stand_in=wish)


WISHED = offer(wish=b"")
ORIGINAL = WISHED.certificate


def by(source: str) -> Candidate:
    return dataclasses.replace(WISHED, source=source, stand_in=None)


def stands_for(decision: Decision) -> set[str]:
    return {anchor.original.fingerprint for anchor in decision.anchors if anchor.original}


def test_the_system_s_own_copy_goes_with_it_and_is_a_reason_as_before() -> None:
    (anchor,) = decide((by("system"), WISHED), RULES).anchors
    assert (anchor.original, [reason.source for reason in anchor.provenance]) == (ORIGINAL, ["system", "added"])
    (alone,) = decide((by("system"), by("added")), RULES).anchors
    assert (alone.original, alone.certificate) == (None, ORIGINAL)


def test_a_twin_with_the_same_fault_gets_one_too_and_one_that_can_have_none_stays() -> None:
    """Strict verification takes the first of a name that it comes upon."""
    twin = offer(source="system")
    decision = decide((twin, WISHED), RULES)
    assert stands_for(decision) == {ORIGINAL.fingerprint, twin.certificate.fingerprint}
    odd = offer(changed(CA, constraints=False), source="system")
    decision = decide((odd, WISHED), RULES)
    assert stands_for(decision) == {ORIGINAL.fingerprint}
    assert odd.certificate in [anchor.certificate for anchor in decision.anchors]
    assert [rejection.rule for rejection in decision.rejections] == ["no-stand-in"]


def test_the_sha256_of_a_twin_s_stand_in_keeps_out_both_too() -> None:
    offers = (offer(source="system"), WISHED)
    for anchor in decide(offers, RULES).anchors:
        rules = dataclasses.replace(RULES, distrusted=frozenset({anchor.certificate.fingerprint}))
        decision = decide(offers, rules)
        assert (decision.anchors, [rejection.rule for rejection in decision.rejections]) == ((), ["distrusted"] * 2)


def test_one_that_is_issued_anew_takes_its_place_and_that_of_its_twins() -> None:
    new, twin = offer(CA), offer(source="system")
    decision = decide((WISHED, twin, new), RULES)
    assert [anchor.certificate for anchor in decision.anchors] == [new.certificate]
    assert {rejection.rule for rejection in decision.rejections} == {"issued-anew"}
    without = decide((by("added"), twin, new), RULES)
    assert len(without.anchors) == len({ORIGINAL, twin.certificate, new.certificate})


@cases("other", [
    make("Root", make("Top", form=CA), CA, key=KEY),  # without the CA above it of no use for Python up to 3.12
    make("Root", form=changed(FAULTY, names=("ca.example",)), key=KEY),
])  # fmt: skip
def test_a_cross_certificate_and_what_may_be_a_server_s_own_are_no_such_successor(other: Issued) -> None:
    beside = Candidate(load_certificate(other.der), "added", "added")
    decision = decide((WISHED, beside), RULES)
    assert stands_for(decision) == {ORIGINAL.fingerprint}
    assert beside.certificate in [anchor.certificate for anchor in decision.anchors]


@cases("own_first", [True, False])
def test_a_source_that_has_the_stand_in_itself_has_the_original(*, own_first: bool) -> None:
    (made,) = (anchor.certificate for anchor in decide((WISHED,), RULES).anchors)
    exported = Candidate(made, "system", "system")
    offers = (WISHED, exported) if own_first else (exported, WISHED)
    decision = decide(offers, RULES)
    (anchor,) = decision.anchors
    assert (anchor.certificate, anchor.original, decision.rejections) == (made, ORIGINAL, ())
    assert {reason.source for reason in anchor.provenance} == {"added", "system"}


@cases("offers", [(by("certifi"), WISHED), (by("ccadb"), WISHED), (dataclasses.replace(WISHED, with_settings=True),)])
def test_a_public_ca_and_one_with_trust_settings_get_none(offers: tuple[Candidate, ...]) -> None:
    for decision in (
        decide(offers, RULES),
        decide((WISHED,), dataclasses.replace(RULES, public=frozenset({ORIGINAL.identity}))),
    ):
        assert [(anchor.certificate, anchor.original) for anchor in decision.anchors] == [(ORIGINAL, None)]
        assert [rejection.rule for rejection in decision.rejections] == ["no-stand-in"]


def test_of_what_needs_none_nothing_is_said() -> None:
    """A company's file may hold all public CAs too, and intermediates."""
    middle = load_certificate(make("Middle", make("Top", form=CA), CA).der)
    public = load_certificate(make("Public", form=CA).der)
    fine = tuple(Candidate(certificate, "company", "file", stand_in=b"") for certificate in (middle, public))
    decision = decide(fine, dataclasses.replace(RULES, public=frozenset({public.identity})))
    assert ({anchor.certificate for anchor in decision.anchors}, decision.rejections) == ({middle, public}, ())
