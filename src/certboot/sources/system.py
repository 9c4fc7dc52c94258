"""The source ``system``: the trust store of the operating system.

On Linux and the BSDs it is read from the places that OpenSSL, GnuTLS and Go read. wassima, which reads macOS and
Windows well, is not asked here: on these systems it takes every certificate that lies anywhere below /etc/ssl,
/usr/lib/ssl and a dozen more folders (a database's own CA in /etc/ssl/db/ca.crt, say), which nothing else trusts.
"""

from __future__ import annotations

import dataclasses
import itertools
import ssl
import sys
from pathlib import Path

from certboot import files
from certboot.errors import SourceError
from certboot.pki.subject_hash import FILE_NAME
from certboot.sources.candidates import Candidate, Loaded, Unparsed

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


def read() -> Unparsed:
    """Return what the system trusts; nothing where it has no store (a bare container)."""
    if sys.platform in ("darwin", "win32"):
        return _from_the_system_interface()
    return from_unix_files(Path("/"))


def from_unix_files(root: Path) -> Unparsed:
    """Return what the first bundle below ``root`` holds, and what OpenSSL would find by hash in the directories.

    A certificate that the administrator marked as rejected there (``openssl x509 -addreject``) is ``distrusted``.
    """
    bundles = ((str(path), _read(path)) for path in (root / name[1:] for name in _FILES))
    links = [(str(path), _read(path)) for name in _DIRECTORIES for path in _hash_links(root / name[1:])]
    bundle = itertools.islice((piece for piece in bundles if b"-----BEGIN" in piece[1]), 1)
    pieces = (*bundle, *links)
    return Unparsed(pieces, lambda: _parsed(pieces))


def _parsed(pieces: tuple[tuple[str, bytes], ...]) -> Loaded:
    from certboot.sources.extract import from_pem, merged

    loaded = merged(from_pem(text, NAME, path, for_everybody=True) for path, text in pieces)
    once: dict[str, Candidate] = {}
    for candidate in loaded.candidates:
        once.setdefault(candidate.certificate.fingerprint, candidate)  # the directory mostly repeats the bundle
    return dataclasses.replace(loaded, candidates=tuple(once.values()))


def _hash_links(directory: Path) -> list[Path]:
    try:
        return sorted(path for path in directory.iterdir() if FILE_NAME.fullmatch(path.name))
    except OSError:
        return []


def _read(path: Path) -> bytes:
    try:
        return files.read_regular(path, files.LARGE)  # by links, as most systems have them
    except OSError:
        return b""


def _from_the_system_interface() -> Unparsed:
    try:
        # wassima's public functions fall back to a list of its own where the system has no store; this one does not.
        from wassima._os import root_der_certificates
    except ImportError as error:
        message = f"the system's store cannot be read: {error}"
        raise SourceError(message, "reinstall it: python -m pip install --force-reinstall wassima") from error
    ders = root_der_certificates()
    if sys.platform == "win32":
        # It gives the stores ROOT, CA and MY together; a certificate that is only in CA or MY is nobody's anchor.
        roots, others = _windows_store("ROOT"), _windows_store("CA") | _windows_store("MY")
        ders = [data for data in ders if data in roots or data not in others]
    where = f"the trust store of {sys.platform}"
    return Unparsed(tuple((where, data) for data in ders), lambda: _parsed_ders(ders, where))


def _parsed_ders(ders: list[bytes], where: str) -> Loaded:
    from certboot.sources.extract import from_ders

    loaded = from_ders(ders, NAME, where)
    # What is not self-issued is an intermediate, which these systems list among what they trust.
    kept = tuple(candidate for candidate in loaded.candidates if candidate.certificate.link.self_issued)
    return Loaded(kept, loaded.rejections)


def _windows_store(name: str) -> set[bytes]:
    entries = getattr(ssl, "enum_certificates")(name)  # noqa: B009 - ssl has it on Windows only, and mypy looks elsewhere
    return {data for data, _encoding, _trust in entries}
