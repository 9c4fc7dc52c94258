"""A terminal on which somebody types an answer, and what is told on one."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable

import pytest

from certboot.cli.layout import Form, Line, laid_out
from certboot.cli.terminal import rows


class Terminal(io.TextIOWrapper):
    def __init__(self, text: str = "") -> None:
        self._bytes = io.BytesIO(text.encode())
        super().__init__(self._bytes, "utf-8", write_through=True)

    def isatty(self) -> bool:
        return True

    def getvalue(self) -> str:
        return self._bytes.getvalue().decode()


def told(lines: Iterable[str | Line], width: int = 0) -> list[str]:
    """What is shown for these lines, where nobody wants colours."""
    shown = (laid_out(row, Form(width)) for line in lines for row in rows(line, width))
    return "\n".join(shown).split("\n")


def answers(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(text))
