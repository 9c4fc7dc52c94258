"""Why it did not come to a certificate at all: no connection, no TLS, or nothing that both sides can agree on."""

from __future__ import annotations

import dataclasses
import typing
from pathlib import Path

from certboot.doctor.server import remedies
from certboot.doctor.server.case import Cause
from certboot.errors import printable
from certboot.net.starttls import greeting_of, spoken_on

if typing.TYPE_CHECKING:
    from certboot.net.handshake import Exchange, Handshake
    from certboot.net.target import Target

# RFC 8446, 6
_HANDSHAKE_FAILURE, _INSUFFICIENT_SECURITY, _PROTOCOL_VERSION = 40, 71, 70
_UNRECOGNIZED_NAME, _CERTIFICATE_REQUIRED = 112, 116
_OFFERS = (_HANDSHAKE_FAILURE, _INSUFFICIENT_SECURITY)
# What OpenSSL calls it when it does not accept what the server chose (crypto/err/openssl.txt).
_REASONS = {
    "UNSUPPORTED_PROTOCOL": "old-tls-only",
    "WRONG_SSL_VERSION": "old-tls-only",
    "DH_KEY_TOO_SMALL": "small-dh",
    "MODULUS_TOO_SMALL": "small-dh",
    "UNSAFE_LEGACY_RENEGOTIATION_DISABLED": "legacy-renegotiation",
    "WRONG_CIPHER_RETURNED": "no-common-cipher",
    "UNKNOWN_CIPHER_RETURNED": "no-common-cipher",
    "NO_CIPHERS_AVAILABLE": "no-common-cipher",
}
_TOO_LARGE = "EXCESSIVE_MESSAGE_SIZE"
_OLD = ("SSLv3", "TLSv1", "TLSv1.1")
_TLS_RECORDS = (b"\x15\x03", b"\x16\x03")
_WEB = (b"HTTP/", b"<!DOCTYPE", b"<html", b"<HTML", b"<?xml")
_WORDS = {
    "old-tls-only": "the server speaks only {old} given up as unsafe; TLS 1.2 is the least here",
    "small-dh": "the server's Diffie-Hellman group is too small to be safe (the Logjam attack)",
    "legacy-renegotiation": "the server does not know secure renegotiation (RFC 5746), which OpenSSL 3 insists on",
    "no-common-cipher": "the server and this Python have no cipher in common{weak}",
    "client-certificate-required": "the server lets nobody in without a certificate of the client's own",
    "sni-required": "the server must be asked for by name, and an IP address is none",
    "unrecognized-name": "the server says that it has no host of this name",
    "closed-during-handshake": "the server, or something on the way, closed the connection during the handshake",
    "post-quantum-hello": "a first message with a post-quantum key ({lost.group}, {lost.size} bytes) gets no answer, "
    "one without ({heard.size} bytes) does: something on the way, or the server, drops it",
    "plain-http": "the server answers in plain HTTP: there is no TLS on this port",
    "not-tls": "the server answers with something that is not TLS",
    "chain-too-large": "the server sends over 100 KiB of certificates, more than clients accept: most likely a whole "
    "bundle of CAs in the place of its chain",
    "handshake-failed": "the handshake broke off",
}
_WHATEVER_IS_OFFERED = (
    ", old and weak offers included: the server may have no certificate for this name, or only ciphers that OpenSSL "
    "has given up"
)


def without_verdict(target: Target, handshake: Handshake) -> Cause:
    """Return the cause for a handshake in which OpenSSL never came to judge the chain."""
    exchange = handshake.exchange
    if handshake.outcome == "starttls-not-needed":
        fix = remedies.certboot("doctor", dataclasses.replace(target, starttls=""))
        return Cause(handshake.outcome, handshake.error, fix, evidence={"protocol": target.starttls})
    if handshake.outcome != "failed":
        words = handshake.error or _WORDS.get(handshake.outcome, f"no handshake with {target.shown}")
        here = tuple(words.split("\n")) if handshake.outcome == "trust-unreadable" else None
        return Cause(handshake.outcome, words, here=here)
    if exchange.hellos:
        return _post_quantum(target, exchange)
    banner = exchange.plain if exchange.answer[:2] in _TLS_RECORDS else exchange.answer or exchange.plain
    if banner:
        return _not_tls(target, banner)
    kind = _kind(target, handshake)
    if kind == "starttls-needed":
        return _starttls(target, spoken_on(target.port), "on this port")
    old = exchange.lenient.partition(" ")[0] or handshake.protocol
    meaning = _WORDS[kind].format(
        old=f"{old}, which has been" if old else "versions of TLS that have been",
        weak=f": it would take {exchange.lenient}" if exchange.lenient else "",
    )
    said = [exchange.reason] if exchange.reason else []
    said += [] if exchange.alert is None else [f"alert {exchange.alert} of the server"]
    if said and kind in ("handshake-failed", "no-common-cipher"):
        meaning += f" ({', '.join(said)})"
    if kind == "handshake-failed" and exchange.alert == _HANDSHAKE_FAILURE and not handshake.protocol:
        meaning += _WHATEVER_IS_OFFERED
    if kind == "closed-during-handshake" and not exchange.name_sent:
        meaning += "; it may want to be asked for by name: --servername NAME"
    evidence = {"reason": exchange.reason, "alert": exchange.alert, "lenient": exchange.lenient}
    return Cause(kind, meaning, evidence={name: value for name, value in evidence.items() if value not in ("", None)})


def _post_quantum(target: Target, exchange: Exchange) -> Cause:
    lost, heard = exchange.hellos
    meaning = _WORDS["post-quantum-hello"].format(lost=lost, heard=heard)
    settings = f"OPENSSL_CONF={Path(__file__).with_name('classical.cnf')}"
    fix = (("env", settings, *remedies.certboot("doctor", target)[0]),)
    return Cause("post-quantum-hello", meaning, fix, evidence={"hello": lost._asdict(), "answered": heard.size})


def _kind(target: Target, handshake: Handshake) -> str:
    exchange, alert = handshake.exchange, handshake.exchange.alert
    own = _not_accepted(handshake) if alert is None else ""
    if exchange.certificate_requested and (alert is not None or exchange.closed):
        # TLS 1.2 has no alert of its own for this, and some servers just close.
        return "client-certificate-required"
    if own or exchange.certificate_requested:
        return own or "handshake-failed"
    if alert == _CERTIFICATE_REQUIRED:
        return "client-certificate-required"
    if exchange.lenient.partition(" ")[0] in _OLD:
        return "old-tls-only"
    if exchange.closed:
        asked = bool(target.starttls or exchange.answer)
        return "starttls-needed" if spoken_on(target.port) and not asked else "closed-during-handshake"
    return _by_alert(handshake.exchange, handshake.protocol)


def _by_alert(exchange: Exchange, protocol: str) -> str:
    if exchange.alert == _PROTOCOL_VERSION:
        return "old-tls-only"
    if exchange.alert == _UNRECOGNIZED_NAME:
        return "unrecognized-name" if exchange.name_sent else "sni-required"
    # A server that has chosen a version got past the ciphers.
    if exchange.alert in _OFFERS and not protocol:
        if exchange.lenient or exchange.alert == _INSUFFICIENT_SECURITY:
            return "no-common-cipher"
        # Many answer so for a name that they do not have.
        return "handshake-failed" if exchange.name_sent else "sni-required"
    return "handshake-failed"


def _not_accepted(handshake: Handshake) -> str:
    """Return the cause for what this side did not accept; empty where the reason tells none.

    What is too large is taken for the certificates where the server's hello has been seen and they have not: every
    message has its limit (ossl_statem_client_max_message_size() in OpenSSL's ssl/statem/statem_clnt.c).
    """
    if handshake.exchange.reason == _TOO_LARGE and handshake.protocol and not handshake.chain.presented:
        return "chain-too-large"
    return _REASONS.get(handshake.exchange.reason, "")


def _not_tls(target: Target, banner: bytes) -> Cause:
    shown = printable(banner.split(b"\n")[0][:80].decode("ascii", "replace").rstrip())
    if not banner[:3].isascii() or not banner[:3].decode("ascii").isprintable():  # no protocol in words
        shown = f"the bytes {banner[:16].hex(' ')}"
    evidence = {"answer": shown}
    if banner.lstrip().startswith(_WEB):
        return Cause("plain-http", _WORDS["plain-http"], evidence=evidence)
    protocol = greeting_of(banner, target.port) or ("" if target.starttls else spoken_on(target.port))
    if protocol:
        return _starttls(target, protocol, shown)
    return Cause("not-tls", f"{_WORDS['not-tls']}: {shown}", evidence=evidence)


def _starttls(target: Target, protocol: str, shown: str) -> Cause:
    meaning = f"the server begins in plain text ({protocol}) and goes over to TLS only when asked"
    fix = remedies.certboot("doctor", target, "--starttls", protocol)
    return Cause("starttls-needed", meaning, fix, evidence={"answer": shown, "protocol": protocol})
