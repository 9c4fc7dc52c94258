"""A first message with a post-quantum key that gets no answer: with an OpenSSL that sends such a one, on both sides."""

from __future__ import annotations

import itertools
import json
import os
import socket
import ssl
import subprocess
import sys
import time
import typing
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from support import faults
from support.asking import Listen, Trust
from support.faults import Talk, taking_small_hellos
from support.zoo import GOOD

from certboot.net.connection import active_context
from certboot.net.handshake_messages import HandshakeTrace, begin

Said = Callable[..., str]
GOOD_TLS = faults.tls(GOOD.context())


@pytest.fixture
def said(post_quantum: Mapping[str, str], trust: Trust, clean: Path) -> Said:
    """What certboot says on standard output, in a Python that begins with a post-quantum key."""
    trust(*GOOD.trusted)
    known = {name: os.environ[name] for name in ("PATH", "HOME", "SSL_CERT_FILE", "SSL_CERT_DIR")}

    def run(*argv: str, **variables: str) -> str:
        environ = {**known, **post_quantum, "CERTBOOT_DISABLE": "1", **variables}
        command = (sys.executable, "-m", "certboot", *argv)
        return subprocess.run(command, env=environ, cwd=clean, stdout=subprocess.PIPE, check=False, text=True).stdout

    return run


def doctor(said: Said, *argv: str, **variables: str) -> dict[str, typing.Any]:
    findings = json.loads(said(*argv, "--json", **variables))["findings"]
    return next(finding for finding in findings if finding["group"] == "server")


def scan(said: Said, *argv: str, **variables: str) -> dict[str, str | None]:
    """The cause of each host."""
    results = map(json.loads, said("scan", "--json", *argv, **variables).splitlines())
    return {result["target"]: result["primary"] for result in results}


def test_it_is_named_and_the_command_is_the_way_round(said: Said, listen: Listen, clean: Path) -> None:
    server = listen(taking_small_hellos(GOOD_TLS, faults.reset))
    finding = doctor(said, "doctor", server.shown, "--html", str(clean / "page.html"))
    assert (finding["id"], finding["status"], server.count) == ("post-quantum-hello", "fail", 4)
    evidence = finding["evidence"]
    assert evidence["hello"]["group"] == "X25519MLKEM768"
    assert evidence["hello"]["size"] > 1400 > evidence["answered"]
    assert server.shown in evidence["operator"]
    # The command sets one variable, and with it the same Python gets through.
    ((program, setting, *argv),) = finding["fix"]
    assert (program, argv) == ("env", ["certboot", "doctor", server.shown])
    name, _, file = setting.partition("=")
    assert scan(said, server.shown, **{name: file}) == {server.shown: None}
    assert file not in (clean / "page.html").read_text("utf-8")


def in_turn(*talks: Talk) -> Talk:
    """Talk to each connection in another way, and begin again after the last."""
    turns = itertools.cycle(talks)

    def talk(connection: socket.socket) -> None:
        next(turns)(connection)

    return talk


def test_what_differs_is_the_key_and_nothing_else(said: Said, listen: Listen) -> None:
    """The controls: nothing is answered, every second or third is not, no TLS comes, the large one is let through."""
    alert = faults.after_hello(b"\x15\x03\x03\x00\x02\x02\x28")
    talks = [
        (taking_small_hellos(GOOD_TLS, faults.reset), "post-quantum-hello"),
        (taking_small_hellos(GOOD_TLS, faults.after_hello()), "post-quantum-hello"),
        (taking_small_hellos(GOOD_TLS, faults.silent), "post-quantum-hello"),
        (taking_small_hellos(alert, faults.silent), "post-quantum-hello"),
        (faults.reset, "closed-during-handshake"),
        (faults.silent, "timeout"),
        (in_turn(faults.reset, GOOD_TLS), "closed-during-handshake"),
        (in_turn(faults.reset, GOOD_TLS, GOOD_TLS), "closed-during-handshake"),
        (in_turn(faults.reset, GOOD_TLS, alert), "closed-during-handshake"),
        (taking_small_hellos(faults.plain_http, faults.reset), "plain-http"),
        (taking_small_hellos(faults.reset, GOOD_TLS), None),
        (GOOD_TLS, None),
    ]
    hosts = {listen(talk).shown: cause for talk, cause in talks}
    started = time.monotonic()
    assert scan(said, *hosts, "--timeout", "2") == hosts
    assert time.monotonic() - started < 4


def test_so_it_is_after_starttls_and_through_a_proxy(said: Said, listen: Listen) -> None:
    mail = listen(faults.smtp(taking_small_hellos(GOOD_TLS, faults.silent))).shown
    assert scan(said, mail, "--starttls", "smtp", "--timeout", "1") == {mail: "post-quantum-hello"}
    web = listen(taking_small_hellos(GOOD_TLS, faults.reset)).shown
    proxy = f"http://127.0.0.1:{listen(faults.ProxyTalk()).port}"
    assert scan(said, web, HTTPS_PROXY=proxy) == {web: "post-quantum-hello"}


def test_who_listens_no_more_after_an_answer_is_merely_gone(said: Said, listen: Listen) -> None:
    def last_of_all(connection: socket.socket) -> None:
        server._listener.shutdown(socket.SHUT_RDWR)
        GOOD_TLS(connection)

    server = listen(in_turn(faults.reset, last_of_all))
    assert scan(said, server.shown) == {server.shown: "closed-during-handshake"}
    assert server.count == 2


def test_a_hello_is_read_as_far_as_it_can_be() -> None:
    """With an OpenSSL that has no such key, the hello has none; what is cut short is passed over."""
    record = HandshakeTrace()
    begin(active_context(), "localhost", record)
    sent = record.outgoing.read()
    assert record.hello.size == len(sent)
    assert bool(record.hello.group) == (ssl.OPENSSL_VERSION_INFO >= (3, 5))
    for end in range(len(sent)):
        cut = HandshakeTrace()
        cut.message("write", 0x0303, 22, 1, sent[5:end])
        assert cut.hello.size in (0, end)
        assert cut.hello.group in ("", record.hello.group)
