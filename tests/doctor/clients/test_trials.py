"""Clients are let loose on a host: what a real one makes of a real server, and how its failures are told apart."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme
from support.asking import Listen, Trust
from support.commands import Run
from support.environments import SYSTEM_PATH
from support.faults import server_context, silent
from support.pki import CA, make, on_server
from support.server import TlsServer
from support.snapshot import assert_refused
from support.table import cases

from certboot.clients.installed import present_clients
from certboot.clients.table import CLIENTS
from certboot.clients.trials import Trial, trial
from certboot.doctor.clients import trials
from certboot.doctor.finding import Finding
from certboot.store.paths import StorePaths

BY_NAME = {client.name: client for client in CLIENTS}
PATH = os.pathsep.join((str(Path(sys.executable).parent), SYSTEM_PATH))
ROOT = make("Corp Root", form=CA)
CONTEXT = server_context(on_server(make("localhost", ROOT)))


@pytest.fixture
def tried(paths: StorePaths, clean: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Finding]]:
    """What is told of these clients, which are here, when they are tried on a port of this computer."""

    def run(*names: str, port: int = 1, reached: bool = True, **environ: str) -> dict[str, Finding]:
        monkeypatch.setattr(trials, "present_clients", lambda _: {BY_NAME[name]: "1.0" for name in names})
        environ = {"PATH": os.environ["PATH"], "HOME": str(clean), "CERTBOOT_DISABLE": "1", **environ}
        findings = trials.check(paths, environ, "localhost", port, reached=reached)
        return {finding.subject: finding for finding in findings}

    return run


def test_a_client_is_tried_for_real(
    serve: Callable[..., TlsServer], ca: trustme.CA, ca_file: Path, tried: Callable[..., dict[str, Finding]]
) -> None:
    names = ("urllib", "openssl", "pymongo")
    server = serve(ca.issue_cert("localhost"))
    refused = tried(*names, port=server.port)
    assert {name: (finding.id, finding.status) for name, finding in refused.items()} == {
        "urllib": ("client-refuses-host", "fail"),
        "openssl": ("client-refuses-host", "fail"),
        "pymongo": ("client-untried", "skip"),
    }
    assert "certificate verify failed" in refused["urllib"].summary
    accepted = tried(*names, port=server.port, SSL_CERT_FILE=str(ca_file))
    assert [accepted[name].id for name in ("urllib", "openssl")] == ["client-accepts-host"] * 2
    server.close()
    for reached, status in ((True, "warn"), (False, "skip")):  # where the doctor has got no answer, it is told there
        finding = tried("urllib", port=server.port, reached=reached)["urllib"]
        assert (finding.id, finding.status) == ("client-trial-failed", status)


def test_a_refusal_is_a_failure_of_what_certboot_means_to_reach_and_the_others_have_their_way(
    tried: Callable[..., dict[str, Finding]], clean: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trials, "attempt", lambda *_: ("refused", "certificate verify failed"))
    settings = clean / ".config/pip/pip.conf"
    settings.parent.mkdir(parents=True)
    settings.write_text("[global]\ncert = /own.pem\n")
    refused = tried("requests", "urllib", "curl", "wget", "pip", "cargo")
    assert {name: finding.status for name, finding in refused.items()} == {
        "requests": "fail", "urllib": "fail", "curl": "fail", "wget": "info", "pip": "info", "cargo": "skip",
    }  # fmt: skip
    assert BY_NAME["wget"].notes.way in refused["wget"].summary
    assert str(settings) in refused["pip"].summary
    assert tried("pip", REQUESTS_CA_BUNDLE="/own.pem")["pip"].status == "fail"  # the control: a variable decides


def test_a_client_that_hangs_or_cannot_be_started_is_given_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(trials, "_SECONDS", 0.5)
    verdict, said = trials.attempt(BY_NAME["urllib"], Trial(("sleep", "20")), {"PATH": SYSTEM_PATH}, str(tmp_path))
    assert (verdict, "timed out" in said) == ("unknown", True)
    assert trials.attempt(BY_NAME["urllib"], Trial(("/nosuch",)), {}, str(tmp_path))[0] == "unknown"


def test_what_a_client_says_is_without_the_hint_to_run_the_doctor(tmp_path: Path) -> None:
    code = "import os, sys; sys.exit('error: ' + os.environ['CERTBOOT_HINTS'])"
    for hints in ({}, {"CERTBOOT_HINTS": "1"}):
        tried = trials.attempt(BY_NAME["urllib"], Trial((sys.executable, "-c", code)), hints, str(tmp_path))
        assert tried == ("unknown", "error: 0")


@pytest.mark.slow
def test_each_client_says_what_it_makes_of_the_host(
    certboot: Run, monkeypatch: pytest.MonkeyPatch, ca: trustme.CA, ca_file: Path, serve: Callable[..., TlsServer]
) -> None:
    names = ("requests", "urllib", "httpx", "curl")
    present = {client: version for client, version in present_clients(os.environ).items() if client.name in names}
    monkeypatch.setattr(trials, "present_clients", lambda _: present)
    host = f"localhost:{serve(ca.issue_cert('localhost')).port}"
    for expected in ("client-refuses-host", "client-accepts-host"):
        ran = certboot("doctor", "--json", "--clients", "hook", host)
        found = {f["subject"]: f["id"] for f in json.loads(ran.out)["findings"] if f["group"] == "clients"}
        assert {name: found[name] for name in names} == dict.fromkeys(names, expected)
        for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE"):
            monkeypatch.setenv(name, str(ca_file))


def test_where_nobody_listens_that_is_told_once(certboot: Run, listen: Listen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trials, "present_clients", lambda _: {BY_NAME["urllib"]: "1.0"})
    gone = listen(silent)
    gone.close()
    ran = certboot("doctor", "--json", "--clients", "hook", f"localhost:{gone.port}")
    answer = json.loads(ran.out)
    statuses = [finding["status"] for finding in answer["findings"] if finding["group"] == "clients"]
    assert (ran.status, answer["primary"], statuses) == (1, "connection-refused", ["skip"])


@cases("argv", [
    ["--clients"],
    ["--clients", "--chain", "chain.pem", "--host", "localhost"],
    ["--clients", "--starttls", "smtp", "localhost:1"],
    ["--clients", "--connect", "127.0.0.1", "localhost:1"],
])  # fmt: skip
def test_what_clients_cannot_be_told_is_refused(certboot: Run, argv: list[str]) -> None:
    ran = certboot("doctor", *argv)
    assert_refused(ran)
    assert "--clients goes with a host" in ran.err


def answer(status: str, kind: bytes = b"", body: bytes = b"") -> bytes:
    head = b"Content-Type: " + kind + b"\r\n" if kind else b""
    return f"HTTP/1.1 {status}\r\n".encode() + head + f"Content-Length: {len(body)}\r\n\r\n".encode() + body


def test_how_uv_fails_shows_whether_it_got_past_tls(listen: Listen, trust: Trust, tmp_path: Path) -> None:
    """At its certificate, at its answer, or before either."""
    if not shutil.which("uv", path=PATH):
        pytest.skip("uv is not here")

    def verdict(anchors: Path, said: bytes = b"", port: int = 0) -> str:
        def talk(connection: socket.socket) -> None:
            with CONTEXT.wrap_socket(connection, server_side=True) as secure:
                if secure.recv(4096):
                    secure.sendall(said)

        tried = trial(BY_NAME["uv"], "localhost", port or listen(talk).port)
        assert tried
        environ = {"PATH": PATH, "HOME": str(tmp_path), "SSL_CERT_FILE": str(anchors)}
        return trials.attempt(BY_NAME["uv"], tried, environ, str(tmp_path))[0]

    simple = b"application/vnd.pypi.simple.v1+json"
    for said in (
        answer("200 OK"), answer("200 OK", b"\xff"), answer("200 OK", b"text/plain"), answer("200 OK", simple, b"x"),
        answer("200 OK", b"text/html"), answer("400 no"), answer("401 no"), answer("404 no"), answer("500 no"),
        b"SSH-2.0-OpenSSH\r\n", b"",
    ):  # fmt: skip
        assert verdict(trust(ROOT), said) == "accepted", said
    assert verdict(trust(make("Another Root", form=CA)), answer("404 no")) == "refused"
    gone = listen(silent)
    gone.close()
    assert verdict(trust(ROOT), port=gone.port) == "unknown"
