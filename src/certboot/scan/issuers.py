"""Untrusted issuers that stand behind hosts of several owners: the sign of one box that opens TLS and signs anew."""

from __future__ import annotations

import contextlib
import ipaddress
import threading

from certboot.doctor.server.inspection import shared_issuers

_MOST_ISSUERS = 1000
_MOST_SITES = 8
_SHORT = 3


class Issuers:
    """What a scan has seen of them, in a bounded space. Threads may share it."""

    def __init__(self) -> None:
        self._hosts: dict[str, dict[str, str]] = {}
        self._lock = threading.Lock()

    def add(self, issuer: str, host: str) -> None:
        """Note that this issuer, which is not trusted, stands behind the host."""
        site = registrable(host)
        with self._lock:
            if not site or (issuer not in self._hosts and len(self._hosts) == _MOST_ISSUERS):
                return
            hosts = self._hosts.setdefault(issuer, {})
            if len(hosts) < _MOST_SITES:
                hosts.setdefault(site, host)

    def shared(self) -> dict[str, tuple[str, ...]]:
        """Return the issuers behind three or more unrelated hosts, with a host of each site."""
        with self._lock:
            issuers = tuple(self._hosts)
        return {issuer: found for issuer in issuers if (found := self._shared(issuer))}

    def others(self, issuer: str, host: str) -> tuple[str, ...]:
        """Return the hosts of other sites behind the same issuer, if they are enough to draw a conclusion from."""
        site = registrable(host)
        return tuple(each for each in self._shared(issuer) if registrable(each) != site)

    def _shared(self, issuer: str) -> tuple[str, ...]:
        with self._lock:
            hosts = tuple(self._hosts.get(issuer, {}).values())
        return shared_issuers(dict.fromkeys(hosts, issuer)).get(issuer, ())


def registrable(host: str) -> str:
    """Return the part of a DNS name that somebody has registered, as far as that can be told by its looks.

    Empty for an address and for a name of one label, of which many belong to one owner. ``co.uk`` and its like are
    taken for one label; what else the public suffix list has is taken for an owner, so rather too few are told apart.
    """
    with contextlib.suppress(ValueError):
        ipaddress.ip_address(host.partition("%")[0])
        return ""
    labels = host.lower().rstrip(".").split(".")
    if len(labels) < 2:  # noqa: PLR2004
        return ""
    under_a_country = len(labels[-1]) == 2 and len(labels[-2]) <= _SHORT  # noqa: PLR2004
    return ".".join(labels[-3 if under_a_country else -2 :])
