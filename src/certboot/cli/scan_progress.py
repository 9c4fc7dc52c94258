"""What a scan shows on the terminal: its progress and summary, and Ctrl-C."""

from __future__ import annotations

import contextlib
import shlex
import signal
import sys
import threading
import time
import typing
import warnings

from certboot.cli import terminal
from certboot.cli.terminal import over
from certboot.errors import printable
from certboot.scan.result import NOT_A_HOST, NOT_FINISHED, SOON

if typing.TYPE_CHECKING:
    from collections.abc import Iterator

    from certboot.scan.tally import Tally

_OFTEN = 0.1
_BAR = 20
_HOSTS = 3


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


def scan_summary(tally: Tally, span: str | None = None) -> str:
    """Return the summary: how many hosts are good, and how many have which cause, the commonest first."""
    lines = [summary_line(tally, span)]
    width = max((len(cause) for cause in tally.causes), default=0)
    for cause, count in _by_count(tally):
        examples = tally.examples[cause]
        shown = ", ".join(printable(example) for example in examples) + (", ..." if count > len(examples) else "")
        lines.append(f"{count:>9,}  {cause:<{width}}  {shown}")
    return "\n".join([*lines, *inspection(tally), *(f"{lead}{printable(line)}" for lead, line in commands(tally))])


def summary_line(tally: Tally, span: str | None = None) -> str:
    """Return how many hosts are good, fail, and end soon, or within this span."""
    hosts = tally.total - tally.invalid
    counts = [f"{tally.statuses['ok']:,} good"]
    counts += [f"{tally.statuses['warn']:,} warned of"] if tally.statuses["warn"] else []
    counts += [f"{tally.statuses['fail'] - tally.invalid:,} fail"]
    counts += [f"{tally.statuses['error']:,} not finished"] if tally.statuses["error"] else []
    parts = [f"{_counted(hosts, 'host')}: {', '.join(counts)}"]
    if soon := tally.remarks[SOON]:
        parts.append(f"{soon:,} end{'s' * (soon == 1)} {f'within {span}' if span else 'soon'}")
    if tally.invalid:
        parts.append(f"{_counted(tally.invalid, 'entry', 'entries')} name{'s' * (tally.invalid == 1)} no host")
    return "; ".join(parts)


def scan_progress(tally: Tally, whole: int) -> str:
    """Return one line on how far a scan has come; ``whole`` is how many entries its list has, 0 if nobody knows."""
    failed = tally.total - tally.statuses["ok"] - tally.statuses["warn"]
    bar, of = "", ""
    if whole:
        bar = f"[{'#' * (_BAR * min(tally.total, whole) // whole):.<{_BAR}}] "
        of = f" of {whole:,}"
    return f"{bar}{tally.total:,}{of} done, {failed:,} not good"


def inspection(tally: Tally) -> list[str]:
    """Return what there is to say of untrusted CAs behind hosts of several owners."""
    lines = []
    for issuer, hosts in sorted(tally.issuers.shared().items()):
        shown = ", ".join(printable(host) for host in hosts[:_HOSTS]) + (", ..." if len(hosts) > _HOSTS else "")
        lines.append(f"the same untrusted CA stands behind unrelated hosts: {printable(issuer)}")
        lines.append(f"{'':11}{shown}: most likely something on the way opens TLS (TLS inspection)")
    return lines


def commands(tally: Tally) -> list[tuple[str, str]]:
    """Return what mends the commonest cause that a command mends, and what tells of the commonest of all.

    Each with what stands before it.
    """
    causes = [cause for cause, _ in _by_count(tally) if cause not in (NOT_A_HOST, NOT_FINISHED)]
    causes += [SOON] if tally.remarks[SOON] else []
    if not causes:
        return []
    fix = next((tally.fixes[cause] for cause in causes if tally.fixes.get(cause)), ())
    return [*(("fix here: ", shlex.join(argv)) for argv in fix), ("hint: ", f"certboot explain {causes[0]}")]


def _by_count(tally: Tally) -> list[tuple[str, int]]:
    return sorted(tally.causes.items(), key=lambda counted: (-counted[1], counted[0]))


def _counted(number: int, noun: str, many: str = "") -> str:
    return f"{number:,} {noun if number == 1 else many or noun + 's'}"
