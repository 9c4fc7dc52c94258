"""Generations: complete sets of files, of which one is in force, switched to in one step; a few are kept.

A failure, or a kill, before the switch leaves everything as it was; what it left behind the next run takes away. What
is in force is read back as its manifest has it.
"""

from __future__ import annotations

import base64
import contextlib
import itertools
import os
import re
import shutil
import stat
import time
import typing
from pathlib import Path

from certboot import files
from certboot.errors import CertificateError, StoreError
from certboot.files import is_folder
from certboot.pki import pem
from certboot.pki.subject_hash import comparable, hash_of
from certboot.sources.table import OWN
from certboot.store import belongings, manifest
from certboot.store.paths import CERTIFICATE, CRTS, NUMBER, PARTIAL, REPORT, StorePaths, in_force

if typing.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from certboot.pki.certificate import Certificate
    from certboot.store.manifest import Entry, Manifest

KEPT = 5
_MONTH = 30 * 24 * 3600
_NUMBER = re.compile(NUMBER)


def numbers(paths: StorePaths) -> list[int]:
    """Return the numbers of the generations that are kept, ascending."""
    if files.kind(paths.generations) != stat.S_IFDIR:
        return []
    return sorted(int(path.name) for path in paths.generations.iterdir() if _NUMBER.fullmatch(path.name))


def next_number(paths: StorePaths) -> int:
    """Return the number of the next generation."""
    return max(numbers(paths), default=0) + 1


def clean(paths: StorePaths) -> None:
    """Take away what a run that was killed has left behind, and nothing else. For the holder of the lock."""
    for leftover in paths.generations.glob(f"*{PARTIAL}"):
        if _NUMBER.fullmatch(leftover.stem) and is_folder(leftover):
            shutil.rmtree(leftover)
    if is_folder(paths.rehash):  # of certboot 0.1.0
        belongings.take_away(paths.rehash)
    ours = {
        paths.home: "|".join(re.escape(part.name) for part in paths.parts),
        paths.trusted: CERTIFICATE,
        paths.repaired: CERTIFICATE,
        paths.cache: REPORT,
    }
    for folder, names in ours.items():
        for leftover in folder.glob(".*"):
            if re.fullmatch(names, files.temporary_for(leftover.name)) and not is_folder(leftover):
                leftover.unlink(missing_ok=True)


def switch(paths: StorePaths, generation: Path) -> None:
    """Put ``generation`` in force, in one step; raises OSError."""
    target = f"{paths.generations.name}/{generation.name}"
    try:
        files.replace_link(paths.current, target)
    except (OSError, NotImplementedError):
        if os.name == "posix":
            raise
        files.replace(paths.current, f"{target}\n".encode())


def visible_folder(paths: StorePaths) -> Path:
    """Return the folder by which the ``env`` file names the generation in force; raises StoreError for none.

    With symbolic links it is ``current``, which later switches move on. Without (Windows) it is the generation itself,
    and the ``env`` file is what switches.
    """
    if files.kind(paths.current, follow=False) == stat.S_IFLNK:
        return paths.current
    generation = in_force(paths)
    if generation is None:
        raise StoreError(f"no generation is in force: {paths.home}", "certboot init writes one")
    return generation


def prune(paths: StorePaths) -> None:
    """Remove all but the newest generations, as far as the system lets us; the one in force always stays.

    Where ``env`` names the generation itself, programs that still run may point at an older one: it stays a month.
    """
    youngest_removed = time.time() - (0 if paths.current.is_symlink() else _MONTH)
    with contextlib.suppress(OSError):  # the work is done; what is left over goes with the next run
        for number in numbers(paths)[:-KEPT]:
            path = paths.generations / str(number)
            if path != in_force(paths) and path.stat().st_mtime <= youngest_removed:
                # A kill in the middle must not leave half of one under its number, for rollback to find.
                shutil.rmtree(path.rename(path.with_name(f"{number}{PARTIAL}")))


def certificates(generation: Path, entries: Iterable[Entry]) -> tuple[Certificate, ...]:
    """Return the certificates of these entries, in their order; raises StoreError for one that is not as it should be.

    Each is compared with the SHA-256 in the manifest.
    """
    return tuple(_certificate(generation / CRTS / entry.file, entry.sha256) for entry in entries)


def original(entry: Entry) -> Certificate | None:
    """Return the certificate for which a stand-in stands, as the manifest has it; None where it is none.

    Raises StoreError.
    """
    from certboot.pki.certificate import load_certificate

    if entry.original is None:
        return None
    try:
        return load_certificate(base64.b64decode(entry.original.der))
    except CertificateError as error:
        message = f"the manifest's copy of the original cannot be read: {entry.name}"
        raise StoreError(message, "certboot init writes the store anew") from error


def named(generation: Generation, name: bytes) -> Iterator[tuple[Certificate, Entry]]:
    """Yield the certificates with this subject (a DER Name), found and compared as OpenSSL does: by their hash links.

    What the manifest does not name is passed over, and so is what cannot be read.
    """
    entries = {entry.sha256: entry for entry in generation.record.certificates}
    wanted = comparable(name)
    for number in itertools.count():
        try:
            linked = _certificates(generation.folder / CRTS / f"{hash_of(wanted)}.{number}")
        except FileNotFoundError:
            return
        except (OSError, CertificateError):
            continue
        for certificate in linked:
            if certificate.fingerprint in entries and comparable(certificate.link.subject_name) == wanted:
                yield certificate, entries[certificate.fingerprint]


def _certificates(path: Path) -> list[Certificate]:
    from certboot.pki.certificate import load_certificate  # which most commands do without

    return [load_certificate(block.data or b"") for block in pem.blocks(files.read_regular(path, files.SMALL))]


def _certificate(path: Path, fingerprint: str) -> Certificate:
    try:
        held = _certificates(path)
    except OSError as error:
        message = f"cannot read a certificate of the store: {path}: {error.strerror}"
        raise StoreError(message, "certboot init writes the store anew") from error
    if [certificate.fingerprint for certificate in held] != [fingerprint]:
        raise StoreError(f"not the certificate that the manifest names: {path}", "certboot doctor store")
    return held[0]


class Generation(typing.NamedTuple):
    """What is in force."""

    folder: Path
    record: Manifest

    @property
    def anchors(self) -> tuple[Entry, ...]:
        """The trust anchors, the user's own first: they are what clients miss most."""
        anchors = (entry for entry in self.record.certificates if entry.role == "anchor")
        return tuple(sorted(anchors, key=lambda entry: not entry.is_from(OWN)))


def read_in_force(paths: StorePaths) -> Generation | None:
    """Return the generation in force, None where there is none; raises StoreError for a manifest that is damaged."""
    folder = in_force(paths)
    return Generation(folder, manifest.read(folder)) if folder else None


def known_in_force(paths: StorePaths) -> Generation | None:
    """Return the same; None also for one that the group ``store`` finds damaged."""
    with contextlib.suppress(StoreError):
        return read_in_force(paths)
    return None


def needed(paths: StorePaths) -> Generation:
    """Return the same; raises StoreError also where there is none."""
    generation = read_in_force(paths)
    if generation is None:
        raise StoreError(f"there is no store yet: {paths.home}", "certboot init")
    return generation


def current(paths: StorePaths) -> Manifest:
    """Return the manifest of the generation in force; raises StoreError."""
    return needed(paths).record


def numbered(paths: StorePaths, number: int) -> Manifest:
    """Return the manifest of generation ``number``; raises StoreError."""
    generation = paths.generations / str(number)
    if not generation.is_dir():
        needed(paths)  # without a store it is that which is missing
        raise StoreError(f"there is no generation {number}", "certboot history lists those that are kept")
    return manifest.read(generation)
