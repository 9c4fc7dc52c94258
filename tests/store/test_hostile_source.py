"""A source that means harm ends in one clear error, within limits, and leaves the store as it was.

What each way of harm does to a connection is told in the tests of the HTTP client; here the store is what counts.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
import trustme
from support import whole
from support.commands import Run
from support.environments import MEASURED
from support.pki import issue
from support.server import TlsServer
from support.snapshot import snapshot
from support.table import cases

from certboot.net import http
from certboot.sources import ccadb
from certboot.store.paths import StorePaths

MOST_MEMORY = 300  # MB
ROOTS, REVOKED, COMPANY = f"/{ccadb.ROOTS}", f"/{ccadb.REVOKED}", "/ca.pem"
MB = 1024 * 1024
JUNK = b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"
Answer = Callable[["BaseHTTPRequestHandler", bytes], None]
"""Given the request and the good body."""


def head(request: BaseHTTPRequestHandler, headers: Mapping[str, str], status: int = 200) -> None:
    request.send_response(status)
    for name, value in headers.items():
        request.send_header(name.replace("_", "-"), value)
    request.end_headers()


def send(body: Callable[[bytes], bytes], **headers: str) -> Answer:
    """Answer with what is made of the good body."""

    def answer(request: BaseHTTPRequestHandler, good: bytes) -> None:
        made = body(good)
        head(request, {"Content_Length": str(len(made)), **headers})
        request.wfile.write(made)

    return answer


def ten_gigabytes(request: BaseHTTPRequestHandler, good: bytes, **headers: str) -> None:
    head(request, headers or {"Content_Length": str(10_000 * MB)})
    request.wfile.write(good)
    for _ in range(10_000):  # or as many as the client takes
        request.wfile.write(b"x" * MB)


def unannounced(request: BaseHTTPRequestHandler, good: bytes) -> None:
    ten_gigabytes(request, good, Connection="close")


def chunks_without_end(request: BaseHTTPRequestHandler, good: bytes) -> None:
    head(request, {"Transfer-Encoding": "chunked"})
    for chunk in (good, *[b"x" * MB] * 10_000):
        request.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))


def redirect_to(target: str) -> Answer:
    return lambda request, _: head(request, {"Location": target or request.path, "Content-Length": "0"}, 302)


def truncated(request: BaseHTTPRequestHandler, good: bytes) -> None:
    head(request, {"Content-Length": str(len(good))})
    request.wfile.write(good[: len(good) // 2])
    request.close_connection = True


def truncated_unannounced(request: BaseHTTPRequestHandler, good: bytes) -> None:
    """Cut between two rows: the text itself does not tell that it is not whole."""
    head(request, {"Connection": "close", "ETag": f'"{hashlib.sha256(good).hexdigest()}"'})
    request.wfile.write(good[: good.rindex(b'\n"') + 1])
    request.close_connection = True


def enormous_field(good: bytes) -> bytes:
    header, _, rest = good.partition(b"\n")
    return header + b'\n"' + b"x" * (20 * MB) + b'"' + b',""' * header.count(b",") + b"\n" + rest


def junk_rows(good: bytes) -> bytes:
    header, _, rest = good.partition(b"\n")
    return header + b"\n" + rest + (b'""' + b',""' * header.count(b",") + b"\n") * 200_000


# A megabyte that becomes a gigabyte, and begins as the good body does.
gzip_bomb = send(lambda good: gzip.compress(good) + gzip.compress(bytes(100 * MB)) * 10, Content_Encoding="gzip")
junk_blocks = send(lambda _: JUNK * 200_000)
large_pem = send(lambda good: JUNK[:28] + base64.encodebytes(bytes(36 * MB)) + JUNK[33:] + good)
web_page = send(lambda _: b"<!DOCTYPE html><html><body>Please log in to the guest network.</body></html>\n")
nothing = send(lambda _: b"")
unclosed_quote = send(lambda good: good.rstrip(b'"\n'))

SMALL: list[tuple[Answer, str]] = [
    *((answer, path) for path in (ROOTS, COMPANY) for answer in (redirect_to(""), truncated, web_page, nothing)),
    *((redirect_to(target), ROOTS) for target in ("file:///etc/ssl/certs/ca-certificates.crt", "http://localhost/")),
    *((answer, path) for path in (ROOTS, REVOKED) for answer in (truncated_unannounced, unclosed_quote)),
    (web_page, REVOKED),
]
LARGE: list[tuple[Answer, str]] = [
    *((answer, ROOTS) for answer in (ten_gigabytes, gzip_bomb, send(enormous_field), junk_blocks)),
    *((answer, COMPANY) for answer in (unannounced, chunks_without_end, large_pem, junk_blocks)),
    (send(junk_rows), REVOKED),
]


class Origin:
    """A server that answers one path as it is told, and the others well."""

    def __init__(self, server: TlsServer) -> None:
        self.url = server.url
        self.good: Answer = send(lambda good: good)
        self.answer, self.bad = self.good, ""
        origin, pages = self, server.pages

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 20

            def do_GET(self) -> None:
                try:
                    (origin.answer if self.path == origin.bad else origin.good)(self, pages[self.path])
                except OSError:
                    self.close_connection = True  # the client has seen enough

            def log_message(self, *_: object) -> None:
                """Keep the test output clean."""

        server.handler = Handler

    def configured(self, home: Path, path: str) -> tuple[str, ...]:
        """Let a store have its source here, and return the command that reads it."""
        section = f'[[company]]\naddress = "{self.url}{path}"\n' if path == COMPANY else ""
        (home / "config.toml").write_text(section or f'[ccadb]\naddress = "{self.url}/"\n')
        (home / "cache").mkdir()  # good reports may be kept in it for the next time
        return ("update",) if section else ("init", "--source", "ccadb", "--intermediates")


@pytest.fixture
def origin(serve: Callable[..., TlsServer], ca: trustme.CA, monkeypatch: pytest.MonkeyPatch) -> Origin:
    monkeypatch.setattr(http, "_PAUSE_SECONDS", 0.0)
    server = serve(ca.issue_cert("localhost"))
    server.pages.update({f"/{name}": body for name, body in whole.small_reports(range(6)).items()})
    server.pages[COMPANY] = issue("Company Root").pem
    return Origin(server)


@pytest.fixture
def home(certboot: Run, paths: StorePaths, ca_file: Path) -> Path:
    """A store that believes the server."""
    ran = certboot("init", "--source", "certifi", "--add", ca_file)
    assert (ran.status, ran.err) == (0, "")
    return paths.home


def measured(home: Path, *argv: str | Path) -> tuple[int, str]:
    """Run certboot in a process of its own, which must not take much memory; return its status and what it says."""
    command = [sys.executable, "-c", MEASURED, *whole.program(*argv)]
    done = subprocess.run(command, env=whole.environ(home), capture_output=True, check=True, timeout=200)
    status, _, err, megabytes = json.loads(done.stdout)
    assert megabytes < MOST_MEMORY
    return status, err


def assert_refused(status: int, err: str) -> None:
    """One error, with a hint, and no traceback."""
    assert re.fullmatch(r"certboot: error: [^\n]{1,600}\n\nhint: [^\n]+\n", err), err[:2000]
    assert status == 2


def without_cache(home: Path) -> dict[str, object]:
    return {name: found for name, found in snapshot(home).items() if name.split("/")[0] != "cache"}


@cases(("answer", "path"), SMALL)
def test_a_hostile_server_changes_nothing(certboot: Run, home: Path, origin: Origin, answer: Answer, path: str) -> None:
    command = origin.configured(home, path)
    before = without_cache(home)
    origin.bad, origin.answer = path, answer
    ran = certboot(*command)
    assert_refused(ran.status, ran.err)
    assert without_cache(home) == before
    assert whole.leftovers(home) == []
    assert not (home / "cache" / path.rpartition("/")[2]).exists()
    origin.answer = origin.good  # the control: the same server, with the good body, is believed
    ran = certboot(*command)
    assert (ran.status, ran.err) == (0, "")
    assert whole.assert_whole(home)
    assert without_cache(home) != before


@pytest.mark.slow
@cases(("answer", "path"), LARGE)
def test_a_hostile_server_costs_no_memory(home: Path, origin: Origin, answer: Answer, path: str) -> None:
    """In a process of its own each, which is measured."""
    command = origin.configured(home, path)
    before = without_cache(home)
    origin.bad, origin.answer = path, answer
    assert_refused(*measured(home, *command))
    assert without_cache(home) == before


FILES: dict[str, Callable[[], bytes]] = {
    "junk-blocks": lambda: JUNK * 200_000,
    "large-pem": lambda: JUNK[:28] + base64.encodebytes(bytes(36 * MB)) + JUNK[33:],
    "large-number-of-nothing": lambda: b"\n" * (50 * MB),
}


@pytest.mark.slow
@cases("content", [*FILES.values(), None])
def test_a_hostile_file_changes_nothing(home: Path, tmp_path: Path, content: Callable[[], bytes] | None) -> None:
    """None: a file without end."""
    if content:
        (tmp_path / "hostile.pem").write_bytes(content())
    before = snapshot(home)
    assert_refused(*measured(home, "init", "--add", tmp_path / "hostile.pem" if content else "/dev/zero"))
    assert snapshot(home) == before
