"""Where a fetch may go whose address a stranger chose: by scheme, name, port and kind of IP address. Does no I/O.

The tables are the IANA's special-purpose registries (RFC 6890 and what changed them), and not the ``is_global`` of the
ipaddress module: that differs between versions of Python, and counts multicast, NAT64 and site-local as global.
"""

from __future__ import annotations

import contextlib
import ipaddress
import re
import socket
import typing
import urllib.parse
from dataclasses import dataclass
from pathlib import Path

from certboot.errors import CertbootError, SourceError
from certboot.printable import printable

PUBLIC, PRIVATE, LOOPBACK, SPECIAL = "public", "private", "loopback", "special"
KINDS = {
    PUBLIC: "a public address",
    PRIVATE: "an address of a private network",
    LOOPBACK: "an address of this computer itself",
    SPECIAL: "an address that no CA's web server has",
}
"""Kind -> words."""

_Network: typing.TypeAlias = "ipaddress.IPv4Network | ipaddress.IPv6Network"
_Address: typing.TypeAlias = "ipaddress.IPv4Address | ipaddress.IPv6Address"


def _networks(*texts: str) -> tuple[_Network, ...]:
    return tuple(ipaddress.ip_network(text) for text in texts)


_LOOPBACK_NETWORKS = _networks("127.0.0.0/8", "::1/128")
_PRIVATE_NETWORKS = _networks("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
_SPECIAL_NETWORKS = _networks(
    # Where clouds tell a machine its secrets, as cloud-init's data sources and the clouds' own documents have them:
    # Alibaba, Azure, AWS (metadata ::254, EKS credentials ::23), Google, Oracle, Scaleway, Akamai. 169.254.169.254 is
    # link-local.
    "100.100.100.200/32", "168.63.129.16/32", "fd00:100::100:200/128", "fd00:ec2::/32", "fd20:ce::254/128",
    "fd00:c1::a9fe:a9fe/128", "fd00:42::42/128", "fd00:a9fe:a9fe::1/128",
    "0.0.0.0/8", "169.254.0.0/16", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15",
    "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
)  # fmt: skip
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")  # RFC 4291, 2.4: IANA gives out nothing else
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052: the last 32 bits are where it really leads
_PORTS = {"http": (80, 8080), "https": (443, 8443)}
_NAME = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?")
# As the URL standard of the WHATWG has it, a name whose last label looks like a number is an IPv4 address, however odd.
_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0[xX][0-9A-Fa-f]*)\.?")
_TARGET = "!#$%&'()*+,/:;=?@[]~"  # what a path and a query keep as it stands (RFC 3986, 3.3 and 3.4)


class FetchError(CertbootError):
    """Why nothing was fetched: the rule that forbids it, or what went wrong, and the same in words."""

    def __init__(self, *, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule


@dataclass(frozen=True)
class Reach:
    """Where a fetch may go beside public addresses."""

    kinds: frozenset[str] = frozenset()
    """Of PRIVATE and LOOPBACK."""
    any_port: bool = False
    """At addresses of these kinds, other ports than 80 and 8080 too."""
    https: Path | None = None
    """The CA certificates to verify https with; None: only http is fetched."""


@dataclass(frozen=True)
class Place:
    """An address taken apart, its scheme and form checked."""

    scheme: str
    host: str
    port: int
    target: str
    """Path and query."""

    @property
    def authority(self) -> str:
        """The host as a Host header has it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme][0] else f"{host}:{self.port}"

    @property
    def literal(self) -> str:
        """The IP address that the host stands for by itself; empty for a name. Raises FetchError.

        Every form that inet_aton takes counts: octal, hexadecimal, fewer than four parts.
        """
        if _is_ipv6(self.host):
            return self.host
        bare = self.host.rstrip(".")
        if bare == "localhost" or bare.endswith(".localhost"):  # RFC 6761, 6.3
            return "127.0.0.1"
        if not _NUMBER.fullmatch(bare):
            return ""
        try:
            return socket.inet_ntoa(socket.inet_aton(bare))
        except OSError:
            raise _no_address(self.host) from None


def place(url: str, reach: Reach) -> Place:
    """Return the address taken apart; raises FetchError for one that must not be fetched by its scheme or form."""
    try:
        parts = urllib.parse.urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise _no_address(url) from None
    if not (parts.scheme == "http" or (parts.scheme == "https" and reach.https)):
        known = "http:// and https://" if reach.https else "http://"
        raise FetchError(rule="unsupported-scheme", message=f"only {known} is fetched: {printable(url)}")
    if "@" in parts.netloc:
        raise FetchError(rule="credentials-in-address", message="an address with a user name or password in it")
    if not host or not (_NAME.fullmatch(host) or _is_ipv6(host)) or not url.isascii():
        raise _no_address(url)
    path = urllib.parse.quote(parts.path or "/", safe=_TARGET)
    query = f"?{urllib.parse.quote(parts.query, safe=_TARGET)}" if parts.query else ""
    return Place(parts.scheme, host, _PORTS[parts.scheme][0] if port is None else port, path + query)


def chosen(url: str, verify: Path | None) -> Place:
    """Return an address that the user chose taken apart, for which only https is good enough; raises SourceError."""
    hint = "give it as https://HOST/PATH"
    try:
        parts = urllib.parse.urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        parts, host = None, None
    if parts is None or not url.isprintable():
        words = "not an address"
    elif parts.scheme != "https":
        words = "only https:// is fetched"
        hint = "what comes without TLS can be anybody's; a file can be given by its path"
    elif "@" in parts.netloc:
        words = "an address with a user name or password in it"
        hint = "leave them out; what needs a password cannot be fetched, save it to a file"
    elif not host:
        words = "an address without a host"
    else:
        from requests import Request  # it writes what is beyond ASCII as it goes over the wire

        try:
            return place(Request("GET", url).prepare().url or "", Reach(https=verify))
        except (OSError, ValueError, FetchError):  # OSError: whatever is of requests itself
            words = "not an address that can be used"
            hint = "check the address in a browser; a file that you save yourself can be given by its path"
    message = f"{words}: {shown(url)}"
    raise SourceError(message, hint)


def shown(url: str) -> str:
    """Return the part of what may be no address that holds no password, whatever stands in one."""
    return printable(url.rpartition("@")[2])


def refusal(address: str, wanted: Place, reach: Reach) -> FetchError | None:
    """Return why this IP address of the host must not be contacted, or None."""
    found = kind(address)
    if found not in (PUBLIC, *reach.kinds):
        named = address if address == wanted.host else f"{wanted.host} is {address}"
        return FetchError(rule="address-refused", message=f"{printable(named)}, {KINDS[found]}")
    return None if reach.any_port and found != PUBLIC else refused_port(wanted)


def refused_port(wanted: Place) -> FetchError | None:
    """Return why this port must not be contacted at an address that may be public, or None."""
    usual = _PORTS[wanted.scheme]
    if wanted.port in usual:
        return None
    words = f"port {wanted.port}, where only {' and '.join(map(str, usual))} are asked"
    return FetchError(rule="port-refused", message=words)


def kind(text: str) -> str:
    """Return the kind of an IP address in text, with or without a zone: a key of KINDS. Raises ValueError."""
    return _kind(ipaddress.ip_address(text.partition("%")[0]))


def reach_from(peer: str, *, private: bool = False, https: Path | None = None) -> Reach:
    """Return where certificates of a server at the IP address ``peer`` (empty: unknown) may send us.

    One in a private network may lead into such, and one of this computer to it. ``private``: all may.
    """
    here = kind(peer) if peer else PUBLIC
    kinds = {PRIVATE, LOOPBACK} if private else {here} & {PRIVATE, LOOPBACK}
    # A server of this computer may send us to any port of it: whoever runs it can go there himself.
    return Reach(frozenset(kinds), private or here == LOOPBACK, https)


def _kind(address: _Address) -> str:
    if isinstance(address, ipaddress.IPv6Address):
        inside = address.ipv4_mapped
        if address in _NAT64:
            inside = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inside is not None:
            return _kind(inside)
    for found, networks in (
        (SPECIAL, _SPECIAL_NETWORKS),
        (LOOPBACK, _LOOPBACK_NETWORKS),
        (PRIVATE, _PRIVATE_NETWORKS),
    ):
        if any(address in network for network in networks):
            return found
    return PUBLIC if isinstance(address, ipaddress.IPv4Address) or address in _GLOBAL_UNICAST else SPECIAL


def _is_ipv6(host: str) -> bool:
    with contextlib.suppress(ValueError):
        return "%" not in host and bool(ipaddress.IPv6Address(host))
    return False


def _no_address(text: str) -> FetchError:
    return FetchError(rule="not-an-address", message=f"not an address: {printable(text)}")
