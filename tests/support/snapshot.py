"""What the tests of the store share: folders compared byte by byte, and sources so small that a run takes no time."""

from __future__ import annotations

import functools
import os
import re
import typing
from pathlib import Path

from support.pki import Issued, issue

from certboot.sources import certifi, system
from certboot.sources.candidates import Unparsed
from certboot.sources.extract import from_pem

if typing.TYPE_CHECKING:
    import pytest
    from support.environments import Ran

Snapshot = dict[str, tuple[object, ...]]


def snapshot(folder: Path) -> Snapshot:
    """Return everything below ``folder``: mode, inode, time of the last change, and bytes or target.

    The time of a lock is left out: older versions of filelock set it when they take the lock.
    """
    found: Snapshot = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        changed = status.st_mtime_ns if path.name != "lock" else 0
        found[str(path.relative_to(folder))] = (status.st_mode, status.st_ino, changed, _content(path))
    return found


def contents(folder: Path) -> dict[str, bytes]:
    """Return the bytes or target of everything below ``folder``, whenever it was written."""
    return {str(path.relative_to(folder)): _content(path) for path in sorted(folder.rglob("*"))}


def _content(path: Path) -> bytes:
    if path.is_symlink():
        return os.fsencode(os.readlink(path))
    return path.read_bytes() if path.is_file() else b""


@functools.cache
def roots() -> tuple[Issued, ...]:
    """Return the three CAs of ``few_sources``."""
    return tuple(issue(f"Root {letter}") for letter in "ABC")


def unparsed(pem: bytes, source: str, detail: str) -> Unparsed:
    """Return what a source gives that has this PEM."""
    return Unparsed(((detail, pem),), lambda: from_pem(pem, source, detail))


def few_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let certifi have three CAs, and the system the first of them."""
    public = b"".join(root.pem for root in roots())
    monkeypatch.setattr(certifi, "read", lambda: unparsed(public, "certifi", "2026.1"))
    monkeypatch.setattr(system, "read", lambda: unparsed(roots()[0].pem, "system", "/etc/ssl/certs"))


def assert_refused(ran: Ran, *words: str) -> None:
    """The command ended with status 2, one line that says why and one that says what to do, and these words in them."""
    assert re.fullmatch(r"certboot: error: [^\n]+\n\nhint: [^\n]+\n", ran.err), ran.err
    assert ran.status == 2
    assert [missing for missing in words if missing not in ran.err] == []
