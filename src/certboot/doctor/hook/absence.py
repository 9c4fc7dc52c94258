"""Why the hook did not run in the interpreter that runs this, when ``site`` has processed its folders or has not."""

from __future__ import annotations

import os
import sys
import typing
from pathlib import Path

import certboot_startup
from certboot import files
from certboot.doctor.finding import Finding
from certboot.hook import inventory, payload
from certboot.hook.copies import hook_command
from certboot.hook.start_up_files import NO_IMPORT_LINES, START_FILES, neighbours

if typing.TYPE_CHECKING:
    from certboot.doctor.finding import Fix
    from certboot.hook.interpreters import Interpreter

_PTH, _START = payload.PTH, f"{payload.PACKAGE}.start"
# From Python 3.18 on; the first of them lies beside a hook that an installer put there.
_STARTS = (f"{payload.HOME}.start", _START)


def hook_evidence() -> dict[str, object]:
    """Return what the hook did in the interpreter that runs this."""
    return {
        "status": certboot_startup.status,
        "interpreter": sys.executable,
        "module": certboot_startup.__file__,
        "variables": sorted(certboot_startup.applied),
    }


def why_not_run(interpreter: Interpreter) -> Finding:
    """Return the one reason that applies."""
    if sys.flags.no_site:
        return _absent("hook-no-site", ": this interpreter was started with -S, which reads no start-up files")
    version, folders = interpreter.version, interpreter.site_folders
    names = _STARTS if version >= NO_IMPORT_LINES else (_PTH,)
    path = next((folder / name for folder in folders for name in names if os.path.lexists(folder / name)), None)
    if path is None:
        return _missing(interpreter, names[-1])
    if any(file.hidden and file.path.name in (_PTH, *_STARTS) for file in neighbours(interpreter)):
        return _absent("hook-hidden", f": its start-up file is hidden, and Python skips those: {path}", _shown(path))
    counting = names if version >= NO_IMPORT_LINES else (_PTH, _START)
    wrong = next((file for file in map(path.with_name, counting) if _altered(file, version)), None)
    if wrong:
        words = f": its start-up file is not as it was installed: {wrong}"
        return _absent("hook-altered", words, _replaced(interpreter, wrong))
    words = f", although its start-up file is in its place; `{interpreter.python} -v` says what site did: {path}"
    return _absent("hook-not-run", words)


def _absent(kind: str, words: str, fix: Fix = ()) -> Finding:
    return Finding(kind, "hook", "fail", "hook", f"did not run{words}", hook_evidence(), fix)


def hook_install(interpreter: Interpreter) -> Fix:
    """Return the command that copies the hook into an interpreter; what the system manages is left alone (PEP 668)."""
    return (hook_command("install", interpreter.python, user=interpreter.managed),)


def _missing(interpreter: Interpreter, name: str) -> Finding:
    beside = Path(certboot_startup.__file__).parents[1]
    install = hook_install(interpreter)
    if beside not in interpreter.site_folders and os.path.lexists(beside / name):
        words = f": it lies where Python looks for modules, but not for start-up files: {beside}"
        return _absent("hook-outside-site", words, install)
    installed = next(
        (folder for folder in interpreter.site_folders if inventory.look(folder).owner == "installer"), None
    )
    words = f": there is no {name} in {', '.join(map(str, interpreter.site_folders))}"
    return _absent("hook-missing", words, _reinstall(interpreter, installed) if installed else install)


def _altered(path: Path, version: tuple[int, int, int]) -> bool:
    """Return whether a start-up file of the hook that counts has other content than any that certboot writes."""
    if path.suffix == ".start" and version < START_FILES:
        return False
    try:
        data = files.read_regular(path, files.SMALL)
    except FileNotFoundError:
        return path.is_symlink()
    except OSError:
        return True
    own = inventory.look(path.parent)
    copy = payload.copy_files(own.home if own.owner == "certboot" else "", start_file=True)
    return data != {**payload.home_files(own.home, start_file=True), **copy}.get(path.name)


def _replaced(interpreter: Interpreter, path: Path) -> Fix:
    """Return what puts the right file in the place of one that somebody has changed.

    certboot never removes a file that it has not written, so for a copy of the hook that is a step of its own.
    """
    install = _reinstall(interpreter, path.parent)
    own = inventory.look(path.parent).owner != "installer" or path.suffix == ".start"
    return (("rm", str(path)), *install) if own and os.name == "posix" else install


def _reinstall(interpreter: Interpreter, folder: Path) -> Fix:
    # No installer brings a .start file.
    if inventory.look(folder).owner != "installer" or interpreter.version >= NO_IMPORT_LINES:
        return hook_install(interpreter)
    return ((str(interpreter.python), "-m", "pip", "install", "--force-reinstall", "--no-deps", "certboot"),)


def _shown(path: Path) -> Fix:
    """Return the command that takes away what hides a file."""
    if sys.platform == "darwin":
        return (("chflags", "nohidden", str(path)),)
    return (("attrib", "-h", str(path)),) if os.name == "nt" else ()
