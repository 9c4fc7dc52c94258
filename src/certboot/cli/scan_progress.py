"""What a scan does on the terminal while it goes on: its progress, Ctrl-C, and no warnings of threads."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
import time
import typing
import warnings

from certboot.cli import terminal
from certboot.cli.terminal import over

if typing.TYPE_CHECKING:
    from collections.abc import Iterator

    from certboot.scan.tally import Tally

_OFTEN = 0.1
_BAR = 20


class Progress:
    """One line on standard error that is written over, if that is a terminal."""

    def __init__(self, tally: Tally, whole: int, *, shares_terminal: bool) -> None:
        self._tally, self._whole = tally, whole
        self._on = bool(sys.stderr and sys.stderr.isatty()) and not terminal.quiet
        self._shares = shares_terminal
        self._next = 0.0
        self._shown = False

    def show(self) -> None:
        """Write it anew, if the last time was a while ago."""
        if self._on and time.monotonic() >= self._next:
            self._next = time.monotonic() + _OFTEN
            self._shown = True
            over(scan_progress(self._tally, self._whole))

    def before_a_line(self) -> None:
        """Take it away, if what comes next is written to the same terminal."""
        if self._shares:
            self.clear()
            self._next = 0.0

    def clear(self) -> None:
        """Take it away."""
        if self._shown:
            self._shown = False
            over("")


@contextlib.contextmanager
def interruptible() -> Iterator[threading.Event]:
    """Yield what Ctrl-C sets, so that it cuts no line in two; the second time it ends the program at once."""
    stopped = threading.Event()

    def stop(*_: object) -> None:
        if stopped.is_set():
            raise KeyboardInterrupt
        stopped.set()

    if threading.current_thread() is not threading.main_thread():
        yield stopped
        return
    former = signal.signal(signal.SIGINT, stop)
    try:
        yield stopped
    finally:
        signal.signal(signal.SIGINT, former)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Let no thread warn: what others switch off for themselves, they do for all threads and in no order."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def scan_progress(tally: Tally, whole: int) -> str:
    """Return one line on how far a scan has come; ``whole`` is how many entries its list has, 0 if nobody knows."""
    failed = tally.total - tally.statuses["ok"] - tally.statuses["warn"]
    bar, of = "", ""
    if whole:
        bar = f"[{'#' * (_BAR * min(tally.total, whole) // whole):.<{_BAR}}] "
        of = f" of {whole:,}"
    return f"{bar}{tally.total:,}{of} done, {failed:,} not good"
