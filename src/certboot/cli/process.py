"""The process itself becomes another program, or where the system cannot do that waits for it."""

from __future__ import annotations

import errno
import os
import signal
import typing
from collections.abc import Mapping

CAN_BECOME = os.name == "posix"  # Windows starts another process and ends this one
# Python ignores these from its start, and a program would inherit that (see restore_signals in subprocess).
_IGNORED_BY_PYTHON = ("SIGPIPE", "SIGXFZ", "SIGXFSZ")


def become(argv: list[str], environ: Mapping[str, str]) -> typing.NoReturn:
    """Replace this process: exit status, signals, terminal and process id are the program's own. Raises OSError."""
    numbers = [getattr(signal, name) for name in _IGNORED_BY_PYTHON if hasattr(signal, name)]
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else whoever started us wants it ignored
        numbers.append(signal.SIGINT)
    former = {number: signal.signal(number, signal.SIG_DFL) for number in numbers}
    path = located(argv[0], environ)
    try:
        if path:
            os.execve(path, argv, environ)  # noqa: S606 - what the user asked for, and no shell reads it
        os.execvpe(argv[0], argv, environ)  # noqa: S606 - as above; it says why there is none
    except OSError as error:
        if error.errno != errno.ENOEXEC:
            raise
        # A script without a first line that names its interpreter is the shell's (POSIX, execvp).
        os.execve("/bin/sh", ["sh", path or argv[0], *argv[1:]], environ)  # noqa: S606 - as above
    finally:  # it could not be started, and to say so to a closed pipe must not kill this process
        for number, handler in former.items():
            signal.signal(number, handler)


def wait_for(argv: list[str], environ: Mapping[str, str]) -> int:
    """Start the program and return its exit status: Windows cannot replace a process. Raises OSError."""
    import subprocess

    command = [located(argv[0], environ) or argv[0], *argv[1:]]
    with subprocess.Popen(command, env=environ) as program:
        while True:
            try:
                return program.wait()
            except KeyboardInterrupt:
                continue  # the program has been sent the same, and decides


def located(program: str, environ: Mapping[str, str]) -> str | None:
    """Return where this environment's PATH has the program."""
    import shutil

    return shutil.which(program, path=environ.get("PATH", os.defpath))
