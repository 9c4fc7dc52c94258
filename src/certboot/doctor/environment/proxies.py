"""The proxies that the environment names, who reads which variable, and what is wrong with them. No password is shown.

Who reads what: curl(1) ENVIRONMENT, wget's src/retr.c, CPython's Lib/urllib/request.py (getproxies_environment and
proxy_bypass_environment), requests' utils.py, git's http.c (which leaves it to libcurl).
"""

from __future__ import annotations

import os
import re
import typing
from urllib.parse import urlsplit

from certboot.doctor.finding import Finding
from certboot.errors import printable, without_credentials

if typing.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_BASES = ("http_proxy", "https_proxy", "all_proxy")
_NO_PROXY = "no_proxy"
SCHEMES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h", "socks")
_PYTHON = "Python (urllib, requests, httpx), pip, uv, npm"
READERS = {
    "http_proxy": f"{_PYTHON}, curl, git, wget",
    "HTTP_PROXY": f"{_PYTHON}; not curl, git and wget",
    "https_proxy": f"{_PYTHON}, curl, git, wget",
    "HTTPS_PROXY": f"{_PYTHON}, curl, git; not wget",
    "all_proxy": "requests, httpx, uv, curl, git; not urllib and wget",
    "ALL_PROXY": "requests, httpx, uv, curl, git; not urllib and wget",
    "no_proxy": f"{_PYTHON}, curl, git, wget",
    "NO_PROXY": f"{_PYTHON}, curl, git; not wget",
}
"""Variable -> who reads it."""
_LAST_PORT = 65535
# A host name, an IPv4 address, or an IPv6 address in brackets.
_HOST = re.compile(r"(?:[^\W_](?:[\w.-]*[^\W_])?\.?|\[[0-9a-f:.]+(?:%\w+)?\])", re.IGNORECASE)


def check(environ: Mapping[str, str]) -> list[Finding]:
    """Return the proxies in use, and what some client will not understand."""
    findings = [finding for base in _BASES for finding in _proxy(base, environ)]
    return [*findings, *_differing(environ), *_exceptions(environ)]


def _proxy(base: str, environ: Mapping[str, str]) -> Iterator[Finding]:
    for name in _spellings(base):
        value = environ.get(name, "")
        if not value:
            continue
        address, wrong = _address(value)
        more: dict[str, object] = {"readers": READERS[name], "credentials": "@" in value}
        if wrong:
            # What cannot be taken apart is not shown: a password may stand anywhere in it.
            yield Finding("proxy-malformed", "environment", "fail", name, f"not the address of a proxy: {wrong}", more)
            continue
        with_password = ", with a user name or password" if "@" in value else ""
        summary = f"{address}{with_password}; read by {READERS[name]}"
        yield Finding("proxy-in-use", "environment", "info", name, summary, {"proxy": address, **more})
        if address.startswith("https://"):
            summary = f"by https:// the proxy itself is spoken to in TLS, which few proxies do: {address}"
            yield Finding("proxy-over-tls", "environment", "info", name, summary, {"proxy": address})


def _differing(environ: Mapping[str, str]) -> Iterator[Finding]:
    if os.name == "nt":  # one variable there, however it is spelt
        return
    for base in (*_BASES, _NO_PROXY):
        lower, upper = _spellings(base)
        if lower in environ and upper in environ and environ[lower] != environ[upper]:
            summary = f"another value than {lower}: Python, curl and git go by {lower}, Go programs by {upper}"
            more: dict[str, object] = {
                name: "set" if base == _NO_PROXY or _address(environ[name])[1] else _address(environ[name])[0]
                for name in (lower, upper)
            }
            yield Finding("proxy-cases-differ", "environment", "warn", upper, summary, more)


def _exceptions(environ: Mapping[str, str]) -> Iterator[Finding]:
    for name in _spellings(_NO_PROXY):
        entries = [entry for entry in re.split(r"[,\s]+", environ.get(name, "")) if entry]
        unclear = {entry: why for entry in entries if (why := _why_unclear(entry))}
        for entry, why in unclear.items():
            shown = printable(without_credentials(entry))
            yield Finding("no-proxy-unclear", "environment", "warn", name, f"{shown}: {why}", {"entry": shown})
        if entries and not any(environ.get(spelling) for base in _BASES for spelling in _spellings(base)):
            summary = "names hosts to be reached without a proxy, and there is no proxy"
            yield Finding("no-proxy-idle", "environment", "info", name, summary, {})


def _spellings(base: str) -> tuple[str, ...]:
    return (base,) if os.name == "nt" else (base, base.upper())


def _address(value: str) -> tuple[str, str]:
    """Return SCHEME://HOST:PORT of a proxy, and what is wrong, in words that hold nothing of the value itself."""
    if value != value.strip() or any(c.isspace() or not c.isprintable() for c in value):
        return "", "there is a space or control character in it"
    rest = value if "://" in value else f"http://{value}"
    scheme = rest.partition("://")[0].lower()
    if "://" not in value and ":/" in value.rpartition("@")[2]:
        return "", "there is one slash where two belong"
    if scheme not in SCHEMES:
        return "", f"it does not begin with {', '.join(f'{name}://' for name in SCHEMES[:2])} or socks5://"
    plain = without_credentials(rest)
    try:
        parts = urlsplit(plain)
        port = parts.port
    except ValueError:
        return "", f"its port is no number up to {_LAST_PORT}, or its brackets do not match"
    host = plain.partition("://")[2].partition("/")[0]
    host = host if host.endswith("]") else re.sub(r":\d*$", "", host)
    if not _HOST.fullmatch(host):
        return "", "there is no host in it" if not host else "its host is no name or address"
    return f"{scheme}://{host}" + (f":{port}" if port is not None else ""), ""


def _why_unclear(entry: str) -> str:
    if "://" in entry:
        return "an address, where clients expect a host; none takes it"
    if entry.startswith("*.") or (entry != "*" and "*" in entry):
        return "Python, curl and git know no patterns: write .example.com for all hosts below it"
    if re.fullmatch(r"[0-9a-fA-F.:]+/\d+", entry):
        return "a range of addresses, which requests, curl from 7.86 on and Go know, urllib and wget do not"
    return ""
