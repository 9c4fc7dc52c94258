"""From what a person types (a host, HOST:PORT, an IPv6 address, a URL) to a host and a port. Pure."""

from __future__ import annotations

import contextlib
import ipaddress
from urllib.parse import urlsplit

from certboot.errors import CertbootError

_HTTPS_PORT = 443
_PORTS = {"https": 443, "wss": 443, "ldaps": 636, "imaps": 993, "pop3s": 995, "smtps": 465, "ftps": 990}
STARTTLS_PORTS = {"smtp": 25, "imap": 143, "pop3": 110, "ldap": 389, "postgres": 5432, "mysql": 3306, "ftp": 21}
"""Where the protocols that begin in plain text are mostly spoken."""


def parse_address(text: str, starttls: str = "") -> tuple[str, int]:
    """Return host and port; raises CertbootError.

    Without a port it is that of the URL's scheme or of the protocol that begins with STARTTLS, else 443.
    """
    usual = STARTTLS_PORTS.get(starttls, _HTTPS_PORT)
    with contextlib.suppress(ValueError):
        return str(ipaddress.ip_address(text)), usual  # "::1" has colons but no port
    try:
        parts = urlsplit(text if "://" in text else f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        parts, host, port = urlsplit(""), None, None
    if not host or port == 0 or any(character.isspace() for character in host):
        message = f"not a host: {text!r}"
        raise CertbootError(message, "certboot doctor HOST[:PORT], with an IPv6 address in brackets: [::1]:443")
    return host, port or _PORTS.get(parts.scheme, usual)
