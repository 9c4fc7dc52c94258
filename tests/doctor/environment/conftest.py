"""What the tests of the environment start from."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.here import alone, put
from support.snapshot import roots


@pytest.fixture(autouse=True)
def project(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder in which the user stands, on a machine without settings."""
    return alone(monkeypatch, tmp_path)


@pytest.fixture
def good(tmp_path: Path) -> str:
    """A good file, which lacks one of the store's anchors."""
    return str(put(tmp_path / "good.pem", roots()[0].pem + roots()[1].pem))


@pytest.fixture
def whole(tmp_path: Path) -> str:
    """A file with all anchors of the store."""
    return str(put(tmp_path / "whole.pem", b"".join(root.pem for root in roots())))
