"""Imports go down only: a module may import from its own floor or a lower one, never from a higher one."""

from __future__ import annotations

import ast
from pathlib import Path

from table import cases

ROOT = Path(__file__).parents[1]
SRC = ROOT / "src"
FLOORS = (
    ("certboot_startup", "certboot_startup.guards"),
    (
        "errors",
        "moment",
        "exit_status",
        "printable",
        "fingerprint",
        "redaction",
        "duration",
        "der",
        "subject_hash",
        "pem",
        "model",
        "parsing",
        "public_key",
        "certs",
        "reissue",
        "details",
        "explanations",
    ),
    ("chain", "policy", "completion"),
    (
        "place",
        "paths",
        "files",
        "connection",
        "starttls",
        "handshake_record",
        "verdict",
        "tls",
        "clients",
        "client_table",
        "client_presence",
        "client_trials",
        "effective_trust",
        "config",
        "settings_files",
        "net",
        "net_addresses",
    ),
    ("diagnosis", "sources", "store", "exporters", "aia"),
    (
        "distrust",
        "plan",
        "adoption",
        "inputs",
        "decision",
        "update",
        "repair",
        "purge",
        "history",
        "doctor",
        "scan",
        "tool_environment",
        "interpreters",
        "hook",
    ),
    ("render", "doctor_arguments", "scan_arguments", "arguments", "commands", "cli", "__main__"),
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


@cases("path", MODULES)
def test_a_module_imports_from_no_higher_floor(path: Path) -> None:
    own = part(".".join(path.relative_to(SRC).with_suffix("").parts).removesuffix(".__init__"))
    too_high = {name for name in imported(path) if LEVEL[part(name)] > LEVEL[own]}
    assert too_high == set()


def test_the_hook_imports_nothing_but_os_sys_and_pwd_and_its_guards_when_they_are_needed() -> None:
    tree = ast.parse((SRC / "certboot_startup" / "__init__.py").read_text(), feature_version=(3, 8))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert names == {"os", "sys", "pwd"}
    froms = {
        (node.module, alias.name) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert froms == {("certboot_startup", "guards")}
    assert not any(isinstance(node, ast.ImportFrom) for node in tree.body)


def test_the_guards_import_only_what_every_interpreter_has_loaded() -> None:
    tree = ast.parse((SRC / "certboot_startup" / "guards.py").read_text(), feature_version=(3, 8))
    top = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {node.module if isinstance(node, ast.ImportFrom) else node.names[0].name for node in top}
    assert names == {"__future__", "os", "sys", "_thread", "certboot_startup"}


STREAMS = ("sys.stdout", "sys.stderr", "sys.__stdout__", "sys.__stderr__")


def prints(node: ast.AST) -> bool:
    """Return whether this call writes to standard output or standard error, or to a terminal by another way."""
    if not isinstance(node, ast.Call):
        return False
    called = ast.unparse(node.func)
    written = called.startswith(STREAMS) and called.endswith((".write", ".writelines", ".print"))
    by_number = called == "os.write" and ast.unparse(node.args[0]) in ("1", "2")
    return written or by_number or called in ("print", "input", "getpass", "Console", "print_exc", "print_exception")


def test_only_one_place_prints() -> None:
    """It makes printable what it prints. rich's console and the question for a password get nothing else either.

    What a child process of certboot's own answers goes to its parent.
    """
    printing = {
        str(path.relative_to(SRC / "certboot")): {ast.unparse(node.func) for node in calls}
        for path in MODULES
        if (calls := [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Call) and prints(n)])
    }
    assert printing == {
        "commands/terminal.py": {"sys.stdout.write", "sys.stdout.buffer.write", "sys.stderr.write", "input", "getpass"},
        "render/doctor_rich.py": {"Console"},
        "sources/pkcs12_child.py": {"sys.stdout.buffer.write"},
    }
