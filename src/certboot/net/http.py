"""The only place that fetches over HTTP, within limits of time, size and redirects, and with nothing of the user's own.

``fetch`` gets what lies at an address that the user chose: over https and nothing else, for it becomes trust.
``fetch_issuer`` gets a small file from where a stranger may send us: every address is checked, those of redirects too,
a name is resolved once, and the connection goes to the very IP address that was checked. What comes is as good as
nothing until its signature has been verified. In the environment only a proxy has a say, never netrc or a CA bundle.
"""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import re
import socket
import ssl
import time
import typing
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.util.ssltransport import SSLTransport

from certboot.errors import CertbootError, SourceError, counted, printable
from certboot.net import connection
from certboot.net.address_policy import (
    LOOPBACK,
    AddressPolicy,
    FetchError,
    Url,
    chosen,
    parsed_url,
    refusal,
    refused_port,
    shown,
)
from certboot.net.connection import ConnectionFault, Deadline, Proxy, Stream, Wire
from certboot.net.target import bracketed

Progress = Callable[[int, "int | None"], None]
"""Called with the bytes that are there and the bytes that there will be, where the server said so."""

LARGEST, SECONDS = 64 * 1024, 10.0  # of a stranger's file, and for it in all
_TOTAL_SECONDS = 120.0  # for what the user chose, a second try included
_READ_SECONDS = 20.0  # until a connection stands, and between two pieces of what comes over it
_PAUSE_SECONDS = 1.0
_HEAD = 64 * 1024  # of status lines and headers, one answer with all its "100 Continue"
_PIECE = 64 * 1024
_MOST_REDIRECTS = 3
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_OK, _NOT_MODIFIED, _PROXY_AUTHENTICATION = 200, 304, 407
_CLIENT_ERRORS, _SERVER_ERRORS = range(400, 500), range(500, 600)
_LONGEST_NUMBER = 18
_VALIDATOR = re.compile("[ -~]{1,256}")
_CONDITIONS = {"ETag": "If-None-Match", "Last-Modified": "If-Modified-Since"}
_HEADERS = {
    "User-Agent": "certboot",
    "Accept": "*/*",
    # Nothing that can be unfolded: a few kilobytes of gzip make gigabytes.
    "Accept-Encoding": "identity",
    "Connection": "close",
}
# What a stranger's bytes lead to in the parsers of http.client and of the email package, which reads the headers:
# ValueError or OverflowError for a chunk of -5 bytes, TypeError for odd parameters.
_NO_HTTP = (
    http.client.HTTPException, urllib3.exceptions.ProtocolError, ValueError, TypeError, ArithmeticError, LookupError,
    AttributeError, AssertionError,
)  # fmt: skip
_BROKEN = (*_NO_HTTP, requests.RequestException, urllib3.exceptions.HTTPError, OSError)

_AGAIN = "check the network, then try again"
_PROXY = "set HTTPS_PROXY to a proxy that answers, or NO_PROXY to the hosts that need none"
_BY_HAND = "check the address in a browser; a file that you save yourself can be given by its path"


@dataclass(frozen=True)
class Fetched:
    """What a server answered. ``body`` is empty where it is ``unchanged`` since the given ETag or date."""

    body: bytes
    etag: str = ""
    modified: str = ""
    unchanged: bool = False
    through_proxy: bool = False
    """A proxy resolved the name: only the name could be checked, not where it leads."""


class _PassingError(SourceError):
    """A failure that may be gone at once: worth one more try."""


@dataclass(frozen=True)
class _Request:
    url: str
    reach: AddressPolicy | None
    """Where a stranger may send us; None: the user chose the address."""
    verify: Path | None
    limit: int
    seconds: float
    deadline: Deadline
    condition: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """The headers that ask for nothing where nothing has changed."""
    progress: Progress | None = None
    proxy: Proxy | None = None

    def error(
        self, rule: str, words: str, *, hint: str = _BY_HAND, kind: type[SourceError] = SourceError
    ) -> CertbootError:
        """Return the failure as who asked expects it: by its rule, or with the address and a hint."""
        if self.reach:
            return FetchError(rule, words)
        return kind(f"{words}: {shown(self.url)}", hint)

    def unreached(self, reason: str, *, hint: str = _AGAIN, rule: str = "no-connection") -> CertbootError:
        """Return the failure to get an answer; raises TimeoutError where it is the time in all that ended it."""
        self.deadline.left()
        way = f" through the proxy {self.proxy.shown}" if self.proxy else ""
        return self.error(rule, f"no connection to {_host(self.url)}{way}, {reason}", hint=hint, kind=_PassingError)

    def cut_short(self, words: str = "the answer is no HTTP, or breaks off") -> CertbootError:
        """Return the failure of an answer that is not whole; raises TimeoutError likewise."""
        self.deadline.left()
        return self.error("cut-short", words, hint=_AGAIN, kind=_PassingError)

    def too_large(self) -> CertbootError:
        """Return the failure of an answer that goes beyond the limit."""
        return self.error("too-large", f"over {self.limit:,} bytes, the most that is read")


def fetch(
    url: str, *, limit: int, verify: Path, etag: str = "", modified: str = "", progress: Progress | None = None
) -> Fetched:
    """Return what lies at an https:// address, at most ``limit`` bytes of it; raises SourceError.

    ``verify`` is the file or folder of CA certificates to believe.
    """
    values = zip(_CONDITIONS.values(), (etag, modified), strict=True)
    condition = {name: text for name, text in values if _validator(text)}
    request = _Request(url, None, verify, limit, _TOTAL_SECONDS, Deadline(_TOTAL_SECONDS), condition, progress)
    try:
        return _follow(request)
    except _PassingError:
        time.sleep(_PAUSE_SECONDS)
    return _follow(request)


def fetch_issuer(url: str, reach: AddressPolicy, seconds: float = SECONDS) -> Fetched:
    """Return what lies at ``url``, at most LARGEST bytes of it, within ``seconds`` in all; raises FetchError."""
    return _follow(_Request(url, reach, reach.https, LARGEST, seconds, Deadline(seconds)))


def _follow(request: _Request) -> Fetched:
    hop = request
    try:
        for _ in range(_MOST_REDIRECTS + 1):
            answer = _asked(hop)
            if isinstance(answer, Fetched):
                return answer
            if not answer:
                return _follow(dataclasses.replace(request, condition={}))
            hop = dataclasses.replace(request, url=_joined(hop, answer))
    except TimeoutError:
        late = f"not finished after {counted(request.seconds, 'second')}"
        raise request.error("timeout", late, hint=_AGAIN) from None
    raise request.error("too-many-redirects", f"over {_MOST_REDIRECTS} redirects")


def _joined(request: _Request, location: str) -> str:
    # Bytes beyond ASCII are UTF-8 in practice, whatever http.client makes of them.
    target = location.encode("latin-1", "replace").decode("utf-8", "replace")
    try:
        return urllib.parse.urljoin(request.url, target)
    except ValueError:
        words = "redirected to an address that is none"
        raise dataclasses.replace(request, url=target).error("not-an-address", words) from None


def _asked(request: _Request) -> Fetched | str:
    """Return what lies there, or where it is said to lie now; empty where the condition may be what is refused."""
    wanted = parsed_url(request.url, request.reach) if request.reach else chosen(request.url, request.verify)
    with contextlib.ExitStack() as stack:
        try:
            request = dataclasses.replace(request, proxy=_proxy(wanted, request))
            wire = stack.enter_context(_connection(wanted, request))
            response = stack.enter_context(_answer(wire, wanted, request))
        except ConnectionFault as fault:
            raise request.unreached(fault.words, hint=_PROXY, rule="proxy-refused") from fault
        except _BROKEN as error:
            raise _failure(error, request) from error
        if response.status_code in _CLIENT_ERRORS and request.condition:
            return ""
        location = response.headers.get("Location")
        return location if response.status_code in _REDIRECTS and location else _read(response, request)


def _proxy(wanted: Url, request: _Request) -> Proxy | None:
    """Return the proxy for this place, which the user chose; raises FetchError, ConnectionFault.

    The proxy resolves the name. What can be checked of a stranger's address is an IP address in the place of the name,
    and a name that means the proxy itself.
    """
    proxy = connection.proxy_for(_url(wanted))
    if proxy and request.reach:
        # This computer's own addresses would be the proxy's own there.
        reach = dataclasses.replace(request.reach, kinds=request.reach.kinds - {LOOPBACK})
        refused = refusal(wanted.literal, wanted, reach) if wanted.literal else refused_port(wanted)
        if wanted.scheme != "http":
            refused = FetchError("proxy-refused", "https is not fetched through a proxy")
        elif proxy.scheme != "http":
            refused = FetchError("proxy-refused", "only a proxy whose address begins with http:// is used")
        if refused:
            raise refused
    return proxy


@contextlib.contextmanager
def _connection(wanted: Url, request: _Request) -> Iterator[Wire | SSLTransport]:
    """Connect to an address that was checked, or to the proxy; raises CertbootError, OSError, ConnectionFault."""
    seconds = min(_READ_SECONDS, request.deadline.left())
    begun = Deadline(seconds)
    stream = Stream(_dialled(wanted, request, begun), begun)
    try:
        context = _context(request) if wanted.scheme == "https" else None
        if request.proxy and context:
            place_there, late = (wanted.host, wanted.port), f"within {counted(round(seconds, 1), 'second')}"
            stream = connection.tunnelled(stream, request.proxy, place_there, late, context)
        stream.deadline = request.deadline
        # Chunks of one byte each would come to more, and are nothing to wait for.
        wire = Wire(stream, _READ_SECONDS, _HEAD + 2 * request.limit, request.too_large())
        # It takes for a socket what behaves like one, and so can speak TLS inside a proxy's TLS.
        yield SSLTransport(typing.cast("socket.socket", wire), context, wanted.host.rstrip(".")) if context else wire
    finally:
        stream.close()


def _dialled(wanted: Url, request: _Request, deadline: Deadline) -> socket.socket:
    """Return a connection to the proxy, or to an address of the host that may be contacted."""
    host, port = (request.proxy.host, request.proxy.port) if request.proxy else (wanted.host, wanted.port)
    try:
        addresses = connection.resolved(host, port, deadline)
    except ConnectionFault:
        addresses = []
    if not addresses:
        raise request.unreached("no such host is known", rule="no-such-host")
    if request.reach and not request.proxy:
        judged = [(address, refusal(address[4][0], wanted, request.reach)) for address in addresses]
        addresses = [address for address, refused in judged if refused is None]
        if not addresses:
            raise next(refused for _, refused in judged if refused)
    return connection.dialled(addresses, deadline)


def _context(request: _Request) -> ssl.SSLContext:
    """Return a context that believes what it is told to, and nothing that the environment names."""
    verify = request.verify
    if not verify or not verify.exists():
        words = f"the certificates to verify with are missing: {verify}"
        raise FetchError("no-connection", words) if request.reach else SourceError(words, "certboot init")
    folder = str(verify) if verify.is_dir() else None
    context = ssl.create_default_context(cafile=None if folder else str(verify), capath=folder)
    context.hostname_checks_common_name = False
    return context


class _Adapter(HTTPAdapter):
    """Speaks over a connection that stands already, to a proxy or not; neither makes one nor looks for another."""

    def __init__(self, wire: Wire | SSLTransport) -> None:
        super().__init__()
        self._wire = wire

    def get_connection_with_tls_context(
        self, request: requests.PreparedRequest, *_: object, **__: object
    ) -> urllib3.HTTPConnectionPool:
        """Return a pool whose one connection is the one that stands."""
        pool: urllib3.HTTPConnectionPool = self.poolmanager.connection_from_url(request.url or "")
        usual: typing.Any = pool.ConnectionCls  # for http one class, for https another
        wire = self._wire

        class Standing(usual):  # type: ignore[misc] # mypy wants to know it when it reads
            def connect(self) -> None:
                self.sock, self.is_verified = wire, True

        pool.ConnectionCls = Standing
        return pool


def _answer(wire: Wire | SSLTransport, wanted: Url, request: _Request) -> requests.Response:
    """Return the answer, its body unread.

    There is no session: it would add what is the user's own, and read the body of a redirect, unpacked and without a
    limit, even where it is told not to follow any.
    """
    prepared = requests.Request("GET", _url(wanted), {**_HEADERS, **request.condition}).prepare()
    # Where there is a proxy, it is sent the whole address. What to verify with is only looked for: that has been done.
    proxies = {"http": request.proxy.shown} if request.proxy else None
    return _Adapter(wire).send(prepared, stream=True, verify=str(request.verify), proxies=proxies)


def _read(response: requests.Response, request: _Request) -> Fetched:
    status = response.status_code
    unchanged = status == _NOT_MODIFIED and bool(request.condition)
    if status != _OK and not unchanged:
        why = " (it wants a password, which is not sent)" if status == _PROXY_AUTHENTICATION else ""
        kind = _PassingError if status in _SERVER_ERRORS else SourceError
        raise request.error("status", f"the server answered with status {status}{why}", kind=kind)
    body = b"" if unchanged else _body(response, request)
    former = request.condition if unchanged else {}
    values = (response.headers.get(name, former.get(condition, "")) for name, condition in _CONDITIONS.items())
    etag, modified = map(_validator, values)
    return Fetched(body, etag, modified, unchanged, through_proxy=bool(request.proxy))


def _body(response: requests.Response, request: _Request) -> bytes:
    packed = response.headers.get("Content-Encoding", "").strip().lower()
    if packed not in ("", "identity"):
        raise request.error("packed", f"the answer is packed as {printable(packed)!r}, which was not asked for")
    total = _announced(response.headers)
    chunked = response.headers.get("Transfer-Encoding", "").strip().lower() == "chunked"
    if total is None and not chunked and not request.reach:
        # It would end where the connection ends, which whoever sits between can choose (RFC 9112, 6.3). A stranger's
        # file is a certificate, which tells its own length.
        raise request.error("cut-short", "the answer does not tell its length, so nobody could see that it is whole")
    pieces: list[bytes] = []
    done, problem = 0, None
    while max(done, total or 0) <= request.limit:
        try:
            piece = response.raw.read(min(_PIECE, request.limit + 1 - done), decode_content=False)
        except _NO_HTTP as error:
            piece, problem = b"", error
        except _BROKEN as error:
            raise _failure(error, request) from error
        if not piece:
            break
        pieces.append(piece)
        done += len(piece)
        if request.progress and done <= request.limit:
            request.progress(done, total)
    else:
        raise request.too_large()
    if problem or total not in (None, done):
        whole = f" of {total:,}" if total is not None else ""
        raise request.cut_short(f"the answer broke off after {done:,}{whole} bytes") from problem
    return b"".join(pieces)


def _announced(headers: Mapping[str, str]) -> int | None:
    """Return the length that the answer says its body has, which counts only where it is not chunked."""
    length = headers.get("Content-Length", "")
    # RFC 9112, 6.3: Transfer-Encoding overrides Content-Length.
    counts = "Transfer-Encoding" not in headers and length.isascii() and length.isdecimal()
    return int(length[:_LONGEST_NUMBER]) if counts else None


def _validator(text: str) -> str:
    """Return an ETag or date as far as it can be sent back: one that servers stumble over would do so for ever."""
    return text if _VALIDATOR.fullmatch(text) else ""


def _failure(error: Exception, request: _Request) -> CertbootError:
    """Return the failure in words of our own; raises TimeoutError where it is the time in all that ended it."""
    causes = list(_causes(error))
    host = _host(request.url)
    if refusal := next((cause for cause in causes if isinstance(cause, ssl.SSLCertVerificationError)), None):
        words = f"the certificate of {host} is refused, {printable(refusal.verify_message)}"
        return request.error("no-connection", words, hint=f"certboot doctor {host}")
    reason = next((words for cause in causes if (words := _words(cause))), "")
    if not reason or any(isinstance(cause, http.client.HTTPException) for cause in causes):
        return request.cut_short()
    of_tls = any(isinstance(cause, ssl.SSLError) for cause in causes)
    return request.unreached(reason, hint=f"certboot doctor {host}" if of_tls else _AGAIN)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield the exception and those that it was made of: requests and urllib3 wrap one in the other."""
    while error:
        yield error
        error = error.__cause__ or error.__context__


def _words(cause: BaseException) -> str:
    if isinstance(cause, TimeoutError):
        return "no answer in time"
    if isinstance(cause, ssl.SSLError):
        return printable(cause.reason or "").replace("_", " ").lower()
    return printable(getattr(cause, "strerror", None) or "").lower()


def _url(wanted: Url) -> str:
    return f"{wanted.scheme}://{wanted.authority}{wanted.target}"


def _host(url: str) -> str:
    """Return what ``certboot doctor`` takes for the host of a checked address."""
    parts = urllib.parse.urlsplit(url)
    host = printable(bracketed(parts.hostname or ""))
    return f"{host}:{parts.port}" if parts.port else host
