"""What in a folder is certboot's, and whether the folder is a store: by what stands there, never by one name alone.

A store has ``current -> generations/N``, where N has a valid manifest. A run that was killed leaves less: then the
folder holds nothing but what such a run writes. Everything else is somebody else's, and nothing is written there, not
even a lock.
"""

from __future__ import annotations

import json
import os
import re
import stat
import typing
from dataclasses import dataclass, field

from certboot import files
from certboot.clients.variables import BY_NAME
from certboot.errors import CertbootError, StoreError
from certboot.store import choices, env_file, freshness, manifest
from certboot.store.config import load_config
from certboot.store.paths import BUNDLE, CERTIFICATE, CRTS, LINK, NUMBER, PARTIAL, REHASHED, REPORT

if typing.TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from certboot.store.paths import StorePaths

_SWITCH = re.compile(rf"generations/({NUMBER})\n?")
_LARGEST_NOTE = 64 * 1024 * 1024  # bytes of what is parsed to see whose it is
_LONGEST_SWITCH = 256
_GENERATIONS = "generations"
_ELSEWHERE = "set CERTBOOT_HOME to a folder of your own"


@dataclass(frozen=True)
class _Kind:
    """What certboot writes into a folder: files and links by these names, and folders."""

    files: str = ""
    folders: dict[str, _Kind] = field(default_factory=dict)


_GENERATION = _Kind(rf"{re.escape(BUNDLE)}|{re.escape(manifest.NAME)}", {CRTS: _Kind(f"{CERTIFICATE}|{LINK}")})
_FOLDERS = {
    "trusted": _Kind(CERTIFICATE),
    "repaired": _Kind(CERTIFICATE),
    "cache": _Kind(REPORT),
    "rehash": _Kind(REHASHED),
    _GENERATIONS: _Kind("", {rf"{NUMBER}({re.escape(PARTIAL)})?": _GENERATION}),
}


def is_store(paths: StorePaths) -> bool:
    """Return whether the folder has a generation in force, or others, whole or half-made, that none has switched to."""
    if _in_force(paths):
        return True
    if not _is_switch(paths.current) or any(_strange(paths.generations, _FOLDERS[_GENERATIONS])):
        return False
    return any(_is_folder(generation / CRTS) for generation in _entries(paths.generations))


def is_purgeable(paths: StorePaths) -> bool:
    """Return whether the folder is a store, or holds nothing but what a killed run, or ``hook``, leaves of one."""
    return is_store(paths) or (_is_begun(paths) and stranger(paths) is None)


def stranger(paths: StorePaths) -> Path | None:
    """Return the first thing in the folder that no run of certboot leaves there, or None; raises OSError."""
    for path in _entries(paths.home):
        if path.name in _FOLDERS:
            strange = next(_strange(path, _FOLDERS[path.name]), None)
            if strange:
                return strange
        elif not _is_left(paths, path):
            return path
    return None


def claim(paths: StorePaths) -> None:
    """Make the store's folder; raises StoreError where there is one that is neither a store nor about to be one."""
    strange = None if is_store(paths) else stranger(paths)
    if strange == paths.config and _entries(paths.home) == [strange]:
        load_config(strange)  # says what is wrong in it
    if not (strange or _is_begun(paths) or os.path.lexists(paths.lock)):
        # Settings may be there before the store is. Nothing else of ours is there without these.
        strange = next((path for path in _entries(paths.home) if path != paths.config), None)
    if strange is None and os.path.lexists(paths.lock) and not _is_file(paths.lock):
        strange = paths.lock  # it would be written through
    if strange:
        message = f"the folder for the store holds other things ({strange.relative_to(paths.home)}): {paths.home}"
        raise StoreError(message, _ELSEWHERE)
    files.make_folder(paths.home)


def present(paths: StorePaths) -> tuple[Path, ...]:
    """Return the parts of a store that are there and of the kind that certboot writes, in the order of their removal.

    The generations come last: by them what is left when it is broken off is still known to be a store.
    """
    *parts, generations = paths.parts
    half = (path for path in _entries(paths.home) if _is_half_written(paths, path))
    return tuple(path for path in (*parts, *half, generations) if _is_part(path))


def take_away(part: Path) -> None:
    """Remove a part of a store, and nothing in it that certboot did not write; raises OSError.

    The folder of the generations itself stays, for as long as there is a lock beside it.
    """
    if part.name not in _FOLDERS:
        part.unlink(missing_ok=True)
    elif _emptied(part, _FOLDERS[part.name]) and part.name != _GENERATIONS:
        part.rmdir()


def left(paths: StorePaths) -> tuple[Path, ...]:
    """Return what is in the folder and not certboot's, what lies in a folder of certboot's one by one."""
    ours = {path.name for path in present(paths)}
    found: list[Path] = []
    for path in _entries(paths.home):
        if path.name not in ours:
            found.append(path)
        elif path.name in _FOLDERS:
            found += _strange(path, _FOLDERS[path.name])
    return tuple(found)


def _in_force(paths: StorePaths) -> bool:
    found = _SWITCH.fullmatch(_switched_to(paths.current))
    if not found:
        return False
    try:
        manifest.read(paths.generations / found[1])
    except StoreError:
        return False
    return True


def _is_begun(paths: StorePaths) -> bool:
    return _is_folder(paths.generations) or _is_list_of_copies(paths.hooks)


def _is_part(path: Path) -> bool:
    return _is_folder(path) if path.name in _FOLDERS else _is_leaf(path)


def _switched_to(current: Path) -> str:
    """Return what ``current`` names; without symbolic links it is a file."""
    try:
        if current.is_symlink():
            return os.readlink(current)
        return files.read_regular(current, _LONGEST_SWITCH, follow=False).decode("ascii")
    except (OSError, UnicodeDecodeError):
        pass
    return "?"


def _is_switch(current: Path) -> bool:
    """Return whether this names a generation, whether or not there is such a one; or is empty, or not there."""
    target = _switched_to(current) if os.path.lexists(current) else ""
    return not target or bool(_SWITCH.fullmatch(target))


def _is_left(paths: StorePaths, path: Path) -> bool:
    """Return whether a run of certboot leaves this in the folder: one of its files, or one half-written."""
    if _is_half_written(paths, path):
        return True
    if path == paths.current:
        return _is_switch(path)
    checks: dict[Path, Callable[[Path], object]] = {
        paths.lock: lambda lock: lock.stat().st_size == 0,
        paths.env: _is_env,
        paths.config: load_config,
        paths.distrusted: choices.read_distrusted,
        paths.adopted: lambda adopted: choices.render_adoptions(choices.read_adoptions(adopted)) == _content(adopted),
        paths.checked: freshness.read,
        paths.hooks: _is_list_of_copies,
    }
    is_file = _is_file(path) or (path == paths.config and path.is_file())  # the user's own may be a link
    if path not in checks or not is_file or path.stat().st_size > _LARGEST_NOTE:
        return False
    try:
        return checks[path](path) not in (None, False)
    except (CertbootError, OSError):
        return False


def _content(path: Path) -> bytes:
    return files.read_regular(path, _LARGEST_NOTE, follow=False)


def _is_half_written(paths: StorePaths, path: Path) -> bool:
    return files.temporary_for(path.name) in {part.name for part in paths.parts} and _is_leaf(path)


def _is_env(path: Path) -> bool:
    found = env_file.parse(path)
    return found is not None and found.variables.keys() <= BY_NAME.keys() and env_file.render(found) == _content(path)


def _is_list_of_copies(path: Path) -> bool:
    try:
        copies = json.loads(_content(path))["copies"]
        return bool(copies) and all(each.keys() == {"python", "folder", "user"} for each in copies)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return False


def _strange(folder: Path, kind: _Kind) -> Iterator[Path]:
    """Yield what is in a folder of certboot's and not of the kind that it writes there."""
    if not _is_folder(folder):
        yield folder
        return
    for path in _entries(folder):
        inner = _inner(kind, path)
        if inner:
            yield from _strange(path, inner)
        elif not _is_named(kind, path):
            yield path


def _emptied(folder: Path, kind: _Kind) -> bool:
    """Remove what certboot wrote into a folder, its folders last, and return whether nothing else was in it."""
    for path in sorted(_entries(folder), key=_is_folder):
        inner = _inner(kind, path)
        if inner and _emptied(path, inner):
            path.rmdir()
        elif not inner and _is_named(kind, path):
            path.unlink(missing_ok=True)
    return not _entries(folder)


def _inner(kind: _Kind, path: Path) -> _Kind | None:
    known = (inner for names, inner in kind.folders.items() if re.fullmatch(names, path.name))
    return next(known, None) if _is_folder(path) else None


def _is_named(kind: _Kind, path: Path) -> bool:
    """Return whether this is a file or link with a name of this kind, or a file that was to get one."""
    return bool(re.fullmatch(kind.files, files.temporary_for(path.name) or path.name)) and _is_leaf(path)


def _entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _mode(path: Path) -> int:
    """Return the mode of what is there itself, 0 for nothing; raises OSError."""
    try:
        return path.lstat().st_mode
    except FileNotFoundError:
        return 0


def _is_leaf(path: Path) -> bool:
    """Return whether this is a file or a link: no folder, and nothing to wait at."""
    return stat.S_ISREG(_mode(path)) or stat.S_ISLNK(_mode(path))


def _is_file(path: Path) -> bool:
    return stat.S_ISREG(_mode(path))


def _is_folder(path: Path) -> bool:
    return stat.S_ISDIR(_mode(path))
