"""``http.fetch`` against real TLS servers on loopback: those that behave, and those that do what they can to harm."""

from __future__ import annotations

import contextlib
import gzip
import re
import socket
import ssl
import threading
import time
import typing
from collections.abc import Callable, Iterator
from pathlib import Path

import certifi
import pytest
from support.faults import Listener, ProxyTalk, silent

from certboot.errors import SourceError
from certboot.net import connection, http

if typing.TYPE_CHECKING:
    import trustme
    from support.server import TlsServer

Talk = Callable[[socket.socket], None]
Answer = bytes | Callable[[ssl.SSLSocket], None]
LIMIT = 1000
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


class RawServer:
    """Answers each connection with the next of its ``answers``, byte for byte, and the last one from then on."""

    def __init__(self, leaf: trustme.LeafCert) -> None:
        self.answers: list[Answer] = [page(b"hello")]
        self.requests: list[str] = []
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        leaf.configure_cert(self._context)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"https://localhost:{self.port}/ca"
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def close(self) -> None:
        for opened in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)
            opened.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                plain, _ = self._listener.accept()
                self._open.append(plain)
                self._threads.append(threading.Thread(target=self._serve, args=(plain,)))
                self._threads[-1].start()

    def _serve(self, plain: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError), self._context.wrap_socket(plain, server_side=True) as tls:
            self._open.append(tls)
            request = b""
            while not request.endswith(b"\r\n\r\n"):
                request += tls.recv(4096)
            self.requests.append(request.decode())
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            if callable(answer):
                answer(tls)
            else:
                tls.sendall(answer)


def page(body: bytes = b"", status: str = "200 OK", **headers: str) -> bytes:
    lines = {"Content_Length": str(len(body)), **headers}
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body


def moved(target: str) -> bytes:
    return page(status="302 Found", Location=target)


def endless(*, head: bytes, part: bytes, pause: float = 0.0) -> Callable[[ssl.SSLSocket], None]:
    def answer(tls: ssl.SSLSocket) -> None:
        tls.sendall(head)
        for _ in range(1_000_000):
            tls.sendall(part)
            time.sleep(pause)

    return answer


@pytest.fixture
def leaf(ca: trustme.CA) -> trustme.LeafCert:
    return ca.issue_cert("localhost")


@pytest.fixture
def raw(leaf: trustme.LeafCert) -> Iterator[RawServer]:
    server = RawServer(leaf)
    yield server
    server.close()


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "_PAUSE_SECONDS", 0.0)


@pytest.fixture
def refused(ca_file: Path) -> Callable[..., SourceError]:
    """Fetch what must not be fetched, and return the error."""

    def run(url: str, *, verify: Path = ca_file) -> SourceError:
        with pytest.raises(SourceError) as error:
            http.fetch(url, limit=LIMIT, verify=verify)
        assert error.value.hint
        assert error.value.message.isprintable()
        return error.value

    return run


Refused = Callable[..., SourceError]


def test_a_file_is_fetched_with_its_etag_and_date(raw: RawServer, ca_file: Path) -> None:
    raw.answers = [page(b"hello", ETag='"1"', Last_Modified="Tue, 24 Nov 2026 00:00:00 GMT")]
    seen: list[tuple[int, int | None]] = []
    thread = threading.current_thread()

    def progress(done: int, total: int | None) -> None:
        assert threading.current_thread() is thread
        seen.append((done, total))

    got = http.fetch(raw.url, limit=5, verify=ca_file, progress=progress)
    assert got == http.Fetched(b"hello", '"1"', "Tue, 24 Nov 2026 00:00:00 GMT", unchanged=False)
    assert seen == [(5, 5)]


@pytest.mark.parametrize("defect", [ValueError, BrokenPipeError, LookupError])
def test_what_goes_wrong_while_progress_is_shown_is_no_fault_of_the_server(
    raw: RawServer, ca_file: Path, defect: type[Exception]
) -> None:
    def progress(*_: object) -> None:
        raise defect

    with pytest.raises(defect):
        http.fetch(raw.url, limit=LIMIT, verify=ca_file, progress=progress)
    assert len(raw.requests) == 1


def test_what_is_sent_holds_nothing_of_the_users(
    raw: RawServer, ca_file: Path, clean: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = clean / ".netrc"
    netrc.write_text("machine localhost login me password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    raw.answers = [page(status="302 Found", Location="/next", Set_Cookie="a=b"), page(b"hello")]
    assert http.fetch(raw.url, limit=LIMIT, verify=ca_file).body == b"hello"
    assert len(raw.requests) == 2
    for request in raw.requests:
        names = {line.split(":")[0] for line in request.splitlines()[1:] if line}
        assert names == {"Host", "User-Agent", "Accept-Encoding", "Accept", "Connection"}
        assert "Accept-Encoding: identity" in request


@pytest.mark.parametrize("head", ["304 Not Modified"])
def test_an_unchanged_file_is_not_sent_again(raw: RawServer, ca_file: Path, head: str) -> None:
    date = "Tue, 24 Nov 2026 00:00:00 GMT"
    raw.answers = [page(status=head)]
    got = http.fetch(raw.url, limit=LIMIT, verify=ca_file, etag='"1"', modified=date)
    assert got == http.Fetched(b"", '"1"', date, unchanged=True)
    assert 'If-None-Match: "1"' in raw.requests[0]
    assert f"If-Modified-Since: {date}" in raw.requests[0]


def test_unchanged_is_no_answer_to_who_has_nothing(raw: RawServer, refused: Refused) -> None:
    raw.answers = [page(status="304 Not Modified")]
    assert refused(raw.url).message == f"the server answered with status 304: {raw.url}"


@pytest.mark.parametrize(
    ("etag", "kept"),
    [
        ('"1"', True),
        ('W/"' + "x" * 252 + '"', True),
        ("x" * 257, False),
        ("\xff", False),
        ("a\tb", False),
    ],
    ids=["short", "longest", "longer", "no-ASCII", "tab"],
)
def test_an_etag_or_date_that_cannot_be_sent_back_is_not_kept(
    raw: RawServer, ca_file: Path, etag: str, *, kept: bool
) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: {etag}\r\nLast-Modified: {etag}\r\n\r\n"
    raw.answers = [head.encode("latin-1") + b"hello"]
    got = http.fetch(raw.url, limit=LIMIT, verify=ca_file)
    assert (got.body, got.etag, got.modified) == (b"hello", *([etag if kept else ""] * 2))


@pytest.mark.parametrize("etag", ["x" * 60_000, "a\nb", "\xff", "a\r\n b"])
def test_an_etag_that_an_earlier_run_kept_is_not_sent_where_servers_would_stumble_over_it(
    raw: RawServer, refused: Refused, ca_file: Path, etag: str
) -> None:
    raw.answers = [page(b"hello", ETag='"2"')]
    assert http.fetch(raw.url, limit=LIMIT, verify=ca_file, etag=etag, modified=etag).etag == '"2"'
    assert "If-" not in raw.requests[0]
    raw.answers = [page(status="304 Not Modified")]
    with pytest.raises(SourceError, match="the server answered with status 304: "):
        http.fetch(raw.url, limit=LIMIT, verify=ca_file, etag=etag)
    assert refused(raw.url).message.startswith("the server answered with status 304: ")


@pytest.mark.parametrize(
    "status", ["400 Bad Request", "412 Precondition Failed", "431 Request Header Fields Too Large"]
)
def test_a_server_that_refuses_the_condition_is_asked_once_without_it(
    raw: RawServer, refused: Refused, ca_file: Path, status: str
) -> None:
    raw.answers = [page(status=status), page(b"hello")]
    got = http.fetch(raw.url, limit=LIMIT, verify=ca_file, etag='"1"', modified="Tue, 24 Nov 2026 00:00:00 GMT")
    assert (got.body, got.unchanged) == (b"hello", False)
    assert ["If-" in request for request in raw.requests] == [True, False]
    raw.answers = [page(status=status), page(status=status), page(b"hello")]
    with pytest.raises(SourceError, match=f"the server answered with status {status[:3]}: "):
        http.fetch(raw.url, limit=LIMIT, verify=ca_file, etag='"1"')
    assert len(raw.requests) == 4
    raw.answers = [page(status=status), page(b"hello")]
    assert refused(raw.url).message == f"the server answered with status {status[:3]}: {raw.url}"
    assert len(raw.requests) == 5


@pytest.mark.parametrize("encoding", ["identity", "Identity", ""])
def test_identity_is_no_packing(raw: RawServer, ca_file: Path, encoding: str) -> None:
    raw.answers = [page(b"hello", Content_Encoding=encoding)]
    assert http.fetch(raw.url, limit=LIMIT, verify=ca_file).body == b"hello"


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "zstd", "x-new\x1b[31m"])
def test_a_packed_body_is_refused_unread(raw: RawServer, refused: Refused, encoding: str) -> None:
    raw.answers = [page(gzip.compress(bytes(100_000)), Content_Encoding=encoding)]
    assert refused(raw.url).message.startswith("the answer is packed as ")
    assert len(raw.requests) == 1


def test_a_body_may_be_chunked(raw: RawServer, ca_file: Path) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    raw.answers = [head + b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"]
    assert http.fetch(raw.url, limit=5, verify=ca_file).body == b"hello"
    raw.answers = [head + b"6\r\nhello!\r\n0\r\n\r\n"]
    with pytest.raises(SourceError, match="over 5 bytes, the most that is read: "):
        http.fetch(raw.url, limit=5, verify=ca_file)


@pytest.mark.parametrize("length", [str(LIMIT + 1), str(10 * 1024**3), "9" * 5000])
def test_a_length_over_the_limit_is_refused_unread(raw: RawServer, refused: Refused, length: str) -> None:
    raw.answers = [page(Content_Length=length)]
    assert refused(raw.url).message == f"over 1,000 bytes, the most that is read: {raw.url}"
    assert len(raw.requests) == 1


def test_an_endless_body_ends_at_the_limit(raw: RawServer, refused: Refused) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    raw.answers = [endless(head=head, part=b"64\r\n" + bytes(100) + b"\r\n")]
    assert refused(raw.url).message == f"over 1,000 bytes, the most that is read: {raw.url}"


@pytest.mark.parametrize(
    "framing",
    [
        "",
        "Connection: close\r\n",
        "Content-Length: 5, 5\r\n",
        "Content-Length: +5\r\n",
        "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: identity\r\nContent-Length: 5\r\n",
    ],
)
def test_a_body_that_ends_with_the_connection_is_refused_unread(
    raw: RawServer, refused: Refused, ca_file: Path, framing: str
) -> None:
    """Nobody could tell it from one that was cut. The control is the same body with its length, or chunked."""
    raw.answers = [f"HTTP/1.1 200 OK\r\n{framing}\r\nhello".encode()]
    message = f"the answer does not tell its length, so nobody could see that it is whole: {raw.url}"
    assert refused(raw.url).message == message
    assert len(raw.requests) == 1
    for whole in ("Content-Length: 5\r\n\r\nhello", "transfer-encoding: Chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"):
        raw.answers = [f"HTTP/1.1 200 OK\r\n{whole}".encode()]
        assert http.fetch(raw.url, limit=LIMIT, verify=ca_file).body == b"hello"


@pytest.mark.parametrize(
    "cut",
    [
        page(b"hel", Content_Length="5"),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n",
    ],
    ids=["length", "in-a-chunk", "between-chunks"],
)
def test_a_truncated_body_is_noticed_and_fetched_once_more(
    raw: RawServer, refused: Refused, ca_file: Path, cut: bytes
) -> None:
    raw.answers = [cut, page(b"hello")]
    assert http.fetch(raw.url, limit=LIMIT, verify=ca_file).body == b"hello"
    assert len(raw.requests) == 2
    raw.answers = [cut]
    assert refused(raw.url).message.startswith("the answer broke off after ")
    assert len(raw.requests) == 4


def test_a_server_error_is_tried_once_more(raw: RawServer, refused: Refused, ca_file: Path) -> None:
    broken = page(status="500 Internal Server Error")
    raw.answers = [broken, page(b"hello")]
    assert http.fetch(raw.url, limit=LIMIT, verify=ca_file).body == b"hello"
    raw.answers = [broken, broken, page(b"hello")]
    assert refused(raw.url).message == f"the server answered with status 500: {raw.url}"
    assert len(raw.requests) == 4


@pytest.mark.parametrize("status", ["404 Not Found", "403 Forbidden", "204 No Content", "206 Partial Content"])
def test_another_status_is_final(raw: RawServer, refused: Refused, status: str) -> None:
    raw.answers = [page(status=status), page(b"hello")]
    assert refused(raw.url).message == f"the server answered with status {status[:3]}: {raw.url}"
    assert len(raw.requests) == 1


def test_what_is_no_http_is_refused(raw: RawServer, refused: Refused) -> None:
    raw.answers = [b"SSH-2.0-OpenSSH_9.2\r\n"]
    assert refused(raw.url).message == f"the answer is no HTTP, or breaks off: {raw.url}"
    assert len(raw.requests) == 2


def test_three_redirects_are_followed_and_no_more(raw: RawServer, refused: Refused, ca_file: Path) -> None:
    raw.answers = [moved("/1"), moved("2"), moved(raw.url), page(b"hello")]
    assert http.fetch(raw.url, limit=LIMIT, verify=ca_file).body == b"hello"
    raw.answers = [moved("/1"), moved("2"), moved("3"), moved("4"), page(b"hello")]
    assert refused(raw.url).message == f"over 3 redirects: {raw.url}"
    assert len(raw.requests) == 8


def test_a_redirect_loop_ends(raw: RawServer, refused: Refused) -> None:
    raw.answers = [moved(raw.url)]
    assert refused(raw.url).message == f"over 3 redirects: {raw.url}"
    assert len(raw.requests) == 4


@pytest.mark.parametrize("packed", ["", "Content-Encoding: gzip\r\n"], ids=["plain", "gzip"])
def test_the_body_of_a_redirect_is_not_read(raw: RawServer, ca_file: Path, packed: str) -> None:
    head = f"HTTP/1.1 302 Found\r\nLocation: /next\r\n{packed}\r\n".encode()
    raw.answers = [endless(head=head, part=bytes(64 * 1024)), page(b"hello")]
    assert http.fetch(raw.url, limit=LIMIT, verify=ca_file).body == b"hello"


def test_a_redirect_may_lead_to_another_https_server(
    raw: RawServer, serve: Callable[..., TlsServer], leaf: trustme.LeafCert, ca_file: Path
) -> None:
    other = serve(leaf, pages={"/ca.pem": b"from the other"})
    raw.answers = [moved(f"{other.url}/ca.pem")]
    assert http.fetch(raw.url, limit=LIMIT, verify=ca_file).body == b"from the other"


def test_a_redirect_to_a_server_that_is_not_trusted_is_refused(
    raw: RawServer, serve: Callable[..., TlsServer], ca: trustme.CA, refused: Refused
) -> None:
    other = serve(ca.issue_cert("other.example"))
    raw.answers = [moved(other.url)]
    assert refused(raw.url).hint == f"certboot doctor localhost:{other.port}"


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("file:///etc/passwd", "only https:// is fetched: file:///etc/passwd"),
        ("http://localhost/", "only https:// is fetched: http://localhost/"),
        ("ftp://localhost/", "only https:// is fetched: ftp://localhost/"),
        ("data:,hello", "only https:// is fetched: data:,hello"),
        ("https://user:secret@localhost/", "an address with a user name or password in it: localhost/"),
        ("https://[::1/", "redirected to an address that is none: https://[::1/"),
    ],
)
def test_a_redirect_to_anything_else_is_refused(raw: RawServer, refused: Refused, target: str, message: str) -> None:
    raw.answers = [moved(target), page(b"hello")]
    assert refused(raw.url).message == message
    assert len(raw.requests) == 1


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://localhost/ca", "only https:// is fetched: http://localhost/ca"),
        ("file:///etc/passwd", "only https:// is fetched: file:///etc/passwd"),
        ("localhost/ca", "only https:// is fetched: localhost/ca"),
        ("user:secret@localhost/ca", "only https:// is fetched: localhost/ca"),
        ("", "only https:// is fetched: "),
        ("https://user:secret@localhost/ca", "an address with a user name or password in it: localhost/ca"),
        ("https://user:sec/ret@localhost/ca", "not an address: localhost/ca"),
        ("https://user@localhost/ca", "an address with a user name or password in it: localhost/ca"),
        ("https://localhost:99999/", "not an address: https://localhost:99999/"),
        ("https:///ca", "an address without a host: https:///ca"),
        (f"https://{'ü' * 64}.example/", f"not an address that can be used: https://{'ü' * 64}.example/"),
        ("https://a$b.example/", "not an address that can be used: https://a$b.example/"),
        ("https://local\x1bhost/", "not an address: https://local\N{REPLACEMENT CHARACTER}host/"),
    ],
)
def test_an_address_that_is_none_of_https_is_refused(refused: Refused, url: str, message: str) -> None:
    assert refused(url).message == message


def test_an_unknown_issuer_is_refused_at_once(raw: RawServer, refused: Refused, tmp_path: Path) -> None:
    error = refused(raw.url, verify=Path(certifi.where()))
    host = f"localhost:{raw.port}"
    assert error.message.startswith(f"the certificate of {host} is refused, unable to get local issuer certificate: ")
    assert error.hint == f"certboot doctor {host}"
    assert raw.requests == []
    assert (
        refused(raw.url, verify=tmp_path / "none").message
        == f"the certificates to verify with are missing: {tmp_path / 'none'}"
    )
    (tmp_path / "empty").write_bytes(b"")
    assert refused(raw.url, verify=tmp_path / "empty").message.startswith(f"no connection to {host}, ")


def test_a_wrong_host_is_refused(serve: Callable[..., TlsServer], ca: trustme.CA, refused: Refused) -> None:
    server = serve(ca.issue_cert("other.example"))
    error = refused(f"{server.url}/")
    # OpenSSL's words, or those of urllib3 before 2.0.
    assert re.search("refused, ([Hh]ostname mismatch, .*|hostname) 'localhost'", error.message)
    assert error.hint == f"certboot doctor localhost:{server.port}"


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
def test_a_variable_does_not_change_what_is_trusted(
    raw: RawServer, refused: Refused, ca_file: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, certifi.where())
    assert http.fetch(raw.url, limit=LIMIT, verify=ca_file).body == b"hello"
    monkeypatch.setenv(variable, str(ca_file))
    assert "is refused" in refused(raw.url, verify=Path(certifi.where())).message


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


@pytest.mark.parametrize("host", ["nowhere.invalid", f"{'a' * 64}.example"])
def test_a_host_that_is_not_known_is_named(refused: Refused, host: str) -> None:
    assert refused(f"https://{host}/").message == f"no connection to {host}, no such host is known: https://{host}/"


def test_a_server_without_tls_is_named(refused: Refused) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def answer() -> None:
            for _ in range(2):
                connection, _ = listener.accept()
                with connection:
                    connection.recv(4096)
                    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        error = refused(f"https://localhost:{port}/")
        thread.join()
    assert re.match(rf"no connection to localhost:{port}, [a-z0-9 ]+: ", error.message)
    assert error.hint == f"certboot doctor localhost:{port}"


@pytest.mark.parametrize(
    "slow",
    [
        endless(head=b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n", part=b".", pause=0.02),
        endless(head=b"HTTP/1.1 200 OK\r\nX: ", part=b".", pause=0.02),
        endless(head=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", part=b"1\r\n.\r\n", pause=0.02),
    ],
    ids=["body", "header", "chunks"],
)
def test_a_slow_server_ends_with_the_time_in_all(
    raw: RawServer, refused: Refused, monkeypatch: pytest.MonkeyPatch, slow: Answer
) -> None:
    monkeypatch.setattr(http, "_TOTAL_SECONDS", 0.6)
    raw.answers = [slow]
    assert refused(raw.url).message == f"not finished after 0.6 seconds: {raw.url}"
    monkeypatch.setattr(http, "_TOTAL_SECONDS", 60)
    assert refused("https://localhost:1/").message.startswith("no connection to localhost:1, ")


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel"], ids=["header", "body"])
def test_a_silent_server_is_left_and_tried_once_more(
    raw: RawServer, refused: Refused, ca_file: Path, monkeypatch: pytest.MonkeyPatch, head: bytes
) -> None:
    monkeypatch.setattr(http, "_READ_SECONDS", 1.0)
    raw.answers = [endless(head=head, part=b"", pause=1), page(b"hello")]
    assert http.fetch(raw.url, limit=LIMIT, verify=ca_file).body == b"hello"
    raw.answers = [endless(head=head, part=b"", pause=1)]
    assert refused(raw.url).message == f"no connection to localhost:{raw.port}, no answer in time: {raw.url}"
    assert len(raw.requests) == 4


class Proxy:
    """An HTTP proxy that knows CONNECT, and wants a password if it has one."""

    def __init__(self, authorization: str = "") -> None:
        self.requests: list[str] = []
        self._authorization = authorization
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._threads.append(threading.Thread(target=self._serve, args=(client,)))
                self._threads[-1].start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            request = b""
            while not request.endswith(b"\r\n\r\n"):
                request += client.recv(4096)
            self.requests.append(request.decode())
            if self._authorization not in request.decode():
                client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
                return
            target = request.split()[1].decode().rsplit(":", 1)
            with socket.create_connection((target[0], int(target[1]))) as server:
                client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                back = threading.Thread(target=_pump, args=(server, client))
                back.start()
                _pump(client, server)
                back.join()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


@pytest.fixture
def proxy() -> Iterator[Callable[..., Proxy]]:
    proxies: list[Proxy] = []

    def start(**options: str) -> Proxy:
        proxies.append(Proxy(**options))
        return proxies[-1]

    yield start
    for each in proxies:
        each.close()


def test_the_proxy_of_the_environment_is_used_unless_the_host_needs_none(
    raw: RawServer, proxy: Callable[..., Proxy], ca_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    through = proxy(authorization="Proxy-Authorization: Basic bWU6c2VjcmV0")  # me:secret
    monkeypatch.setenv("HTTPS_PROXY", f"http://me:secret@localhost:{through.port}")
    assert http.fetch(raw.url, limit=LIMIT, verify=ca_file).body == b"hello"
    assert [request.split()[:2] for request in through.requests] == [["CONNECT", f"localhost:{raw.port}"]]
    assert "secret" not in raw.requests[0]
    assert "bWU6c2VjcmV0" not in raw.requests[0]
    monkeypatch.setenv("NO_PROXY", "localhost")
    assert http.fetch(raw.url, limit=LIMIT, verify=ca_file).body == b"hello"
    assert len(through.requests) == 1


def test_the_servers_certificate_counts_behind_a_proxy_too(
    raw: RawServer, proxy: Callable[..., Proxy], refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://localhost:{proxy().port}")
    assert "is refused" in refused(raw.url, verify=Path(certifi.where())).message


def test_a_proxy_that_refuses_is_named_without_its_password(
    raw: RawServer, proxy: Callable[..., Proxy], refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    through = proxy(authorization="Proxy-Authorization: Basic bWU6c2VjcmV0")
    monkeypatch.setenv("HTTPS_PROXY", f"http://me:wr0ng@localhost:{through.port}")
    error = refused(raw.url)
    assert error.message == (
        f"no connection to localhost:{raw.port} through the proxy http://localhost:{through.port}, "
        f"the proxy does not accept the user name and password (status 407): {raw.url}"
    )
    assert error.hint.startswith("set HTTPS_PROXY to a proxy that answers")


@pytest.mark.parametrize(
    "value",
    [
        "http://me:wr0ng@localhost:1",
        "me:wr0ng@localhost:1",
        "foo://me:wr0ng@localhost:1",
        "http://me:wr0ng/more@localhost:1",
        "http://me:wr0ng[@localhost:99999",
        "socks5://me:wr0ng@localhost:1",
        "http://me:wr0ng@",
    ],
)
def test_a_proxy_that_cannot_be_used_never_shows_its_password(
    refused: Refused, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", value)
    error = refused("https://ca.example/")
    assert " prox" in error.message
    assert "wr0ng" not in error.message + error.hint


def test_a_proxy_can_be_spoken_to_in_tls_and_is_verified_like_the_server(
    raw: RawServer, listen: Callable[..., Listener], ca: trustme.CA, refused: Refused, ca_file: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """The server's TLS runs inside the proxy's."""
    talk = ProxyTalk(credentials="me:secret")
    for host, good in (("localhost", True), ("other.example", False)):
        through = listen(in_tls(ca.issue_cert(host), talk))
        monkeypatch.setenv("HTTPS_PROXY", f"https://me:secret@localhost:{through.port}")
        if good:
            raw.answers = [page(bytes(LIMIT))]
            assert http.fetch(raw.url, limit=LIMIT, verify=ca_file).body == bytes(LIMIT)
            assert talk.asked == [f"CONNECT localhost:{raw.port} HTTP/1.1"]
            assert "is refused" in refused(raw.url, verify=Path(certifi.where())).message
        else:
            assert "the certificate of the proxy itself is refused" in refused(raw.url).message
    assert len(talk.asked) == 1
    assert len(raw.requests) == 1
    assert "Proxy-Authorization" not in raw.requests[0]


def in_tls(leaf: trustme.LeafCert, talk: Callable[[socket.socket], None]) -> Callable[[socket.socket], None]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    leaf.configure_cert(context)

    def within(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secure:
            talk(secure)

    return within


def byte_by_byte(head: bytes, part: bytes, after: Talk | None = None) -> Talk:
    """Answer what comes with ``head``, and then with a ``part`` now and then, without end."""

    def talk(connection: socket.socket) -> None:
        (after or _nothing)(connection)
        connection.recv(4096)
        connection.sendall(head)
        for _ in range(1000):
            connection.sendall(part)
            time.sleep(0.02)

    return talk


def _nothing(_: socket.socket) -> None:
    """Talk begins at once."""


def connected(connection: socket.socket) -> None:
    """Say that the connection to the server stands."""
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")


# A ServerHello of 16 KB, of which the body does not come to its end.
HELLO = b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc\x03\x03"
OK = b"HTTP/1.1 200 OK\r\nX: "
HANGING: dict[str, tuple[str, bool, Talk]] = {
    "a server that says nothing": ("", False, silent),
    "a hello that trickles": ("", False, byte_by_byte(HELLO, b"\0")),
    "messages without end": ("", False, byte_by_byte(b"", b"\x16\x03\x03\x00\x00")),
    "a proxy that says nothing": ("http", False, silent),
    "a proxy that trickles": ("http", False, byte_by_byte(OK, b"x")),
    "a server behind a proxy": ("http", False, byte_by_byte(HELLO, b"\0", connected)),
    "a proxy that does not begin TLS": ("https", False, silent),
    "a hello of a proxy that trickles": ("https", False, byte_by_byte(HELLO, b"\0")),
    "a proxy that trickles in TLS": ("https", True, byte_by_byte(OK, b"x")),
    "a server that trickles in a proxy's TLS": ("https", True, byte_by_byte(HELLO, b"\0", connected)),
}


@pytest.mark.parametrize(("proxy_scheme", "secure", "talk"), HANGING.values(), ids=HANGING)
def test_what_hangs_before_there_is_http_ends_with_the_time_in_all(  # noqa: PLR0913, PLR0917
    listen: Callable[..., Listener],
    leaf: trustme.LeafCert,
    refused: Refused,
    monkeypatch: pytest.MonkeyPatch,
    proxy_scheme: str,
    secure: bool,  # noqa: FBT001 - a column of the table
    talk: Talk,
) -> None:
    monkeypatch.setattr(http, "_TOTAL_SECONDS", 0.6)
    address = f"localhost:{listen(in_tls(leaf, talk) if secure else talk).port}"
    if proxy_scheme:
        monkeypatch.setenv("HTTPS_PROXY", f"{proxy_scheme}://{address}")
    url = "https://ca.example/" if proxy_scheme else f"https://{address}/"
    begun = time.monotonic()
    assert refused(url).message == f"not finished after 0.6 seconds: {url}"
    assert time.monotonic() - begun < 5


def test_a_name_server_that_does_not_answer_ends_with_it_too(refused: Refused, monkeypatch: pytest.MonkeyPatch) -> None:
    answered = threading.Event()

    def resolve(*_: object, flags: int = 0, **__: object) -> list[object]:
        if flags & socket.AI_NUMERICHOST:
            raise socket.gaierror
        answered.wait(10)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(http, "_TOTAL_SECONDS", 0.3)
    begun = time.monotonic()
    assert refused("https://ca.example/").message == "not finished after 0.3 seconds: https://ca.example/"
    assert time.monotonic() - begun < 5
    answered.set()


def test_a_proxy_that_is_silent_for_long_is_left_and_tried_once_more(
    raw: RawServer, listen: Callable[..., Listener], refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "_READ_SECONDS", 1.0)
    through = listen(silent)
    monkeypatch.setenv("HTTPS_PROXY", f"http://me:secret@localhost:{through.port}")
    error = refused(raw.url)
    assert "did not say within 1 seconds whether it connects to localhost:" in error.message
    assert "secret" not in error.message
    assert through.count == 2


ENDLESS = {
    "interim answers": endless(head=b"", part=b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
    "headers of interim answers": endless(head=b"", part=b"HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n" * 100),
    "headers": endless(head=b"HTTP/1.1 200 OK\r\n", part=b"X: y\r\n"),
    "a header": endless(head=b"HTTP/1.1 200 OK\r\nX: ", part=b"y" * 4096),
    "a status": endless(head=b"HTTP/1.1 200 ", part=b"y" * 4096),
    "an extension of a chunk": endless(head=CHUNKED + b"1;", part=b"x" * 4096),
    "a size of a chunk": endless(head=CHUNKED, part=b"0" * 4096),
    "chunks of one byte": endless(head=CHUNKED, part=b"1\r\nx\r\n" * 100),
    "trailers": endless(head=CHUNKED + b"0\r\n", part=b"X: y\r\n" * 100),
    "a body": endless(head=b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n", part=b"x" * 4096),
}


@pytest.mark.parametrize("answer", ENDLESS.values(), ids=ENDLESS)
def test_no_more_is_taken_of_an_answer_without_end_than_an_answer_may_have(
    raw: RawServer, ca_file: Path, monkeypatch: pytest.MonkeyPatch, answer: Answer
) -> None:
    received = 0
    receive = connection.Stream.receive

    def counted(self: connection.Stream, most: int) -> bytes:
        nonlocal received
        data = receive(self, most)
        received += len(data)
        return data

    monkeypatch.setattr(connection.Stream, "receive", counted)
    raw.answers = [answer]
    begun = time.monotonic()
    with contextlib.suppress(SourceError):
        assert len(http.fetch(raw.url, limit=LIMIT, verify=ca_file).body) <= LIMIT
    assert len(raw.requests) <= 2
    assert received < 2 * (http._HEAD + 2 * LIMIT + 64 * 1024)
    assert time.monotonic() - begun < 60
