"""``certboot rehash``: for any directory what ``openssl rehash`` does (apps/rehash.c), without the openssl program.

Two things differ on purpose. Every link that is not needed goes: OpenSSL keeps one that dangles, leads to another
file or repeats a file, as long as its number is still in use, and by_dir then may not look past it. And what is not a
link is left alone: OpenSSL deletes a file that stands in the way.
"""

from __future__ import annotations

import contextlib
import os
import re
import typing
import warnings
from pathlib import Path

from certboot.errors import StoreError
from certboot.store.hash_links import Slot, plan

if typing.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from certboot.store.hash_links import Found, Hashed

_EXTENSIONS = frozenset({".pem", ".crt", ".cer", ".crl"})
_LINK = re.compile(r"([0-9a-f]{8})\.(r?)(0|[1-9][0-9]{0,4})")


class RehashResult(typing.NamedTuple):
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
        with warnings.catch_warnings():
            # cryptography warns of old sins (a serial number below zero); they are no reason to print anything here.
            warnings.simplefilter("ignore")
            return _rehash(directory)
    except OSError as error:
        message = f"cannot rehash {directory}: {error.strerror or error}"
        raise StoreError(message, "give a directory that you may write to") from error


def _rehash(directory: Path) -> RehashResult:
    with os.scandir(directory) as scan:
        entries = sorted(scan, key=lambda entry: os.fsencode(entry.name))
    named = {entry.name: Slot(match[1], match[2], int(match[3])) for entry, match in _matches(entries)}
    symlinks = {entry.name for entry in entries if entry.is_symlink()}
    present = {slot: os.readlink(directory / name) for name, slot in named.items() if name in symlinks}
    occupied = {name: slot for name, slot in named.items() if name not in symlinks}
    found = _found([entry for entry in entries if entry.name in occupied or _eligible(entry.name)])
    copies, doubts = _copies(occupied, found)
    wanted, sources, more = _wanted({name: each for name, each in found.items() if _eligible(name)}, set(copies))
    more += [f"{name} is a copy of no file here; left alone" for each, name in copies.items() if each not in sources]

    links = {str(slot): target for slot, target in plan(wanted, present, occupied.values()).items()}
    before = {str(slot): target for slot, target in present.items()}
    removed = tuple(name for name in before if name not in links)
    made = tuple(name for name, target in links.items() if before.get(name) != target)
    prefix = os.path.join(directory, "")
    for name in removed:
        os.unlink(prefix + name)
    for name in made:
        link_named(prefix, name, links[name])
    return RehashResult(links, made, removed, (*doubts, *more))


def _matches(entries: list[os.DirEntry[str]]) -> Iterable[tuple[os.DirEntry[str], re.Match[str]]]:
    for entry in entries:
        match = _LINK.fullmatch(entry.name)
        if match:
            yield entry, match


def _eligible(name: str) -> bool:
    # As os.path.splitext has it: a name that starts with its only dot has no extension.
    return name[-4:].lower() in _EXTENSIONS and name[:-4].strip(".") != ""


def _found(entries: list[os.DirEntry[str]]) -> dict[str, Found]:
    """Return what each file is linked by, or why it is not."""
    from certboot.store.hashed import hashed  # it needs the certificate library, which the making of links does not

    return {entry.name: hashed(entry) for entry in entries}


def _copies(occupied: Mapping[str, Slot], found: Mapping[str, Found]) -> tuple[dict[Hashed, str], list[str]]:
    """Return what stands as a file under the name of a link, as systems without links have it, and warnings."""
    copies, doubts = {}, []
    slots = set(occupied.values())
    for name, slot in occupied.items():
        each = found[name]
        if isinstance(each, str) or each[:2] != slot[:2]:
            doubts.append(f"{name} is neither a link nor a certificate of that hash; left alone")
        elif all(slot._replace(number=number) in slots for number in range(slot.number)):
            copies[each] = name  # behind a gap nobody would find it
    return copies, doubts


def _wanted(
    found: Mapping[str, Found], copied: set[Hashed]
) -> tuple[list[tuple[str, str, str]], set[Hashed], list[str]]:
    """Return (hash, kind, file name) of every file that needs a link, what the files hold, and warnings."""
    known: set[Hashed] = set()
    wanted, doubts = [], []
    for name, each in found.items():
        if isinstance(each, str):
            doubts.append(f"skipping {name}, {each}")
        elif each in known:
            doubts.append(f"skipping duplicate {'CRL' if each.kind else 'certificate'} in {name}")
        else:
            known.add(each)
            if each not in copied:
                wanted.append((each.hash, each.kind, name))
    return wanted, known, doubts


def link(path: Path, target: str) -> None:
    """Make ``path`` stand for its neighbour ``target``: a relative symbolic link, else a hard link, else a copy.

    An older link at ``path`` is replaced; raises OSError.
    """
    link_named(os.path.join(path.parent, ""), path.name, target)


def link_named(prefix: str, name: str, target: str) -> None:
    """Do the same in the folder whose path, with a separator at the end, is ``prefix``."""
    path = prefix + name
    try:
        os.symlink(target, path)
    except FileExistsError:
        os.unlink(path)
        link_named(prefix, name, target)
    except (OSError, NotImplementedError):
        _stand_in(prefix + target, path)


def _stand_in(source: str, path: str) -> None:
    import shutil

    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    try:
        os.link(source, path)
    except OSError:
        shutil.copyfile(source, path)
