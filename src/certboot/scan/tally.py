"""The summary of a scan while it goes on: how many hosts have which cause, in a bounded space.

Untrusted issuers that stand behind hosts of several owners are the sign of one box that opens TLS and signs anew.
"""

from __future__ import annotations

import threading
from collections import Counter

from certboot.doctor.finding import Fix, Status
from certboot.errors import FAILED, OK, UNFINISHED
from certboot.pki.names import ip_address
from certboot.scan.result import NOT_A_HOST, Result

_EXAMPLES = 3
_MOST_ISSUERS = 1000
_MOST_SITES = 8
_UNRELATED = 3  # owners: of certificates that are not trusted, so many are the sign of one box that makes them all
_COUNTRY, _SHORT = 2, 3


class Tally:
    """Counts results by cause."""

    def __init__(self) -> None:
        self.total = 0
        self.statuses: Counter[Status] = Counter()
        self.causes: Counter[str] = Counter()
        """Ids of causes, those of warnings included."""
        self.remarks: Counter[str] = Counter()
        """Ids of what else there was to say."""
        self.examples: dict[str, list[str]] = {}
        """The first hosts of each cause."""
        self.fixes: dict[str, Fix] = {}
        """What mends the first of them in the list, in whatever order they come."""
        self._firsts: dict[str, int] = {}
        self.issuers = Issuers()

    def add(self, result: Result) -> None:
        """Count a result."""
        verdict = result.verdict
        self.total += 1
        self.statuses[verdict.status] += 1
        self.remarks.update(set(verdict.also))
        if verdict.primary:
            self.causes[verdict.primary] += 1
            examples = self.examples.setdefault(verdict.primary, [])
            shown = result.target or result.input
            if len(examples) < _EXAMPLES and shown not in examples:
                examples.append(shown)
            if result.number <= self._firsts.setdefault(verdict.primary, result.number):
                self._firsts[verdict.primary] = result.number
                self.fixes[verdict.primary] = verdict.fix
        if verdict.root:
            self.issuers.add(verdict.root, result.target.rpartition(":")[0].strip("[]"))

    @property
    def invalid(self) -> int:
        """The entries that were no hosts."""
        return self.causes[NOT_A_HOST]

    @property
    def exit_status(self) -> int:
        """0 if every host is good, 1 if one fails, 2 if certboot itself failed at one."""
        if self.statuses["error"]:
            return UNFINISHED
        return FAILED if self.statuses["fail"] else OK


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
            return {issuer: tuple(hosts.values()) for issuer, hosts in self._hosts.items() if len(hosts) >= _UNRELATED}

    def others(self, issuer: str, host: str) -> tuple[str, ...]:
        """Return the hosts of other sites behind the same issuer, if they are enough to draw a conclusion from."""
        site = registrable(host)
        return tuple(other for other in self.shared().get(issuer, ()) if registrable(other) != site)


def registrable(host: str) -> str:
    """Return the part of a DNS name that somebody has registered, as far as that can be told by its looks.

    Empty for an address and for a name of one label, of which many belong to one owner. ``co.uk`` and its like are
    taken for one label; what else the public suffix list has is taken for an owner, so rather too few are told apart.
    """
    labels = host.lower().rstrip(".").split(".")
    second, top = ["", *labels][-2:]
    if not second or ip_address(host):
        return ""
    under_a_country = len(top) == _COUNTRY and len(second) <= _SHORT
    return ".".join(labels[-3 if under_a_country else -2 :])
