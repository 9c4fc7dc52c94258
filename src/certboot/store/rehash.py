"""``certboot rehash``: for any directory what ``openssl rehash`` does (apps/rehash.c), without the openssl program.

Two things differ on purpose. Every link that is not needed goes: OpenSSL keeps one that dangles, leads to another
file or repeats a file, as long as its number is still in use, and by_dir then may not look past it. And what is not a
link is left alone: OpenSSL deletes a file that stands in the way.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509

from certboot import der, pem
from certboot.certs import loads_in_openssl
from certboot.errors import StoreError
from certboot.store.hash_links import Slot, plan
from certboot.subject_hash import subject_hash

_EXTENSIONS = frozenset({".pem", ".crt", ".cer", ".crl"})
_LINK = re.compile(r"([0-9a-f]{8})\.(r?)(0|[1-9][0-9]{0,4})")
_LIMIT = 64 * 1024 * 1024


class Hashed(typing.NamedTuple):
    """What a file is linked by."""

    hash: str
    kind: str
    digest: bytes
    """SHA-256 of the DER bytes: two files with the same certificate get one link."""


@dataclass(frozen=True)
class RehashResult:
    """The links of a directory after the work, what of it is new, and what was passed over."""

    links: dict[str, str]
    made: tuple[str, ...]
    removed: tuple[str, ...]
    warnings: tuple[str, ...]


def rehash(directory: Path) -> RehashResult:
    """Give every certificate and CRL in ``directory`` its hash link; raises StoreError.

    A second run makes and removes nothing.
    """
    try:
        entries = sorted(os.scandir(directory), key=lambda entry: os.fsencode(entry.name))
        return _rehash(directory, entries)
    except OSError as error:
        message = f"cannot rehash {directory}: {error.strerror or error}"
        raise StoreError(message, "give a directory that you may write to") from error


def _rehash(directory: Path, entries: list[os.DirEntry[str]]) -> RehashResult:
    named = {entry.name: Slot(match[1], match[2], int(match[3])) for entry, match in _matches(entries)}
    present = {
        named[entry.name]: os.readlink(entry.path) for entry in entries if entry.name in named and entry.is_symlink()
    }
    files = [entry for entry in entries if entry.name in named and not entry.is_symlink()]
    copies, warnings = _copies(files, named)
    wanted, sources, more = _wanted(entries, set(copies))
    more += [f"{name} is a copy of no file here; left alone" for found, name in copies.items() if found not in sources]

    links = plan(wanted, present, (named[entry.name] for entry in files))
    removed = tuple(str(slot) for slot in present if slot not in links)
    made = tuple(str(slot) for slot, target in links.items() if present.get(slot) != target)
    for name in removed:
        (directory / name).unlink()
    for slot, target in links.items():
        if present.get(slot) != target:
            link(directory / str(slot), target)
    return RehashResult({str(slot): target for slot, target in links.items()}, made, removed, (*warnings, *more))


def _matches(entries: list[os.DirEntry[str]]) -> Iterator[tuple[os.DirEntry[str], re.Match[str]]]:
    for entry in entries:
        match = _LINK.fullmatch(entry.name)
        if match:
            yield entry, match


def _copies(files: list[os.DirEntry[str]], named: dict[str, Slot]) -> tuple[dict[Hashed, str], list[str]]:
    """Return what stands as a file under the name of a link, as systems without links have it, and warnings."""
    copies, warnings = {}, []
    slots = {named[entry.name] for entry in files}
    for entry in files:
        slot, found = named[entry.name], _hashed(entry)
        if not isinstance(found, Hashed) or found[:2] != slot[:2]:
            warnings.append(f"{entry.name} is neither a link nor a certificate of that hash; left alone")
        elif all(slot._replace(number=number) in slots for number in range(slot.number)):
            copies[found] = entry.name  # behind a gap nobody would find it
    return copies, warnings


def _wanted(
    entries: list[os.DirEntry[str]], copied: set[Hashed]
) -> tuple[list[tuple[str, str, str]], set[Hashed], list[str]]:
    """Return (hash, kind, file name) of every file that needs a link, what the files hold, and warnings."""
    known: set[Hashed] = set()
    wanted, warnings = [], []
    for entry in entries:
        if os.path.splitext(entry.name)[1].lower() not in _EXTENSIONS:
            continue
        found = _hashed(entry)
        if isinstance(found, str):
            warnings.append(f"skipping {entry.name}, {found}")
        elif found in known:
            warnings.append(f"skipping duplicate {'CRL' if found.kind else 'certificate'} in {entry.name}")
        else:
            known.add(found)
            if found not in copied:
                wanted.append((found.hash, found.kind, entry.name))
    return wanted, known, warnings


def link(path: Path, target: str) -> None:
    """Make ``path`` stand for its neighbour ``target``: a relative symbolic link, else a hard link, else a copy.

    An older link at ``path`` is replaced; raises OSError.
    """
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    try:
        path.symlink_to(target)
    except (OSError, NotImplementedError):
        try:
            os.link(path.parent / target, path)
        except OSError:
            shutil.copyfile(path.parent / target, path)


def _hashed(entry: os.DirEntry[str]) -> Hashed | str:
    """Return what the file is linked by, or why it is not."""
    try:
        with open(entry.path if entry.is_file() else os.devnull, "rb") as file:
            data = file.read(_LIMIT + 1)
    except OSError as error:
        return f"it cannot be read: {error.strerror}"
    if len(data) > _LIMIT:
        return "it is too large to be a certificate or CRL"
    # What OpenSSL's PEM_X509_INFO_read_bio makes of it: exactly one certificate or CRL, a key beside it or not.
    blocks = list(pem.blocks(data))
    certificates = [block for block in blocks if block.label in pem.CERTIFICATE_LABELS]
    crls = [block for block in blocks if block.label == pem.CRL_LABEL]
    if max(len(certificates), len(crls), sum(map(pem.is_key, blocks))) > 1 or not certificates + crls:
        return "it does not contain exactly one certificate or CRL"
    if any(block.data is None for block in blocks):
        return "it cannot be read as PEM"
    try:
        first, *_ = [_object(block) for block in certificates + crls]
    except ValueError as error:
        return f"it is damaged: {error}"
    return first


def _object(block: pem.PemBlock) -> Hashed:
    # A TRUSTED CERTIFICATE carries its settings after the certificate.
    encoded = der.read(block.data or b"")[0].encoded
    if block.label == pem.CRL_LABEL:
        x509.load_der_x509_crl(encoded)
        return Hashed(subject_hash(der.crl_issuer(encoded)), "r", hashlib.sha256(encoded).digest())
    try:
        x509.load_der_x509_certificate(encoded)
    except ValueError:
        # OpenSSL is milder with some, and it is the one who will look for them. (ssl.SSLError is no ValueError.)
        if not loads_in_openssl(encoded):
            raise
    return Hashed(subject_hash(der.certificate_names(encoded)[1]), "", hashlib.sha256(encoded).digest())
