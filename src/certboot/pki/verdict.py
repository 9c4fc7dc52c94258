"""What OpenSSL says of a chain that is at hand: the real verdict, without the server and without its key."""

from __future__ import annotations

import contextlib
import os
import ssl
import sys
import typing
from collections.abc import Sequence

from certboot import files

_PIECE = 16 * 1024
_ECDSA, _RSA = b"\xc0\x2b", b"\xc0\x2f"  # TLS_ECDHE_{ECDSA,RSA}_WITH_AES_128_GCM_SHA256 (RFC 5289)
# RFC 5746; without it OpenSSL 3 breaks off.
_SECURE_RENEGOTIATION = b"\xff\x01\x00\x01\x00"

STRICT_PYTHON = sys.version_info >= (3, 13)
"""Whether contexts of this Python are strict and take any certificate of the trust for an anchor."""


class Judgement(typing.NamedTuple):
    """What OpenSSL says with the rules of one kind of client: X509_V_ERR_*, 0 for good, and its words."""

    code: int
    message: str


def verifying_context(
    *, strict: bool = STRICT_PYTHON, common_name: bool = True, anchors: tuple[bytes, ...] | str | None = None
) -> ssl.SSLContext:
    """Return a context for ``openssl_verdict``: whom it trusts, and the rules of one kind of client.

    ``strict``: as Python 3.13 and newer; ``common_name``: whether it stands in for a missing subjectAltName;
    ``anchors``: in DER, or a hash directory, else the active trust. Raises OSError where that cannot be read.
    """
    if anchors is None:
        files.refuse_endless_trust()
    if anchors is None or isinstance(anchors, str):
        context = ssl.create_default_context(capath=anchors)
    else:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        for anchor in anchors:
            context.load_verify_locations(cadata=anchor)
    context.hostname_checks_common_name = common_name
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return verifying(context, strict=strict, partial=strict)


def trusting_context(paths: Sequence[str]) -> ssl.SSLContext:
    """Return a context for ``openssl_verdict`` that trusts what lies at these paths: files, and hash directories.

    Raises OSError where one cannot be loaded, or would never end.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for path in paths:
        files.refuse_endless(path)
        context.load_verify_locations(*((None, path) if os.path.isdir(path) else (path, None)))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


def verifying(context: ssl.SSLContext, *, strict: bool, partial: bool) -> ssl.SSLContext:
    """Return the context, from now on strict or not, and with chains that may end at any certificate or not."""
    for flag, wanted in ((ssl.VERIFY_X509_STRICT, strict), (ssl.VERIFY_X509_PARTIAL_CHAIN, partial)):
        context.verify_flags = context.verify_flags | flag if wanted else context.verify_flags & ~flag
    return context


def openssl_verdict(context: ssl.SSLContext, chain: tuple[bytes, ...], name: str) -> Judgement | None:
    """Return what OpenSSL says of a chain (DER, leaf first) for a host.

    The context's client is handed the first messages of a TLS 1.2 server, the chain among them. OpenSSL verifies it
    there and then, before the server would have to prove that it has the key. None where it says nothing: for a chain
    of over 100 KiB, where TLS 1.2 is switched off, for a name that is none.
    """
    for cipher in (_ECDSA, _RSA):  # one of them does not fit the key, and may end the handshake before the verdict
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        with contextlib.suppress(ssl.SSLError, ValueError):
            try:
                client = context.wrap_bio(incoming, outgoing, server_hostname=name)
                with contextlib.suppress(ssl.SSLWantReadError):
                    client.do_handshake()
                incoming.write(_records(_server_hello(cipher) + _certificate_message(chain)))
                client.do_handshake()
            except ssl.SSLCertVerificationError as error:
                return Judgement(error.verify_code, error.verify_message)
            except ssl.SSLWantReadError:
                return Judgement(0, "ok")
    return None


def _server_hello(cipher: bytes) -> bytes:
    extensions = len(_SECURE_RENEGOTIATION).to_bytes(2, "big") + _SECURE_RENEGOTIATION
    return _message(2, b"\x03\x03" + bytes(32) + b"\x00" + cipher + b"\x00" + extensions)


def _certificate_message(chain: tuple[bytes, ...]) -> bytes:
    entries = b"".join(len(data).to_bytes(3, "big") + data for data in chain)
    return _message(11, len(entries).to_bytes(3, "big") + entries)


def _message(kind: int, body: bytes) -> bytes:
    return bytes((kind,)) + len(body).to_bytes(3, "big") + body


def _records(data: bytes) -> bytes:
    pieces = (data[at : at + _PIECE] for at in range(0, len(data), _PIECE))
    return b"".join(b"\x16\x03\x03" + len(piece).to_bytes(2, "big") + piece for piece in pieces)
