from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest


@pytest.fixture
def silent_resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A name server that does not answer while the test lasts; an address needs none."""
    over = threading.Event()

    def resolve(*_: object, flags: int = 0, **__: object) -> list[object]:
        if flags & socket.AI_NUMERICHOST:
            raise socket.gaierror
        over.wait(10)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    yield
    over.set()
