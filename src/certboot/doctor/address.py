"""From what a person types (a host, HOST:PORT, an IPv6 address, a URL) to a host and a port. Pure."""

from __future__ import annotations

import contextlib
import ipaddress
from urllib.parse import urlsplit

from certboot.errors import CertbootError

_HTTPS_PORT = 443


def parse_address(text: str) -> tuple[str, int]:
    """Return host and port, 443 if none is given; raises CertbootError."""
    with contextlib.suppress(ValueError):
        return str(ipaddress.ip_address(text)), _HTTPS_PORT  # "::1" has colons but no port
    try:
        parts = urlsplit(text if "://" in text else f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or port == 0 or any(character.isspace() for character in host):
        message = f"not a host: {text!r}"
        raise CertbootError(message, "certboot doctor HOST[:PORT], with an IPv6 address in brackets: [::1]:443")
    return host, port or _HTTPS_PORT
