"""Stores that commands are run on, and servers that commands are run against."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme
from support import report
from support.commands import Run
from support.pki import Issued, issue
from support.server import TlsServer
from support.small_ccadb import REPORTS

from certboot.sources import certifi
from certboot.store.paths import StorePaths


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    """The three reports of the CCADB, as ``--from`` takes them."""
    return report.save(REPORTS.bodies(), tmp_path / "reports")


@pytest.fixture
def full(certboot: Run, paths: StorePaths, reports: Path) -> StorePaths:
    """A store with everything: generation 1."""
    every = "certifi,system,ccadb"
    assert certboot("init", "--source", every, "--intermediates", "--from", reports).status == 0
    return paths


@pytest.fixture
def site(
    ca: trustme.CA, ca_file: Path, serve: Callable[..., TlsServer], monkeypatch: pytest.MonkeyPatch
) -> tuple[TlsServer, Issued]:
    """An https server with a company CA, whom certifi's own file lets us believe."""
    monkeypatch.setattr(certifi, "path", lambda: ca_file)
    corp = issue("Corp")
    return serve(ca.issue_cert("localhost"), pages={"/corp.pem": corp.pem}), corp


@pytest.fixture
def gone() -> Iterator[str]:
    """A host that refuses."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{bound.getsockname()[1]}"
