"""The doctor's findings as JSON, for programs."""

from __future__ import annotations

import json
import typing
from dataclasses import asdict

if typing.TYPE_CHECKING:
    from collections.abc import Sequence

    from certboot.model import Finding

SCHEMA = 1


def doctor_json(findings: Sequence[Finding]) -> str:
    """Return one JSON object, in ASCII: schema, ok, findings; ``ok`` is false when the exit status is not 0."""
    ok = all(finding.status not in ("fail", "error") for finding in findings)
    return json.dumps({"schema": SCHEMA, "ok": ok, "findings": [asdict(finding) for finding in findings]}, indent=1)
