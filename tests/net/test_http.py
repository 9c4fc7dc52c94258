"""``http.fetch`` against real TLS servers on loopback: those that behave, and those that do what they can to harm."""

from __future__ import annotations

import contextlib
import gzip
import re
import socket
import threading
import time
import typing
from collections.abc import Callable
from pathlib import Path

import certifi
import pytest
from support.faults import ProxyTalk, silent
from support.server import Answer, Listener, PlainServer, Talk, endless, in_tls, moved, page, server_context
from support.table import cases

from certboot.errors import SourceError
from certboot.net import connection, http

if typing.TYPE_CHECKING:
    import trustme
    from support.server import TlsServer

Listen = Callable[..., Listener]
Serve = Callable[..., "TlsServer"]
Fetch = Callable[..., http.Fetched]
Refused = Callable[..., SourceError]
LIMIT = 1000
DATE = "Tue, 24 Nov 2026 00:00:00 GMT"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
OVER = "over 1,000 bytes, the most that is read: "
NO_LENGTH = "the answer does not tell its length, so nobody could see that it is whole"


class RawServer(PlainServer):
    """Answers each connection with the next of its answers, byte for byte, and the last one from then on."""

    def __init__(self, leaf: trustme.LeafCert) -> None:
        self._answers: list[Answer] = [page(b"hello")]
        super().__init__(context=server_context(leaf))
        self.url += "/ca"

    def says(self, *answers: Answer) -> None:
        self._answers = list(answers)
        self.requests.clear()

    def answer(self, _target: str) -> Answer:
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


@pytest.fixture
def leaf(ca: trustme.CA) -> trustme.LeafCert:
    return ca.issue_cert("localhost")


@pytest.fixture
def raw(started: Callable[[RawServer], RawServer], leaf: trustme.LeafCert) -> RawServer:
    return started(RawServer(leaf))


@pytest.fixture
def fetch(raw: RawServer, ca_file: Path, monkeypatch: pytest.MonkeyPatch) -> Fetch:
    monkeypatch.setattr(http, "_PAUSE_SECONDS", 0.0)

    def run(url: str = raw.url, **options: typing.Any) -> http.Fetched:  # noqa: ANN401
        return http.fetch(url, **{"limit": LIMIT, "verify": ca_file, **options})

    return run


@pytest.fixture
def refused(raw: RawServer, fetch: Fetch) -> Refused:
    """Fetch what must not be fetched, and return the error."""

    def run(url: str = raw.url, **options: typing.Any) -> SourceError:  # noqa: ANN401
        with pytest.raises(SourceError) as error:
            fetch(url, **options)
        assert error.value.hint
        assert error.value.message.isprintable()
        return error.value

    return run


# What is asked for and what comes


def test_a_file_is_fetched_with_its_etag_and_date(raw: RawServer, fetch: Fetch) -> None:
    raw.says(page(b"hello", ETag='"1"', Last_Modified=DATE))
    seen: list[tuple[int, int | None]] = []
    thread = threading.current_thread()

    def progress(done: int, total: int | None) -> None:
        assert threading.current_thread() is thread
        seen.append((done, total))

    assert fetch(limit=5, progress=progress) == http.Fetched(b"hello", '"1"', DATE, unchanged=False)
    assert seen == [(5, 5)]


def test_what_goes_wrong_while_progress_is_shown_is_no_fault_of_the_server(raw: RawServer, fetch: Fetch) -> None:
    def progress(*_: object) -> None:
        raise defect

    for defect in (ValueError, BrokenPipeError, LookupError):
        raw.requests.clear()
        with pytest.raises(defect):
            fetch(progress=progress)
        assert len(raw.requests) == 1


def test_what_is_sent_holds_nothing_of_the_users(
    raw: RawServer, fetch: Fetch, clean: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = clean / ".netrc"
    netrc.write_text("machine localhost login me password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    raw.says(page(status="302 Found", Location="/next", Set_Cookie="a=b"), page(b"hello"))
    assert fetch().body == b"hello"
    assert len(raw.requests) == 2
    for request in raw.requests:
        names = {line.split(":")[0] for line in request.splitlines()[1:] if line}
        assert names == {"Host", "User-Agent", "Accept-Encoding", "Accept", "Connection"}
        assert "Accept-Encoding: identity" in request


def test_an_unchanged_file_is_not_sent_again_to_whoever_has_it(raw: RawServer, fetch: Fetch) -> None:
    raw.says(page(status="304 Not Modified"))
    assert fetch(etag='"1"', modified=DATE) == http.Fetched(b"", '"1"', DATE, unchanged=True)
    assert 'If-None-Match: "1"' in raw.requests[0]
    assert f"If-Modified-Since: {DATE}" in raw.requests[0]


@cases(
    ("etag", "kept"),
    [('"1"', True), ('W/"' + "x" * 252 + '"', True), ("x" * 257, False), ("\xff", False), ("a\tb", False)],
)
def test_an_etag_or_date_that_cannot_be_sent_back_is_not_kept(
    raw: RawServer, fetch: Fetch, etag: str, *, kept: bool
) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: {etag}\r\nLast-Modified: {etag}\r\n\r\n"
    raw.says(head.encode("latin-1") + b"hello")
    got = fetch()
    assert (got.body, got.etag, got.modified) == (b"hello", *([etag if kept else ""] * 2))


@cases("etag", ["x" * 60_000, "a\nb", "\xff", "a\r\n b"])
def test_an_etag_that_an_earlier_run_kept_is_not_sent_where_servers_would_stumble_over_it(
    raw: RawServer, fetch: Fetch, refused: Refused, etag: str
) -> None:
    raw.says(page(b"hello", ETag='"2"'))
    assert fetch(etag=etag, modified=etag).etag == '"2"'
    assert "If-" not in raw.requests[0]
    raw.says(page(status="304 Not Modified"))
    assert refused(etag=etag).message.startswith("the server answered with status 304: ")


@cases("status", ["400 Bad Request", "412 Precondition Failed", "431 Request Header Fields Too Large"])
def test_a_server_that_refuses_the_condition_is_asked_once_without_it(
    raw: RawServer, fetch: Fetch, refused: Refused, status: str
) -> None:
    message = f"the server answered with status {status[:3]}: {raw.url}"
    raw.says(page(status=status), page(b"hello"))
    got = fetch(etag='"1"', modified=DATE)
    assert (got.body, got.unchanged) == (b"hello", False)
    assert ["If-" in request for request in raw.requests] == [True, False]
    raw.says(page(status=status), page(status=status), page(b"hello"))
    assert (refused(etag='"1"').message, len(raw.requests)) == (message, 2)
    raw.says(page(status=status), page(b"hello"))
    assert (refused().message, len(raw.requests)) == (message, 1)


# Answers that are none


@cases(
    "answer",
    [
        *(page(b"hello", Content_Encoding=encoding) for encoding in ("identity", "Identity", "")),
        CHUNKED + b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    ],
)
def test_a_body_may_be_chunked_or_packed_as_identity(raw: RawServer, fetch: Fetch, answer: bytes) -> None:
    raw.says(answer)
    assert fetch(limit=5).body == b"hello"


# Nobody could tell the first ones from one that was cut.
REFUSED: list[tuple[Answer, str]] = [
    *((f"HTTP/1.1 200 OK\r\n{framing}\r\nhello".encode(), NO_LENGTH) for framing in (
        "", "Connection: close\r\n", "Content-Length: 5, 5\r\n", "Content-Length: +5\r\n",
        "Transfer-Encoding: identity\r\n", "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: identity\r\nContent-Length: 5\r\n",
    )),
    *((page(gzip.compress(bytes(100_000)), Content_Encoding=encoding), "the answer is packed as ") for encoding in (
        "gzip", "br", "deflate", "zstd", "x-new\x1b[31m",
    )),
    *((page(Content_Length=length), OVER) for length in (str(LIMIT + 1), str(10 * 1024**3), "9" * 5000)),
    (CHUNKED + b"3e9\r\n" + bytes(LIMIT + 1) + b"\r\n0\r\n\r\n", OVER),
    (endless(head=CHUNKED, part=b"64\r\n" + bytes(100) + b"\r\n"), OVER),
    *((page(status=status), f"the server answered with status {status[:3]}: ") for status in (
        "404 Not Found", "403 Forbidden", "204 No Content", "206 Partial Content", "304 Not Modified",
    )),
    (moved("file:///etc/passwd"), "only https:// is fetched: file:///etc/passwd"),
    (moved("http://localhost/"), "only https:// is fetched: http://localhost/"),
    (moved("data:,hello"), "only https:// is fetched: data:,hello"),
    (moved("https://user:secret@localhost/"), "an address with a user name or password in it: localhost/"),
    (moved("https://[::1/"), "redirected to an address that is none: https://[::1/"),
]  # fmt: skip
BROKEN: list[tuple[Answer, str]] = [
    (page(b"hel", Content_Length="5"), "the answer broke off after 3 of 5 bytes"),
    (CHUNKED + b"5\r\nhel", "the answer broke off after "),
    (CHUNKED + b"3\r\nhel\r\n", "the answer broke off after "),
    (page(status="500 Internal Server Error"), "the server answered with status 500"),
    (b"SSH-2.0-OpenSSH_9.2\r\n", "the answer is no HTTP, or breaks off"),
]


@cases(("answer", "message"), REFUSED)
def test_an_answer_that_is_none_is_final(raw: RawServer, refused: Refused, answer: Answer, message: str) -> None:
    raw.says(answer, page(b"hello"))
    assert refused().message.startswith(message)
    assert len(raw.requests) == 1


@cases(("answer", "message"), BROKEN)
def test_what_may_be_gone_at_once_is_tried_once_more(
    raw: RawServer, fetch: Fetch, refused: Refused, answer: Answer, message: str
) -> None:
    raw.says(answer, page(b"hello"))
    assert (fetch().body, len(raw.requests)) == (b"hello", 2)
    raw.says(answer, answer, page(b"hello"))
    assert refused().message.startswith(message)
    assert len(raw.requests) == 2


# Redirects and addresses


def test_three_redirects_are_followed_and_no_more(raw: RawServer, fetch: Fetch, refused: Refused) -> None:
    raw.says(moved("/1"), moved("2"), moved(raw.url), page(b"hello"))
    assert fetch().body == b"hello"
    for answers in ((moved("/1"), moved("2"), moved("3"), moved("4"), page(b"hello")), (moved(raw.url),)):
        raw.says(*answers)
        assert (refused().message, len(raw.requests)) == (f"over 3 redirects: {raw.url}", 4)


def test_the_body_of_a_redirect_is_not_read(raw: RawServer, fetch: Fetch) -> None:
    for packed in ("", "Content-Encoding: gzip\r\n"):
        head = f"HTTP/1.1 302 Found\r\nLocation: /next\r\n{packed}\r\n".encode()
        raw.says(endless(head=head, part=bytes(64 * 1024)), page(b"hello"))
        assert fetch().body == b"hello"


def test_a_redirect_may_lead_to_another_https_server_that_is_trusted(
    raw: RawServer, serve: Serve, ca: trustme.CA, fetch: Fetch, refused: Refused
) -> None:
    good, bad = (serve(ca.issue_cert(name), pages={"/ca.pem": b"other"}) for name in ("localhost", "other.example"))
    raw.says(moved(f"{good.url}/ca.pem"))
    assert fetch().body == b"other"
    raw.says(moved(bad.url))
    assert refused().hint == f"certboot doctor localhost:{bad.port}"


@cases(
    ("url", "message"),
    [
        ("http://localhost/ca", "only https:// is fetched: http://localhost/ca"),
        ("file:///etc/passwd", "only https:// is fetched: file:///etc/passwd"),
        ("https://user:secret@localhost/", "an address with a user name or password in it: localhost/"),
        ("localhost/ca", "only https:// is fetched: localhost/ca"),
        ("user:secret@localhost/ca", "only https:// is fetched: localhost/ca"),
        ("", "only https:// is fetched: "),
        ("https://user:sec/ret@localhost/ca", "not an address: localhost/ca"),
        ("https://user@localhost/ca", "an address with a user name or password in it: localhost/ca"),
        ("https://localhost:99999/", "not an address: https://localhost:99999/"),
        ("https:///ca", "an address without a host: https:///ca"),
        (f"https://{'ü' * 64}.example/", f"not an address that can be used: https://{'ü' * 64}.example/"),
        ("https://a$b.example/", "not an address that can be used: https://a$b.example/"),
        ("https://local\x1bhost/", "not an address: https://local\N{REPLACEMENT CHARACTER}host/"),
        ("https://nowhere.invalid/", "no connection to nowhere.invalid, no such host is known: https://nowhere.invalid/"),
    ],
)  # fmt: skip
def test_an_address_that_is_none_of_https_is_refused(refused: Refused, url: str, message: str) -> None:
    assert refused(url).message == message


# Trust


def test_an_unknown_issuer_is_refused_at_once(raw: RawServer, refused: Refused, tmp_path: Path) -> None:
    error = refused(verify=Path(certifi.where()))
    assert error.message.startswith(
        f"the certificate of {raw.shown} is refused, unable to get local issuer certificate: "
    )
    assert error.hint == f"certboot doctor {raw.shown}"
    assert raw.requests == []
    none, empty = tmp_path / "none", tmp_path / "empty"
    empty.touch()
    assert refused(verify=none).message == f"the certificates to verify with are missing: {none}"
    assert refused(verify=empty).message.startswith(f"no connection to {raw.shown}, ")


def test_a_wrong_host_is_refused(serve: Serve, ca: trustme.CA, refused: Refused) -> None:
    server = serve(ca.issue_cert("other.example"))
    error = refused(f"{server.url}/")
    # OpenSSL's words, or those of urllib3 before 2.0.
    assert re.search("refused, ([Hh]ostname mismatch, .*|hostname) 'localhost'", error.message)
    assert error.hint == f"certboot doctor {server.shown}"


@cases("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
def test_a_variable_does_not_change_what_is_trusted(
    fetch: Fetch, refused: Refused, ca_file: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, certifi.where())
    assert fetch().body == b"hello"
    monkeypatch.setenv(variable, str(ca_file))
    assert "is refused" in refused(verify=Path(certifi.where())).message


# Connections


def test_a_refused_connection_is_named(refused: Refused, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    tries: list[int] = []
    dialled = connection.dialled

    def counted(addresses: connection.Addresses, deadline: connection.Deadline) -> socket.socket:
        tries.append(addresses[0][4][1])
        return dialled(addresses, deadline)

    monkeypatch.setattr(connection, "dialled", counted)
    url = f"https://localhost:{port}/"
    assert refused(url).message == f"no connection to localhost:{port}, connection refused: {url}"
    assert tries == [port, port]


def test_a_server_without_tls_is_named(listen: Listen, refused: Refused) -> None:
    def refuse(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    server = listen(refuse)
    error = refused(f"{server.url}/")
    assert re.match(rf"no connection to {server.shown}, [a-z0-9 ]+: ", error.message)
    assert (error.hint, server.count) == (f"certboot doctor {server.shown}", 2)


@cases(
    ("head", "part"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n", b"."),
        (b"HTTP/1.1 200 OK\r\nX: ", b"."),
        (CHUNKED, b"1\r\n.\r\n"),
    ],
)
def test_a_slow_server_ends_with_the_time_in_all(
    raw: RawServer, refused: Refused, monkeypatch: pytest.MonkeyPatch, head: bytes, part: bytes
) -> None:
    monkeypatch.setattr(http, "_TOTAL_SECONDS", 0.6)
    raw.says(endless(head=head, part=part, pause=0.02))
    assert refused().message == f"not finished after 0.6 seconds: {raw.url}"


@cases("head", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel"])
def test_a_silent_server_is_left_and_tried_once_more(
    raw: RawServer, fetch: Fetch, refused: Refused, monkeypatch: pytest.MonkeyPatch, head: bytes
) -> None:
    def hang(connection: socket.socket) -> None:
        connection.sendall(head)
        silent(connection)

    monkeypatch.setattr(http, "_READ_SECONDS", 0.5)
    raw.says(hang, page(b"hello"))
    assert fetch().body == b"hello"
    raw.says(hang)
    assert refused().message == f"no connection to {raw.shown}, no answer in time: {raw.url}"
    assert len(raw.requests) == 2


@pytest.mark.usefixtures("silent_resolver")
def test_a_name_server_that_does_not_answer_ends_with_it_too(refused: Refused, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "_TOTAL_SECONDS", 0.3)
    begun = time.monotonic()
    assert refused("https://ca.example/").message == "not finished after 0.3 seconds: https://ca.example/"
    assert time.monotonic() - begun < 5


# Proxies


def test_the_proxy_of_the_environment_is_used_unless_the_host_needs_none(
    raw: RawServer, listen: Listen, fetch: Fetch, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = ProxyTalk(credentials="me:secret")
    through = listen(talk)
    monkeypatch.setenv("HTTPS_PROXY", f"http://me:secret@localhost:{through.port}")
    assert fetch().body == b"hello"
    assert talk.asked == [f"CONNECT {raw.shown} HTTP/1.1"]
    assert "secret" not in raw.requests[0]
    assert "authorization" not in raw.requests[0].lower()
    assert "is refused" in refused(verify=Path(certifi.where())).message
    monkeypatch.setenv("HTTPS_PROXY", f"http://me:wr0ng@localhost:{through.port}")
    error = refused()
    assert error.message == (
        f"no connection to {raw.shown} through the proxy http://localhost:{through.port}, "
        f"the proxy does not accept the user name and password (status 407): {raw.url}"
    )
    assert error.hint.startswith("set HTTPS_PROXY to a proxy that answers")
    talk.asked.clear()
    monkeypatch.setenv("NO_PROXY", "localhost")
    assert fetch().body == b"hello"
    assert talk.asked == []


@cases(
    "value",
    ["http://me:wr0ng@localhost:1", "me:wr0ng@localhost:1", "foo://me:wr0ng@localhost:1", "http://me:wr0ng@",
     "http://me:wr0ng/more@localhost:1", "http://me:wr0ng[@localhost:99999", "socks5://me:wr0ng@localhost:1"],
)  # fmt: skip
def test_a_proxy_that_cannot_be_used_never_shows_its_password(
    refused: Refused, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", value)
    error = refused("https://ca.example/")
    assert " prox" in error.message
    assert "wr0ng" not in error.message + error.hint


def test_a_proxy_can_be_spoken_to_in_tls_and_is_verified_like_the_server(
    raw: RawServer, listen: Listen, ca: trustme.CA, fetch: Fetch, refused: Refused,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """The server's TLS runs inside the proxy's."""
    talk = ProxyTalk(credentials="me:secret")
    good, bad = (listen(in_tls(server_context(ca.issue_cert(host)), talk)) for host in ("localhost", "other.example"))
    raw.says(page(bytes(LIMIT)))
    monkeypatch.setenv("HTTPS_PROXY", f"https://me:secret@localhost:{good.port}")
    assert fetch().body == bytes(LIMIT)
    assert talk.asked == [f"CONNECT {raw.shown} HTTP/1.1"]
    assert "is refused" in refused(verify=Path(certifi.where())).message
    monkeypatch.setenv("HTTPS_PROXY", f"https://me:secret@localhost:{bad.port}")
    assert "the certificate of the proxy itself is refused" in refused().message
    assert (len(talk.asked), len(raw.requests)) == (1, 1)
    assert "Proxy-Authorization" not in raw.requests[0]


def byte_by_byte(head: bytes, part: bytes, *, connected: bool = False) -> Talk:
    """Answer what comes with ``head``, and then with a ``part`` now and then; first say that a proxy has connected."""

    def talk(connection: socket.socket) -> None:
        for answer in [b"HTTP/1.1 200 OK\r\n\r\n", head][not connected :]:
            connection.recv(4096)
            connection.sendall(answer)
        endless(part=part, pause=0.02)(connection)

    return talk


# A ServerHello of 16 KB, of which the body does not come to its end.
HELLO = b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc\x03\x03"
OK = b"HTTP/1.1 200 OK\r\nX: "


@cases(
    ("proxy_scheme", "secure", "talk"),
    [
        ("", False, silent),
        ("", False, byte_by_byte(HELLO, b"\0")),
        ("", False, byte_by_byte(b"", b"\x16\x03\x03\x00\x00")),
        ("http", False, silent),
        ("http", False, byte_by_byte(OK, b"x")),
        ("http", False, byte_by_byte(HELLO, b"\0", connected=True)),
        ("https", False, silent),
        ("https", False, byte_by_byte(HELLO, b"\0")),
        ("https", True, byte_by_byte(OK, b"x")),
        ("https", True, byte_by_byte(HELLO, b"\0", connected=True)),
    ],
)
def test_what_hangs_before_there_is_http_ends_with_the_time_in_all(  # noqa: PLR0913, PLR0917 - columns
    listen: Listen, leaf: trustme.LeafCert, refused: Refused, monkeypatch: pytest.MonkeyPatch,
    proxy_scheme: str, secure: bool, talk: Talk,  # noqa: FBT001 - a column of the table
) -> None:  # fmt: skip
    monkeypatch.setattr(http, "_TOTAL_SECONDS", 0.4)
    address = listen(in_tls(server_context(leaf), talk) if secure else talk).shown
    if proxy_scheme:
        monkeypatch.setenv("HTTPS_PROXY", f"{proxy_scheme}://{address}")
    url = "https://ca.example/" if proxy_scheme else f"https://{address}/"
    begun = time.monotonic()
    assert refused(url).message == f"not finished after 0.4 seconds: {url}"
    assert time.monotonic() - begun < 5


def test_a_proxy_that_is_silent_for_long_is_left_and_tried_once_more(
    listen: Listen, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "_READ_SECONDS", 0.5)
    through = listen(silent)
    monkeypatch.setenv("HTTPS_PROXY", f"http://me:secret@localhost:{through.port}")
    error = refused()
    assert "did not say within 0.5 seconds whether it connects to localhost:" in error.message
    assert ("secret" in error.message, through.count) == (False, 2)


# What has no end


@cases(
    ("head", "part"),
    [
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
        (b"", b"HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n" * 100),
        (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
        (b"HTTP/1.1 200 OK\r\nX: ", b"y" * 4096),
        (b"HTTP/1.1 200 ", b"y" * 4096),
        (CHUNKED + b"1;", b"x" * 4096),
        (CHUNKED, b"0" * 4096),
        (CHUNKED, b"1\r\nx\r\n" * 100),
        (CHUNKED + b"0\r\n", b"X: y\r\n" * 100),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n", b"x" * 4096),
    ],
)
def test_no_more_is_taken_of_an_answer_without_end_than_an_answer_may_have(
    raw: RawServer, fetch: Fetch, monkeypatch: pytest.MonkeyPatch, head: bytes, part: bytes
) -> None:
    received = 0
    receive = connection.Stream.receive

    def counted(self: connection.Stream, most: int) -> bytes:
        nonlocal received
        data = receive(self, most)
        received += len(data)
        return data

    monkeypatch.setattr(connection.Stream, "receive", counted)
    raw.says(endless(head=head, part=part))
    begun = time.monotonic()
    with contextlib.suppress(SourceError):
        assert len(fetch().body) <= LIMIT
    assert len(raw.requests) <= 2
    assert received < 2 * (http._HEAD + 2 * LIMIT + 64 * 1024)
    assert time.monotonic() - begun < 60
