"""A terminal on which somebody types an answer."""

from __future__ import annotations

import io
import sys

import pytest


class Terminal(io.TextIOWrapper):
    def __init__(self, text: str = "") -> None:
        self._bytes = io.BytesIO(text.encode())
        super().__init__(self._bytes, "utf-8", write_through=True)

    def isatty(self) -> bool:
        return True

    def getvalue(self) -> str:
        return self._bytes.getvalue().decode()


def answers(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(text))
