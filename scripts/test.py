"""Everything that the tests need, then the tests: a virtualenv of exact versions, lint, types, pytest, coverage.

    python3 scripts/test.py                 all of it
    python3 scripts/test.py --fast          without the tests marked slow, and so without the coverage gate
    python3 scripts/test.py -- -k rehash    some tests: what follows -- goes to pytest

The tests compare with real programs where they are present: openssl (always needed), curl, git, node, valgrind.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv-test"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def main() -> int:
    """Return the status of the first step that fails, else 0."""
    parser = argparse.ArgumentParser(description="Run certboot's tests in a virtualenv of their own.")
    parser.add_argument("--fast", action="store_true", help="leave out the tests marked slow, and the coverage gate")
    parser.add_argument("pytest", nargs="*", metavar="-- PYTEST ARGUMENTS", help="which tests; then no coverage gate")
    arguments = parser.parse_args()
    if sys.version_info < (3, 11):  # the newest clients, which constraints.txt names, need it
        sys.stderr.write("test: error: the tests run on Python 3.11 or newer\n\nhint: python3.11 scripts/test.py\n")
        return 2
    if not shutil.which("openssl"):
        sys.stderr.write("test: error: the openssl program is missing\n\nhint: apt-get install openssl\n")
        return 2
    prepare()
    run("ruff", "format", "--check")
    run("ruff", "check")
    run("mypy")
    for old in ROOT.glob(".coverage*"):
        old.unlink()
    # Coverage starts with the interpreter (its own .pth), because the hook is loaded before any test is.
    measured = {"COVERAGE_PROCESS_START": str(ROOT / "pyproject.toml"), "COVERAGE_FILE": str(ROOT / ".coverage")}
    some = ["-m", "not slow"] if arguments.fast else []
    with tempfile.TemporaryDirectory(prefix="certboot-", ignore_cleanup_errors=True) as made:  # virtualenvs, mostly
        how = ["-n", str(os.cpu_count() or 2), "--dist", "worksteal", "--durations=10", "--basetemp", f"{made}/tests"]
        run("pytest", *how, *some, *arguments.pytest, **measured)
    if not some and not arguments.pytest:
        run("coverage", "combine", "--quiet")
        run("coverage", "report")
    return 0


def prepare() -> None:
    """Make the virtualenv once, and install into it the versions that constraints.txt names."""
    if not PYTHON.exists():
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-c", "constraints.txt"]
    subprocess.run([*pip, "pip"], cwd=ROOT, check=True)
    groups = [argument for group in ("clients", "test", "tools") for argument in ("--group", group)]
    subprocess.run([*pip, *groups, "--editable", "."], cwd=ROOT, check=True)


def run(module: str, *arguments: str, **variables: str) -> None:
    """Run one tool of the virtualenv; its failure ends this script with its status."""
    environ = {**os.environ, "CERTBOOT_DISABLE": "1", **variables}  # the developer's own store is not under test
    done = subprocess.run([PYTHON, "-m", module, *arguments], cwd=ROOT, env=environ, check=False)
    if done.returncode:
        sys.stderr.write(f"test: error: {module} failed with status {done.returncode}\n")
        sys.exit(done.returncode)


if __name__ == "__main__":
    sys.exit(main())
