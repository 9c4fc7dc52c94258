"""Why the hook did not run in the interpreter that runs this, when ``site`` has processed its folders or has not."""

from __future__ import annotations

import os
import sys
import typing
from pathlib import Path

import certboot_startup
from certboot import files
from certboot.hook import found, payload
from certboot.hook.copies import hook_command
from certboot.hook.start_up_files import neighbours

if typing.TYPE_CHECKING:
    from certboot.doctor.finding import Fix
    from certboot.hook.interpreters import Interpreter

_PTH, _START = payload.PTH, f"{payload.PACKAGE}.start"
_START_SINCE = (3, 15)
_NO_IMPORT_LINES = (3, 18)


class Absence(typing.NamedTuple):
    """Why the hook did not run."""

    kind: str
    """The id of a finding."""
    words: str
    fix: Fix = ()


def why_not_run(interpreter: Interpreter) -> Absence:
    """Return the one reason that applies."""
    if sys.flags.no_site:
        return Absence(
            "hook-no-site", "did not run: this interpreter was started with -S, which reads no start-up files"
        )
    version, folders = interpreter.version, interpreter.site_folders
    name = _START if version >= _NO_IMPORT_LINES else _PTH
    there = [folder for folder in folders if os.path.lexists(folder / name)]
    if not there:
        return _missing(interpreter, name)
    path = there[0] / name
    if any(file.hidden and file.path.name in (_PTH, _START) for file in neighbours(interpreter)):
        return Absence(
            "hook-hidden", f"did not run: its start-up file is hidden, and Python skips those: {path}", _shown(path)
        )
    wrong = next((file for file in (path.with_name(_PTH), path.with_name(_START)) if _altered(file, version)), None)
    if wrong:
        words = f"did not run: its start-up file is not as it was installed: {wrong}"
        return Absence("hook-altered", words, _replaced(interpreter, wrong))
    words = (
        f"did not run, although its start-up file is in its place; `{interpreter.python} -v` says what site did: {path}"
    )
    return Absence("hook-not-run", words)


def hook_install(interpreter: Interpreter) -> Fix:
    """Return the command that copies the hook into an interpreter; what the system manages is left alone (PEP 668)."""
    return (hook_command("install", interpreter.python, user=interpreter.managed),)


def _missing(interpreter: Interpreter, name: str) -> Absence:
    beside = Path(certboot_startup.__file__).parents[1]
    install = hook_install(interpreter)
    if beside not in interpreter.site_folders and os.path.lexists(beside / name):
        words = f"did not run: it lies where Python looks for modules, but not for start-up files: {beside}"
        return Absence("hook-outside-site", words, install)
    installed = next((folder for folder in interpreter.site_folders if found.look(folder).owner == "installer"), None)
    words = f"did not run: there is no {name} in {', '.join(map(str, interpreter.site_folders))}"
    return Absence("hook-missing", words, _reinstall(interpreter, installed) if installed else install)


def _altered(path: Path, version: tuple[int, int, int]) -> bool:
    """Return whether a start-up file of the hook that counts has other content than any that certboot writes."""
    if path.suffix == ".start" and version < _START_SINCE:
        return False
    try:
        data = files.read_regular(path, files.SMALL)
    except FileNotFoundError:
        return path.is_symlink()
    except OSError:
        return True
    own = found.look(path.parent)
    return data != payload.copy_files(own.home if own.owner == "certboot" else "").get(path.name)


def _replaced(interpreter: Interpreter, path: Path) -> Fix:
    """Return what puts the right file in the place of one that somebody has changed.

    certboot never removes a file that it has not written, so for a copy of the hook that is a step of its own.
    """
    install = _reinstall(interpreter, path.parent)
    own = found.look(path.parent).owner != "installer"
    return (("rm", str(path)), *install) if own and os.name == "posix" else install


def _reinstall(interpreter: Interpreter, folder: Path) -> Fix:
    if found.look(folder).owner != "installer":
        return hook_install(interpreter)
    return ((str(interpreter.python), "-m", "pip", "install", "--force-reinstall", "--no-deps", "certboot"),)


def _shown(path: Path) -> Fix:
    """Return the command that takes away what hides a file."""
    if sys.platform == "darwin":
        return (("chflags", "nohidden", str(path)),)
    return (("attrib", "-h", str(path)),) if os.name == "nt" else ()
