"""The group ``store``: is the generation in force whole, as its manifest has it, and safe from other users."""

from __future__ import annotations

import hashlib
import typing

from certboot import der, files, pem
from certboot.errors import StoreError
from certboot.model import Finding
from certboot.store import manifest
from certboot.store.hash_links import plan
from certboot.store.layout import BUNDLE, CRTS, in_force
from certboot.subject_hash import subject_hash

if typing.TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from certboot.paths import StorePaths

_GROUP = "store"
_INIT = (("certboot", "init"),)


def check(paths: StorePaths) -> list[Finding]:
    """Return the findings on the store; every certificate in it is compared with the manifest."""
    generation = in_force(paths)
    if generation is None:
        return [_finding("store-missing", "fail", f"there is no store yet: {paths.home}", _INIT)]
    try:
        record = manifest.read(generation)
    except StoreError as error:
        return [_finding("store-damaged", "fail", error.message, _INIT)]
    findings = [*_exposed(paths, generation)]
    damage = next(_damage(generation, record), None)
    if damage:
        findings.append(_finding("store-damaged", "fail", damage, _INIT))
    if not findings:
        count, number = len(record.certificates), record.generation
        summary = f"{generation}, {count} trust anchors, generation {number} of {record.created}"
        findings.append(_finding("store-whole", "ok", summary))
    return findings


def _finding(kind: str, status: str, summary: str, fix: tuple[tuple[str, ...], ...] = ()) -> Finding:
    return Finding(kind, _GROUP, status, "store", summary, {}, fix)


def _exposed(paths: StorePaths, generation: Path) -> Iterator[Finding]:
    above = files.exposed_above(paths.home)
    if above:
        yield _finding("store-unsafe", "fail", f"{above[1]}: {above[0]}")
    parts = (paths.home, paths.env, paths.config, paths.generations, paths.trusted, generation)
    for path in (*parts, *paths.trusted.glob("*"), *generation.glob("*"), *(generation / CRTS).glob("*")):
        how = files.exposed(path)
        if how:
            fix = (("chmod", "go-w", str(path)),) if how.startswith("others") else ()
            yield _finding("store-unsafe", "fail", f"{how}: {path}", fix)


def _damage(generation: Path, record: manifest.Manifest) -> Iterator[str]:
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
    if sorted(bundled) != sorted(entry.sha256 for entry in record.certificates):
        yield f"holds other certificates than the directory: {generation / BUNDLE}"


def _certificates(path: Path) -> list[bytes]:
    try:
        return [block.data or b"" for block in pem.blocks(path.read_bytes())]
    except OSError:
        return []
