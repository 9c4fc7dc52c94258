"""``certboot rehash``: for any directory what ``openssl rehash`` does (apps/rehash.c), without the openssl program.

A file is linked by OpenSSL's hash of the subject of its certificate, or of the issuer of its CRL. Two things differ on
purpose. Every link that is not needed goes: OpenSSL keeps one that dangles, leads to another file or repeats a file, as
long as its number is still in use, and by_dir then may not look past it. And what is not a link is left alone: OpenSSL
deletes a file that stands in the way.
"""

from __future__ import annotations

import hashlib
import os
import re
import typing
from collections.abc import Mapping
from pathlib import Path

from cryptography import x509

from certboot import files
from certboot.errors import CertificateError, StoreError
from certboot.pki import der, pem
from certboot.pki.parse_errors import parsing
from certboot.pki.subject_hash import subject_hash
from certboot.store.hash_links import Slot, plan

_EXTENSIONS = frozenset({".pem", ".crt", ".cer", ".crl"})
_LINK = re.compile(r"([0-9a-f]{8})\.(r?)(0|[1-9][0-9]{0,4})")

_LIMIT = files.LARGE
# What lies in the directory may be a pipe by the time it is opened.
_READ = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)


class RehashResult(typing.NamedTuple):
    """The links of a directory after the work, what of it is new, and what was passed over."""

    links: dict[str, str]
    made: tuple[str, ...]
    removed: tuple[str, ...]
    warnings: tuple[str, ...]


class Hashed(typing.NamedTuple):
    """What a file is linked by."""

    hash: str
    kind: str
    digest: str
    """SHA-256 of the DER bytes: two files with the same certificate get one link."""


def rehash(directory: Path) -> RehashResult:
    """Give every certificate and CRL in ``directory`` its hash link; raises StoreError.

    A second run makes and removes nothing.
    """
    try:
        return _rehash(directory)
    except OSError as error:
        message = f"cannot rehash {directory}: {error.strerror or error}"
        raise StoreError(message, "give a directory that you may write to") from error


def _rehash(directory: Path) -> RehashResult:
    with os.scandir(directory) as scan:
        entries = sorted(scan, key=lambda entry: os.fsencode(entry.name))
    matches = filter(None, (_LINK.fullmatch(entry.name) for entry in entries))
    named = {match[0]: Slot(match[1], match[2], int(match[3])) for match in matches}
    symlinks = {entry.name for entry in entries if entry.is_symlink()}
    present = {slot: os.readlink(directory / name) for name, slot in named.items() if name in symlinks}
    occupied = {name: slot for name, slot in named.items() if name not in symlinks}
    contents = {entry.name: _hashed(entry) for entry in entries if entry.name in occupied or _eligible(entry.name)}
    copies, doubts = _copies(occupied, contents)
    eligible = {name: content for name, content in contents.items() if _eligible(name)}
    wanted, sources, more = _wanted(eligible, set(copies))
    strays = (name for content, name in copies.items() if content not in sources)
    more += [f"{name} is a copy of no file here; left alone" for name in strays]

    links = {str(slot): target for slot, target in plan(wanted, present, occupied.values()).items()}
    before = {str(slot): target for slot, target in present.items()}
    removed = tuple(name for name in before if name not in links)
    made = tuple(name for name, target in links.items() if before.get(name) != target)
    prefix = os.path.join(directory, "")
    for name in removed:
        os.unlink(prefix + name)
    for name in made:
        files.link_named(prefix, name, links[name])
    return RehashResult(links, made, removed, (*doubts, *more))


def _eligible(name: str) -> bool:
    # As os.path.splitext has it: a name that starts with its only dot has no extension.
    return name[-4:].lower() in _EXTENSIONS and name[:-4].strip(".") != ""


def _copies(occupied: Mapping[str, Slot], contents: Mapping[str, Hashed | str]) -> tuple[dict[Hashed, str], list[str]]:
    """Return what stands as a file under the name of a link, as systems without links have it, and warnings."""
    copies, doubts = {}, []
    slots = set(occupied.values())
    for name, slot in occupied.items():
        content = contents[name]
        if isinstance(content, str) or content[:2] != slot[:2]:
            doubts.append(f"{name} is neither a link nor a certificate of that hash; left alone")
        elif all(slot._replace(number=number) in slots for number in range(slot.number)):
            copies[content] = name  # behind a gap nobody would find it
    return copies, doubts


def _wanted(
    contents: Mapping[str, Hashed | str], copied: set[Hashed]
) -> tuple[list[tuple[str, str, str]], set[Hashed], list[str]]:
    """Return (hash, kind, file name) of every file that needs a link, what the files hold, and warnings."""
    known: set[Hashed] = set()
    wanted, doubts = [], []
    for name, content in contents.items():
        if isinstance(content, str):
            doubts.append(f"skipping {name}, {content}")
        elif content in known:
            doubts.append(f"skipping duplicate {'CRL' if content.kind else 'certificate'} in {name}")
        else:
            known.add(content)
            if content not in copied:
                wanted.append((content.hash, content.kind, name))
    return wanted, known, doubts


def _hashed(entry: os.DirEntry[str]) -> Hashed | str:
    """Return what the file is linked by, or in words why it is not."""
    try:
        data = _content(entry)
    except OSError as error:
        return f"it cannot be read: {error.strerror}"
    return "it is too large to be a certificate or CRL" if len(data) > _LIMIT else _linked_by(data)


def _content(entry: os.DirEntry[str]) -> bytes:
    """Return a file's bytes, but few more than ``_LIMIT``; raises OSError."""
    if not entry.is_file():
        return b""
    # Not files.read_regular(), nor open(): a directory of thousands is read here, and each call to the system counts.
    descriptor = os.open(entry.path, _READ)
    try:
        size = os.fstat(descriptor).st_size
        data = os.read(descriptor, min(size, _LIMIT) + 1)
        while len(data) not in (size, _LIMIT + 1) and (more := os.read(descriptor, files.SMALL)):
            data += more
    finally:
        os.close(descriptor)
    return data


def _linked_by(data: bytes) -> Hashed | str:
    """Return what these bytes are linked by, or why they are not."""
    # What OpenSSL's PEM_X509_INFO_read_bio makes of it: exactly one certificate or CRL, a key beside it or not.
    blocks = list(pem.blocks(data))
    certificates = [block for block in blocks if block.label in pem.CERTIFICATE_LABELS]
    crls = [block for block in blocks if block.label == pem.CRL_LABEL]
    if not certificates + crls or max(len(certificates), len(crls), sum(map(pem.is_key, blocks))) > 1:
        return "it does not contain exactly one certificate or CRL"
    if any(block.data is None for block in blocks):
        return "it cannot be read as PEM"
    try:
        first, *_ = [_object(block) for block in certificates + crls]
    except ValueError as error:
        return f"it is damaged: {error}"
    return first


def _object(block: pem.PemBlock) -> Hashed:
    data = block.data or b""
    encoded = data[: der.span(data, 0, len(data))[3]]  # a TRUSTED CERTIFICATE carries its settings after it
    digest = hashlib.sha256(encoded).hexdigest()
    is_crl = block.label == pem.CRL_LABEL
    try:
        with parsing():
            _ = x509.load_der_x509_crl(encoded) if is_crl else x509.load_der_x509_certificate(encoded)
    except CertificateError as error:
        # OpenSSL is milder with some, and it is the one who will look for them.
        from certboot.pki.certificate import loads_in_openssl

        if is_crl or not loads_in_openssl(encoded):
            raise der.DerError(str(error.__cause__)) from error
    name = der.crl_issuer(encoded) if is_crl else der.subject_name(encoded)
    return Hashed(subject_hash(name), "r" if is_crl else "", digest)
