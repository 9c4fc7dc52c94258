"""An HTTP server on loopback, port 0, that answers byte for byte what a test wants: as a CA does, or as an attacker."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Mapping

Answer = bytes | Callable[[socket.socket], None]


class PlainServer:
    """Answers each GET with what ``pages`` holds for its path, and 404 for what it does not hold."""

    def __init__(self, pages: Mapping[str, Answer] | None = None) -> None:
        self.pages: dict[str, Answer] = dict(pages or {})
        self.requests: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    @property
    def asked(self) -> list[str]:
        """The targets that were asked for, in order."""
        return [request.split(" ")[1] for request in self.requests]

    def close(self) -> None:
        for connection in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._open.append(connection)
                self._threads.append(threading.Thread(target=self._serve, args=(connection,)))
                self._threads[-1].start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            request = b""
            while not request.endswith(b"\r\n\r\n"):
                more = connection.recv(4096)
                if not more:
                    return
                request += more
            self.requests.append(request.decode())
            answer = self.pages.get(self.asked[-1], page(status="404 Not Found"))
            if callable(answer):
                answer(connection)
            else:
                connection.sendall(answer)


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
