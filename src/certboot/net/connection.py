"""A connection to a host or through the user's proxy, under one limit of time for all that is done over it."""

from __future__ import annotations

import base64
import contextlib
import io
import re
import socket
import ssl
import threading
import time
import typing
import urllib.request
from dataclasses import dataclass

from certboot import files
from certboot.errors import counted, printable
from certboot.net.target import Target, bracketed

_SHORTEST_WAIT = 0.001
_LONGEST_ANSWER = 16 * 1024
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})")
_OK, _AUTHENTICATION_REQUIRED = 200, 407
_PORTS = {"http": 80, "https": 443}


class ConnectionFault(Exception):  # noqa: N818 - a finding, not an error of ours
    """Why it did not come to TLS: the finding's id, and words where the id does not say all."""

    def __init__(self, outcome: str, words: str = "") -> None:
        super().__init__(outcome)
        self.outcome = outcome
        self.words = words


class Deadline:
    """The moment at which everything must have ended."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Return the seconds left; raises TimeoutError."""
        left = self._end - time.monotonic()
        if left < _SHORTEST_WAIT:
            raise TimeoutError
        return left

    def part(self, share: float) -> Deadline:
        """Return a deadline for this share of what is left; raises TimeoutError."""
        return Deadline(self.left() * share)


class Stream:
    """A connected socket, of which every call ends at the deadline."""

    def __init__(self, connected: socket.socket, deadline: Deadline) -> None:
        self._socket = connected
        self.deadline = deadline
        self.patience: Deadline | None = None
        """An earlier deadline, for the first bytes only."""
        self.first = b""
        """The first byte that came."""

    @property
    def peer(self) -> str:
        """The IP address of the other side; empty where it is gone."""
        with contextlib.suppress(OSError):
            return str(self._socket.getpeername()[0])
        return ""

    def receive(self, most: int = 16 * 1024) -> bytes:
        """Return what is there, at least one byte; empty at the end; raises OSError."""
        self._socket.settimeout((self.patience or self.deadline).left())
        data = self._socket.recv(most)
        self.patience = None
        self.first = self.first or data[:1]
        return data

    def send(self, data: bytes) -> None:
        """Send it all; raises OSError."""
        self._socket.settimeout(self.deadline.left())
        self._socket.sendall(data)

    def exactly(self, count: int) -> bytes:
        """Return that many bytes; raises OSError, ConnectionFault where the connection ends before."""
        data = b""
        while len(data) < count:
            more = self.receive(count - len(data))
            if not more:
                raise ConnectionFault("closed-during-handshake", "the connection ended before TLS began")
            data += more
        return data

    def until(self, end: bytes) -> bytes:
        """Return what comes up to ``end`` and with it, not a byte more; raises OSError, ConnectionFault."""
        data = b""
        while not data.endswith(end):
            if len(data) == _LONGEST_ANSWER:
                raise ConnectionFault("starttls-refused", f"an answer of over {_LONGEST_ANSWER} bytes")
            data += self.exactly(1)
        return data

    def close(self) -> None:
        """Close it, whatever state it is in."""
        with contextlib.suppress(OSError):
            self._socket.close()


class Wire:
    """A connection that stands in for a socket with http.client and urllib3: no call outlasts the deadline.

    Nor does one wait longer than ``silence`` seconds for the next piece, or take more than ``most`` bytes in all: then
    it raises ``beyond``. Whoever made the connection closes it: http.client would, before the body has been read.
    """

    _io_refs = 0  # where socket.SocketIO counts

    def __init__(self, stream: Stream, silence: float, most: int, beyond: Exception) -> None:
        self._stream = stream
        self._silence = silence
        self._left = most
        self._beyond = beyond

    def recv(self, size: int) -> bytes:
        """Return what is there, at least one byte; empty at the end."""
        self._stream.patience = Deadline(min(self._silence, self._stream.deadline.left()))
        data = self._stream.receive(size)
        self._left -= len(data)
        if self._left < 0:
            raise self._beyond
        return data

    def recv_into(self, buffer: memoryview) -> int:
        """Put what is there into the buffer, and return its length."""
        data = self.recv(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def sendall(self, data: bytes) -> None:
        """Send it all."""
        self._stream.send(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Return a file to read from."""
        return io.BufferedReader(socket.SocketIO(typing.cast("socket.socket", self), "r"))

    def settimeout(self, _seconds: float | None) -> None:
        """Do nothing: the deadline counts, whatever others would wait for."""

    def close(self) -> None:
        """Do nothing."""

    _decref_socketios = close


@dataclass(frozen=True)
class Proxy:
    """An HTTP proxy as the environment names it."""

    scheme: str
    host: str
    port: int
    credentials: str = ""
    """For Proxy-Authorization; never shown."""

    @property
    def shown(self) -> str:
        """Its address without credentials."""
        return printable(f"{self.scheme}://{bracketed(self.host)}:{self.port}")


def proxy_for(url: str) -> Proxy | None:
    """Return the proxy for this address, from HTTPS_PROXY and NO_PROXY or the system's settings, as requests has them.

    Raises ConnectionFault for one that is no HTTP proxy.
    """
    if not urllib.request.getproxies().keys() - {"no"}:
        return None
    from requests.utils import get_environ_proxies, select_proxy  # it takes longer than a handshake

    try:
        address = select_proxy(url, get_environ_proxies(url))
    except ValueError:
        return None  # there is no such host, as whoever looks for it will say
    if not address:
        return None
    if "://" not in address:
        address = f"http://{address}"
    try:
        parts = urllib.parse.urlsplit(address)
        scheme, name, number = parts.scheme.lower(), parts.hostname, parts.port
    except ValueError:
        raise ConnectionFault("proxy-refused", "the address of the proxy cannot be read") from None
    if scheme not in _PORTS:
        words = f"only proxies that begin with http:// or https:// are known here, not {printable(scheme)}://"
        raise ConnectionFault("proxy-refused", words)
    if not name:
        words = "there is no host in the address of the proxy; it should be http://HOST:PORT"
        raise ConnectionFault("proxy-refused", words)
    user = ":".join(urllib.parse.unquote(part or "") for part in (parts.username, parts.password))
    return Proxy(scheme, name, number or _PORTS[scheme], user if parts.username else "")


def ascii_name(host: str) -> str:
    """Return a host name as it goes over the wire (IDNA 2003, as the ssl module does it); raises ConnectionFault."""
    if not host.strip() or "\0" in host or host.startswith("."):
        raise ConnectionFault("dns-failure", "not a host name")
    try:
        return host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError:
        raise ConnectionFault("dns-failure", "not a host name") from None


def connect(target: Target, deadline: Deadline, proxy: Proxy | None) -> Stream:
    """Return a connection on which TLS can begin; raises ConnectionFault, TimeoutError."""
    host, port = target.connect or (target.host, target.port)
    if proxy is None:
        return Stream(_connected(host, port, deadline), deadline)
    late = f"within {counted(target.timeout, 'second')}"
    try:
        stream = Stream(_connected(proxy.host, proxy.port, deadline), deadline)
    except ConnectionFault as fault:
        raise ConnectionFault("proxy-refused", f"no connection to the proxy, {fault.words or fault.outcome}") from fault
    except TimeoutError:
        raise ConnectionFault("proxy-refused", f"no connection to the proxy {late}: {proxy.shown}") from None
    return tunnelled(stream, proxy, (host, port), late)


def tunnelled(
    stream: Stream, proxy: Proxy, place: tuple[str, int], late: str, context: ssl.SSLContext | None = None
) -> Stream:
    """Return the connection to a proxy as one to the host and port of ``place``; raises ConnectionFault, TimeoutError.

    ``context`` verifies a proxy that is spoken to in TLS; None: as this Python does it. It is closed where that fails.
    """
    try:
        if proxy.scheme == "https":
            stream = _wrapped(stream, proxy, late, context)
        return _tunnel(stream, proxy, f"{bracketed(ascii_name(place[0]))}:{place[1]}", late)
    except BaseException:
        stream.close()
        raise


def _connected(host: str, port: int, deadline: Deadline) -> socket.socket:
    try:
        return dialled(resolved(ascii_name(host), port, deadline), deadline)
    except TimeoutError:
        raise
    except ConnectionRefusedError as error:
        raise ConnectionFault("connection-refused", "nothing listens there") from error
    except OSError as error:
        raise ConnectionFault("connection-failed", printable(error.strerror or str(error))) from error


def dialled(addresses: Addresses, deadline: Deadline) -> socket.socket:
    """Return a connection to the first of these that answers; raises OSError."""
    problem = OSError("no address")
    for number, (family, kind, protocol, _, address) in enumerate(addresses):
        opened = socket.socket(family, kind, protocol)
        try:
            # The last address has all the time that is left; one that does not answer must not use up that of others.
            opened.settimeout(deadline.left() / (len(addresses) - number))
            opened.connect(address)
        except OSError as error:
            opened.close()
            problem = error
        else:
            return opened
    raise problem


Addresses: typing.TypeAlias = "list[tuple[socket.AddressFamily, socket.SocketKind, int, str, typing.Any]]"
"""As socket.getaddrinfo() returns them."""


def resolved(host: str, port: int, deadline: Deadline) -> Addresses:
    """Return the addresses of a host; raises ConnectionFault, TimeoutError.

    They are asked for in a thread: a resolver knows no limit of time but its own.
    """
    with contextlib.suppress(OSError, UnicodeError, OverflowError, ValueError):
        # What is an address already takes no resolver, and so no thread.
        return list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST))
    answer: list[Addresses | Exception] = []

    def ask() -> None:
        try:
            answer.append(list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))
        except (OSError, UnicodeError, OverflowError, ValueError) as error:
            answer.append(error)

    thread = threading.Thread(target=ask, name="certboot-resolve", daemon=True)
    thread.start()
    thread.join(deadline.left())
    if not answer:
        raise TimeoutError
    if isinstance(answer[0], socket.gaierror):
        raise ConnectionFault("dns-failure", printable(answer[0].strerror or "no such host is known"))
    if isinstance(answer[0], Exception):
        raise ConnectionFault("dns-failure", "not a host name")
    return answer[0]


def _tunnel(stream: Stream, proxy: Proxy, address: str, late: str) -> Stream:
    lines = [f"CONNECT {address} HTTP/1.1", f"Host: {address}"]
    if proxy.credentials:
        coded = base64.b64encode(proxy.credentials.encode()).decode("ascii")
        lines.append(f"Proxy-Authorization: Basic {coded}")
    try:
        stream.send("\r\n".join([*lines, "", ""]).encode("ascii"))
        answer = stream.until(b"\r\n\r\n")
    except ConnectionFault:
        raise ConnectionFault("proxy-refused", "the proxy gave no answer that HTTP knows") from None
    except TimeoutError:
        words = (
            f"the proxy {proxy.shown} did not say {late} whether it connects to {address}; "
            "it hangs, or waits for that host itself"
        )
        raise ConnectionFault("proxy-refused", words) from None
    except OSError as error:
        words = f"the connection to the proxy broke off, {printable(error.strerror or 'closed')}"
        raise ConnectionFault("proxy-refused", words) from error
    status = _STATUS.match(answer)
    number = int(status[1]) if status else 0
    if number == _AUTHENTICATION_REQUIRED:
        known = "does not accept the user name and password" if proxy.credentials else "wants a user name and password"
        raise ConnectionFault("proxy-authentication", f"the proxy {known} (status 407)")
    if not _OK <= number < _OK + 100:
        words = f"the proxy answered with status {number}" if number else "the proxy gave no answer that HTTP knows"
        raise ConnectionFault("proxy-refused", words)
    return stream


def active_context() -> ssl.SSLContext:
    """Return what ssl.create_default_context() does; raises OSError where that cannot be made, or would never end."""
    files.refuse_endless_trust()
    return ssl.create_default_context()


def _wrapped(stream: Stream, proxy: Proxy, late: str, context: ssl.SSLContext | None) -> Stream:
    """Return TLS with a proxy that is spoken to in TLS, verified like any other host."""
    plain = stream._socket  # noqa: SLF001 - of this very module
    try:
        plain.settimeout(stream.deadline.left())
        context = context or active_context()
        return Stream(context.wrap_socket(plain, server_hostname=proxy.host), stream.deadline)
    except TimeoutError:
        words = (
            f"the proxy {proxy.shown} did not begin TLS {late}; "
            "if it is spoken to in plain HTTP, as most are, its address begins with http://"
        )
        raise ConnectionFault("proxy-refused", words) from None
    except ssl.SSLCertVerificationError as error:
        words = f"the certificate of the proxy itself is refused, {printable(error.verify_message)}"
        raise ConnectionFault("proxy-refused", words) from error
    except OSError as error:
        raise ConnectionFault("proxy-refused", "the proxy does not speak TLS as its address says") from error
