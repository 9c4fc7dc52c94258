"""Whether the files of a generation are those that its manifest names, byte for byte. Needs no certificate library."""

from __future__ import annotations

import hashlib
import typing

from certboot import der, pem
from certboot.store.hash_links import plan
from certboot.store.layout import BUNDLE, CRTS
from certboot.subject_hash import subject_hash

if typing.TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from certboot.store.manifest import Manifest


def found_damage(generation: Path, record: Manifest) -> str:
    """Return the first thing that is missing, altered or too much in ``generation``, in words, or ""."""
    return next(_damages(generation, record), "")


def _damages(generation: Path, record: Manifest) -> Iterator[str]:
    crts = generation / CRTS
    wanted = []
    for entry in record.certificates:
        held = _certificates(crts / entry.file)
        if [hashlib.sha256(data).hexdigest() for data in held] != [entry.sha256]:
            yield f"missing, or not the certificate that the manifest names: {crts / entry.file}"
            return
        wanted.append((subject_hash(der.certificate_names(held[0])[1]), "", entry.file))
    links = plan(wanted, {})
    names = {path.name for path in crts.iterdir()}
    expected = {entry.file for entry in record.certificates} | {str(slot) for slot in links}
    for name in sorted(names ^ expected):
        yield f"{'no certificate of this store' if name in names else 'missing'}: {crts / name}"
    for slot, target in links.items():
        if _certificates(crts / str(slot)) != _certificates(crts / target):
            yield f"leads to another certificate than {target}: {crts / str(slot)}"
    bundled = [hashlib.sha256(data).hexdigest() for data in _certificates(generation / BUNDLE)]
    if sorted(bundled) != sorted(entry.sha256 for entry in record.certificates if entry.role == "anchor"):
        yield f"holds other certificates than the directory has anchors: {generation / BUNDLE}"


def _certificates(path: Path) -> list[bytes]:
    try:
        return [block.data or b"" for block in pem.blocks(path.read_bytes())]
    except OSError:
        return []
