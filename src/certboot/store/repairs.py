"""The folder ``repaired``: intermediates that servers forgot to send, a PEM file each, and above it who needed it.

# Needed: {"host": "www.example:443", "day": "2026-11-25", "address": "http://ca.example/ca2.cer", "anchor": "Root 1"}
"""

from __future__ import annotations

import json
import typing

if typing.TYPE_CHECKING:
    from certboot.model import Certificate

NAME = "repaired"
"""The source of these intermediates, by which they are known to belong into the bundle as well."""
_LINE = b"# Needed: "


class Need(typing.NamedTuple):
    """Why an intermediate is there: a server needed it."""

    host: str
    """HOST:PORT."""
    day: str
    """ISO 8601, UTC."""
    address: str
    """Where it was fetched from, or who else had it."""
    anchor: str
    """The anchor at the end of the chain then, for a person."""

    @property
    def shown(self) -> str:
        """The need in words."""
        return f"needed by {self.host} on {self.day}, from {self.address}, under {self.anchor}"


class Repair(typing.NamedTuple):
    """An intermediate that is to be stored."""

    certificate: Certificate
    needs: tuple[Need, ...]


def render(repair: Repair) -> bytes:
    """Return the bytes of the file."""
    from certboot.certs import annotated_pem

    # What is in a name must not be able to write a block of its own into the file, as in annotated_pem.
    lines = (json.dumps(need._asdict()).replace("--", "\\u002d\\u002d").encode("ascii") for need in repair.needs)
    return b"".join(_LINE + line + b"\n" for line in lines) + annotated_pem(repair.certificate).encode("ascii")


def needs(data: bytes) -> tuple[Need, ...]:
    """Return who needed it as the bytes of a file have it; a line that cannot be read is passed over."""
    found = (_need(line.removeprefix(_LINE)) for line in data.split(b"\n") if line.startswith(_LINE))
    return tuple(need for need in found if need)


def joined(before: tuple[Need, ...], new: tuple[Need, ...]) -> tuple[Need, ...]:
    """Return the needs of before, and those of hosts that are new."""
    known = {need.host for need in before}
    return (*before, *(need for need in new if need.host not in known))


def _need(line: bytes) -> Need | None:
    try:
        found = Need(**json.loads(line))
    except (ValueError, TypeError, RecursionError):
        return None
    return found if all(isinstance(text, str) for text in found) else None
