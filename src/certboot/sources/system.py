"""The source ``system``: the trust store of the operating system.

On Linux and the BSDs it is read from the places that OpenSSL, GnuTLS and Go read. wassima, which reads macOS and
Windows well, is not asked here: on these systems it takes every certificate that lies anywhere below /etc/ssl,
/usr/lib/ssl and a dozen more folders (a database's own CA in /etc/ssl/db/ca.crt, say), which nothing else trusts.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from certboot.model import Loaded
from certboot.sources.reading import from_ders, from_pem

NAME = "system"

# Go's list (src/crypto/x509/root_linux.go and root_bsd.go), in its order; the first that exists counts.
_FILES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/usr/local/etc/ssl/cert.pem",
    "/usr/local/share/certs/ca-root-nss.crt",
    "/etc/openssl/certs/ca-certificates.crt",
)
_DIRECTORIES = ("/etc/ssl/certs", "/etc/pki/tls/certs", "/usr/local/share/certs", "/etc/openssl/certs")
_HASH_LINK = re.compile(r"[0-9a-f]{8}\.\d+")


def load() -> Loaded:
    """Return the certificates that the system trusts; none where it has no store (a bare container)."""
    if sys.platform in ("darwin", "win32"):
        return _from_the_system_interface()
    return from_unix_files(Path("/"))


def from_unix_files(root: Path) -> Loaded:
    """Return what the first bundle below ``root`` holds, and what OpenSSL would find by hash in the directories."""
    texts: list[bytes] = []
    places: list[str] = []
    for name in _FILES:
        text = _read(root / name[1:])
        if b"-----BEGIN" in text:
            texts.append(text)
            places.append(name)
            break
    for name in _DIRECTORIES:
        linked = [_read(path) for path in _hash_links(root / name[1:])]
        if any(linked):
            texts += linked
            places.append(name)
    loaded = from_pem(b"\n".join(texts), NAME, ", ".join(places))
    once = {candidate.certificate.fingerprint: candidate for candidate in loaded.candidates}
    return Loaded(NAME, loaded.detail, tuple(once.values()), loaded.rejections)


def _hash_links(directory: Path) -> list[Path]:
    try:
        return sorted(path for path in directory.iterdir() if _HASH_LINK.fullmatch(path.name))
    except OSError:
        return []


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes() if path.is_file() else b""
    except OSError:
        return b""


def _from_the_system_interface() -> Loaded:
    # wassima's public functions fall back to a list of its own where the system's store is empty; this one does not.
    from wassima._os import root_der_certificates

    loaded = from_ders(root_der_certificates(), NAME, f"the trust store of {sys.platform}")
    if sys.platform == "win32":
        # It returns the stores ROOT, CA and MY together. What is not self-issued is an intermediate: no anchor.
        kept = tuple(candidate for candidate in loaded.candidates if candidate.certificate.self_issued)
        return Loaded(loaded.source, loaded.detail, kept, loaded.rejections)
    return loaded
