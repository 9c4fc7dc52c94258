"""Everything that the tests need, then the tests: a virtualenv of exact versions, lint, types, pytest, coverage.

    python3 scripts/test.py                 all of it
    python3 scripts/test.py --fast          without the tests marked slow, and so without the coverage gate
    python3 scripts/test.py -- -k rehash    some tests: what follows -- goes to pytest
    python3 scripts/test.py --with oldest   the fast tests alone, with the oldest dependencies that are allowed
    python3 scripts/test.py --with newest   the same with the newest of today, whatever constraints.txt says

The tests compare with real programs where they are present: openssl (always needed), curl, git, node, valgrind. With
faketime the tests of real data run again under clocks set ahead; in CI ($CI) it must be there.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import typing

import check

if typing.TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

REAL_DATA = "tests/store"  # where the tests marked real_data lie
AHEAD = ("+30d", "+1y", "+3y")  # as faketime takes them
SLOWEST = 10
WORKERS = str(os.cpu_count() or 2)


def main() -> int:
    """Return the status of the first step that fails, else 0."""
    parser = argparse.ArgumentParser(description="Run certboot's tests in a virtualenv of their own.")
    parser.add_argument("--fast", action="store_true", help="leave out the tests marked slow, and the coverage gate")
    parser.add_argument(
        "--with", dest="age", choices=("oldest", "newest"), help="the fast tests, with such dependencies"
    )
    parser.add_argument("pytest", nargs="*", metavar="-- PYTEST ARGUMENTS", help="which tests; then no coverage gate")
    arguments = parser.parse_args()
    if not shutil.which("openssl"):
        sys.stderr.write("test: error: the openssl program is missing\n\nhint: apt-get install openssl\n")
        return 2
    if arguments.age:
        pytest("-m", "not slow", *arguments.pytest, python=check.prepare_with(arguments.age))
        return 0
    check.prepare()
    for step in check.CHECKS:
        check.run(*step)
    for old in check.ROOT.glob(".coverage*"):
        old.unlink()
    # Coverage starts with the interpreter (its own .pth), because the hook is loaded before any test is.
    measured = {
        "COVERAGE_PROCESS_START": str(check.ROOT / "pyproject.toml"),
        "COVERAGE_FILE": str(check.ROOT / ".coverage"),
    }
    some = ["-m", "not slow"] if arguments.fast else []
    pytest(*some, *arguments.pytest, variables=measured)
    if not some and not arguments.pytest:
        check.run("-m", "coverage", "combine", "--quiet")
        check.run("-m", "coverage", "report")
        return ahead()
    return 0


def pytest(*some: str, variables: Mapping[str, str] | None = None, python: Path = check.PYTHON) -> None:
    """Run pytest; a failure ends this script with its status."""
    # Virtualenvs above all are left in the folder, and go with it.
    with tempfile.TemporaryDirectory(prefix="certboot-", ignore_cleanup_errors=True) as made:
        how = ("-n", WORKERS, "--dist", "worksteal", f"--durations={SLOWEST}", "--basetemp", f"{made}/tests")
        check.run("-m", "pytest", *how, *some, variables=variables, python=python)


def ahead() -> int:
    """Run the tests of real data again under each clock of AHEAD; return 0, or in CI 2 where that cannot be."""
    if not shutil.which("faketime"):
        sys.stderr.write("test: the tests of real data were not run with the clock ahead: faketime is missing\n")
        sys.stderr.write("\nhint: apt-get install faketime\n")
        return 2 if os.environ.get("CI") else 0
    for span in AHEAD:
        print(f"the tests of real data, {span}:", flush=True)
        # What waits goes by the other clock, of which not all functions are faked.
        tests = ("-m", "pytest", "-n", WORKERS, "-m", "real_data", "-q", REAL_DATA)
        check.run(*tests, before=("faketime", "-f", span), variables={"FAKETIME_DONT_FAKE_MONOTONIC": "1"})
    return 0


if __name__ == "__main__":
    sys.exit(main())
