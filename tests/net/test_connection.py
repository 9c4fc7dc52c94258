"""Whoever connects goes through the proxy that programs use, and shows nobody its password."""

from __future__ import annotations

import gc
import socket
import subprocess
import sys
import time
import typing
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
from support.faults import ProxyTalk, plain_http, reset, silent, tls
from support.pki import CA, make, on_server
from support.server import Listener, PlainServer, Talk, in_tls, page, server_context
from support.table import cases

from certboot.net import http
from certboot.net.address_policy import LOOPBACK, AddressPolicy, FetchError
from certboot.net.handshake import handshake
from certboot.net.target import Target

if typing.TYPE_CHECKING:
    import trustme
    from support.asking import Answer
    from support.server import TlsServer

Ask = Callable[..., "Answer"]
Listen = Callable[..., Listener]
Trust = Callable[..., Path]


ROOT = make("Corp Root", form=CA)
CONTEXT = server_context(on_server(make("localhost", ROOT)))


@pytest.fixture
def server(listen: Listen, trust: Trust) -> Listener:
    """A good server."""
    trust(ROOT)
    return listen(tls(CONTEXT))


@cases("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_a_connection_goes_through_the_proxy(
    ask: Ask, listen: Listen, server: Listener, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    talk = ProxyTalk()
    proxy = listen(talk)
    monkeypatch.setenv(variable, f"http://127.0.0.1:{proxy.port}")
    answer = ask("hook", server.shown)
    assert (answer.primary, talk.asked) == (None, [f"CONNECT {server.shown} HTTP/1.1"])
    assert answer.first["evidence"]["proxy"] == f"http://127.0.0.1:{proxy.port}"
    monkeypatch.setenv("NO_PROXY", "localhost")
    assert (ask("hook", server.shown).primary, len(talk.asked)) == (None, 1)


def test_credentials_reach_the_proxy_and_nobody_else(
    ask: Ask, listen: Listen, server: Listener, monkeypatch: pytest.MonkeyPatch, certboot: Callable[..., typing.Any]
) -> None:
    talk = ProxyTalk(credentials="user:p@ss:word")
    port = listen(talk).port
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:p%40ss%3Aword@127.0.0.1:{port}")
    assert ask("hook", server.shown).primary is None
    for address in (f"http://127.0.0.1:{port}", f"http://user:wrong-secret@127.0.0.1:{port}"):
        monkeypatch.setenv("HTTPS_PROXY", address)
        answer = ask("hook", server.shown)
        assert (answer.status, answer.primary) == (1, "proxy-authentication")
        for form in ([], ["--json"]):
            ran = certboot("doctor", *form, server.shown)
            assert "secret" not in ran.out + ran.err
            assert "p%40ss" not in ran.out + ran.err


@cases(
    ("scheme", "talk", "said"),
    [
        ("http", ProxyTalk(403), "status 403"),
        ("http", ProxyTalk(502), "status 502"),
        ("http", ProxyTalk(answer=b"SSH-2.0-OpenSSH\r\n\r\n"), "no answer that HTTP knows"),
        ("http", ProxyTalk(answer=b"HTTP/1.1 200 OK"), "no answer that HTTP knows"),
        ("http", ProxyTalk(answer=b"x" * 100_000), "no answer that HTTP knows"),
        ("http", reset, "the connection to the proxy broke off"),
        ("https", plain_http, "does not speak TLS as its address says"),
    ],
)
def test_a_proxy_that_does_not_connect(  # noqa: PLR0913, PLR0917 - fixtures and columns
    ask: Ask, listen: Listen, server: Listener, monkeypatch: pytest.MonkeyPatch, scheme: str, talk: Talk, said: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"{scheme}://127.0.0.1:{listen(talk).port}")
    answer = ask("hook", server.shown)
    assert (answer.status, answer.primary) == (1, "proxy-refused")
    assert said in answer.first["summary"]


def test_a_proxy_that_is_not_there_or_of_another_kind(
    ask: Ask, listen: Listen, server: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = listen(silent)
    gone.close()
    for address, said in (
        (f"http://127.0.0.1:{gone.port}", "nothing listens there"),
        ("http://no-such-host.invalid:1", "no connection to the proxy"),
        ("socks5://user:secret@127.0.0.1:1", "not socks5://"),
        ("http://[::1", "cannot be read"),
        ("http://", "no host in the address of the proxy"),
        ("https://user:secret@:80", "no host in the address of the proxy"),
    ):
        monkeypatch.setenv("HTTPS_PROXY", address)
        answer = ask("hook", server.shown)
        assert (answer.status, answer.primary) == (1, "proxy-refused")
        assert said in answer.first["summary"]
        assert "secret" not in str(answer.findings)


def trickle(connection: socket.socket) -> None:
    """Answer a byte at a time, and never to the end."""
    connection.recv(4096)
    for byte in b"HTTP/1.1 200 Connection established\r\nX: " + b"x" * 1000:
        connection.sendall(bytes((byte,)))
        time.sleep(0.05)


@cases(
    ("scheme", "talk", "said"),
    [
        ("http", silent, "did not say within 0.5 seconds whether it connects to localhost:"),
        ("http", trickle, "did not say within 0.5 seconds whether it connects to localhost:"),
        ("https", silent, "did not begin TLS within 0.5 seconds"),
        ("https", ProxyTalk(), "its address begins with http://"),
    ],
)
def test_a_proxy_that_hangs_is_told_from_a_server_that_does(  # noqa: PLR0913, PLR0917 - fixtures and columns
    ask: Ask, listen: Listen, server: Listener, monkeypatch: pytest.MonkeyPatch, scheme: str, talk: Talk, said: str
) -> None:
    port = listen(talk).port
    monkeypatch.setenv("HTTPS_PROXY", f"{scheme}://user:secret@127.0.0.1:{port}")
    started = time.monotonic()
    answer = ask("hook", server.shown, "--timeout", "0.5")
    assert time.monotonic() - started < 1.5
    assert (answer.status, answer.primary) == (1, "proxy-refused")
    summary, evidence = answer.first["summary"], answer.first["evidence"]
    assert said in summary
    assert f"the proxy {scheme}://127.0.0.1:{port} " in summary
    assert evidence["proxy"] == f"{scheme}://127.0.0.1:{port}"
    assert "secret" not in str(answer.findings)


def test_a_server_that_hangs_behind_a_proxy_is_told_from_a_proxy_that_does(
    ask: Ask, listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"http://127.0.0.1:{listen(ProxyTalk()).port}"
    monkeypatch.setenv("HTTPS_PROXY", address)
    answer = ask("hook", listen(silent).shown, "--timeout", "0.5")
    said = f"no answer within 0.5 seconds; the proxy {address} had made the connection"
    assert (answer.status, answer.primary, answer.first["summary"]) == (1, "timeout", said)


def test_a_proxy_that_takes_no_connection(
    ask: Ask, listen: Listen, server: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a firewall drops the packets; the system's call is stood in for."""
    port, usual = listen(silent).port, socket.socket.connect

    def connect(self: socket.socket, address: typing.Any) -> None:  # noqa: ANN401
        if address[1] == port:
            raise TimeoutError
        usual(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
    answer = ask("hook", server.shown, "--timeout", "2")
    said = f"no connection to the proxy within 2 seconds: http://127.0.0.1:{port}"
    assert (answer.primary, answer.first["summary"]) == ("proxy-refused", said)
    monkeypatch.setenv("NO_PROXY", "localhost")
    assert ask("hook", server.shown, "--timeout", "2").primary is None


def test_the_connection_to_a_proxy_is_closed_when_it_refuses(
    listen: Listen, trust: Trust, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust(ROOT)
    monkeypatch.setenv("HTTPS_PROXY", f"https://{listen(in_tls(CONTEXT, ProxyTalk(403))).shown}")
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        assert handshake(Target("a.example", timeout=5)).error == "the proxy answered with status 403"
        gc.collect()


def test_a_proxy_can_be_spoken_to_in_tls(
    ask: Ask, listen: Listen, server: Listener, trust: Trust, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then its own certificate is verified like any other."""
    monkeypatch.setenv("HTTPS_PROXY", f"https://{listen(in_tls(CONTEXT, ProxyTalk())).shown}")
    assert ask("hook", server.shown).primary is None
    trust(make("Another Root", form=CA))
    answer = ask("hook", server.shown)
    assert (answer.primary, "certificate of the proxy itself" in answer.first["summary"]) == ("proxy-refused", True)
    monkeypatch.setenv("HTTPS_PROXY", f"https://127.0.0.1:{listen(ProxyTalk()).port}")
    assert ask("hook", server.shown, "--timeout", "1").primary == "proxy-refused"


def test_what_begins_in_plain_text_goes_straight(
    ask: Ask, listen: Listen, server: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = ProxyTalk()
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{listen(talk).port}")
    ask("hook", server.shown, "--starttls", "smtp", "--timeout", "0.5")
    assert talk.asked == []


# One rule for the proxy: whatever goes out goes the way that requests would take

HERE = AddressPolicy(frozenset({LOOPBACK}), any_port=True)


@pytest.fixture
def ways(
    serve: Callable[..., TlsServer], listen: Listen, place: PlainServer, ca: trustme.CA, ca_file: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[str], dict[str, bool]]:  # fmt: skip
    """Ask a server of this name in every way, and tell which went through the proxy."""
    proxy, server = ProxyTalk(), serve(ca.issue_cert("localhost", "127.0.0.1"))
    address = f"http://127.0.0.1:{listen(proxy).port}"
    for name, value in (("HTTPS_PROXY", address), ("HTTP_PROXY", address), ("SSL_CERT_FILE", str(ca_file))):
        monkeypatch.setenv(name, value)
    place.pages["/ca"] = page(b"ok")

    def through_proxy(host: str) -> dict[str, bool]:
        url, went = f"https://{host}:{server.port}/", {}
        for name, ask in (
            ("requests", lambda: requests.get(url, verify=str(ca_file), timeout=10).content),
            ("handshake", lambda: handshake(Target(host, server.port)).outcome),
            ("fetch", lambda: http.fetch(url, limit=10, verify=ca_file).body),
        ):
            proxy.asked.clear()
            assert ask() in (b"ok", "ok")
            went[name] = bool(proxy.asked)
        try:
            went["issuer"] = http.fetch_issuer(f"http://{host}:{place.port}/ca", HERE).through_proxy
        except FetchError as error:  # behind a proxy this computer's own addresses would be the proxy's own
            went["issuer"] = error.rule == "address-refused"
        return went

    return through_proxy


@cases(
    ("value", "host", "through"),
    [
        ("127.0.0.0/8", "127.0.0.1", False),
        ("10.0.0.0/8, 127.0.0.0/30", "127.0.0.1", False),
        ("10.0.0.0/8", "127.0.0.1", True),
        ("127.0.0.0/8", "localhost", True),
        ("127.0.0.1", "127.0.0.1", False),
        ("localhost", "localhost", False),
        (".localhost", "localhost", False),
        ("ocalhost", "localhost", None),  # what it means is for requests to say, and has changed with its versions
        ("127.0.0.1:1", "127.0.0.1", None),
        ("example.org,localhost", "localhost", False),
        ("*", "localhost", False),
        ("", "localhost", True),
    ],
)
def test_no_proxy_means_the_same_to_a_handshake_and_to_every_fetch_as_to_requests(
    ways: Callable[[str], dict[str, bool]],
    monkeypatch: pytest.MonkeyPatch,
    value: str,
    host: str,
    *,
    through: bool | None,
) -> None:
    monkeypatch.setenv("NO_PROXY", value)
    found = ways(host)
    expected = found["requests"] if through is None else through
    assert found == dict.fromkeys(("requests", "handshake", "fetch", "issuer"), expected)


@cases("proxy", ["http://127.0.0.1:1", ""])
@cases("host", ["[x", "x]", "a:b:c", "a:b%c", "a/b@c", "a b", "a\nb", "a#b", "..", "ü" * 64, ""])
def test_what_is_no_host_is_told_behind_a_proxy_too(monkeypatch: pytest.MonkeyPatch, proxy: str, host: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    monkeypatch.setenv("NO_PROXY", "10.0.0.0/8,example.org")
    found = handshake(Target(host, 443, timeout=5))
    assert found.outcome in ("proxy-refused", "dns-failure")
    assert found.error.isprintable()


LOADED = """
import contextlib, io, sys
from certboot.cli.main import main
with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
    main(["init", "--source", "certifi"])
    main(sys.argv[1:])
print(sorted({name.partition(".")[0] for name in sys.modules} & {"requests", "urllib3"}))
"""


@cases(
    ("variables", "command", "loaded"),
    [
        ({}, "doctor localhost:1", []),
        ({"NO_PROXY": "10.0.0.0/8"}, "repair localhost:1", []),
        ({"HTTPS_PROXY": "http://127.0.0.1:1"}, "update", []),
        ({"HTTPS_PROXY": "http://127.0.0.1:1"}, "doctor localhost:1", ["requests", "urllib3"]),
    ],
)
def test_requests_is_loaded_only_where_something_is_fetched_or_there_is_a_proxy(
    clean: Path, variables: dict[str, str], command: str, loaded: list[str]
) -> None:
    environ = {"HOME": str(clean), "CERTBOOT_DISABLE": "1", "PATH": "/usr/bin:/bin", **variables}
    argv = [sys.executable, "-c", LOADED, *command.split()]
    ran = subprocess.run(argv, env=environ, capture_output=True, check=True, text=True, timeout=60)
    assert ran.stdout.strip() == str(loaded)
