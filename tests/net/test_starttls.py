"""A port that speaks TLS from the first byte, asked with --starttls: the doctor says so, and believes nothing of it."""

from __future__ import annotations

import socket
import ssl
import threading
import time
import typing
from collections.abc import Callable
from pathlib import Path

import pytest
from support import faults
from support.faults import after_hello, tls
from support.pki import CA, make, on_server
from support.server import Listener, server_context
from support.table import cases

if typing.TYPE_CHECKING:
    from support.asking import Answer

Ask = Callable[..., "Answer"]
Listen = Callable[..., Listener]

ROOT = make("Corp Root", form=CA)
LEAF = make("localhost", ROOT)


@cases("protocol", faults.STARTTLS)
def test_it_is_said_for_each_protocol_and_the_remedy_is_good(
    ask: Ask, listen: Listen, trust: Callable[..., Path], protocol: str
) -> None:
    trust(ROOT)
    host = listen(tls(server_context(on_server(LEAF)))).shown
    started = time.monotonic()
    answer = ask("hook", host, "--starttls", protocol, "--timeout", "1")
    assert time.monotonic() - started < 1.9
    assert (answer.status, answer.primary) == (1, "starttls-not-needed")
    assert "TLS from the first byte" in answer.first["summary"]
    assert (answer.first["evidence"]["protocol"], answer.first["evidence"]["chain"]) == (protocol, [])
    assert answer.first["fix"] == [["certboot", "doctor", host]]
    assert ask("hook", host).ids == ["handshake-ok"]


@cases("protocol", ["smtp", "postgres"])
def test_a_server_that_is_silent_to_tls_too_does_not_answer(ask: Ask, listen: Listen, protocol: str) -> None:
    server = listen(faults.silent)
    answer = ask("hook", server.shown, "--starttls", protocol, "--timeout", "0.5")
    assert (answer.status, answer.primary, server.count) == (1, "timeout", 2)


def test_a_server_that_closes_to_tls_too_has_closed(ask: Ask, listen: Listen) -> None:
    for protocol, talk in (("smtp", socket.socket.close), ("ldap", after_hello())):
        answer = ask("hook", listen(talk).shown, "--starttls", protocol, "--timeout", "1.5")
        assert (answer.status, answer.primary) == (1, "closed-during-handshake")


def test_the_remedy_keeps_the_way_and_what_is_wrong_there_is_for_it_to_find(
    ask: Ask, listen: Listen, trust: Callable[..., Path]
) -> None:
    trust(make("Another Root", form=CA))
    server = listen(tls(server_context(on_server(LEAF))))
    way = ("--connect", f"127.0.0.1:{server.port}", "--servername", "localhost")
    answer = ask("hook", "a.example:25", *way, "--starttls", "smtp", "--timeout", "1.5")
    assert answer.primary == "starttls-not-needed"
    assert answer.first["fix"] == [["certboot", "doctor", "a.example:25", *way]]
    assert ask("hook", *answer.first["fix"][0][2:]).primary == "untrusted-root"


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_a_server_that_speaks_tls_and_refuses_speaks_tls(ask: Ask, listen: Listen) -> None:
    """With an alert, or in a version that was given up."""
    old = server_context(on_server(LEAF), "ALL:@SECLEVEL=0")
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1
    for talk in (after_hello(b"\x15\x03\x03\x00\x02\x02\x28"), tls(old)):
        port = listen(talk).port
        answer = ask("hook", f"localhost:{port}", "--starttls", "smtp", "--timeout", "1.5")
        assert answer.primary == "starttls-not-needed"


@cases("protocol", ["smtp", "mysql"])
def test_a_server_that_sends_back_what_it_hears_does_not_speak_tls(ask: Ask, listen: Listen, protocol: str) -> None:
    answer = ask("hook", f"localhost:{listen(faults.echo).port}", "--starttls", protocol, "--timeout", "0.6")
    assert answer.primary == "timeout"


@cases("protocol", faults.STARTTLS)
def test_a_server_that_knows_the_protocol_is_not_asked_in_tls(ask: Ask, listen: Listen, protocol: str) -> None:
    """Neither one that refuses, nor one that greets and is silent then."""
    refusing = listen(faults.STARTTLS[protocol](faults.silent, offers=False))
    assert ask("hook", f"localhost:{refusing.port}", "--starttls", protocol).primary == "starttls-refused"
    assert refusing.count == 1
    silent = listen(faults.STARTTLS[protocol](faults.silent))
    assert ask("hook", f"localhost:{silent.port}", "--starttls", protocol, "--timeout", "0.5").primary == "timeout"
    # From OpenSSL 3.5 on the hello is a post-quantum one, and silence is asked about with another.
    assert silent.count == (1 if ssl.OPENSSL_VERSION_INFO < (3, 5) else 2)


def test_a_greeting_may_take_most_of_the_time(ask: Ask, listen: Listen, trust: Callable[..., Path]) -> None:
    """Mail servers let clients wait on purpose."""
    trust(ROOT)
    usual = faults.smtp(tls(server_context(on_server(LEAF))))

    def late(connection: socket.socket) -> None:
        time.sleep(1)
        usual(connection)

    server = listen(late)
    assert ask("hook", server.shown, "--starttls", "smtp", "--timeout", "2").primary is None
    assert server.count == 1


def test_a_server_with_room_for_one_client_is_asked_too(ask: Ask, listen: Listen) -> None:
    usual, one = tls(server_context(on_server(LEAF))), threading.Lock()

    def talk(connection: socket.socket) -> None:
        with one:
            usual(connection)

    port = listen(talk).port
    answer = ask("hook", f"localhost:{port}", "--starttls", "smtp", "--timeout", "1.5")
    assert answer.primary == "starttls-not-needed"
