"""Without a verdict the alert, OpenSSL's own reason and the first bytes decide."""

from __future__ import annotations

from support.table import cases

from certboot.doctor.server.no_handshake import without_verdict
from certboot.net.handshake import Chain, Exchange, Handshake
from certboot.net.target import Target

TARGET = Target("localhost", 8443)
LARGE = "EXCESSIVE_MESSAGE_SIZE"
HELLO, ALERT = b"\x16\x03\x03", b"\x15\x03\x03"


@cases(
    ("handshake", "expected"),
    [
        (Handshake("failed", exchange=Exchange(alert=70, answer=ALERT)), "old-tls-only"),
        (Handshake("failed", exchange=Exchange(alert=70, answer=ALERT, lenient="TLSv1 AES128-SHA")), "old-tls-only"),
        (Handshake("failed", exchange=Exchange(alert=40, answer=ALERT, lenient="TLSv1.1 AES128-SHA")), "old-tls-only"),
        (Handshake("failed", exchange=Exchange(alert=40, answer=ALERT)), "no-common-cipher"),
        (Handshake("failed", exchange=Exchange(alert=71, answer=ALERT)), "no-common-cipher"),
        (
            Handshake(
                "failed", exchange=Exchange(alert=40, answer=ALERT, lenient="TLSv1.2 AES128-SHA", name_sent=False)
            ),
            "no-common-cipher",
        ),
        (Handshake("failed", exchange=Exchange(alert=40, answer=ALERT, name_sent=False)), "sni-required"),
        (Handshake("failed", protocol="TLSv1.2", exchange=Exchange(alert=40, answer=HELLO)), "handshake-failed"),
        (Handshake("failed", exchange=Exchange(alert=112, answer=ALERT, name_sent=False)), "sni-required"),
        (Handshake("failed", exchange=Exchange(alert=112, answer=ALERT)), "unrecognized-name"),
        (Handshake("failed", exchange=Exchange(alert=80, answer=ALERT)), "handshake-failed"),
        (Handshake("failed", exchange=Exchange(alert=116, answer=HELLO)), "client-certificate-required"),
        (
            Handshake("failed", exchange=Exchange(alert=40, answer=HELLO, certificate_requested=True)),
            "client-certificate-required",
        ),
        (
            Handshake("failed", exchange=Exchange(closed=True, answer=HELLO, certificate_requested=True)),
            "client-certificate-required",
        ),
        (
            Handshake("failed", exchange=Exchange(reason="X", answer=HELLO, certificate_requested=True)),
            "handshake-failed",
        ),
        (
            Handshake("failed", protocol="TLSv1", exchange=Exchange(reason="UNSUPPORTED_PROTOCOL", answer=HELLO)),
            "old-tls-only",
        ),
        (Handshake("failed", exchange=Exchange(reason="DH_KEY_TOO_SMALL", answer=HELLO)), "small-dh"),
        (
            Handshake("failed", exchange=Exchange(reason="UNSAFE_LEGACY_RENEGOTIATION_DISABLED", answer=HELLO)),
            "legacy-renegotiation",
        ),
        (Handshake("failed", exchange=Exchange(reason="WRONG_CIPHER_RETURNED", answer=HELLO)), "no-common-cipher"),
        (Handshake("failed", exchange=Exchange(reason="SOMETHING_ELSE", answer=HELLO)), "handshake-failed"),
        (Handshake("failed", protocol="TLSv1.2", exchange=Exchange(reason=LARGE, answer=HELLO)), "chain-too-large"),
        (
            Handshake(
                "failed", protocol="TLSv1.3", exchange=Exchange(reason=LARGE, answer=HELLO, certificate_requested=True)
            ),
            "chain-too-large",
        ),
        (Handshake("failed", exchange=Exchange(reason=LARGE, answer=HELLO)), "handshake-failed"),
        (
            Handshake(
                "failed",
                protocol="TLSv1.2",
                exchange=Exchange(reason=LARGE, answer=HELLO),
                chain=Chain(presented=(b"x",)),
            ),
            "handshake-failed",
        ),
        (Handshake("starttls-not-needed", "leave out --starttls"), "starttls-not-needed"),
        (Handshake("failed", exchange=Exchange(closed=True)), "closed-during-handshake"),
        (Handshake("failed", exchange=Exchange(closed=True, lenient="TLSv1 AES128-SHA")), "old-tls-only"),
        (Handshake("failed", exchange=Exchange(answer=b"HTTP/1.1 400 Bad Request\r\n")), "plain-http"),
        (Handshake("failed", exchange=Exchange(answer=b"<!DOCTYPE html>")), "plain-http"),
        (Handshake("failed", exchange=Exchange(closed=True, plain=b"HTTP/1.0 200 OK\r\n")), "plain-http"),
        (Handshake("failed", exchange=Exchange(answer=b"220 mail ESMTP\r\n")), "starttls-needed"),
        (Handshake("failed", exchange=Exchange(answer=b"220 FTP\r\n")), "starttls-needed"),
        (Handshake("failed", exchange=Exchange(answer=b"* OK ready\r\n")), "starttls-needed"),
        (Handshake("failed", exchange=Exchange(answer=b"+OK ready\r\n")), "starttls-needed"),
        (Handshake("failed", exchange=Exchange(answer=b"\x4a\0\0\0\x0a8.0.36\0")), "starttls-needed"),
        (Handshake("failed", exchange=Exchange(answer=b"SSH-2.0-OpenSSH_9\r\n")), "not-tls"),
        (Handshake("timeout", "no answer"), "timeout"),
        (Handshake("connection-refused", "nothing listens there"), "connection-refused"),
        (Handshake("handshake-failed"), "handshake-failed"),
        (Handshake("dns-failure"), "dns-failure"),
    ],
)
def test_the_cause_follows_from_what_was_seen(handshake: Handshake, expected: str) -> None:
    cause = without_verdict(TARGET, handshake)
    assert (cause.id, cause.status) == (expected, "fail")
    assert cause.meaning
    assert "{" not in cause.meaning


@cases(
    ("port", "protocol"), [(25, "smtp"), (587, "smtp"), (143, "imap"), (110, "pop3"), (389, "ldap"), (5432, "postgres")]
)
@cases(
    "handshake",
    [Handshake("failed", exchange=Exchange(closed=True)), Handshake("failed", exchange=Exchange(answer=b"\x30\x0c"))],
    ids=["closed", "answer"],
)
def test_on_a_port_for_a_protocol_that_begins_in_plain_text_it_is_that(
    port: int, protocol: str, handshake: Handshake
) -> None:
    cause = without_verdict(Target("localhost", port), handshake)
    assert (cause.id, cause.fix) == (
        "starttls-needed", (("certboot", "doctor", f"localhost:{port}", "--starttls", protocol),)
    )  # fmt: skip


def test_where_starttls_was_asked_for_it_is_not_told_again() -> None:
    """A server that goes over to TLS and then closes has another fault."""
    target = Target("localhost", 5432, starttls="postgres")
    assert without_verdict(target, Handshake("failed", exchange=Exchange(closed=True))).id == "closed-during-handshake"
    control = Target("localhost", 5432)
    assert without_verdict(control, Handshake("failed", exchange=Exchange(closed=True))).id == "starttls-needed"


def test_what_was_seen_is_evidence() -> None:
    handshake = Handshake("failed", exchange=Exchange(alert=40, reason="R", answer=ALERT, lenient="TLSv1.2 X"))
    assert without_verdict(TARGET, handshake).evidence == {"reason": "R", "alert": 40, "lenient": "TLSv1.2 X"}
    assert (
        "--servername"
        in without_verdict(TARGET, Handshake("failed", exchange=Exchange(closed=True, name_sent=False))).meaning
    )
