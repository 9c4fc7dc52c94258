"""A TLS server that the user named, and how to get to it."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass


def bracketed(host: str) -> str:
    """Return a host as it stands in an address."""
    return f"[{host}]" if ":" in host else host


def ip_version(host: str) -> int:
    """Return 4 or 6 for an IP address, with a zone or not, and 0 for what is none."""
    try:
        return ipaddress.ip_address(host).version
    except ValueError:
        return 0


@dataclass(frozen=True)
class Target:
    """A server, as the user named it."""

    host: str
    """A DNS name, in Unicode if it was typed so, or an IP address without brackets."""
    port: int = 443
    starttls: str = ""
    """The protocol that begins in plain text (``smtp``), or empty for TLS from the first byte."""
    connect: tuple[str, int] | None = None
    """Where to connect to in the place of ``host`` and ``port``."""
    servername: str = ""
    """The name to ask for and to find in the certificate, in the place of ``host``."""
    timeout: float = 10.0
    """Seconds for everything together."""

    @property
    def name(self) -> str:
        """The name to ask for and to find in the certificate."""
        return self.servername or self.host.partition("%")[0]

    @property
    def shown(self) -> str:
        """HOST:PORT as the user may type it; the host alone for a chain from a file, which has the port 0."""
        if not self.port:
            return self.host
        return f"{bracketed(self.host)}:{self.port}"
