"""All that is to be known of the hook in one interpreter: where it is, whether it ran, and what else starts there."""

from __future__ import annotations

import os
import shlex
import subprocess
import typing
from dataclasses import dataclass

from certboot.hook import found, payload
from certboot.hook.copies import Copy
from certboot.hook.start_up_files import Neighbour, neighbours
from certboot.hook.status import Started, start

if typing.TYPE_CHECKING:
    from certboot.hook.found import Found
    from certboot.hook.interpreters import Interpreter

_OURS = (payload.PACKAGE, payload.HOME)


@dataclass(frozen=True)
class Survey:
    """The hook in one interpreter."""

    interpreter: Interpreter
    hooks: tuple[Found, ...]
    """Where it is, in the order in which the interpreter looks; mostly one."""
    renew: str
    """The command that brings the first of them up to date; empty where it is."""
    started: Started
    neighbours: tuple[Neighbour, ...]
    """The start-up files of others that run code, and of ours those that are hidden."""

    @property
    def well(self) -> bool:
        """Return whether there is a hook, as its installer or certboot left it, that runs."""
        return bool(self.hooks and self.started.status and not any(each.changed for each in self.hooks))


def survey(interpreter: Interpreter) -> Survey:
    """Look at one interpreter, and start it once; raises CertbootError."""
    looked = (found.look(folder) for folder in interpreter.site_folders)
    hooks = tuple(each for each in looked if each.owner != "nobody" or each.record)
    return Survey(
        interpreter=interpreter,
        hooks=hooks,
        renew=_renew(interpreter, hooks[0]) if hooks else "",
        started=start(interpreter.python),
        neighbours=tuple(n for n in neighbours(interpreter) if n.hidden or n.path.stem not in _OURS),
    )


def _renew(interpreter: Interpreter, hook: Found) -> str:
    if not found.outdated(hook):
        return ""
    if hook.owner == "certboot":
        user = hook.folder == interpreter.user_site
        return Copy(str(interpreter.python), str(hook.folder), user).command("install")
    words = [str(interpreter.python), "-m", "pip", "install", "--upgrade", "certboot"]
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)
