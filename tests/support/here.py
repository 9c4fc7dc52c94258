"""A machine and a user of a test's own for the doctor: no settings file of the real ones is seen."""

from __future__ import annotations

from pathlib import Path

import pytest

import certboot_startup
from certboot.clients.settings_places import Surroundings
from certboot.doctor.environment import check
from certboot.doctor.finding import Finding
from certboot.store.paths import StorePaths

_OWN = {"GIT_CONFIG_NOSYSTEM": "1", "npm_config_globalconfig": "/nowhere/npmrc"}


def alone(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Path:
    """Let the doctor see no settings but those of HOME, ``folder/project`` (where the user stands) and its root."""
    project, root = folder / "project", folder / "root"
    project.mkdir()
    root.mkdir()
    monkeypatch.setattr(check, "surroundings", lambda environ: Surroundings({**environ, **_OWN}, project, root))
    monkeypatch.setattr("certboot.clients.settings_places._account_home", list)
    monkeypatch.setattr(certboot_startup, "applied", {})
    return project


def found(paths: StorePaths, environ: dict[str, str]) -> list[Finding]:
    """Return what is wrong, or to be known, in an environment, but for the variables that are not set."""
    quiet = ("variables-unset", "variable-not-applied", "certifi-altered", "certifi-replaced")
    return [each for each in check.check(paths, environ) if each.id not in quiet and each.status != "ok"]


def put(path: Path, text: str | bytes) -> Path:
    """Write a file, and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path
