"""What the tests of the commands share: what a store holds after a command, and what goes into it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from support.environments import Ran
from support.pki import Issued

from certboot.store import generations, manifest
from certboot.store.paths import StorePaths

Run = Callable[..., Ran]

FEW = {"Root A", "Root B", "Root C"}
"""What certifi and the system have in the tests."""


def names(paths: StorePaths) -> set[str]:
    return {entry.name for entry in generations.current(paths).certificates}


def entry(paths: StorePaths, name: str) -> manifest.Entry:
    (named,) = [entry for entry in generations.current(paths).certificates if entry.name == name]
    return named


def saved(path: Path, *issued: Issued) -> Path:
    """The file, with these certificates in PEM."""
    path.write_bytes(b"".join(certificate.pem for certificate in issued))
    return path


def in_colons(digits: str) -> str:
    """A fingerprint as it is shown to people: upper case, a colon after every two digits."""
    return ":".join(digits[at : at + 2] for at in range(0, len(digits), 2)).upper()
