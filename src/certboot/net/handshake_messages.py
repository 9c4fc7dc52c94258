"""What is seen of a TLS handshake while it goes on: also of one that fails, when the ssl module has nothing to tell."""

from __future__ import annotations

import contextlib
import ssl
import typing
from collections.abc import Iterator

_ALERTS, _HANDSHAKES = 21, 22
_CLIENT_HELLO, _SERVER_HELLO, _NEW_TICKET, _CERTIFICATE, _CERTIFICATE_REQUEST = 1, 2, 4, 11, 13
_SUPPORTED_VERSIONS, _KEY_SHARE = 43, 51
_RECORD_HEAD = 5
_POST_QUANTUM = {
    0x0200: "MLKEM512",
    0x0201: "MLKEM768",
    0x0202: "MLKEM1024",
    0x11EB: "SecP256r1MLKEM768",
    0x11EC: "X25519MLKEM768",
    0x11ED: "SecP384r1MLKEM1024",
    0x11EE: "curveSM2MLKEM768",
}  # IANA, TLS Supported Groups; RFC 10024
_TLS_1_3 = 0x0304
_HARMLESS_ALERTS = frozenset({0, 90, 100})  # close_notify, user_canceled, no_renegotiation
_FIRST_BYTES = 4096


class Hello(typing.NamedTuple):
    """The first message of a client."""

    size: int = 0
    """Bytes on the wire; 0 where none was made."""
    group: str = ""
    """The post-quantum group of which it brings a key, which alone takes 800 bytes and more; or empty."""


class HandshakeTrace:
    """One handshake over memory, and what it has shown so far. All of it is what the other side claims."""

    def __init__(self) -> None:
        self.incoming = ssl.MemoryBIO()
        self.outgoing = ssl.MemoryBIO()
        self.count = 0
        """Bytes received."""
        self.first = b""
        """The first of them."""
        self.version = 0
        """What the server chose, as it goes over the wire (0x0303 is TLS 1.2)."""
        self.alert: int | None = None
        self.certificates: tuple[bytes, ...] = ()
        self.certificate_requested = False
        self.hello = Hello()
        """What this side began with."""
        self.tickets = False
        """The server has sent a session ticket: in TLS 1.3 it has accepted the client."""

    def received(self, data: bytes) -> None:
        """Hand bytes from the connection on to TLS."""
        self.count += len(data)
        self.first += data[: _FIRST_BYTES - len(self.first)]
        self.incoming.write(data)

    def message(self, direction: str, version: int, content: int, kind: int, data: bytes) -> None:
        """Take in one message of the handshake, as OpenSSL shows it."""
        # An exception here would end in the caller's handshake; what cannot be read has simply not been seen.
        with contextlib.suppress(IndexError, ValueError):
            if direction != "read":
                if content == _HANDSHAKES and kind == _CLIENT_HELLO and not self.hello.size:
                    self.hello = Hello(len(data) + _RECORD_HEAD, _post_quantum_group(data[4:]))
            elif content == _ALERTS and data[1] not in _HARMLESS_ALERTS:
                self.alert = data[1]
            elif content == _HANDSHAKES and kind == _SERVER_HELLO:
                self.version = _chosen_version(data[4:])
            elif content == _HANDSHAKES and kind == _CERTIFICATE:
                self.certificates = tuple(_certificates(data[4:], extended=version == _TLS_1_3))
            elif content == _HANDSHAKES and kind == _CERTIFICATE_REQUEST:
                self.certificate_requested = True
            elif content == _HANDSHAKES and kind == _NEW_TICKET:
                self.tickets = True


class _Traced(ssl.SSLObject):
    """TLS over memory that knows its record: one context serves many handshakes, and has one callback for all."""

    record: HandshakeTrace


def begin(context: ssl.SSLContext, name: str, record: HandshakeTrace) -> ssl.SSLObject:
    """Return TLS over the memory of this record, which sees every message of the handshake, with the hello ready there.

    Raises ValueError for what is no host name, ssl.SSLError.

    The hook that the ssl module has for this is not documented. Without it less is known: the chain is fetched by a
    second handshake, and that a server wants a certificate of the client is not seen, nor what the hello offers.
    """
    context.sslobject_class = _Traced
    if hasattr(ssl.SSLContext, "_msg_callback"):
        setattr(context, "_msg_callback", _show)  # noqa: B010 - typeshed does not know it
    tls = context.wrap_bio(record.incoming, record.outgoing, server_hostname=name)
    typing.cast("_Traced", tls).record = record
    with contextlib.suppress(ssl.SSLWantReadError):
        tls.do_handshake()
    return tls


def _show(tls: _Traced, direction: str, version: int, content: int, kind: int, data: bytes) -> None:
    tls.record.message(direction, version, content, kind, data)


def _chosen_version(hello: bytes) -> int:
    """Return the version in a ServerHello (RFC 8446, 4.1.3)."""
    at = 35 + hello[34] + 3  # the random value, the session, cipher and compression
    chosen = next((body for kind, body in _extensions(hello[at:]) if kind == _SUPPORTED_VERSIONS), hello)
    return int.from_bytes(chosen[:2], "big")


def _post_quantum_group(hello: bytes) -> str:
    """Return the post-quantum group of which a ClientHello brings a key (RFC 8446, 4.1.2 and 4.2.8), or ""."""
    at = 35 + hello[34]  # the random value, the session
    at += 2 + int.from_bytes(hello[at : at + 2], "big")  # ciphers
    at += 1 + hello[at]  # compressions
    for kind, body in _extensions(hello[at:]):
        if kind == _KEY_SHARE:
            return next((_POST_QUANTUM[group] for group, _ in _extensions(body) if group in _POST_QUANTUM), "")
    return ""


def _extensions(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield kind and body of each in a list that begins with its length; the keys of a hello have the same form."""
    left = data[2 : 2 + int.from_bytes(data[:2], "big")]
    while len(left) >= 4:  # noqa: PLR2004 - kind and length
        end = 4 + int.from_bytes(left[2:4], "big")
        yield int.from_bytes(left[:2], "big"), left[4:end]
        left = left[end:]


def _certificates(body: bytes, *, extended: bool) -> list[bytes]:
    """Return the certificates of a message of that name (RFC 5246, 7.4.2; RFC 8446, 4.4.2: with extensions each)."""
    if extended:
        body = body[1 + body[0] :]
    left = body[3 : 3 + int.from_bytes(body[:3], "big")]
    certificates = []
    while len(left) > 3:  # noqa: PLR2004 - a length
        end = 3 + int.from_bytes(left[:3], "big")
        certificates.append(left[3:end])
        left = left[end:]
        if extended:
            left = left[2 + int.from_bytes(left[:2], "big") :]
    return certificates
