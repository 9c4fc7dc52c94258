"""``certboot doctor HOST``: one real handshake, OpenSSL's own verdict, and the chain as the server sent it."""

from __future__ import annotations

import contextlib
import datetime
import errno
import http.server
import json
import socket
import ssl
import threading
import typing
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from pki import DAY, NOW, Issued, issue, key_usage, name
from snapshot import assert_refused, snapshot

from certboot import tls
from certboot.doctor.address import parse_address

if typing.TYPE_CHECKING:
    from environments import Ran
    from server import TlsServer


@pytest.fixture
def examine(certboot: Callable[..., Ran]) -> Callable[..., tuple[int, dict[str, typing.Any]]]:
    """Ask the doctor about a host, and return its exit status and the finding."""

    def run(host: str) -> tuple[int, dict[str, typing.Any]]:
        ran = certboot("doctor", "--json", "hook", host)
        findings = [found for found in json.loads(ran.out)["findings"] if found["group"] == "server"]
        assert len(findings) == 1
        return ran.status, findings[0]

    return run


@pytest.fixture(autouse=True)
def active(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hook is well, so that the exit status is that of the host."""
    monkeypatch.setattr("certboot_startup.status", "active")


Examine = Callable[..., tuple[int, dict[str, typing.Any]]]


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch, ca_file: Path) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(ca_file))


def chained(ca: trustme.CA, leaf: trustme.LeafCert) -> trustme.LeafCert:
    """The same leaf, on a server that sends its root too."""
    own = leaf.cert_chain_pems[0].bytes()
    return trustme.LeafCert(leaf.private_key_pem.bytes(), own, [ca.cert_pem.bytes()])


def self_signed(subject: str) -> trustme.LeafCert:
    names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
    made = issue(
        name(subject),
        extensions=(
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (key_usage(key_cert_sign=False), True),
            (names, False),
        ),
    )
    return on_server(made)


def on_server(made: Issued) -> trustme.LeafCert:
    return trustme.LeafCert(made.key_pem, made.pem, [])


@pytest.mark.usefixtures("trusted")
def test_a_trusted_server_is_well_and_its_chain_is_shown(
    examine: Examine, certboot: Callable[..., Ran], ca: trustme.CA, serve: Callable[..., TlsServer]
) -> None:
    server = serve(chained(ca, ca.issue_cert("localhost", organization_name="Intranet")))
    status, finding = examine(f"localhost:{server.port}")
    assert (status, finding["id"], finding["status"]) == (0, "handshake-ok", "ok")
    assert finding["subject"] == f"localhost:{server.port}"
    assert finding["summary"] == "Verify return code: 0 (ok), TLSv1.3"
    assert (finding["evidence"]["verify_code"], finding["evidence"]["verify_message"]) == (0, "ok")
    assert [certificate["issuer"] for certificate in finding["evidence"]["chain"]] == [
        "OU=Example Corp Root,O=Example Corp"
    ] * 2
    text = certboot("doctor", server.url).out
    assert " 1 s:OU=Example Corp Root,O=Example Corp\n" in text
    assert f"   v:{datetime.datetime.now(datetime.timezone.utc):%Y}"[:5] in text


EXPIRED = NOW - DAY


@pytest.mark.parametrize(
    ("make", "code", "expected"),
    [
        (lambda ca: ca.issue_cert("localhost"), 20, "issuer-not-found"),
        (lambda ca: chained(ca, ca.issue_cert("localhost")), 19, "untrusted-root"),
        (lambda _: self_signed("localhost"), 18, "self-signed-leaf"),
    ],
    ids=["20", "19", "18"],
)
def test_a_server_whose_ca_nobody_trusts_is_told_apart_by_openssls_code(
    examine: Examine,
    ca: trustme.CA,
    serve: Callable[..., TlsServer],
    make: Callable[[trustme.CA], trustme.LeafCert],
    code: int,
    expected: str,
) -> None:
    status, finding = examine(f"localhost:{serve(make(ca)).port}")
    assert (status, finding["id"], finding["status"]) == (1, expected, "fail")
    assert finding["evidence"]["verify_code"] == code
    assert finding["summary"].startswith(f"Verify return code: {code} ({finding['evidence']['verify_message']})\n")
    assert len(finding["evidence"]["chain"]) == (2 if code == 19 else 1)
    assert finding["fix"] == ([] if code == 18 else [["certboot", "init", "--add", "CA.pem"]])


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize(
    ("host", "validity", "code", "expected"),
    [
        ("localhost", (NOW - 9 * DAY, EXPIRED), 10, "expired-leaf"),
        ("localhost", (NOW + DAY, NOW + 9 * DAY), 9, "not-yet-valid"),
        ("elsewhere.example", (EXPIRED, NOW + DAY), 62, "hostname-mismatch"),
        ("localhost", (EXPIRED, NOW + DAY), 0, "handshake-ok"),
    ],
    ids=["10", "9", "62", "control"],
)
def test_what_only_the_servers_operator_can_mend_has_no_remedy_here(  # noqa: PLR0913, PLR0917 - a table
    examine: Examine,
    ca: trustme.CA,
    serve: Callable[..., TlsServer],
    host: str,
    validity: tuple[datetime.datetime, datetime.datetime],
    code: int,
    expected: str,
) -> None:
    leaf = ca.issue_cert(host, not_before=validity[0], not_after=validity[1])
    status, finding = examine(f"localhost:{serve(leaf).port}")
    assert (status, finding["id"]) == (int(code != 0), expected)
    assert finding["evidence"]["verify_code"] == code
    assert finding["fix"] == []


@pytest.mark.usefixtures("trusted")
def test_an_ip_address_is_compared_with_the_addresses_in_the_certificate(
    examine: Examine, ca: trustme.CA, serve: Callable[..., TlsServer]
) -> None:
    assert examine(f"127.0.0.1:{serve(ca.issue_cert('127.0.0.1')).port}")[1]["id"] == "handshake-ok"
    status, finding = examine(f"127.0.0.1:{serve(ca.issue_cert('localhost')).port}")
    assert (status, finding["id"], finding["evidence"]["verify_code"]) == (1, "hostname-mismatch", 64)


@pytest.fixture
def plain() -> Iterator[int]:
    """The port of a server that speaks HTTP without TLS."""

    class Quiet(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Keep the test output clean."""

    server = http.server.HTTPServer(("127.0.0.1", 0), Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_server_without_tls_fails_the_handshake(examine: Examine, plain: int) -> None:
    status, finding = examine(f"localhost:{plain}")
    assert (status, finding["id"], finding["status"]) == (1, "handshake-failed", "fail")
    assert finding["summary"]


def test_where_nothing_listens_the_connection_is_refused(examine: Examine) -> None:
    with socket.socket() as bound:  # without listen(), so nobody else can take the port
        bound.bind(("127.0.0.1", 0))
        status, finding = examine(f"127.0.0.1:{bound.getsockname()[1]}")
    assert (status, finding["id"], finding["summary"]) == (1, "connection-refused", "nothing listens there")


def test_where_nobody_answers_the_wait_ends() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        found = tls.handshake("127.0.0.1", silent.getsockname()[1], 0.2)
    assert (found.outcome, found.error) == ("timeout", "no answer in time")


@pytest.mark.parametrize("host", ["no-such-host.invalid", f"{'a' * 64}.example", "a..example"])
def test_a_name_that_no_resolver_knows_is_a_dns_failure(examine: Examine, host: str) -> None:
    status, finding = examine(host)
    assert (status, finding["id"]) == (1, "dns-failure")


def test_any_other_failure_is_told_in_the_systems_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object, **__: object) -> typing.NoReturn:
        raise OSError(errno.ENETUNREACH, "Network is unreachable")

    monkeypatch.setattr(socket, "create_connection", unreachable)
    found = tls.handshake("192.0.2.1", 443)
    assert (found.outcome, found.error) == ("connection-failed", "Network is unreachable")


def test_trust_that_cannot_be_read_is_told_before_any_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> typing.NoReturn:
        message = "unknown error (_ssl.c:4149)"
        raise ssl.SSLError(message)

    monkeypatch.setattr(ssl, "create_default_context", broken)
    monkeypatch.setattr(socket, "create_connection", None)
    assert tls.handshake("localhost", 1).outcome == "trust-unreadable"


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize(("host", "expected"), [("elsewhere.example", "hostname-mismatch"), ("localhost", "expired")])
def test_a_server_that_shows_its_chain_no_second_time_is_still_diagnosed(
    examine: Examine,
    monkeypatch: pytest.MonkeyPatch,
    ca: trustme.CA,
    serve: Callable[..., TlsServer],
    host: str,
    expected: str,
) -> None:
    valid = {"not_before": NOW - 9 * DAY, "not_after": EXPIRED} if expected == "expired" else {}
    server = serve(ca.issue_cert(host, **valid))  # type: ignore[arg-type]
    connected = tls._connected

    def once(context: ssl.SSLContext, *where: typing.Any) -> contextlib.AbstractContextManager[ssl.SSLSocket]:  # noqa: ANN401
        if context.verify_mode == ssl.CERT_NONE:
            raise ConnectionResetError
        return connected(context, *where)

    monkeypatch.setattr(tls, "_connected", once)
    status, finding = examine(f"localhost:{server.port}")
    assert (status, finding["id"], finding["evidence"]["chain"]) == (1, expected, [])


@pytest.mark.parametrize("old", ["expired-intermediate", "expired-root", "handshake-ok"])
def test_which_certificate_of_a_chain_has_expired_is_told(
    examine: Examine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, serve: Callable[..., TlsServer], old: str
) -> None:
    good, bad = (NOW - 9 * DAY, NOW + DAY), (NOW - 9 * DAY, EXPIRED)
    root = issue("Root", valid=bad if old == "expired-root" else good)
    middle = issue("Middle", root, valid=bad if old == "expired-intermediate" else good)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
    leaf = issue("localhost", middle, valid=good, extensions=((names, False),))
    (tmp_path / "root.pem").write_bytes(root.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "root.pem"))
    server = serve(trustme.LeafCert(leaf.key_pem, leaf.pem, [middle.pem]))
    status, finding = examine(f"localhost:{server.port}")
    assert (status, finding["id"]) == (int(old != "handshake-ok"), old)
    assert finding["evidence"]["verify_code"] == (0 if old == "handshake-ok" else 10)


def test_a_presented_certificate_that_cannot_be_read_is_named_as_such() -> None:
    found = tls._described(b"junk")
    assert found.fingerprint == found.issuer == ""
    assert "certificate" in found.subject


def test_names_that_could_drive_a_terminal_are_printed_harmlessly(
    certboot: Callable[..., Ran], serve: Callable[..., TlsServer]
) -> None:
    server = serve(self_signed("\x1b[31mred\x07\r\n\u202eevil"))
    for command in (("doctor", server.url), ("doctor", "--json", server.url)):
        ran = certboot(*command)
        assert ran.status == 1
        assert "red" in ran.out
        assert [line for line in ran.out.split("\n") if not line.isprintable()] == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a.example", ("a.example", 443)),
        ("a.example:8443", ("a.example", 8443)),
        ("https://a.example/path?q", ("a.example", 443)),
        ("https://u:p@a.example:8443/", ("a.example", 8443)),
        ("192.0.2.1:8443", ("192.0.2.1", 8443)),
        ("::1", ("::1", 443)),
        ("[::1]:8443", ("::1", 8443)),
    ],
)
def test_a_host_can_be_written_in_many_ways(text: str, expected: tuple[str, int]) -> None:
    assert parse_address(text) == expected


@pytest.mark.parametrize("host", ["https://", "", "a b", "localhost:x", "localhost:99999", "localhost:0", "[::1"])
def test_what_is_no_host_is_wrong_usage(certboot: Callable[..., Ran], host: str) -> None:
    ran = certboot("doctor", host)
    assert_refused(ran)
    assert ran.err.startswith("certboot: error: not a host: ")
    assert ran.out == ""


def test_one_host_is_examined_at_a_time(certboot: Callable[..., Ran]) -> None:
    assert_refused(certboot("doctor", "a.invalid", "b.invalid"))


def test_asking_about_a_host_changes_nothing(
    certboot: Callable[..., Ran], clean: Path, ca: trustme.CA, serve: Callable[..., TlsServer]
) -> None:
    server = serve(ca.issue_cert("localhost"))
    certboot("doctor", server.url)
    assert snapshot(clean) == {}
