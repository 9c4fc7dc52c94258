"""Everything that the tests need, then the tests: a virtualenv of exact versions, lint, types, pytest, coverage.

    python3 scripts/test.py                 all of it
    python3 scripts/test.py --fast          without the tests marked slow, and so without the coverage gate
    python3 scripts/test.py -- -k rehash    some tests: what follows -- goes to pytest

The tests compare with real programs where they are present: openssl (always needed), curl, git, node, valgrind. With
faketime the tests of real data run again under clocks set ahead; in CI ($CI) it must be there.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv-test"
AHEAD = ("+30d", "+1y", "+3y")  # as faketime takes them
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
    run("pytest", "-n", str(os.cpu_count() or 2), "--dist", "loadgroup", *some, *arguments.pytest, **measured)
    if not some and not arguments.pytest:
        run("coverage", "combine", "--quiet")
        run("coverage", "report")
        return ahead()
    return 0


def ahead() -> int:
    """Run the tests of real data again under each clock of AHEAD; return 0, or in CI 2 where that cannot be."""
    if not shutil.which("faketime"):
        sys.stderr.write("test: the tests of real data were not run with the clock ahead: faketime is missing\n")
        sys.stderr.write("\nhint: apt-get install faketime\n")
        return 2 if os.environ.get("CI") else 0
    tests = ("-n", str(os.cpu_count() or 2), "-m", "real_data", "-q")
    for span in AHEAD:
        print(f"the tests of real data, {span}:", flush=True)
        # What waits goes by the other clock, of which not all functions are faked.
        run("pytest", *tests, before=("faketime", "-f", span), FAKETIME_DONT_FAKE_MONOTONIC="1")
    return 0


def prepare() -> None:
    """Make the virtualenv once, and install into it the versions that constraints.txt names."""
    if not PYTHON.exists():
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-c", "constraints.txt"]
    subprocess.run([*pip, "pip"], cwd=ROOT, check=True)
    groups = [argument for group in ("clients", "test", "tools") for argument in ("--group", group)]
    subprocess.run([*pip, *groups, "--editable", "."], cwd=ROOT, check=True)


def run(module: str, *arguments: str, before: tuple[str, ...] = (), **variables: str) -> None:
    """Run one tool of the virtualenv, by the program ``before``; its failure ends this script with its status."""
    environ = {**os.environ, "CERTBOOT_DISABLE": "1", **variables}  # the developer's own store is not under test
    done = subprocess.run([*before, PYTHON, "-m", module, *arguments], cwd=ROOT, env=environ, check=False)
    if done.returncode:
        sys.stderr.write(f"test: error: {module} failed with status {done.returncode}\n")
        sys.exit(done.returncode)


if __name__ == "__main__":
    sys.exit(main())
