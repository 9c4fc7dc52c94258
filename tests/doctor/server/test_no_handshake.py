"""Without a verdict the alert, OpenSSL's own reason and the first bytes decide."""

from __future__ import annotations

import typing

from support.table import cases

from certboot.doctor.server.no_handshake import without_verdict
from certboot.net.handshake import Chain, Exchange, Handshake
from certboot.net.handshake_messages import Hello
from certboot.net.target import Target

TARGET = Target("localhost", 8443)
LARGE = "EXCESSIVE_MESSAGE_SIZE"
HELLOS = (Hello(1530, "X25519MLKEM768"), Hello(517))
HELLO, ALERT = b"\x16\x03\x03", b"\x15\x03\x03"


def failed(protocol: str = "", presented: tuple[bytes, ...] = (), **exchange: typing.Any) -> Handshake:  # noqa: ANN401
    return Handshake("failed", protocol=protocol, exchange=Exchange(**exchange), chain=Chain(presented=presented))


@cases(("handshake", "expected"), [
    (failed(alert=70, answer=ALERT), "old-tls-only"),
    (failed(alert=70, answer=ALERT, lenient="TLSv1 AES128-SHA"), "old-tls-only"),
    (failed(alert=40, answer=ALERT, lenient="TLSv1.1 AES128-SHA"), "old-tls-only"),
    (failed(alert=40, answer=ALERT), "handshake-failed"),
    (failed(alert=40, answer=ALERT, lenient="TLSv1.2 AES128-SHA"), "no-common-cipher"),
    (failed(alert=71, answer=ALERT), "no-common-cipher"),
    (failed(alert=40, answer=ALERT, lenient="TLSv1.2 A", name_sent=False), "no-common-cipher"),
    (failed(alert=40, answer=ALERT, name_sent=False), "sni-required"),
    (failed(alert=40, answer=HELLO, protocol="TLSv1.2"), "handshake-failed"),
    (failed(alert=112, answer=ALERT, name_sent=False), "sni-required"),
    (failed(alert=112, answer=ALERT), "unrecognized-name"),
    (failed(alert=80, answer=ALERT), "handshake-failed"),
    (failed(alert=116, answer=HELLO), "client-certificate-required"),
    (failed(alert=40, answer=HELLO, certificate_requested=True), "client-certificate-required"),
    (failed(closed=True, answer=HELLO, certificate_requested=True), "client-certificate-required"),
    (failed(reason="X", answer=HELLO, certificate_requested=True), "handshake-failed"),
    (failed(reason="UNSUPPORTED_PROTOCOL", answer=HELLO, protocol="TLSv1"), "old-tls-only"),
    (failed(reason="DH_KEY_TOO_SMALL", answer=HELLO), "small-dh"),
    (failed(reason="UNSAFE_LEGACY_RENEGOTIATION_DISABLED", answer=HELLO), "legacy-renegotiation"),
    (failed(reason="WRONG_CIPHER_RETURNED", answer=HELLO), "no-common-cipher"),
    (failed(reason="SOMETHING_ELSE", answer=HELLO), "handshake-failed"),
    (failed(reason=LARGE, answer=HELLO, protocol="TLSv1.2"), "chain-too-large"),
    (failed(reason=LARGE, answer=HELLO, protocol="TLSv1.3", certificate_requested=True), "chain-too-large"),
    (failed(reason=LARGE, answer=HELLO), "handshake-failed"),
    (failed(reason=LARGE, answer=HELLO, protocol="TLSv1.2", presented=(b"x",)), "handshake-failed"),
    (Handshake("starttls-not-needed", "leave out --starttls"), "starttls-not-needed"),
    (failed(closed=True), "closed-during-handshake"),
    (failed(closed=True, lenient="TLSv1 AES128-SHA"), "old-tls-only"),
    (failed(answer=b"HTTP/1.1 400 Bad Request\r\n"), "plain-http"),
    (failed(answer=b"<!DOCTYPE html>"), "plain-http"),
    (failed(closed=True, plain=b"HTTP/1.0 200 OK\r\n"), "plain-http"),
    (failed(answer=b"220 mail ESMTP\r\n"), "starttls-needed"),
    (failed(answer=b"220 FTP\r\n"), "starttls-needed"),
    (failed(answer=b"* OK ready\r\n"), "starttls-needed"),
    (failed(answer=b"+OK ready\r\n"), "starttls-needed"),
    (failed(answer=b"\x4a\0\0\0\x0a8.0.36\0"), "starttls-needed"),
    (failed(answer=b"SSH-2.0-OpenSSH_9\r\n"), "not-tls"),
    (failed(answer=b"\5\xff"), "not-tls"),
    (failed(closed=True, hellos=HELLOS), "post-quantum-hello"),
    (failed(hellos=HELLOS), "post-quantum-hello"),
    (Handshake("timeout", "no answer"), "timeout"),
    (Handshake("connection-refused", "nothing listens there"), "connection-refused"),
    (Handshake("handshake-failed"), "handshake-failed"),
    (Handshake("dns-failure"), "dns-failure"),
])  # fmt: skip
def test_the_cause_follows_from_what_was_seen(handshake: Handshake, expected: str) -> None:
    cause = without_verdict(TARGET, handshake)
    assert (cause.id, cause.status) == (expected, "fail")
    assert cause.meaning
    assert "{" not in cause.meaning


@cases(("port", "protocol"), [
    (25, "smtp"), (587, "smtp"), (143, "imap"), (110, "pop3"), (389, "ldap"), (5432, "postgres"),
])  # fmt: skip
def test_on_a_port_for_a_protocol_that_begins_in_plain_text_it_is_that(port: int, protocol: str) -> None:
    fix = (("certboot", "doctor", f"localhost:{port}", "--starttls", protocol),)
    for handshake in (failed(closed=True), failed(answer=b"\x30\x0c")):
        cause = without_verdict(Target("localhost", port), handshake)
        assert (cause.id, cause.fix) == ("starttls-needed", fix)
    # Where it was asked for, a server that goes over to TLS and then closes has another fault.
    asked = Target("localhost", port, starttls=protocol)
    assert without_verdict(asked, failed(closed=True)).id == "closed-during-handshake"


def test_what_was_seen_is_evidence() -> None:
    handshake = failed(alert=40, reason="R", answer=ALERT, lenient="TLSv1.2 X")
    assert without_verdict(TARGET, handshake).evidence == {"reason": "R", "alert": 40, "lenient": "TLSv1.2 X"}
    assert "--servername" in without_verdict(TARGET, failed(closed=True, name_sent=False)).meaning
    assert without_verdict(TARGET, failed(answer=b"-ERR no\r\n")).meaning.endswith(": -ERR no")
    assert without_verdict(TARGET, failed(answer=b"\5\xff\n")).meaning.endswith(": the bytes 05 ff 0a")
