"""Whether a chain was made on the way by something that reads TLS: a company's proxy, an antivirus, a debugger."""

from __future__ import annotations

import re
import typing

if typing.TYPE_CHECKING:
    from collections.abc import Iterable

# What stands in the names of the CAs that these products make, as far as no public CA is called so.
_VENDORS = {
    "Zscaler": "zscaler",
    "Netskope": "netskope|goskope",
    "Palo Alto Networks": r"palo ?alto|pan-?os|global ?protect",
    "Fortinet": "fortinet|fortigate|forticlient",
    "Cisco Umbrella": "cisco umbrella|opendns",
    "Cisco Secure Web Appliance": "ironport|cisco (secure )?web",
    "Blue Coat (Symantec)": "blue ?coat|proxysg|symantec web|symantec wss|cloud threat",
    "Sophos": "sophos",
    "ESET": r"\beset\b",
    "Kaspersky": "kaspersky",
    "Avast": r"\bavast\b",
    "AVG": r"\bavg (web|technologies)",
    "Bitdefender": "bitdefender",
    "mitmproxy": "mitmproxy",
    "Charles": "charles proxy",
    "Fiddler": "fiddler",
    "Burp Suite": "portswigger|burp ?suite",
    "OWASP ZAP": "zed attack proxy|owasp",
    "HTTP Toolkit": "http toolkit",
    "Proxyman": "proxyman",
    "Squid": r"\bsquid\b",
    "Forcepoint": "forcepoint|websense",
    "Skyhigh (McAfee)": "mcafee|skyhigh",
    "Check Point": "check ?point software|checkpoint",
    "Barracuda": "barracuda",
    "Cloudflare Gateway": "cloudflare gateway|cloudflare for teams|gateway ca - cloudflare",
    "Trend Micro": "trend ?micro",
    "WatchGuard": "watchguard|fireware",
    "SonicWall": "sonicwall",
    "iboss": r"\biboss\b",
    "Menlo Security": "menlo security",
    "Cato Networks": "cato networks",
    "Untangle": "untangle",
    "AdGuard": "adguard",
    "Securly": "securly",
    "Lightspeed": "lightspeed (systems|rocket)",
}
_PATTERNS = {vendor: re.compile(pattern, re.IGNORECASE) for vendor, pattern in _VENDORS.items()}


def vendor(names: Iterable[str]) -> str:
    """Return whose product made the certificates with these subjects and issuers, or an empty text. A guess."""
    texts = tuple(names)
    return next((name for name, found in _PATTERNS.items() if any(found.search(text) for text in texts)), "")
