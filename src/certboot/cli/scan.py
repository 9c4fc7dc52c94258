"""``scan``: many hosts, a JSON line for each, and at the end a summary by cause."""

from __future__ import annotations

import argparse
import contextlib
import io
import itertools
import os
import sys
import typing
from pathlib import Path

from certboot import files
from certboot.cli import options, terminal
from certboot.cli.terminal import aside, show
from certboot.errors import INTERRUPTED, OK, CertbootError
from certboot.store.paths import store_paths

if typing.TYPE_CHECKING:
    from collections.abc import Iterator

    from certboot.scan.tally import Tally

_STANDARD_INPUT = "-"
_USAGE = "certboot scan HOST ..., certboot scan --file FILE, or certboot scan - for standard input"
_MORE_FILES = 64
_FILES_OF_A_JOB = 2
_MOST_JOBS = 512


def scan_options(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    options.examples(
        command,
        ("certboot scan intranet.example mail.example:465", "two hosts"),
        ("certboot scan --file hosts.txt", "many hosts, one a line"),
        ("certboot scan --file hosts.txt --output hosts.jsonl", "into a file"),
    )
    command.description = (
        "Examine each host as `certboot doctor HOST` does, by the store alone (without one, by what this Python "
        "trusts), many at a time, and write a JSON line for each in the order of the list, then a summary by cause. "
        "An entry is HOST, HOST:PORT or a URL; a second field is "
        "the address to connect to in its place; what follows a # is a comment. What is no host gets a line too. "
        "Nothing is contacted but what the list names. After Ctrl-C every line that was written is whole."
    )
    command.epilog = (
        "exit status: 0 all hosts are good, 1 some host fails, 2 wrong usage or certboot could not do its work, "
        "130 after Ctrl-C"
    )
    options.words(command, "host", "HOST", "a host; - for a list on standard input, one a line")
    command.add_argument("--file", metavar="FILE", type=Path, help="a list of hosts, one a line")
    options.starttls(command)
    command.add_argument(
        "--jobs", metavar="N", type=_jobs, default=64, help=f"hosts at a time, at most {_MOST_JOBS} (default: 64)"
    )
    options.timeout(command, "for each host")
    command.add_argument("--unordered", action="store_true", help="write each line when its host is done")
    command.add_argument("--output", metavar="FILE", type=Path, help="write the lines to this file, a new one")
    command.add_argument(
        "--resume", action="store_true", help="go on with the file of --output: ask only for what is not in it"
    )


def scan_command(arguments: argparse.Namespace) -> int:
    """Examine every host of the list. Nothing is contacted but what it names."""
    from certboot.cli.scan_output import output
    from certboot.cli.scan_progress import Progress, interruptible, quiet
    from certboot.scan.earlier import Earlier
    from certboot.scan.entries import Way, entries
    from certboot.scan.probe import Prober
    from certboot.scan.result import scan_line
    from certboot.scan.tally import Tally
    from certboot.scan.workers import results

    if not (arguments.host or arguments.file):
        raise CertbootError("no host is named", _USAGE)
    if not (sys.stdout or arguments.output):
        raise CertbootError("there is no standard output", "--output FILE")
    _allow_files(arguments.jobs)
    tally, earlier = Tally(), Earlier()
    way = Way(arguments.starttls or "", arguments.timeout)
    paths = store_paths()
    on_terminal = bool(sys.stdout and sys.stdout.isatty())
    progress = Progress(tally, shares_terminal=on_terminal and not arguments.output)
    with quiet(), interruptible() as stopped, contextlib.ExitStack() as stack:
        stack.callback(progress.clear)
        listed = entries(_lines(arguments, stack), way)
        prober = Prober(paths, os.environ, tally.issuers)
        write = stack.enter_context(output(arguments, tally, earlier))
        ordered = not arguments.unordered
        work = results(earlier.left(listed), prober.examine, jobs=arguments.jobs, ordered=ordered, stopped=stopped)
        for result in stack.enter_context(contextlib.closing(work)):
            if result:
                tally.add(result)
                progress.before_a_line()
                write(scan_line(result))
            progress.show()
        interrupted = stopped.is_set()
    return _ended(tally, interrupted=interrupted)


def _jobs(text: str) -> int:
    """Return a number of hosts at a time."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) < len(str(10 * _MOST_JOBS)) else 0
    if not 1 <= number <= _MOST_JOBS:
        raise argparse.ArgumentTypeError(f"not a number from 1 to {_MOST_JOBS}: {text!r}")
    return number


def _ended(tally: Tally, *, interrupted: bool) -> int:
    from certboot.cli.scan_progress import scan_summary

    if not tally.total and not interrupted:
        raise CertbootError("the list names no host", "a host a line; what follows a # is a comment")
    lines = [scan_summary(tally)]
    if interrupted:
        lines.append("interrupted; the results so far are whole")
        lines.append("hint: the same list with --output FILE --resume goes on where it stopped")
    if terminal.quiet and not interrupted and tally.exit_status == OK:
        return OK
    if sys.stdout and sys.stdout.isatty():
        show("\n".join(["", *lines]))
    else:
        aside("\n".join(lines))
    return INTERRUPTED if interrupted else tally.exit_status


def _lines(arguments: argparse.Namespace, open_files: contextlib.ExitStack) -> Iterator[bytes]:
    """Return the lines of the list: the arguments, one of which may stand for standard input, then the file."""
    from certboot.scan.entries import lines

    sources: list[Iterator[bytes]] = []
    for host in arguments.host:
        if host == _STANDARD_INPUT and not sys.stdin:
            raise CertbootError("there is no standard input", _USAGE)
        if host == _STANDARD_INPUT:
            # Read without a buffer, whose lock a thread that waits for input would still hold when Python ends.
            sources.append(lines(io.FileIO(sys.stdin.fileno(), closefd=False).read))
        else:
            sources.append(iter([os.fsencode(host)]))
    if arguments.file:
        try:
            sources.append(lines(open_files.enter_context(io.FileIO(files.open_regular(arguments.file))).read))
        except OSError as error:
            message = f"cannot read {arguments.file}: {error.strerror}"
            hint = "- reads what comes through standard input" if isinstance(error, files.NotRegularError) else ""
            raise CertbootError(message, hint or "give a file with a host a line") from error
    return itertools.chain.from_iterable(sources)


def _allow_files(jobs: int) -> None:
    """Have as many files open as so many connections take; raises CertbootError where the system forbids it.

    A connection for which there is no file would look like a fault of its host.
    """
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MORE_FILES + _FILES_OF_A_JOB * jobs
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (ValueError, OSError) as error:
        message = f"{jobs} hosts at a time take {wanted} open files, and this process may have {hard}"
        raise CertbootError(message, f"--jobs {max(1, (hard - _MORE_FILES) // _FILES_OF_A_JOB)}") from error
