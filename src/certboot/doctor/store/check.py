"""The group ``store``: whole, safe from other users, up to date, and what is to be known of what is in it."""

from __future__ import annotations

import os
import typing

from certboot import moment
from certboot.doctor.finding import INIT, Finding
from certboot.doctor.store import age, anchors, permissions
from certboot.errors import CertbootError, StoreError, counted
from certboot.store import freshness, generations, integrity
from certboot.store.appended import appended
from certboot.store.config import load_config

if typing.TYPE_CHECKING:
    from datetime import datetime

    from certboot.store.config import Config
    from certboot.store.generations import Generation
    from certboot.store.manifest import Manifest
    from certboot.store.paths import StorePaths

_DAMAGE = {
    integrity.ALTERED: "store-altered",
    integrity.LINK: "store-link-broken",
    integrity.BUNDLED: "store-bundle-differs",
}
_SHOWN = 10


def check(paths: StorePaths, now: datetime | None = None) -> list[Finding]:
    """Return the findings on the store; every certificate in it is compared with the manifest.

    Of a store that is not whole, or not safe, nothing more is told: it must be mended first.
    """
    now = now or moment.now()
    try:
        current = generations.read_in_force(paths)
    except StoreError as error:
        return [Finding("store-manifest-damaged", "store", "fail", "store", error.message, fix=INIT)]
    if current is None:
        return [_missing(paths)]
    unsafe, damaged = list(permissions.check(paths, current)), _damaged(current)
    if unsafe:  # who could write to it is to be known before any of it is trusted
        return [*unsafe, *damaged]
    if damaged:
        return [*damaged, *_appended(paths)]
    record = current.record
    summary = f"{current.folder}, {_held(record)}, generation {record.generation} of {record.created}"
    stand_ins = sum(anchor.original is not None for anchor in current.anchors)
    evidence: dict[str, object] = {"anchors": len(current.anchors), "stand_ins": stand_ins}
    whole = Finding("store-whole", "store", "ok", "store", summary, evidence)
    if paths.is_ephemeral:  # it has what was wanted, and no update changes that
        evidence["ephemeral"] = True
        return [whole, *anchors.check(current, now)]
    read = freshness.last_read(paths.checked, record.created)
    if read:
        evidence |= {"read": read.isoformat(), "days": (now - read).days}
    config, broken = _config(paths)
    differences = age.compare(current)
    return [
        whole,
        *broken,
        *permissions.served(paths),
        *age.check_age(paths, current, config, differences, now),
        *anchors.check(current, now),
        *age.check_drift(differences),
        *_appended(paths),
    ]


def _missing(paths: StorePaths) -> Finding:
    if os.path.lexists(paths.current):
        summary = f"it leads to no generation: {paths.current}"
        return Finding("store-link-broken", "store", "fail", "store", summary, fix=INIT)
    return Finding("store-missing", "store", "fail", "store", f"there is no store yet: {paths.home}", fix=INIT)


def _damaged(current: Generation) -> list[Finding]:
    """Return one finding: what is damaged first is mostly the cause of what is damaged after it."""
    damages = list(integrity.damages(current.folder, current.record))
    if not damages:
        return []
    evidence: dict[str, object] = {"damaged": len(damages), "parts": [damage.words for damage in damages[:_SHOWN]]}
    more = f" (and {len(damages) - 1} more)" if len(damages) > 1 else ""
    return [Finding(_DAMAGE[damages[0].kind], "store", "fail", "store", damages[0].words + more, evidence, INIT)]


def _appended(paths: StorePaths) -> list[Finding]:
    return [
        Finding(
            "store-appended", "store", "warn", "store", "\n".join((*part.lines, "the store does not have it")),
            {"bundle": str(part.bundle), "changed": part.when.isoformat(), "certificates": dict(part.names)},
            (part.command,),
        )
        for part in appended(paths)
    ]  # fmt: skip


def _config(paths: StorePaths) -> tuple[Config | None, list[Finding]]:
    try:
        return load_config(paths.config), []
    except CertbootError as error:
        summary = f"certboot cannot go by its settings: {error.message}"
        return None, [Finding("store-settings-broken", "store", "fail", "store", summary, {"hint": error.hint})]


def _held(record: Manifest) -> str:
    count = sum(entry.role == "anchor" for entry in record.certificates)
    intermediates = len(record.certificates) - count
    below = f", {counted(intermediates, 'intermediate')}" if intermediates else ""
    return counted(count, "trust anchor") + below
