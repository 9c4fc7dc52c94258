"""Imports go down only: a module may import from its own floor or a lower one, never from a higher one."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SRC = ROOT / "src"
FLOORS = (
    ("certboot_startup",),
    ("errors", "exit_status", "printable", "duration", "der", "subject_hash", "pem", "model", "certs"),
    ("chain", "policy", "diagnosis"),
    ("paths", "files", "tls", "clients", "config", "net"),
    ("sources", "store", "exporters"),
    ("plan", "inputs", "decision", "update", "purge", "history", "doctor"),
    ("render", "arguments", "commands", "cli", "__main__"),
)
# Inside floor 0 of certboot the order is that of the list above.
LEVEL = {name: level for level, names in enumerate(FLOORS) for name in names}
MODULES = sorted(path for path in SRC.rglob("*.py") if path != SRC / "certboot" / "__init__.py")


def part(module: str) -> str:
    """Return the name by which FLOORS knows a module: ``certboot.store.rehash`` is of ``store``."""
    return module if module.startswith("certboot_startup") else module.split(".")[1]


def imported(path: Path) -> set[str]:
    """Return the modules of this project that a file imports, the lazily imported ones included."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            if node.module == "certboot":
                found |= {f"certboot.{alias.name}" for alias in node.names}
            else:
                found.add(str(node.module))
    return {name for name in found if name.startswith(("certboot.", "certboot_startup"))}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SRC)))
def test_a_module_imports_from_no_higher_floor(path: Path) -> None:
    own = part(".".join(path.relative_to(SRC).with_suffix("").parts).removesuffix(".__init__"))
    too_high = {name for name in imported(path) if LEVEL[part(name)] > LEVEL[own]}
    assert too_high == set()


def test_the_hook_imports_nothing_but_os_sys_and_pwd() -> None:
    tree = ast.parse((SRC / "certboot_startup" / "__init__.py").read_text(), feature_version=(3, 8))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert names == {"os", "sys", "pwd"}
    assert not any(isinstance(node, ast.ImportFrom) for node in ast.walk(tree))


def test_only_the_command_line_prints() -> None:
    printing = set()
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("print", "input"):
                printing.add(path.relative_to(SRC / "certboot").parts[0])
    assert printing == {"cli.py", "commands"}


def test_no_module_is_longer_than_400_lines() -> None:
    assert [path.name for path in MODULES if len(path.read_text().splitlines()) > 400] == []
