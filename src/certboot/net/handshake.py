"""The handshake with a server that is looked into: what it sent, and OpenSSL's verdict with the trust now active.

TLS runs over memory here, and its bytes over a connection of our own: so the time in all is limited, what comes that is
no TLS is seen, and so is what comes before OpenSSL breaks off.
"""

from __future__ import annotations

import contextlib
import dataclasses
import ssl
import typing
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timezone
from email.utils import parsedate_to_datetime

from certboot.errors import counted, printable
from certboot.net.connection import (
    ConnectionFault,
    Deadline,
    Proxy,
    Stream,
    active_context,
    ascii_name,
    connect,
    proxy_for,
)
from certboot.net.handshake_messages import HandshakeTrace, Hello, begin
from certboot.net.starttls import PROTOCOLS
from certboot.net.target import Target, bracketed, ip_version

_MOST_BYTES = 1024 * 1024
_PIECE = 16 * 1024
_SHARE_FOR_TLS = 0.7  # of the time, if nothing at all comes: the rest is for the question whether it is TLS
_SECONDS_FOR_AN_ALERT = 2.0
_LEGACY_SERVER_CONNECT = 0x4  # ssl.OP_LEGACY_SERVER_CONNECT of Python 3.12
_EVERYTHING = "ALL:COMPLEMENTOFALL:@SECLEVEL=0"
_OLDER = {0x0300: "SSLv3", 0x0301: "TLSv1", 0x0302: "TLSv1.1", 0x0303: "TLSv1.2", 0x0304: "TLSv1.3"}
_ALERT, _HANDSHAKE = 0x15, 0x16
_OF_TLS = (bytes((_ALERT,)), bytes((_HANDSHAKE,)))
_SERVER_HELLO, _MAJOR_VERSION = 2, 3
# A new hello with other offers may tell these apart: handshake_failure, protocol_version, insufficient_security,
# illegal_parameter, internal_error, unrecognized_name.
_WORTH_ANOTHER_HELLO = frozenset({40, 47, 70, 71, 80, 112, None})


def handshake(target: Target, context: ssl.SSLContext | None = None) -> Handshake:
    """Shake hands with the server as a Python program now would, and return what came of it.

    ``context`` is what ``active_context`` returned, for who makes many handshakes; threads may share it.

    No application data is sent over it. Where it fails in a way that leaves the cause open, further connections to the
    same server ask: one that offers old versions and weak ciphers too, one in plain HTTP, one in TLS from the first
    byte where STARTTLS did not lead to it, for a certificate that is not valid now one that asks for the time, and for
    a hello with a post-quantum key that got no answer one without that key.
    Nothing that comes over these is believed.
    """
    deadline = Deadline(target.timeout)
    try:
        context = context or active_context()
    except OSError as error:
        return Handshake("trust-unreadable", printable(str(error)))
    shown = ""
    try:
        proxy = _proxy(target)
        shown = proxy.shown if proxy else ""
        result = _Attempt(target, deadline, proxy).verified(context)
    except ConnectionFault as fault:
        result = Handshake(fault.outcome, fault.words)
    except TimeoutError:
        behind = f"; the proxy {shown} had made the connection" if shown else ""
        result = Handshake("timeout", f"no answer within {counted(target.timeout, 'second')}{behind}")
    except OSError as error:
        result = Handshake("connection-failed", printable(error.strerror or str(error)))
    exchange = result.exchange._replace(name_sent=not ip_version(target.name))
    return dataclasses.replace(result, exchange=exchange, peer=result.peer._replace(proxy=shown))


def _proxy(target: Target) -> Proxy | None:
    """Return the proxy that programs use for this server. Mail, directories and databases know none."""
    host, port = target.connect or (target.host, target.port)
    return None if target.starttls else proxy_for(f"https://{bracketed(host)}:{port}")


class _Attempt(typing.NamedTuple):
    """The handshakes with one server, one after the other and within one deadline."""

    target: Target
    deadline: Deadline
    proxy: Proxy | None

    def verified(self, context: ssl.SSLContext) -> Handshake:
        record, address = HandshakeTrace(), ""
        try:
            with self._connection(self.deadline) as stream:
                address = self._address(stream)
                tls = _begun(context, ascii_name(self.target.name), record)
                if record.hello.group or not self.target.starttls:
                    # If nothing comes, there must be time left to find out whether the server speaks TLS at all.
                    stream.patience = self.deadline.part(_SHARE_FOR_TLS)
                _finish(tls, stream, record)
                self._wait_for_an_alert(tls, stream, record)
                result = _described(record, "ok", tls)
                chain = result.chain._replace(built=_chain(tls, "get_verified_chain"))
                result = dataclasses.replace(result, verify_code=0, verify_message="ok", chain=chain)
        except ssl.SSLCertVerificationError as error:
            result = dataclasses.replace(
                _described(record, "unverified"),
                verify_code=error.verify_code,
                verify_message=error.verify_message,
                peer=Peer(address),
            )
            result = self._with_time_and_chain(result)
        except ssl.SSLError as error:
            result = self._with_other_offers(_described(record, "failed", reason=error.reason or ""))
        except (ConnectionResetError, BrokenPipeError):
            result = _described(record, "failed", closed=True)
            result = self._without_post_quantum(result, record) or self._with_other_offers(result)
        except TimeoutError:
            if record.first:
                words = f"the server began to answer, and did not go on within {counted(self.target.timeout, 'second')}"
                raise ConnectionFault("timeout", words) from None
            result = _described(record, "failed")
            lost = self._without_post_quantum(result, record)
            plain = b"" if lost or self.target.starttls else self._plain_answer(self.deadline)
            if not lost and not plain:
                raise
            result = lost or _described(record, "failed", plain=plain)
        chain = result.chain._replace(anchors=_anchors(context, good=result.outcome == "ok"))
        peer = result.peer._replace(address=result.peer.address or address)
        return dataclasses.replace(result, chain=chain, peer=peer)

    @contextlib.contextmanager
    def _connection(self, deadline: Deadline) -> Iterator[Stream]:
        stream = connect(self.target, deadline, self.proxy)
        try:
            if self.target.starttls:
                self._begin(stream)
            yield stream
        finally:
            stream.close()

    def _begin(self, stream: Stream) -> None:
        """Bring the connection to where TLS begins; raises ConnectionFault, OSError.

        A server that speaks TLS from the first byte waits for a hello, or takes what it hears for a broken one.
        """
        # If nothing comes, there must be time left to find that out.
        stream.patience = stream.deadline.part(_SHARE_FOR_TLS)
        try:
            PROTOCOLS[self.target.starttls].begin(stream)
        except (ConnectionFault, OSError):
            stream.close()  # there are servers that talk to one client at a time
            if stream.first in (b"", *_OF_TLS) and self._answers_hello():
                words = "this port speaks TLS from the first byte: leave out --starttls"
                raise ConnectionFault("starttls-not-needed", words) from None
            raise

    def _address(self, stream: Stream) -> str:
        return "" if self.proxy else stream.peer

    def _wait_for_an_alert(self, tls: ssl.SSLObject, stream: Stream, record: HandshakeTrace) -> None:
        """In TLS 1.3 a server refuses a client without a certificate only after the client's handshake has ended."""
        if not record.certificate_requested or tls.version() != "TLSv1.3":
            return

        def next_message() -> None:
            try:
                tls.read(1)
            except ssl.SSLWantReadError:
                # A ticket shows that the client has been accepted.
                if not record.tickets:
                    raise

        stream.deadline = Deadline(min(_SECONDS_FOR_AN_ALERT, stream.deadline.left()))
        with contextlib.suppress(TimeoutError):
            _step(next_message, stream, record)

    def _with_time_and_chain(self, result: Handshake) -> Handshake:
        """Add what the server says the time is, if that is in question, and the chain where it was not seen."""
        asked = result.verify_code in (9, 10) and not self.target.starttls
        presented, peer = result.chain.presented, result.peer
        if presented and not asked:
            return result
        record = HandshakeTrace()
        with contextlib.suppress(OSError, ConnectionFault), self._connection(self.deadline) as stream:
            tls = _shake_hands(_believing_nothing(), stream, ascii_name(self.target.name), record)
            if not presented:
                presented, peer = _chain(tls, "get_unverified_chain"), peer._replace(address=self._address(stream))
            if asked:
                peer = peer._replace(date=_date(self._asked_over(tls, stream, record)))
        return dataclasses.replace(result, chain=result.chain._replace(presented=presented), peer=peer)

    def _asked_over(self, tls: ssl.SSLObject, stream: Stream, record: HandshakeTrace) -> bytes:
        answer = b""
        tls.write(self._question())
        while b"\r\n\r\n" not in answer and len(answer) < _PIECE:
            more = _step(lambda: tls.read(_PIECE), stream, record)
            if not more:
                break
            answer += more
        return answer

    def _question(self) -> bytes:
        return f"HEAD / HTTP/1.1\r\nHost: {ascii_name(self.target.name)}\r\nConnection: close\r\n\r\n".encode("ascii")

    def _with_other_offers(self, result: Handshake) -> Handshake:
        """Add what the server says to a hello that offers everything, or if it does not speak TLS, to plain HTTP."""
        exchange = result.exchange
        if self.target.starttls or (exchange.answer[:1] in _OF_TLS and exchange.answer[1:2] in (b"\3", b"")):
            if exchange.alert in _WORTH_ANOTHER_HELLO and not exchange.certificate_requested:
                exchange = exchange._replace(lenient=self._lenient())
            return dataclasses.replace(result, exchange=exchange)
        plain = b""
        with contextlib.suppress(OSError):
            plain = self._plain_answer(self.deadline.part(0.5) if exchange.closed else self.deadline)
        lenient = self._lenient() if exchange.closed and not plain else ""
        return dataclasses.replace(result, exchange=exchange._replace(plain=plain, lenient=lenient))

    def _lenient(self) -> str:
        with contextlib.suppress(OSError, ConnectionFault), self._connection(self.deadline) as stream:
            tls = _shake_hands(_offering_everything(), stream, ascii_name(self.target.name), HandshakeTrace())
            cipher = tls.cipher()
            return f"{tls.version()} {cipher[0] if cipher else ''}"
        return ""

    def _without_post_quantum(self, result: Handshake, record: HandshakeTrace) -> Handshake | None:
        """Add the hellos that show that this one got no answer for its post-quantum key; None where it is not that.

        Those that follow differ in the groups of their keys alone. Without it a hello must be answered; with it, twice
        in a row and with more time, not: who fails now and then, as one of several behind an address, is none of these.
        """
        if record.first or not record.hello.group:
            return None
        with contextlib.suppress(TimeoutError):
            classical = self._asked(_with_classical_group(), self.deadline.part(0.25))
            if _is_tls(classical.first):
                traces = (self._asked(_believing_nothing(), self.deadline.part(share)) for share in (0.5, 1))
                if all(trace.hello.group and not trace.first for trace in traces):
                    exchange = result.exchange._replace(hellos=(record.hello, classical.hello))
                    return dataclasses.replace(result, exchange=exchange)
        return None

    def _asked(self, context: ssl.SSLContext, deadline: Deadline) -> HandshakeTrace:
        """Return what became of one more handshake."""
        record = HandshakeTrace()
        with contextlib.suppress(OSError, ConnectionFault), self._connection(deadline) as stream:
            _shake_hands(context, stream, ascii_name(self.target.name), record)
        return record

    def _answers_hello(self) -> bool:
        """Whether the answer to a hello that comes first of all is TLS."""
        record = HandshakeTrace()
        quietly = contextlib.suppress(OSError, ConnectionFault)
        with quietly, contextlib.closing(connect(self.target, self.deadline, self.proxy)) as stream:
            _shake_hands(_offering_everything(), stream, ascii_name(self.target.name), record)
        return _is_tls(record.first)

    def _plain_answer(self, deadline: Deadline) -> bytes:
        """Return the beginning of the answer to a plain HTTP request; empty where there is none."""
        answer = b""
        with contextlib.suppress(OSError, ConnectionFault), self._connection(deadline) as stream:
            stream.send(self._question())
            while b"\n" not in answer and len(answer) < _PIECE and (more := stream.receive()):
                answer += more
        return answer


def _shake_hands(context: ssl.SSLContext, stream: Stream, name: str, record: HandshakeTrace) -> ssl.SSLObject:
    """Return TLS after the handshake; raises ssl.SSLError, OSError, TimeoutError, ConnectionFault."""
    tls = _begun(context, name, record)
    _finish(tls, stream, record)
    return tls


def _begun(context: ssl.SSLContext, name: str, record: HandshakeTrace) -> ssl.SSLObject:
    """Return TLS with a hello to be sent; raises ssl.SSLError, ConnectionFault."""
    try:
        return begin(context, name, record)
    except ValueError:
        raise ConnectionFault("dns-failure", "not a host name") from None


def _finish(tls: ssl.SSLObject, stream: Stream, record: HandshakeTrace) -> None:
    """Bring the handshake to its end; raises ssl.SSLError, OSError, TimeoutError, ConnectionFault."""
    _step(tls.do_handshake, stream, record)
    if not tls.version():
        raise ConnectionResetError  # the server took its leave (close_notify) before the end


_T = typing.TypeVar("_T")


def _step(action: typing.Callable[[], _T], stream: Stream, record: HandshakeTrace) -> _T | None:
    """Do what needs bytes from the other side, until it is done; None where the other side says that it has ended."""
    while True:
        try:
            return action()
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            return None
        finally:
            # After a failure too: the server is told why. One that has closed already may have said why.
            with contextlib.suppress(ConnectionError):
                if outgoing := record.outgoing.read():
                    stream.send(outgoing)
        data = stream.receive()
        if not data:
            raise ConnectionResetError  # to us the same, whichever way the server ended the connection
        record.received(data)
        if record.count > _MOST_BYTES:
            raise ConnectionFault("handshake-failed", f"the server sent over {_MOST_BYTES // 1024} KiB and no end")


def _is_tls(answer: bytes) -> bool:
    """Whether a server begins so that has heard a hello: with a hello, or an alert (RFC 8446, 5.1)."""
    content, major, kind = (int.from_bytes(answer[at : at + 1], "big") for at in (0, 1, 5))
    return major == _MAJOR_VERSION and (content == _ALERT or (content, kind) == (_HANDSHAKE, _SERVER_HELLO))


def _described(
    record: HandshakeTrace,
    outcome: str,
    tls: ssl.SSLObject | None = None,
    *,
    reason: str = "",
    closed: bool = False,
    plain: bytes = b"",
) -> Handshake:
    cipher = tls.cipher() if tls else None
    return Handshake(
        outcome,
        protocol=(tls.version() or "") if tls else _OLDER.get(record.version, ""),
        cipher=cipher[0] if cipher else "",
        chain=Chain(record.certificates or (_chain(tls, "get_unverified_chain") if tls else ())),
        exchange=Exchange(
            reason,
            record.alert,
            closed,
            answer=record.first,
            plain=plain,
            certificate_requested=record.certificate_requested,
        ),
    )


def _chain(tls: ssl.SSLObject, method: str) -> tuple[bytes, ...]:
    # Public from Python 3.13 on; from 3.10 on the methods stand on the inner object.
    source: typing.Any = tls if hasattr(tls, method) else getattr(tls, "_sslobj")  # noqa: B009 - mypy
    certificates = getattr(source, method)() or ()
    return tuple(
        certificate if isinstance(certificate, bytes) else ssl.PEM_cert_to_DER_cert(certificate.public_bytes())
        for certificate in certificates
    )


def _anchors(context: ssl.SSLContext, *, good: bool) -> tuple[bytes, ...]:
    # For a good chain what was looked up is enough; the method that the hook puts in reads the store's whole bundle.
    source: typing.Any = super(ssl.SSLContext, context) if good else context
    return tuple(source.get_ca_certs(binary_form=True))


def _believing_nothing() -> ssl.SSLContext:
    # The active trust is not loaded for that: what its variables name may be a pipe, which OpenSSL would wait for.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # what comes over it explains a failure, and is not used for anything else
    return context


def _offering_everything() -> ssl.SSLContext:
    context = _believing_nothing()
    context.options |= _LEGACY_SERVER_CONNECT
    context.set_ciphers(_EVERYTHING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
    return context


def _with_classical_group() -> ssl.SSLContext:
    context = _believing_nothing()
    # And no other: the one that every server of TLS 1.3 has (RFC 8446, 9.1). Python's documentation leaves clients out,
    # but OpenSSL's SSL_CTX_set1_groups(), which is behind it, does not. Python 3.15 is the first with set_groups().
    context.set_ecdh_curve("prime256v1")
    return context


def _date(answer: bytes) -> str:
    """Return the Date header of an HTTP answer as ISO 8601; empty where there is none that can be read."""
    head = answer.partition(b"\r\n\r\n")[0].decode("latin-1")
    for line in head.split("\r\n"):
        name, _, value = line.partition(":")
        if name.strip().lower() == "date":
            with contextlib.suppress(ValueError, TypeError, OverflowError):
                return parsedate_to_datetime(value.strip()).astimezone(timezone.utc).isoformat()
    return ""


class Chain(typing.NamedTuple):
    """The certificates of a handshake, as DER."""

    presented: tuple[bytes, ...] = ()
    """What the server sent, in its order; empty where it sent nothing."""
    built: tuple[bytes, ...] = ()
    """The path that OpenSSL built when it found the chain good, leaf first."""
    anchors: tuple[bytes, ...] = ()
    """The CA certificates that OpenSSL had at hand: those of a file, and of a directory those it looked up."""


class Exchange(typing.NamedTuple):
    """What went over the wire: by this the cause of a handshake that failed is told."""

    reason: str = ""
    """OpenSSL's name for what this side did not accept (``DH_KEY_TOO_SMALL``)."""
    alert: int | None = None
    """What the server did not accept: the description of its TLS alert (RFC 8446, 6)."""
    closed: bool = False
    """The server ended the connection in the midst of the handshake."""
    answer: bytes = b""
    """The first bytes that came, as they came."""
    plain: bytes = b""
    """What the server answered when it was asked for a web page without TLS; empty where it was not asked."""
    certificate_requested: bool = False
    """The server asked for a certificate of the client."""
    name_sent: bool = True
    """The name was sent with the first message (SNI), which an IP address never is."""
    lenient: str = ""
    """Version and cipher that the server chose when offered old and weak ones too; empty: none, or not tried."""
    hellos: tuple[Hello, ...] = ()
    """The hello that gets no answer for its post-quantum key, and the one without it that does; empty: not so."""


class Peer(typing.NamedTuple):
    """Who answered."""

    address: str = ""
    """The IP address that showed this; empty behind a proxy, and where there was no connection."""
    proxy: str = ""
    """The proxy on the way, without credentials."""
    date: str = ""
    """What the server says the time is (ISO 8601), where that was asked."""


_NO_CHAIN, _NO_EXCHANGE, _NOBODY = Chain(), Exchange(), Peer()


@dataclass(frozen=True)
class Handshake:
    """What one TLS handshake with the active trust gave: facts only."""

    outcome: str
    """``ok``; ``unverified``: OpenSSL refused the chain; ``failed``: the two did not agree on TLS; or the id of what
    kept it from coming to TLS at all."""
    error: str = ""
    """In words, why it did not come to TLS."""
    verify_code: int | None = None
    """X509_V_ERR_* of OpenSSL; 0 when the chain is good; None when it never came to that."""
    verify_message: str = ""
    protocol: str = ""
    """``TLSv1.3``, or the version that the server chose and this side refused."""
    cipher: str = ""
    chain: Chain = _NO_CHAIN
    exchange: Exchange = _NO_EXCHANGE
    peer: Peer = _NOBODY
