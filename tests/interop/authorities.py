"""The four servers' certificates, and a system store with one CA that is nowhere else. All is kept as files.

pytest-xdist's workers share them, and each starts servers of its own with them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import typing
from dataclasses import dataclass

import trustme

if typing.TYPE_CHECKING:
    from pathlib import Path

FULL_CHAIN, NO_INTERMEDIATE, CERTIFI_ONLY, SYSTEM_ONLY = "full-chain", "no-intermediate", "certifi-only", "system-only"
SERVERS = (FULL_CHAIN, NO_INTERMEDIATE, CERTIFI_ONLY, SYSTEM_ONLY)
STRANGER = "stranger"
"""A server whose CA nobody added: every client must go on refusing it."""

SYSTEM_CERTS = "/etc/ssl/certs"
BUNDLE = "ca-certificates.crt"


@dataclass(frozen=True)
class Authorities:
    """The folder with the certificates that ``make_authorities`` wrote."""

    folder: Path

    def server(self, name: str) -> Path:
        """Return the key of a server of ``SERVERS`` or of ``STRANGER``, and the chain that it sends, in one file."""
        return self.folder / f"{name}.pem"

    @property
    def added(self) -> list[Path]:
        """What the user of certboot adds: the company's root, and the intermediate that one server forgets."""
        return [self.folder / "root.pem", self.folder / "intermediate.pem"]

    @property
    def certifi(self) -> Path:
        """The CA that is to be in certifi's file alone."""
        return self.folder / "certifi.pem"

    @property
    def root_folder(self) -> Path:
        """A file system that has nothing but ``/etc/ssl/certs``, this system's and one more CA."""
        return self.folder / "system"

    @property
    def system_certs(self) -> Path:
        """``/etc/ssl/certs`` below it."""
        return self.root_folder / SYSTEM_CERTS[1:]


def make_authorities(folder: Path) -> None:
    """Fill the empty ``folder``."""
    made = Authorities(folder)
    root, certifi, system, stranger = (
        trustme.CA(organization_name=f"Interop {name}") for name in ("Corp", "Public", "System", "Stranger")
    )
    forgotten = root.create_child_ca()
    _write(made.server(FULL_CHAIN), _leaf(root.create_child_ca()))
    _write(made.server(NO_INTERMEDIATE), _leaf(forgotten), sent=1)
    _write(made.server(CERTIFI_ONLY), _leaf(certifi.create_child_ca()))
    _write(made.server(SYSTEM_ONLY), _leaf(system.create_child_ca()))
    _write(made.server(STRANGER), _leaf(stranger.create_child_ca()))
    for path, ca in zip(made.added, (root, forgotten), strict=True):
        ca.cert_pem.write_to_path(str(path))
    certifi.cert_pem.write_to_path(str(made.certifi))
    _make_system(made.system_certs, system)


def _leaf(ca: trustme.CA) -> trustme.LeafCert:
    return ca.issue_cert("localhost", "127.0.0.1")


def _write(path: Path, leaf: trustme.LeafCert, sent: int | None = None) -> None:
    path.write_bytes(b"".join(blob.bytes() for blob in (leaf.private_key_pem, *leaf.cert_chain_pems[:sent])))


def _make_system(certs: Path, ca: trustme.CA) -> None:
    if os.path.isdir(SYSTEM_CERTS):
        shutil.copytree(SYSTEM_CERTS, certs, symlinks=True)
    else:
        certs.mkdir(parents=True)
    with (certs / BUNDLE).open("ab") as file:
        file.write(b"\n" + ca.cert_pem.bytes())
    one = certs / "interop-system.pem"
    ca.cert_pem.write_to_path(str(one))
    asked = ["openssl", "x509", "-noout", "-subject_hash", "-in", str(one)]
    subject_hash = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    (certs / f"{subject_hash}.0").symlink_to(one.name)
