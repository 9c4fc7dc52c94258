"""A store with one CA in it, and the hook run on it in an interpreter that has imported nothing yet."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import ModuleType

import pytest
import requests
import trustme
from support.hook_store import Hook, Store, authority, hashed, imports, unstarted

import certboot_startup
from certboot_startup import GUARDED


@pytest.fixture
def anchor() -> trustme.CA:
    """The CA in the store."""
    return authority()


@pytest.fixture
def store(reachable: Path, anchor: trustme.CA) -> Store:
    """A store with this one CA, in both forms."""
    made = Store(reachable / "store")
    (made.crts / "9d66eef0.0").unlink()
    hashed(made.crts, anchor)
    made.bundle.write_bytes(anchor.cert_pem.bytes())
    for path in (made.crts, made.bundle, made.manifest):
        os.utime(path, (1_700_000_000, 1_700_000_000 + len(path.name)))  # the manifest last, as it is written
    return made


@pytest.fixture
def hook(store: Store, monkeypatch: pytest.MonkeyPatch) -> Hook:
    """Run the hook on the store, in an interpreter that has imported none of GUARDED."""

    def run(*, recorded: str = "", **environ: str) -> str:
        unstarted(monkeypatch)
        monkeypatch.setattr(requests, "sessions", requests.sessions)
        for name in (*GUARDED, "certifi"):
            monkeypatch.delitem(sys.modules, name, raising=False)
        environ = {"CERTBOOT_HOME": str(store.home), **environ}
        for name in (*store.settings, "CERTBOOT_GUARDS", "CERTBOOT_HINTS", "CERTBOOT_DISABLE"):
            monkeypatch.setenv(name, "")  # what the hook sets goes when the test ends
            monkeypatch.delenv(name)
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        certboot_startup.activate(recorded)
        return certboot_startup.status

    return run


@pytest.fixture
def guarded_ssl(hook: Hook) -> ModuleType:
    assert hook() == "active"
    module: ModuleType = imports("ssl")
    assert certboot_startup.guarded["ssl"] == "applied"
    return module
