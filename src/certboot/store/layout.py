"""What a generation holds: laid out in the order in which OpenSSL looks, written beside the others, and checked."""

from __future__ import annotations

import os
import shutil
import typing
from dataclasses import dataclass

from certboot import files
from certboot.errors import StoreError
from certboot.pki.rules import room_below
from certboot.store import manifest
from certboot.store.export.pem import Directory, pem_directory_hash
from certboot.store.paths import BUNDLE, CRTS, PARTIAL, StorePaths, is_exposed

if typing.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from certboot.store.manifest import Entry, Intermediate, Manifest, TrustAnchor


@dataclass(frozen=True)
class Content:
    """The files of a generation, ready to be written. The same certificates give the same bytes."""

    crts: Directory
    entries: tuple[Entry, ...]
    """In the order of the names; of one name in that of ``_preference``."""

    @property
    def bundle(self) -> bytes:
        """The anchors, and what else belongs into the bundle, in one file."""
        return b"\n".join(self.crts.files[entry.file] for entry in self.entries if entry.bundled)


def content(anchors: Sequence[TrustAnchor], intermediates: Sequence[Intermediate] = ()) -> Content:
    """Return what to write for these; raises StoreError for no anchor: an empty store would trust nobody."""
    if not anchors:
        message = "no certificate is left to put into the store"
        raise StoreError(message, "certifi has over a hundred: certboot init --source certifi,system")
    from certboot.pki.certificate import file_name

    wanted: list[TrustAnchor | Intermediate] = [*anchors, *intermediates]
    ends = {member.certificate.fingerprint: member.certificate.validity.not_after for member in wanted}
    first: dict[str, str] = {}
    for member in wanted:
        subject, file = member.certificate.link.subject_hash, file_name(member.certificate).lower()
        first[subject] = min(first.get(subject, file), file)
    ordered = sorted(
        wanted,
        key=lambda member: (
            first[member.certificate.link.subject_hash], _preference(member, ends), file_name(member.certificate)
        ),
    )  # fmt: skip
    crts = pem_directory_hash([member.certificate for member in ordered])
    if len(crts.files) != len(ordered):
        message = "two certificates with the same name and the same first digits of their fingerprints"
        raise StoreError(message, "one of them is most likely forged; nothing was changed")
    return Content(crts, tuple(map(manifest.entry, ordered)))


def _preference(member: TrustAnchor | Intermediate, ends: Mapping[str, datetime]) -> tuple[float, ...]:
    """Return by what the certificates of one name are put in order: OpenSSL takes the first that is valid.

    It does so in a directory and in a file (X509_STORE_CTX_get1_issuer in crypto/x509/x509_lu.c), and tries no other
    where that one is refused. So the one that the fewest refuse comes first, and an older twin does not stand in its
    way: by what it limits, by the strict rules, for what must be above it, and by when that or itself ends.
    """
    certificate, constraints = member.certificate, member.certificate.constraints
    above = (member.issuer, member.anchor) if isinstance(member, manifest.Intermediate) else ()
    return (
        constraints.unhandled_critical,
        constraints.name_constrained,
        -room_below(certificate),
        bool(certificate.defects),
        bool(above),
        -min(ends[fingerprint] for fingerprint in (certificate.fingerprint, *above) if fingerprint in ends).timestamp(),
    )


def is_whole(generation: Path, expected: Content) -> bool:
    """Return whether the files in ``generation`` are exactly these, and nobody else could change one."""
    crts = generation / CRTS
    try:
        if is_exposed(generation):
            return False
        entries = list(os.scandir(crts))
        if {entry.name for entry in entries} != {*expected.crts.files, *expected.crts.links}:
            return False
        if any(path.is_symlink() for path in (generation / BUNDLE, *(crts / name for name in expected.crts.files))):
            return False  # the file that it leads to may change at any time
        return files.read_regular(generation / BUNDLE, files.LARGE) == expected.bundle and all(
            files.read_regular(crts / name, files.SMALL) == expected.crts.files[held]
            for name, held in ({name: name for name in expected.crts.files} | expected.crts.links).items()
        )
    except OSError:
        return False


def write(paths: StorePaths, new: Content, record: Manifest, *, durable: bool = True) -> Path:
    """Write and check a new generation, not yet in force, and return its folder; raises StoreError or OSError.

    ``durable``: it is on the disk then.
    """
    files.make_folder(paths.generations)
    partial = paths.generations / f"{record.generation}{PARTIAL}"
    crts = partial / CRTS
    try:
        for folder in (partial, crts):
            files.make_folder(folder)
        new.crts.write(crts)
        files.write_new(partial / BUNDLE, new.bundle)
        _check(partial, new)
        files.write_new(partial / manifest.NAME, manifest.render(record))
        whole = (*(crts / name for name in new.crts.files), partial / BUNDLE, partial / manifest.NAME, crts, partial)
        for path in whole if durable else ():
            files.sync(path)
        generation = paths.generations / str(record.generation)
        os.rename(partial, generation)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    files.sync(paths.generations)
    return generation


def _check(partial: Path, new: Content) -> None:
    # The last look before anybody relies on it: this Python's OpenSSL finds every certificate of the bundle in it.
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(partial / BUNDLE)
    except ssl.SSLError as error:
        message = f"OpenSSL cannot read the new bundle: {error.reason}"
        raise StoreError(message, "nothing was changed; please report this") from error
    if context.cert_store_stats()["x509"] != sum(entry.bundled for entry in new.entries):
        message = "OpenSSL does not find every certificate in the new bundle"
        raise StoreError(message, "nothing was changed; please report this")
