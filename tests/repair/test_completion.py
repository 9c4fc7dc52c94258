"""From a leaf to an anchor: which chain is found, and each check with the certificate that breaks it."""

from __future__ import annotations

import functools
import hashlib
import typing
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given, settings
from hypothesis import strategies as st
from support.issuers import below, intermediate, leaf, openssl_path, respelled, spelled
from support.pki import DAY, NOW, Extensions, Issued, ca_extensions, issue, key_usage

from certboot.pki import pem
from certboot.pki.certificate import load_certificate
from certboot.repair import completion
from certboot.repair.completion import SERVER, Completion, Rules, Supply, complete
from certboot.sources.candidates import Offer

if typing.TYPE_CHECKING:
    from certboot.pki.certificate import Certificate


def certificate(issued: Issued) -> Certificate:
    return load_certificate(issued.der)


def fingerprint(issued: Issued) -> str:
    return hashlib.sha256(issued.der).hexdigest()


class World:
    """What there is: anchors, what is at hand, and what lies at the addresses of whom."""

    def __init__(
        self,
        anchors: Iterable[Issued] = (),
        known: Iterable[Issued] = (),
        places: dict[str, list[list[Issued]]] | None = None,
    ) -> None:
        self.anchors = [certificate(each) for each in anchors]
        self.known = [certificate(each) for each in known]
        self.places = places or {}
        """Name -> what lies at each address of the certificate of this name."""
        self.asked: list[str] = []

    def supply(self) -> Supply:
        return Supply(
            lambda name: [each for each in self.anchors if each.link.subject_name == name],
            lambda name: [Offer(each, "the store") for each in self.known if each.link.subject_name == name],
            self._fetch,
        )

    def _fetch(self, child: Certificate) -> Iterable[Offer]:
        for number, found in enumerate(self.places.get(child.name, [])):
            self.asked.append(f"{child.name} {number}")
            for each in found:
                yield Offer(certificate(each), f"http://{child.name}/{number}")

    def complete(self, *sent: Issued, **rules: typing.Any) -> Completion:  # noqa: ANN401
        return complete([certificate(each) for each in sent], self.supply(), Rules(NOW, **rules))


def found(result: Completion) -> tuple[list[str], str]:
    """The names from the leaf to the anchor; the rules where there is none."""
    if result.anchor is None:
        assert len(result.path) == 1
        return sorted({refusal.rule for refusal in result.refusals}), ""
    return [offer.certificate.name for offer in result.path], result.anchor.name


ROOT = issue("Root")
CA = intermediate("CA", ROOT)
LEAF = leaf(CA)


class TestWays:
    def test_what_the_server_sends_needs_nothing_else(self) -> None:
        world = World([ROOT], places={"localhost": [[CA]]})
        result = world.complete(LEAF, CA)
        assert found(result) == (["localhost", "CA"], "Root")
        assert [offer.origin for offer in result.path] == [SERVER, SERVER]
        assert world.asked == []
        assert openssl_path([LEAF.pem, CA.pem], ROOT).endswith("leaf: OK\n")

    def test_a_leaf_directly_under_an_anchor_has_no_intermediate(self) -> None:
        assert found(World([ROOT]).complete(leaf(ROOT))) == (["localhost"], "Root")

    def test_a_root_that_the_server_sends_along_is_not_part_of_the_chain(self) -> None:
        assert found(World([ROOT]).complete(LEAF, ROOT, CA)) == (["localhost", "CA"], "Root")

    def test_what_is_at_hand_is_not_fetched(self) -> None:
        world = World([ROOT], [CA], {"localhost": [[CA]]})
        result = world.complete(LEAF)
        assert (found(result), result.path[1].origin, world.asked) == ((["localhost", "CA"], "Root"), "the store", [])

    def test_what_is_missing_is_fetched(self) -> None:
        world = World([ROOT], places={"localhost": [[CA]]})
        result = world.complete(LEAF)
        assert found(result) == (["localhost", "CA"], "Root")
        assert result.path[1].origin == "http://localhost/0"
        assert result.refusals == ()

    def test_two_missing_levels_are_fetched_one_after_the_other(self) -> None:
        upper = intermediate("Upper", ROOT)
        lower = intermediate("Lower", upper)
        world = World([ROOT], places={"localhost": [[lower]], "Lower": [[upper]]})
        assert found(world.complete(leaf(lower))) == (["localhost", "Lower", "Upper"], "Root")

    @pytest.mark.parametrize(("text", "kind"), [("Example CA", 12), ("example  CA", 19), ("Example CA", 30)])
    def test_names_are_compared_as_openssl_does(self, text: str, kind: int) -> None:
        ca, other = respelled(ROOT, text, kind)
        sent = leaf(ca)
        assert found(World([ROOT], places={"localhost": [[other]]}).complete(sent))[1] == "Root"
        assert found(World([ROOT]).complete(sent, other))[1] == "Root"
        assert openssl_path([sent.pem, other.pem], ROOT).endswith("leaf: OK\n")
        forged = intermediate(spelled(text, kind), ROOT, extensions=without(x509.SubjectKeyIdentifier))
        assert found(World([ROOT]).complete(sent, forged)) == (["invalid-signature"], "")

    def test_only_the_gap_is_fetched(self) -> None:
        """The server sends the lower one: what is asked is only where that one's issuer lies."""
        upper = intermediate("Upper", ROOT)
        lower = intermediate("Lower", upper)
        world = World([ROOT], places={"localhost": [[lower]], "Lower": [[upper]]})
        assert found(world.complete(leaf(lower), lower)) == (["localhost", "Lower", "Upper"], "Root")
        assert world.asked == ["Lower 0"]

    def test_four_missing_certificates_are_fetched_and_a_fifth_is_not(self) -> None:
        chain = [ROOT]
        for number in range(5):
            chain.append(intermediate(f"CA {number}", chain[-1]))
        places = {f"CA {number}": [[chain[number]]] for number in range(1, 5)}
        shallow = World([ROOT], places={**places, "localhost": [[chain[4]]]})
        assert found(shallow.complete(leaf(chain[4])))[1] == "Root"
        deep = World([ROOT], places={**places, "localhost": [[chain[5]]]})
        assert found(deep.complete(leaf(chain[5]))) == (["too-deep"], "")

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
        supply = Supply(lambda _: (), lambda _: (), fetch)
        result = complete([certificate(leaf(made[0]))], supply, Rules(NOW))
        assert found(result) == (["too-deep"], "")
        assert len(made) == 5


class TestSeveralIssuers:
    def test_of_cross_signed_issuers_the_one_under_an_anchor_is_taken(self) -> None:
        stranger = issue("Stranger")
        twin = intermediate("CA", stranger, key=CA.key)
        for offered in ([[twin, CA]], [[twin], [CA]], [[CA], [twin]]):
            world = World([ROOT], places={"localhost": offered})
            result = world.complete(LEAF)
            assert (found(result), result.path[1].certificate) == ((["localhost", "CA"], "Root"), certificate(CA))

    def test_of_two_chains_the_shorter_one_is_taken(self) -> None:
        upper = intermediate("Upper", ROOT)
        longer = intermediate("CA", upper, key=CA.key)
        world = World([ROOT], [upper], {"localhost": [[longer], [CA]]})
        assert found(world.complete(LEAF)) == (["localhost", "CA"], "Root")
        assert found(World([ROOT], [upper, longer, CA]).complete(LEAF)) == (["localhost", "CA"], "Root")
        assert found(World([ROOT], [upper, longer]).complete(LEAF)) == (["localhost", "CA", "Upper"], "Root")

    def test_a_way_that_the_server_sends_and_that_ends_nowhere_does_not_hide_another(self) -> None:
        old = issue("Old Root")
        twin = intermediate("CA", old, key=CA.key)
        world = World([ROOT], places={"localhost": [[CA]]})
        result = world.complete(LEAF, twin)
        assert (found(result), result.path[1].certificate) == ((["localhost", "CA"], "Root"), certificate(CA))

    def test_once_an_issuer_under_an_anchor_is_there_the_other_addresses_are_not_asked(self) -> None:
        world = World([ROOT], places={"localhost": [[], [CA], [CA]]})
        assert found(world.complete(LEAF))[1] == "Root"
        assert world.asked == ["localhost 0", "localhost 1"]

    def test_two_ways_that_meet_are_gone_once(self) -> None:
        upper = intermediate("Upper", issue("Stranger"))
        twins = [intermediate("CA", upper, key=CA.key) for _ in range(2)]
        assert found(World([ROOT], [*twins, upper]).complete(LEAF)) == ([], "")

    def test_a_loop_of_issuers_ends(self) -> None:
        one, two = issue("One"), issue("Two")
        first = intermediate("One", two, key=one.key)
        second = intermediate("Two", one, key=two.key)
        places = {"localhost": [[first]], "One": [[second]], "Two": [[first]]}
        assert found(World([ROOT], places=places).complete(leaf(first))) == (["issuer-loop"], "")
        world = World([ROOT], places={**places, "Two": [[intermediate("One", ROOT, key=one.key)]]})
        assert found(world.complete(leaf(first)))[1] == "Root"

    def test_a_crowd_of_look_alikes_ends(self) -> None:
        crowd = [intermediate("CA", ROOT) for _ in range(10)]
        world = World([ROOT], places={"localhost": [[*crowd, CA]]})
        assert found(world.complete(LEAF))[1] == "Root"
        many = World([ROOT], places={"localhost": [crowd * 30]})
        assert found(many.complete(LEAF)) == (["key-id-mismatch"], "")

    def test_no_more_than_200_pairs_are_compared(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(completion, "_MOST_CHECKS", 5)
        world = World([ROOT], places={"localhost": [[intermediate("CA", ROOT) for _ in range(5)]]})
        assert found(world.complete(LEAF)) == (["key-id-mismatch"], "")
        world = World([ROOT], places={"localhost": [[*(intermediate("CA", ROOT) for _ in range(5)), CA]]})
        assert found(world.complete(LEAF)) == (["key-id-mismatch", "too-many-candidates"], "")


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
        result = World([ROOT], of("known"), places).complete(leaf(KEYS["One"]), *of("sent"))
        ways = _ways(set(web))
        assert bool(result.anchor) == bool(ways)
        if ways:
            ends = [offer.certificate.name for offer in result.path[1:]]
            assert tuple(ends) in ways
            chain = [pem_of(offer.certificate) for offer in result.path]
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


def pem_of(certificate: Certificate) -> bytes:
    return pem.encode(certificate.der).encode()


def without(*kinds: type[x509.ExtensionType]) -> Callable[[Extensions], Extensions]:
    return lambda usual: tuple(each for each in usual if not isinstance(each[0], kinds))


def with_(*more: tuple[x509.ExtensionType, bool]) -> Callable[[Extensions], Extensions]:
    kinds = tuple(type(each[0]) for each in more)
    return lambda usual: (*without(*kinds)(usual), *more)


def rsa_signed(subject: str, bits: int) -> tuple[Issued, Issued]:
    """A CA, and one below it with an RSA key of this size."""
    root = issue("RSA Root", key=typing.cast("ec.EllipticCurvePrivateKey", rsa.generate_private_key(65537, 2048)))
    key = typing.cast("ec.EllipticCurvePrivateKey", rsa.generate_private_key(65537, bits))
    return root, issue(subject, root, key=key, extensions=(*ca_extensions(key), *below(root)))


class TestChecks:
    """Each with the control: ``CA``, which differs in nothing else, is taken."""

    def refused(self, offered: Issued, *, at: Issued | None = None, **rules: typing.Any) -> tuple[list[str], str]:  # noqa: ANN401
        control = World([ROOT], places={"localhost": [[CA]]})
        assert found(control.complete(LEAF)) == (["localhost", "CA"], "Root")
        return found(World([ROOT], places={"localhost": [[offered]]}).complete(at or LEAF, **rules))

    def test_another_name(self) -> None:
        assert self.refused(intermediate("Another", ROOT, key=CA.key)) == (["issuer-name-mismatch"], "")

    def test_a_root_of_the_right_name_and_key_that_the_store_does_not_have(self) -> None:
        assert self.refused(issue("CA", key=CA.key)) == (["self-signed"], "")

    def test_a_root_is_refused_even_if_the_server_sends_it(self) -> None:
        own = issue("CA", key=CA.key)
        assert found(World([ROOT]).complete(LEAF, own)) == (["self-signed"], "")

    def test_a_self_signed_leaf_is_nobody_s_business(self) -> None:
        own = issue("localhost")
        world = World([ROOT], places={"localhost": [[own]]})
        assert (found(world.complete(own)), world.asked) == ((["self-signed"], ""), [])
        assert found(World([own]).complete(own)) == (["localhost"], "localhost")

    def test_a_ca_s_new_key_signed_with_its_old_one_is_no_root(self) -> None:
        old = issue("CA")
        rollover = intermediate("CA", old, key=CA.key)
        world = World([old], places={"localhost": [[rollover]]})
        assert found(world.complete(LEAF)) == (["localhost", "CA"], "CA")

    def test_the_right_name_and_key_identifier_and_a_wrong_key(self) -> None:
        key = issue("key").key
        copied = x509.SubjectKeyIdentifier.from_public_key(CA.key.public_key())
        forged = intermediate("CA", ROOT, key=key, extensions=with_((copied, False)))
        assert self.refused(forged) == (["invalid-signature"], "")

    def test_another_key_identifier(self) -> None:
        assert self.refused(intermediate("CA", ROOT)) == (["key-id-mismatch"], "")

    def test_no_basic_constraints(self) -> None:
        bare = intermediate("CA", ROOT, key=CA.key, extensions=without(x509.BasicConstraints))
        assert self.refused(bare) == (["not-a-ca"], "")

    def test_basic_constraints_that_say_no(self) -> None:
        no = with_((x509.BasicConstraints(ca=False, path_length=None), True))
        assert self.refused(intermediate("CA", ROOT, key=CA.key, extensions=no)) == (["not-a-ca"], "")

    def test_a_key_usage_without_certificates(self) -> None:
        no = with_((key_usage(key_cert_sign=False), True))
        assert self.refused(intermediate("CA", ROOT, key=CA.key, extensions=no)) == (["no-cert-sign"], "")
        none = intermediate("CA", ROOT, key=CA.key, extensions=without(x509.KeyUsage))
        assert self.refused(none) == (["localhost", "CA"], "Root")

    def test_a_purpose_that_leaves_out_tls_servers(self) -> None:
        mail = with_((x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), False))
        assert self.refused(intermediate("CA", ROOT, key=CA.key, extensions=mail)) == (["wrong-purpose"], "")

    def test_a_critical_extension_that_openssl_does_not_know(self) -> None:
        unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4.5"), b"\5\0")
        odd = intermediate("CA", ROOT, key=CA.key, extensions=with_((unknown, True)))
        assert self.refused(odd) == (["unhandled-critical"], "")
        assert "unhandled critical extension" in openssl_path([LEAF.pem, odd.pem], ROOT)
        for critical in (x509.InhibitAnyPolicy(0), x509.PolicyConstraints(0, None)):
            known = intermediate("CA", ROOT, key=CA.key, extensions=with_((critical, True)))
            assert self.refused(known) == (["localhost", "CA"], "Root")
        not_critical = intermediate("CA", ROOT, key=CA.key, extensions=with_((unknown, False)))
        assert self.refused(not_critical) == (["localhost", "CA"], "Root")
        world = World([ROOT], places={"localhost": [[odd], [CA]]})
        assert (found(world.complete(LEAF)), world.asked) == (
            (["localhost", "CA"], "Root"),
            ["localhost 0", "localhost 1"],
        )

    def test_the_times(self) -> None:
        spans = {"expired": (NOW - 9 * DAY, NOW - DAY), "not-yet-valid": (NOW + DAY, NOW + 9 * DAY)}
        for rule, span in spans.items():
            assert self.refused(intermediate("CA", ROOT, key=CA.key, valid=span)) == ([rule], "")

    def test_revoked_and_distrusted(self) -> None:
        rules: dict[str, typing.Any] = {"revoked": {fingerprint(CA)}}
        assert self.refused(CA, **rules) == (["revoked"], "")
        assert self.refused(CA, distrusted={fingerprint(CA)}) == (["distrusted"], "")

    def test_a_path_length_that_leaves_no_room_below(self) -> None:
        short = intermediate("Short", ROOT, path_length=0)
        lower = intermediate("Lower", short)
        world = World([ROOT], places={"localhost": [[lower]], "Lower": [[short]]})
        assert found(world.complete(leaf(lower))) == (["path-length-exceeded"], "")
        assert "path length" in openssl_path([leaf(lower).pem, lower.pem, short.pem], ROOT)
        assert found(World([ROOT], places={"localhost": [[short]]}).complete(leaf(short)))[1] == "Root"

    def test_a_path_length_of_the_anchor(self) -> None:
        key = issue("key").key
        one = with_((x509.BasicConstraints(ca=True, path_length=1), True))
        root = issue("Root", key=key, extensions=one(ca_extensions(key)))
        upper = intermediate("Upper", root)
        lower = intermediate("Lower", upper)
        world = World([root], [upper, lower])
        assert found(world.complete(leaf(upper)))[1] == "Root"
        assert found(world.complete(leaf(lower))) == (["path-length-exceeded"], "")

    def test_a_self_issued_certificate_takes_no_room(self) -> None:
        upper = intermediate("CA", ROOT, path_length=0)
        rollover = intermediate("CA", upper, key=CA.key)
        world = World([ROOT], places={"localhost": [[rollover]], "CA": [[upper]]})
        assert found(world.complete(LEAF)) == (["localhost", "CA", "CA"], "Root")
        assert openssl_path([LEAF.pem, rollover.pem, upper.pem], ROOT).endswith("leaf: OK\n")

    def test_a_re_signed_copy_of_what_is_distrusted_or_revoked(self) -> None:
        """The rules know it by its name and key, and by its issuer and serial number."""
        ca = certificate(CA)
        assert self.refused(CA, distrusted={ca.identity}) == (["distrusted"], "")
        assert self.refused(CA, revoked={ca.link.issuer_and_serial}) == (["revoked"], "")

    @pytest.mark.parametrize("to_store", [True, False])
    def test_what_would_hide_a_limit_on_names_from_clients(self, to_store: bool) -> None:  # noqa: FBT001
        limit = x509.NameConstraints([x509.DNSName("localhost")], None)
        upper = intermediate("Upper", ROOT, extensions=with_((limit, True)))
        lower = intermediate("Lower", upper)
        world = World([ROOT], [upper], {"localhost": [[lower]]})
        expected = (["name-constrained"], "") if to_store else (["localhost", "Lower", "Upper"], "Root")
        assert found(world.complete(leaf(lower), to_store=to_store)) == expected
        # What the server sends itself is not stored, and what limits is itself fit for the store.
        assert found(World([ROOT], [upper]).complete(leaf(lower), lower, to_store=to_store))[1] == "Root"
        assert found(World([ROOT], [upper]).complete(leaf(upper), to_store=to_store))[1] == "Root"

    @pytest.mark.filterwarnings("ignore:RSA key size")
    @pytest.mark.parametrize(
        ("bits", "expected"), [(1024, (["weak-key"], "")), (2048, (["localhost", "CA"], "RSA Root"))]
    )
    def test_a_weak_key(self, bits: int, expected: tuple[list[str], str]) -> None:
        root, made = rsa_signed("CA", bits)
        assert found(World([root], places={"localhost": [[made]]}).complete(_signed_by(made))) == expected

    @pytest.mark.parametrize(
        ("digest", "expected"), [("sha1", (["weak-signature"], "")), ("sha256", (["localhost", "CA"], "RSA Root"))]
    )
    def test_a_weak_signature(
        self, openssl: Callable[..., str], tmp_path: Path, digest: str, expected: tuple[list[str], str]
    ) -> None:
        root, made = rsa_signed("CA", 2048)
        own = issue("CA", key=made.key, extensions=ca_extensions(made.key))
        for name, data in (("root", root.pem), ("root.key", root.key_pem), ("ca", own.pem)):
            (tmp_path / name).write_bytes(data)
        # cryptography signs nothing with SHA-1 any more.
        issuer = ("-CA", tmp_path / "root", "-CAkey", tmp_path / "root.key")
        signed = openssl("x509", "-in", tmp_path / "ca", *issuer, "-set_serial", "5", f"-{digest}", "-preserve_dates")
        made = Issued(x509.load_pem_x509_certificate(signed.encode()), made.key)
        assert found(World([root], places={"localhost": [[made]]}).complete(_signed_by(made))) == expected


class TestAnchors:
    def test_an_anchor_with_another_key_does_not_count(self) -> None:
        other = issue("Root")
        assert found(World([other]).complete(LEAF, CA)) == (["key-id-mismatch"], "")
        assert found(World([other, ROOT]).complete(LEAF, CA))[1] == "Root"

    def test_an_expired_anchor_does_not_count(self) -> None:
        old = issue("Root", key=ROOT.key, valid=(NOW - 9 * DAY, NOW - DAY))
        assert found(World([old]).complete(LEAF, CA)) == (["expired"], "")

    def test_a_distrusted_anchor_does_not_count(self) -> None:
        assert found(World([ROOT]).complete(LEAF, CA, distrusted={fingerprint(ROOT)})) == (["distrusted"], "")

    def test_an_anchor_is_not_trusted_for_leaves_that_begin_after_its_date(self) -> None:
        begins = (NOW - DAY).date()
        for date, expected in ((begins - timedelta(1), ["anchor-distrusted"]), (begins, ["localhost", "CA"])):
            after = {fingerprint(ROOT): date.isoformat()}
            assert found(World([ROOT]).complete(LEAF, CA, distrust_after=after))[0] == expected

    def test_an_intermediate_that_the_user_trusts_ends_the_chain(self) -> None:
        assert found(World([CA]).complete(LEAF)) == (["localhost"], "CA")


def test_nothing_at_all_is_no_chain_and_no_refusal() -> None:
    result = World([ROOT]).complete(LEAF)
    assert (result.anchor, result.refusals, [offer.certificate.name for offer in result.path]) == (
        None,
        (),
        ["localhost"],
    )


def _signed_by(issuer: Issued) -> Issued:
    """A leaf under a CA with an RSA key."""
    key = ec.generate_private_key(ec.SECP256R1())
    extensions = ((x509.BasicConstraints(ca=False, path_length=None), True), *below(issuer))
    return issue("localhost", issuer, key=key, extensions=extensions)
