"""The process itself becomes another program, or waits for it: as far as anybody can tell the same, but for its id."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
import typing
from collections.abc import Callable, Mapping

from certboot.errors import UNFINISHED

CAN_BECOME = os.name == "posix"  # Windows starts another process and ends this one


def _known(*names: str) -> frozenset[signal.Signals]:
    """Return those of the signals that this system has."""
    return frozenset(number for number in signal.Signals if number.name in names)


# Python ignores these from its start, and a program would inherit that (see restore_signals in subprocess).
_IGNORED_BY_PYTHON = _known("SIGPIPE", "SIGXFZ", "SIGXFSZ")
_KEYS = _known("SIGINT", "SIGQUIT", "SIGTSTP")
_STOPS = _known("SIGTTIN", "SIGTTOU")
_PASSED_ON = _KEYS | _known("SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGCONT", "SIGWINCH")


def become(argv: list[str], environ: Mapping[str, str]) -> typing.NoReturn:
    """Replace this process: exit status, signals, terminal and process id are the program's own. Raises OSError."""
    numbers = [*_IGNORED_BY_PYTHON]
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


def attend(start: Callable[[], int], descriptor: int) -> int:
    """Have a child that becomes a program by ``start``, and return its exit status; -N where signal N has ended it.

    ``start`` returns only where there is no program, with the status to end with. The child inherits ``descriptor``.

    The child stays in this process group, so that a terminal's keys reach it as they would without us: what the
    terminal sends to all of the group is left to it. What a process sends to us alone is passed on, and when a terminal
    stops the child we stop too, so that a shell sees its job stopped, and continue it when we are continued.
    """
    passed_on = {number for number in _PASSED_ON if signal.getsignal(number) is not signal.SIG_IGN}
    numbers = {signal.SIGCHLD, *_STOPS, *passed_on}
    # Blocked, so that none is lost, and with a handler: some systems drop a blocked signal whose default is nothing.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    former = {number: signal.signal(number, _nothing) for number in (signal.SIGCHLD, *passed_on)}
    child = os.fork()
    if not child:
        status = UNFINISHED
        try:
            for number, handler in former.items():
                signal.signal(number, signal.SIG_IGN if handler is signal.SIG_IGN else signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            os.set_inheritable(descriptor, True)  # noqa: FBT003 - it has no name
            status = start()
            for stream in filter(None, (sys.stdout, sys.stderr)):
                stream.flush()
        finally:  # what is further up is the parent's to do
            os._exit(status)
    return _waited_for(child, numbers)


def _waited_for(child: int, numbers: set[signal.Signals]) -> int:
    while True:
        number, by_process = _next_signal(numbers)
        if number != signal.SIGCHLD:
            if by_process or number == signal.SIGCONT:
                _send(child, number)
            continue
        news = _news(child)
        if news is None:
            continue
        if not os.WIFSTOPPED(news):
            return os.waitstatus_to_exitcode(news)
        if _has_terminal():
            os.kill(os.getpid(), signal.SIGSTOP)
            _send(child, signal.SIGCONT)


def end_by(number: int) -> int:
    """End this process as a signal has ended a child; return what a shell calls that, where it cannot (process 1)."""
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))  # the child has left one
    with contextlib.suppress(OSError, ValueError):  # SIGKILL has no handler
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
    os.kill(os.getpid(), number)
    return 128 + number


def _nothing(_number: int, _frame: object) -> None:
    """Do nothing: who waits for the signal has it."""


def _next_signal(numbers: set[signal.Signals]) -> tuple[int, bool]:
    """Wait for one of these; return it, and whether a process has sent it, and not the system for a terminal."""
    if hasattr(signal, "sigwaitinfo"):
        answer = signal.sigwaitinfo(numbers)
        return answer.si_signo, answer.si_code <= 0  # a process; Linux has its own codes above (sigaction(2))
    number = signal.sigwait(numbers)  # macOS: what a terminal's keys send is never passed on then
    return number, number not in _KEYS


def _news(child: int) -> int | None:
    """Return the child's new status, None where it has none; and reap what else process 1 has for children."""
    news = None
    while True:
        try:
            process, status = os.waitpid(-1, os.WNOHANG | os.WUNTRACED)
        except ChildProcessError:
            return news
        if not process:
            return news
        if process == child:
            news = status


def _send(child: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, number)


def _has_terminal() -> bool:
    """Return whether there is a terminal, and so perhaps a shell that continues what was stopped."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


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
