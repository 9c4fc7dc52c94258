"""A virtualenv in which a hook can be put, and no waiting where nothing else starts meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.virtualenvs import virtualenv

from certboot.hook import install


@pytest.fixture
def venv(tmp_path: Path) -> Path:
    return virtualenv(tmp_path / "venv")


@pytest.fixture(autouse=True)
def _no_grace(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "at_once" not in request.node.name:
        monkeypatch.setattr(install, "_GRACE_SECONDS", 0)
