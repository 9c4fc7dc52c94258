"""What git's settings say about certificates, wherever they stand: git itself is asked."""

from __future__ import annotations

import os
import re
import subprocess
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path

from certboot.files import NotRegularError, UnreadableError, read_text, refuse_endless

if typing.TYPE_CHECKING:
    from certboot.clients.settings_places import Surroundings

_SECONDS = 10
_NAMES = r"^http\.(.*\.)?(sslverify|sslcainfo|sslcapath)$"
_SHORT = {"sslverify": "sslVerify", "sslcainfo": "sslCAInfo", "sslcapath": "sslCAPath"}


def git_settings(around: Surroundings) -> Iterator[tuple[str, str, str, int]]:
    """Yield name, value, file and line of git's settings in the user's folder, a repository's own among them.

    Those that count more come after the others; without git there are none. A name is ``http.sslVerify``, or for one
    address ``http.https://git.example/.sslVerify``. The file is empty where a setting comes from a variable
    (GIT_CONFIG_COUNT, GIT_CONFIG_PARAMETERS), and the line 0 where that is not known.
    """
    for origin, name, value in _told(around.environ, around.folder):
        start, _, last = name.rpartition(".")
        file = os.path.join(around.folder, origin[5:]) if origin.startswith("file:") else ""
        yield f"{start}.{_SHORT.get(last, last)}", value, file, _line(file, last)


def settings_outranked(environ: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Return the names of the git settings, outside any repository, that ``GIT_SSL_CAINFO`` would outrank.

    ``http.sslCAInfo`` and ``http.sslCAPath``, for one address or for all, included files as well (git-config(1)).
    Without git there are none.
    """
    names = (name for _, name, _ in _told(environ, Path(os.path.abspath(os.sep))))
    return tuple(dict.fromkeys(name for name in names if not name.endswith(".sslverify")))


def is_off(value: str) -> bool:
    """Return whether git takes this for false (git-config(1), Values)."""
    return value.lower() in ("false", "no", "off", "0", "")


def _line(file: str, name: str) -> int:
    """Return the line of the last setting of this name, whose section is not looked at; 0 for none."""
    try:
        text = read_text(Path(file)) if file else None
    except UnreadableError:
        return 0
    pattern = re.compile(rf"\s*(?:\[[^\]]*\])?\s*{name}\s*(?:=|$)", re.IGNORECASE)
    return max((n for n, line in enumerate((text or "").split("\n"), start=1) if pattern.match(line)), default=0)


def _told(environ: Mapping[str, str], folder: Path) -> Iterator[tuple[str, str, str]]:
    """Yield the origin, the name and the value of each setting that git finds from this folder."""
    try:  # git waits for what it is told to read, and then it is ended: with nothing told
        for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
            refuse_endless(environ.get(name, ""))
    except NotRegularError:
        return
    argv = ["git", "config", "--includes", "--null", "--show-origin", "--get-regexp", _NAMES]
    try:
        ran = subprocess.run(
            argv, env=dict(environ), capture_output=True, check=False, timeout=_SECONDS,
            stdin=subprocess.DEVNULL, cwd=folder,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return
    parts = os.fsdecode(ran.stdout).split("\0")
    for origin, pair in zip(parts[0::2], parts[1::2], strict=False):
        name, separator, value = pair.partition("\n")
        yield origin, name, value if separator else "true"  # a name alone, without an equals sign, means true
