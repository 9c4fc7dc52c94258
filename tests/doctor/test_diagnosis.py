"""``certboot.diagnose``: what ``certboot doctor HOST --json`` says, as values, and whatever the server does."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import pickle
import re
import socket
import typing
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.asking import Ask, Listen, Trust
from support.environments import ROOT
from support.faults import plain_http, tls
from support.pki import CA, LEAF, changed, make
from support.snapshot import snapshot
from support.table import cases
from support.zoo import GOOD, ZOO, Chain

import certboot
from certboot.cli.report.json import doctor_json
from certboot.clients.table import CLIENTS
from certboot.errors import CertbootError
from certboot.pki.certificate import load_certificate

PRESENT = "certboot.doctor.clients.verdicts.present_clients"
Serve = Callable[[Chain], str]


@pytest.fixture
def at(listen: Listen, trust: Trust) -> Serve:
    """Start a server that sends this chain, whose root is trusted, and return its HOST:PORT."""

    def start(chain: Chain) -> str:
        trust(*chain.trusted)
        return f"localhost:{listen(tls(chain.context())).port}"

    return start


@pytest.fixture
def unused() -> str:
    """An address on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"127.0.0.1:{listener.getsockname()[1]}"


def states(diagnosis: certboot.Diagnosis) -> list[tuple[str, str]]:
    links: tuple[certboot.Link, ...] = diagnosis.path
    return [(link.state, link.fault) for link in links]


def same(ask: Ask, target: str, *options: str, **arguments: typing.Any) -> certboot.Diagnosis:  # noqa: ANN401
    """Return the diagnosis, which says what the command says at the same time."""
    diagnosis, answer = certboot.diagnose(target, **arguments), ask("hook", target, *options)
    assert (diagnosis.target, diagnosis.cause and diagnosis.cause.id) == (target, answer.primary)
    assert diagnosis.ok == (answer.status == 0)
    assert json.loads(doctor_json(diagnosis.findings))["findings"] == answer.findings
    assert [list(argv) for argv in diagnosis.remedies] == [argv for each in answer.findings for argv in each["fix"]]
    evidence = answer.first["evidence"]
    assert [certificate.fingerprint for certificate in diagnosis.chain] == [
        certificate["fingerprint"] for certificate in evidence["chain"]
    ]
    assert states(diagnosis) == [(link["state"], link["fault"]) for link in evidence.get("path", ())]
    assert [verdict.code for verdict in diagnosis.verdicts] == [verdict["code"] for verdict in evidence["verdicts"]]
    return diagnosis


def test_a_good_server_is_ok_and_its_chain_is_there(ask: Ask, at: Serve) -> None:
    diagnosis = same(ask, at(GOOD))
    assert (diagnosis.ok, diagnosis.cause, diagnosis.remedies) == (True, None, ())
    (trust,) = diagnosis.trusts
    assert (trust.clients, trust.code, trust.counted, trust.cause, trust.fix) == (("urllib",), 0, True, "", ())
    assert {diagnosis: 1}[pickle.loads(pickle.dumps(diagnosis))]  # noqa: S301 - our own
    assert repr(diagnosis).count(GOOD.leaf.sha256) == 2  # in chain and path
    assert [certificate.der for certificate in diagnosis.chain] == [GOOD.leaf.der, *(one.der for one in GOOD.sent)]
    leaf: certboot.PresentedCertificate = diagnosis.chain[0]
    assert (leaf.not_before, leaf.not_after) == tuple(load_certificate(GOOD.leaf.der).validity)
    assert states(diagnosis) == [("sent", ""), ("sent", ""), ("trusted", "")]


@cases(
    ("cause", "remedy", "last"),
    [
        ("missing-intermediate", "repair", ("missing", "missing-intermediate")),
        ("untrusted-root", "trust", ("sent", "untrusted-root")),
        ("expired-leaf", "", ("trusted", "")),
        ("hostname-mismatch", "", ("trusted", "")),
    ],
)
def test_what_is_wrong_with_a_chain_is_the_cause_of_each_trust(
    ask: Ask, at: Serve, cause: str, remedy: str, last: tuple[str, str]
) -> None:
    target = at(ZOO[cause][2]())
    diagnosis = same(ask, target)
    assert diagnosis.cause
    assert (diagnosis.cause.id, diagnosis.cause.status, diagnosis.ok) == (cause, "fail", False)
    assert states(diagnosis)[-1] == last
    (trust,) = diagnosis.trusts
    assert (trust.cause, trust.fix, trust.code) == (cause, diagnosis.cause.fix, ZOO[cause][3])
    assert ("certboot", remedy, target) in trust.fix or not remedy
    # There is no store: what needs one is done after one is made.
    assert diagnosis.remedies[:1] == ((("certboot", "init"),) if remedy == "repair" else diagnosis.remedies[:1])


def test_each_of_two_trusts_has_its_own_cause(at: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(PRESENT, lambda _: {client: "1" for client in CLIENTS if client.name in ("requests", "urllib")})
    target = at(GOOD)  # of which the standard library trusts the root
    (tmp_path / "elsewhere.pem").write_bytes(make("Another Root", form=CA).pem)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "elsewhere.pem"))
    diagnosis = certboot.diagnose(target)
    trusts: tuple[certboot.Trust, ...] = diagnosis.trusts
    assert [(trust.clients, trust.cause, trust.places) for trust in trusts] == [
        (("requests",), "untrusted-root", ("REQUESTS_CA_BUNDLE",)),
        (("urllib",), "", ("SSL_CERT_FILE",)),
    ]
    assert diagnosis.cause
    assert (diagnosis.cause.id, diagnosis.cause.fix) == (trusts[0].cause, trusts[0].fix)


def test_without_a_chain_there_is_a_cause_all_the_same(ask: Ask, listen: Listen, unused: str) -> None:
    plain = f"localhost:{listen(plain_http).port}"
    for target, cause in ((unused, "connection-refused"), (plain, "plain-http")):
        diagnosis = same(ask, target)
        assert diagnosis.cause
        assert (diagnosis.cause.id, diagnosis.trusts, diagnosis.chain, diagnosis.path) == (cause, (), (), ())


@cases(
    ("target", "options", "words"),
    [
        ("", {}, "not a host"),
        (None, {}, "not a host"),
        (443, {}, "not a host"),  # ipaddress takes it for 0.0.1.187
        (b"host", {}, "not a host"),  # and this for 104.111.115.116
        ("localhost", {"connect": b"host"}, "not a host"),
        ("two words", {}, "not a host"),
        ("localhost:99999", {}, "not a host"),
        ("http://localhost", {}, "neither TLS nor a port"),
        ("localhost", {"starttls": "gopher"}, "not a protocol"),
        ("localhost", {"connect": ""}, "not a host"),
        ("localhost", {"servername": ":1"}, "not a host"),
        ("localhost", {"timeout": 0}, "not a number of seconds"),
        ("localhost", {"timeout": float("nan")}, "not a number of seconds"),
        ("https://u:secretpw@localhost:99999/", {}, "not a host"),
    ],
)
def test_what_names_no_server_is_refused_with_a_hint(
    target: typing.Any,  # noqa: ANN401
    options: dict[str, typing.Any],
    words: str,
) -> None:
    with pytest.raises(CertbootError, match=words) as refused:
        certboot.diagnose(target, **options)
    assert refused.value.hint
    assert "secretpw" not in f"{refused.value.message} {refused.value.hint}"


def test_what_breaks_in_certboot_itself_is_a_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> typing.NoReturn:
        raise ZeroDivisionError("by \x1b[2J\nhint: zero")  # what breaks on a server's word may hold it

    monkeypatch.setattr("certboot.doctor.server.check.check", broken)
    cause: certboot.Finding | None = certboot.diagnose("localhost").cause
    assert cause
    assert (cause.id, cause.status, cause.summary) == (
        "check-not-finished",
        "error",
        "ZeroDivisionError: by \ufffd[2J\ufffdhint: zero",
    )


@pytest.mark.usefixtures("one_client")
def test_it_leaves_no_trace_and_warnings_are_remarks(
    at: Serve, clean: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    target, before = at(ZOO["leaf without AKI"][2]()), snapshot(clean)
    environ = dict(os.environ)
    monkeypatch.chdir(clean)
    diagnosis = certboot.diagnose(target)
    (finding,) = diagnosis.remarks or (diagnosis.cause,)  # as this Python goes by the letter of RFC 5280 or not
    assert finding
    assert (finding.id, diagnosis.ok) == ("strict-missing-aki", finding.status == "warn")
    assert (snapshot(clean), dict(os.environ), tuple(capfd.readouterr())) == (before, environ, ("", ""))


def texts(value: object) -> Iterator[str]:
    """Yield every text in a value."""
    if isinstance(value, str):
        yield value
    members = vars(value).values() if dataclasses.is_dataclass(value) else value if isinstance(value, tuple) else ()
    for member in members:
        yield from texts(member)


@pytest.mark.usefixtures("one_client")
def test_what_a_stranger_says_can_be_printed(at: Serve) -> None:
    evil = changed(CA, organisation="O\nhint: \x1b[2J")
    top = make("Root\x1b]0;x\x07", form=evil)
    for form in (LEAF, changed(LEAF, names=("\x1b[1m.example",), issuer_at="http://h/\x1b[1m")):
        leaf = make("\x9b\u202eleaf", make("CA\nhint: rm", top, evil), changed(form, organisation="O\nhint: \x1b[2J"))
        diagnosis = certboot.diagnose(at(Chain(leaf, (), (top,))))
        said = [line for text in texts(diagnosis) for line in text.split("\n")]
        assert "\N{REPLACEMENT CHARACTER}" in "".join(said)
        assert [line for line in said if not line.isprintable() or line.startswith("hint")] == []


@pytest.mark.usefixtures("one_client")
def test_threads_and_a_running_loop_may_ask(at: Serve, unused: str) -> None:
    target = at(ZOO["missing-intermediate"][2]())

    async def ask() -> list[certboot.Diagnosis]:
        return [certboot.diagnose(target), *await asyncio.gather(*[asyncio.to_thread(certboot.diagnose, target)] * 2)]

    with ThreadPoolExecutor(8) as pool:
        diagnoses = [*pool.map(certboot.diagnose, [target, unused] * 4), *asyncio.run(ask())]
    causes = [diagnosis.cause.id for diagnosis in diagnoses if diagnosis.cause]
    assert causes == ["missing-intermediate", "connection-refused"] * 4 + ["missing-intermediate"] * 3


def test_the_way_to_the_server_is_that_of_the_command(ask: Ask, at: Serve) -> None:
    connect = at(GOOD)
    options = ("--connect", connect, "--servername", "localhost")
    assert same(ask, "intranet.example:443", *options, connect=connect, servername="localhost").ok
    assert not same(ask, "intranet.example:443", "--connect", connect, connect=connect).ok


def test_the_docs_name_what_there_is() -> None:
    section = (ROOT / "docs" / "how-it-works.md").read_text("utf-8").partition("## For programs")[2]
    told = set(re.findall(r"`(\w+)`", section))
    inner = {"locations", "rules"}, {"strict", "version"}, {"group", "evidence", "here", "examination"}
    for kind in (getattr(certboot, name) for name in certboot.__all__ if name[0].isupper()):
        names = {kind.__name__, *(member.name for member in dataclasses.fields(kind))}
        assert names - told in (set(), *inner)


def test_the_example_of_the_docs_runs_and_shows_what_is_wrong(at: Serve, capsys: pytest.CaptureFixture[str]) -> None:
    page = (ROOT / "docs" / "how-it-works.md").read_text("utf-8")
    _, _, code = page.partition("## For programs")[2].partition("```python\n")
    code = code.partition("```")[0]
    assert len(code.splitlines()) <= 12
    target = at(ZOO["missing-intermediate"][2]())
    exec(code.replace("intranet.example", target), {})  # noqa: S102 - our own
    out = capsys.readouterr().out
    for words in (
        "missing-intermediate",
        "urllib",
        "sent     CN=localhost",
        "missing  CN=Corp Issuing CA",
        f"$ certboot repair {target}\n",
    ):
        assert words in out
