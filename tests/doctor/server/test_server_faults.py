"""The fault zoo: for every cause a real server that has exactly that fault, and a control that lacks it."""

from __future__ import annotations

import os
import socket
import ssl
import time
import typing
from collections.abc import Callable
from pathlib import Path

import pytest
from support import faults
from support.asking import Answer, Ask, Listen, Trust
from support.faults import after_hello, tls
from support.pki import CA, DAY, LEAF, NOW, Issued, make, name
from support.table import cases
from support.zoo import ANOTHER, FAIL, FUTURE, GOOD, OLD_ROOT, PAST, WITH_RSA, ZOO, Chain, chain, changed

from certboot.clients.table import CLIENTS
from certboot.pki.subject_hash import subject_hash

Said = Callable[..., Answer]
Heard = Callable[..., str | None]


@pytest.fixture
def said(ask: Ask, listen: Listen, trust: Trust) -> Said:
    """What the doctor says of a server that sends this chain, whose root is trusted."""

    def run(made: Chain, context: ssl.SSLContext | None = None, host: str = "localhost", **more: typing.Any) -> Answer:  # noqa: ANN401
        trust(*made.trusted)
        return ask("hook", f"{host}:{listen(tls(context or made.context(), **more)).port}")

    return run


@pytest.fixture
def heard(ask: Ask, listen: Listen) -> Heard:
    """What the doctor says of a server that talks like this, and has a fault."""

    def run(talk: faults.Talk, *argv: str, host: str = "localhost") -> str | None:
        answer = ask("hook", f"{host}:{listen(talk).port}", *argv)
        assert answer.status == 1
        return answer.primary

    return run


@cases(("cause", "status", "make_chain", "code"), ZOO.values(), ids=list(ZOO))
def test_each_fault_of_a_chain_has_its_cause(
    said: Said, cause: str, status: str, make_chain: Callable[[], Chain], code: int | None
) -> None:
    answer = said(make_chain())
    evidence = answer.first["evidence"]
    assert (answer.first["id"], answer.first["status"], answer.ids.count(cause)) == (cause, status, 1)
    assert answer.primary == (cause if status == FAIL else None)
    assert evidence["verify_code"] == (evidence["verify_code"] if code is None else code)
    assert evidence["chain"][0]["subject"] == "CN=localhost"
    if status == FAIL and code:
        assert any(link["fault"] == cause for link in evidence["path"]) or cause == "wrong-chain"
    if cause == "no-subject-alt-name":  # the common name stands in for it in the standard library only
        verdicts = {verdict["client"]: verdict["code"] for verdict in evidence["verdicts"]}
        assert verdicts == {"Python up to 3.12": 0, "Python 3.13 and newer": 0, "requests, urllib3 2, pip": 62}


def test_the_control_of_all_of_them_is_good(said: Said) -> None:
    answer = said(GOOD)
    assert (answer.status, answer.primary, answer.ids) == (0, None, ["handshake-ok"])
    assert [link["state"] for link in answer.first["evidence"]["path"]] == ["sent", "sent", "trusted"]
    assert [verdict["code"] for verdict in answer.first["evidence"]["verdicts"]] == [0, 0, 0]


def test_an_address_must_stand_in_the_certificate(said: Said) -> None:
    answer = said(GOOD, host="127.0.0.1")
    assert (answer.status, answer.primary, answer.first["evidence"]["verify_code"]) == (1, "ip-not-in-san", 64)
    assert "localhost" in answer.first["summary"]
    assert said(chain(leaf=changed(LEAF, names=("127.0.0.1",))), host="127.0.0.1").primary is None


@cases(("sent", "remarks"), [
    ((*GOOD.sent, *GOOD.trusted), ["root-sent"]),
    ((*GOOD.trusted, *GOOD.sent), ["chain-out-of-order", "root-sent"]),
    ((*GOOD.sent, make("Stranger", OLD_ROOT, CA)), ["wrong-chain"]),
    (GOOD.sent, []),
])  # fmt: skip
def test_what_does_no_harm_is_remarked_on(said: Said, sent: tuple[Issued, ...], remarks: list[str]) -> None:
    answer = said(GOOD._replace(sent=sent))
    assert (answer.status, answer.primary, answer.ids) == (0, None, ["handshake-ok", *remarks])


def test_what_comes_soon_or_next_is_told_beside_the_verdict(said: Said) -> None:
    soon = chain(leaf=changed(LEAF, valid=(NOW - 9 * DAY, NOW + 3 * DAY)))
    assert said(soon).ids == ["handshake-ok", "expires-soon"]
    worse = chain(middle=changed(CA, critical=False), leaf=changed(LEAF, valid=PAST))
    answer = said(worse._replace(trusted=(ANOTHER,)))
    assert (answer.primary, answer.ids[1:]) == ("untrusted-root", ["expired-leaf", "strict-basic-constraints"])


def test_all_that_newer_pythons_want_of_each_certificate_is_asked_for_at_once(said: Said) -> None:
    made = chain(root=changed(CA, ski=False, usage=False, critical=False), leaf=changed(LEAF, aki=False))
    leaf, root = said(made).first["evidence"]["operator"].split("; ")
    assert (leaf.split()[0], leaf.split("and ")[1]) == ("CN=localhost:", "authorityKeyIdentifier=keyid:always")
    told = "subjectKeyIdentifier=hash basicConstraints=critical,CA:TRUE keyUsage=critical,keyCertSign,cRLSign."
    assert root.endswith(told)


@cases(("valid", "code", "by_its_time", "else_"), [
    (FUTURE, 9, "clock-skew", "not-yet-valid"), (PAST, 10, "expired-leaf", "expired-leaf"),
])  # fmt: skip
def test_a_server_that_knows_the_time_tells_a_wrong_clock_from_a_wrong_certificate(
    said: Said, valid: tuple[typing.Any, typing.Any], code: int, by_its_time: str, else_: str
) -> None:
    made = chain(leaf=changed(LEAF, valid=valid))
    answer = said(made, date=(valid[0] + (valid[1] - valid[0]) / 2).timestamp())
    assert (answer.primary, answer.first["evidence"]["verify_code"]) == (by_its_time, code)
    assert said(made).primary == else_


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@cases("version", ["TLSv1", "TLSv1_1"])
def test_old_versions_of_tls(said: Said, version: str) -> None:
    answer = said(GOOD, GOOD.context("ALL:@SECLEVEL=0", version))
    assert (answer.status, answer.primary) == (1, "old-tls-only")
    assert version.replace("_", ".") in answer.first["summary"]


def test_weak_ciphers_and_a_small_diffie_hellman_group(said: Said) -> None:
    answer = said(WITH_RSA, WITH_RSA.context("AES128-SHA:@SECLEVEL=0", "TLSv1_2"))
    if "AES128-SHA" in {cipher["name"] for cipher in ssl.create_default_context().get_ciphers()}:
        assert answer.primary is None  # Debian builds Python with OpenSSL's own list in the place of Python's
    else:
        assert (answer.status, answer.primary) == (1, "no-common-cipher")
        assert "AES128-SHA" in answer.first["summary"]
    assert said(WITH_RSA, WITH_RSA.context(version="TLSv1_2")).primary is None
    context = WITH_RSA.context("DHE-RSA-AES256-GCM-SHA384:@SECLEVEL=0", "TLSv1_2")
    with faults.small_dh_parameters() as path:
        context.load_dh_params(path)
    answer = said(WITH_RSA, context)
    assert (answer.status, answer.primary) == (1, "small-dh")


def test_a_server_without_secure_renegotiation(ask: Ask, listen: Listen, trust: Trust) -> None:
    """The control is the same server by the same way, with the extension: there the handshake is good."""
    trust(*GOOD.trusted)
    good = listen(tls(GOOD.context(version="TLSv1_2"))).port
    answer = ask("hook", f"localhost:{listen(faults.relay(good, faults.without_secure_renegotiation)).port}")
    assert (answer.status, answer.primary) == (1, "legacy-renegotiation")
    assert answer.first["evidence"]["reason"] == "UNSAFE_LEGACY_RENEGOTIATION_DISABLED"
    control = ask("hook", f"localhost:{listen(faults.relay(good, bytes)).port}")
    assert (control.status, control.ids) == (0, ["handshake-ok"])


@cases("version", ["TLSv1_2", "TLSv1_3"])
def test_a_server_that_wants_a_certificate_of_the_client(said: Said, trust: Trust, version: str) -> None:
    for mode, ids in (
        ("CERT_REQUIRED", ["client-certificate-required"]),
        ("CERT_OPTIONAL", ["handshake-ok", "client-certificate-requested"]),
    ):
        context = GOOD.context(version=version)
        context.verify_mode = ssl.VerifyMode[mode]
        context.load_verify_locations(trust(*GOOD.trusted))
        started = time.monotonic()
        assert said(GOOD, context).ids[: len(ids)] == ids
        assert time.monotonic() - started < 1.5


def test_a_server_that_must_be_asked_for_by_name(ask: Ask, listen: Listen, trust: Trust, heard: Heard) -> None:
    trust(*GOOD.trusted)
    context = GOOD.context()
    context.sni_callback = lambda _, asked, __: (
        None if asked == "localhost" else ssl.AlertDescription.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
    )
    port = listen(tls(context)).port
    for argv, cause in (
        ((f"127.0.0.1:{port}",), "sni-required"),
        ((f"127.0.0.1:{port}", "--servername", "localhost"), None),
        ((f"localhost:{port}",), None),
        ((f"localhost:{port}", "--servername", "a.example"), "unrecognized-name"),
        ((f"a.example:{port}", "--connect", f"127.0.0.1:{port}"), "unrecognized-name"),
    ):
        assert ask("hook", *argv).primary == cause
    # With handshake_failure, as large hosts do: nothing that an older client could offer changes that.
    refusal = after_hello(b"\x15\x03\x03\x00\x02\x02\x28")
    assert heard(refusal, host="127.0.0.1") == "sni-required"
    assert heard(refusal) == "handshake-failed"


@cases(("talk", "cause"), [
    (faults.plain_http, "plain-http"),
    (faults.patient_http, "plain-http"),
    (after_hello(bytes(range(0x80, 0xC0))), "not-tls"),
    (after_hello(), "closed-during-handshake"),
    (after_hello(b"\x15\x03\x03\x00\x02\x01\x00"), "closed-during-handshake"),  # close_notify
    (faults.reset, "closed-during-handshake"),
    (faults.silent, "timeout"),
    (after_hello(faults.server_hello(), hang=True), "timeout"),
])  # fmt: skip
def test_a_server_that_gives_no_certificate(heard: Heard, talk: faults.Talk, cause: str) -> None:
    started = time.monotonic()
    assert heard(talk, "--timeout", "0.7") == cause
    assert time.monotonic() - started < 1.7


@cases("protocol", faults.STARTTLS)
def test_each_protocol_goes_over_to_tls(ask: Ask, listen: Listen, trust: Trust, heard: Heard, protocol: str) -> None:
    made = chain(middle=changed(CA, issuer_at="http://pki.example/root"))
    trust(*made.trusted)
    then = tls(made.context())
    good = listen(faults.STARTTLS[protocol](then))
    argv = (f"localhost:{good.port}", "--starttls", protocol)
    assert ask("hook", *argv).primary is None
    trust(ANOTHER)
    answer = ask("hook", *argv)
    assert answer.primary == "untrusted-root"
    assert answer.first["fix"] == [["certboot", "trust", *argv], ["certboot", "adopt", "SSL_CERT_FILE"]]
    assert heard(faults.STARTTLS[protocol](then, offers=False), "--starttls", protocol) == "starttls-refused"


@cases("protocol", ["smtp", "imap", "pop3", "mysql", "ftp"])
def test_a_server_that_greets_in_plain_text_is_mended(ask: Ask, listen: Listen, trust: Trust, protocol: str) -> None:
    trust(*GOOD.trusted)
    port = listen(faults.STARTTLS[protocol](tls(GOOD.context()))).port
    answer = ask("hook", f"localhost:{port}")
    assert (answer.status, answer.primary) == (1, "starttls-needed")
    ((program, command, *argv),) = answer.first["fix"]
    assert (program, command) == ("certboot", "doctor")
    assert ask("hook", *argv).primary is None


@cases(("protocol", "port"), [("ldap", 389), ("postgres", 5432)])
@cases("says", [b"", b"\x30\x05\x02\x01\x00\x78\x00"])
def test_a_server_that_waits_to_be_spoken_to_is_known_by_its_port(
    ask: Ask, listen: Listen, trust: Trust, protocol: str, port: int, says: bytes
) -> None:
    """It ends the connection when it hears TLS, with a word of its own protocol or none; the remedy is good."""
    trust(*GOOD.trusted)
    usual = faults.STARTTLS[protocol](tls(GOOD.context()))

    def talk(connection: socket.socket) -> None:
        if connection.recv(1, socket.MSG_PEEK) == b"\x16":
            connection.sendall(says)
        usual(connection)

    there = listen(talk).port
    answer = ask("hook", f"localhost:{port}", "--connect", f"127.0.0.1:{there}")
    assert (answer.status, answer.primary) == (1, "starttls-needed")
    ((program, command, *argv),) = answer.first["fix"]
    assert (program, command, argv[-2:]) == ("certboot", "doctor", ["--starttls", protocol])
    assert ask("hook", *argv).primary is None
    assert ask("hook", f"localhost:{there}").primary == ("not-tls" if says else "closed-during-handshake")


def test_nobody_there_and_trust_that_cannot_be_read(ask: Ask, listen: Listen, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = listen(faults.silent)
    gone.close()
    assert ask("hook", f"127.0.0.1:{gone.port}").primary == "connection-refused"
    assert ask("hook", "no-such-host.invalid").primary == "dns-failure"

    def broken(*_: object, **__: object) -> typing.NoReturn:
        message = "unknown error"
        raise ssl.SSLError(message)

    monkeypatch.setattr(ssl, "create_default_context", broken)
    assert ask("hook", "localhost:1").primary == "trust-unreadable"


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    ("variable", "client"),
    [("SSL_CERT_FILE", "urllib"), ("SSL_CERT_DIR", "urllib"), ("REQUESTS_CA_BUNDLE", "requests")],
)
def test_nobody_waits_for_who_writes_into_a_pipe(
    ask: Ask, listen: Listen, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str, client: str
) -> None:
    made = chain()
    folder = tmp_path / "certs"
    folder.mkdir()
    pipe = folder / f"{subject_hash(made.trusted[0].certificate.subject.public_bytes())}.0"
    os.mkfifo(pipe)
    present = {known: "1" for known in CLIENTS if known.name == client}
    monkeypatch.setattr("certboot.doctor.clients.verdicts.present_clients", lambda _: present)
    monkeypatch.setenv(variable, str(pipe if variable == "SSL_CERT_FILE" else folder))
    answer = ask("hook", f"localhost:{listen(tls(made.context())).port}")
    assert answer.primary == ("client-cannot-load" if client == "requests" else "trust-unreadable")
    assert str(folder) in answer.first["summary"]


def test_version_6_and_names_beyond_ascii(ask: Ask, listen: Listen, trust: Trust) -> None:
    made = chain(leaf=changed(LEAF, names=("::1", "xn--zrich-kva.example")))
    trust(*made.trusted)
    port = listen(tls(made.context()), "::1").port
    answer = ask("hook", f"[::1]:{port}")
    assert (answer.primary, answer.first["subject"]) == (None, f"[::1]:{port}")
    assert ask("hook", f"https://zürich.example:{port}/path", "--connect", f"[::1]:{port}").primary is None
    answer = ask("hook", f"zürich.de:{port}", "--connect", f"[::1]:{port}")
    assert answer.primary == "hostname-mismatch"
    assert answer.first["evidence"]["names"] == ["xn--zrich-kva.example", "::1"]


def test_tls_inspection_is_guessed_from_the_makers_name(said: Said) -> None:
    top = make("Zscaler Root CA", form=changed(CA, organisation="Zscaler Inc."))
    answer = said(Chain(make("localhost", top), (top,), (ANOTHER,)))
    assert (answer.primary, answer.first["evidence"]["inspection"]) == ("untrusted-root", "Zscaler")
    assert name("Zscaler Root CA", "Zscaler Inc.").rfc4514_string() in answer.first["summary"]
