"""``pem-bundle``: all certificates in one file; ``pem-directory-hash``: a file each, and the links OpenSSL looks for.

The directory (SSL_CERT_DIR, CApath) is the one format that carries intermediates: OpenSSL looks for issuers in it, and
trusts what is not self-signed only where it accepts partial chains (X509_V_FLAG_PARTIAL_CHAIN: Python 3.13 and newer,
curl).
"""

from __future__ import annotations

import typing
from collections.abc import Sequence
from pathlib import Path

from certboot import files
from certboot.store.hash_links import plan

if typing.TYPE_CHECKING:
    from certboot.pki.certificate import Certificate


class Directory(typing.NamedTuple):
    """What a directory is to hold."""

    files: dict[str, bytes]
    links: dict[str, str]
    """Name of a link -> name of the file that it leads to."""

    def write(self, folder: Path) -> None:
        """Write it into a folder that is empty; raises OSError. The caller makes it durable."""
        for name, data in self.files.items():
            files.write_new(folder / name, data)
        for name, target in self.links.items():
            files.link(folder / name, target)


def pem_directory_hash(certificates: Sequence[Certificate]) -> Directory:
    """Return the files and links, named as in the store's ``crts``; those of one name in the order given."""
    from certboot.pki.certificate import annotated_pem, file_name  # a help lists the formats, and needs no cryptography

    named = {file_name(certificate): certificate for certificate in certificates}
    links = plan([(certificate.link.subject_hash, "", name) for name, certificate in named.items()], {})
    texts = {name: annotated_pem(certificate).encode("ascii") for name, certificate in named.items()}
    return Directory(texts, {str(slot): name for slot, name in links.items()})


def pem_bundle(certificates: Sequence[Certificate]) -> bytes:
    """Return the bundle, the same bytes as the store's ``bundle.pem`` for its anchors. ASCII, printable, LF."""
    from certboot.pki.certificate import annotated_pem

    return "\n".join(map(annotated_pem, certificates)).encode("ascii")
