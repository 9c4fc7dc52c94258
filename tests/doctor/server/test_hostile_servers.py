"""Whatever a server sends, the doctor ends in time, with a cause and without a traceback."""

from __future__ import annotations

import random
import socket
import ssl
import time
import typing
from pathlib import Path

import pytest
from support.asking import Ask, Listen, Trust
from support.commands import Run
from support.faults import Talk, after_hello, message, server_context, server_hello, silent, tls
from support.pki import CA, make, on_server
from support.snapshot import snapshot
from support.table import cases


def certificates(ders: list[bytes]) -> bytes:
    entries = b"".join(len(each).to_bytes(3, "big") + each for each in ders)
    body = len(entries).to_bytes(3, "big") + entries
    data = b"\x0b" + len(body).to_bytes(3, "big") + body
    pieces = (data[at : at + 16384] for at in range(0, len(data), 16384))
    return b"".join(b"\x16\x03\x03" + len(piece).to_bytes(2, "big") + piece for piece in pieces)


def endless(connection: socket.socket) -> None:
    """Announce a certificate message of 10 MB, and send it."""
    connection.recv(4096)
    connection.sendall(server_hello())
    head = b"\x0b" + (10_000_000).to_bytes(3, "big")
    connection.sendall(b"\x16\x03\x03\x40\x00" + head + bytes(16380))
    for _ in range(600):
        connection.sendall(b"\x16\x03\x03\x40\x00" + bytes(16384))


def never_ending(connection: socket.socket) -> None:
    """Send empty records for ever."""
    connection.recv(4096)
    while True:
        connection.sendall(b"\x16\x03\x03\x00\x00" * 1000)


def a_byte_a_time(connection: socket.socket) -> None:
    connection.recv(4096)
    for byte in server_hello() + certificates([b"x" * 900]):
        connection.sendall(bytes((byte,)))
        time.sleep(0.1)


def a_line_of_plain_text_a_time(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"220-wait\r\n")
        time.sleep(0.05)


ROOT = make("Corp Root", form=CA)
LEAF = make("localhost", ROOT)
GARBAGE = random.Random(20261125).randbytes(5000)  # noqa: S311
HOSTILE: dict[str, Talk] = {
    "random bytes": after_hello(GARBAGE),
    "random bytes in a record": after_hello(b"\x16\x03\x03\x10\x00" + GARBAGE[:4096]),
    "random messages": after_hello(*(message(kind, GARBAGE[:300]) for kind in (2, 11, 13, 14))),
    "half a hello": after_hello(server_hello()[:20]),
    "half a hello, and silence": after_hello(server_hello()[:20], hang=True),
    "half a certificate": after_hello(server_hello(), certificates([LEAF.der])[:300]),
    "no certificate": after_hello(server_hello(), certificates([])),
    "an empty certificate": after_hello(server_hello(), certificates([b""])),
    "a certificate of random bytes": after_hello(server_hello(), certificates([GARBAGE])),
    "a certificate and random bytes": after_hello(server_hello(), certificates([LEAF.der, GARBAGE])),
    "500 certificates": after_hello(server_hello(), certificates([LEAF.der, *[ROOT.der] * 499])),
    "150 certificates": after_hello(server_hello(), certificates([LEAF.der, *[ROOT.der] * 149])),
    "10 MB of certificate": endless,
    "records without end": never_ending,
    "a byte at a time": a_byte_a_time,
    "an alert that does not exist": after_hello(b"\x15\x03\x03\x00\x02\x02\xee"),
    "half an alert": after_hello(b"\x15\x03\x03\x00\x01\x02"),
    "a record of a version that does not exist": after_hello(b"\x16\x09\x09\x00\x01\x00"),
    "zeros": after_hello(bytes(10_000)),
    "lines without end": a_line_of_plain_text_a_time,
    "silence": silent,
}


NAMED = {
    "500 certificates": "chain-too-large", "10 MB of certificate": "chain-too-large",
    "150 certificates": "closed-during-handshake",
}  # fmt: skip


@cases("what", HOSTILE)
def test_it_ends_in_time_with_a_cause(ask: Ask, listen: Listen, trust: Trust, what: str) -> None:
    trust(ROOT)
    started = time.monotonic()
    answer = ask("hook", f"localhost:{listen(HOSTILE[what]).port}", "--timeout", "1")
    assert time.monotonic() - started < 1.8
    assert answer.status == 1
    assert answer.primary not in (None, "check-not-finished")
    assert answer.primary == NAMED.get(what, answer.primary)


@cases("protocol", ["smtp", "imap", "pop3", "ldap", "postgres", "mysql", "ftp"])
@cases("what", ["random bytes", "lines without end", "silence"])
def test_it_ends_in_time_before_tls_begins(ask: Ask, listen: Listen, protocol: str, what: str) -> None:
    def talk(connection: socket.socket) -> None:
        if what == "random bytes":
            connection.sendall(GARBAGE)
        HOSTILE[what](connection)

    started = time.monotonic()
    answer = ask("hook", f"localhost:{listen(talk).port}", "--starttls", protocol, "--timeout", "0.2")
    assert time.monotonic() - started < 1.2
    assert answer.primary in ("starttls-refused", "timeout", "closed-during-handshake", "not-tls")


LIMIT = 100 * 1024  # SSL_MAX_CERT_LIST_DEFAULT in OpenSSL's ssl.h


@cases("version", ["TLSv1_2", "TLSv1_3"])
@cases("mode", ["CERT_NONE", "CERT_OPTIONAL"])
def test_a_bundle_in_the_place_of_the_chain(ask: Ask, listen: Listen, trust: Trust, version: str, mode: str) -> None:
    anchors = trust(ROOT)

    def served(count: int) -> str:
        context = server_context(on_server(LEAF, *[ROOT] * count))
        context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
        context.verify_mode = ssl.VerifyMode[mode]
        context.load_verify_locations(anchors)
        return f"localhost:{listen(tls(context)).port}"

    most = (LIMIT - len(LEAF.der)) // (len(ROOT.der) + 5)
    answer = ask("hook", served(most + 20), "--timeout", "5")
    assert (answer.status, answer.primary, answer.first["fix"]) == (1, "chain-too-large", [])
    assert "100 KiB of certificates" in answer.first["summary"]
    assert answer.first["evidence"]["reason"] == "EXCESSIVE_MESSAGE_SIZE"
    assert "bundle of CAs" in answer.first["evidence"]["operator"]
    assert ask("hook", served(most - 20), "--timeout", "5").primary is None


def test_another_message_that_is_too_large_is_none_of_that(ask: Ask, listen: Listen, trust: Trust) -> None:
    """Before the server's hello has come nothing is said of its chain: here the hello itself is too large."""
    trust(ROOT)
    huge = message(2, bytes(16000))[:5] + b"\x02" + (1 << 20).to_bytes(3, "big") + bytes(16000)
    answer = ask("hook", f"localhost:{listen(after_hello(huge)).port}", "--timeout", "2")
    assert (answer.primary, answer.first["evidence"]["reason"]) == ("handshake-failed", "EXCESSIVE_MESSAGE_SIZE")
    header = message(11, b"")[:5] + b"\x0b" + (LIMIT + 1).to_bytes(3, "big")
    answer = ask("hook", f"localhost:{listen(after_hello(server_hello(), header)).port}", "--timeout", "2")
    assert answer.primary == "chain-too-large"


@pytest.mark.usefixtures("store")
def test_only_the_server_that_was_named_is_contacted_and_nothing_is_written(
    ask: Ask, certboot: Run, listen: Listen, trust: Trust, clean: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contacted: set[object] = set()
    usual = socket.socket.connect

    def connect(self: socket.socket, address: typing.Any) -> None:  # noqa: ANN401
        contacted.add(address)
        usual(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)
    before = snapshot(clean)
    trust(make("Another Root", form=CA))
    port = listen(tls(server_context(on_server(LEAF, ROOT)))).port
    certboot("doctor", f"127.0.0.1:{port}")
    assert ask("hook", f"127.0.0.1:{port}").primary == "untrusted-root"
    assert (contacted, snapshot(clean)) == ({("127.0.0.1", port)}, before)
