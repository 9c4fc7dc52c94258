"""Where clients look for their settings files, in ascending order of weight. Which of them exist is not asked.

pip: src/pip/_internal/configuration.py; curl: src/tool_findfile.c; npm: docs/content/configuring-npm/npmrc.md; conda:
conda/base/constants.py; uv: crates/uv-settings and crates/uv-dirs; wget, cargo and AWS: their manuals.
"""

from __future__ import annotations

import os
import shutil
import sys
import typing
from collections.abc import Mapping
from pathlib import Path

_WINDOWS = os.name == "nt"
_CONDA_NAMES = (".condarc", "condarc")
_CONDA_FOLDERS = ("/etc/conda", "/var/lib/conda")


class Surroundings(typing.NamedTuple):
    """On what the places depend."""

    environ: Mapping[str, str]
    folder: Path
    """The folder in which the user stands."""
    root: Path = Path("/")
    """Where the system's own files begin."""

    @property
    def home(self) -> Path:
        """The user's home folder."""
        return Path(self.environ.get("HOME") or os.path.expanduser("~"))

    @property
    def config(self) -> Path:
        """The user's folder for settings by the XDG rules."""
        return Path(self.environ.get("XDG_CONFIG_HOME") or self.home / ".config")

    def system(self, path: str) -> Path:
        """Return a place of the system's."""
        return self.root / path.lstrip("/")

    def system_configs(self) -> list[Path]:
        """Return the system's folders for settings by the XDG rules, the one that counts least first."""
        named = self.environ.get("XDG_CONFIG_DIRS")
        folders = [Path(name) for name in named.split(os.pathsep) if name] if named else [self.system("/etc/xdg")]
        return folders[::-1]


def surroundings(environ: Mapping[str, str]) -> Surroundings:
    """Return where settings files are looked for by this process."""
    try:
        return Surroundings(environ, Path.cwd())
    except OSError:  # it has been removed
        return Surroundings(environ, Path(os.path.abspath(os.sep)))


def pip(around: Surroundings) -> list[Path]:
    """Return the system's files, the user's, this interpreter's and the one that PIP_CONFIG_FILE names.

    That one takes the place of the user's, if it exists, and as /dev/null of all.
    """
    environ, home, name = around.environ, around.home, "pip.ini" if _WINDOWS else "pip.conf"
    chosen = environ.get("PIP_CONFIG_FILE")
    if chosen == os.devnull:
        return []
    if _WINDOWS:
        system = [Path(environ.get("PROGRAMDATA", "C:\\ProgramData"), "pip", name)]
        user = [home / "pip" / name, Path(environ.get("APPDATA", home), "pip", name)]
    elif sys.platform == "darwin":
        own = home / "Library/Application Support/pip"
        system = [around.system("/Library/Application Support/pip") / name]
        user = [home / ".pip" / name, (own if os.path.isdir(own) else around.config / "pip") / name]
    else:
        system = [*(folder / "pip" / name for folder in around.system_configs()), around.system("/etc") / name]
        user = [home / ".pip" / name, around.config / "pip" / name]
    files = system + ([] if chosen and os.path.exists(chosen) else user) + [Path(sys.prefix, name)]
    return files + ([Path(chosen)] if chosen else [])


def curl(around: Surroundings) -> list[Path]:
    """Return the one .curlrc that is used: the first that is there."""
    environ = around.environ
    # In $XDG_CONFIG_HOME curl 8 looks for the name without a dot, an older one for that with it (curl#10849).
    names = (".curlrc", "_curlrc") if _WINDOWS else (".curlrc",)
    places = [("CURL_HOME", names), ("XDG_CONFIG_HOME", ("curlrc", *names)), ("HOME", names)]
    if _WINDOWS:
        places += [("USERPROFILE", names), ("APPDATA", names)]
    folders = [(environ[variable], names) for variable, names in places if environ.get(variable)]
    paths = [Path(folder, name) for folder, names in folders for name in names]
    if "XDG_CONFIG_HOME" not in environ:
        homes = [home for home in (environ.get("CURL_HOME"), environ.get("HOME")) if home]
        paths += [Path(home, ".config", "curlrc") for home in homes[:1]]
    paths += [Path(home, ".curlrc") for home in _account_home()]
    return [path for path in paths if os.path.exists(path)][:1]


def npm(around: Surroundings) -> list[Path]:
    """Return npm's own file for the machine, the user's and that of the project in which the user stands."""
    environ = around.environ
    user = _npm_variable(environ, "userconfig")
    system = _npm_variable(environ, "globalconfig")
    prefix = _npm_variable(environ, "prefix") or environ.get("PREFIX")
    node = shutil.which("node", path=environ.get("PATH", os.defpath))
    if not prefix and node:
        prefix = str(Path(os.path.realpath(node)).parents[1])
    files = [Path(system)] if system else [Path(prefix, "etc", "npmrc")] if prefix else []
    project = next((path for path in _upwards(around.folder) if _is_npm_project(path)), around.folder)
    return list(dict.fromkeys((*files, Path(user) if user else around.home / ".npmrc", project / ".npmrc")))


def conda(around: Surroundings) -> list[Path]:
    """Return the files of the system, of conda's own environment, the user's, and of the active environment."""
    environ, home = around.environ, around.home
    folders = [around.system(path) for path in _CONDA_FOLDERS]
    root = environ.get("CONDA_ROOT") or _conda_root(environ)
    folders += [Path(root)] if root else []
    folders += [around.config / "conda", home / ".conda"]
    paths = [path for folder in folders for path in _condarcs(folder)]
    paths.append(home / ".condarc")
    paths += _condarcs(Path(environ["CONDA_PREFIX"])) if environ.get("CONDA_PREFIX") else []
    paths += [Path(environ["CONDARC"])] if environ.get("CONDARC") else []
    return list(dict.fromkeys(paths))


def uv(around: Surroundings) -> list[Path]:
    """Return the system's file, the user's, and that of the project in which the user stands.

    UV_CONFIG_FILE takes the place of all. Beside a uv.toml a pyproject.toml does not count.
    """
    environ = around.environ
    if environ.get("UV_NO_CONFIG", "").lower() in ("1", "true", "yes", "on"):
        return []
    if environ.get("UV_CONFIG_FILE"):
        return [Path(environ["UV_CONFIG_FILE"])]
    if _WINDOWS:
        system = [Path(environ.get("PROGRAMDATA", "C:\\ProgramData"), "uv", "uv.toml")]
        user = Path(environ.get("APPDATA", around.home), "uv", "uv.toml")
    else:
        system = [*(folder / "uv" / "uv.toml" for folder in around.system_configs()), around.system("/etc/uv/uv.toml")]
        user = around.config / "uv" / "uv.toml"
    return [*system, user, *_uv_project(around.folder)]


def wget(around: Surroundings) -> list[Path]:
    """Return the system's file and the user's."""
    return [around.system("/etc/wgetrc"), Path(around.environ.get("WGETRC") or around.home / ".wgetrc")]


def cargo(around: Surroundings) -> list[Path]:
    """Return the user's file; the older name goes first where both are there."""
    folder = Path(around.environ.get("CARGO_HOME") or around.home / ".cargo")
    return [path for path in (folder / "config", folder / "config.toml") if os.path.exists(path)][:1]


def aws(around: Surroundings) -> list[Path]:
    """Return the user's file."""
    return [Path(around.environ.get("AWS_CONFIG_FILE") or around.home / ".aws" / "config")]


def _account_home() -> list[str]:
    """Return the home folder that the system knows for this user, whatever HOME says."""
    if sys.platform == "win32":
        return []
    import pwd

    try:
        return [pwd.getpwuid(os.geteuid()).pw_dir]
    except KeyError:
        return []


def _npm_variable(environ: Mapping[str, str], name: str) -> str:
    return next((value for key, value in environ.items() if key.lower() == f"npm_config_{name}" and value), "")


def _is_npm_project(folder: Path) -> bool:
    return os.path.exists(folder / "package.json") or os.path.isdir(folder / "node_modules")


def _upwards(folder: Path) -> tuple[Path, ...]:
    return (folder, *folder.parents)


def _uv_project(folder: Path) -> list[Path]:
    for place in _upwards(folder):
        file = next(filter(os.path.isfile, (place / "uv.toml", place / "pyproject.toml")), None)
        if file and (file.name == "uv.toml" or _has_uv_table(file)):
            return [file]
    return []


def _has_uv_table(path: Path) -> bool:
    from certboot.files import UnreadableError, read_text

    try:
        return "[tool.uv" in (read_text(path) or "").replace(" ", "")
    except UnreadableError:
        return False


def _conda_root(environ: Mapping[str, str]) -> str:
    """Return the folder of conda itself: it lies in ``bin`` or ``condabin`` there."""
    program = environ.get("CONDA_EXE") or shutil.which("conda", path=environ.get("PATH", os.defpath))
    return str(Path(program).parents[1]) if program else ""


def _condarcs(folder: Path) -> list[Path]:
    listed = folder / "condarc.d"
    try:
        more = sorted(path for path in listed.iterdir() if path.suffix in (".yml", ".yaml"))
    except OSError:
        more = []
    return [*(folder / name for name in _CONDA_NAMES), *more]
