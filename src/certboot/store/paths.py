"""Where the store lives, per user and operating system, what its parts are called, and which generation is in force."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path

import certboot_startup
from certboot import files, ownership
from certboot.errors import StoreError
from certboot.store.place import ignored_home

BUNDLE = "bundle.pem"
CRTS = "crts"
PARTIAL = ".partial"
"""How the name of a generation ends that is not whole yet, or no longer."""
NUMBER = "[1-9][0-9]*"
CERTIFICATE = r"[A-Za-z0-9_]+-([0-9a-f]{8})\.pem"
"""The names of files as ``pki.pem.file_name`` gives them, with the first digits of the SHA-256."""
LINK = "[0-9a-f]{8}[.](?:0|[1-9][0-9]*)"
"""The names of hash links."""
REPORT = r"[A-Z][A-Za-z]+(?:\.json)?"
"""The names of the CCADB's reports, and of the notes on them."""
RUN = "run-[0-9a-f]{8}"
"""The names of stores for one command, which last as long as somebody holds their lock."""
SHELL = "env-[0-9a-f]{16}"
"""The names of those for a shell, by what is in them."""
REHASHED = r"[0-9]+-[0-9]+\.(json|[0-9]+)"
"""The names of what certboot 0.1.0 remembered of rehashed directories."""
_LONGEST = 4096  # bytes of a path
_IN_FORCE = re.compile(r"generations[/\\][0-9]+")
_VALUE = re.compile(rf"(.+)[/\\](?:current|generations[/\\]{NUMBER})[/\\](?:\.[/\\])?(?:{re.escape(BUNDLE)}|{CRTS})")
"""What the hook sets a variable to."""


class StorePaths:
    """The names inside one store. Nothing here touches the disk."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.env = home / "env"
        """What the hook applies: KEY=value lines."""
        self.current = home / "current"
        """The switch: a symbolic link to the generation in force; without symbolic links, a file that names it."""
        self.generations = home / "generations"
        """The numbered generations."""
        self.trusted = home / "trusted"
        """What the user added, one PEM file per certificate."""
        self.distrusted = home / "distrusted"
        """What the user never wants to see in the store: a fingerprint and a name a line."""
        self.adopted = home / "adopted"
        """Which values of preset variables certboot has taken over."""
        self.repaired = home / "repaired"
        """Intermediates that servers forgot to send, one PEM file per certificate."""
        self.checked = home / "checked"
        """When the sources were last read, whether or not they held anything new (ISO 8601, UTC)."""
        self.cache = home / "cache"
        """Reports as they were last fetched."""
        self.rehash = home / "rehash"
        """What certboot 0.1.0 remembered of directories that it had rehashed; the next update takes it away."""
        self.hooks = home / "hooks.json"
        """Where copies of the hook were put into other interpreters."""
        self.config = home / "config.toml"
        """The user's settings."""
        self.lock = home / "lock"
        """Held by whoever writes; of a store for one command, by that command."""
        self.runs = home / "runs"
        """Stores for one command or a shell, each a whole one (``ephemeral``)."""
        chosen = (self.trusted, self.distrusted, self.adopted, self.repaired, self.config)
        noted = (self.checked, self.cache, self.rehash, self.hooks)
        self.parts = (self.env, self.current, *chosen, *noted, self.generations)
        """All of them but the lock, in the order in which they are to be removed: what points somewhere goes first."""

    @property
    def is_ephemeral(self) -> bool:
        """Whether it is a store for one command or a shell."""
        home = self.home
        return home.parent.name == self.runs.name and re.fullmatch(f"{RUN}|{SHELL}", home.name) is not None

    def holds(self, value: str) -> bool:
        """Return whether a variable's value is a path inside this store, of whatever generation."""
        return value.startswith(str(self.home) + os.sep) and os.pathsep not in value


def store_paths() -> StorePaths:
    """Return the paths of this user's store: ``$CERTBOOT_HOME``, or the user's data folder; raises StoreError."""
    return store_at(os.environ.get("CERTBOOT_HOME") or certboot_startup.home or _data_folder())


def own_paths() -> StorePaths:
    """Return the paths of a store in the user's data folder, whatever store is chosen; raises StoreError."""
    return store_at(_data_folder())


def store_at(folder: str) -> StorePaths:
    """Return the paths of a store in ``folder``; raises StoreError where no variable can name that."""
    if not os.path.isabs(folder):
        message = "there is no home folder to put the store into, or it is not an absolute path"
        raise StoreError(message, "set CERTBOOT_HOME, or HOME, to an absolute path")
    # The path ends up in SSL_CERT_DIR, which is a list, and in lines of KEY=value.
    unusable = next((character for character in (os.pathsep, "\n", "\r") if character in folder), None)
    if unusable:
        message = f"the store's path contains {unusable!r}, which SSL_CERT_DIR cannot express: {folder!r}"
        raise StoreError(message, "set CERTBOOT_HOME to another folder")
    return StorePaths(Path(os.path.normpath(folder)))


def _data_folder() -> str:
    """Return where the user's data lie, by platformdirs; of a HOME that does not count it knows nothing."""
    from platformdirs import user_data_dir

    # platformdirs before 4.12 takes the root of all files for an empty HOME.
    if not ignored_home(os.environ) and os.environ.get("HOME") != "":
        with contextlib.suppress(RuntimeError):  # HOME is missing, or no absolute path
            folder = user_data_dir("certboot")
            if os.path.isabs(folder):
                return folder
    try:
        return certboot_startup.store_home(os.environ, set(os.environ))
    except KeyError:
        return ""  # no HOME, and a user id that the system does not know


def in_force(paths: StorePaths) -> Path | None:
    """Return the folder of the generation in force, or None where there is none: what leads elsewhere is none."""
    try:
        link = paths.current.is_symlink()
        target = os.readlink(paths.current) if link else files.read_regular(paths.current, _LONGEST).decode().strip()
    except (OSError, UnicodeDecodeError):
        return None
    generation = paths.home / target
    return generation if _IN_FORCE.fullmatch(target) and generation.is_dir() else None


def is_of_store(value: str) -> bool:
    """Return whether this is what the hook sets a variable to, whichever store it serves."""
    match = _VALUE.fullmatch(value) if os.path.isabs(value) and os.pathsep not in value else None
    return match is not None and in_force(StorePaths(Path(match[1]))) is not None


def is_exposed(generation: Path) -> bool:
    """Return whether others could change a part of a generation; raises OSError where a part is missing.

    The hook asks it of the first three. To look at each file of the directory at every start would cost it too much.
    """
    crts = generation / CRTS
    if any(map(ownership.exposed_itself, (generation, crts, generation / BUNDLE))):
        return True
    for path in (crts / name for name in os.listdir(crts)):
        leads_out = path.is_symlink() and os.path.basename(os.readlink(path)) != os.readlink(path)
        if leads_out or ownership.exposed(path):
            return True
    return False
