"""A stand-in is a remedy where strict verification alone refuses, and was tried with the chain that came."""

from __future__ import annotations

import json
import typing
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from support.commands import Run, saved
from support.issuers import Send
from support.pki import CA, LEAF, Form, changed, make
from support.table import cases

from certboot.store.paths import StorePaths

FAULTY = changed(CA, critical=False, usage=False)
CONSTRAINED = ((x509.NameConstraints([x509.DNSName("localhost")], None), True),)
COPY = "for yours: a stand-in, a copy of the root in that form, tried with this chain"


Finding = dict[str, typing.Any]
Doctor = Callable[..., tuple[str, Finding]]


@pytest.fixture
def doctor(certboot: Run, paths: StorePaths, tmp_path: Path, send: Send, monkeypatch: pytest.MonkeyPatch) -> Doctor:
    """Have the doctor look at a server below a new root in the store: ``doctor(root, middle, leaf)``."""

    def run(root: Form, middle: Form | None = None, leaf: Form = LEAF) -> tuple[str, Finding]:
        top = make("Root", form=root)
        above = [] if middle is None else [make("Middle", top, middle)]
        host = send(make("localhost", above[0] if above else top, leaf), *above).shown
        assert certboot("init", "--add", saved(tmp_path / "root.pem", top)).status == 0
        monkeypatch.setenv("SSL_CERT_FILE", str(paths.current / "bundle.pem"))
        return host, first(certboot, host)

    return run


def first(certboot: Run, host: str) -> Finding:
    findings = json.loads(certboot("doctor", "hook", host, "--json").out)["findings"]
    server: Finding = next(finding for finding in findings if finding["group"] == "server")
    return server


@pytest.mark.usefixtures("one_client")
@cases(("forms", "is_fix"), [
    ((FAULTY,), True),
    ((changed(FAULTY, ski=False, path_length=0),), True),
    ((changed(FAULTY, extra=CONSTRAINED), CA), True),  # an intermediate alone would let its limit be overlooked
    ((FAULTY, CA), False),  # the intermediate has no fault: repair stores it
])  # fmt: skip
def test_it_is_named_after_a_new_certificate_and_mends_what_it_is_named_for(
    certboot: Run, doctor: Doctor, forms: tuple[Form, ...], *, is_fix: bool
) -> None:
    host, finding = doctor(*forms)
    lines = finding["summary"].split("\n")
    assert finding["id"].startswith("strict-")
    command = ["certboot", "trust", host, "--stand-in"]
    tail = "" if is_fix else f": {' '.join(command)}"
    named = lines.index(f"{COPY}{tail}")
    (anew,) = [at for at, line in enumerate(lines) if "its issuer can issue it anew" in line]
    assert anew < named == len(lines) - (1 if is_fix else 2)
    assert (command in finding["fix"]) is is_fix
    assert certboot(*command[1:], "--yes").status == 0
    assert first(certboot, host)["id"] == "handshake-ok"
    assert "Root in the store is a stand-in for" in certboot("doctor", "hook", host).out


@pytest.mark.usefixtures("one_client")
@cases(("forms", "words"), [
    ((FAULTY, None, changed(LEAF, aki=False)), "a stand-in for Root would not help: 85 "),
    ((FAULTY, changed(CA, aki=False)), "a stand-in for Root would not help: 85 "),
    ((FAULTY, changed(CA, critical=False)), "a stand-in for Root would not help: 89 "),
    ((changed(FAULTY, constraints=False, usage=True),), "Root: no stand-in for it, it has no basic constraints"),
    ((CA, changed(CA, critical=False)), ""),  # nothing is wrong with the root
])  # fmt: skip
def test_where_it_would_not_help_that_is_said_and_nothing_is_offered(
    certboot: Run, doctor: Doctor, forms: tuple[Form, ...], words: str
) -> None:
    host, finding = doctor(*forms)
    summary = finding["summary"]
    assert finding["id"].startswith("strict-")
    assert words in summary
    assert (bool(words), COPY in summary) == ("stand-in" in summary, False)
    assert ["certboot", "trust", host, "--stand-in"] not in finding["fix"]
    assert certboot("trust", host, "--stand-in", "--yes").status == 2


@pytest.mark.usefixtures("one_client")
def test_a_ca_that_certifi_has_gets_none(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("certboot.store.stand_ins.public_cas", lambda _=(): Everybody())
    _, finding = doctor(FAULTY)
    assert "Root: no stand-in for it, it is a public CA" in finding["summary"]


class Everybody(frozenset[str]):
    def __contains__(self, _: object) -> bool:
        return True
