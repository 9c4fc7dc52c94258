"""``certboot trust HOST`` where the server does not send its root, and its certificates say where that lies."""

from __future__ import annotations

import hashlib
import typing
from collections.abc import Callable

import pytest
from support.issuers import ChainServer, accepted, intermediate, leaf
from support.pki import NOW, Issued, ca_extensions, issue
from support.plain_server import PlainServer, page
from support.snapshot import assert_refused, snapshot
from support.table import cases
from support.terminal import answers

from certboot.pki.certificate import load_certificate
from certboot.sources.candidates import Offer
from certboot.sources.server import topmost
from certboot.store import generations

if typing.TYPE_CHECKING:
    from pathlib import Path

    from support.environments import Ran

    from certboot.pki.certificate import Certificate
    from certboot.store.paths import StorePaths

    Run = Callable[..., Ran]
    Send = Callable[..., ChainServer]


@pytest.fixture
def store(certboot: Run, paths: StorePaths) -> StorePaths:
    assert certboot("init").status == 0
    return paths


def names(store: StorePaths) -> set[str]:
    return {entry.name for entry in generations.current(store).certificates}


@pytest.fixture
def root() -> Issued:
    return issue("Example Root")


@pytest.fixture
def middle(root: Issued, place: PlainServer) -> Issued:
    place.pages["/root"] = page(root.der)
    return intermediate("Example CA", root, f"{place.url}/root")


def test_the_root_that_is_not_sent_is_offered(
    certboot: Run, store: StorePaths, middle: Issued,
    place: PlainServer, send: Send, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    server = send(leaf(middle), middle)
    answers(monkeypatch, "yes\n")
    ran = certboot("trust", server.shown)
    assert ran.status == 0, ran.err
    assert f"  from     for {server.shown}, from {place.url}/root\n" in ran.out
    assert ("Example Root" in names(store), "Example CA" in names(store)) == (True, False)
    assert accepted(store, server) == [True, True]


def test_a_server_that_sends_its_own_certificate_only(
    certboot: Run, store: StorePaths, root: Issued, middle: Issued,
    place: PlainServer, send: Send,
) -> None:  # fmt: skip
    place.pages["/ca"] = page(middle.der)
    server = send(leaf(middle, f"{place.url}/ca"))
    digits = hashlib.sha256(root.der).hexdigest()
    assert certboot("trust", server.shown, "--yes", "--fingerprint", digits).status == 0
    assert accepted(store, server) == [False, False]
    assert certboot("repair", "--yes", server.shown).status == 0
    assert accepted(store, server) == [True, True]


def test_it_is_no_more_trusted_unseen_than_what_is_sent(
    certboot: Run, store: StorePaths, middle: Issued, send: Send,
) -> None:  # fmt: skip
    before = snapshot(store.home)
    server = send(leaf(middle), middle)
    for options in (["--yes"], ["--yes", "--sha256", "0" * 64], []):
        assert_refused(certboot("trust", server.shown, *options))
    assert snapshot(store.home) == before


def test_a_fingerprint_may_be_that_of_an_intermediate_and_then_nothing_is_fetched(
    certboot: Run, store: StorePaths, middle: Issued,
    place: PlainServer, send: Send,
) -> None:  # fmt: skip
    digits = hashlib.sha256(middle.der).hexdigest()
    ran = certboot("trust", send(leaf(middle), middle).shown, "--yes", "--sha256", digits)
    assert (ran.status, place.asked) == (0, [])
    assert "  no root  Python up to 3.12, and others, want the CA above it too: CN=Example Root\n" in ran.out
    assert "Example CA" in names(store)


@cases("what", ["other key", "other name", "junk", "nothing"])
def test_what_is_not_the_issuer_is_not_offered(
    certboot: Run, middle: Issued, place: PlainServer, send: Send,
    what: str,
) -> None:  # fmt: skip
    offers = {"other key": issue("Example Root").der, "other name": issue("Another").der, "junk": b"junk"}
    place.pages["/root"] = page(offers.get(what, b""))
    assert f"sent by {(server := send(leaf(middle), middle)).shown}\n" in certboot("trust", server.shown).out


@cases("loop", [False, True])
def test_a_way_without_end_ends(loop: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Chains of issuers can be made as long as somebody likes."""
    keys = [issue("key").key for _ in range(2)]
    one, two = (issue(f"CA {n}", extensions=ca_extensions(keys[n]), key=keys[n]) for n in range(2))
    crossed = [intermediate(f"CA {n}", above, key=keys[n]) for n, above in ((0, two), (1, one))]
    deep = [issue("CA 0")]
    for number in range(1, 9):
        deep.append(intermediate(f"CA {number}", deep[-1]))
    given = crossed if loop else deep
    sent = leaf(given[-1])
    asked = []

    def fetch(certificate: Certificate) -> list[Offer]:
        asked.append(certificate.name)
        found = [load_certificate(each.der) for each in given]
        return [Offer(each, "there") for each in found if each.link.subject_name == certificate.link.issuer_name]

    top = topmost([sent.der], "host", "", NOW, fetch).candidates[0]
    assert (top.certificate.name, len(asked)) == (("CA 0", 3) if loop else ("CA 5", 4))


def test_why_nothing_could_be_fetched_is_told(certboot: Run, store: StorePaths, root: Issued, send: Send) -> None:
    before = snapshot(store.home)
    ran = certboot("trust", send(leaf(root, "http://169.254.169.254/ca", "ldap://ca.example/")).shown)
    assert_refused(ran)
    assert "not fetched: address-refused: http://169.254.169.254/ca " in ran.out
    assert snapshot(store.home) == before


def test_after_an_address_that_has_the_issuer_no_other_is_asked(
    certboot: Run, root: Issued, place: PlainServer, send: Send
) -> None:
    place.pages |= {"/1": page(root.der), "/2": page(root.der)}
    certboot("trust", send(leaf(root, f"{place.url}/1", f"{place.url}/2")).shown)
    assert place.asked == ["/1"]


def test_an_intermediate_of_a_ca_that_is_trusted_already_is_not_made_an_anchor(
    certboot: Run, store: StorePaths, clean: Path, root: Issued, send: Send
) -> None:
    (clean / "root.pem").write_bytes(root.pem)
    assert certboot("trust", "--yes", clean / "root.pem").status == 0
    ca = intermediate("Example CA", root)
    server = send(leaf(ca), ca)
    ran = certboot("trust", server.shown)
    assert_refused(ran)
    assert f"hint: certboot repair {server.shown}" in ran.err
    digits = hashlib.sha256(ca.der).hexdigest()
    assert certboot("trust", "--yes", "--sha256", digits, server.shown).status == 0
    assert "Example CA" in names(store)
