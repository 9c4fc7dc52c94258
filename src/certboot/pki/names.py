"""Which names a certificate is good for: as OpenSSL compares a host (RFC 6125), and what a CA may name (RFC 5280)."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable

from cryptography import x509
from cryptography.x509.oid import NameOID

from certboot.pki.openssl import OURS, Version, does
from certboot.pki.parsed import ParsedCertificate
from certboot.pki.subject_hash import subject_hash
from certboot.pki.verify_codes import Code

_LABEL = re.compile("[0-9a-z-]+")
_HOST = re.compile(r"(?!-)[0-9a-zA-Z_-]+(\.[0-9a-zA-Z_-]+)+")
_URL = re.compile(r"[^:]+://(?:[^/?#@]*@)?(?P<host>\[[^\]]*\]|[^:/?#]*)(?::0*(?P<port>[0-9]{1,5}))?(?:[/?#]|$)")
_LAST_PORT = 0xFFFF
_FEWEST_DOTS = 2  # "*.example.org"; a wildcard for a whole top level domain is no name


def ip_address(host: str) -> str:
    """Return ``host`` in canonical form if it is an IP address, else an empty text."""
    try:
        return str(ipaddress.ip_address(host.partition("%")[0]))
    except ValueError:
        return ""


def is_for(leaf: ParsedCertificate, host: str, *, common_name: bool = True) -> bool:
    """Return whether the certificate names ``host``, an IP address or a DNS name in ASCII.

    The common name counts only where the subjectAltName has no DNS name, never for an address, and only if
    ``common_name``: the standard library asks for that, urllib3 2 and browsers do not.
    """
    if address := ip_address(host):
        return address in leaf.addresses
    names = leaf.dns_names or (leaf.common_names if common_name else ())
    return any(_matches(name.lower(), host.lower()) for name in names)


def _matches(pattern: str, host: str) -> bool:
    if not pattern.startswith("*.") or pattern.endswith("."):
        return pattern == host
    label, dot, rest = host.partition(".")
    return (
        pattern.count(".") >= _FEWEST_DOTS and bool(dot) and rest == pattern[2:] and _LABEL.fullmatch(label) is not None
    )


def constraint_violation(
    constraints: x509.NameConstraints, below: ParsedCertificate, *, is_leaf: bool, openssl: Version = OURS
) -> int:
    """Return the X509_V_ERR_* by which a certificate below a CA with these constraints is refused, or 0.

    Follows NAME_CONSTRAINTS_check() in OpenSSL's crypto/x509/v3_ncons.c for DNS names, IP addresses, directory names,
    mail and web addresses. Where a leaf has no DNS names, its common name counts if it looks like one.
    """
    named: list[x509.GeneralName] = []
    if len(below.subject):
        mail = (part.value for part in below.subject.get_attributes_for_oid(NameOID.EMAIL_ADDRESS))
        named.append(x509.DirectoryName(below.subject))
        named += [x509.RFC822Name(text) for text in mail if isinstance(text, str) and text.isascii()]
    named += below.alternative_names
    if is_leaf and not below.dns_names:
        named += [x509.DNSName(name) for name in below.common_names if name.isascii() and _HOST.fullmatch(name)]
    return next((code for name in named if (code := _violation(constraints, name, openssl))), 0)


def _violation(constraints: x509.NameConstraints, name: x509.GeneralName, openssl: Version) -> int:
    permitted = _alike(constraints.permitted_subtrees, name)
    excluded = _alike(constraints.excluded_subtrees, name)
    if (permitted or excluded) and not isinstance(
        name, (x509.DNSName, x509.IPAddress, x509.DirectoryName, x509.RFC822Name, x509.UniformResourceIdentifier)
    ):
        return Code.UNSUPPORTED_CONSTRAINT_TYPE
    host: str | None = ""
    if isinstance(name, x509.UniformResourceIdentifier) and (permitted or excluded):
        host = _url_host(name.value) if does(openssl, "URL parsed") else _text_host(name.value)
    mail_without_host = isinstance(name, x509.RFC822Name) and "@" not in name.value and (permitted or excluded)
    if host is None or mail_without_host:
        return Code.UNSUPPORTED_NAME_SYNTAX
    if permitted and not any(_within(name, base, host) for base in permitted):
        return Code.PERMITTED_VIOLATION
    return Code.EXCLUDED_VIOLATION if any(_within(name, base, host) for base in excluded) else 0


def _alike(subtrees: Iterable[x509.GeneralName] | None, name: x509.GeneralName) -> list[x509.GeneralName]:
    return [base for base in subtrees or () if type(base) is type(name)]


def _within(name: x509.GeneralName, base: x509.GeneralName, host: str) -> bool:
    """``host``: that of a web address."""
    if isinstance(name, x509.DNSName):
        return _in_domain(name.value, base.value)
    if isinstance(name, x509.RFC822Name):
        local, _, zone = base.value.rpartition("@")
        own_local, _, own_host = name.value.rpartition("@")
        return _in_zone(own_host, zone) and local in (own_local, "")
    if isinstance(name, x509.UniformResourceIdentifier):
        return _in_zone(host, base.value)
    if isinstance(name, x509.DirectoryName):
        return _below(name.value, base.value)
    return _in_network(name.value, base.value)


def _text_host(address: str) -> str | None:
    """Return the host in a web address as OpenSSL up to 3.4 cuts it out, or None where it finds none."""
    _, colon, rest = address.partition(":")
    host = rest[2:].partition(":" if ":" in rest else "/")[0]
    return host if colon and rest.startswith("//") and host else None


def _url_host(address: str) -> str | None:
    """Return the host in a web address as OSSL_parse_url() does (crypto/http/http_lib.c), or None."""
    parts = _URL.match(address)
    return parts["host"] if parts and int(parts["port"] or 0) <= _LAST_PORT else None


def _in_domain(name: str, base: str) -> bool:
    name, base = name.lower(), base.lower()
    return not base or name == base or name.endswith(base if base.startswith(".") else f".{base}")


def _in_zone(host: str, base: str) -> bool:
    host, base = host.lower(), base.lower()
    return host.endswith(base) and host != base if base.startswith(".") else host == base


def _below(name: x509.Name, base: x509.Name) -> bool:
    # The hash of OpenSSL is over the canonical form, in which case and spaces do not count.
    front = x509.Name(list(name.rdns)[: len(base.rdns)])
    return subject_hash(front.public_bytes()) == subject_hash(base.public_bytes())


def _in_network(value: object, base: object) -> bool:
    if isinstance(value, (ipaddress.IPv4Address, ipaddress.IPv6Address)) and isinstance(
        base, (ipaddress.IPv4Network, ipaddress.IPv6Network)
    ):
        return value.version == base.version and value in base
    return False
