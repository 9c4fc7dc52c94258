"""The store as JSON, for programs: ``certboot list --json``."""

from __future__ import annotations

import json
import typing
from dataclasses import asdict

if typing.TYPE_CHECKING:
    from collections.abc import Sequence

    from certboot.store.manifest import Entry, Manifest

SCHEMA = 1


def list_json(record: Manifest, entries: Sequence[Entry], *, rejected: bool) -> str:
    """Return one JSON object, in ASCII. ``digest`` is that of the whole store, whatever was chosen from it."""
    document: dict[str, object] = {"schema": SCHEMA, "generation": record.generation, "digest": record.digest()}
    if rejected:
        document["rejected"] = [asdict(rejection) for rejection in record.rejected]
    else:
        document["certificates"] = [asdict(entry) for entry in entries]
    return json.dumps(document, indent=1)
