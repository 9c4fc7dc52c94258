"""The group ``store``: is the generation in force whole, as its manifest has it, and safe from other users."""

from __future__ import annotations

import typing

from certboot import files
from certboot.errors import StoreError
from certboot.model import Finding
from certboot.store import manifest
from certboot.store.integrity import found_damage
from certboot.store.layout import CRTS, in_force

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
    damage = found_damage(generation, record)
    if damage:
        findings.append(_finding("store-damaged", "fail", damage, _INIT))
    if not findings:
        summary = f"{generation}, {_held(record)}, generation {record.generation} of {record.created}"
        findings.append(_finding("store-whole", "ok", summary))
    return findings


def _finding(kind: str, status: str, summary: str, fix: tuple[tuple[str, ...], ...] = ()) -> Finding:
    return Finding(kind, _GROUP, status, "store", summary, {}, fix)


def _exposed(paths: StorePaths, generation: Path) -> Iterator[Finding]:
    above = files.exposed_above(paths.home)
    if above:
        yield _finding("store-unsafe", "fail", f"{above[1]}: {above[0]}")
    parts = (part for part in paths.parts if part != paths.current)  # it leads to the generation
    for path in (
        paths.home,
        paths.lock,
        *parts,
        generation,
        *paths.trusted.glob("*"),
        *generation.glob("*"),
        *(generation / CRTS).glob("*"),
    ):
        how = files.exposed(path)
        if how:
            fix = (("chmod", "go-w", str(path)),) if how.startswith("others") else ()
            yield _finding("store-unsafe", "fail", f"{how}: {path}", fix)


def _held(record: manifest.Manifest) -> str:
    anchors = sum(entry.role == "anchor" for entry in record.certificates)
    intermediates = len(record.certificates) - anchors
    return f"{anchors} trust anchors" + (f", {intermediates} intermediates" if intermediates else "")
