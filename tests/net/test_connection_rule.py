"""One rule for the proxy: whatever goes out here goes the way that requests would take."""

from __future__ import annotations

import subprocess
import sys
import typing
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
from support.faults import Listener, ProxyTalk
from support.server import PlainServer, page
from support.table import cases

from certboot.net import http
from certboot.net.address_policy import LOOPBACK, AddressPolicy, FetchError
from certboot.net.handshake import handshake
from certboot.net.target import Target

if typing.TYPE_CHECKING:
    import trustme
    from support.server import TlsServer

HERE = AddressPolicy(frozenset({LOOPBACK}), any_port=True)


class Ways:
    """A server behind a proxy, and whether what asks it goes through that."""

    def __init__(self, server: TlsServer, proxy: ProxyTalk, place: PlainServer, verify: Path) -> None:
        self.server = server
        self._proxy = proxy
        self._place = place
        self._verify = verify

    def through_proxy(self, host: str) -> dict[str, bool]:
        url = f"https://{host}:{self.server.port}/"
        return {
            "requests": self._counted(lambda: requests.get(url, verify=str(self._verify), timeout=10).content),
            "handshake": self._counted(lambda: handshake(Target(host, self.server.port)).outcome),
            "fetch": self._counted(lambda: http.fetch(url, limit=10, verify=self._verify).body),
            "issuer": self._issuer(f"http://{host}:{self._place.port}/ca"),
        }

    def _counted(self, ask: Callable[[], object]) -> bool:
        before = len(self._proxy.asked)
        assert ask() in (b"ok", "ok")
        return len(self._proxy.asked) > before

    def _issuer(self, url: str) -> bool:
        """Behind a proxy this computer's own addresses would be the proxy's own, and are refused."""
        try:
            return http.fetch_issuer(url, HERE).through_proxy
        except FetchError as error:
            return error.rule == "address-refused"


@pytest.fixture
def ways(
    serve: Callable[..., TlsServer], listen: Callable[..., Listener], place: PlainServer, ca: trustme.CA, ca_file: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Ways:  # fmt: skip
    proxy = ProxyTalk()
    address = f"http://127.0.0.1:{listen(proxy).port}"
    for name in ("HTTPS_PROXY", "HTTP_PROXY"):
        monkeypatch.setenv(name, address)
    monkeypatch.setenv("SSL_CERT_FILE", str(ca_file))
    place.pages["/ca"] = page(b"ok")
    return Ways(serve(ca.issue_cert("localhost", "127.0.0.1")), proxy, place, ca_file)


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
    ways: Ways, monkeypatch: pytest.MonkeyPatch, value: str, host: str, *, through: bool | None
) -> None:
    monkeypatch.setenv("NO_PROXY", value)
    found = ways.through_proxy(host)
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
