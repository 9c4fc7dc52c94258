"""Each of Mozilla's real TLS intermediates taken as the one that a server forgot, with its issuers to be had."""

from __future__ import annotations

import itertools
import typing
from collections import Counter
from datetime import datetime, timezone

import pytest
from support.certificates import with_fields
from support.environments import ROOT

from certboot.pki.certificate import is_signed_by
from certboot.repair import completion
from certboot.repair.completion import Completion, Rules, Supply, complete
from certboot.sources import ccadb
from certboot.sources.candidates import Offer
from certboot.store import policy
from certboot.store.manifest import Intermediate, TrustAnchor

if typing.TYPE_CHECKING:
    from certboot.pki.certificate import Certificate

DATA = ROOT.parent / "shared" / "data" / "ccadb"
DAY_OF_THE_REPORTS = datetime(2026, 11, 24, tzinfo=timezone.utc)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DATA.is_dir(), reason="the real reports of the CCADB do not lie beside the repository"),
]


class Programme:
    """Mozilla's roots that are trusted for TLS, its intermediates, and what is revoked."""

    def __init__(self) -> None:
        loaded = ccadb.read(ccadb.from_folder(DATA), intermediates=True).parse()
        self.loaded = loaded
        self.roots: dict[bytes, list[Certificate]] = {}
        self.intermediates: dict[bytes, list[Certificate]] = {}
        for candidate in loaded.candidates:
            kind = self.roots if candidate.role == "anchor" else self.intermediates
            if candidate.tls_trust:
                kind.setdefault(candidate.certificate.link.subject_name, []).append(candidate.certificate)
        self.rules = Rules(DAY_OF_THE_REPORTS, loaded.revoked | loaded.revoked_serials, to_store=True)

    @property
    def all(self) -> list[Certificate]:
        return [certificate for each in self.intermediates.values() for certificate in each]

    def completed(self, missing: Certificate) -> Completion:
        """What is found for a leaf that ``missing`` has signed, where only it lies at the leaf's address."""
        leaf = with_fields(
            missing,
            fingerprint="leaf",
            identity="leaf",
            name="leaf",
            subject_name=b"leaf",
            issuer_name=missing.link.subject_name,
            authority_key_id=missing.link.key_id,
            self_issued=False,
        )

        def fetch(child: Certificate) -> list[Offer]:
            issuers = [missing] if child is leaf else self.intermediates.get(child.link.issuer_name, [])
            return [Offer(each, "http://ca.example/") for each in issuers]

        supply = Supply(
            lambda name: self.roots.get(name, ()) if name != missing.link.subject_name else (), _nothing, fetch
        )
        return complete([leaf], supply, self.rules)


def _nothing(_: bytes) -> tuple[Offer, ...]:
    return ()


@pytest.fixture(scope="module")
def programme() -> Programme:
    return Programme()


@pytest.fixture(autouse=True)
def no_leaf(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody here has the keys to sign a leaf with."""

    def signed(certificate: Certificate, issuer: Certificate) -> bool:
        return certificate.fingerprint == "leaf" or is_signed_by(certificate, issuer)

    monkeypatch.setattr(completion, "is_signed_by", signed)


def test_each_has_a_verified_way_to_a_root_or_a_named_reason(programme: Programme) -> None:
    outcomes: Counter[str] = Counter()
    lengths: Counter[int] = Counter()
    for missing in programme.all:
        found = programme.completed(missing)
        if found.anchor:
            lengths[len(found.path) - 1] += 1
            ends = [*(offer.certificate for offer in found.path[1:]), found.anchor]
            assert ends[0] == missing
            assert all(is_signed_by(below, above) for below, above in itertools.pairwise(ends))
        else:
            rules = sorted({refusal.rule for refusal in found.refusals}) or ["no-issuer"]
            outcomes[" ".join(rules)] += 1
    assert lengths == {1: 1584, 2: 132}
    assert outcomes == {
        "expired": 29,
        "path-length-limited": 13,
        "self-signed": 4,
        "weak-signature": 1,
        "no-issuer": 1,
    }
    assert sum(lengths.values()) + sum(outcomes.values()) == len(programme.all) == 1764


def test_13_stay_out_because_clients_would_not_see_the_path_length_above(programme: Programme) -> None:
    """All are NetLock's: its root lets four CAs follow, and what it has issued says nothing of that, or four again."""
    loaded = programme.loaded
    rules = policy.Rules(DAY_OF_THE_REPORTS, revoked=loaded.revoked, revoked_serials=loaded.revoked_serials)
    decision = policy.decide(loaded.candidates, rules)
    assert (len(decision.anchors), len(decision.intermediates)) == (121, 1717)
    outcomes = Counter(each.rule for each in decision.rejections)
    assert outcomes == {
        "no-tls-trust": 44,
        "expired": 29,
        "path-length-limited": 13,
        "self-signed": 4,
        "weak-signature": 1,
    }
    limited = {each.fingerprint for each in decision.rejections if each.rule == "path-length-limited"}
    by_fingerprint = {each.certificate.fingerprint: each.certificate for each in loaded.candidates}
    assert Counter(by_fingerprint[each].constraints.path_length for each in limited) == {None: 10, 4: 3}
    (root,) = {by_fingerprint[each].link.issuer_name for each in limited}
    assert [each.constraints.path_length for each in programme.roots[root]] == [4]


def test_of_what_is_stored_each_limits_what_follows_no_less_than_all_above_it(programme: Programme) -> None:
    """An independent look at each chain as a whole, and at how few are above another."""
    loaded = programme.loaded
    rules = policy.Rules(DAY_OF_THE_REPORTS, revoked=loaded.revoked, revoked_serials=loaded.revoked_serials)
    decision = policy.decide(loaded.candidates, rules)
    held: dict[str, TrustAnchor | Intermediate] = {each.certificate.fingerprint: each for each in decision.anchors}
    held |= {each.certificate.fingerprint: each for each in decision.intermediates}
    for intermediate in decision.intermediates:
        follow, above = 0, held[intermediate.issuer]
        while True:
            follow += 1
            limit = above.certificate.constraints.path_length
            own = intermediate.certificate.constraints.path_length
            assert limit is None or (own is not None and own + follow <= limit)
            assert not above.certificate.constraints.name_constrained
            if isinstance(above, TrustAnchor):
                break
            above = held[above.issuer]
