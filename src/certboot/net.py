"""The only place that speaks HTTP: https and nothing else, with limits on time, size and redirects.

What is fetched here becomes trust, so nothing of the user's own goes along (cookies, netrc, passwords in addresses),
and nothing in the environment but a proxy has a say.
"""

from __future__ import annotations

import dataclasses
import http.cookiejar
import queue
import re
import socket
import ssl
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import requests
import urllib3
from urllib3.util.ssl_match_hostname import CertificateError

from certboot.connection import named_proxy
from certboot.errors import SourceError
from certboot.printable import printable

Progress = Callable[[int, "int | None"], None]
"""Called with the bytes that are there and the bytes that there will be, where the server said so."""

_CONNECT_SECONDS = 10.0
_READ_SECONDS = 20.0
_TOTAL_SECONDS = 120.0
_PAUSE_SECONDS = 1.0
_MOST_REDIRECTS = 3
_CHUNK = 64 * 1024
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_OK, _NOT_MODIFIED, _CLIENT_ERRORS, _SERVER_ERRORS = 200, 304, range(400, 500), range(500, 600)
_LONGEST_NUMBER = 18
_VALIDATOR = re.compile("[ -~]{1,256}")
_TUNNEL_STATUS = re.compile(r"Tunnel connection failed: (\d{3})")

_AGAIN = "check the network, then once more"
_PROXY = "set HTTPS_PROXY to a proxy that answers, or NO_PROXY to the hosts that need none"
_BY_HAND = "check the address in a browser; a file that you save yourself can be given by its path"


@dataclass(frozen=True)
class Fetched:
    """What a server answered. ``body`` is empty where it is ``unchanged`` since the given ETag or date."""

    body: bytes
    etag: str
    modified: str
    unchanged: bool


@dataclass(frozen=True)
class _Request:
    url: str
    limit: int
    verify: Path
    etag: str
    modified: str
    stopped: threading.Event
    report: Progress


class _PassingError(SourceError):
    """A failure that may be gone at once: worth one more try."""


class _ConditionError(SourceError):
    """A failure for which the ETag or date that was sent along may be the reason."""


def fetch(
    url: str,
    *,
    limit: int,
    verify: Path,
    etag: str = "",
    modified: str = "",
    progress: Progress | None = None,
) -> Fetched:
    """Return what lies at an https:// address, at most ``limit`` bytes of it; raises SourceError.

    ``verify`` is the file or folder of CA certificates to believe. The work is done in a thread, so that the time in
    all holds whatever the far side does: a name server that does not answer and a header that arrives byte by byte
    wait in calls that know no such limit. ``progress`` is called in the caller's own thread.
    """
    stopped = threading.Event()
    inbox: queue.SimpleQueue[Fetched | BaseException | tuple[int, int | None]] = queue.SimpleQueue()

    def report(done: int, total: int | None) -> None:
        if progress:
            inbox.put((done, total))

    def work() -> None:
        try:
            request = _Request(url, limit, verify, _validator(etag), _validator(modified), stopped, report)
            inbox.put(_with_or_without_condition(request))
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            inbox.put(error)

    end = time.monotonic() + _TOTAL_SECONDS
    threading.Thread(target=work, name="certboot-fetch", daemon=True).start()
    try:
        while True:
            message = inbox.get(timeout=max(0.0, end - time.monotonic()))
            if isinstance(message, Fetched):
                return message
            if isinstance(message, BaseException):
                raise message
            if progress:
                progress(*message)
    except queue.Empty:
        late = f"not finished after {_TOTAL_SECONDS:g} seconds: {_after_credentials(url)}"
        raise SourceError(late, _AGAIN) from None
    finally:
        stopped.set()


def _validator(text: str) -> str:
    """Return an ETag or date as far as it can be sent back: one that servers stumble over would do so for ever."""
    return text if _VALIDATOR.fullmatch(text) else ""


def _with_or_without_condition(request: _Request) -> Fetched:
    try:
        return _twice(request)
    except _ConditionError:
        return _twice(dataclasses.replace(request, etag="", modified=""))


def _twice(request: _Request) -> Fetched:
    try:
        return _follow(request)
    except _PassingError:
        if request.stopped.wait(_PAUSE_SECONDS):
            raise
    return _follow(request)


def _follow(request: _Request) -> Fetched:
    url = request.url
    for _ in range(_MOST_REDIRECTS + 1):
        _check_address(url)
        with _session() as session, _answer(session, url, request) as response:
            if response.status_code not in _REDIRECTS or "Location" not in response.headers:
                return _read(response, url, request)
            # Bytes beyond ASCII are UTF-8 in practice, whatever http.client makes of them.
            target = response.headers["Location"].encode("latin-1", "replace").decode("utf-8", "replace")
            try:
                url = urllib.parse.urljoin(url, target)
            except ValueError as error:
                message = f"redirected to an address that is none: {_after_credentials(target)}"
                raise SourceError(message, _BY_HAND) from error
    message = f"over {_MOST_REDIRECTS} redirects: {_shown(request.url)}"
    raise SourceError(message, _BY_HAND)


def _check_address(url: str) -> None:
    try:
        parts = urllib.parse.urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        parts, host = None, None
    if parts is None or not url.isprintable():
        message = f"not an address: {_after_credentials(url)}"
        raise SourceError(message, "give it as https://HOST/PATH")
    if parts.scheme != "https":
        message = f"only https:// is fetched: {_after_credentials(url)}"
        raise SourceError(message, "what comes without TLS can be anybody's; a file can be given by its path")
    if "@" in parts.netloc:
        message = f"an address with a user name or password in it: {_after_credentials(url)}"
        raise SourceError(message, "leave them out; what needs a password cannot be fetched, save it to a file")
    if not host:
        message = f"an address without a host: {_after_credentials(url)}"
        raise SourceError(message, "give it as https://HOST/PATH")


class _Session(requests.Session):
    """A session to which no answer is a redirect: requests would read its body, unpacked and without a limit.

    It does so even with ``allow_redirects=False``, to find out what the next request would be.
    """

    def get_redirect_target(self, _resp: requests.Response) -> None:
        """Return None: ``_follow`` looks at the address itself."""


def _session() -> requests.Session:
    session = _Session()
    # Otherwise requests takes netrc, and REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE in the place of `verify`
    # (psf/requests#3829).
    session.trust_env = False
    session.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
    # Nothing that can be unfolded: a few kilobytes of gzip make gigabytes.
    session.headers.update({"User-Agent": "certboot", "Accept-Encoding": "identity"})
    return session


def _answer(session: requests.Session, url: str, request: _Request) -> requests.Response:
    asked = {"If-None-Match": request.etag, "If-Modified-Since": request.modified}
    proxy = named_proxy(url)
    try:
        return session.get(
            url,
            headers={name: value for name, value in asked.items() if value},
            proxies={"https": proxy} if proxy else {},
            verify=str(request.verify),
            timeout=(_CONNECT_SECONDS, _READ_SECONDS),
            allow_redirects=False,
            stream=True,
        )
    # TypeError: what requests makes of a proxy with a user and no host.
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError, TypeError) as error:
        raise _failure(error, url, proxy, request) from error


def _read(response: requests.Response, url: str, request: _Request) -> Fetched:
    status, headers = response.status_code, response.headers
    if status == _NOT_MODIFIED and (request.etag or request.modified):
        etag, modified = headers.get("ETag", request.etag), headers.get("Last-Modified", request.modified)
        return Fetched(b"", _validator(etag), _validator(modified), unchanged=True)
    if status != _OK:
        message = f"the server answered with status {status}: {_shown(url)}"
        if status in _CLIENT_ERRORS and (request.etag or request.modified):
            raise _ConditionError(message, _BY_HAND)
        raise (_PassingError if status in _SERVER_ERRORS else SourceError)(message, _BY_HAND)
    encoding = headers.get("Content-Encoding", "").strip().lower()
    if encoding not in ("", "identity"):
        message = f"the answer is packed as {printable(encoding)!r}, which was not asked for: {_shown(url)}"
        raise SourceError(message, _BY_HAND)
    total = _announced(response)
    if total is None and headers.get("Transfer-Encoding", "").strip().lower() != "chunked":
        # It would end where the connection ends, which whoever sits between can choose (RFC 9112, 6.3).
        message = f"the answer does not tell its length, so nobody could see that it is whole: {_shown(url)}"
        raise SourceError(message, _BY_HAND)
    parts, done = [], 0
    for part in _stream(response, url, request):
        parts.append(part)
        done += len(part)
        if done > request.limit or request.stopped.is_set():
            break
        request.report(done, total)
    if max(done, total or 0) > request.limit:
        message = f"over {request.limit:,} bytes, the most that is read: {_shown(url)}"
        raise SourceError(message, _BY_HAND)
    if total is not None and done != total:
        raise _cut(url, done, total)
    etag, modified = headers.get("ETag", ""), headers.get("Last-Modified", "")
    return Fetched(b"".join(parts), _validator(etag), _validator(modified), unchanged=False)


def _announced(response: requests.Response) -> int | None:
    """Return the length that the answer says its body has, which counts only where it is not chunked."""
    length = response.headers.get("Content-Length", "")
    # RFC 9112, 6.3: Transfer-Encoding overrides Content-Length.
    if "Transfer-Encoding" in response.headers or not (length.isascii() and length.isdecimal()):
        return None
    return int(length[:_LONGEST_NUMBER])


def _stream(response: requests.Response, url: str, request: _Request) -> Iterator[bytes]:
    """Yield the body as it comes over the wire, nothing unpacked; nothing at all where too much is announced."""
    total = _announced(response)
    if (total or 0) > request.limit:
        return
    try:
        yield from response.raw.stream(_CHUNK, decode_content=False)
    except urllib3.exceptions.ProtocolError as error:
        raise _cut(url, response.raw.tell(), total) from error
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise _failure(error, url, None, request) from error


def _cut(url: str, done: int, total: int | None) -> _PassingError:
    whole = f" of {total:,}" if total is not None else ""
    return _PassingError(f"the answer broke off after {done:,}{whole} bytes: {_shown(url)}", _AGAIN)


def _failure(error: Exception, url: str, proxy: str | None, request: _Request) -> SourceError:
    """Return the failure in words of our own: those of requests hold whole addresses, a proxy's password included."""
    causes = _causes(error)
    host = _host(url)
    # CertificateError: the host name as urllib3 before 2.0 checked it.
    refusals = (cause for cause in causes if isinstance(cause, (ssl.SSLCertVerificationError, CertificateError)))
    if refusal := next(refusals, None):
        words = printable(str(getattr(refusal, "verify_message", refusal)))
        message = f"the certificate of {host} is refused, {words}: {_shown(url)}"
        return SourceError(message, f"certboot doctor {host}")
    if not request.verify.exists():
        message = f"the certificates to verify with are missing: {request.verify}"
        return SourceError(message, "certboot init")
    way = f" through the proxy {_after_credentials(proxy)}" if proxy else ""
    if isinstance(error, (ValueError, TypeError)):
        return SourceError(f"not an address that can be used{way}: {_shown(url)}", _PROXY if proxy else _BY_HAND)
    if any(isinstance(cause, requests.exceptions.ProxyError) for cause in causes):
        hint = _PROXY
    else:
        hint = f"certboot doctor {host}" if any(isinstance(cause, ssl.SSLError) for cause in causes) else _AGAIN
    reason = next((words for cause in causes if (words := _words(cause))), "the connection broke off")
    return _PassingError(f"no connection to {host}{way}, {reason}: {_shown(url)}", hint)


def _causes(error: BaseException) -> list[BaseException]:
    """Return the exception and those inside it, which urllib3 also hands on as arguments."""
    found = [error]
    for cause in found:  # grows as it goes
        inside = (cause.__cause__, cause.__context__, getattr(cause, "reason", None), *cause.args)
        found += [item for item in inside if isinstance(item, BaseException) and item not in found]
    return found


def _words(cause: BaseException) -> str:
    if not isinstance(cause, OSError) or isinstance(cause, (requests.RequestException, urllib3.exceptions.HTTPError)):
        return ""  # only wraps what says more: urllib3 calls a refused connection a timeout too
    tunnel = _TUNNEL_STATUS.search(str(cause))
    if tunnel:
        return f"the proxy answered with status {tunnel[1]}"
    if isinstance(cause, TimeoutError):
        return "no answer in time"
    if isinstance(cause, socket.gaierror):
        return "no such host is known"
    if isinstance(cause, ssl.SSLError):
        return printable(cause.reason or "").replace("_", " ").lower()
    return (cause.strerror or "").lower()


def _host(url: str) -> str:
    """Return what ``certboot doctor`` takes for the host of a checked address."""
    parts = urllib.parse.urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else printable(parts.hostname or "")
    return f"{host}:{parts.port}" if parts.port else host


def _shown(url: str) -> str:
    """Return a checked address as a message may show it, on one line."""
    return printable(url)


def _after_credentials(text: str) -> str:
    """Return the part of a proxy, or of what is no address, that holds no password, whatever stands in one."""
    return printable(text.rpartition("@")[2])
