"""The server of the tests, on loopback, port 0, in threads of this process: for bytes, for HTTP, and for TLS."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
import typing
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler

if typing.TYPE_CHECKING:
    import trustme

Talk = Callable[[socket.socket], object]
Answer = bytes | Talk


class Listener:
    """Accepts connections and lets each talk in a thread of its own, until it is closed."""

    def __init__(self, talk: Talk, host: str = "127.0.0.1", port: int = 0) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family, backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self.shown = f"localhost:{self.port}"
        self.url = f"https://{self.shown}"
        self.count = 0
        self._talk = talk
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._threads[0].join()
        self._listener.close()
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.count += 1
                self._open.append(connection.dup())  # TLS takes the descriptor of the other one
                self._threads.append(threading.Thread(target=self._serve, args=(connection, self._open[-1])))
                self._threads[-1].start()

    def _serve(self, connection: socket.socket, kept: socket.socket) -> None:
        connection.settimeout(20)
        with kept, connection, contextlib.suppress(OSError):
            self._talk(connection)


class PlainServer(Listener):
    """Answers each GET with what ``pages`` holds for its path, byte for byte, and 404 for what it does not hold."""

    def __init__(self, pages: Mapping[str, Answer] | None = None, context: ssl.SSLContext | None = None) -> None:
        self.pages: dict[str, Answer] = dict(pages or {})
        self.requests: list[str] = []
        super().__init__(in_tls(context, self.talk) if context else self.talk)
        self.url = self.url if context else f"http://127.0.0.1:{self.port}"

    @property
    def asked(self) -> list[str]:
        """The targets that were asked for, in order."""
        return [request.split(" ")[1] for request in self.requests]

    def answer(self, target: str) -> Answer:
        return self.pages.get(target, page(status="404 Not Found"))

    def talk(self, connection: socket.socket) -> None:
        if request := head(connection):
            self.requests.append(request.decode())
            answer = self.answer(request.decode().split(" ")[1])
            if callable(answer):
                answer(connection)
            else:
                connection.sendall(answer)


class TlsServer(Listener):
    """Answers every GET and POST over TLS with what ``pages`` holds for its path, else with ``ok``."""

    def __init__(self, leaf: trustme.LeafCert, pages: Mapping[str, bytes] | None = None) -> None:
        self.pages = dict(pages or {})
        self.handler: Callable[..., BaseHTTPRequestHandler] = Pages
        super().__init__(in_tls(server_context(leaf), lambda secure: self.handler(secure, ("", 0), self)))


class Pages(BaseHTTPRequestHandler):
    """What a ``TlsServer`` says."""

    server: TlsServer  # type: ignore[assignment]  # it has what a handler needs of one
    protocol_version = "HTTP/1.1"
    timeout = 20

    def do_GET(self) -> None:
        body = self.server.pages.get(self.path.split("?")[0], b"ok")
        self.say(200, body, Content_Type="text/html" if body.startswith(b"<") else "application/octet-stream")

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))  # to close on what is unread may lose the answer
        self.do_GET()

    def say(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content_Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep the test output clean."""


def server_context(leaf: trustme.LeafCert, ciphers: str = "DEFAULT:@SECLEVEL=0") -> ssl.SSLContext:
    """A context that takes weak keys, which no client should."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers(ciphers)
    leaf.configure_cert(context)
    return context


def in_tls(context: ssl.SSLContext, talk: Callable[[ssl.SSLSocket], object]) -> Talk:
    """Shake hands first."""

    def within(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secure:
            talk(secure)

    return within


def head(connection: socket.socket) -> bytes:
    """Read what a client asks, as far as the empty line; nothing where it hangs up before."""
    data = b""
    while not data.endswith(b"\r\n\r\n"):
        more = connection.recv(4096)
        if not more:
            return b""
        data += more
    return data


def page(body: bytes = b"", status: str = "200 OK", **headers: str) -> bytes:
    """An answer with its length; ``Content_Encoding="gzip"`` adds a header."""
    lines = {"Content_Length": str(len(body)), **headers}
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body


def moved(target: str, status: str = "302 Found") -> bytes:
    return page(status=status, Location=target)


def endless(*, head: bytes = b"", part: bytes = b"x", pause: float = 0.0) -> Callable[[socket.socket], None]:
    """An answer that begins with ``head`` and goes on with ``part`` until nobody listens."""

    def answer(connection: socket.socket) -> None:
        connection.sendall(head)
        for _ in range(1_000_000):
            connection.sendall(part)
            time.sleep(pause)

    return answer
