"""The doctor goes through the proxy that programs use, and shows nobody its password."""

from __future__ import annotations

import typing
from collections.abc import Callable
from pathlib import Path

import pytest
from chains import CA, make, on_server
from faults import Listener, ProxyTalk, server_context, silent, tls

if typing.TYPE_CHECKING:
    from asking import Answer

Ask = Callable[..., "Answer"]
Listen = Callable[..., Listener]


@pytest.fixture
def server(listen: Listen, trust: Callable[..., Path]) -> Listener:
    """A good server."""
    root = make("Corp Root", form=CA)
    trust(root)
    return listen(tls(server_context(on_server(make("localhost", root)))))


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_a_connection_goes_through_the_proxy(
    ask: Ask, listen: Listen, server: Listener, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    talk = ProxyTalk()
    proxy = listen(talk)
    monkeypatch.setenv(variable, f"http://127.0.0.1:{proxy.port}")
    answer = ask("hook", f"localhost:{server.port}")
    assert (answer.primary, talk.asked) == (None, [f"CONNECT localhost:{server.port} HTTP/1.1"])
    assert answer.first["evidence"]["proxy"] == f"http://127.0.0.1:{proxy.port}"


def test_no_proxy_is_honoured(ask: Ask, listen: Listen, server: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    talk = ProxyTalk()
    monkeypatch.setenv("HTTPS_PROXY", f"127.0.0.1:{listen(talk).port}")
    for value in ("localhost", "*", f"localhost:{server.port}"):
        monkeypatch.setenv("NO_PROXY", value)
        assert ask("hook", f"localhost:{server.port}").primary is None
    assert talk.asked == []
    monkeypatch.setenv("NO_PROXY", "example.org")
    assert ask("hook", f"localhost:{server.port}").primary is None
    assert len(talk.asked) == 1


def test_credentials_reach_the_proxy_and_nobody_else(
    ask: Ask, listen: Listen, server: Listener, monkeypatch: pytest.MonkeyPatch, certboot: Callable[..., typing.Any]
) -> None:
    talk = ProxyTalk(credentials="user:p@ss:word")
    port = listen(talk).port
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:p%40ss%3Aword@127.0.0.1:{port}")
    assert ask("hook", f"localhost:{server.port}").primary is None
    for address in (f"http://127.0.0.1:{port}", f"http://user:wrong-secret@127.0.0.1:{port}"):
        monkeypatch.setenv("HTTPS_PROXY", address)
        answer = ask("hook", f"localhost:{server.port}")
        assert (answer.status, answer.primary) == (1, "proxy-authentication")
        for form in ([], ["--json"]):
            ran = certboot("doctor", *form, f"localhost:{server.port}")
            assert "secret" not in ran.out + ran.err
            assert "p%40ss" not in ran.out + ran.err


@pytest.mark.parametrize(
    ("talk", "said"),
    [
        (ProxyTalk(403), "status 403"),
        (ProxyTalk(502), "status 502"),
        (ProxyTalk(answer=b"SSH-2.0-OpenSSH\r\n\r\n"), "no answer that HTTP knows"),
        (ProxyTalk(answer=b"HTTP/1.1 200 OK"), "no answer that HTTP knows"),
        (ProxyTalk(answer=b"x" * 100_000), "no answer that HTTP knows"),
    ],
    ids=["403", "502", "other", "half", "long"],
)
def test_a_proxy_that_does_not_connect(
    ask: Ask, listen: Listen, server: Listener, monkeypatch: pytest.MonkeyPatch, talk: ProxyTalk, said: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{listen(talk).port}")
    answer = ask("hook", f"localhost:{server.port}")
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
    ):
        monkeypatch.setenv("HTTPS_PROXY", address)
        answer = ask("hook", f"localhost:{server.port}")
        assert (answer.status, answer.primary) == (1, "proxy-refused")
        assert said in answer.first["summary"]
        assert "secret" not in str(answer.findings)


def test_a_proxy_that_never_answers(
    ask: Ask, listen: Listen, server: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{listen(silent).port}")
    assert ask("hook", f"localhost:{server.port}", "--timeout", "0.5").primary == "timeout"


def test_a_proxy_can_be_spoken_to_in_tls(
    ask: Ask, listen: Listen, trust: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then its own certificate is verified like any other."""
    root = make("Corp Root", form=CA)
    context = server_context(on_server(make("localhost", root)))
    server = listen(tls(context))

    def talk(connection: typing.Any) -> None:  # noqa: ANN401
        with context.wrap_socket(connection, server_side=True) as secure:
            ProxyTalk()(secure)

    monkeypatch.setenv("HTTPS_PROXY", f"https://localhost:{listen(talk).port}")
    trust(root)
    assert ask("hook", f"localhost:{server.port}").primary is None
    trust(make("Another Root", form=CA))
    answer = ask("hook", f"localhost:{server.port}")
    assert (answer.primary, "certificate of the proxy itself" in answer.first["summary"]) == ("proxy-refused", True)
    monkeypatch.setenv("HTTPS_PROXY", f"https://127.0.0.1:{listen(ProxyTalk()).port}")
    assert ask("hook", f"localhost:{server.port}", "--timeout", "2").primary in ("proxy-refused", "timeout")


def test_what_begins_in_plain_text_goes_straight(
    ask: Ask, listen: Listen, server: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = ProxyTalk()
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{listen(talk).port}")
    ask("hook", f"localhost:{server.port}", "--starttls", "smtp", "--timeout", "0.5")
    assert talk.asked == []
