"""What in a folder is certboot's, and whether the folder is a store: by what stands there, never by one name alone.

A store has ``current -> generations/N``, where N has a valid manifest. A run that was killed leaves less: then the
folder holds nothing but what such a run writes. Everything else is somebody else's, and nothing is written there, not
even a lock.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from certboot import files
from certboot.clients.variables import BY_NAME
from certboot.errors import CertbootError, StoreError
from certboot.files import is_folder, is_leaf
from certboot.store import choices, env_file, freshness, manifest
from certboot.store.config import load_config
from certboot.store.paths import (
    BUNDLE,
    CERTIFICATE,
    CRTS,
    LINK,
    NUMBER,
    PARTIAL,
    REHASHED,
    REPORT,
    RUN,
    SHELL,
    StorePaths,
    in_force,
)

_SWITCH = re.compile(rf"(generations/{NUMBER}\n?)?")
_LONGEST_SWITCH = 256
_ELSEWHERE = "set CERTBOOT_HOME to a folder of your own"


@dataclass(frozen=True)
class Kind:
    """What certboot writes into a folder: files and links by these names, and folders."""

    files: str = ""
    folders: dict[str, Kind] = field(default_factory=dict)


_GENERATION = Kind(rf"{re.escape(BUNDLE)}|{re.escape(manifest.NAME)}", {CRTS: Kind(f"{CERTIFICATE}|{LINK}")})
FOLDERS = {
    "trusted": Kind(CERTIFICATE),
    "repaired": Kind(CERTIFICATE),
    "cache": Kind(REPORT),
    "rehash": Kind(REHASHED),
    "generations": Kind("", {rf"{NUMBER}({re.escape(PARTIAL)})?": _GENERATION}),
}
_EPHEMERAL = Kind(r"env|current|lock|distrusted|config\.toml", {"generations": FOLDERS["generations"]})
FOLDERS["runs"] = Kind("", {f"{RUN}|{SHELL}": _EPHEMERAL})


def is_store(paths: StorePaths) -> bool:
    """Return whether the folder has a generation in force, or others, whole or half-made, that none has switched to."""
    generation = in_force(paths)
    with contextlib.suppress(StoreError):
        if generation:
            manifest.read(generation)
            return True
    if not _is_switch(paths.current) or others(paths.generations):
        return False
    return any(is_folder(numbered / CRTS) for numbered in entries(paths.generations))


def stranger(paths: StorePaths) -> Path | None:
    """Return the first thing in the folder that no run of certboot leaves there, or None; raises OSError."""
    for path in entries(paths.home):
        strange = others(path) if path.name in FOLDERS else [] if _is_left(paths, path) else [path]
        if strange:
            return strange[0]
    return None


def claim(paths: StorePaths) -> None:
    """Make the store's folder; raises StoreError where there is one that is neither a store nor about to be one."""
    refuse_ephemeral(paths)
    strange = None if is_store(paths) else stranger(paths)
    if strange == paths.config and entries(paths.home) == [strange]:
        load_config(strange)  # says what is wrong in it
    if not (strange or is_begun(paths) or os.path.lexists(paths.lock)):
        # Settings may be there before the store is. Nothing else of ours is there without these.
        strange = next((path for path in entries(paths.home) if path != paths.config), None)
    if strange is None and os.path.lexists(paths.lock) and (not paths.lock.is_file() or paths.lock.is_symlink()):
        strange = paths.lock  # it would be written through
    if strange:
        message = f"the folder for the store holds other things ({strange.relative_to(paths.home)}): {paths.home}"
        raise StoreError(message, _ELSEWHERE)
    files.make_folder(paths.home)


def refuse_ephemeral(paths: StorePaths) -> None:
    """Raise StoreError for a store for one command or shell: what is decided there would be gone with it."""
    if paths.is_ephemeral:
        message = f"this store is for one command or shell, and nothing in it is changed: {paths.home}"
        hint = "run it outside of certboot run --add; in a shell of env --add: unset CERTBOOT_HOME"
        raise StoreError(message, f"{hint}; or give --home DIR")


def is_begun(paths: StorePaths) -> bool:
    """Return whether a run that was killed, or ``hook``, has left more here than settings and a lock."""
    return is_folder(paths.generations) or is_folder(paths.runs) or _is_list_of_copies(paths.hooks)


def others(folder: Path) -> list[Path]:
    """Return what is in a folder of the store and not of the kind that certboot writes there; raises OSError."""
    return _divided(folder, FOLDERS[folder.name])[1] if is_folder(folder) else [folder]


def _divided(folder: Path, kind: Kind) -> tuple[list[Path], list[Path]]:
    """Return what certboot writes into a folder, folders last and after what is in them, and what else is there."""
    ours: list[Path] = []
    strange: list[Path] = []
    for path in sorted(entries(folder), key=is_folder):
        known = (inner for names, inner in kind.folders.items() if re.fullmatch(names, path.name))
        inner = next(known, None) if is_folder(path) else None
        if inner:
            own, other = _divided(path, inner)
            ours += [*own, path]
            strange += other
        else:
            # A file or link of such a name, or a file that was to get one.
            name = files.temporary_for(path.name) or path.name
            (ours if re.fullmatch(kind.files, name) and is_leaf(path) else strange).append(path)
    return ours, strange


def take_away(part: Path) -> None:
    """Remove a part of a store, and nothing in it that certboot did not write; raises OSError.

    The folder of the generations itself stays, for as long as there is a lock beside it.
    """
    if part.name not in FOLDERS:
        part.unlink(missing_ok=True)
        return
    ours, _ = _divided(part, FOLDERS[part.name])
    for path in (*ours, *(() if part.name == "generations" else (part,))):
        if not is_folder(path):
            path.unlink(missing_ok=True)
        elif not entries(path):
            path.rmdir()


def _is_switch(current: Path) -> bool:
    """Return whether this names a generation, whether or not there is such a one; or is empty, or not there."""
    try:
        if current.is_symlink():
            target = os.readlink(current)
        else:  # without symbolic links it is a file
            target = files.read_regular(current, _LONGEST_SWITCH, follow=False).decode("ascii")
    except FileNotFoundError:
        return True
    except (OSError, UnicodeDecodeError):
        return False
    return bool(_SWITCH.fullmatch(target))


def _is_left(paths: StorePaths, path: Path) -> bool:
    """Return whether a run of certboot leaves this in the folder: one of its files, or one half-written."""
    if is_half_written(paths, path):
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
    # The user's own may be a link.
    is_file = path.is_file() and (path == paths.config or not path.is_symlink())
    if path not in checks or not is_file or path.stat().st_size > files.LARGE:
        return False
    try:
        return checks[path](path) not in (None, False)
    except (CertbootError, OSError):
        return False


def _content(path: Path) -> bytes:
    return files.read_regular(path, files.LARGE, follow=False)


def is_half_written(paths: StorePaths, path: Path) -> bool:
    """Return whether this is a file that was to become one of the store's."""
    return files.temporary_for(path.name) in {part.name for part in paths.parts} and is_leaf(path)


def _is_env(path: Path) -> bool:
    env = env_file.parse(path)
    return env is not None and env.variables.keys() <= BY_NAME.keys() and env_file.render(env) == _content(path)


def _is_list_of_copies(path: Path) -> bool:
    try:
        copies = json.loads(_content(path))["copies"]
        return bool(copies) and all(copy.keys() - {"base"} == {"python", "folder", "user"} for copy in copies)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return False


def entries(folder: Path) -> list[Path]:
    """Return what is in a folder, in order of name; nothing where there is none."""
    return sorted(folder.iterdir()) if folder.is_dir() else []
