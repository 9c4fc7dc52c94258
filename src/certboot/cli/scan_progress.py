"""What a scan does with the terminal: its progress, and Ctrl-C."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
import time
import typing
import warnings

from certboot.cli.terminal import over

if typing.TYPE_CHECKING:
    from collections.abc import Iterator

    from certboot.scan.tally import Tally

_OFTEN = 0.1


class Progress:
    """One line on standard error that is written over, if that is a terminal."""

    def __init__(self, tally: Tally, *, shares_terminal: bool) -> None:
        self._tally = tally
        self._on = bool(sys.stderr and sys.stderr.isatty())
        self._shares = shares_terminal
        self._next = 0.0
        self._shown = False

    def show(self) -> None:
        """Write it anew, if the last time was a while ago."""
        if self._on and time.monotonic() >= self._next:
            from certboot.cli.scan_text import scan_progress

            self._next = time.monotonic() + _OFTEN
            self._shown = True
            over(scan_progress(self._tally))

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
