"""Virtualenvs without pip, in which a hook can be put, and starts of their interpreters."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from support.environments import SYSTEM_PATH, Ran, installer

STATUS = "import sys; m = sys.modules.get('certboot_startup'); print(m and (m.status, m.home))"


def virtualenv(folder: Path, *options: str, python: str | Path = sys.executable) -> Path:
    """Make a virtualenv and return its folder."""
    installer(python, "-m", "venv", "--without-pip", *options, folder)
    return folder


def python_of(folder: Path) -> Path:
    return folder / "bin" / "python"


def packages(folder: Path) -> Path:
    """Return the folder of packages of a virtualenv."""
    (found,) = folder.glob("lib/python*/site-packages")
    return found


def start(python: Path, code: str = STATUS, **variables: str) -> Ran:
    """Start an interpreter with nothing but HOME, PATH and ``variables``."""
    environ = {"HOME": os.environ["HOME"], "PATH": SYSTEM_PATH, **variables}
    done = subprocess.run([python, "-c", code], env=environ, capture_output=True, text=True, check=False, timeout=60)
    return Ran(done.returncode, done.stdout, done.stderr)
