"""``certboot repair`` where the addresses in a certificate, or what lies there, are meant to harm."""

from __future__ import annotations

import gzip
import socket
import typing
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from support.faults import ProxyTalk
from support.issuers import (
    ChainServer,
    accepted,
    intermediate,
    leaf,
    pkcs7_of,
    repaired_in,
    trusted_root,
    without_its_issuer,
)
from support.pki import DAY, NOW, Extensions, Issued, issue
from support.server import Answer, Listener, PlainServer, endless, moved, page
from support.snapshot import snapshot

from certboot.net import http
from certboot.net.address_policy import AddressPolicy
from certboot.net.handshake import Peer
from certboot.pki import der
from certboot.repair import examine

if typing.TYPE_CHECKING:
    from support.environments import Ran

    from certboot.store.paths import StorePaths

    Run = Callable[..., Ran]
    Send = Callable[..., ChainServer]


@pytest.fixture
def root(clean: Path, certboot: Run) -> Issued:
    """A CA that the store trusts."""
    return trusted_root(clean, certboot)


@pytest.fixture
def forgetful(root: Issued, place: PlainServer, send: Send) -> ChainServer:
    """A server that does not send its issuer, which lies where its certificate says."""
    return without_its_issuer(root, place, send)


PUBLIC = "93.184.216.34"


@pytest.fixture
def elsewhere(root: Issued, place: PlainServer, send: Send, monkeypatch: pytest.MonkeyPatch) -> ChainServer:
    """A server somewhere in the internet, as is ca.example, where its issuer lies: there, port 80 gets to ``place``."""
    real_shaken, real_connect = examine.handshake_with_store, socket.socket.connect

    def connect(self: socket.socket, address: typing.Any) -> None:  # noqa: ANN401
        real_connect(self, ("127.0.0.1", place.port) if address == (PUBLIC, 80) else address)

    monkeypatch.setattr(
        examine, "handshake_with_store", lambda paths, target: replace(real_shaken(paths, target), peer=Peer(PUBLIC))
    )
    monkeypatch.setattr(socket.socket, "connect", connect)
    _resolving(monkeypatch, {"ca.example": [PUBLIC], "inside.example": ["127.0.0.1"]})
    ca = intermediate("Example CA", root)
    place.pages["/ca"] = page(ca.der)
    return send(leaf(ca, "http://ca.example/ca"))


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


def _instead(make: Callable[[Issued, Issued], Issued]) -> Make:
    """A server at whose address lies what ``make`` makes of root and CA in the place of the CA."""

    def made(root: Issued, place: PlainServer) -> tuple[Issued, ...]:
        ca = intermediate("Example CA", root)
        place.pages["/ca"] = page(make(root, ca).der)
        return (leaf(ca, f"{place.url}/ca"),)

    return made


def _without(kind: type[x509.ExtensionType], root: Issued, ca: Issued) -> Issued:
    def left(own: Extensions) -> Extensions:
        return tuple(each for each in own if not isinstance(each[0], kind))

    return intermediate("Example CA", root, key=ca.key, extensions=left)


def _forged(root: Issued, ca: Issued) -> Issued:
    copied = x509.SubjectKeyIdentifier.from_public_key(ca.key.public_key())
    return intermediate(
        "Example CA",
        root,
        extensions=lambda own: tuple(
            (copied, False) if isinstance(each[0], x509.SubjectKeyIdentifier) else each for each in own
        ),
    )


def _odd(root: Issued, ca: Issued) -> Issued:
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4.5"), b"\5\0")
    return intermediate("Example CA", root, key=ca.key, extensions=lambda own: (*own, (unknown, True)))


def _short(root: Issued, place: PlainServer) -> tuple[Issued, ...]:
    upper = intermediate("Upper", root, path_length=0)
    lower = intermediate("Lower", upper, f"{place.url}/upper")
    place.pages |= {"/upper": page(upper.der), "/lower": page(lower.der)}
    return (leaf(lower, f"{place.url}/lower"),)


def _loop(_: Issued, place: PlainServer) -> tuple[Issued, ...]:
    one, two = issue("One"), issue("Two")
    first = intermediate("One", two, f"{place.url}/two", key=one.key)
    second = intermediate("Two", one, f"{place.url}/one", key=two.key)
    place.pages |= {"/one": page(first.der), "/two": page(second.der)}
    return (leaf(first, f"{place.url}/one"),)


def _own(_: Issued, place: PlainServer) -> tuple[Issued, ...]:
    stranger = issue("Example CA")
    place.pages["/ca"] = page(stranger.der)
    return (leaf(stranger, f"{place.url}/ca"),)


def _with_other_signature(certificate: bytes) -> bytes:
    order = int("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", 16)  # of P-256 (SEC 2, 2.4.2)
    parsed = x509.load_der_x509_certificate(certificate)
    algorithm = list(der.children(der.read(certificate)[0].content))[1].encoded
    r, s = decode_dss_signature(parsed.signature)
    signature = der.encode(der.BIT_STRING, b"\0" + encode_dss_signature(r, order - s))
    return der.encode(der.SEQUENCE, parsed.tbs_certificate_bytes + algorithm + signature)


def _chunked(size: int) -> bytes:
    return _chunks(b"%x\r\n" % size + bytes(size) + b"\r\n0\r\n\r\n")


def _chunks(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body


_BOMB = gzip.compress(bytes(20_000_000))
_ODD_TYPE = "multipart/mixed; boundary*=a; boundary*0=b"


HOSTILE: dict[str, tuple[Make, str]] = {
    "a root of its own": (_own, "self-signed"),
    "another name": (_instead(lambda root, ca: intermediate("Another", root, key=ca.key)), "issuer-name-mismatch"),
    "a wrong key": (_instead(_forged), "invalid-signature"),
    "another key": (_instead(lambda root, _: intermediate("Example CA", root)), "key-id-mismatch"),
    "no CA": (_instead(lambda root, ca: _without(x509.BasicConstraints, root, ca)), "not-a-ca"),
    "a path length": (_short, "path-length-exceeded"),
    "an expired issuer": (
        _instead(lambda root, ca: intermediate("Example CA", root, key=ca.key, valid=(NOW - 9 * DAY, NOW - DAY))),
        "expired",
    ),
    "a critical extension that nobody knows": (_instead(_odd), "unhandled-critical"),
    "a loop": (_loop, "issuer-loop"),
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


def test_a_server_of_this_computer_cannot_send_us_to_what_listens_here_for_the_user(
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
            assert (ran.status, " port-refused: " in ran.out, other.asked) == (1, True, [])
            assert "  or       --allow-private, if it is you who serves certificates there\n" in ran.out
        assert certboot("repair", "--dry-run", "--allow-private", servers[-1].shown).status == 0
        assert other.asked == ["/there"]
    finally:
        other.close()


class TestHostile:
    @pytest.fixture(params=HOSTILE)
    def hostile(
        self, root: Issued, place: PlainServer, send: Send, request: pytest.FixtureRequest
    ) -> tuple[ChainServer, str]:
        make, rule = HOSTILE[request.param]
        return send(*make(root, place)), rule

    def test_it_ends_in_a_named_refusal_and_an_unchanged_store(
        self, certboot: Run, paths: StorePaths, hostile: tuple[ChainServer, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(http, "SECONDS", 1.0)
        server, rule = hostile
        before = snapshot(paths.home)
        ran = certboot("repair", "--yes", server.shown)
        assert ran.status == 1
        assert f"{server.shown}: cannot be repaired" in ran.out
        assert f" {rule}: " in ran.out
        assert all(line.isprintable() for line in ran.out.splitlines())
        assert snapshot(paths.home) == before
        assert (certboot("chain", server.shown).status, accepted(paths, server)) == (1, [False, False])

    def test_a_ca_that_the_user_distrusts_stays_out(
        self, certboot: Run, paths: StorePaths, forgetful: ChainServer
    ) -> None:
        certboot("repair", "--yes", forgetful.shown)
        assert certboot("distrust", "Example CA").status == 0
        assert accepted(paths, forgetful) == [False, False]
        before = snapshot(paths.home)
        ran = certboot("repair", "--yes", forgetful.shown)
        assert (ran.status, " distrusted: " in ran.out, snapshot(paths.home)) == (1, True, before)

    def test_a_re_signed_copy_of_what_the_user_distrusts_stays_out_too(
        self, certboot: Run, paths: StorePaths, forgetful: ChainServer, place: PlainServer
    ) -> None:
        """Nobody needs the key for that: of an ECDSA signature (r, s) the other one, (r, -s), is as good."""
        whole = typing.cast("bytes", place.pages["/ca"])
        copy = page(_with_other_signature(whole.partition(b"\r\n\r\n")[2]))
        place.pages["/ca"] = copy
        assert certboot("repair", "--dry-run", forgetful.shown).status == 0
        place.pages["/ca"] = whole
        certboot("repair", "--yes", forgetful.shown)
        assert certboot("distrust", "Example CA").status == 0
        place.pages["/ca"] = copy
        before = snapshot(paths.home)
        ran = certboot("repair", "--yes", forgetful.shown)
        assert (ran.status, " distrusted: " in ran.out, snapshot(paths.home)) == (1, True, before)

    def test_a_server_elsewhere_may_not_send_us_to_this_computer(
        self, certboot: Run, paths: StorePaths, forgetful: ChainServer, place: PlainServer,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        real = examine.handshake_with_store
        for address in ("192.0.2.1", "1.1.1.1", "10.0.0.1", ""):
            monkeypatch.setattr(
                examine,
                "handshake_with_store",
                lambda paths, target, at=address: replace(real(paths, target), peer=Peer(at)),
            )
            before = snapshot(paths.home)
            ran = certboot("repair", "--yes", forgetful.shown)
            assert (ran.status, " address-refused: " in ran.out, snapshot(paths.home)) == (1, True, before)
        assert place.requests == []
        assert certboot("repair", "--yes", "--allow-private", forgetful.shown).status == 0

    @pytest.mark.parametrize(
        "target",
        ["http://127.0.0.1/", "http://localhost/", "http://[::1]/", "http://0177.1/", "http://inside.example/"],
    )
    def test_a_ca_elsewhere_may_not_send_us_to_this_computer_by_a_redirect(
        self, certboot: Run, paths: StorePaths, elsewhere: ChainServer, place: PlainServer, target: str
    ) -> None:
        good = place.pages["/ca"]
        place.pages |= {"/ca": moved(target), "/": good}
        before = snapshot(paths.home)
        ran = certboot("repair", "--yes", elsewhere.shown)
        assert (ran.status, " address-refused: " in ran.out, place.asked) == (1, True, ["/ca"])
        assert snapshot(paths.home) == before
        place.pages["/ca"] = good
        assert certboot("repair", "--yes", elsewhere.shown).status == 0
        assert accepted(paths, elsewhere) == [True, True]

    @pytest.mark.parametrize("evil", ["127.0.0.1", "10.0.0.1", "169.254.169.254"])
    def test_a_ca_s_name_that_changes_its_address_gains_nothing(
        self, certboot: Run, paths: StorePaths, elsewhere: ChainServer, monkeypatch: pytest.MonkeyPatch, evil: str
    ) -> None:
        """What was checked is what is contacted, and nothing else, whatever the name means a moment later."""
        before = snapshot(paths.home)
        _resolving(monkeypatch, {"ca.example": [evil, PUBLIC]})
        ran = certboot("repair", "--yes", elsewhere.shown)
        assert (ran.status, " address-refused: " in ran.out, snapshot(paths.home)) == (1, True, before)
        _resolving(monkeypatch, {"ca.example": [PUBLIC, evil]})
        assert certboot("repair", "--yes", elsewhere.shown).status == 0
        assert accepted(paths, elsewhere) == [True, True]

    def test_a_hostile_server_does_not_keep_the_others_in_a_file_from_being_repaired(
        self, certboot: Run, paths: StorePaths, clean: Path, root: Issued, place: PlainServer, send: Send
    ) -> None:
        place.pages["/hostile"] = _chunks(b"-5\r\nabcdef\r\n0\r\n\r\n")
        hostile = send(leaf(intermediate("Hostile CA", root), f"{place.url}/hostile"))
        good = without_its_issuer(root, place, send)
        (clean / "hosts").write_text(f"{hostile.shown}\n{good.shown}\n")
        ran = certboot("repair", "--yes", "--file", clean / "hosts")
        assert (ran.status, ran.err, " cut-short: " in ran.out) == (1, "", True)
        assert (accepted(paths, hostile), accepted(paths, good)) == ([False, False], [True, True])

    def test_a_name_that_changes_its_address_meanwhile_gains_nothing(
        self, certboot: Run, forgetful: ChainServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The address by which it is judged where a server may send us is the one that was spoken to."""
        _resolving(monkeypatch, {"server.example": ["127.0.0.1", "10.0.0.1"]})
        seen = []

        def reach_from(peer: str, **_: object) -> AddressPolicy:
            seen.append(peer)
            return AddressPolicy()

        monkeypatch.setattr(examine, "policy_from", reach_from)
        ran = certboot("repair", "--dry-run", "--servername", "localhost", f"server.example:{forgetful.port}")
        assert (" address-refused: " in ran.out, seen) == (True, ["127.0.0.1"])


def _resolving(monkeypatch: pytest.MonkeyPatch, names: dict[str, list[str]]) -> None:
    """Let these names mean each of their addresses in turn, the last one from then on."""
    real = socket.getaddrinfo

    def resolve(host: str, *arguments: typing.Any, **options: typing.Any) -> typing.Any:  # noqa: ANN401
        if host in names and not options.get("flags", 0) & socket.AI_NUMERICHOST:
            host = names[host].pop(0) if len(names[host]) > 1 else names[host][0]
        return real(host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


class TestProxy:
    def test_behind_a_proxy_only_the_names_can_be_checked_and_the_output_says_so(
        self, certboot: Run, root: Issued, place: PlainServer, send: Send, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ca = intermediate("Example CA", root)
        place.pages["http://ca.example/ca"] = page(ca.der)
        server = send(leaf(ca, "http://ca.example/ca"))
        monkeypatch.setenv("HTTP_PROXY", place.url.replace("//", "//user:secret@"))
        ran = certboot("repair", "--yes", server.shown)
        assert ran.status == 0
        assert "  proxy    it resolved the names of these addresses: where they lead could not be checked" in ran.out
        assert not any("secret" in request or "Authorization" in request for request in place.requests)

    def test_who_reaches_the_server_through_a_proxy_may_not_be_sent_to_private_addresses(
        self, certboot: Run, forgetful: ChainServer, listen: Callable[..., Listener], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{listen(ProxyTalk()).port}")
        ran = certboot("repair", "--yes", forgetful.shown)
        assert (ran.status, " address-refused: " in ran.out) == (1, True)

    def test_no_proxy_that_names_the_server_is_heeded(
        self, certboot: Run, forgetful: ChainServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
        monkeypatch.setenv("NO_PROXY", "localhost")
        assert certboot("repair", "--yes", forgetful.shown).status == 0


def test_what_would_hide_a_path_length_from_clients_is_not_stored_and_its_chain_is_still_to_be_had(
    certboot: Run, paths: StorePaths, place: PlainServer, send: Callable[..., ChainServer], clean: Path
) -> None:
    """With the one CA in the store, clients would accept a CA below it that its root does not allow."""
    root = trusted_root(clean, certboot)
    upper = intermediate("Upper", root, path_length=1)
    lower = intermediate("Lower", upper, f"{place.url}/upper")
    place.pages |= {"/upper": page(upper.der), "/lower": page(lower.der)}
    server = send(leaf(lower, f"{place.url}/lower"))
    before = snapshot(paths.home)
    ran = certboot("repair", "--yes", server.shown)
    assert (ran.status, snapshot(paths.home)) == (1, before)
    assert " path-length-limited: " in ran.out
    assert "clients would not see how few CAs Upper lets follow below it" in ran.out
    assert certboot("chain", server.shown).status == 0
    limited = intermediate("Lower", upper, f"{place.url}/upper", path_length=0, key=lower.key)
    place.pages["/lower"] = page(limited.der)
    assert certboot("repair", "--yes", server.shown).status == 0
    assert repaired_in(paths) == {"Lower": "intermediate", "Upper": "intermediate"}
