"""Draw the rooms of src/certboot into docs/CONTRIBUTING.md, as Mermaid, from the imports that are really there.

    python3 scripts/rooms.py           with import-linter's grimp importable, as in the virtualenv of scripts/check.py
    python3 scripts/rooms.py --check   write nothing, and fail where something would have changed

The floors are those of the contract in pyproject.toml.
"""

from __future__ import annotations

import sys
from pathlib import Path

import grimp
import tomllib
from generated import filled

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "CONTRIBUTING.md"


def floors() -> list[list[str]]:
    """Return the rooms of each floor, the uppermost first."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    (layers,) = (contract["layers"] for contract in contracts if contract["type"] == "layers")
    return [[room.strip() for room in layer.split("|")] for layer in layers]


def drawn() -> str:
    """Return the picture: a box for each floor, a line for each room that another imports from."""
    graph = grimp.build_graph("certboot")
    rooms = [room for floor in floors() for room in floor]
    lines = ["```mermaid", "graph TD"]
    for number, floor in enumerate(floors()):
        lines.append(f"  subgraph floor{number}[ ]")
        lines += [f"    {room}[{room}]" for room in floor]
        lines.append("  end")
    for upper in rooms:
        below = sorted(lower for lower in rooms if lower != upper and imports(graph, upper, lower))
        lines += [f"  {upper} --> {lower}" for lower in below]
    return "\n".join([*lines, "```"])


def imports(graph: grimp.ImportGraph, upper: str, lower: str) -> bool:
    """Return whether a module of one room imports one of the other."""
    packages = (f"certboot.{upper}", f"certboot.{lower}")
    members = [{name, *graph.find_descendants(name)} for name in packages]
    return any(graph.find_modules_directly_imported_by(module) & members[1] for module in members[0])


def main() -> int:
    """Write the picture, or with ``--check`` return 1 where it is not current."""
    before = PAGE.read_text("utf-8")
    after = filled(before, {"rooms": drawn()})
    if sys.argv[1:] == ["--check"]:
        if before == after:
            return 0
        sys.stderr.write("rooms: error: docs/CONTRIBUTING.md is not current\n\nhint: python3 scripts/check.py --fix\n")
        return 1
    PAGE.write_text(after, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
