"""What something else has written into a bundle of the store: ``cat corp.pem >> $(python -m certifi)`` ends there.

No update takes that over: it is found as long as the generation is kept, and enters by ``certboot trust``.
"""

from __future__ import annotations

import dataclasses
import os
import typing
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path

from certboot import files, moment
from certboot.errors import CertbootError, StoreError, printable
from certboot.pki.fingerprint import short
from certboot.sources import added
from certboot.sources.candidates import Loaded
from certboot.store import generations, manifest
from certboot.store.choices import read_distrusted
from certboot.store.paths import BUNDLE, StorePaths

if typing.TYPE_CHECKING:
    from certboot.pki.certificate import Certificate


_SHOWN = 10


class Appended(typing.NamedTuple):
    """The certificates that are too much in the bundle of one generation."""

    bundle: Path
    when: datetime
    """When the file was last changed."""
    names: Mapping[str, str]
    """SHA-256 -> name."""

    @property
    def command(self) -> tuple[str, ...]:
        """What takes them into the store, after a question."""
        return ("certboot", "trust", str(self.bundle))

    @property
    def lines(self) -> list[str]:
        """What has happened, in lines."""
        named = [f"{printable(name)} ({short(digest)})" for digest, name in self.names.items()]
        more = [f"and {len(named) - _SHOWN} more"] if len(named) > _SHOWN else []
        where = f"written by something else at {moment.shown(self.when)} into {printable(str(self.bundle))}"
        return [*named[:_SHOWN], *more, where]


def appended(paths: StorePaths) -> tuple[Appended, ...]:
    """Return what was written into the bundles of the generations that are kept, the newest first.

    What the store in force holds, and what the user distrusts, is passed over. Of a bundle that is as it was written
    only the times are looked at. Raises StoreError or OSError where what is distrusted cannot be read.
    """
    current = generations.known_in_force(paths)
    if current is None:
        return ()
    seen = set(current.record.fingerprints)
    distrusted = read_distrusted(paths.distrusted)
    parts = []
    for number in reversed(generations.numbers(paths)):
        folder = paths.generations / str(number)
        foreign = () if _is_as_written(folder) else _foreign(folder)
        names = {
            certificate.fingerprint: certificate.name
            for certificate in foreign
            if certificate.fingerprint not in seen and not certificate.is_among(distrusted)
        }
        if names:
            seen.update(names)
            changed = datetime.fromtimestamp((folder / BUNDLE).stat().st_mtime, timezone.utc)
            parts.append(Appended(folder / BUNDLE, changed, names))
    return tuple(parts)


def without_own(path: Path, loaded: Loaded) -> Loaded:
    """Return what a file of the user's has; of one in a generation of a store only what certboot did not write there.

    Raises StoreError where that is nothing.
    """
    generation = next((folder for folder in (path.resolve(), *path.resolve().parents) if _is_generation(folder)), None)
    if generation is None:
        return loaded
    own = manifest.read(generation).fingerprints
    foreign = tuple(candidate for candidate in loaded.candidates if candidate.certificate.fingerprint not in own)
    if not foreign:
        raise StoreError(f"it holds only what certboot wrote there: {path}", "certboot trust FILE takes another file")
    return dataclasses.replace(loaded, candidates=foreign)


def _is_generation(folder: Path) -> bool:
    return folder.parent.name == "generations" and folder.name.isdigit() and (folder / manifest.NAME).exists()


def _is_as_written(folder: Path) -> bool:
    """Return whether nobody has touched the bundle since the manifest was written after it; as the guards ask it."""
    try:
        bundle, record = (os.stat(folder / name) for name in (BUNDLE, manifest.NAME))
    except OSError:
        return True  # nobody is to be asked about what is not there
    return bundle.st_mtime <= record.st_mtime and bundle.st_ctime <= record.st_ctime


def _foreign(folder: Path) -> tuple[Certificate, ...]:
    """Return the certificates in the bundle of which the generation's manifest knows nothing."""
    from certboot.sources.extract import from_pem  # it brings in cryptography, which most commands do without

    try:
        own = manifest.read(folder).fingerprints
        text = files.read_regular(folder / BUNDLE, files.LARGE, follow=False)
        loaded = from_pem(text, added.NAME, str(folder / BUNDLE))
    except (OSError, CertbootError):
        return ()
    certificates = (candidate.certificate for candidate in loaded.candidates)
    return tuple(certificate for certificate in certificates if certificate.fingerprint not in own)
