"""What the hard tests of the store share: a check that knows nothing of certboot's code, and small CCADB reports."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import re
import ssl
import subprocess
import sys
import typing
from collections import Counter
from pathlib import Path

from support import report
from support.pki import Issued, issue

if typing.TYPE_CHECKING:
    from collections.abc import Iterable

State = frozenset[tuple[str, str]]
"""(role, SHA-256) of every certificate of a generation."""

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----\n.*?-----END CERTIFICATE-----\n", re.DOTALL)
_LINK = re.compile(r"([0-9a-f]{8})\.([0-9]+)")


def program(*argv: str | Path) -> list[str]:
    """Return the command line that runs certboot in a process of its own."""
    return [sys.executable, "-m", "certboot", *map(str, argv)]


def environ(home: Path) -> dict[str, str]:
    """Return the variables for a certboot whose store lies in ``home``."""
    return {**os.environ, "CERTBOOT_HOME": str(home)}


def ders(text: str) -> list[bytes]:
    """Return the DER bytes of every certificate in PEM text."""
    return [ssl.PEM_cert_to_DER_cert(block) for block in _PEM.findall(text)]


@functools.cache
def subject_hash(text: str) -> str:
    """Return what the openssl program says that the hash of a certificate in PEM is."""
    asked = ["openssl", "x509", "-noout", "-subject_hash"]
    return subprocess.run(asked, input=text, capture_output=True, text=True, check=True).stdout.strip()


def in_force(home: Path) -> Path | None:
    """Return the generation in force; None for no store."""
    current = home / "current"
    return home / os.readlink(current) if current.is_symlink() else None


def assert_whole(home: Path) -> State:
    """The store in force is whole, whatever else lies around; returns what it holds.

    The manifest can be read, every file is the certificate whose SHA-256 the manifest gives, every certificate has
    exactly one hash link, the links of a hash leave no gap, the bundle holds the anchors and what servers forgot, and
    the ``env`` file names things that exist.
    """
    generation = in_force(home)
    assert generation
    crts = generation / "crts"
    entries = json.loads((generation / "manifest.json").read_bytes())["certificates"]
    links = {path.name: os.readlink(path) for path in crts.iterdir() if path.is_symlink()}
    assert {path.name for path in crts.iterdir()} - links.keys() == {entry["file"] for entry in entries}
    wanted: Counter[str] = Counter()
    bundled: list[str] = []
    for entry in entries:
        text = (crts / entry["file"]).read_text()
        assert [hashlib.sha256(der).hexdigest() for der in ders(text)] == [entry["sha256"]]
        wanted[subject_hash(_PEM.findall(text)[0])] += 1
        forgotten = any(reason["source"] == "repaired" for reason in entry["provenance"])
        bundled += [entry["sha256"]] if entry["role"] == "anchor" or forgotten else []
    assert set(links) == {f"{hash_}.{number}" for hash_, count in wanted.items() for number in range(count)}
    assert sorted(links.values()) == sorted(entry["file"] for entry in entries)
    for name, target in links.items():
        match = _LINK.fullmatch(name)
        assert match
        assert subject_hash(_PEM.findall((crts / target).read_text())[0]) == match[1]
    assert bundled
    bundle = (generation / "bundle.pem").read_text()
    assert sorted(hashlib.sha256(der).hexdigest() for der in ders(bundle)) == sorted(bundled)
    assert_env_points_somewhere(home)
    return frozenset((entry["role"], entry["sha256"]) for entry in entries)


def assert_env_points_somewhere(home: Path) -> None:
    """What the ``env`` file names exists. Without an ``env`` file nothing is set."""
    env = home / "env"
    lines = env.read_text().splitlines() if env.exists() else []
    missing = [line for line in lines if not Path(line.partition("=")[2]).exists()]
    assert missing == []


def leftovers(home: Path) -> list[str]:
    """Return what a run that did not come to its end has left behind."""
    found = [path for path in home.rglob("*") if path.name.startswith(".") or path.suffix == ".partial"]
    return sorted(str(path.relative_to(home)) for path in found)


@functools.cache
def families() -> tuple[tuple[Issued, Issued], ...]:
    """Return eight roots, each with an intermediate below it."""
    roots = [issue(f"Small Root {letter}") for letter in "ABCDEFGH"]
    return tuple((root, issue(f"Issuer below {root.certificate.subject.rfc4514_string()}", root)) for root in roots)


def small_reports(numbers: Iterable[int]) -> dict[str, bytes]:
    """Return CCADB reports with these of the families in them, report -> bytes; one intermediate is revoked."""
    chosen = [families()[number] for number in numbers]
    return report.Reports(
        roots=tuple(report.root(root) for root, _ in chosen),
        intermediates=tuple(report.intermediate(below) for _, below in chosen),
        revoked=(report.revoked(_gone()),),
    ).bodies()


@functools.cache
def _gone() -> Issued:
    return issue("Revoked Issuer")


def state_of(numbers: Iterable[int]) -> State:
    """Return what a store made from ``small_reports(numbers)`` with its intermediates holds."""
    chosen = [families()[number] for number in numbers]
    return frozenset(
        (role, report.fingerprint(issued))
        for pair in chosen
        for role, issued in zip(("anchor", "intermediate"), pair, strict=True)
    )
