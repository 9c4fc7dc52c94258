"""Where a variable is set: the files that shells, sessions and services of this user read when they start.

A guess: what set it in this process need not be any of them, and may be a container, a service or a parent.
"""

from __future__ import annotations

import os
import re
import typing

from certboot.reading import UnreadableError, read_text

if typing.TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from certboot.clients.settings_places import Surroundings

_OF_USER = (
    ".profile", ".bash_profile", ".bash_login", ".bashrc", ".zshenv", ".zprofile", ".zshrc", ".config/fish/config.fish",
    ".pam_environment",
)  # fmt: skip
_OF_SYSTEM = ("/etc/environment", "/etc/profile", "/etc/bash.bashrc", "/etc/zsh/zshenv", "/etc/zsh/zshrc")
_FOLDERS = (
    ("~/.config/fish/conf.d", ".fish"),
    ("~/.config/environment.d", ".conf"),
    ("/etc/profile.d", ".sh"),
    ("/etc/environment.d", ".conf"),
)


def lines_that_set(name: str, around: Surroundings) -> tuple[str, ...]:
    """Return the lines, as FILE:LINE, that set a variable; none on Windows, which keeps them in the registry."""
    if os.name == "nt":
        return ()
    # NAME=value, export NAME=value, set -gx NAME value
    assignment = re.compile(
        rf"\s*(?:(?:export|declare\s+-\w+|typeset\s+-\w+)\s+)?{name}=|\s*set\s+(?:-\S+\s+)+{name}\s"
    )
    found = []
    for path in _files(around):
        try:
            text = read_text(path) or ""
        except UnreadableError:
            continue
        lines = enumerate(text.split("\n"), start=1)
        found += [f"{path}:{number}" for number, line in lines if assignment.match(line)]
    return tuple(found)


def _files(around: Surroundings) -> Iterator[Path]:
    yield from (around.home / name for name in _OF_USER)
    yield from (around.system(name) for name in _OF_SYSTEM)
    for place, suffix in _FOLDERS:
        folder = around.home / place[2:] if place.startswith("~/") else around.system(place)
        try:
            names = sorted(os.listdir(folder))
        except OSError:
            continue
        yield from (folder / name for name in names if name.endswith(suffix))
