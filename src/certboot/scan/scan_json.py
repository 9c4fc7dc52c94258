"""The results of a scan as JSON lines, and back. ``scan.schema.json`` beside this file says what a line holds."""

from __future__ import annotations

import json
import typing
from dataclasses import asdict

from certboot.errors import CertbootError
from certboot.model import Presented
from certboot.scan.result import Result

SCHEMA = 1
BEGINNING = f'{{"schema":{SCHEMA},'.encode()
"""Of every line."""
_TYPES = {"number": int, "input": str, "target": str, "status": str, "summary": str, "root": str}


def scan_line(result: Result) -> str:
    """Return one JSON object in ASCII and on one line, with the line's end."""
    return json.dumps({"schema": SCHEMA, **asdict(result)}, separators=(",", ":")) + "\n"


def parse_line(line: bytes) -> Result:
    """Return the result in a line that ``scan_line`` wrote, as far as a later run needs it; raises CertbootError."""
    try:
        found: dict[str, typing.Any] = json.loads(line)
        # Text that is none (half of a surrogate pair) could neither be compared with the list nor shown.
        json.dumps(found, ensure_ascii=False).encode()
        whole = found["schema"] == SCHEMA and all(type(found[name]) is kind for name, kind in _TYPES.items())
        plain = isinstance(found["verify_code"], int | None) and isinstance(found["protocol"], str)
        if whole and plain and isinstance(found["primary"], str | None) and isinstance(found["seconds"], float | int):
            certificate = Presented(**found["certificate"]) if found["certificate"] else None
            fix = tuple(tuple(map(str, argv)) for argv in found["fix"])
            also = tuple(map(str, found["also"]))
            rest = {name: found[name] for name in ("primary", "verify_code", "protocol", "seconds")}
            named = {name: found[name] for name in _TYPES}
            return Result(**named, **rest, certificate=certificate, also=also, fix=fix)
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    message = "not a line of certboot scan"
    raise CertbootError(message, "write to another file, or move this one away")
