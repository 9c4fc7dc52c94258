"""A real HTTPS server on loopback, port 0, in a thread of this process."""

from __future__ import annotations

import ssl
import threading
import typing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

if typing.TYPE_CHECKING:
    from collections.abc import Mapping

    import trustme


class TlsServer:
    """Answers every GET with what ``pages`` holds for its path, else with ``ok``."""

    def __init__(self, leaf: trustme.LeafCert, pages: Mapping[str, bytes] | None = None) -> None:
        self.pages = dict(pages or {})
        self._server = _Server(("127.0.0.1", 0), _handler(self.pages))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        leaf.configure_cert(context)
        # The handshake waits until the connection has a thread of its own.
        self._server.socket = context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )  # fmt: skip
        self.port: int = self._server.server_address[1]
        self.url = f"https://localhost:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Say nothing: clients that refuse the certificate are what the tests are about."""


def _handler(pages: Mapping[str, bytes]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 20

        def do_GET(self) -> None:
            body = pages.get(self.path.split("?")[0], b"ok")
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Type", "text/html" if body.startswith(b"<") else "application/octet-stream")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Keep the test output clean."""

    return Handler
