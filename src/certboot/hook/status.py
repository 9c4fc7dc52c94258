"""What the hook does in one interpreter: whether it starts there, seen by starting it, and what else does."""

from __future__ import annotations

import ast
import contextlib
import os
import subprocess
import typing

from certboot.errors import CertbootError, printable
from certboot.hook import interpreters, inventory, payload
from certboot.hook.copies import hook_command, shell_line
from certboot.hook.interpreters import MARK
from certboot.hook.start_up_files import Neighbour, neighbours

if typing.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from certboot.hook.interpreters import Interpreter
    from certboot.hook.inventory import Hook

# It imports nothing, because whatever lies in the user's folder or on PYTHONPATH could be imported. The first folder of
# the path is that of the code, which is none here.
_LOOK = f"""\
import sys
hook = sys.modules.get("certboot_startup")
state = [getattr(hook, name, "") for name in ("status", "__file__", "home", "generation", "switches")]
sys.stdout.write("\\n{MARK}" + ascii([*state, sorted(getattr(hook, "applied", ())), sys.path[1:]]) + "\\n")
"""
_COMPILE = "import py_compile, sys; [py_compile.compile(path) for path in sys.argv[1:]]"

_OURS = (payload.PACKAGE, payload.HOME)


class Started(typing.NamedTuple):
    """What the hook said in an interpreter that was started for it; empty where it did not run."""

    status: str
    """``certboot_startup.status``."""
    module: str
    """The file of the hook that ran."""
    home: str
    """The store that was recorded beside it."""
    variables: tuple[str, ...]
    """The variables that it set."""
    generation: str = ""
    """The folder of the generation by which it goes; empty where it is not active."""
    guards: frozenset[str] = frozenset()
    path: tuple[str, ...] = ()
    """Where the interpreter looks for packages, whether or not the hook ran."""


def start(python: Path, variables: Mapping[str, str] | None = None) -> Started:
    """Start an interpreter with these variables, or those of whoever called certboot; raises CertbootError."""
    text = interpreters.answer(python, _LOOK, interpreters.environ() if variables is None else dict(variables))
    try:
        *state, applied, path = ast.literal_eval(text)
        status, module, home, generation, guards = map(str, state)
        names, folders = tuple(map(str, applied)), tuple(map(str, path))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        message = f"an answer that no hook gives, from {python}: {printable(text[:80])}"
        raise CertbootError(message, f"see for yourself: {python} -c 'import certboot_startup'") from error
    return Started(status, module, home, names, generation, frozenset(guards.split(",")) - {""}, folders)


def compile_modules(python: Path, sources: Iterable[Path]) -> None:
    """Let the interpreter compile modules, readable for everybody.

    Who may not write to its folder of packages would else compile them anew at every start. Failing is no harm.
    """
    command: list[str | Path] = [python, "-E", "-B", "-S", "-c", _COMPILE, *sources]
    umask = 0o022 if os.name == "posix" else -1
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=60, umask=umask
        )  # fmt: skip


class Survey(typing.NamedTuple):
    """The hook in one interpreter."""

    interpreter: Interpreter
    hooks: tuple[Hook, ...]
    """Where it is, in the order in which the interpreter looks; mostly one."""
    renew: str
    """The command that brings the first of them that is outdated up to date; empty where none is."""
    started: Started
    neighbours: tuple[Neighbour, ...]
    """The start-up files of others that run code, and of ours those that are hidden."""

    @property
    def well(self) -> bool:
        """Return whether there is a hook, as its installer or certboot left it, that runs."""
        return bool(self.hooks and self.started.status and not any(hook.changed for hook in self.hooks))


def survey(interpreter: Interpreter) -> Survey:
    """Look at one interpreter, and start it once; raises CertbootError."""
    places = (inventory.look(folder) for folder in interpreter.site_folders)
    hooks = tuple(place for place in places if place.owner != "nobody" or place.record)
    base = inventory.look(interpreter.stdlib)
    hooks += (base,) if base.record else ()
    return Survey(
        interpreter=interpreter,
        hooks=hooks,
        renew=next(filter(None, (_renew(interpreter, hook) for hook in hooks)), ""),
        started=start(interpreter.python),
        neighbours=tuple(n for n in neighbours(interpreter) if n.hidden or n.path.stem not in _OURS),
    )


def _renew(interpreter: Interpreter, hook: Hook) -> str:
    if not inventory.outdated(hook):
        return ""
    if hook.owner == "certboot":
        user = hook.folder == interpreter.user_site
        return shell_line(hook_command("install", interpreter.python, user=user, base=hook.base))
    return shell_line((str(interpreter.python), "-m", "pip", "install", "--upgrade", "certboot"))
