"""A handshake gives facts: what was sent, what OpenSSL said, what the other side said; and nothing is left open."""

from __future__ import annotations

import dataclasses
import errno
import gc
import itertools
import os
import socket
import ssl
import typing
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from support import faults
from support.faults import after_hello, server_hello
from support.pki import CA, DAY, LEAF, NOW, issue, key_usage, make, on_server
from support.server import Listener, server_context
from support.snapshot import assert_refused
from support.table import cases

from certboot.net import handshake_messages
from certboot.net.connection import Deadline, active_context, ascii_name
from certboot.net.handshake import _date, handshake
from certboot.net.handshake_messages import HandshakeTrace
from certboot.net.target import Target

if typing.TYPE_CHECKING:
    from support.environments import Ran

Listen = Callable[..., Listener]
Certboot = Callable[..., "Ran"]
ROOT = make("Corp Root", form=CA)
MIDDLE = make("Middle", ROOT, CA)
SERVER = make("localhost", MIDDLE)


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "root.pem"
    path.write_bytes(ROOT.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "none"))


@pytest.fixture(params=["1.2", "1.3"])
def server(listen: Listen, request: pytest.FixtureRequest) -> Listener:
    context = server_context(on_server(SERVER, MIDDLE))
    context.maximum_version = ssl.TLSVersion.TLSv1_2 if request.param == "1.2" else ssl.TLSVersion.TLSv1_3
    return listen(faults.tls(context))


@pytest.fixture(params=["seen", "unseen"])
def messages(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """With the ssl module's hook for messages, and without it."""
    if request.param == "unseen":
        monkeypatch.setattr(handshake_messages, "_show", lambda *_: None)
    return str(request.param)


@pytest.mark.usefixtures("trusted")
def test_the_whole_trust_is_asked_for_only_where_a_chain_is_not_good(
    server: Listener, listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, own = [], ssl.SSLContext.get_ca_certs

    def get_ca_certs(context: ssl.SSLContext, *, binary_form: typing.Literal[True]) -> list[bytes]:
        asked.append(context)
        return own(context, binary_form=binary_form)

    monkeypatch.setattr(ssl.SSLContext, "get_ca_certs", get_ca_certs)
    incomplete = listen(faults.tls(server_context(on_server(SERVER))))
    for port, times in ((server.port, 0), (incomplete.port, 1)):
        assert handshake(Target("localhost", port)).chain.anchors == (ROOT.der,)
        assert len(asked) == times


@pytest.mark.usefixtures("trusted")
def test_a_good_handshake_gives_what_was_sent_and_what_was_built(server: Listener, messages: str) -> None:
    found = handshake(Target("localhost", server.port))
    assert (found.outcome, found.verify_code, found.exchange.name_sent) == ("ok", 0, True)
    assert found.protocol in ("TLSv1.2", "TLSv1.3")
    assert found.cipher
    assert found.chain.presented == (SERVER.der, MIDDLE.der)
    assert found.chain.built == (SERVER.der, MIDDLE.der, ROOT.der)
    assert ROOT.der in found.chain.anchors
    assert server.count == 1, messages


def test_a_refused_chain_is_seen_in_the_very_handshake_that_refuses_it(server: Listener, messages: str) -> None:
    found = handshake(Target("localhost", server.port))
    assert (found.outcome, found.verify_code) == ("unverified", 20)
    assert found.verify_message == "unable to get local issuer certificate"
    assert found.chain.presented == (SERVER.der, MIDDLE.der)
    assert server.count == (1 if messages == "seen" else 2)


@pytest.mark.usefixtures("trusted")
def test_a_chain_that_cannot_be_had_a_second_time_is_left_out(listen: Listen, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then only OpenSSL's code is known."""
    monkeypatch.setattr(handshake_messages, "_show", lambda *_: None)
    expired = make("localhost", ROOT, dataclasses.replace(LEAF, valid=(NOW - 9 * DAY, NOW - DAY)))
    first = faults.tls(server_context(on_server(expired)))
    once: list[int] = []

    def talk(connection: socket.socket) -> None:
        once.append(1)
        if len(once) == 1:
            first(connection)

    found = handshake(Target("localhost", listen(talk).port))
    assert (found.outcome, found.verify_code, found.chain.presented) == ("unverified", 10, ())


@cases(("answer", "date"), [
    (b"HTTP/1.1 200 OK\r\nDATE: Wed, 25 Nov 2026 01:02:03 GMT\r\n\r\n", "2026-11-25T01:02:03+00:00"),
    (b"HTTP/1.1 200 OK\r\nDate: Wed, 25 Nov 2026 01:02:03 +0100\r\n\r\n", "2026-11-25T00:02:03+00:00"),
    (b"HTTP/1.1 200 OK\r\nX-Date: x\r\n\r\nDate: Wed, 25 Nov 2026 01:02:03 GMT\r\n", ""),
    (b"HTTP/1.1 200 OK\r\nDate: soon\r\n\r\n", ""),
    (b"HTTP/1.1 200 OK\r\nDate: Wed, 99 Nov 99999 01:02:03 GMT\r\n\r\n", ""),
    (b"", ""),
])  # fmt: skip
def test_the_date_of_an_answer_is_read_or_left_out(answer: bytes, date: str) -> None:
    assert _date(answer) == date


def test_any_other_failure_is_told_in_the_systems_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object) -> typing.NoReturn:
        raise OSError(errno.ENETUNREACH, "Network is unreachable")

    monkeypatch.setattr(socket.socket, "connect", unreachable)
    found = handshake(Target("127.0.0.1", 1))
    assert (found.outcome, found.error) == ("connection-failed", "Network is unreachable")


def test_one_address_that_does_not_answer_does_not_use_up_the_time_of_the_next(
    listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = listen(faults.after_hello()).port
    usual, tried = socket.socket.connect, []

    def connect(self: socket.socket, address: tuple[str, int]) -> None:
        tried.append((address[0], self.gettimeout()))
        if address[0] == "192.0.2.1":
            raise TimeoutError
        usual(self, address)

    kinds = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
    late, good = ((*kinds, (address, port)) for address in ("192.0.2.1", "127.0.0.1"))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [late, good])
    monkeypatch.setattr(socket.socket, "connect", connect)
    assert handshake(Target("a.example", port, timeout=4)).exchange.closed
    assert tried[0][1] == pytest.approx(2, abs=0.2)
    assert tried[1][1] == pytest.approx(4, abs=0.2)
    for addresses, outcome in (([late], "timeout"), ([], "connection-failed")):
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, found=addresses, **__: found)
        assert handshake(Target("a.example", port)).outcome == outcome


@pytest.mark.usefixtures("silent_resolver")
def test_a_resolver_that_takes_too_long_is_not_waited_for() -> None:
    assert handshake(Target("a.example", timeout=0.2)).outcome == "timeout"


@cases("host", ["no-such-host.invalid", f"{'a' * 64}.example", "a..example", ".example", f"{'ü' * 70}.example", "a\0b"])
def test_a_name_that_no_resolver_knows_is_a_dns_failure(host: str) -> None:
    assert handshake(Target(host)).outcome == "dns-failure"


def test_a_name_that_tls_cannot_ask_for_is_one_too(listen: Listen) -> None:
    target = Target("localhost", listen(faults.silent).port, servername="x" * 300 + ".example")
    assert handshake(target).outcome in ("dns-failure", "failed")
    assert Target("fe80::1%eth0").name == "fe80::1"  # a scope is no part of the name
    assert ascii_name("ZÜRICH.example") == "xn--zrich-kva.example"


def test_no_socket_is_left_open(listen: Listen) -> None:
    for talk in (after_hello(), after_hello(server_hello()), faults.plain_http, faults.reset):
        handshake(Target("localhost", listen(talk).port, timeout=0.5))
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        gc.collect()


def test_a_deadline_has_an_end() -> None:
    assert Deadline(5).part(0.5).left() == pytest.approx(2.5, abs=0.1)
    with pytest.raises(TimeoutError):
        Deadline(0).left()


def test_messages_that_make_no_sense_are_not_seen() -> None:
    datas = [b"", b"\x02", bytes(40), b"\x0b\0\0\3\0\0\xff", b"\x0b\0\0\5\x09"]
    kinds = [(21, 0), (22, 2), (22, 11), (22, 13), (22, 4), (99, 99)]
    for data, (content, kind), version in itertools.product(datas, kinds, [0x0303, 0x0304]):
        record = HandshakeTrace()
        record.message("read", version, content, kind, data)
        record.message("write", version, 21, 0, b"\x02\x28")
        assert record.alert in (None, 0)
        assert all(isinstance(certificate, bytes) for certificate in record.certificates)


def test_what_could_drive_a_terminal_is_printed_harmlessly(certboot: Certboot, listen: Listen) -> None:
    evil = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "\x1b[31mred\x07\r\n\u202eevil")])
    names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
    constraints = x509.BasicConstraints(ca=False, path_length=None)
    made = issue(evil, extensions=((constraints, True), (key_usage(key_cert_sign=False), True), (names, False)))
    named = listen(faults.tls(server_context(on_server(made)))).shown
    greeting = listen(after_hello(b"\x1b]0;title\x07 hello\n")).shown
    for argv, said in (((named,), "red"), (("--json", named), "red"), ((greeting,), "not-tls")):
        ran = certboot("doctor", *argv)
        assert (ran.status, said in ran.out) == (1, True)
        assert [line for line in ran.out.split("\n") if not line.isprintable()] == []


def test_what_is_no_host_or_begins_without_tls_is_wrong_usage(certboot: Certboot) -> None:
    for argv, said in (
        (("a b",), "certboot: error: not a host: "),
        (("a.invalid", "b.invalid"), ""),
        (("postgres://user:secret@h/db",), "certboot doctor h:5432 --starttls postgres"),
        (("h", "--connect", "ldap://h"), "certboot doctor h:389 --starttls ldap"),
    ):
        ran = certboot("doctor", *argv)
        assert_refused(ran)
        assert (ran.out, said in ran.err, "secret" in ran.err) == ("", True, False)


def test_of_a_servername_only_the_host_counts(certboot: Certboot, listen: Listen) -> None:
    asked: list[str | None] = []
    context = server_context(on_server(SERVER, MIDDLE))
    context.sni_callback = lambda _, name, __: asked.append(name)
    port = listen(faults.tls(context)).port
    certboot("doctor", f"localhost:{port}", "--servername", "http://h.example/")
    assert set(asked) == {"h.example"}


@pytest.mark.timeout(30)
def test_the_active_trust_is_no_pipe_and_no_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe")
    ends = os.openpty()
    for named in (str(tmp_path / "pipe"), os.ttyname(ends[1])):
        monkeypatch.setenv("SSL_CERT_FILE", named)
        with pytest.raises(OSError, match=r"SSL_CERT_FILE names a (pipe|device), not a regular file"):
            active_context()
    for end in ends:
        os.close(end)
    for named in (os.devnull, str(tmp_path), str(tmp_path / "nowhere"), ""):
        monkeypatch.setenv("SSL_CERT_FILE", named)
        assert not active_context().get_ca_certs()


@pytest.mark.timeout(30)
def test_another_hello_that_believes_nothing_reads_no_trust(
    listen: Listen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "pipe"))
    server = listen(faults.after_hello())
    found = handshake(Target("localhost", server.port), ssl.create_default_context(cadata=ROOT.pem.decode()))
    assert (found.outcome, found.exchange.closed, server.count > 1) == ("failed", True, True)
