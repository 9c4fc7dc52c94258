"""Where a fetch may go whose address a stranger chose: by scheme, name, port and kind of IP address. Does no I/O.

The tables are the IANA's special-purpose registries (RFC 6890 and what changed them), and not the ``is_global`` of the
ipaddress module: that differs between versions of Python, and counts multicast, NAT64 and site-local as global.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import typing
import urllib.parse
from dataclasses import dataclass
from pathlib import Path

from certboot.errors import CertbootError, SourceError, printable
from certboot.net.target import bracketed, ip_version

PUBLIC, PRIVATE, LOOPBACK, SPECIAL = "public", "private", "loopback", "special"
KINDS = {
    PUBLIC: "a public address",
    PRIVATE: "an address of a private network",
    LOOPBACK: "an address of this computer itself",
    SPECIAL: "an address that no CA's web server has",
}
"""Kind -> words."""
HERE = "of this computer"

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
    "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "64:ff9b:1::/48",
)  # fmt: skip
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")  # RFC 4291, 2.4: IANA gives out nothing else
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052: how a machine without IPv4 reaches an IPv4 address
# Where else the last 32 bits are an IPv4 address: RFC 4291, 2.5.5.2 (mapped) and 2.5.5.1 (compatible), RFC 2765, 2.1.
_EMBEDDING = (_NAT64, *_networks("::ffff:0:0/96", "::/96", "::ffff:0:0:0/96"))
_ISATAP = 0x5EFE  # RFC 5214, 6.1: an interface identifier ::0:5efe:IPV4, or ::200:5efe:IPV4, below any prefix
_PORTS = {"http": (80, 8080), "https": (443, 8443)}
# Of this computer. Who speaks from here need not be the user: another user's process, a container, the far end of a
# tunnel. Through us they would reach what listens for the user alone, and for some of that a GET is enough.
_PORTS_HERE = {"http": (80,), "https": (443,)}
_NAME = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?")
# As the URL standard of the WHATWG has it, a name whose last label looks like a number is an IPv4 address, however odd.
_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0[xX][0-9A-Fa-f]*)\.?")
_TARGET = "!#$%&'()*+,/:;=?@[]~"  # what a path and a query keep as it stands (RFC 3986, 3.3 and 3.4)


class FetchError(CertbootError):
    """Why nothing was fetched: the rule that forbids it, or what went wrong, and the same in words."""

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule


@dataclass(frozen=True)
class AddressPolicy:
    """Where a fetch may go beside public addresses."""

    kinds: frozenset[str] = frozenset()
    """Of PRIVATE and LOOPBACK."""
    any_port: bool = False
    """At addresses of these kinds, every port."""
    https: Path | None = None
    """The CA certificates to verify https with; None: only http is fetched."""


@dataclass(frozen=True)
class Url:
    """An address taken apart, its scheme and form checked."""

    scheme: str
    host: str
    port: int
    target: str
    """Path and query."""

    @property
    def authority(self) -> str:
        """The host as a Host header has it."""
        host = bracketed(self.host)
        return host if self.port == _PORTS[self.scheme][0] else f"{host}:{self.port}"

    @property
    def literal(self) -> str:
        """The IP address that the host stands for by itself; empty for a name. Raises FetchError.

        Every form that inet_aton takes counts: octal, hexadecimal, fewer than four parts.
        """
        if _is_plain_ipv6(self.host):
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


def parsed_url(url: str, reach: AddressPolicy) -> Url:
    """Return the address taken apart; raises FetchError for one that must not be fetched by its scheme or form."""
    try:
        parts = urllib.parse.urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise _no_address(url) from None
    if not (parts.scheme == "http" or (parts.scheme == "https" and reach.https)):
        known = "http:// and https://" if reach.https else "http://"
        raise FetchError("unsupported-scheme", f"only {known} is fetched: {printable(url)}")
    if "@" in parts.netloc:
        raise FetchError("credentials-in-address", "an address with a user name or password in it")
    if not host or not (_NAME.fullmatch(host) or _is_plain_ipv6(host)) or not url.isascii():
        raise _no_address(url)
    path = urllib.parse.quote(parts.path or "/", safe=_TARGET)
    query = f"?{urllib.parse.quote(parts.query, safe=_TARGET)}" if parts.query else ""
    return Url(parts.scheme, host, _PORTS[parts.scheme][0] if port is None else port, path + query)


def chosen(url: str, verify: Path | None) -> Url:
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
            return parsed_url(Request("GET", url).prepare().url or "", AddressPolicy(https=verify))
        except (OSError, ValueError, FetchError):  # OSError: whatever is of requests itself
            words = "not an address that can be used"
            hint = "check the address in a browser; a file that you save yourself can be given by its path"
    raise SourceError(f"{words}: {shown(url)}", hint)


def shown(url: str) -> str:
    """Return the part of what may be no address that holds no password, whatever stands in one."""
    return printable(url.rpartition("@")[2])


def refusal(address: str, wanted: Url, reach: AddressPolicy) -> FetchError | None:
    """Return why this IP address of the host must not be contacted, or None."""
    category = kind(address)
    if category not in (PUBLIC, *reach.kinds):
        named = address if address == wanted.host else f"{wanted.host} is {address}"
        return FetchError("address-refused", f"{printable(named)}, {KINDS[category]}")
    if reach.any_port and category != PUBLIC:
        return None
    if category == LOOPBACK:
        usual = _PORTS_HERE[wanted.scheme]
        return None if wanted.port in usual else _port_refused(f"{wanted.port} {HERE}", usual)
    return refused_port(wanted)


def refused_port(wanted: Url) -> FetchError | None:
    """Return why this port must not be contacted at an address that may be public, or None."""
    usual = _PORTS[wanted.scheme]
    return None if wanted.port in usual else _port_refused(str(wanted.port), usual)


def _port_refused(which: str, usual: tuple[int, ...]) -> FetchError:
    asked = f"{' and '.join(map(str, usual))} {'are' if usual[1:] else 'is'} asked"
    return FetchError("port-refused", f"port {which}, where only {asked}")


def kind(text: str) -> str:
    """Return the kind of an IP address in text, with or without a zone: a key of KINDS. Raises ValueError."""
    return _kind(ipaddress.ip_address(text.partition("%")[0]))


def policy_from(peer: str, *, private: bool = False, https: Path | None = None) -> AddressPolicy:
    """Return where certificates of a server at the IP address ``peer`` (empty: unknown) may send us.

    One in a private network may lead into such, and one of this computer to it. ``private``: all may, to any port.
    """
    here = kind(peer) if peer else PUBLIC
    kinds = {PRIVATE, LOOPBACK} if private else {here} & {PRIVATE, LOOPBACK}
    return AddressPolicy(frozenset(kinds), private, https)


def _kind(address: _Address) -> str:
    """Return the kind of an address; of one that carries another within it the stricter of both.

    What is translated on its way leads out of this computer and its network, or into them from outside: neither is a
    CA's own address there, so by translation nothing is of this computer or of a private network.
    """
    carried = _carried(address)
    if carried and _kind(carried) != PUBLIC:
        return SPECIAL
    if address in _NAT64 or (isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped):
        return PUBLIC
    for group, networks in ((SPECIAL, _SPECIAL_NETWORKS), (LOOPBACK, _LOOPBACK_NETWORKS), (PRIVATE, _PRIVATE_NETWORKS)):
        if any(address in network for network in networks):
            return group
    return PUBLIC if isinstance(address, ipaddress.IPv4Address) or address in _GLOBAL_UNICAST else SPECIAL


def _carried(address: _Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address that an IPv6 address ends with, if it is of a form that leads there.

    6to4, Teredo and a network's own NAT64 (RFC 8215) are special addresses as a whole.
    """
    if isinstance(address, ipaddress.IPv4Address) or any(address in network for network in _LOOPBACK_NETWORKS):
        return None
    isatap = int(address) >> 32 & 0xFDFFFFFF == _ISATAP
    if isatap or any(address in network for network in _EMBEDDING):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def _is_plain_ipv6(host: str) -> bool:
    return "%" not in host and ip_version(host) == 6  # noqa: PLR2004 - IPv6


def _no_address(text: str) -> FetchError:
    return FetchError("not-an-address", f"not an address: {printable(text)}")
