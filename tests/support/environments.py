"""Virtualenvs with certboot's wheel in them, and programs run there as a user would run them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import filelock
import pytest

ROOT = Path(__file__).parents[2]
# Package installs go through whatever proxy and CA this machine is set up with; nothing else may see that.
MACHINE = dict(os.environ)
HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
"""The version that runs the tests."""
VERSIONS = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14", "3.15")
"""Those that are tested where the machine has them; scripts/other_pythons.py has the tests run where the last are."""
STRICT_VERSIONS = VERSIONS[5:]
"""Those whose clients verify by strict rules."""
PYPY = "pypy3"
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# Runs a program and prints its status, its output and its peak memory in MB. Linux counts the memory of whoever starts
# a program as the least that it had, so a small process starts it.
MEASURED = """
import json, resource, subprocess, sys
done = subprocess.run(sys.argv[1:], capture_output=True, text=True)
most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
print(json.dumps([done.returncode, done.stdout, done.stderr, most]))
"""


@dataclass(frozen=True)
class Ran:
    """What a command gave back."""

    status: int
    out: str
    err: str


def built_once(factory: pytest.TempPathFactory, name: str, build: Callable[[Path], object]) -> Path:
    """Return a folder that ``build`` has filled, once for all of pytest-xdist's workers."""
    base = factory.getbasetemp()
    base = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    folder, done = base / name, base / f"{name}.done"
    with filelock.FileLock(base / f"{name}.lock"):
        if not done.exists():
            folder.mkdir()
            build(folder)
            done.touch()
    return folder


def installer(*command: str | Path) -> None:
    """Run a package tool with the machine's own settings; its output is shown when it fails."""
    done = subprocess.run(command, env=MACHINE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@dataclass(frozen=True)
class Environment:
    """A virtualenv with certboot's wheel in it."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    def pip(self, *arguments: str | Path) -> None:
        installer(self.python, "-m", "pip", *arguments)

    def run(self, *argv: str | Path, home: Path, **variables: str) -> Ran:
        """Run a program of the environment as a user would who has set nothing but HOME and PATH, and ``variables``."""
        environ = {"HOME": str(home), "PATH": f"{self.folder / 'bin'}:{SYSTEM_PATH}", **variables}
        program = self.folder / "bin" / argv[0]
        command = [str(program) if program.exists() else str(argv[0]), *map(str, argv[1:])]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, cwd=home, timeout=120)
        return Ran(done.returncode, done.stdout, done.stderr)


def make_environment(folder: Path, *packages: str | Path, python: str | Path = sys.executable) -> Environment:
    """Make a virtualenv in the empty ``folder``, with ``packages`` in the versions of constraints.txt and no others.

    What is installed is linked to uv's cache, where that can be: a file may be replaced or removed, not written into.
    """
    installer(python, "-m", "venv", "--without-pip", folder)
    made = Environment(folder)
    # uv takes a tenth of pip's time.
    install = (sys.executable, "-m", "uv", "pip", "install", "-q", "--link-mode=hardlink", "--python", made.python)
    installer(*install, "-c", ROOT / "scripts" / "constraints.txt", *packages)
    return made


def find_python(version: str) -> Path | str:
    """Return an interpreter of this version, from the machine's pyenv or its PATH; skips the test where none is."""
    return _find_python(version) or pytest.skip(f"no Python {version} on this machine")


def versions_here(*versions: str) -> list[str]:
    """Return those of these versions that this machine has."""
    return [version for version in versions if _find_python(version)]


def _find_python(version: str) -> Path | str | None:
    if version == HERE:
        return sys.executable
    pyenv = sorted(Path(MACHINE.get("HOME", "/")).glob(f".pyenv/versions/{version}.*/bin/python"))
    program = version if version == PYPY else f"python{version}"
    return pyenv[-1] if pyenv else shutil.which(program, path=MACHINE.get("PATH"))
