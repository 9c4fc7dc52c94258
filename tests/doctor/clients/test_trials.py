"""How a real client fails is told apart by a real server: at its certificate, at its answer, or before either."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.chains import CA, make, on_server
from support.environments import SYSTEM_PATH
from support.faults import Listener, server_context, silent
from support.table import cases

from certboot.clients.table import CLIENTS
from certboot.clients.trials import trial
from certboot.doctor.clients import trials

Trust = Callable[..., Path]
PATH = os.pathsep.join((str(Path(sys.executable).parent), SYSTEM_PATH))
JSON = "application/vnd.pypi.simple.v1+json"
ANSWERS = {
    "no type": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "a type that is no text": b"HTTP/1.1 200 OK\r\nContent-Type: \xff\r\nContent-Length: 0\r\n\r\n",
    "another type": b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n\r\n",
    "no JSON": f"HTTP/1.1 200 OK\r\nContent-Type: {JSON}\r\nContent-Length: 1\r\n\r\nx".encode(),
    "an empty page": b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n",
    "400": b"HTTP/1.1 400 no\r\nContent-Length: 0\r\n\r\n",
    "401": b"HTTP/1.1 401 no\r\nContent-Length: 0\r\n\r\n",
    "404": b"HTTP/1.1 404 no\r\nContent-Length: 0\r\n\r\n",
    "500": b"HTTP/1.1 500 no\r\nContent-Length: 0\r\n\r\n",
    "no HTTP": b"SSH-2.0-OpenSSH\r\n",
    "nothing": b"",
}
ROOT = make("Corp Root", form=CA)
CONTEXT = server_context(on_server(make("localhost", ROOT)))


@pytest.fixture
def uv(listen: Callable[..., Listener], tmp_path: Path) -> Callable[..., str]:
    """Let uv talk to a server that answers like this, or to this port."""
    if not shutil.which("uv", path=PATH):
        pytest.skip("uv is not here")
    (client,) = (client for client in CLIENTS if client.name == "uv")

    def verdict(anchors: Path, answer: bytes = b"", port: int = 0) -> str:
        def talk(connection: socket.socket) -> None:
            with CONTEXT.wrap_socket(connection, server_side=True) as secure:
                if secure.recv(4096):
                    secure.sendall(answer)

        tried = trial(client, "localhost", port or listen(talk).port)
        assert tried
        environ = {"PATH": PATH, "HOME": str(tmp_path), "SSL_CERT_FILE": str(anchors)}
        return trials.attempt(client, tried, environ, str(tmp_path))[0]

    return verdict


@cases("answer", ANSWERS.values())
def test_whatever_uv_hears_shows_that_it_got_past_tls(uv: Callable[..., str], trust: Trust, answer: bytes) -> None:
    assert uv(trust(ROOT), answer) == "accepted"


def test_what_uv_does_not_get_past_is_told_apart(
    uv: Callable[..., str], trust: Trust, listen: Callable[..., Listener]
) -> None:
    assert uv(trust(make("Another Root", form=CA)), ANSWERS["404"]) == "refused"
    gone = listen(silent)
    gone.close()
    assert uv(trust(ROOT), port=gone.port) == "unknown"
