"""``certboot doctor HOST --clients`` lets each client that is here loose on the host."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme
from support.environments import Ran
from support.server import TlsServer
from support.snapshot import assert_refused
from support.table import cases


@pytest.mark.slow
@pytest.mark.parametrize("trusted", [True, False])
def test_each_client_says_what_it_makes_of_the_host(
    certboot: Callable[..., Ran],
    monkeypatch: pytest.MonkeyPatch,
    ca: trustme.CA,
    ca_file: Path,
    serve: Callable[..., TlsServer],
    trusted: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    if trusted:
        for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE"):
            monkeypatch.setenv(name, str(ca_file))
    host = f"localhost:{serve(ca.issue_cert('localhost')).port}"
    ran = certboot("doctor", "--json", "--clients", "hook", host)
    found = {f["subject"]: f["id"] for f in json.loads(ran.out)["findings"] if f["group"] == "clients"}
    expected = "client-accepts-host" if trusted else "client-refuses-host"
    assert {found[name] for name in ("requests", "urllib", "httpx", "curl")} == {expected}, found


@cases(
    "argv",
    [
        ["--clients"],
        ["--clients", "--chain", "chain.pem", "--host", "localhost"],
        ["--clients", "--starttls", "smtp", "localhost:1"],
        ["--clients", "--connect", "127.0.0.1", "localhost:1"],
    ],
)
def test_what_clients_cannot_be_told_is_refused(certboot: Callable[..., Ran], argv: list[str]) -> None:
    ran = certboot("doctor", *argv)
    assert_refused(ran)
    assert "--clients goes with a host" in ran.err
