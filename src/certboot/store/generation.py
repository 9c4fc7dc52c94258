"""The generation in force and its manifest, read once for all groups of checks."""

from __future__ import annotations

import functools
import os
import typing

from certboot.errors import StoreError
from certboot.store import manifest
from certboot.store.layout import in_force

if typing.TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from certboot.store.manifest import Entry, Manifest
    from certboot.store.paths import StorePaths

OWN = ("added", "company", "adopted")
"""The sources of what the user, or the user's company, trusts beside the public CAs."""


class Generation(typing.NamedTuple):
    """What is in force."""

    folder: Path
    record: Manifest

    @property
    def anchors(self) -> tuple[Entry, ...]:
        """The trust anchors, the user's own first: they are what clients miss most."""
        anchors = (entry for entry in self.record.certificates if entry.role == "anchor")
        return tuple(sorted(anchors, key=lambda entry: not has_source(entry, OWN)))


def has_source(entry: Entry, names: Iterable[str]) -> bool:
    """Return whether one of these sources is among the reasons for a certificate."""
    return any(reason.source in names for reason in entry.provenance)


def read_in_force(paths: StorePaths) -> Generation | None:
    """Return the generation in force, None where there is none; raises StoreError for a manifest that is damaged."""
    folder = in_force(paths)
    if folder is None:
        return None
    try:
        found = os.stat(folder / manifest.NAME)
        state = (found.st_mtime_ns, found.st_size, found.st_ino)
    except OSError:
        state = (0, 0, 0)
    return Generation(folder, _record(folder, state))


def known_in_force(paths: StorePaths) -> Generation | None:
    """Return the same; None also for one that the group ``store`` finds damaged."""
    try:
        return read_in_force(paths)
    except StoreError:
        return None


@functools.lru_cache(maxsize=1)  # JSON of 2,000 certificates takes long to read
def _record(folder: Path, _state: tuple[int, int, int]) -> Manifest:
    return manifest.read(folder)
