"""``http.fetch_issuer`` against real HTTP servers on loopback: those that behave, and those that try to harm."""

from __future__ import annotations

import dataclasses
import gzip
import http.client as http_client
import socket
import time
import typing
from collections.abc import Callable
from pathlib import Path

import pytest
from support.faults import silent
from support.server import Answer, PlainServer, Talk, endless, moved, page
from support.table import cases

from certboot.net import http
from certboot.net.address_policy import LOOPBACK, PRIVATE, AddressPolicy, FetchError

if typing.TYPE_CHECKING:
    import trustme
    from support.server import TlsServer

HERE = AddressPolicy(frozenset({LOOPBACK}), any_port=True)
BODY = b"0\x82certificate"
# Newer releases of Python read a hundred of them at most.
MANY_INTERIM = "cut-short" if hasattr(http_client, "_MAXINTERIMRESPONSES") else "too-large"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
def plain(started: Callable[[PlainServer], PlainServer]) -> PlainServer:
    return started(PlainServer({"/ca": page(BODY)}))


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


@cases(
    "answer",
    [
        page(BODY, Content_Encoding="identity"),
        b"HTTP/1.0 200 OK\r\n\r\n" + BODY,
        b"HTTP/1.1 100 Continue\r\n\r\n" + page(BODY),
        CHUNKED + b"2\r\n0\x82\r\nb\r\ncertificate\r\n0\r\n\r\n",
    ],
)
def test_every_form_of_body_is_read(plain: PlainServer, answer: bytes) -> None:
    plain.pages["/ca"] = answer
    assert http.fetch_issuer(f"{plain.url}/ca", HERE).body == BODY


def test_a_body_of_64_kib_is_read_and_one_byte_more_is_not(plain: PlainServer) -> None:
    largest = bytes(http.LARGEST)
    for framed in (page, lambda body: b"HTTP/1.0 200 OK\r\n\r\n" + body):
        plain.pages |= {"/most": framed(largest), "/more": framed(largest + b"x")}
        assert http.fetch_issuer(f"{plain.url}/most", HERE).body == largest
        assert refused(f"{plain.url}/more") == "too-large"


@cases(
    ("answer", "rule"),
    [
        (endless(head=b"HTTP/1.1 200 OK\r\n\r\n", part=bytes(4096)), "too-large"),
        (endless(head=b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n", part=bytes(4096)), "too-large"),
        (endless(head=CHUNKED, part=b"1\r\nx\r\n" * 100), "too-large"),
        (endless(part=b"HTTP/1.1 100 Continue\r\n\r\n" * 100), MANY_INTERIM),
        (endless(head=CHUNKED + b"1;", part=b"x" * 4096), "cut-short"),
        (endless(head=b"HTTP/1.1 200 OK\r\n", part=b"X: y\r\n"), "cut-short"),
        (endless(part=b"x" * 4096), "cut-short"),
        (page(BODY)[:-1], "cut-short"),
        *((CHUNKED + chunk, "cut-short") for chunk in (
            b"zz\r\n", b"9\r\nx", b"-5\r\nabcdef\r\n0\r\n\r\n", b"-1\r\nabcdef\r\n0\r\n\r\n",
            b"-99999999999999999999\r\n\r\n",
        )),
        (page(BODY, Content_Type="multipart/mixed; boundary*=idna''%ff"), "cut-short"),
        (b"", "cut-short"),
        (page(gzip.compress(bytes(10_000_000)), Content_Encoding="gzip"), "packed"),
        *((page(status=status), "status") for status in ("404 Not Found", "500 Server Error", "302 Found")),
        *((moved(url), "unsupported-scheme") for url in ("https://127.0.0.1/ca", "file:///etc/passwd", "ldap://h/")),
        *((moved(f"http://{host}/ca"), "address-refused") for host in (
            "169.254.169.254", "0xa9fea9fe", "[::ffff:169.254.169.254]", "[fe80::1]", "10.0.0.1", "012.0.0.1",
        )),
        (moved("http://user:secret@127.0.0.1/"), "credentials-in-address"),
        (moved("http://["), "not-an-address"),
        (moved("http://127.0.0.1:0x50/"), "not-an-address"),
        (moved("/ca"), "too-many-redirects"),
    ],
)  # fmt: skip
def test_an_answer_that_is_none_ends_in_a_named_refusal(plain: PlainServer, answer: Answer, rule: str) -> None:
    """A redirect is checked like the first address."""
    plain.pages["/ca"] = answer
    assert refused(f"{plain.url}/ca") == rule


@cases(
    "answer",
    [
        endless(head=b"HTTP/1.1 200 OK\r\n\r\n", part=b"x", pause=0.05),
        endless(part=b"H", pause=0.05),
        endless(head=b"HTTP/1.1 200 OK\r\nX: ", part=b"y", pause=0.05),
        endless(head=CHUNKED, part=b"1\r\nx\r\n", pause=0.05),
        silent,
    ],
)
def test_a_server_that_sends_byte_by_byte_does_not_outlast_the_time_in_all(plain: PlainServer, answer: Talk) -> None:
    plain.pages["/ca"] = answer
    begun = time.monotonic()
    assert refused(f"{plain.url}/ca", seconds=0.4) == "timeout"
    assert time.monotonic() - begun < 2


@pytest.mark.usefixtures("silent_resolver")
def test_a_name_server_that_does_not_answer_does_not_outlast_it_either() -> None:
    begun = time.monotonic()
    assert refused("http://ca.example/ca", seconds=0.2) == "timeout"
    assert time.monotonic() - begun < 1.5


def test_three_redirects_are_followed(plain: PlainServer) -> None:
    for status in ("301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"):
        plain.pages |= {"/1": moved("/2", status), "/2": moved(f"{plain.url}/3", status), "/3": moved("ca", status)}
        plain.requests.clear()
        assert http.fetch_issuer(f"{plain.url}/1", HERE).body == BODY
        assert plain.asked == ["/1", "/2", "/3", "/ca"]


@cases("host", ["127.0.0.1", "localhost", "0177.0.0.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"])
def test_this_computer_is_contacted_only_where_that_is_within_reach(plain: PlainServer, host: str) -> None:
    plain.requests.clear()
    url = f"http://{host}:{plain.port}/ca"
    for reach in (AddressPolicy(), AddressPolicy(frozenset({PRIVATE}), any_port=True)):
        assert refused(url, reach) == "address-refused"
    assert plain.requests == []
    if host != "[::ffff:127.0.0.1]":  # the server listens on IPv4 only
        assert http.fetch_issuer(url, HERE).body == BODY


def test_a_name_is_resolved_once_and_the_address_that_was_checked_is_contacted(
    plain: PlainServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name server that answers first with a good address and then with another gains nothing."""
    asked = names(monkeypatch, "127.0.0.1", "127.0.0.1", "127.0.0.2")
    assert refused(f"http://ca.example:{plain.port}/ca", AddressPolicy()) == "address-refused"
    assert plain.requests == []
    assert http.fetch_issuer(f"http://ca.example:{plain.port}/ca", HERE).body == BODY
    assert asked == ["ca.example"] * 2
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
    assert refused("http://1.1.1.1:22/") == "port-refused"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert refused(f"http://127.0.0.1:{port}/") == "no-connection"
    names(monkeypatch, "no-such-host.invalid")
    assert refused("http://ca.example/") == "no-such-host"
    assert refused(f"http://{'a' * 64}.example/") == "no-such-host"


def test_https_is_fetched_and_verified_only_where_that_was_asked_for(
    serve: Callable[..., TlsServer], plain: PlainServer, ca: trustme.CA, ca_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, other = (serve(ca.issue_cert(name), pages={"/ca": BODY}) for name in ("localhost", "elsewhere.example"))
    reach = dataclasses.replace(HERE, https=ca_file)
    assert http.fetch_issuer(f"{server.url}/ca", reach).body == BODY
    assert refused(f"{server.url}/ca") == "unsupported-scheme"
    assert refused(f"{other.url}/ca", reach) == "no-connection"
    monkeypatch.setenv("HTTPS_PROXY", plain.url)
    assert refused("https://ca.example/", AddressPolicy(https=ca_file)) == "proxy-refused"
    monkeypatch.delenv("HTTPS_PROXY")
    ca_file.write_bytes(b"")
    assert refused(f"{server.url}/ca", reach) == "no-connection"
    ca_file.unlink()
    assert refused(f"{server.url}/ca", reach) == "no-connection"


def test_a_proxy_is_used_without_its_password_and_the_answer_says_so(
    plain: PlainServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", plain.url.replace("//", "//user:secret@"))
    monkeypatch.setattr(socket, "getaddrinfo", _only_the_proxy(socket.getaddrinfo))
    plain.pages["http://ca.example/ca?x"] = page(BODY)
    assert http.fetch_issuer("http://ca.example/ca?x", AddressPolicy()) == http.Fetched(BODY, through_proxy=True)
    assert "secret" not in plain.requests[0]
    assert "authorization" not in plain.requests[0].lower()
    plain.pages["http://ca.example/ca"] = page(status="407 Proxy Authentication Required")
    assert refused("http://ca.example/ca") == "status"


@cases(
    ("host", "rule"),
    [
        *((host, "address-refused") for host in (
            "127.0.0.1", "localhost", "0177.0.0.1", "2130706433", "[::1]", "169.254.169.254", "10.0.0.1",
        )),
        ("1.2.3.4.5", "not-an-address"),
        ("ca.example:22", "port-refused"),
        ("1.1.1.1:22", "port-refused"),
    ],
)  # fmt: skip
def test_an_address_in_the_place_of_a_name_is_checked_behind_a_proxy_too(
    plain: PlainServer, monkeypatch: pytest.MonkeyPatch, host: str, rule: str
) -> None:
    monkeypatch.setenv("HTTP_PROXY", plain.url)
    plain.requests.clear()
    assert (refused(f"http://{host}/ca"), plain.requests) == (rule, [])
    plain.pages["http://ca.example/ca"] = moved(f"http://{host}/ca")
    assert (refused("http://ca.example/ca"), plain.asked) == (rule, ["http://ca.example/ca"])


@cases("proxy", ["socks5://127.0.0.1:1080", "https://127.0.0.1", "http://", "http://[", "http://h:x"])
def test_a_proxy_of_another_kind_is_not_passed_by(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: pytest.fail("nothing is resolved"))
    assert refused("http://ca.example/ca") in ("proxy-refused", "cut-short")


def test_no_proxy_names_hosts_that_are_contacted_straight(plain: PlainServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "127.0.0.0/8")
    assert http.fetch_issuer(f"{plain.url}/ca", HERE) == http.Fetched(BODY, through_proxy=False)


def _only_the_proxy(real: Callable[..., typing.Any]) -> Callable[..., typing.Any]:
    def resolve(host: str, *arguments: typing.Any, **options: typing.Any) -> typing.Any:  # noqa: ANN401
        assert host == "127.0.0.1", "only the proxy resolves other names"
        return real(host, *arguments, **options)

    return resolve
