"""What is seen of a TLS handshake while it goes on: also of one that fails, when the ssl module has nothing to tell."""

from __future__ import annotations

import contextlib
import ssl
import typing

_ALERTS, _HANDSHAKES = 21, 22
_SERVER_HELLO, _NEW_TICKET, _CERTIFICATE, _CERTIFICATE_REQUEST = 2, 4, 11, 13
_SUPPORTED_VERSIONS = 43
_TLS_1_3 = 0x0304
_HARMLESS_ALERTS = frozenset({0, 90, 100})  # close_notify, user_canceled, no_renegotiation
_FIRST_BYTES = 4096


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
        self.tickets = False
        """The server has sent a session ticket: in TLS 1.3 it has accepted the client."""

    def received(self, data: bytes) -> None:
        """Hand bytes from the connection on to TLS."""
        self.count += len(data)
        self.first += data[: _FIRST_BYTES - len(self.first)]
        self.incoming.write(data)

    def message(self, direction: str, version: int, content: int, kind: int, data: bytes) -> None:
        """Take in one message of the handshake, as OpenSSL shows it."""
        if direction != "read":
            return
        # An exception here would end in the caller's handshake; what cannot be read has simply not been seen.
        with contextlib.suppress(IndexError, ValueError):
            if content == _ALERTS and data[1] not in _HARMLESS_ALERTS:
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
    """Return TLS over the memory of this record, which sees every message of the handshake; raises ValueError.

    The hook that the ssl module has for this is not documented. Without it less is known: the chain is fetched by a
    second handshake, and that a server wants a certificate of the client is not seen.
    """
    context.sslobject_class = _Traced
    if hasattr(ssl.SSLContext, "_msg_callback"):
        setattr(context, "_msg_callback", _show)  # noqa: B010 - typeshed does not know it
    tls = context.wrap_bio(record.incoming, record.outgoing, server_hostname=name)
    typing.cast("_Traced", tls).record = record
    return tls


def _show(tls: _Traced, direction: str, version: int, content: int, kind: int, data: bytes) -> None:
    tls.record.message(direction, version, content, kind, data)


def _chosen_version(hello: bytes) -> int:
    """Return the version in a ServerHello (RFC 8446, 4.1.3)."""
    version = int.from_bytes(hello[:2], "big")
    at = 35 + hello[34] + 3  # the random value, the session, cipher and compression
    extensions = hello[at + 2 : at + 2 + int.from_bytes(hello[at : at + 2], "big")]
    while len(extensions) > 4:  # noqa: PLR2004
        kind, length = int.from_bytes(extensions[:2], "big"), int.from_bytes(extensions[2:4], "big")
        if kind == _SUPPORTED_VERSIONS:
            return int.from_bytes(extensions[4:6], "big")
        extensions = extensions[4 + length :]
    return version


def _certificates(body: bytes, *, extended: bool) -> list[bytes]:
    """Return the certificates of a message of that name (RFC 5246, 7.4.2; RFC 8446, 4.4.2: with extensions each)."""
    if extended:
        body = body[1 + body[0] :]
    left = body[3 : 3 + int.from_bytes(body[:3], "big")]
    found = []
    while len(left) > 3:  # noqa: PLR2004
        end = 3 + int.from_bytes(left[:3], "big")
        found.append(left[3:end])
        left = left[end:]
        if extended:
            left = left[2 + int.from_bytes(left[:2], "big") :]
    return found
