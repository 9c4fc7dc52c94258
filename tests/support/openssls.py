"""OpenSSLs of other versions, as judges of chains: those in wheels of cryptography, and those of other Pythons.

Each runs as one process over all the chains. The wheels are fetched once, into ``.venv-openssl-VERSION`` beside the
other virtualenvs of a checkout.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import typing
from collections.abc import Iterable
from pathlib import Path

import pytest
from support.environments import MACHINE, ROOT, SYSTEM_PATH

from certboot.pki.openssl import Version, version_of

PROGRAM = Path(__file__).with_name("openssl_judge.py")
WHEELS = {"42.0.8": (3, 2), "44.0.3": (3, 4), "46.0.5": (3, 5), "48.0.0": (4, 0), "49.0.0": (4, 0), "50.0.2": (4, 0)}
"""Versions of cryptography -> the OpenSSL in their wheels."""


class Question(typing.NamedTuple):
    """One chain, and the flags to judge it with."""

    sent: tuple[bytes, ...]
    """DER, leaf first."""
    trusted: tuple[bytes, ...]
    host: str
    strict: bool
    partial: bool


class Judge(typing.NamedTuple):
    """One OpenSSL."""

    version: Version
    answers: list[int]
    """X509_V_ERR_* or 0 for each question."""


def wheel(version: str) -> Path:
    """Return the Python of a virtualenv with this cryptography and pyOpenSSL; skips the test if it cannot be had."""
    folder = ROOT / f".venv-openssl-{version}"
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        uv = [sys.executable, "-m", "uv"]
        install = ["pip", "install", "-q", "--only-binary=:all:", f"cryptography=={version}", "pyOpenSSL", "--python"]
        for command in ([*uv, "venv", "-q", "--clear", "--python", sys.executable, folder], [*uv, *install, python]):
            done = subprocess.run([*map(str, command)], env=MACHINE, capture_output=True, text=True, check=False)
            if done.returncode:
                pytest.skip(f"the wheel of cryptography {version} cannot be had: {done.stderr.strip()[:300]}")
        (folder / "ready").touch()
    return python


def judge(python: str | Path, questions: Iterable[Question]) -> Judge:
    """Return what the OpenSSL of this Python says: of its pyOpenSSL where it has one, else of its ssl module."""
    asked = [
        ([[base64.b64encode(data).decode() for data in ders] for ders in (sent, trusted)], *rest)
        for sent, trusted, *rest in questions
    ]
    done = subprocess.run(
        [python, PROGRAM], input=json.dumps(asked), env={"PATH": SYSTEM_PATH}, capture_output=True, text=True,
        check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    number, answers = json.loads(done.stdout)
    return Judge(version_of(number), answers)
