"""``certboot repair`` where the addresses in a certificate, or what lies there, are meant to harm."""

from __future__ import annotations

import gzip
import socket
import typing
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from support.asking import Listen
from support.commands import Run
from support.environments import Ran
from support.faults import ProxyTalk
from support.issuers import (
    ChainServer,
    Send,
    accepted,
    intermediate,
    leaf,
    pkcs7_of,
    repaired_in,
    without_its_issuer,
)  # fmt: skip
from support.pki import Issued, issue, resigned
from support.server import Answer, PlainServer, endless, moved, page
from support.snapshot import snapshot
from support.table import cases

from certboot.cli.summary import PROXY
from certboot.net import http
from certboot.net.address_policy import AddressPolicy
from certboot.net.handshake import Peer
from certboot.repair import examine
from certboot.store.paths import StorePaths

PUBLIC = "93.184.216.34"
Refused = Callable[..., Ran]


@pytest.fixture
def refused(certboot: Run, paths: StorePaths) -> Refused:
    """See that a server cannot be repaired by this rule, and that nothing is stored."""

    def repair(rule: str, *argv: str | Path) -> Ran:
        before = snapshot(paths.home)
        ran = certboot("repair", "--yes", *argv)
        assert (ran.status, f"({rule})" in ran.out, snapshot(paths.home)) == (1, True, before), ran.out
        return ran

    return repair


@pytest.fixture
def elsewhere(root: Issued, place: PlainServer, send: Send, monkeypatch: pytest.MonkeyPatch) -> ChainServer:
    """A server somewhere in the internet, as is ca.example, where its issuer lies: there, port 80 gets to ``place``."""
    real_connect = socket.socket.connect

    def connect(self: socket.socket, address: typing.Any) -> None:  # noqa: ANN401
        real_connect(self, ("127.0.0.1", place.port) if address == (PUBLIC, 80) else address)

    _seen_at(monkeypatch, PUBLIC)
    monkeypatch.setattr(socket.socket, "connect", connect)
    _resolving(monkeypatch, {"ca.example": [PUBLIC], "inside.example": ["127.0.0.1"]})
    ca = intermediate("Example CA", root)
    place.pages["/ca"] = page(ca.der)
    return send(leaf(ca, "http://ca.example/ca"))


def _seen_at(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """Let every server seem to have been reached at this address."""
    real = examine.handshake_with_store
    monkeypatch.setattr(
        examine, "handshake_with_store", lambda paths, target: replace(real(paths, target), peer=Peer(address))
    )


Make = Callable[[Issued, PlainServer], tuple[Issued, ...]]


def _offered(answer: Answer) -> Make:
    """A server whose issuer lies at ``/ca``, where this is the answer."""

    def make(root: Issued, place: PlainServer) -> tuple[Issued, ...]:
        place.pages["/ca"] = answer
        return (leaf(intermediate("Example CA", root), f"{place.url}/ca"),)

    return make


def _lies_at(*addresses: str) -> Make:
    return lambda root, place: (
        leaf(intermediate("Example CA", root), *(each.format(port=place.port) for each in addresses)),
    )


def _own(_: Issued, place: PlainServer) -> tuple[Issued, ...]:
    stranger = issue("Example CA")
    place.pages["/ca"] = page(stranger.der)
    return (leaf(stranger, f"{place.url}/ca"),)


def _chunked(size: int) -> bytes:
    return _chunks(b"%x\r\n" % size + bytes(size) + b"\r\n0\r\n\r\n")


def _chunks(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body


_BOMB = gzip.compress(bytes(20_000_000))
_ODD_TYPE = "multipart/mixed; boundary*=idna''%ff"


# What a certificate itself is refused for is in test_completion.py.
HOSTILE: dict[str, tuple[Make, str]] = {
    "a root of its own": (_own, "self-signed"),
    "a file": (_lies_at("file:///etc/passwd"), "unsupported-scheme"),
    "a directory service": (_lies_at("ldap://127.0.0.1/CN=CA?cACertificate"), "unsupported-scheme"),
    "a file transfer": (_lies_at("ftp://127.0.0.1/ca"), "unsupported-scheme"),
    "a redirect to https": (_offered(moved("https://127.0.0.1/")), "unsupported-scheme"),
    "a redirect to a private network": (_offered(moved("http://10.0.0.1/")), "address-refused"),
    "a redirect to a cloud's metadata": (_offered(moved("http://169.254.169.254/")), "address-refused"),
    "a redirect to a link-local address": (_offered(moved("http://[fe80::1]/")), "address-refused"),
    "an address inside IPv6": (_lies_at("http://[::ffff:10.0.0.1]/ca"), "address-refused"),
    "this computer inside IPv6": (_lies_at("http://[64:ff9b::7f00:1]/ca"), "address-refused"),
    "another port of this computer": (_lies_at("http://127.0.0.1:6379/ca"), "port-refused"),
    "a redirect to another port of this computer": (_offered(moved("http://localhost:6379/flushall")), "port-refused"),
    "an octal address": (_lies_at("http://012.0.0.1/ca"), "address-refused"),
    "a decimal address": (_lies_at("http://2852039166/ca"), "address-refused"),
    "an endless body": (_offered(endless(head=b"HTTP/1.1 200 OK\r\n\r\n", part=bytes(4096))), "too-large"),
    "an announced 100 MB": (_offered(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n"), "too-large"),
    "a chunk of 1 MB": (_offered(_chunked(1_000_000)), "too-large"),
    "a byte now and then": (_offered(endless(head=b"HTTP/1.1 200 OK\r\n\r\n", pause=0.05)), "timeout"),
    "a chunk of less than nothing": (_offered(_chunks(b"-5\r\nabcdef\r\n0\r\n\r\n")), "cut-short"),
    "a chunk beyond all numbers": (_offered(_chunks(b"-99999999999999999999\r\n\r\n")), "cut-short"),
    "a header that the email package trips over": (_offered(page(b"", Content_Type=_ODD_TYPE)), "cut-short"),
    "a gzip bomb": (_offered(page(_BOMB, Content_Encoding="gzip")), "packed"),
    "a gzip bomb that is not called one": (_offered(page(_BOMB)), "no-certificate"),
    "10,000 certificates": (_offered(page(pkcs7_of(b"\x30\0" * 10_000))), "too-many-certificates"),
    "500 addresses": (_lies_at(*(f"http://127.0.0.1:{{port}}/{n}" for n in range(500))), "too-many-addresses"),
}  # fmt: skip


def test_a_server_here_cannot_send_us_to_other_ports(
    certboot: Run, root: Issued, place: PlainServer, send: Send
) -> None:
    """``place`` stands for the http server; the other one would be a database, or the page of a router's set-up."""
    other = PlainServer()
    try:
        ca = intermediate("Example CA", root)
        place.pages["/ca"] = moved(f"{other.url}/there")
        other.pages = {"/ca": page(ca.der), "/there": page(ca.der)}
        addresses = (f"{other.url}/ca", f"http://localhost:{other.port}/ca", f"{place.url}/ca")
        servers = [send(leaf(ca, address)) for address in addresses]
        for server in servers:
            ran = certboot("repair", "--dry-run", server.shown)
            assert (ran.status, "(port-refused)" in ran.out, other.asked) == (1, True, [])
            way = f"certboot repair {server.shown} --allow-private"
            assert f"  or        if it is you who serves certificates there: {way}\n" in ran.out
        assert certboot("repair", "--dry-run", "--allow-private", servers[-1].shown).status == 0
        assert other.asked == ["/there"]
    finally:
        other.close()


@cases(("make", "rule"), HOSTILE.values(), ids=list(HOSTILE))
def test_it_ends_in_a_named_refusal_and_an_unchanged_store(  # noqa: PLR0913, PLR0917 - fixtures
    certboot: Run, paths: StorePaths, refused: Refused, root: Issued, place: PlainServer, send: Send,
    monkeypatch: pytest.MonkeyPatch, make: Make, rule: str,
) -> None:  # fmt: skip
    monkeypatch.setattr(http, "SECONDS", 1.0)
    server = send(*make(root, place))
    ran = refused(rule, server.shown)
    assert f"✗ {server.shown}  cannot be repaired" in ran.out
    assert all(line.isprintable() for line in ran.out.splitlines())
    assert (certboot("chain", server.shown).status, accepted(paths, server)) == (1, [False, False])


def test_a_ca_that_the_user_distrusts_stays_out_as_does_a_re_signed_copy(
    certboot: Run, paths: StorePaths, refused: Refused, root: Issued, place: PlainServer, send: Send
) -> None:
    """Nobody needs the key for a copy: of an ECDSA signature (r, s) the other one, (r, -s), is as good."""
    ca = intermediate("Example CA", root)
    whole, copy = page(ca.der), page(resigned(ca).der)
    server = send(leaf(ca, f"{place.url}/ca"))
    place.pages["/ca"] = copy
    assert certboot("repair", "--dry-run", server.shown).status == 0
    place.pages["/ca"] = whole
    certboot("repair", "--yes", server.shown)
    assert certboot("distrust", "Example CA").status == 0
    assert accepted(paths, server) == [False, False]
    for answer in (whole, copy):
        place.pages["/ca"] = answer
        refused("distrusted", server.shown)


def test_a_server_elsewhere_may_not_send_us_to_this_computer(
    certboot: Run, refused: Refused, forgetful: ChainServer, place: PlainServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for address in ("192.0.2.1", "1.1.1.1", "10.0.0.1", ""):
        _seen_at(monkeypatch, address)
        refused("address-refused", forgetful.shown)
    assert place.requests == []
    assert certboot("repair", "--yes", "--allow-private", forgetful.shown).status == 0


@cases(
    "target", ["http://127.0.0.1/", "http://localhost/", "http://[::1]/", "http://0177.1/", "http://inside.example/"]
)
def test_a_ca_elsewhere_may_not_send_us_to_this_computer_by_a_redirect(
    certboot: Run, paths: StorePaths, refused: Refused, elsewhere: ChainServer, place: PlainServer, target: str
) -> None:
    good = place.pages["/ca"]
    place.pages |= {"/ca": moved(target), "/": good}
    place.requests.clear()
    refused("address-refused", elsewhere.shown)
    assert place.asked == ["/ca"]
    place.pages["/ca"] = good
    assert certboot("repair", "--yes", elsewhere.shown).status == 0
    assert accepted(paths, elsewhere) == [True, True]


@cases("evil", ["127.0.0.1", "10.0.0.1", "169.254.169.254"])
def test_a_ca_s_name_that_changes_its_address_gains_nothing(
    certboot: Run, paths: StorePaths, refused: Refused, elsewhere: ChainServer, monkeypatch: pytest.MonkeyPatch,
    evil: str,
) -> None:  # fmt: skip
    """What was checked is what is contacted, and nothing else, whatever the name means a moment later."""
    _resolving(monkeypatch, {"ca.example": [evil, PUBLIC]})
    refused("address-refused", elsewhere.shown)
    _resolving(monkeypatch, {"ca.example": [PUBLIC, evil]})
    assert certboot("repair", "--yes", elsewhere.shown).status == 0
    assert accepted(paths, elsewhere) == [True, True]


def test_a_server_that_moves_gains_nothing(
    certboot: Run, forgetful: ChainServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The address by which it is judged where a server may send us is the one that was spoken to."""
    _resolving(monkeypatch, {"server.example": ["127.0.0.1", "10.0.0.1"]})
    seen = []

    def reach_from(peer: str, **_: object) -> AddressPolicy:
        seen.append(peer)
        return AddressPolicy()

    monkeypatch.setattr(examine, "policy_from", reach_from)
    ran = certboot("repair", "--dry-run", "--servername", "localhost", f"server.example:{forgetful.port}")
    assert ("(address-refused)" in ran.out, seen) == (True, ["127.0.0.1"])


def test_a_hostile_server_does_not_keep_the_others_in_a_file_from_being_repaired(
    certboot: Run, paths: StorePaths, clean: Path, root: Issued, place: PlainServer, send: Send
) -> None:
    place.pages["/hostile"] = _chunks(b"-5\r\nabcdef\r\n0\r\n\r\n")
    hostile = send(leaf(intermediate("Hostile CA", root), f"{place.url}/hostile"))
    good = without_its_issuer(root, place, send)
    (clean / "hosts").write_text(f"{hostile.shown}\n{good.shown}\n")
    ran = certboot("repair", "--yes", "--file", clean / "hosts")
    assert (ran.status, ran.err, "(cut-short)" in ran.out) == (1, "", True)
    assert (accepted(paths, hostile), accepted(paths, good)) == ([False, False], [True, True])


def _resolving(monkeypatch: pytest.MonkeyPatch, names: dict[str, list[str]]) -> None:
    """Let these names mean each of their addresses in turn, the last one from then on."""
    real = socket.getaddrinfo

    def resolve(host: str, *arguments: typing.Any, **options: typing.Any) -> typing.Any:  # noqa: ANN401
        if host in names and not options.get("flags", 0) & socket.AI_NUMERICHOST:
            host = names[host].pop(0) if len(names[host]) > 1 else names[host][0]
        return real(host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


def test_behind_a_proxy_only_the_names_can_be_checked_and_the_output_says_so(
    certboot: Run, root: Issued, place: PlainServer, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    ca = intermediate("Example CA", root)
    place.pages["http://ca.example/ca"] = page(ca.der)
    server = send(leaf(ca, "http://ca.example/ca"))
    monkeypatch.setenv("HTTP_PROXY", place.url.replace("//", "//user:secret@"))
    ran = certboot("repair", "--yes", server.shown)
    assert ran.status == 0
    assert f"{PROXY}\n" in ran.out
    assert not any("secret" in request or "Authorization" in request for request in place.requests)


def test_who_reaches_the_server_through_a_proxy_may_not_be_sent_to_private_addresses(
    certboot: Run, refused: Refused, forgetful: ChainServer, listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = ProxyTalk()
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{listen(proxy).port}")
    refused("address-refused", forgetful.shown)
    assert len(proxy.asked) == 1
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "localhost")
    assert certboot("repair", "--yes", forgetful.shown).status == 0


def test_what_would_hide_a_path_length_from_clients_is_not_stored_and_its_chain_is_still_to_be_had(
    certboot: Run, paths: StorePaths, refused: Refused, root: Issued, place: PlainServer, send: Send
) -> None:  # fmt: skip
    """With the one CA in the store, clients would accept a CA below it that its root does not allow."""
    upper = intermediate("Upper", root, path_length=1)
    lower = intermediate("Lower", upper, f"{place.url}/upper")
    place.pages |= {"/upper": page(upper.der), "/lower": page(lower.der)}
    server = send(leaf(lower, f"{place.url}/lower"))
    ran = refused("path-length-limited", server.shown)
    assert "clients would not see how few CAs Upper lets follow below it" in ran.out
    assert certboot("chain", server.shown).status == 0
    limited = intermediate("Lower", upper, f"{place.url}/upper", path_length=0, key=lower.key)
    place.pages["/lower"] = page(limited.der)
    assert certboot("repair", "--yes", server.shown).status == 0
    assert repaired_in(paths) == {"Lower": "intermediate", "Upper": "intermediate"}
