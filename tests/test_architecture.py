"""What the contract of the floors does not say: the hook is frugal, and the command line alone prints."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]
SRC = ROOT / "src"
MODULES = sorted(path for path in SRC.rglob("*.py") if path != SRC / "certboot" / "__init__.py")


def imported(name: str, *, at_once: bool) -> set[str]:
    """The modules that a file of the hook imports, when it is loaded or ever, but for those that only mypy reads."""
    tree = ast.parse((SRC / "certboot_startup" / name).read_text(), feature_version=(3, 8))
    blocks = [node for node in tree.body if isinstance(node, ast.If)]
    run = [node for node in tree.body if node not in blocks]
    run += [node for block in blocks if ast.unparse(block.test) != "TYPE_CHECKING" for node in block.body]
    nodes = run if at_once else [inner for node in run for inner in ast.walk(node)]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return names | {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}


def test_the_hook_and_its_guards_import_only_what_every_interpreter_has_loaded() -> None:
    assert imported("__init__.py", at_once=True) == {"os", "sys"}
    assert imported("__init__.py", at_once=False) == {"os", "sys", "pwd", "certboot_startup"}  # the guards
    assert imported("guards.py", at_once=True) == {"os", "sys", "_thread", "certboot_startup"}
    assert imported("hint.py", at_once=False) == {"os", "sys"}


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
    """It makes printable what it prints. The question for a password gets nothing else either.

    What a child process of certboot's own answers goes to its parent.
    """
    printing = {
        str(path.relative_to(SRC / "certboot")): {ast.unparse(node.func) for node in calls}
        for path in MODULES
        if (calls := [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Call) and prints(n)])
    }
    assert printing == {
        "cli/terminal.py": {"sys.stdout.write", "sys.stdout.buffer.write", "sys.stderr.write", "input", "getpass"},
        "pki/pkcs12_child.py": {"sys.stdout.buffer.write"},
    }
