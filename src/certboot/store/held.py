"""The certificates of a generation, read back as its manifest has them."""

from __future__ import annotations

import itertools
import typing

from certboot import files
from certboot.errors import CertificateError, StoreError
from certboot.pki import pem
from certboot.pki.certificate import load_certificate
from certboot.pki.subject_hash import comparable, hash_of
from certboot.store.layout import CRTS

if typing.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from certboot.model import Certificate
    from certboot.store.manifest import Entry, Manifest


def certificates(generation: Path, entries: Iterable[Entry]) -> tuple[Certificate, ...]:
    """Return the certificates of these entries, in their order; raises StoreError for one that is not as it should be.

    Each is compared with the SHA-256 in the manifest.
    """
    return tuple(_certificate(generation / CRTS / entry.file, entry.sha256) for entry in entries)


def named(generation: Path, record: Manifest, name: bytes) -> Iterator[tuple[Certificate, Entry]]:
    """Yield the certificates with this subject (a DER Name), found and compared as OpenSSL does: by their hash links.

    What the manifest does not name is passed over, and so is what cannot be read.
    """
    entries = {entry.sha256: entry for entry in record.certificates}
    wanted = comparable(name)
    for number in itertools.count():
        try:
            blocks = list(_blocks(generation / CRTS / f"{hash_of(wanted)}.{number}"))
            found = [load_certificate(block.data or b"") for block in blocks]
        except FileNotFoundError:
            return
        except (OSError, CertificateError):
            continue
        for certificate in found:
            if certificate.fingerprint in entries and comparable(certificate.subject_name) == wanted:
                yield certificate, entries[certificate.fingerprint]


def _blocks(path: Path) -> Iterator[pem.PemBlock]:
    return pem.blocks(files.read_regular(path, files.SMALL))


def _certificate(path: Path, fingerprint: str) -> Certificate:
    try:
        found = [load_certificate(block.data or b"") for block in _blocks(path)]
    except OSError as error:
        message = f"cannot read a certificate of the store: {path}: {error.strerror}"
        raise StoreError(message, "certboot init writes the store anew") from error
    if [certificate.fingerprint for certificate in found] != [fingerprint]:
        message = f"not the certificate that the manifest names: {path}"
        raise StoreError(message, "certboot doctor store")
    return found[0]
