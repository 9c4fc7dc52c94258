"""What of the hook lies in one folder of packages, who put it there, and the record that says so.

``certboot_startup.json`` beside a copy lists which files certboot put there, and with what in them. Only what it lists
is ever replaced or removed, and only while it still is what was written. It is written before the first file and again
after the last one, so that a copy that was interrupted can be finished or taken away.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import re
import typing
from collections.abc import Mapping
from pathlib import Path

from certboot import files
from certboot.hook import payload

Owner: typing.TypeAlias = typing.Literal["nobody", "certboot", "installer", "unknown"]
"""Nobody: there is no hook. Installer: pip, uv or a package manager put certboot there. Unknown: it is left alone."""

RECORD_NAME = "certboot_startup.json"
_SCHEMA = 1
_LARGEST = 65536
# Whatever a record says, nothing else is ever removed.
_FILE = re.compile(
    r"certboot_startup\.(pth|start)|certboot_home\.(pth|start|py)|sitecustomize\.py"
    r"|(certboot_startup|certboot\.base)/[a-z_0-9]+\.py"
)
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Hook(typing.NamedTuple):
    """The hook in one folder of packages."""

    folder: Path
    owner: Owner
    version: str
    """The version of certboot that it came from; empty where that is not known."""
    home: str
    """The store that is recorded beside it."""
    record: Record | None
    """What certboot itself put there."""
    changed: tuple[str, ...]
    """Names of the record whose content is no longer what certboot wrote."""
    present: tuple[str, ...]
    """Names of the record that are there."""

    @property
    def base(self) -> bool:
        """Return whether it is one for every virtualenv of an interpreter."""
        return self.record is not None and self.record.base


def look(folder: Path) -> Hook:
    """Return what is in ``folder``; reads only."""
    own = read_record(folder)
    package, version = _installer(folder)
    if package and own:
        # It came later and wrote over the copy: what is left of that is the store's folder, if one is recorded.
        kept = {name: digests for name, digests in own.files.items() if name.startswith(payload.HOME)}
        own = own._replace(home=own.home if f"{payload.HOME}.pth" in kept else "", files=kept)
    record = own or Record("", "", {})
    digests = {name: digest(folder, name) for name in record.files}
    owner: Owner = "nobody"
    if package:
        owner = "installer"
    elif record.base or any(name.startswith(payload.PACKAGE) for name in record.files):
        owner = "certboot"
    elif _is_taken(folder):
        owner = "unknown"
    return Hook(
        folder=folder,
        owner=owner,
        version=version if package else record.version,
        home=record.home,
        record=own,
        changed=tuple(name for name, actual in digests.items() if actual and actual not in record.files[name]),
        present=tuple(name for name, actual in digests.items() if actual),
    )


def digest(folder: Path, name: str) -> str:
    """Return the SHA-256 of a file, "" if it is not there, and a word for what is no regular file of its own."""
    path = folder / name
    if path.parent != folder and path.parent.is_symlink():
        return "a link"
    try:
        return sha256(files.read_regular(path, files.LARGE, follow=False))
    except FileNotFoundError:
        return ""
    except (files.NotRegularError, IsADirectoryError):
        return "no file"
    except OSError:
        return "not to be read"


def outdated(hook: Hook) -> bool:
    """Return whether the hook is not the one that this certboot has, or a copy of it not whole."""
    if hook.owner == "installer":  # an editable install has the package elsewhere
        return any(digest(hook.folder, name) not in ("", sha256(data)) for name, data in payload.hook_files().items())
    if hook.owner != "certboot" or not hook.record:
        return False
    copied = payload.copy_files(hook.home, start_file=hook.record.start_file)
    files = payload.base_files(hook.home) if hook.base else copied
    wanted = {name: (sha256(data),) for name, data in files.items()}
    return dict(hook.record.files) != wanted or set(hook.present) != wanted.keys()


def _is_taken(folder: Path) -> bool:
    """Return whether there is a hook, or another thing of its name."""
    if any(os.path.lexists(folder / name) for name in (payload.PTH, f"{payload.PACKAGE}.start")):
        return True
    package = folder / payload.PACKAGE
    if package.is_symlink() or not package.is_dir():
        return os.path.lexists(package)
    # An interpreter that started just before a copy was removed may write a compiled module after it.
    return any(path.name != "__pycache__" for path in package.iterdir()) or not any(package.iterdir())


def _installer(folder: Path) -> tuple[bool, str]:
    """Return whether certboot was installed into ``folder`` as a package, with its hook, and in which version.

    Every installer leaves a .dist-info folder; those of pip, uv and conda list the files in RECORD.
    """
    for metadata in sorted(folder.glob("certboot-*.dist-info")):
        version = metadata.name.removeprefix("certboot-").removesuffix(".dist-info")
        try:
            if payload.PTH in installed_files(metadata):
                return True, version
        except FileNotFoundError:
            return True, version
        except (OSError, ValueError, csv.Error):
            continue
    return False, ""


def installed_files(metadata: Path) -> dict[str, str]:
    """Return the files of a package, by the .dist-info folder of an installer, with their digests.

    Raises OSError, ValueError or csv.Error.
    https://packaging.python.org/en/latest/specifications/recording-installed-packages/
    """
    text = files.read_regular(metadata / "RECORD", files.LARGE).decode()
    return {name: "".join(more[:1]) for name, *more in filter(None, csv.reader(io.StringIO(text, newline="")))}


class Record(typing.NamedTuple):
    """What certboot put into one folder of packages."""

    version: str
    """The certboot from which the copy was made."""
    home: str
    """The store's folder that the copy serves; empty: each user's own."""
    files: Mapping[str, tuple[str, ...]]
    """Name -> the SHA-256 that it may have: one, or while files are being replaced the new and the former ones."""
    start_file: bool = False
    """The interpreter needs a .start file."""

    @property
    def base(self) -> bool:
        """Return whether the folder is the library of an interpreter: the hook is for every virtualenv of that."""
        return payload.BASE in self.files


def sha256(data: bytes) -> str:
    """Return the SHA-256 of a file's content, lower-case hex."""
    return hashlib.sha256(data).hexdigest()


def render_record(record: Record) -> bytes:
    """Return the record as it is written."""
    whole = {
        "schema": _SCHEMA,
        "about": "written by certboot hook install; certboot hook uninstall removes these files",
        "version": record.version,
        "home": record.home,
        "start_file": record.start_file,
        "files": {name: list(record.files[name]) for name in sorted(record.files)},
    }
    return (json.dumps(whole, indent=1) + "\n").encode("ascii")


def parse_record(data: bytes) -> Record | None:
    """Return the record in ``data``, or None if it is none that certboot writes."""
    try:
        whole = json.loads(data)
        files = {name: tuple(digests) for name, digests in whole["files"].items()}
        version, home, start_file = whole["version"], whole["home"], whole.get("start_file") is True
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    names = all(_FILE.fullmatch(name) for name in files)
    digests = [digest for allowed in files.values() for digest in allowed]
    if not names or not all(isinstance(text, str) for text in (version, home, *digests)) or not all(files.values()):
        return None
    return Record(version, home, files, start_file) if all(_SHA256.fullmatch(digest) for digest in digests) else None


def read_record(folder: Path) -> Record | None:
    """Return the record in a folder of packages; None if there is none, or none that certboot wrote."""
    try:
        return parse_record(files.read_regular(folder / RECORD_NAME, _LARGEST, follow=False))
    except OSError:
        return None
