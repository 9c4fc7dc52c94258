"""Fetches a small file from an address that a stranger named: http, and only from where a stranger may send us.

A certificate says where its issuer lies, and whoever made it chose that address. So every address is checked, those of
redirects too, a name is resolved once, and the connection goes to the very IP address that was checked: a name server
that answers differently the second time is not asked. Nothing of the user's own goes along, the password of a proxy
included. What comes is as good as nothing until its signature has been verified.
"""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import io
import socket
import ssl
import typing
import urllib.parse
from dataclasses import dataclass

from certboot.connection import ConnectionFault, Deadline, named_proxy, resolved
from certboot.errors import CertbootError
from certboot.net_addresses import LOOPBACK, FetchError, Place, Reach, place, refusal, refused_port
from certboot.printable import printable

LARGEST = 64 * 1024
SECONDS = 10.0
_HEAD = 64 * 1024  # of status lines and headers, one answer with all its "100 Continue"
_MOST_REDIRECTS = 3
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_OK, _PROXY_AUTHENTICATION = 200, 407
# Beside HTTPException, http.client and the email package, which reads the headers, let through what else a stranger's
# bytes lead to: ValueError or OverflowError for a chunk of -5 bytes, TypeError for odd parameters.
_NO_HTTP = (
    http.client.HTTPException, ValueError, TypeError, ArithmeticError, LookupError, AttributeError, AssertionError,
)  # fmt: skip


@dataclass(frozen=True)
class Fetched:
    """What a server answered."""

    body: bytes
    through_proxy: bool
    """A proxy resolved the name: only the name could be checked, not where it leads."""


def fetch(url: str, reach: Reach, seconds: float = SECONDS) -> Fetched:
    """Return what lies at ``url``, at most LARGEST bytes of it, within ``seconds`` in all; raises FetchError."""
    deadline = Deadline(seconds)
    try:
        for _ in range(_MOST_REDIRECTS + 1):
            found = _asked(place(url, reach), reach, deadline)
            if isinstance(found, Fetched):
                return found
            url = _joined(url, found)
    except TimeoutError:
        raise FetchError(rule="timeout", message=f"not finished after {seconds:g} seconds") from None
    raise FetchError(rule="too-many-redirects", message=f"over {_MOST_REDIRECTS} redirects")


def _joined(url: str, location: str) -> str:
    try:
        return urllib.parse.urljoin(url, location)
    except ValueError:
        words = f"redirected to an address that is none: {printable(location)}"
        raise FetchError(rule="not-an-address", message=words) from None


def _asked(wanted: Place, reach: Reach, deadline: Deadline) -> Fetched | str:
    """Return what lies there, or where it is said to lie now."""
    proxy = _proxy(wanted)
    try:
        connected = _through(proxy, wanted, reach, deadline) if proxy else _straight(wanted, reach, deadline)
        with contextlib.closing(connected):
            wire = _Wire(connected, deadline)
            wire.send(_request(wanted, through_proxy=bool(proxy)))
            response = http.client.HTTPResponse(typing.cast("socket.socket", wire), method="GET")
            with contextlib.closing(response):
                response.begin()
                if response.status in _REDIRECTS and response.headers["Location"]:
                    return str(response.headers["Location"])
                return Fetched(_body(response), through_proxy=bool(proxy))
    except (TimeoutError, CertbootError):
        raise
    except ssl.SSLCertVerificationError as error:
        words = f"its certificate is refused, {printable(error.verify_message)}"
        raise FetchError(rule="no-connection", message=words) from error
    except _NO_HTTP as error:
        raise FetchError(rule="cut-short", message="the answer is no HTTP, or breaks off") from error
    except OSError as error:
        words = printable(error.strerror or "").lower() or "it broke off"
        raise FetchError(rule="no-connection", message=f"no connection, {words}") from error


def _request(wanted: Place, *, through_proxy: bool) -> bytes:
    target = f"http://{wanted.authority}{wanted.target}" if through_proxy else wanted.target
    lines = (
        f"GET {target} HTTP/1.1",
        f"Host: {wanted.authority}",
        "User-Agent: certboot",
        "Accept: */*",
        # Nothing that can be unfolded: a few kilobytes of gzip make gigabytes.
        "Accept-Encoding: identity",
        "Connection: close",
    )
    return "\r\n".join((*lines, "", "")).encode("ascii")


def _body(response: http.client.HTTPResponse) -> bytes:
    if response.status != _OK:
        known = " (it wants a password, which is not sent)" if response.status == _PROXY_AUTHENTICATION else ""
        raise FetchError(rule="status", message=f"the server answered with status {response.status}{known}")
    packed = response.headers.get("Content-Encoding", "").strip().lower()
    if packed not in ("", "identity"):
        words = f"the answer is packed as {printable(packed)!r}, which was not asked for"
        raise FetchError(rule="packed", message=words)
    announced, body = response.length, b""
    if (announced or 0) > LARGEST:
        raise _too_large()
    while more := response.read(LARGEST + 1 - len(body)):
        body += more
        if len(body) > LARGEST:
            raise _too_large()
    if announced is not None and len(body) != announced:
        words = f"the answer broke off after {len(body):,} of {announced:,} bytes"
        raise FetchError(rule="cut-short", message=words)
    return body


def _too_large() -> FetchError:
    return FetchError(rule="too-large", message=f"over {LARGEST // 1024} KiB, which no certificate is")


class _Wire(io.RawIOBase):
    """A connection of which no call outlasts the deadline, and which gives no more bytes than an answer may have.

    It stands in for a socket with http.client, which only calls ``makefile``.
    """

    def __init__(self, connected: socket.socket, deadline: Deadline) -> None:
        self._socket = connected
        self._deadline = deadline
        self._left = _HEAD + 2 * LARGEST  # chunks of one byte each would come to more, and are nothing to wait for

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self)

    def send(self, data: bytes) -> None:
        self._socket.settimeout(self._deadline.left())
        self._socket.sendall(data)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: typing.Any) -> int:  # noqa: ANN401 - a buffer has no type before Python 3.12
        self._socket.settimeout(self._deadline.left())
        count = self._socket.recv_into(buffer)
        self._left -= count
        if self._left < 0:
            raise _too_large()
        return count


def _straight(wanted: Place, reach: Reach, deadline: Deadline) -> socket.socket:
    """Return a connection to an address of the host that may be contacted; raises FetchError, OSError."""
    addresses = _resolved(wanted.host, wanted.port, deadline)
    found = [(each, refusal(each.address[0], wanted, reach)) for each in addresses]
    usable = [each for each, refused in found if refused is None]
    if not usable:
        raise next(refused for _, refused in found if refused)
    connected = _connected(usable, deadline)
    if wanted.scheme == "http":
        return connected
    try:
        # A handshake as a whole keeps to a socket's timeout (_ssl__SSLSocket_do_handshake_impl in CPython's _ssl.c).
        connected.settimeout(deadline.left())
        return ssl.create_default_context(cafile=reach.https).wrap_socket(connected, server_hostname=wanted.host)
    except BaseException:
        connected.close()
        raise


class Resolved(typing.NamedTuple):
    """One address of a host."""

    family: socket.AddressFamily
    address: typing.Any
    """The IP address in text, the port, and what else belongs to this family."""


def _resolved(host: str, port: int, deadline: Deadline) -> list[Resolved]:
    """Return the addresses of a host; raises FetchError, TimeoutError."""
    found = []
    with contextlib.suppress(ConnectionFault):
        found = [Resolved(family, address) for family, _, _, _, address in resolved(host, port, deadline)]
    if not found:
        raise FetchError(rule="no-such-host", message=f"no such host is known: {printable(host)}")
    return found


def _connected(addresses: list[Resolved], deadline: Deadline) -> socket.socket:
    """Return a connection to the first of these that answers; raises OSError."""
    problem = OSError()
    for number, (family, address) in enumerate(addresses):
        opened = socket.socket(family, socket.SOCK_STREAM)
        try:
            # One that does not answer must not use up the time of the others.
            opened.settimeout(deadline.left() / (len(addresses) - number))
            opened.connect(address)
        except OSError as error:
            opened.close()
            problem = error
        else:
            return opened
    raise problem


def _proxy(wanted: Place) -> str:
    """Return the proxy for this place as the environment or the system has it, or an empty text."""
    return named_proxy(f"{wanted.scheme}://{wanted.authority}{wanted.target}")


def _through(proxy: str, wanted: Place, reach: Reach, deadline: Deadline) -> socket.socket:
    """Return a connection to the proxy, which the user chose; raises FetchError, OSError.

    The proxy resolves the name. What can be checked here is an address in the place of the name, and a name that
    means the proxy itself.
    """
    if wanted.scheme != "http":
        raise FetchError(rule="proxy-refused", message="https is not fetched through a proxy")
    # This computer's own addresses would be the proxy's own there.
    reach = dataclasses.replace(reach, kinds=reach.kinds - {LOOPBACK})
    refused = refusal(wanted.literal, wanted, reach) if wanted.literal else refused_port(wanted)
    if refused:
        raise refused
    try:
        parts = urllib.parse.urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        host, port = (parts.hostname if parts.scheme == "http" else None), parts.port or 80
    except ValueError:
        host, port = None, 0
    if not host:
        words = "only a proxy whose address begins with http:// is used"
        raise FetchError(rule="proxy-refused", message=words)
    return _connected(_resolved(host, port, deadline), deadline)
