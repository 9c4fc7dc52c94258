"""What can be said of the code in seconds: format, lint, types, and that the generated parts of docs/ are current.

    python3 scripts/check.py                makes ./.venv-test if need be, then checks
    python3 scripts/check.py --fix          formats, mends what ruff can mend, and writes the generated parts anew

scripts/test.py begins with the same checks.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import typing
from pathlib import Path

if typing.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv-test"
PROGRAM = "Scripts/python.exe" if os.name == "nt" else "bin/python"
PYTHON = VENV / PROGRAM
CHECKS = (
    ("-m", "ruff", "format", "--check"),
    ("-m", "ruff", "check"),
    ("-m", "mypy"),
    ("scripts/imports.py",),
    ("scripts/docs.py", "--check"),
    ("scripts/shell_files.py", "--check"),
    ("scripts/rooms.py", "--check"),
)
FIXES = (
    ("-m", "ruff", "format"),
    ("-m", "ruff", "check", "--fix"),
    ("scripts/docs.py",),
    ("scripts/shell_files.py",),
    ("scripts/rooms.py",),
)


def main() -> int:
    """Return the status of the first step that fails, else 0."""
    parser = argparse.ArgumentParser(description="Check certboot's code without running it.")
    parser.add_argument("--fix", action="store_true", help="mend what can be mended first")
    arguments = parser.parse_args()
    prepare()
    for step in (*(FIXES if arguments.fix else ()), *CHECKS):
        run(*step)
    return 0


def prepare() -> None:
    """Make the virtualenv once, and install into it the versions that scripts/constraints.txt names."""
    install(VENV, "clients", "test", "tools", more=("--editable", "."))


def prepare_with(age: str) -> Path:
    """Make another, with the oldest dependencies that pyproject.toml allows or the newest; return its interpreter."""
    python = install(ROOT / f".venv-{age}", "clients", "test", more=("--editable", "."))
    newest = ("--upgrade", "--upgrade-strategy", "eager", "--editable", ".")
    wanted = {"oldest": ("-r", "scripts/constraints-oldest.txt"), "newest": newest}[age]
    pip = (str(python), "-m", "pip", "--disable-pip-version-check")
    subprocess.run([*pip, "install", "--quiet", *wanted], cwd=ROOT, check=True)
    subprocess.run([*pip, "check"], cwd=ROOT, check=True)
    return python


def install(venv: Path, *groups: str, more: Sequence[str] = ()) -> Path:
    """Install groups of pyproject.toml, and ``more``, into a virtualenv, made if need be; return its interpreter."""
    if sys.version_info < (3, 11):  # the newest clients, which scripts/constraints.txt names, need it
        sys.stderr.write("check: error: the tests run on Python 3.11 or newer\n\nhint: python3.11 scripts/test.py\n")
        sys.exit(2)
    python = venv / PROGRAM
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    quiet = ("--quiet", "--disable-pip-version-check")
    pip = [str(python), "-m", "pip", "install", *quiet, "-c", "scripts/constraints.txt"]
    subprocess.run([*pip, "pip"], cwd=ROOT, check=True)
    named = [argument for group in groups for argument in ("--group", group)]
    subprocess.run([*pip, *named, *more], cwd=ROOT, check=True)
    return python


def run(
    *arguments: str, before: Sequence[str] = (), variables: Mapping[str, str] | None = None, python: Path = PYTHON
) -> None:
    """Run the virtualenv's Python, by the program ``before``; its failure ends this script with its status."""
    environ = {
        **os.environ,
        "CERTBOOT_DISABLE": "1",
        **(variables or {}),
    }  # the developer's own store is not under test
    done = subprocess.run([*before, python, *arguments], cwd=ROOT, env=environ, check=False)
    if done.returncode:
        what = arguments[1] if arguments[0] == "-m" else arguments[0]
        sys.stderr.write(f"check: error: {what} failed with status {done.returncode}\n")
        sys.exit(done.returncode)


if __name__ == "__main__":
    sys.exit(main())
