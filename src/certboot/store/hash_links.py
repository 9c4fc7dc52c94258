"""Which ``<hash>.<number>`` links a directory of certificates needs. Pure: names and digests in, names out.

OpenSSL looks for ``<hash>.0``, ``.1`` … and stops at the first that is missing (crypto/x509/by_dir.c), so the numbers
of a hash leave no gap.
"""

from __future__ import annotations

import itertools
import typing
from collections.abc import Iterable, Mapping


class Slot(typing.NamedTuple):
    """The name of a link, in parts: ``9d66eef0.0`` for a certificate, ``9d66eef0.r0`` for a CRL."""

    hash: str
    kind: str
    """Empty for a certificate, ``r`` for a certificate revocation list."""
    number: int

    def __str__(self) -> str:
        return f"{self.hash}.{self.kind}{self.number}"


def plan(
    wanted: Iterable[tuple[str, str, str]], present: Mapping[Slot, str], occupied: Iterable[Slot] = ()
) -> dict[Slot, str]:
    """Return link -> target for every wanted file, with the links that are present kept where they can be.

    ``wanted`` holds (hash, kind, file name) in the order of their numbers; ``present`` the links there are now, with
    their targets; ``occupied`` the slots that something else fills for good.
    """
    buckets: dict[tuple[str, str], list[str]] = {}
    for hash_, kind, name in wanted:
        buckets.setdefault((hash_, kind), []).append(name)
    taken = set(occupied)
    links: dict[Slot, str] = {}
    for (hash_, kind), names in buckets.items():
        first = Slot(hash_, kind, 0)
        if len(names) == 1 and first not in taken:
            links[first] = names[0]
            continue
        free = (slot for number in itertools.count() if (slot := Slot(hash_, kind, number)) not in taken)
        slots = list(itertools.islice(free, len(names)))
        waiting = dict.fromkeys(names)
        for slot in slots:
            if slot in present and present[slot] in waiting:
                links[slot] = present[slot]
                del waiting[present[slot]]
        links.update(zip((slot for slot in slots if slot not in links), waiting, strict=True))
    return links
