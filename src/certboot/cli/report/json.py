"""The doctor's findings as JSON, for programs. ``doctor.schema.json`` beside this file says what it holds."""

from __future__ import annotations

import json
import typing
from dataclasses import asdict

if typing.TYPE_CHECKING:
    from collections.abc import Sequence

    from certboot.doctor.finding import Finding

SCHEMA = 1
_NO_SERVER = "no server"


def doctor_json(findings: Sequence[Finding], primary: str | None = _NO_SERVER) -> str:
    """Return one JSON object, in ASCII; ``ok`` is false when the exit status is not 0.

    With a server ``primary`` is the id of the one cause, or null when every client accepts it; without, the key is
    not there.
    """
    document: dict[str, object] = {
        "schema": SCHEMA,
        "ok": all(finding.status not in ("fail", "error") for finding in findings),
    }
    if primary != _NO_SERVER:
        document["primary"] = primary
    document["findings"] = [asdict(finding) for finding in findings]
    return json.dumps(document, indent=1)
