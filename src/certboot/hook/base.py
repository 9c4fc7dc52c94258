"""The hook for an interpreter and every virtualenv made from it: which interpreters may have it, and where it goes.

In their library folder, which their virtualenvs have on ``sys.path`` too, as ``sitecustomize.py``, which ``site``
imports last (CPython's Lib/site.py: execsitecustomize). Only where that folder is the user's own: a distribution's runs
the system's programs too, and its next upgrade would take the hook away.
"""

from __future__ import annotations

import os
import sys
import typing
from pathlib import Path

from certboot import files
from certboot.errors import CertbootError
from certboot.hook import interpreters, payload
from certboot.hook.inventory import read_record

if typing.TYPE_CHECKING:
    from certboot.hook.interpreters import Interpreter

# As uv writes it for the interpreters that it has downloaded for the user (crates/uv-python/src/managed.rs).
_MANAGED_BY_UV = b"managed by uv"
_DISTRIBUTIONS = ("/usr", "/System", "/nix", "/gnu", "/snap")
_INSTEAD = (
    "--python PATH names another; certboot hook install --all-venvs DIR reaches the virtualenvs of this one, each"
)


def base_of(interpreter: Interpreter) -> Interpreter:
    """Return the interpreter from which a virtualenv was made, and another itself; raises CertbootError."""
    if not interpreter.virtual:
        return interpreter
    major, minor, _ = interpreter.version
    for name in ("bin/python3", f"bin/python{major}.{minor}", "python.exe"):
        program = interpreter.base_prefix / name
        if program.exists():
            base = interpreters.ask(program)
            if base.stdlib.samefile(interpreter.stdlib):
                return base
    message = f"the interpreter from which {interpreter.python} was made is not in {interpreter.base_prefix}"
    raise CertbootError(message, "certboot hook install --base --python PATH names it")


def refuse_foreign(base: Interpreter) -> None:
    """Raise CertbootError where the library folder is not the user's own, or has another's ``sitecustomize``."""
    folder = base.stdlib
    reason = _whose(folder, base.base_prefix)
    if reason:
        message = f"--base is for interpreters of your own (uv, pyenv, conda, python.org), and {reason}"
        raise CertbootError(message, _INSTEAD)
    ours = {payload.BASE} if read_record(folder) else set()
    there = sorted(folder.glob(f"{Path(payload.BASE).stem}*"))
    other = next((path for path in there if path.name not in ours), None)
    if other:
        message = f"there is a sitecustomize that certboot did not put there, and Python runs but one: {other}"
        raise CertbootError(message, f"it is left alone; {_INSTEAD}")


def _whose(folder: Path, prefix: Path) -> str:
    """Return why a library folder is not the user's own, or ""."""
    marker = files.read_if_there(folder / "EXTERNALLY-MANAGED", files.SMALL)
    if marker is not None and _MANAGED_BY_UV not in marker:
        return f"a package manager has marked this one as its own (PEP 668): {folder}"
    real = folder.resolve()
    # What lies there no distribution for Linux touches; elsewhere it is the ports'.
    local = sys.platform == "linux" and real.is_relative_to("/usr/local")
    if os.name == "posix" and any(real.is_relative_to(place) for place in _DISTRIBUTIONS) and not local:
        return f"this one came with the system: {folder}"
    owner = folder.stat().st_uid if os.name == "posix" else None
    if os.name == "posix" and owner != os.geteuid():
        return f"this one belongs to {'root' if owner == 0 else f'another user (uid {owner})'}: {prefix}"
    return ""
