"""The remedies of every fault of a chain, followed to their end: a good handshake, or what only others can do."""

from __future__ import annotations

import json
import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.asking import Listen
from support.commands import Run
from support.faults import tls
from support.pki import CA, LEAF, Issued, make
from support.server import PlainServer, page
from support.table import cases
from support.zoo import ANOTHER, ZOO, Chain, changed

from certboot.store.paths import StorePaths

# Roots that are neither sent nor known. By its name the one is not told from an intermediate, and the other is.
ISSUING, ROOT = make("Corp Issuing CA", form=CA), make("Corp Root", form=CA)
NOWHERE = "http://127.0.0.1:1/ca.cer"


def hidden(root: Issued, at: str = "") -> Chain:
    return Chain(make("localhost", root, changed(LEAF, issuer_at=at)), (), (ANOTHER,))


@dataclass
class Walker:
    """Who does as the doctor says, and asks the company for the file of its CA where that is said."""

    certboot: Run
    listen: Listen
    folder: Path
    paths: StorePaths
    monkeypatch: pytest.MonkeyPatch

    def ends_well(self, made: Chain, company: Issued | None) -> bool:
        """Walk, run no command twice, and return whether the handshake is good at the end, or others have to act."""
        (self.folder / "trusted.pem").write_bytes(b"".join(root.pem for root in made.trusted))
        if self.certboot("init", "--add", self.folder / "trusted.pem").status:  # nobody may trust that root
            assert self.certboot("init").status == 0
        self.monkeypatch.setenv("SSL_CERT_FILE", str(self.paths.current / "bundle.pem"))
        self.monkeypatch.setenv("SSL_CERT_DIR", str(self.paths.current / "crts"))
        server = f"localhost:{self.listen(tls(made.context())).port}"
        pin = company.sha256 if company else made.sent[-1].sha256 if made.sent else ""
        past: list[list[str]] = []
        for finding in self._findings(server):
            said, succeeded = [finding["summary"]], bool(finding["fix"])
            for argv in finding["fix"]:
                assert argv not in past, "a circle"
                past.append(argv)
                ran = self.certboot(*argv[1:], *_answers(argv[1], pin))
                said.append(ran.out + ran.err)
                succeeded &= ran.status == 0
            if succeeded:
                continue
            words = "\n".join(said)
            if company and f"certboot trust {server}" in words:
                assert self.certboot("trust", server, *_answers("trust", pin)).status == 0
            elif company and "certboot trust FILE" in words:
                (self.folder / "company.pem").write_bytes(company.pem)
                assert self.certboot("trust", "--yes", self.folder / "company.pem").status == 0
            else:
                assert finding["evidence"]["operator"]
                return False
            company = None
        return True

    def _findings(self, server: str) -> Iterator[dict[str, typing.Any]]:
        """Ask the doctor again and again, until all is well."""
        while True:
            answer = json.loads(self.certboot("doctor", server, "hook", "--json").out)
            finding = next(finding for finding in answer["findings"] if finding["group"] == "server")
            if finding["status"] == "ok":
                return
            yield finding


def _answers(command: str, pin: str) -> tuple[str, ...]:
    answers = {"repair": ("--yes", "--allow-private"), "trust": ("--yes", "--allow-private", "--sha256", pin)}
    return answers.get(command, ())


@pytest.fixture
def walker(
    certboot: Run,
    listen: Listen,
    tmp_path: Path,
    paths: StorePaths,
    one_client: None,
    monkeypatch: pytest.MonkeyPatch,
) -> Walker:
    del one_client
    return Walker(certboot, listen, tmp_path, paths, monkeypatch)


@cases("make_chain", [row[2] for row in ZOO.values()], ids=tuple(ZOO))
def test_it_ends(walker: Walker, monkeypatch: pytest.MonkeyPatch, make_chain: Callable[[], Chain]) -> None:
    walker.monkeypatch = monkeypatch
    walker.ends_well(make_chain(), None)


@cases("root", [ISSUING, ROOT], ids=["looks like an intermediate", "looks like a root"])
@cases("at", ["", NOWHERE, "/ca"], ids=["lies nowhere", "cannot be had", "can be fetched"])
def test_a_hidden_root_of_a_company_ends_well(
    walker: Walker, monkeypatch: pytest.MonkeyPatch, place: PlainServer, root: Issued, at: str
) -> None:
    walker.monkeypatch = monkeypatch
    place.pages["/ca"] = page(root.der)
    assert walker.ends_well(hidden(root, f"{place.url}/ca" if at == "/ca" else at), root)
