"""The start-up files of an interpreter that run code, in the order in which its ``site`` module takes them.

.pth files with import lines, and from Python 3.15 .start files (PEP 829). Read after CPython's Lib/site.py: folder by
folder and sorted by name; from 3.15 first the import lines of all folders, then all entry points, and a .start file
takes the place of the import lines of the .pth file of its name; from 3.18 import lines no longer run.
"""

from __future__ import annotations

import codecs
import os
import re
import stat
import typing

from certboot import files
from certboot.errors import printable

if typing.TYPE_CHECKING:
    from pathlib import Path

    from certboot.hook.interpreters import Interpreter

START_FILES = (3, 15)
"""From this version on .start files are read."""
NO_IMPORT_LINES = (3, 18)
"""From this version on the import lines of .pth files are not."""
# From which patch release on each minor version skips hidden files: https://github.com/python/cpython/issues/113659
_SKIPS_HIDDEN = {8: 19, 9: 19, 10: 14, 11: 8, 12: 2}
_UTF_8_SINCE = (3, 13)
_IMPORT = re.compile(r"import[ \t]+([\w.]+)")
_ENTRY = re.compile(r"[\w.]+:[\w.]+")


class Neighbour(typing.NamedTuple):
    """One start-up file that runs code, or would if it were not hidden."""

    path: Path
    first: str
    """The first module that it imports, or its first entry point."""
    hidden: bool
    """It is hidden, by a dot or by its attributes, and therefore skipped."""


def neighbours(interpreter: Interpreter) -> tuple[Neighbour, ...]:
    """Return the start-up files of an interpreter that run code. What cannot be read is left out."""
    pths: list[Neighbour] = []
    starts: list[Neighbour] = []
    version = interpreter.version
    for folder in interpreter.site_folders:
        try:
            names = sorted(os.listdir(folder))
        except OSError:
            continue
        skipping = _skips_hidden(version)
        hidden = {name for name in names if skipping and (name.startswith(".") or _is_hidden(folder / name))}
        replaced = set()
        if version >= START_FILES:
            entries = [(name, _first(folder / name, _ENTRY, strip=True)) for name in names if name.endswith(".start")]
            starts += [Neighbour(folder / name, first, name in hidden) for name, first in entries if first]
            replaced = {name.removesuffix(".start") for name, _ in entries if name not in hidden}
        if version < NO_IMPORT_LINES:
            for name in names:
                if name.endswith(".pth") and name.removesuffix(".pth") not in replaced:
                    encoding = "utf-8-sig" if version >= _UTF_8_SINCE else "utf-8"
                    first = _first(folder / name, _IMPORT, strip=version >= START_FILES, encoding=encoding)
                    if first:
                        pths.append(Neighbour(folder / name, first, name in hidden))
    return (*pths, *starts)


def _skips_hidden(version: tuple[int, int, int]) -> bool:
    return version >= (3, 13) or version[2] >= _SKIPS_HIDDEN.get(version[1], 0)


def _is_hidden(path: Path) -> bool:
    try:
        status = path.lstat()
    except OSError:
        return False
    # macOS has the one, Windows the other.
    hidden: int = getattr(status, "st_flags", 0) & stat.UF_HIDDEN
    hidden |= getattr(status, "st_file_attributes", 0) & stat.FILE_ATTRIBUTE_HIDDEN
    return bool(hidden)


def _first(path: Path, pattern: re.Pattern[str], *, strip: bool, encoding: str = "utf-8-sig") -> str:
    """Return what the first line that runs code names, or ""."""
    try:
        data = files.read_regular(path, files.SMALL)
    except OSError:
        return ""
    for line in codecs.decode(data, encoding, "replace").splitlines():
        match = pattern.match(line.strip() if strip else line)
        if match:
            return printable(match[match.lastindex or 0])
    return ""
