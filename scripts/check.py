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
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
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
    if sys.version_info < (3, 11):  # the newest clients, which scripts/constraints.txt names, need it
        sys.stderr.write("check: error: the tests run on Python 3.11 or newer\n\nhint: python3.11 scripts/test.py\n")
        sys.exit(2)
    if not PYTHON.exists():
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
    pip = [
        str(PYTHON),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "-c",
        "scripts/constraints.txt",
    ]
    subprocess.run([*pip, "pip"], cwd=ROOT, check=True)
    groups = [argument for group in ("clients", "test", "tools") for argument in ("--group", group)]
    subprocess.run([*pip, *groups, "--editable", "."], cwd=ROOT, check=True)


def run(*arguments: str, before: Sequence[str] = (), variables: Mapping[str, str] | None = None) -> None:
    """Run the virtualenv's Python, by the program ``before``; its failure ends this script with its status."""
    environ = {
        **os.environ,
        "CERTBOOT_DISABLE": "1",
        **(variables or {}),
    }  # the developer's own store is not under test
    done = subprocess.run([*before, PYTHON, *arguments], cwd=ROOT, env=environ, check=False)
    if done.returncode:
        what = arguments[1] if arguments[0] == "-m" else arguments[0]
        sys.stderr.write(f"check: error: {what} failed with status {done.returncode}\n")
        sys.exit(done.returncode)


if __name__ == "__main__":
    sys.exit(main())
