"""Whether certboot itself was installed as a tool, into an environment where none of the user's scripts run.

Both installers leave a file of their own beside pyvenv.cfg: pipx (since 0.13) pipx_metadata.json, uv uv-receipt.toml.
Without it the folder is known by where it lies:
https://pipx.pypa.io/latest/how-to/configure-paths/ and https://docs.astral.sh/uv/reference/storage/
"""

from __future__ import annotations

import os
import shutil
import typing
from collections.abc import Mapping
from pathlib import Path

_MARKERS = (("uv-receipt.toml", "uv tool"), ("pipx_metadata.json", "pipx"))
_HOMES = (("UV_TOOL_DIR", "uv tool", ""), ("PIPX_HOME", "pipx", "venvs"), ("PIPX_GLOBAL_HOME", "pipx", "venvs"))
# The last folders above the environment, as each lays them out where no variable says otherwise.
_LAYOUTS = (
    (("uv", "tools"), "uv tool"),
    (("uv", "data", "tools"), "uv tool"),
    (("pipx", "venvs"), "pipx"),
    (("pipx", ".cache"), "pipx run"),
)
# In uv's cache, where `uvx` makes environments that it throws away; the number is that of the cache's form.
_UVX = ("archive-v", "environments-v")


class Elsewhere(typing.NamedTuple):
    """An interpreter that the user probably means, and the options by which ``certboot hook`` takes it."""

    python: str
    user: bool


def tool_environment(prefix: str, environ: Mapping[str, str]) -> str:
    """Return which tool made the environment ``prefix`` for one program (pipx, pipx run, uv tool, uvx), or ""."""
    folder = Path(prefix)
    for marker, tool in _MARKERS:
        if (folder / marker).is_file():
            return tool
    for variable, tool, below in _HOMES:
        if environ.get(variable) and folder.parent == Path(environ[variable], below):
            return tool
    above = folder.parent.parts
    for layout, tool in _LAYOUTS:
        if above[-len(layout) :] == layout:
            return tool
    return "uvx" if folder.parent.name.startswith(_UVX) else ""


def elsewhere(prefix: str, environ: Mapping[str, str]) -> Elsewhere | None:
    """Return the interpreter of the active virtualenv, else the first python3 on PATH, that is not in ``prefix``."""
    own = Path(prefix).resolve()
    active = environ.get("VIRTUAL_ENV")
    for name in ("bin/python", "Scripts/python.exe") if active else ():
        path = Path(active or "", name)
        if path.exists() and path.parent.parent.resolve() != own:
            return Elsewhere(str(path), user=False)
    folders = filter(None, environ.get("PATH", os.defpath).split(os.pathsep))
    others = os.pathsep.join(folder for folder in folders if Path(folder).parent.resolve() != own)
    python = shutil.which("python3", path=others) or shutil.which("python", path=others)
    return Elsewhere(python, user=not (Path(python).parents[1] / "pyvenv.cfg").exists()) if python else None
