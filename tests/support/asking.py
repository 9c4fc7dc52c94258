"""What the tests of the doctor share: servers of every kind, and a way to ask about them."""

from __future__ import annotations

import json
import typing
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.pki import Made
from support.server import Listener

from certboot.clients.table import CLIENTS

if typing.TYPE_CHECKING:
    from support.environments import Ran

STANDARD_LIBRARY = next(client for client in CLIENTS if client.name == "urllib")
SCHEMA = Path(__file__).parents[2] / "src" / "certboot" / "cli" / "report" / "doctor.schema.json"


@dataclass(frozen=True)
class Answer:
    """What the doctor said of a server."""

    status: int
    primary: str | None
    findings: list[dict[str, typing.Any]]
    """Those of the group ``server``."""

    @property
    def first(self) -> dict[str, typing.Any]:
        return self.findings[0]

    @property
    def ids(self) -> list[str]:
        return [finding["id"] for finding in self.findings]


Ask = Callable[..., Answer]
Listen = Callable[..., Listener]
Trust = Callable[..., Path]
"""The fixtures ``ask``, ``listen`` and ``trust``."""


@pytest.fixture
def one_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the standard library be the only client that is here, so that each fault has one verdict."""
    monkeypatch.setattr("certboot.doctor.clients.verdicts.present_clients", lambda _: {STANDARD_LIBRARY: "3"})


@pytest.fixture
def ask(certboot: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch, one_client: None) -> Callable[..., Answer]:
    """Ask the doctor about a server, or about a chain, and see that the JSON is as its schema has it."""
    from jsonschema import Draft202012Validator

    del one_client
    schema = json.loads(SCHEMA.read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    monkeypatch.setattr("certboot_startup.status", "active")  # so that the exit status is that of the server

    def run(*argv: str | Path) -> Answer:
        ran = certboot("doctor", *argv, "--json")
        assert ran.err == ""
        document = json.loads(ran.out)
        Draft202012Validator(schema).validate(document)
        assert ran.out.isascii()
        findings = [finding for finding in document["findings"] if finding["group"] == "server"]
        others = [finding for finding in document["findings"] if finding["group"] != "server"]
        failed = {finding["status"] for finding in findings} & {"fail", "error"}
        if not any(finding["status"] in ("fail", "error") for finding in others):
            assert ran.status == (2 if "error" in failed else int(bool(failed)))
        if document["primary"] is None:
            assert findings[0]["status"] in ("ok", "warn")
        else:
            assert findings[0]["id"] == document["primary"]
        return Answer(ran.status, document["primary"], findings)

    return run


@pytest.fixture
def trust(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Path]:
    """Make these certificates the active trust."""

    def set_to(*anchors: Made) -> Path:
        path = tmp_path / "anchors.pem"
        path.write_bytes(b"".join(anchor.pem for anchor in anchors))
        monkeypatch.setenv("SSL_CERT_FILE", str(path))
        monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "no-directory"))
        return path

    return set_to
