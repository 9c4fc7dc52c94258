"""How a server is looked at: with the store's trust only, and at an address that is known."""

from __future__ import annotations

import os
import socket
import time
import typing
from collections.abc import Callable
from pathlib import Path

import pytest
from support.commands import Run
from support.issuers import ChainServer, Send, intermediate, leaf
from support.pki import Issued, issue
from support.server import PlainServer, page
from support.table import cases

from certboot.net.handshake import Chain, Handshake
from certboot.net.target import Target
from certboot.repair import examine
from certboot.repair.examine import Limits, Repairer, handshake_with_store
from certboot.store import generations
from certboot.store.generations import KEPT
from certboot.store.paths import StorePaths


@pytest.fixture
def whole(root: Issued, send: Send) -> ChainServer:
    """A server that sends its chain."""
    ca = intermediate("CA", root)
    return send(leaf(ca), ca)


def target(server: ChainServer, host: str = "localhost", **options: typing.Any) -> Target:  # noqa: ANN401
    return Target(host, server.port, **options)


@cases("value", ["", "/nowhere.pem"])
def test_what_the_environment_says_of_trust_does_not_count_and_stays(
    paths: StorePaths, whole: ChainServer, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", value)
    found = handshake_with_store(paths, target(whole))
    assert (found.verify_code, found.peer.address) == (0, "127.0.0.1")
    assert [os.environ.get(name) for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "no_proxy")] == [value, None, None]


@pytest.mark.usefixtures("root")
def test_a_server_that_nobody_vouches_for_is_looked_at_all_the_same(paths: StorePaths, send: Send) -> None:
    server = send(leaf(issue("Stranger")))
    found = handshake_with_store(paths, target(server))
    assert (found.outcome, found.verify_code, len(found.chain.presented)) == ("unverified", 20, 1)


def test_the_first_address_that_answers_counts(
    paths: StorePaths, whole: ChainServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = socket.getaddrinfo

    def resolve(host: str, port: int, *arguments: typing.Any, **options: typing.Any) -> typing.Any:  # noqa: ANN401
        places = ["127.0.0.3", "127.0.0.1"] if host == "server.example" else [host]
        return [found for place in places for found in real(place, port, *arguments, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    found = handshake_with_store(paths, target(whole, "server.example", servername="localhost"))
    assert (found.verify_code, found.peer.address) == (0, "127.0.0.1")


@pytest.mark.usefixtures("root")
def test_the_time_holds_for_all_addresses_together(paths: StorePaths, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=8) as silent:
        port = silent.getsockname()[1]
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))] * 3
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        begun = time.monotonic()
        shake = handshake_with_store(paths, Target("server.example", port, timeout=0.6))
        assert (shake.outcome, shake.error) == ("timeout", "no answer within 0.6 seconds")
        shake = handshake_with_store(paths, Target("server.example", port, timeout=0.0001))
        assert (shake.outcome, shake.error) == ("timeout", "no answer within 0.0001 seconds")
        assert time.monotonic() - begun < 3


def test_behind_a_proxy_no_address_is_known(
    paths: StorePaths, whole: ChainServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    found = handshake_with_store(paths, target(whole))
    assert (found.outcome, found.peer.address) == ("proxy-refused", "")
    monkeypatch.setenv("HTTPS_PROXY", "socks5://127.0.0.1:9")
    assert handshake_with_store(paths, target(whole)).outcome == "proxy-refused"


@pytest.mark.usefixtures("root")
@cases(("found", "expected"), [
    (Handshake("timeout", "no answer within 10 seconds"), "no answer within 10 seconds"),
    (Handshake("failed"), "there is no TLS handshake with it"),
    (Handshake("unverified", chain=Chain(presented=(b"0\0",))), "its certificate cannot be read"),
    (Handshake("unverified", chain=Chain(presented=(b"0\0", issue("CA").der))), "its certificate cannot be read"),
])  # fmt: skip
def test_a_server_that_shows_no_certificate_is_told_in_words(
    paths: StorePaths, monkeypatch: pytest.MonkeyPatch, found: Handshake, expected: str
) -> None:
    monkeypatch.setattr(examine, "handshake_with_store", lambda *_: found)
    examined = Repairer(paths, Limits(), to_store=True).examine(Target("localhost"))
    assert (examined.error, examined.chain, examined.missing) == (expected, (), ())


class TestChangesMeanwhile:
    """Other commands change the store so often that the generation of the start is removed."""

    @pytest.fixture
    def churn(self, paths: StorePaths, certboot: Run, tmp_path: Path) -> Callable[[], None]:
        def change() -> None:
            first = generations.current(paths).generation
            for number in range(KEPT + 1):
                (tmp_path / "own.pem").write_bytes(issue(f"Own {number}").pem)
                assert certboot("trust", "--yes", tmp_path / "own.pem").status == 0
            assert not (paths.generations / str(first)).exists()

        return change

    def test_before_a_server_is_looked_at(
        self, paths: StorePaths, forgetful: ChainServer, churn: Callable[[], None]
    ) -> None:
        repairer = Repairer(paths, Limits(), to_store=True)
        churn()
        examined = repairer.examine(target(forgetful))
        assert [offer.certificate.name for offer in examined.missing] == ["Example CA"]

    def test_while_an_issuer_is_fetched(
        self, paths: StorePaths, root: Issued, place: PlainServer, send: Send, churn: Callable[[], None]
    ) -> None:
        ca = intermediate("Example CA", root)
        asked = []

        def answer(connection: socket.socket) -> None:
            asked.append(connection)
            churn()
            connection.sendall(page(ca.der))

        place.pages["/ca"] = answer
        examined = Repairer(paths, Limits(), to_store=True).examine(target(send(leaf(ca, f"{place.url}/ca"))))
        assert [offer.certificate.name for offer in examined.missing] == ["Example CA"]
        assert len(asked) == 1

    def test_what_was_stored_meanwhile_is_there(self, paths: StorePaths, forgetful: ChainServer, certboot: Run) -> None:
        repairer = Repairer(paths, Limits(), to_store=True)
        assert [offer.certificate.name for offer in repairer.examine(target(forgetful)).missing] == ["Example CA"]
        assert certboot("repair", "--yes", forgetful.shown).status == 0
        examined = repairer.examine(target(forgetful))
        assert (examined.missing, [offer.certificate.name for offer in examined.in_store]) == ((), ["Example CA"])
