"""What the contract of the floors does not say: the hook is frugal, and the command line alone prints."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]
SRC = ROOT / "src"
MODULES = sorted(path for path in SRC.rglob("*.py") if path != SRC / "certboot" / "__init__.py")


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
    assert names == {"os", "sys", "_thread", "certboot_startup"}


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
        "cli/terminal.py": {"sys.stdout.write", "sys.stdout.buffer.write", "sys.stderr.write", "input", "getpass"},
        "cli/report/terminal.py": {"Console"},
        "pki/pkcs12_child.py": {"sys.stdout.buffer.write"},
    }
