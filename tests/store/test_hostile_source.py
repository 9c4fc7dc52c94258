"""A source that means harm ends in one clear error, within limits, and leaves the store as it was."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import os
import re
import subprocess
import sys
import typing
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
import trustme
from support import whole
from support.environments import MEASURED
from support.pki import issue
from support.snapshot import snapshot
from support.table import cases

from certboot.sources import ccadb

if typing.TYPE_CHECKING:
    from support.server import TlsServer

    from certboot.store.paths import StorePaths

    Serve = Callable[..., TlsServer]

pytestmark = pytest.mark.slow

MOST_MEMORY = 300  # MB
ROOTS = f"/{ccadb.ROOTS}"
COMPANY = "/ca.pem"
MB = 1024 * 1024
JUNK = b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"


class Ended(typing.NamedTuple):
    """How a certboot in a process of its own ended."""

    status: int
    out: str
    err: str
    megabytes: float
    """The most memory that it had."""


def run(home: Path, *argv: str | Path) -> Ended:
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *whole.program(*argv)],
        env=whole.environ(home),
        capture_output=True,
        check=True,
        timeout=200,
    )
    return Ended(*json.loads(done.stdout))


def assert_refused(ended: Ended) -> None:
    """One error, with a hint, and no traceback."""
    assert re.fullmatch(r"certboot: error: [^\n]{1,600}\n\nhint: [^\n]+\n", ended.err), ended.err[:2000]
    assert ended.status == 2
    assert ended.megabytes < MOST_MEMORY


# What a hostile server answers


Answer = Callable[["BaseHTTPRequestHandler", bytes], None]
"""Given the request and the good body."""


def send(request: BaseHTTPRequestHandler, body: bytes, **headers: str) -> None:
    request.send_response(200)
    for name, value in {"Content-Length": str(len(body)), **headers}.items():
        request.send_header(name.replace("_", "-"), value)
    request.end_headers()
    request.wfile.write(body)


def good(request: BaseHTTPRequestHandler, body: bytes) -> None:
    send(request, body)


def endless(request: BaseHTTPRequestHandler, size: int, head: bytes = b"") -> None:
    """Write ``size`` bytes, or as many as the client takes."""
    part = b"x" * MB
    request.wfile.write(head)
    for _ in range(size // MB):
        request.wfile.write(part)


def ten_gigabytes(request: BaseHTTPRequestHandler, body: bytes) -> None:
    request.send_response(200)
    request.send_header("Content-Length", str(10_000 * MB))
    request.end_headers()
    endless(request, 10_000 * MB, body)


def ten_gigabytes_unannounced(request: BaseHTTPRequestHandler, body: bytes) -> None:
    request.send_response(200)
    request.send_header("Connection", "close")
    request.end_headers()
    endless(request, 10_000 * MB, body)


def chunks_without_end(request: BaseHTTPRequestHandler, body: bytes) -> None:
    request.send_response(200)
    request.send_header("Transfer-Encoding", "chunked")
    request.end_headers()
    request.wfile.write(b"%x\r\n%b\r\n" % (len(body), body))
    for _ in range(10_000):
        request.wfile.write(b"%x\r\n%b\r\n" % (MB, b"x" * MB))


def header_without_end(request: BaseHTTPRequestHandler, body: bytes) -> None:
    del body
    request.wfile.write(b"HTTP/1.1 200 OK\r\n")
    endless(request, 1_000 * MB, b"X-Long: ")


def redirect_to(target: str) -> Answer:
    def answer(request: BaseHTTPRequestHandler, body: bytes) -> None:
        del body
        request.send_response(302)
        request.send_header("Location", target or request.path)
        request.send_header("Content-Length", "0")
        request.end_headers()

    return answer


def gzip_bomb(request: BaseHTTPRequestHandler, body: bytes) -> None:
    """A megabyte that becomes a gigabyte, and begins as the good body does."""
    packed = gzip.compress(body) + gzip.compress(bytes(100 * MB)) * 10
    send(request, packed, Content_Encoding="gzip")


def truncated(request: BaseHTTPRequestHandler, body: bytes) -> None:
    request.send_response(200)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body[: len(body) // 2])
    request.close_connection = True


def truncated_unannounced(request: BaseHTTPRequestHandler, body: bytes) -> None:
    """Cut between two rows: the text itself does not tell that it is not whole."""
    request.send_response(200)
    request.send_header("Connection", "close")
    request.send_header("ETag", f'"{hashlib.sha256(body).hexdigest()}"')
    request.end_headers()
    request.wfile.write(body[: body.rindex(b'\n"') + 1])
    request.close_connection = True


def web_page(request: BaseHTTPRequestHandler, body: bytes) -> None:
    del body
    send(request, b"<!DOCTYPE html><html><body>Please log in to the guest network.</body></html>\n")


def junk_blocks(request: BaseHTTPRequestHandler, body: bytes) -> None:
    del body
    send(request, JUNK * 200_000)


def large_pem(request: BaseHTTPRequestHandler, body: bytes) -> None:
    text = base64.encodebytes(bytes(36 * MB))
    send(request, b"-----BEGIN CERTIFICATE-----\n" + text + b"-----END CERTIFICATE-----\n" + body)


def enormous_field(request: BaseHTTPRequestHandler, body: bytes) -> None:
    header, _, rest = body.partition(b"\n")
    send(request, header + b'\n"' + b"x" * (20 * MB) + b'"' + b',""' * header.count(b",") + b"\n" + rest)


def junk_rows(request: BaseHTTPRequestHandler, body: bytes) -> None:
    header, _, rest = body.partition(b"\n")
    send(request, header + b"\n" + rest + (b'""' + b',""' * header.count(b",") + b"\n") * 200_000)


def unclosed_quote(request: BaseHTTPRequestHandler, body: bytes) -> None:
    send(request, body.rstrip(b'"\n'))


def nothing(request: BaseHTTPRequestHandler, body: bytes) -> None:
    del body
    send(request, b"")


ANYWHERE: dict[str, Answer] = {
    "ten-gigabytes": ten_gigabytes,
    "ten-gigabytes-unannounced": ten_gigabytes_unannounced,
    "chunks-without-end": chunks_without_end,
    "header-without-end": header_without_end,
    "redirect-without-end": redirect_to(""),
    "redirect-to-a-file": redirect_to("file:///etc/ssl/certs/ca-certificates.crt"),
    "redirect-to-http": redirect_to("http://localhost/"),
    "gzip-bomb": gzip_bomb,
    "truncated": truncated,
    "web-page": web_page,
    "large-pem": large_pem,
    "junk-blocks": junk_blocks,
    "empty": nothing,
}
REPORT_ONLY: dict[str, Answer] = {
    "truncated-unannounced": truncated_unannounced,
    "enormous-field": enormous_field,
    "junk-rows": junk_rows,
    "unclosed-quote": unclosed_quote,
}


class Origin:
    """A server that answers one path as it is told, and the others well."""

    def __init__(self, server: TlsServer) -> None:
        self.url = server.url
        self.answer: Answer = good
        self.bad = ""
        origin, pages = self, server.pages

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 20

            def do_GET(self) -> None:
                try:
                    (origin.answer if self.path == origin.bad else good)(self, pages[self.path])
                except OSError:
                    self.close_connection = True  # the client has seen enough

            def log_message(self, *_: object) -> None:
                """Keep the test output clean."""

        server.handler = Handler


@pytest.fixture
def origin(serve: Serve, ca: trustme.CA) -> Origin:
    server = serve(ca.issue_cert("localhost"))
    server.pages.update({f"/{name}": body for name, body in whole.small_reports(range(6)).items()})
    server.pages[COMPANY] = issue("Company Root").pem
    return Origin(server)


@pytest.fixture
def home(paths: StorePaths, ca_file: Path) -> Path:
    """A store that believes the server."""
    ended = run(paths.home, "init", "--source", "certifi", "--add", ca_file)
    assert (ended.status, ended.err) == (0, "")
    return paths.home


def configure(home: Path, origin: Origin, path: str) -> None:
    if path == COMPANY:
        text = f'[[company]]\naddress = "{origin.url}{path}"\n'
    else:
        text = f'[ccadb]\naddress = "{origin.url}/"\n'
    (home / "config.toml").write_text(text)


CASES = [
    *((name, answer, path) for path in (ROOTS, COMPANY) for name, answer in ANYWHERE.items()),
    *((name, answer, path) for path in (ROOTS, f"/{ccadb.REVOKED}") for name, answer in REPORT_ONLY.items()),
    ("web-page", web_page, f"/{ccadb.REVOKED}"),
    ("ten-gigabytes", ten_gigabytes, f"/{ccadb.REVOKED}"),
]


@pytest.mark.timeout(1200)  # for all of them, on a machine with much to do too
@cases(
    ("answer", "path"),
    [case[1:] for case in CASES],
)
def test_a_hostile_server_changes_nothing(home: Path, origin: Origin, answer: Answer, path: str) -> None:
    command = ("update",) if path == COMPANY else ("init", "--source", "ccadb", "--intermediates")
    (home / "cache").mkdir()  # good reports may be kept in it for the next time
    configure(home, origin, path)
    before = without_cache(home)
    origin.bad, origin.answer = path, answer
    assert_refused(run(home, *command))
    assert without_cache(home) == before
    assert whole.leftovers(home) == []
    # The control: the same server, with the good body, is believed.
    origin.answer = good
    ended = run(home, *command)
    assert (ended.status, ended.err) == (0, "")
    assert whole.assert_whole(home)
    assert without_cache(home) != before
    assert ended.megabytes < MOST_MEMORY


def without_cache(home: Path) -> dict[str, object]:
    return {name: found for name, found in snapshot(home).items() if name.split("/")[0] != "cache"}


FILES: dict[str, Callable[[], bytes]] = {
    "junk-blocks": lambda: JUNK * 200_000,
    "large-pem": lambda: JUNK[:28] + base64.encodebytes(bytes(36 * MB)) + JUNK[33:],
    "web-page": lambda: b"<!DOCTYPE html><html></html>",
    "large-number-of-nothing": lambda: b"\n" * (50 * MB),
}


@cases("content", FILES.values())
def test_a_hostile_file_changes_nothing(home: Path, tmp_path: Path, content: Callable[[], bytes]) -> None:
    hostile, fair = tmp_path / "hostile.pem", tmp_path / "fair.pem"
    hostile.write_bytes(content())
    fair.write_bytes(issue("Fair Root").pem)
    before = snapshot(home)
    for command in (("init", "--add"), ("trust", "--yes")):
        assert_refused(run(home, *command, hostile))
        assert snapshot(home) == before
    assert run(home, "init", "--add", fair).status == 0
    assert snapshot(home) != before


@pytest.mark.skipif(os.name != "posix", reason="there is no /dev/zero")
def test_a_file_without_end_is_refused(home: Path) -> None:
    before = snapshot(home)
    assert_refused(run(home, "init", "--add", "/dev/zero"))
    assert snapshot(home) == before
