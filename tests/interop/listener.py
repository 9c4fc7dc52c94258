"""A TLS server that answers each client in its own protocol, and records how far each connection came."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import socket
import ssl
import threading
import time
import typing
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

import protocols
from support import server

if typing.TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Pages = typing.Mapping[str, bytes]
"""What is answered to ``"GET /path"``, without the query."""

WEBSOCKET_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 section 1.3


@dataclass
class Connection:
    """The server's view of one connection.

    A client that accepts the certificate sends data. One that refuses it sends an alert instead (RFC 8446, section
    6.2), or finishes the handshake and goes without a word, as GnuTLS and Node.js do.
    """

    hello: bool = False
    """Whether the client began a handshake."""
    refusal: str = ""
    """OpenSSL's name of the alert that ended the handshake, or the error's type; empty when it came to its end."""
    data: bool = False
    """Whether the client sent anything in the protocol it speaks."""
    ended: threading.Event = field(default_factory=threading.Event)


class Listener(server.Listener):
    """Listens on 127.0.0.1, on a port of its own, with the certificates and key of one PEM file, in the order given."""

    def __init__(self, chain: Path, pages: Pages) -> None:
        self.pages = pages
        self.connections: list[Connection] = []
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(chain)
        # The server's preference counts: whoever can speak HTTP/1.1 does, and gRPC, which cannot, gets HTTP/2.
        self._context.set_alpn_protocols(["http/1.1", "h2"])
        super().__init__(self._handle)

    def _handle(self, connection: socket.socket) -> None:
        secure = self._context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        with secure, contextlib.suppress(Exception):  # clients that go away in the middle are what the tests are about
            _Handler(secure, ("", 0), self)  # type: ignore[arg-type]

    def settled(self, seconds: float = 5) -> list[Connection]:
        """Return all connections so far, after each has ended; those that are open when time is up, as they are."""
        deadline = time.monotonic() + seconds
        for connection in self.connections:
            connection.ended.wait(max(0, deadline - time.monotonic()))
        return list(self.connections)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 20
    server: Listener  # type: ignore[assignment]  # it has what a handler needs of one
    seen: Connection

    def setup(self) -> None:
        self.seen = Connection()
        self.server.connections.append(self.seen)
        try:
            self.request.settimeout(self.timeout)
            self.request.do_handshake()
        except OSError as error:
            # OpenSSL knows the ciphers that both sides have as soon as it has read the client's first message.
            self.seen.hello = self.request.shared_ciphers() is not None
            self.seen.refusal = getattr(error, "reason", None) or type(error).__name__
            self.seen.ended.set()
            raise
        self.seen.hello = True
        super().setup()

    def handle(self) -> None:
        try:
            first = self.rfile.peek(1)[:4]  # type: ignore[attr-defined]  # a BufferedReader, which typeshed hides
            if not first:
                return
            self.seen.data = True
            if first == b"PRI ":
                protocols.http2(self.rfile, self.wfile)
            elif first[:1] == b"*":
                protocols.redis(self.rfile, self.wfile)
            elif not first.isalpha() and first[-1:] == b"\0":  # the length of a MongoDB message
                protocols.mongodb(self.rfile, self.wfile)
            else:
                super().handle()
        finally:
            self.seen.ended.set()

    def do_GET(self) -> None:
        key = self.headers.get("Sec-WebSocket-Key")
        if key:
            return self._websocket(key.encode())
        return self._answer()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self._answer()

    def _answer(self) -> None:
        body = self.server.pages.get(f"{self.command} {self.path.split('?')[0]}")
        self.send_response(404 if body is None else 200)
        body = body or b""
        kinds: Mapping[bytes, str] = {b"{": "application/json", b"<": "text/html"}
        self.send_header("Content-Type", kinds.get(body[:1], "application/octet-stream"))
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Elastic-Product", "Elasticsearch")  # its client talks to nothing that lacks this
        self.end_headers()
        self.wfile.write(body)

    def _websocket(self, key: bytes) -> None:
        self.send_response(101)
        accept = base64.b64encode(hashlib.sha1(key + WEBSOCKET_GUID, usedforsecurity=False).digest()).decode()
        self.send_header("Sec-WebSocket-Accept", accept)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.end_headers()
        self.close_connection = True
        protocols.websocket(self.rfile, self.wfile)

    def log_message(self, *_: object) -> None:
        """Keep the test output clean."""
