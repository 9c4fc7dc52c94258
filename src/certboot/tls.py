"""The only place that makes a TLS handshake: the presented chain, and OpenSSL's verdict with the trust now active."""

from __future__ import annotations

import itertools
import socket
import ssl
import typing

from certboot.certs import load_certificate
from certboot.errors import CertificateError
from certboot.model import Handshake, Presented
from certboot.printable import printable

_SECONDS = 10.0
# What keeps two hosts from shaking hands at all: exception, finding, and words where the exception has no good ones.
_FAILURES: tuple[tuple[type[Exception], str, str], ...] = (
    (socket.gaierror, "dns-failure", ""),
    (UnicodeError, "dns-failure", "not a host name"),
    (TimeoutError, "timeout", "no answer in time"),
    (ConnectionRefusedError, "connection-refused", "nothing listens there"),
    (ssl.SSLError, "handshake-failed", ""),
    (OSError, "connection-failed", ""),
)
_MOST_CERTIFICATES = 100


def handshake(host: str, port: int, seconds: float = _SECONDS) -> Handshake:
    """Shake hands with ``host`` as a Python program now would, and return what came of it. Sends no application data.

    If OpenSSL refuses the chain, a second handshake without verification only fetches what the server presents.
    """
    try:
        context = ssl.create_default_context()
    except OSError as error:
        return Handshake(host, port, "trust-unreadable", error=str(error))
    try:
        with _connected(context, host, port, seconds) as tls:
            return Handshake(host, port, "ok", 0, "ok", tls.version() or "", _presented(tls))
    except ssl.SSLCertVerificationError as error:
        chain = _presented_without_verification(host, port, seconds)
        return Handshake(host, port, "unverified", error.verify_code, error.verify_message, chain=chain)
    except (OSError, UnicodeError) as error:
        outcome, words = next((o, w) for kind, o, w in _FAILURES if isinstance(error, kind))
        return Handshake(host, port, outcome, error=words or printable(_reason(error)))


def _reason(error: OSError | UnicodeError) -> str:
    return str(getattr(error, "reason", None) or getattr(error, "strerror", None) or error)


def _connected(context: ssl.SSLContext, host: str, port: int, seconds: float) -> ssl.SSLSocket:
    plain = socket.create_connection((host, port), timeout=seconds)
    try:
        return context.wrap_socket(plain, server_hostname=host)
    except BaseException:
        plain.close()
        raise


def _presented_without_verification(host: str, port: int, seconds: float) -> tuple[Presented, ...]:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # nothing is sent or believed over this connection; it only shows the chain
    try:
        with _connected(context, host, port, seconds) as tls:
            return _presented(tls)
    except OSError:
        return ()


def _presented(tls: ssl.SSLSocket) -> tuple[Presented, ...]:
    # Public from Python 3.13 on; from 3.10 on the method stands on the inner object.
    source: typing.Any = tls if hasattr(tls, "get_unverified_chain") else getattr(tls, "_sslobj")  # noqa: B009 - mypy
    chain = source.get_unverified_chain() or ()
    ders = (item if isinstance(item, bytes) else ssl.PEM_cert_to_DER_cert(item.public_bytes()) for item in chain)
    return tuple(_described(data) for data in itertools.islice(ders, _MOST_CERTIFICATES))


def _described(data: bytes) -> Presented:
    try:
        found = load_certificate(data)
    except CertificateError as error:
        return Presented("", printable(error.message), "", "", "")
    valid = (found.not_before.isoformat(), found.not_after.isoformat())
    return Presented(found.fingerprint, found.subject, found.issuer, *valid)
