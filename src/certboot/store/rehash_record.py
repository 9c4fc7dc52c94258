"""What ``rehash`` saw in a directory, kept in the store's folder so that the next run need not read every file again.

A record is only a hint. It counts for a file as long as size, times, inode and device are what they were, and nothing
that changed within two seconds before it was looked at is recorded: a later change could leave it the same times. That
is how git treats its index (https://git-scm.com/docs/racy-git). Windows has no time of change, so it has no records.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import operator
import os
import re
import sys
import time
import typing
from pathlib import Path

import cryptography

import certboot_startup
from certboot import files
from certboot.store.hash_links import Hashed

if typing.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from certboot.store.rehash import RehashResult

Found: typing.TypeAlias = "Hashed | str"
"""What a file is linked by, or why it is not."""

# Another version may see another thing in the same bytes. To be raised when what we make of a file changes.
_MADE_BY = [1, sys.version, cryptography.__version__]
_SETTLED_NS = 2_000_000_000
_LARGEST = 64 * 1024 * 1024
_MOST_RECORDS = 16
_HASH = re.compile(r"[0-9a-f]{8}")


class Key(typing.NamedTuple):
    """What changes when a file does."""

    size: int
    modified: int
    changed: int
    inode: int
    device: int

    def settled(self, now: int) -> bool:
        """Return whether every change from ``now`` on gives another key, however coarse the file system's clock is."""
        return max(self.modified, self.changed) < now - _SETTLED_NS


_state = operator.attrgetter("st_size", "st_mtime_ns", "st_ctime_ns", "st_ino", "st_dev")


class _Record(typing.NamedTuple):
    """A record as it was read: JSON in three lines, of which most runs need two."""

    folder: list[int]
    """The key of the directory, where its list of names may be believed by it."""
    links: dict[str, str]
    symlinks: list[str]
    """The symbolic links beside ``links``."""
    others: list[str]
    """What was there beside symbolic links and ``names``."""
    warnings: list[str]
    whole: bool
    """Whether the record is about everything that the links depend on."""
    names: list[str]
    """The files that were looked at, with five numbers of ``keys`` each, and three words of the last line."""
    keys: list[int]
    body: bytes
    """The second and third line."""


def default_folder() -> Path | None:
    """Return the folder of the records in the user's store, or None where there is no store: nobody's folder gets one.

    The same as ``store_paths().rehash``, whose import takes longer than a directory of a thousand files.
    """
    try:
        home = certboot_startup.store_home(dict(os.environ), set(os.environ))
    except KeyError:  # no HOME, and a user id that the system does not know
        return None
    in_force = os.path.join(home, "current")
    is_store = os.path.isfile(os.path.join(in_force, "manifest.json")) and os.path.isdir(os.path.join(in_force, "crts"))
    return Path(home, "rehash") if home and is_store else None


def key(status: os.stat_result) -> Key:
    """Return what tells this state of a file from every other."""
    return Key(*_state(status))


class Memory:
    """One run's view of the record of a directory; without ``folder`` nothing is known and nothing kept."""

    def __init__(self, directory: Path, folder: Path | None) -> None:
        self._directory = directory
        self._path = None
        self._now = time.time_ns()
        self._folder = key(os.stat(directory))  # before anything in it is looked at
        self._seen: dict[str, tuple[Key, Found]] = {}
        self._unsure = False
        if folder is not None and os.name == "posix":
            self._path = folder / f"{self._folder.device}-{self._folder.inode}.json"
        self._record = _load(self._path) if self._path else None

    def unchanged(self) -> tuple[dict[str, str], tuple[str, ...]] | None:
        """Return the links and warnings of the last run if everything they depend on is as it was, else None."""
        if not self._path or not self._record or not self._record.whole:
            return None
        try:
            if not _holds(self._record, self._folder, self._directory):
                return None
        except OSError:
            return None
        if self._record.folder != list(self._folder) and self._folder.settled(self._now):
            _write(self._path, _head(self._folder), self._record.body)
        return self._record.links, tuple(self._record.warnings)

    def known(self) -> dict[str, tuple[Key, Found]]:
        """Return what the record says of each file, and of which state of it."""
        if not self._record:
            return {}
        states = zip(*[iter(self._record.keys)] * len(Key._fields), strict=True)
        found = _found(self._record.body.rpartition(b"\n")[2])
        columns = zip(self._record.names, states, found, strict=False)  # the last line may be cut off
        return {name: (Key(*state), each) for name, state, each in columns if each}

    def saw(self, name: str, state: Key | None, found: Found) -> None:
        """Take note of a file; without ``state`` it is one that the next run must look at again."""
        if state is not None and state.settled(self._now):
            self._seen[name] = state, found
        else:
            self._unsure = True

    def keep(self, result: RehashResult, symlinks: set[str], others: set[str]) -> None:
        """Write the record, with the names that the directory should hold now. Failing that, there is none."""
        if not self._path:
            return
        content = {
            # The next run compares these with what is there, unless it may believe the state of the directory.
            "links": result.links,
            "symlinks": list(symlinks - result.links.keys()),
            "others": list(others - self._seen.keys()),
            "warnings": result.warnings,
            "whole": not self._unsure,
            "names": list(self._seen),
            "keys": [number for state, _ in self._seen.values() for number in state],
        }
        words = [word for _, found in self._seen.values() for word in _words(found)]
        settled = not result.made and not result.removed and self._folder.settled(self._now)
        body = "\n".join(map(json.dumps, (content, words))).encode()
        _write(self._path, _head(self._folder if settled else ()), body)


def _words(found: Found) -> tuple[str, ...]:
    return ("", "", found) if isinstance(found, str) else found


def _found(line: bytes) -> Iterator[Found]:
    """Yield what the last line of a record holds, with "" for what cannot be; nothing where it is no such line."""
    with contextlib.suppress(ValueError, RecursionError):
        words = json.loads(line)
        if type(words) is list and set(map(type, words)) <= {str}:
            for hash_, kind, text in zip(*[iter(words)] * len(Hashed._fields), strict=False):
                if not hash_:
                    yield text
                else:
                    yield Hashed(hash_, kind, text) if _HASH.fullmatch(hash_) and kind in ("", "r") else ""


def _holds(record: _Record, folder: Key, directory: Path) -> bool:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        # A symbolic link cannot be changed, only replaced, and that changes the directory.
        if record.folder != list(folder) and (
            _listing(descriptor) != _expected(record)
            or [os.readlink(name, dir_fd=descriptor) for name in record.links] != list(record.links.values())
        ):
            return False
        states = (_state(os.stat(name, dir_fd=descriptor)) for name in record.names)
        return list(itertools.chain.from_iterable(states)) == record.keys
    finally:
        os.close(descriptor)


def _expected(record: _Record) -> tuple[set[str], set[str]]:
    symlinks = {*record.links, *record.symlinks}
    return symlinks, {*record.names, *record.others} - symlinks


def _listing(descriptor: int) -> tuple[set[str], set[str]]:
    """Return the names of the symbolic links and of everything else."""
    with os.scandir(descriptor) as scan:
        entries = list(scan)
    symlinks = {entry.name for entry in entries if entry.is_symlink()}
    return symlinks, {entry.name for entry in entries} - symlinks


def _head(folder: Iterable[int]) -> bytes:
    return json.dumps({"by": _MADE_BY, "folder": list(folder)}).encode()


def _load(path: Path) -> _Record | None:
    """Return the record in ``path``, or None where it is missing, no record, or others could have written it."""
    if any(files.exposed(each) for each in (path.parents[1], path.parent, path)):
        return None
    try:
        head, _, body = files.read_regular(path, _LARGEST).partition(b"\n")
        header = json.loads(head)
        if header.pop("by") != _MADE_BY:
            return None
        record = _Record(**header, **json.loads(body.partition(b"\n")[0]), body=body)
    except (OSError, ValueError, TypeError, AttributeError, KeyError, RecursionError):
        return None
    return record if _shaped(record) else None


def _shaped(record: _Record) -> bool:
    lists = (record.symlinks, record.others, record.warnings, record.names, record.keys, record.folder)
    if {type(each) for each in lists} != {list} or type(record.links) is not dict or type(record.whole) is not bool:
        return False
    words = itertools.chain(*lists[:4], record.links.values())
    numbers = itertools.chain(record.keys, record.folder)
    return (
        set(map(type, words)) <= {str}
        and set(map(type, numbers)) <= {int}
        and len(record.keys) == len(record.names) * len(Key._fields)
    )


def _write(path: Path, head: bytes, body: bytes) -> None:
    """Put a record in its place in one step. Never makes the store's own folder; writes nothing where others may."""
    if not path.parents[1].is_dir() or files.exposed(path.parents[1]):
        return
    temporary = path.with_suffix(f".{os.getpid()}")
    with contextlib.suppress(OSError):
        with contextlib.suppress(FileExistsError):
            path.parent.mkdir(files.FOLDER_MODE)
        if files.exposed(path.parent):
            return
        try:
            # For the user only: the names of files may be nobody else's business. Not synced: it is only a hint, and
            # half of it is no JSON.
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
            with open(os.open(temporary, flags, 0o600), "wb") as file:
                file.writelines((head, b"\n", body))
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
        _forget_oldest(path.parent)


def _forget_oldest(folder: Path) -> None:
    records = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns)
    for path in records[:-_MOST_RECORDS]:
        path.unlink(missing_ok=True)
