"""Virtualenvs without pip and interpreters of one's own, in which a hook can be put, and starts of them."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from support.environments import HERE, SYSTEM_PATH, Ran, find_python, installer

STATUS = "import sys; m = sys.modules.get('certboot_startup'); print(m and (m.status, m.home))"


def virtualenv(folder: Path, *options: str, python: str | Path = sys.executable) -> Path:
    """Make a virtualenv and return its folder."""
    installer(python, "-m", "venv", "--without-pip", *options, folder)
    return folder


def python_of(folder: Path) -> Path:
    return folder / "bin" / "python"


def packages(folder: Path) -> Path:
    """Return the folder of packages of a virtualenv."""
    (found,) = folder.glob("lib/py*/site-packages")
    return found


_BASE = "import sys, sysconfig; print(sys.base_prefix, sysconfig.get_path('stdlib'), sep='\\n')"
_LEFT_OUT = (
    "*-packages",
    "__pycache__",
    "test",
    "idlelib",
    "tkinter",
    "config-*",
    "EXTERNALLY-MANAGED",
    "sitecustomize*",
)


def interpreter(folder: Path, version: str = HERE) -> Path:
    """Make an interpreter of the user's own, as pyenv and uv lay them out, and return its program.

    Its library is linked to that of an installed one: a file may be replaced or removed, not written into.
    """

    def linked(source: str, place: str) -> None:
        try:
            os.link(source, place)
        except OSError:  # another disk
            shutil.copy2(source, place)

    asked = subprocess.run([find_python(version), "-I", "-c", _BASE], capture_output=True, text=True, check=True)
    prefix, library = map(Path, asked.stdout.splitlines())
    name = f"python{version}"
    (folder / "bin").mkdir(parents=True)
    shutil.copy2(prefix / "bin" / name, folder / "bin" / name)
    (folder / "bin" / "python3").symlink_to(name)
    ignored = shutil.ignore_patterns(*_LEFT_OUT)
    shutil.copytree(library, folder / "lib" / name, copy_function=linked, symlinks=True, ignore=ignored)
    (folder / "lib" / name / "site-packages").mkdir()
    return folder / "bin" / "python3"


def interpreter_of_uv(folder: Path, version: str = HERE) -> Path:
    """Make such an interpreter as one that uv manages in ``folder`` ($UV_PYTHON_INSTALL_DIR), and return its folder."""
    python = interpreter(folder / "new", version)
    told = subprocess.run([python, "-V"], capture_output=True, text=True, check=True).stdout
    made = python.parents[1].rename(folder / f"cpython-{told.split()[1]}-linux-{platform.machine()}-gnu")
    (library(made) / "EXTERNALLY-MANAGED").write_text(
        "[externally-managed]\nError=This Python installation is managed by uv and should not be modified.\n"
    )
    return made


def library(folder: Path) -> Path:
    """Return the library folder of such an interpreter."""
    (found,) = folder.glob("lib/python*")
    return found


def start(python: Path, code: str = STATUS, **variables: str) -> Ran:
    """Start an interpreter with nothing but HOME, PATH and ``variables``."""
    environ = {"HOME": os.environ["HOME"], "PATH": SYSTEM_PATH, **variables}
    done = subprocess.run([python, "-c", code], env=environ, capture_output=True, text=True, check=False, timeout=60)
    return Ran(done.returncode, done.stdout, done.stderr)
