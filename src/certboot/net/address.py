"""From what a person types (a host, HOST:PORT, an IPv6 address, a URL) to a host and a port. Pure."""

from __future__ import annotations

import contextlib
import ipaddress
import re
from urllib.parse import urlsplit

from certboot.errors import CertbootError, printable, without_credentials
from certboot.net.starttls import PROTOCOLS, usual_port
from certboot.net.target import Target, bracketed

_LONGEST_TIMEOUT = 3600
_HTTPS_PORT = 443
# Schemes in which TLS begins with the first byte (mostly as in IANA's registry of ports).
_PORTS = {
    "https": 443, "wss": 443, "ldaps": 636, "imaps": 993, "pop3s": 995, "smtps": 465, "submissions": 465, "ftps": 990,
    "nntps": 563, "sips": 5061, "amqps": 5671, "ircs": 6697, "mqtts": 8883, "rediss": 6379,
}  # fmt: skip
_ALSO = {"postgresql": "postgres", "mariadb": "mysql", "pop": "pop3"}
_WEB = frozenset({"http", "ws"})
_HINT = "certboot doctor HOST[:PORT], with an IPv6 address in brackets: [::1]:443"

# Letters and digits of every script, and what stands between them; or an IPv6 address, with its zone.
_HOST = re.compile(r"[\w.-]+|[\w.:]+(?:%[\w.~-]+)?")


class SchemeError(CertbootError):
    """A URL without a port, of a scheme that does not say where TLS begins. Nothing in it is secret."""


def parse_address(text: str, starttls: str = "", usual: int = 0) -> tuple[str, int]:
    """Return host and port; raises CertbootError.

    Without a port it is that of the URL's scheme; for a host alone ``usual``, or else that of the protocol that begins
    with STARTTLS, or else 443.
    """
    host, port, scheme = _split(text)
    if port:
        return host, port
    if not scheme:
        return host, usual or usual_port(starttls) or _HTTPS_PORT
    # The outer or the inner one says it: git+https, postgresql+psycopg.
    schemes = [_ALSO.get(part, part) for part in scheme.split("+")]
    if ports := [_PORTS[part] for part in schemes if part in _PORTS]:
        return host, ports[0]
    if starttls in schemes:
        return host, usual_port(starttls) or _HTTPS_PORT
    shown = bracketed(host)
    message = f"the address names neither TLS nor a port: {printable(f'{scheme}://{shown}')}"
    protocol = next((part for part in schemes if usual_port(part)), "")
    hint = f"certboot doctor {shown}:PORT, with the port where TLS begins"
    if protocol:
        hint = f"certboot doctor {shown}:{usual_port(protocol)} --starttls {protocol}"
    elif _WEB.intersection(schemes):
        hint = f"certboot doctor {shown}:{_HTTPS_PORT}, if its https is meant"
    raise SchemeError(message, printable(hint))


def parse_target(
    text: str, starttls: str = "", connect: str | None = None, servername: str | None = None, timeout: float = 10.0
) -> Target:
    """Return the server that a person names, with what leads to it; raises CertbootError."""
    if starttls and starttls not in PROTOCOLS:
        raise CertbootError(f"not a protocol that begins with STARTTLS: {starttls!r}", f"one of {', '.join(PROTOCOLS)}")
    if not 0 < timeout <= _LONGEST_TIMEOUT:
        raise CertbootError(f"not a number of seconds from 0 to {_LONGEST_TIMEOUT}: {timeout!r}", "timeout=10")
    host, port = parse_address(text, starttls)
    there = None if connect is None else parse_address(connect, starttls, port)
    return Target(host, port, starttls, there, "" if servername is None else parse_host(servername), timeout)


def parse_host(text: str) -> str:
    """Return the host of an address whose port is of no interest; raises CertbootError."""
    return _split(text)[0]


def _split(text: str) -> tuple[str, int | None, str]:
    """Return host, port and scheme, as far as they are given; raises CertbootError."""
    if not isinstance(text, str):  # of a number, and of four bytes, ip_address would make an address of somebody's
        raise CertbootError(f"not a host: {text!r}", _HINT)
    with contextlib.suppress(ValueError):
        return str(ipaddress.ip_address(text)), None, ""  # "::1" has colons but no port
    try:
        parts = urlsplit(text if "://" in text else f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        parts, host, port = urlsplit(""), None, None
    if not host or port == 0 or not _HOST.fullmatch(host):
        message = f"not a host: {without_credentials(text)!r}"
        raise CertbootError(message, _HINT)
    return host, port, parts.scheme
