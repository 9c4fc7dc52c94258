"""What the hook does when an interpreter starts: seen by starting it."""

from __future__ import annotations

import ast
import contextlib
import os
import subprocess
import typing
from dataclasses import dataclass

from certboot.errors import CertbootError
from certboot.hook import interpreters
from certboot.hook.interpreters import MARK
from certboot.printable import printable

if typing.TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

# It imports nothing, because whatever lies in the user's folder or on PYTHONPATH could be imported.
_LOOK = f"""\
import sys
hook = sys.modules.get("certboot_startup")
seen = [hook.status, hook.__file__, getattr(hook, "home", ""), sorted(hook.applied)] if hook else None
sys.stdout.write("\\n{MARK}" + ascii(seen) + "\\n")
"""
_COMPILE = "import py_compile, sys; [py_compile.compile(path) for path in sys.argv[1:]]"


@dataclass(frozen=True)
class Started:
    """What the hook said in an interpreter that was started for it."""

    status: str
    """``certboot_startup.status``; empty where the hook did not run."""
    module: str
    """The file of the hook that ran."""
    home: str
    """The store that was recorded beside it."""
    variables: tuple[str, ...]
    """The variables that it set."""


def start(python: Path) -> Started:
    """Start an interpreter with the variables of whoever called certboot; raises CertbootError."""
    text = interpreters.answer(python, _LOOK, interpreters.environ())
    try:
        seen = ast.literal_eval(text)
        if seen is None:
            return Started("", "", "", ())
        status, module, home, variables = seen
        return Started(str(status), str(module), str(home), tuple(map(str, variables)))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        message = f"an answer that no hook gives, from {python}: {printable(text[:80])}"
        raise CertbootError(message, f"see for yourself: {python} -c 'import certboot_startup'") from error


def compile_modules(python: Path, sources: Iterable[Path]) -> None:
    """Let the interpreter compile modules, readable for everybody.

    Who may not write to its folder of packages would else compile them anew at every start. Failing is no harm.
    """
    command: list[str | Path] = [python, "-E", "-S", "-c", _COMPILE, *sources]
    umask = 0o022 if os.name == "posix" else -1
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=60, umask=umask
        )  # fmt: skip
