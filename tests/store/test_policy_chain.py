"""An intermediate hangs where a chain of good signatures leads to an anchor, and nowhere else."""

from __future__ import annotations

import dataclasses
import random
import typing
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from support.issuers import intermediate, openssl_path, respelled, spelled
from support.pki import Issued, issue, key_usage
from support.table import cases

from certboot.pki.certificate import is_signed_by, load_certificate
from certboot.store import policy
from certboot.store.manifest import Descent

if typing.TYPE_CHECKING:
    from collections.abc import Iterable

    from certboot.pki.certificate import Certificate


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


def loaded(issued: Issued) -> Certificate:
    return load_certificate(issued.der)


def link(issuer: Issued, anchor: Issued) -> Descent:
    return Descent(loaded(issuer).fingerprint, loaded(anchor).fingerprint)


def hang(
    intermediates: Iterable[Issued], anchors: Iterable[Issued], checked: dict[str, str] | None = None
) -> tuple[dict[str, Descent], dict[str, str]]:
    """What ``policy.link_intermediates`` says, fingerprint -> Descent and -> rule."""
    hanging, failed = policy.link_intermediates(map(loaded, intermediates), map(loaded, anchors), checked or {})
    assert all(reason for _, reason in failed.values())
    return hanging, {fingerprint: rule for fingerprint, (rule, _) in failed.items()}


ROOT = signed("Root")
ONE = signed("One", ROOT)
TWO = signed("Two", ONE)
THREE = signed("Three", TWO)


@cases("order", [(ONE, TWO, THREE), (THREE, TWO, ONE), (TWO, THREE, ONE)])
def test_chains_of_one_two_and_three_levels_end_at_the_anchor_in_whatever_order_they_come(
    order: tuple[Issued, ...],
) -> None:
    expected = {
        loaded(ONE).fingerprint: link(ROOT, ROOT),
        loaded(TWO).fingerprint: link(ONE, ROOT),
        loaded(THREE).fingerprint: link(TWO, ROOT),
    }
    assert hang(order, [signed("Other"), ROOT]) == (expected, {})


def test_without_its_anchor_or_a_link_between_nothing_hangs() -> None:
    rules = {loaded(one).fingerprint: "no-issuer" for one in (TWO, THREE)}
    assert hang([TWO, THREE], [ROOT]) == ({}, rules)
    assert hang([ONE, TWO, THREE], []) == ({}, {loaded(ONE).fingerprint: "no-issuer", **rules})
    assert hang([], [ROOT]) == ({}, {})


def test_the_right_name_with_another_key_id_is_no_issuer() -> None:
    namesake = signed("Root")
    assert hang([ONE], [namesake]) == ({}, {loaded(ONE).fingerprint: "no-issuer"})
    assert hang([ONE], [namesake, ROOT]) == ({loaded(ONE).fingerprint: link(ROOT, ROOT)}, {})


def test_a_wrong_signature_under_the_right_name_and_key_id_is_told() -> None:
    forged = signed("Forged", signed("Root"), named_key=ROOT.key)
    assert hang([forged], [ROOT]) == ({}, {loaded(forged).fingerprint: "invalid-signature"})


def test_without_key_ids_the_signature_decides() -> None:
    plain = ((x509.BasicConstraints(ca=True, path_length=None), True),)
    root, namesake = issue("Root", extensions=plain), issue("Root", extensions=plain)
    below = issue("Below", root, extensions=plain)
    assert hang([below], [namesake]) == ({}, {loaded(below).fingerprint: "invalid-signature"})
    for anchors in ([root, namesake], [namesake, root]):
        assert hang([below], anchors) == ({loaded(below).fingerprint: link(root, root)}, {})


def test_what_hangs_below_a_forged_certificate_does_not_hang() -> None:
    forged = signed("Forged", signed("Root"), named_key=ROOT.key)
    below = signed("Below", forged)
    rules = {loaded(forged).fingerprint: "invalid-signature", loaded(below).fingerprint: "no-issuer"}
    assert hang([below, forged], [ROOT]) == ({}, rules)


@cases("room", [0, 1, 2])
@cases("whose", ["anchor", "intermediate"])
def test_a_path_length_lets_so_many_levels_follow(room: int, whose: str) -> None:
    """Each below says so itself: clients may end the chain there."""
    root = signed("Root")
    levels = [signed("Top", root if whose == "intermediate" else None, room=room)]
    for number in range(4):
        levels.append(signed(f"Level {number}", levels[-1], room=max(room - 1 - number, 0)))
    hanging, failed = hang(levels[1:], levels[:1]) if whose == "anchor" else hang(levels, [root])
    below = [loaded(level).fingerprint for level in levels[1:]]
    assert [fingerprint for fingerprint in below if fingerprint in hanging] == below[:room]
    assert [failed[fingerprint] for fingerprint in below[room:]] == [
        "path-length-exceeded",
        *["no-issuer"] * (3 - room),
    ]


@pytest.mark.parametrize(("room", "enters"), [(None, False), (5, False), (1, False), (0, True)])
def test_below_a_path_length_hangs_only_what_has_no_wider_one(room: int | None, *, enters: bool) -> None:
    """Clients may take it for an anchor and then do not see the path length above."""
    root = signed("Root", room=1)
    one = signed("One", root, room=room)
    two = signed("Two", one)
    rules = {loaded(one).fingerprint: "path-length-limited", loaded(two).fingerprint: "no-issuer"}
    assert hang([one, two], [root])[1] == ({loaded(two).fingerprint: "path-length-exceeded"} if enters else rules)


def test_a_self_issued_rollover_takes_no_room() -> None:
    """RFC 5280, 4.2.1.9: the new key of a CA, signed with its old one, does not count."""
    root = signed("Root", room=1)
    rollover = signed("Root", root, room=1)
    below = signed("Below", rollover, room=0)
    assert hang([below, rollover], [root]) == (
        {loaded(rollover).fingerprint: link(root, root), loaded(below).fingerprint: link(rollover, root)},
        {},
    )
    closed = signed("Root", room=0)
    rollover = signed("Root", closed, room=0)
    below = signed("Below", rollover)
    hanging, failed = hang([below, rollover], [closed])
    assert hanging == {loaded(rollover).fingerprint: link(closed, closed)}
    assert failed == {loaded(below).fingerprint: "path-length-exceeded"}


def test_issuers_in_a_loop_hang_nowhere_until_one_has_an_anchor() -> None:
    """Two CAs that have signed each other."""
    left, right = signed("Left"), signed("Right")
    one, two = signed("Left", right, key=left.key), signed("Right", left, key=right.key)
    rules = {loaded(crossed).fingerprint: "no-issuer" for crossed in (one, two)}
    assert hang([one, two], [ROOT]) == ({}, rules)
    assert hang([one, two], [left]) == (
        {loaded(two).fingerprint: link(left, left), loaded(one).fingerprint: link(two, left)},
        {},
    )


def test_of_several_issuers_the_one_nearest_to_an_anchor_counts() -> None:
    other = signed("Other")
    crossed = signed("Two", other, key=TWO.key)  # the key of Two, directly below another anchor
    for order in ([ONE, TWO, crossed, THREE], [THREE, crossed, TWO, ONE]):
        for anchors in ([ROOT, other], [other, ROOT]):
            hanging, failed = hang(order, anchors)
            assert failed == {}
            assert hanging[loaded(THREE).fingerprint] == link(crossed, other)
            assert hanging[loaded(TWO).fingerprint] == link(ONE, ROOT)
    assert hang([ONE, TWO, crossed, THREE], [ROOT])[0][loaded(THREE).fingerprint] == link(TWO, ROOT)


def test_a_short_chain_without_room_does_not_hide_a_longer_one_with_room() -> None:
    """The same CA below two anchors: what may not follow on the one side may on the other."""
    narrow, wide = signed("Narrow", room=1), signed("Wide")
    middle = signed("Middle", wide)
    short = signed("Shared", narrow)
    long = signed("Shared", middle, key=short.key)
    below = signed("Below", short)
    assert loaded(below).fingerprint in hang([short, middle, long, below], [narrow, wide])[0]
    twin = signed("Narrow", key=narrow.key)  # the same root once more, without a limit
    for anchors in ([twin, narrow], [narrow, twin]):
        assert hang([short, below], anchors)[1] == {}


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
    first = hang([ONE, TWO, THREE], [ROOT])
    assert counted == [("One", "Root"), ("Two", "One"), ("Three", "Two")]
    counted.clear()
    known = {fingerprint: found.issuer for fingerprint, found in first[0].items()}
    del known[loaded(TWO).fingerprint]
    assert hang([ONE, TWO, THREE], [ROOT], known) == first
    assert counted == [("Two", "One")]


def test_what_was_checked_skips_the_signature_and_nothing_else(counted: list[tuple[str, str]]) -> None:
    """Name, key identifier and room decide as before, and another issuer's signature is checked."""
    closed = signed("Root", room=0)
    below, stranger = signed("Below", closed), signed("Stranger", signed("Root"))
    forged = signed("Forged", signed("Root"), named_key=ROOT.key)
    roots = {name: loaded(issued).fingerprint for name, issued in (("closed", closed), ("root", ROOT), ("other", ONE))}
    known = {
        loaded(below).fingerprint: roots["closed"],
        loaded(stranger).fingerprint: roots["root"],
        loaded(forged).fingerprint: roots["other"],
    }
    assert hang([below], [closed], known) == ({}, {loaded(below).fingerprint: "path-length-exceeded"})
    assert hang([stranger], [ROOT], known) == ({}, {loaded(stranger).fingerprint: "no-issuer"})
    assert counted == []
    assert hang([forged], [ROOT], known) == ({}, {loaded(forged).fingerprint: "invalid-signature"})
    assert counted == [("Forged", "Root")]


# Name constraints

GOOD_TEST = x509.NameConstraints(permitted_subtrees=[x509.DNSName("good.test")], excluded_subtrees=None)


@cases("constrained", ["anchor", "intermediate"])
def test_below_name_constraints_nothing_hangs_and_the_constrained_one_itself_does(constrained: str) -> None:
    root = signed("Root", constraints=GOOD_TEST if constrained == "anchor" else None)
    one = signed("One", root, constraints=None if constrained == "anchor" else GOOD_TEST)
    two = signed("Two", one)
    hanging, failed = hang([one, two], [root])
    if constrained == "anchor":
        assert (hanging, failed) == (
            {},
            {loaded(one).fingerprint: "name-constrained", loaded(two).fingerprint: "no-issuer"},
        )
    else:
        assert hanging == {loaded(one).fingerprint: link(root, root)}
        assert failed == {loaded(two).fingerprint: "name-constrained"}


def test_below_name_constraints_a_ca_hangs_by_another_chain_without_them() -> None:
    """Its key may sign for any name by that chain, whatever directory or client is asked."""
    constrained = signed("One", ROOT, constraints=GOOD_TEST)
    free = signed("One", ROOT, key=constrained.key)
    below = signed("Two", constrained)
    for order in ([constrained, free, below], [below, free, constrained]):
        hanging, failed = hang(order, [ROOT])
        assert failed == {}
        assert hanging[loaded(below).fingerprint] == link(free, ROOT)


# Random PKIs


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
    keys = {loaded(one).fingerprint: one for one in (*pki.anchors, *pki.intermediates)}
    anchors = {loaded(anchor).fingerprint for anchor in pki.anchors}

    def signs(upper: Certificate, lower: Certificate) -> bool:
        named = (
            not lower.link.authority_key_id or not upper.link.key_id or lower.link.authority_key_id == upper.link.key_id
        )
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

    return {loaded(one).fingerprint for one in pki.intermediates if reaches([loaded(one)])}


def test_in_200_random_pkis_what_hangs_is_what_some_chain_leads_to_an_anchor_from() -> None:
    wrong, hung = [], 0
    for seed in range(200):
        pki = random_pki(seed)
        hanging, failed = hang(pki.intermediates, pki.anchors)
        assert hanging.keys() | failed.keys() == {loaded(one).fingerprint for one in pki.intermediates}
        assert not hanging.keys() & failed.keys()
        hung += len(hanging)
        if set(hanging) != oracle(pki):
            wrong.append(seed)
    assert wrong == []
    assert hung > 80


def leaf(issuer: Issued) -> Issued:
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key())
    return issue("leaf", issuer, extensions=((authority, False),), key=KEYS[0])


def test_each_link_leads_to_its_anchor_in_the_eyes_of_openssl(openssl: Callable[..., str], tmp_path: Path) -> None:
    """Asked for a leaf below each: what OpenSSL finds a chain for by itself hangs, too, under that name and key.

    But where a path length would be overlooked: there only the first half is asked.
    """
    only = ("verify", "-no-CAfile", "-no-CApath", "-no-CAstore")
    asked = 0
    for seed in range(40):
        pki = random_pki(1000 + seed)
        folder = tmp_path / str(seed)
        folder.mkdir()
        files, leaves = {}, {}
        for issued in (*pki.anchors, *pki.intermediates):
            fingerprint = loaded(issued).fingerprint
            files[fingerprint], leaves[fingerprint] = folder / fingerprint, folder / f"leaf-{fingerprint}"
            files[fingerprint].write_bytes(issued.pem)
            leaves[fingerprint].write_bytes(leaf(issued).pem)
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
        offered = [argument for one in pki.intermediates for argument in ("-untrusted", files[loaded(one).fingerprint])]
        trusted = [argument for one in pki.anchors for argument in ("-trusted", files[loaded(one).fingerprint])]
        said = openssl(*only, *trusted, *offered, *leaves.values(), status=None).splitlines()
        good = [line.removesuffix(": OK").rpartition("leaf-")[2] for line in said if line.endswith(": OK")]
        known = {loaded(one).fingerprint: loaded(one) for one in (*pki.anchors, *pki.intermediates)}
        usable = {*hanging, *(loaded(one).fingerprint for one in pki.anchors)}
        named = {fingerprint: (one.subject, one.link.key_id) for fingerprint, one in known.items()}
        assert {named[fingerprint] for fingerprint in good} <= {named[fingerprint] for fingerprint in usable}
    assert asked > 10


@cases(("text", "kind"), [("Example CA", 12), ("example  CA", 19), ("Example CA", 30)])
def test_names_are_compared_as_openssl_does(text: str, kind: int) -> None:
    root = signed("Root")
    ca, other = respelled(root, text, kind)
    below, forged = intermediate("Below", ca), intermediate(spelled(text, kind), root)
    for upper, good in ((other, True), (forged, False)):
        hanging, failed = policy.link_intermediates([loaded(upper), loaded(below)], [loaded(root)], {})
        assert hanging.get(loaded(below).fingerprint) == (link(upper, root) if good else None)
        assert (loaded(below).fingerprint in failed) is not good
        said = openssl_path([below.pem, upper.pem], root)
        assert said.endswith("leaf: OK\n") is good
