"""``certboot_startup.json`` beside a copy of the hook: which files certboot put there, and with what in them.

Only what it lists is ever replaced or removed, and only while it still is what was written. It is written before the
first file and again after the last one, so that a copy that was interrupted can be finished or taken away.
"""

from __future__ import annotations

import hashlib
import json
import re
import typing
from dataclasses import dataclass

from certboot import files

if typing.TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

RECORD_NAME = "certboot_startup.json"
_SCHEMA = 1
_LARGEST = 65536
# Whatever a record says, nothing else is ever removed.
_FILE = re.compile(r"certboot_startup\.(pth|start)|certboot_home\.(pth|start|py)|certboot_startup/[a-z_0-9]+\.py")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Record:
    """What certboot put into one folder of packages."""

    version: str
    """The certboot from which the copy was made."""
    home: str
    """The store's folder that the copy serves; empty: each user's own."""
    files: Mapping[str, tuple[str, ...]]
    """Name -> the SHA-256 that it may have: one, or while files are being replaced the new and the former ones."""


def sha256(data: bytes) -> str:
    """Return the SHA-256 of a file's content, lower-case hex."""
    return hashlib.sha256(data).hexdigest()


def render_record(record: Record) -> bytes:
    """Return the record as it is written."""
    whole = {
        "schema": _SCHEMA,
        "about": "written by certboot hook install; certboot hook uninstall removes these files",
        "version": record.version,
        "home": record.home,
        "files": {name: list(record.files[name]) for name in sorted(record.files)},
    }
    return (json.dumps(whole, indent=1) + "\n").encode("ascii")


def parse_record(data: bytes) -> Record | None:
    """Return the record in ``data``, or None if it is none that certboot writes."""
    try:
        whole = json.loads(data)
        files = {name: tuple(digests) for name, digests in whole["files"].items()}
        version, home = whole["version"], whole["home"]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    names = all(_FILE.fullmatch(name) for name in files)
    digests = [digest for each in files.values() for digest in each]
    if not names or not all(isinstance(text, str) for text in (version, home, *digests)) or not all(files.values()):
        return None
    return Record(version, home, files) if all(_SHA256.fullmatch(digest) for digest in digests) else None


def read_record(folder: Path) -> Record | None:
    """Return the record in a folder of packages; None if there is none, or none that certboot wrote."""
    try:
        return parse_record(files.read_regular(folder / RECORD_NAME, _LARGEST, follow=False))
    except OSError:
        return None
