"""From a leaf to an anchor: which chain is found, and each check with the certificate that breaks it."""

from __future__ import annotations

import functools
import typing
from collections.abc import Callable, Iterable

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given, settings
from hypothesis import strategies as st
from support import pki
from support.issuers import intermediate, leaf, openssl_path, respelled, spelled
from support.pki import DAY, NOW, Extensions, Issued, ca_extensions, issue, key_usage
from support.table import cases

from certboot.pki import pem
from certboot.pki.certificate import load_certificate
from certboot.repair import completion
from certboot.repair.completion import SERVER, Completion, Rules, Supply, complete
from certboot.sources.candidates import Offer

if typing.TYPE_CHECKING:
    from certboot.pki.certificate import Certificate

Found = tuple[list[str], str]


def certificate(issued: Issued) -> Certificate:
    return load_certificate(issued.der)


class World:
    """What there is: anchors, what is at hand, and what lies at the addresses of whom."""

    def __init__(self, anchors: Iterable[Issued], known: Iterable[Issued] = (), **places: list[list[Issued]]) -> None:
        self.anchors = [certificate(anchor) for anchor in anchors]
        self.known = [certificate(issuer) for issuer in known]
        self.places = places
        """Name -> what lies at each address of the certificate of this name."""
        self.asked: list[str] = []

    def supply(self) -> Supply:
        return Supply(
            lambda name: [anchor for anchor in self.anchors if anchor.link.subject_name == name],
            lambda name: [Offer(issuer, "the store") for issuer in self.known if issuer.link.subject_name == name],
            self._fetch,
        )

    def _fetch(self, child: Certificate) -> Iterable[Offer]:
        for number, issuers in enumerate(self.places.get(child.name, [])):
            self.asked.append(f"{child.name} {number}")
            for issuer in issuers:
                yield Offer(certificate(issuer), f"http://{child.name}/{number}")

    def complete(self, *sent: Issued, **rules: typing.Any) -> Completion:  # noqa: ANN401
        return complete([certificate(member) for member in sent], self.supply(), Rules(NOW, **rules))

    def found(self, *sent: Issued, **rules: typing.Any) -> Found:  # noqa: ANN401
        return found(self.complete(*sent, **rules))


def found(result: Completion) -> Found:
    """The names from the leaf to the anchor; the rules where there is none."""
    if result.anchor is None:
        assert len(result.path) == 1
        return refused(*sorted({refusal.rule for refusal in result.refusals}))
    return [offer.certificate.name for offer in result.path], result.anchor.name


def refused(*rules: str) -> Found:
    return list(rules), ""


def without(*kinds: type[x509.ExtensionType]) -> Callable[[Extensions], Extensions]:
    return lambda usual: tuple(extension for extension in usual if not isinstance(extension[0], kinds))


def with_(more: x509.ExtensionType, *, critical: bool = True) -> Callable[[Extensions], Extensions]:
    return lambda usual: (*without(type(more))(usual), (more, critical))


ROOT = issue("Root")
CA = intermediate("CA", ROOT)
LEAF = leaf(CA)
UPPER = intermediate("Upper", ROOT)
LOWER = intermediate("Lower", UPPER)
GOOD = (["localhost", "CA"], "Root")
BOTH = (["localhost", "Lower", "Upper"], "Root")


def ca(**options: typing.Any) -> Issued:  # noqa: ANN401
    """Another certificate of the CA."""
    return intermediate("CA", ROOT, key=CA.key, **options)


class TestWays:
    def test_what_the_server_sends_needs_nothing_else(self) -> None:
        world = World([ROOT], localhost=[[CA]])
        result = world.complete(LEAF, CA)
        assert (found(result), [offer.origin for offer in result.path], world.asked) == (GOOD, [SERVER, SERVER], [])
        assert openssl_path([LEAF.pem, CA.pem], ROOT).endswith("leaf: OK\n")
        assert world.found(LEAF, ROOT, CA) == GOOD  # a root that it sends along is not part of the chain
        assert world.found(leaf(ROOT)) == (["localhost"], "Root")

    def test_what_is_at_hand_is_not_fetched_and_what_is_missing_is(self) -> None:
        world = World([ROOT], [CA], localhost=[[CA]])
        result = world.complete(LEAF)
        assert (found(result), result.path[1].origin, world.asked) == (GOOD, "the store", [])
        result = World([ROOT], localhost=[[CA]]).complete(LEAF)
        assert (found(result), result.path[1].origin, result.refusals) == (GOOD, "http://localhost/0", ())

    def test_where_there_is_nothing_at_all_there_is_no_chain_and_no_refusal(self) -> None:
        assert World([ROOT]).found(LEAF) == refused()

    @pytest.mark.parametrize(("text", "kind"), [("Example CA", 12), ("example  CA", 19), ("Example CA", 30)])
    def test_names_are_compared_as_openssl_does(self, text: str, kind: int) -> None:
        own, other = respelled(ROOT, text, kind)
        sent = leaf(own)
        assert World([ROOT], localhost=[[other]]).found(sent)[1] == "Root"
        assert World([ROOT]).found(sent, other)[1] == "Root"
        assert openssl_path([sent.pem, other.pem], ROOT).endswith("leaf: OK\n")
        forged = intermediate(spelled(text, kind), ROOT, extensions=without(x509.SubjectKeyIdentifier))
        assert World([ROOT]).found(sent, forged) == refused("invalid-signature")

    def test_of_two_missing_levels_only_the_gap_is_fetched(self) -> None:
        world = World([ROOT], localhost=[[LOWER]], Lower=[[UPPER]])
        assert (world.found(leaf(LOWER)), world.asked) == (BOTH, ["localhost 0", "Lower 0"])
        world = World([ROOT], localhost=[[LOWER]], Lower=[[UPPER]])
        assert (world.found(leaf(LOWER), LOWER), world.asked) == (BOTH, ["Lower 0"])

    def test_four_missing_certificates_are_fetched_and_a_fifth_is_not(self) -> None:
        chain = [ROOT]
        for number in range(5):
            chain.append(intermediate(f"CA {number}", chain[-1]))
        places = {f"CA {number}": [[chain[number]]] for number in range(1, 5)}
        assert World([ROOT], (), **places, localhost=[[chain[4]]]).found(leaf(chain[4]))[1] == "Root"
        assert World([ROOT], (), **places, localhost=[[chain[5]]]).found(leaf(chain[5])) == refused("too-deep")

    def test_an_issuer_without_end_ends(self) -> None:
        """Whoever makes a new CA for each question keeps nobody busy for long."""
        made: list[Issued] = []

        def fetch(child: Certificate) -> Iterable[Offer]:
            keys = {issued.certificate.subject.rfc4514_string(): issued for issued in made}
            above = issue(f"CA {len(made)}")
            own = keys[child.issuer]
            made.append(above)
            yield Offer(certificate(intermediate(own.certificate.subject, above, key=own.key)), "http://evil")

        made.append(issue("CA of the leaf"))
        result = complete([certificate(leaf(made[0]))], Supply(lambda _: (), lambda _: (), fetch), Rules(NOW))
        assert (found(result), len(made)) == (refused("too-deep"), 5)


class TestSeveralIssuers:
    def test_of_cross_signed_issuers_the_one_under_an_anchor_is_taken(self) -> None:
        twin = intermediate("CA", issue("Stranger"), key=CA.key)
        for offered in ([[twin, CA]], [[twin], [CA]], [[CA], [twin]]):
            result = World([ROOT], localhost=offered).complete(LEAF)
            assert (found(result), result.path[1].certificate) == (GOOD, certificate(CA))
        # Nor does one that the server sends hide another.
        result = World([ROOT], localhost=[[CA]]).complete(LEAF, twin)
        assert (found(result), result.path[1].certificate) == (GOOD, certificate(CA))

    def test_of_two_chains_the_shorter_one_is_taken(self) -> None:
        longer = intermediate("CA", UPPER, key=CA.key)
        assert World([ROOT], [UPPER], localhost=[[longer], [CA]]).found(LEAF) == GOOD
        assert World([ROOT], [UPPER, longer, CA]).found(LEAF) == GOOD
        assert World([ROOT], [UPPER, longer]).found(LEAF) == (["localhost", "CA", "Upper"], "Root")

    def test_once_an_issuer_under_an_anchor_is_there_the_other_addresses_are_not_asked(self) -> None:
        world = World([ROOT], localhost=[[], [CA], [CA]])
        assert (world.found(LEAF)[1], world.asked) == ("Root", ["localhost 0", "localhost 1"])

    def test_two_ways_that_meet_are_gone_once(self) -> None:
        upper = intermediate("Upper", issue("Stranger"))
        twins = [intermediate("CA", upper, key=CA.key) for _ in range(2)]
        assert World([ROOT], [*twins, upper]).found(LEAF) == refused()

    def test_a_loop_of_issuers_ends(self) -> None:
        one, two = issue("One"), issue("Two")
        first, second = intermediate("One", two, key=one.key), intermediate("Two", one, key=two.key)
        world = World([ROOT], localhost=[[first]], One=[[second]], Two=[[first]])
        assert world.found(leaf(first)) == refused("issuer-loop")
        world.places["Two"] = [[intermediate("One", ROOT, key=one.key)]]
        assert world.found(leaf(first))[1] == "Root"

    def test_a_crowd_of_look_alikes_ends(self, monkeypatch: pytest.MonkeyPatch) -> None:
        crowd = [intermediate("CA", ROOT) for _ in range(10)]
        assert World([ROOT], localhost=[[*crowd, CA]]).found(LEAF)[1] == "Root"
        assert World([ROOT], localhost=[crowd * 30]).found(LEAF) == refused("key-id-mismatch")
        monkeypatch.setattr(completion, "_MOST_CHECKS", 5)  # instead of 200 pairs
        assert World([ROOT], localhost=[crowd[:5]]).found(LEAF) == refused("key-id-mismatch")
        many = World([ROOT], localhost=[[*crowd[:5], CA]])
        assert many.found(LEAF) == refused("key-id-mismatch", "too-many-candidates")


NAMES = ("One", "Two", "Three", "Four")
KEYS = {name: issue(name) for name in NAMES}


@functools.cache
def crossed(subject: str, issuer: str) -> Issued:
    return intermediate(subject, ROOT if issuer == "Root" else KEYS[issuer], key=KEYS[subject].key)


EDGES = [(subject, issuer) for subject in NAMES for issuer in (*NAMES, "Root") if subject != issuer]


class TestEveryWeb:
    """CAs that sign each other in every way: what is found is what a search by hand finds."""

    @settings(deadline=None, max_examples=150)
    @given(st.dictionaries(st.sampled_from(EDGES), st.sampled_from(["sent", "known", "fetched"]), max_size=9))
    def test_a_way_is_found_if_there_is_one(self, web: dict[tuple[str, str], str]) -> None:
        def of(kind: str) -> list[Issued]:
            return [crossed(*edge) for edge, where in web.items() if where == kind]

        # Whoever asks for the issuer of a certificate gets all of them, each at an address of its own.
        places = {name: [[each] for each in of("fetched")] for name in ("localhost", *NAMES)}
        result = World([ROOT], of("known"), **places).complete(leaf(KEYS["One"]), *of("sent"))
        ways = _ways(set(web))
        assert bool(result.anchor) == bool(ways)
        if ways:
            ends = [offer.certificate.name for offer in result.path[1:]]
            assert tuple(ends) in ways
            chain = [pem.encode(offer.certificate.der).encode() for offer in result.path]
            assert openssl_path(chain, ROOT).endswith("leaf: OK\n")
            if "fetched" not in web.values():
                assert len(ends) == min(map(len, ways))


def _ways(edges: set[tuple[str, str]]) -> set[tuple[str, ...]]:
    """Every way from One to the root that visits no name twice."""
    found: set[tuple[str, ...]] = set()
    open_: list[tuple[str, ...]] = [("One",)]
    while open_:
        way = open_.pop()
        for subject, issuer in edges:
            if subject == way[-1] and issuer == "Root":
                found.add(way)
            elif subject == way[-1] and issuer not in way:
                open_.append((*way, issuer))
    return found


UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4.5"), b"\5\0")
CONSTRAINTS = x509.BasicConstraints(ca=False, path_length=None)
MAIL = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
COPIED = x509.SubjectKeyIdentifier.from_public_key(CA.key.public_key())
PAST, FUTURE = (NOW - 9 * DAY, NOW - DAY), (NOW + DAY, NOW + 9 * DAY)
OWN = certificate(CA)
# What lies where the leaf says its issuer is, with the rules, and what comes of it.
OFFERED: list[tuple[Issued, dict[str, object], Found]] = [
    (CA, {}, GOOD),
    (intermediate("Another", ROOT, key=CA.key), {}, refused("issuer-name-mismatch")),
    (issue("CA", key=CA.key), {}, refused("self-signed")),
    (intermediate("CA", ROOT, extensions=with_(COPIED, critical=False)), {}, refused("invalid-signature")),
    (intermediate("CA", ROOT), {}, refused("key-id-mismatch")),
    (ca(extensions=without(x509.BasicConstraints)), {}, refused("not-a-ca")),
    (ca(extensions=with_(CONSTRAINTS)), {}, refused("not-a-ca")),
    (ca(extensions=with_(key_usage(key_cert_sign=False))), {}, refused("no-cert-sign")),
    (ca(extensions=without(x509.KeyUsage)), {}, GOOD),
    (ca(extensions=with_(MAIL, critical=False)), {}, refused("wrong-purpose")),
    (ca(extensions=with_(UNKNOWN)), {}, refused("unhandled-critical")),
    (ca(extensions=with_(UNKNOWN, critical=False)), {}, GOOD),
    (ca(extensions=with_(x509.InhibitAnyPolicy(0))), {}, GOOD),
    (ca(extensions=with_(x509.PolicyConstraints(0, None))), {}, GOOD),
    (ca(valid=PAST), {}, refused("expired")),
    (ca(valid=FUTURE), {}, refused("not-yet-valid")),
    (CA, {"revoked": {CA.sha256}}, refused("revoked")),
    (CA, {"distrusted": {CA.sha256}}, refused("distrusted")),
    # A re-signed copy: the rules know it by its name and key, and by its issuer and serial number.
    (CA, {"distrusted": {OWN.identity}}, refused("distrusted")),
    (CA, {"revoked": {OWN.link.issuer_and_serial}}, refused("revoked")),
]


class TestChecks:
    @cases(("offered", "rules", "expected"), OFFERED)
    def test_each_rule_refuses_what_breaks_it(self, offered: Issued, rules: dict[str, object], expected: Found) -> None:
        assert World([ROOT], localhost=[[offered]]).found(LEAF, **rules) == expected

    def test_what_openssl_does_not_know_it_refuses_too_and_the_next_address_is_asked(self) -> None:
        odd = ca(extensions=with_(UNKNOWN))
        assert "unhandled critical extension" in openssl_path([LEAF.pem, odd.pem], ROOT)
        world = World([ROOT], localhost=[[odd], [CA]])
        assert (world.found(LEAF), world.asked) == (GOOD, ["localhost 0", "localhost 1"])

    def test_what_is_self_signed_is_no_issuer_and_as_a_leaf_nobody_s_business(self) -> None:
        assert World([ROOT]).found(LEAF, issue("CA", key=CA.key)) == refused("self-signed")
        own = issue("localhost")
        world = World([ROOT], localhost=[[own]])
        assert (world.found(own), world.asked) == (refused("self-signed"), [])
        assert World([own]).found(own) == (["localhost"], "localhost")

    def test_a_ca_s_new_key_signed_with_its_old_one_is_no_root(self) -> None:
        old = issue("CA")
        world = World([old], localhost=[[intermediate("CA", old, key=CA.key)]])
        assert world.found(LEAF) == (["localhost", "CA"], "CA")

    def test_a_path_length_that_leaves_no_room_below(self) -> None:
        short = intermediate("Short", ROOT, path_length=0)
        lower = intermediate("Lower", short)
        world = World([ROOT], localhost=[[lower]], Lower=[[short]])
        assert world.found(leaf(lower)) == refused("path-length-exceeded")
        assert "path length" in openssl_path([leaf(lower).pem, lower.pem, short.pem], ROOT)
        assert World([ROOT], localhost=[[short]]).found(leaf(short))[1] == "Root"

    def test_a_path_length_of_the_anchor(self) -> None:
        key = issue("key").key
        limit = with_(x509.BasicConstraints(ca=True, path_length=1))
        root = issue("Root", key=key, extensions=limit(ca_extensions(key)))
        upper = intermediate("Upper", root)
        lower = intermediate("Lower", upper)
        world = World([root], [upper, lower])
        assert world.found(leaf(upper))[1] == "Root"
        assert world.found(leaf(lower)) == refused("path-length-exceeded")

    def test_a_self_issued_certificate_takes_no_room(self) -> None:
        upper = intermediate("CA", ROOT, path_length=0)
        rollover = intermediate("CA", upper, key=CA.key)
        world = World([ROOT], localhost=[[rollover]], CA=[[upper]])
        assert world.found(LEAF) == (["localhost", "CA", "CA"], "Root")
        assert openssl_path([LEAF.pem, rollover.pem, upper.pem], ROOT).endswith("leaf: OK\n")

    @pytest.mark.parametrize("to_store", [True, False])
    def test_what_would_hide_a_limit_on_names_from_clients(self, to_store: bool) -> None:  # noqa: FBT001
        limit = x509.NameConstraints([x509.DNSName("localhost")], None)
        upper = intermediate("Upper", ROOT, extensions=with_(limit))
        lower = intermediate("Lower", upper)
        world = World([ROOT], [upper], localhost=[[lower]])
        assert world.found(leaf(lower), to_store=to_store) == (refused("name-constrained") if to_store else BOTH)
        # What the server sends itself is not stored, and what limits is itself fit for the store.
        assert World([ROOT], [upper]).found(leaf(lower), lower, to_store=to_store)[1] == "Root"
        assert World([ROOT], [upper]).found(leaf(upper), to_store=to_store)[1] == "Root"

    @pytest.mark.filterwarnings("ignore:RSA key size")
    @pytest.mark.parametrize(("bits", "sha1", "expected"), [
        (2048, False, (["localhost", "CA"], "RSA Root")),
        (1024, False, refused("weak-key")),
        (2048, True, refused("weak-signature")),
    ])  # fmt: skip
    def test_a_weak_key_or_signature(self, bits: int, sha1: bool, expected: Found) -> None:  # noqa: FBT001
        root = pki.make("RSA Root", form=pki.CA, key=pki.rsa_key(2048))
        weak = pki.make("CA", root, pki.Form(ca=True, names=(), purposes=(), sha1=sha1), key=pki.rsa_key(bits))
        assert World([root], localhost=[[weak]]).found(pki.make("localhost", weak)) == expected


@cases(("anchors", "rules", "expected"), [
    ([issue("Root")], {}, refused("key-id-mismatch")),
    ([issue("Root"), ROOT], {}, GOOD),
    ([issue("Root", key=ROOT.key, valid=PAST)], {}, refused("expired")),
    ([ROOT], {"distrusted": {ROOT.sha256}}, refused("distrusted")),
    ([CA], {}, (["localhost"], "CA")),
    ([ROOT], {"distrust_after": {ROOT.sha256: f"{NOW - 2 * DAY:%Y-%m-%d}"}}, refused("anchor-distrusted")),
    ([ROOT], {"distrust_after": {ROOT.sha256: f"{NOW - DAY:%Y-%m-%d}"}}, GOOD),
])  # fmt: skip
def test_an_anchor_counts_while_it_is_trusted(anchors: list[Issued], rules: dict[str, object], expected: Found) -> None:
    assert World(anchors).found(LEAF, CA, **rules) == expected
