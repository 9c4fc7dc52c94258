"""``http.fetch_issuer`` against real HTTP servers on loopback: those that behave, and those that try to harm."""

from __future__ import annotations

import dataclasses
import gzip
import socket
import threading
import time
import typing
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.plain_server import PlainServer, endless, moved, page

from certboot.net import http
from certboot.net.address_policy import LOOPBACK, PRIVATE, AddressPolicy, FetchError

if typing.TYPE_CHECKING:
    import trustme
    from support.server import TlsServer

HERE = AddressPolicy(frozenset({LOOPBACK}), any_port=True)
BODY = b"0\x82certificate"


@pytest.fixture
def plain() -> Iterator[PlainServer]:
    server = PlainServer({"/ca": page(BODY)})
    yield server
    server.close()


def refused(url: str, reach: AddressPolicy = HERE, seconds: float = 5.0) -> str:
    """Fetch what must not be fetched, and return the rule."""
    with pytest.raises(FetchError) as error:
        http.fetch_issuer(url, reach, seconds)
    assert error.value.message.isprintable()
    return error.value.rule


def names(monkeypatch: pytest.MonkeyPatch, *answers: str) -> list[str]:
    """Let the resolver give each of these addresses in turn, the last one from then on; return what it is asked."""
    left, asked = list(answers), []
    real = socket.getaddrinfo

    def resolve(host: str, port: int, **options: typing.Any) -> typing.Any:  # noqa: ANN401
        asked.append(host)
        return real(left.pop(0) if len(left) > 1 else left[0], port, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return asked


def test_a_small_file_is_fetched_and_nothing_of_the_user_s_own_is_sent(
    plain: PlainServer, clean: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (clean / ".netrc").write_text("default login user password secret\n")
    (clean / ".netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(clean / ".netrc"))
    assert http.fetch_issuer(f"{plain.url}/ca", HERE) == http.Fetched(BODY, through_proxy=False)
    head = plain.requests[0].removesuffix("\r\n\r\n").split("\r\n")
    assert head == [
        "GET /ca HTTP/1.1",
        f"Host: 127.0.0.1:{plain.port}",
        "User-Agent: certboot",
        "Accept: */*",
        "Accept-Encoding: identity",
        "Connection: close",
    ]


@pytest.mark.parametrize(
    "answer",
    [
        page(BODY, Content_Encoding="identity"),
        b"HTTP/1.0 200 OK\r\n\r\n" + BODY,
        b"HTTP/1.1 100 Continue\r\n\r\n" + page(BODY),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n0\x82\r\nb\r\ncertificate\r\n0\r\n\r\n",
    ],
    ids=["identity", "until-the-end", "continue", "chunked"],
)
def test_every_form_of_body_is_read(plain: PlainServer, answer: bytes) -> None:
    plain.pages["/ca"] = answer
    assert http.fetch_issuer(f"{plain.url}/ca", HERE).body == BODY


def test_a_body_of_64_kib_is_read_and_one_byte_more_is_not(plain: PlainServer) -> None:
    largest = bytes(http.LARGEST)
    plain.pages |= {
        "/most": page(largest),
        "/more": page(largest + b"x"),
        "/open": b"HTTP/1.0 200 OK\r\n\r\n" + largest,
    }
    plain.pages["/cut"] = b"HTTP/1.0 200 OK\r\n\r\n" + largest + b"x"
    assert http.fetch_issuer(f"{plain.url}/most", HERE).body == largest
    assert http.fetch_issuer(f"{plain.url}/open", HERE).body == largest
    assert refused(f"{plain.url}/more") == refused(f"{plain.url}/cut") == "too-large"


@pytest.mark.parametrize(
    ("answer", "rule"),
    [
        (endless(head=b"HTTP/1.1 200 OK\r\n\r\n", part=bytes(4096)), "too-large"),
        (endless(head=b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n", part=bytes(4096)), "too-large"),
        (endless(head=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", part=b"1\r\nx\r\n" * 100), "too-large"),
        (endless(head=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", part=b"x" * 4096), "cut-short"),
        (endless(part=b"HTTP/1.1 100 Continue\r\n\r\n" * 100), "too-large"),
        (endless(head=b"HTTP/1.1 200 OK\r\n", part=b"X: y\r\n"), "cut-short"),
        (endless(head=b"HTTP/1.1 200 OK\r\nX: ", part=b"y" * 4096), "cut-short"),
        (endless(part=b"x" * 4096), "cut-short"),
        (page(BODY)[:-1], "cut-short"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "cut-short"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nx", "cut-short"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nabcdef\r\n0\r\n\r\n", "cut-short"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nabcdef\r\n0\r\n\r\n", "cut-short"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-99999999999999999999\r\n\r\n", "cut-short"),
        (page(BODY, Content_Type="multipart/mixed; boundary*=a; boundary*0=b"), "cut-short"),
        (b"", "cut-short"),
        (b"220 mail.example ESMTP\r\n", "cut-short"),
        (page(gzip.compress(bytes(10_000_000)), Content_Encoding="gzip"), "packed"),
        (page(status="404 Not Found"), "status"),
        (page(status="500 Internal Server Error"), "status"),
        (page(status="302 Found"), "status"),
    ],
)
def test_an_answer_that_is_none_ends_in_a_named_refusal(
    plain: PlainServer, answer: bytes | Callable[[socket.socket], None], rule: str
) -> None:
    plain.pages["/ca"] = answer
    assert refused(f"{plain.url}/ca") == rule


@pytest.mark.parametrize(
    "answer",
    [
        endless(head=b"HTTP/1.1 200 OK\r\n\r\n", part=b"x", pause=0.05),
        endless(part=b"H", pause=0.05),
        endless(head=b"HTTP/1.1 200 OK\r\nX: ", part=b"y", pause=0.05),
        endless(head=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", part=b"1\r\nx\r\n", pause=0.05),
        lambda _: time.sleep(3),
    ],
    ids=["body", "status", "header", "chunks", "silence"],
)
def test_a_server_that_sends_byte_by_byte_does_not_outlast_the_time_in_all(
    plain: PlainServer, answer: Callable[[socket.socket], None]
) -> None:
    plain.pages["/ca"] = answer
    begun = time.monotonic()
    assert refused(f"{plain.url}/ca", seconds=0.5) == "timeout"
    assert time.monotonic() - begun < 2


def test_a_name_server_that_does_not_answer_does_not_outlast_it_either(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = threading.Event()

    def resolve(*_: object, flags: int = 0, **__: object) -> list[object]:
        if flags & socket.AI_NUMERICHOST:
            raise socket.gaierror
        answered.wait(10)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    begun = time.monotonic()
    assert refused("http://ca.example/ca", seconds=0.2) == "timeout"
    assert time.monotonic() - begun < 1.5
    answered.set()


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
def test_three_redirects_are_followed(plain: PlainServer, status: str) -> None:
    plain.pages |= {"/1": moved("/2", status), "/2": moved(f"{plain.url}/3", status), "/3": moved("ca", status)}
    assert http.fetch_issuer(f"{plain.url}/1", HERE).body == BODY
    assert plain.asked == ["/1", "/2", "/3", "/ca"]


@pytest.mark.parametrize(
    ("target", "rule"),
    [
        ("/loop", "too-many-redirects"),
        ("https://127.0.0.1/ca", "unsupported-scheme"),
        ("file:///etc/passwd", "unsupported-scheme"),
        ("ldap://127.0.0.1/", "unsupported-scheme"),
        ("http://169.254.169.254/latest/meta-data/", "address-refused"),
        ("http://0xa9fea9fe/latest/meta-data/", "address-refused"),
        ("http://[::ffff:169.254.169.254]/", "address-refused"),
        ("http://[fe80::1]/", "address-refused"),
        ("http://10.0.0.1/", "address-refused"),
        ("http://012.0.0.1/", "address-refused"),
        ("http://user:secret@127.0.0.1/", "credentials-in-address"),
        ("http://[", "not-an-address"),
        ("http://127.0.0.1:0x50/", "not-an-address"),
    ],
)
def test_a_redirect_is_checked_like_the_first_address(plain: PlainServer, target: str, rule: str) -> None:
    plain.pages["/loop"] = moved(target)
    assert refused(f"{plain.url}/loop") == rule


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0177.0.0.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"])
def test_this_computer_is_contacted_only_where_that_is_within_reach(plain: PlainServer, host: str) -> None:
    url = f"http://{host}:{plain.port}/ca"
    for reach in (AddressPolicy(), AddressPolicy(frozenset({PRIVATE}), any_port=True)):
        assert refused(url, reach) == "address-refused"
    assert plain.requests == []
    if host != "[::ffff:127.0.0.1]":  # the server listens on IPv4 only
        assert http.fetch_issuer(url, HERE).body == BODY


def test_a_name_that_means_this_computer_is_refused(plain: PlainServer, monkeypatch: pytest.MonkeyPatch) -> None:
    names(monkeypatch, "127.0.0.1")
    url = f"http://ca.example:{plain.port}/ca"
    assert refused(url, AddressPolicy()) == "address-refused"
    assert plain.requests == []
    assert http.fetch_issuer(url, HERE).body == BODY


def test_a_name_is_resolved_once_and_the_address_that_was_checked_is_contacted(
    plain: PlainServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name server that answers first with a good address and then with another gains nothing."""
    asked = names(monkeypatch, "127.0.0.1", "127.0.0.2")
    assert http.fetch_issuer(f"http://ca.example:{plain.port}/ca", HERE).body == BODY
    assert asked == ["ca.example"]
    assert f"Host: ca.example:{plain.port}" in plain.requests[0]


def test_of_several_addresses_only_those_within_reach_are_contacted(
    plain: PlainServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
    places = ["10.0.0.1", "127.0.0.3", "127.0.0.1"]  # nothing listens at the second
    contacted = []
    real = socket.socket.connect

    def connect(self: socket.socket, address: typing.Any) -> None:  # noqa: ANN401
        contacted.append(address[0])
        real(self, address)

    monkeypatch.setattr(socket, "getaddrinfo", lambda _, port, **__: [(*stream, (each, port)) for each in places])
    monkeypatch.setattr(socket.socket, "connect", connect)
    assert http.fetch_issuer(f"http://ca.example:{plain.port}/ca", HERE).body == BODY
    assert contacted == ["127.0.0.3", "127.0.0.1"]


def test_a_host_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert refused(f"http://127.0.0.1:{port}/") == "no-connection"
    names(monkeypatch, "no-such-host.invalid")
    assert refused("http://ca.example/") == "no-such-host"
    assert refused(f"http://{'a' * 64}.example/") == "no-such-host"


def test_port_80_is_the_usual_one_and_others_are_refused_at_public_addresses() -> None:
    assert refused("http://1.1.1.1:22/") == "port-refused"


class TestHttps:
    def test_https_is_fetched_and_verified_only_where_that_was_asked_for(
        self, serve: Callable[..., TlsServer], ca: trustme.CA, ca_file: Path
    ) -> None:
        server = serve(ca.issue_cert("localhost"), pages={"/ca": BODY})
        reach = AddressPolicy(frozenset({LOOPBACK}), any_port=True, https=ca_file)
        assert http.fetch_issuer(f"{server.url}/ca", reach).body == BODY
        assert refused(f"{server.url}/ca") == "unsupported-scheme"

    def test_a_certificate_that_is_not_trusted_is_refused(
        self, serve: Callable[..., TlsServer], ca: trustme.CA, ca_file: Path
    ) -> None:
        server = serve(ca.issue_cert("elsewhere.example"))
        reach = AddressPolicy(frozenset({LOOPBACK}), any_port=True, https=ca_file)
        assert refused(f"{server.url}/ca", reach) == "no-connection"

    def test_without_certificates_to_verify_with_nothing_is_fetched(
        self, serve: Callable[..., TlsServer], ca: trustme.CA, tmp_path: Path
    ) -> None:
        server = serve(ca.issue_cert("localhost"))
        (tmp_path / "empty").touch()
        for name in ("none", "empty"):
            assert refused(f"{server.url}/ca", dataclasses.replace(HERE, https=tmp_path / name)) == "no-connection"

    def test_https_is_not_fetched_through_a_proxy(
        self, plain: PlainServer, ca_file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HTTPS_PROXY", plain.url)
        assert refused("https://ca.example/", AddressPolicy(https=ca_file)) == "proxy-refused"


class TestProxy:
    def test_a_proxy_is_used_without_its_password_and_the_answer_says_so(
        self, plain: PlainServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HTTP_PROXY", plain.url.replace("//", "//user:secret@"))
        monkeypatch.setattr(socket, "getaddrinfo", _only_the_proxy(socket.getaddrinfo))
        plain.pages["http://ca.example/ca?x"] = page(BODY)
        assert http.fetch_issuer("http://ca.example/ca?x", AddressPolicy()) == http.Fetched(BODY, through_proxy=True)
        assert "secret" not in plain.requests[0]
        assert "authorization" not in plain.requests[0].lower()

    def test_a_proxy_that_wants_a_password_does_not_get_one(
        self, plain: PlainServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HTTP_PROXY", plain.url)
        plain.pages["http://ca.example/ca"] = page(status="407 Proxy Authentication Required")
        assert refused("http://ca.example/ca") == "status"

    @pytest.mark.parametrize(
        ("host", "rule"),
        [
            ("127.0.0.1", "address-refused"),
            ("localhost", "address-refused"),
            ("0177.0.0.1", "address-refused"),
            ("2130706433", "address-refused"),
            ("[::1]", "address-refused"),
            ("169.254.169.254", "address-refused"),
            ("10.0.0.1", "address-refused"),
            ("1.2.3.4.5", "not-an-address"),
            ("ca.example:22", "port-refused"),
            ("1.1.1.1:22", "port-refused"),
        ],
    )
    def test_an_address_in_the_place_of_a_name_is_checked_behind_a_proxy_too(
        self, plain: PlainServer, monkeypatch: pytest.MonkeyPatch, host: str, rule: str
    ) -> None:
        monkeypatch.setenv("HTTP_PROXY", plain.url)
        assert refused(f"http://{host}/ca") == rule
        assert plain.requests == []

    def test_redirects_are_checked_behind_a_proxy_too(
        self, plain: PlainServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HTTP_PROXY", plain.url)
        plain.pages["http://ca.example/ca"] = moved("http://127.0.0.1/")
        assert refused("http://ca.example/ca") == "address-refused"
        assert plain.asked == ["http://ca.example/ca"]

    @pytest.mark.parametrize(
        "proxy", ["socks5://127.0.0.1:1080", "https://127.0.0.1", "http://", "http://[", "http://h:x"]
    )
    def test_a_proxy_of_another_kind_is_not_passed_by(self, monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
        monkeypatch.setenv("HTTP_PROXY", proxy)
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: pytest.fail("nothing is resolved"))
        assert refused("http://ca.example/ca") in ("proxy-refused", "cut-short")

    def test_no_proxy_names_hosts_that_are_contacted_straight(
        self, plain: PlainServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        monkeypatch.setenv("NO_PROXY", "127.0.0.0/8")
        assert http.fetch_issuer(f"{plain.url}/ca", HERE) == http.Fetched(BODY, through_proxy=False)


def _only_the_proxy(real: Callable[..., typing.Any]) -> Callable[..., typing.Any]:
    def resolve(host: str, *arguments: typing.Any, **options: typing.Any) -> typing.Any:  # noqa: ANN401
        assert host == "127.0.0.1", "only the proxy resolves other names"
        return real(host, *arguments, **options)

    return resolve
