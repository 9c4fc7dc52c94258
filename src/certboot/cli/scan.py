"""``scan``: many hosts, a table for people or a line for each for programs, and a summary."""

from __future__ import annotations

import argparse
import contextlib
import io
import itertools
import os
import re
import sys
import typing

from certboot import files, moment
from certboot.cli import options, terminal
from certboot.cli.terminal import aside, show, tell, tell_aside
from certboot.errors import EXPIRING, INTERRUPTED, OK, UNFINISHED, CertbootError, counted
from certboot.store.config import parse_duration
from certboot.store.paths import store_paths

if typing.TYPE_CHECKING:
    import threading
    from collections.abc import Generator, Iterable, Iterator
    from datetime import timedelta

    from certboot.cli.scan_progress import Progress
    from certboot.scan.entries import Entry
    from certboot.scan.result import Result
    from certboot.scan.shards import Merge, Shard
    from certboot.scan.tally import Tally

_STANDARD_INPUT = "-"
_USAGE = "certboot scan HOST ...; or with a list of hosts: certboot scan --file FILE"
_TABLE = "table"
_WHOLE = "interrupted; the results so far are whole"
_GAUGES = "openmetrics"
_INTERRUPTED = {_TABLE: "interrupted; only these hosts were asked", _GAUGES: "interrupted; nothing was written"}
_MORE_FILES = 64
_FILES_OF_A_JOB = 2
_MOST_JOBS = 512


def scan_options(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    options.examples(
        command,
        ("certboot scan intranet.example mail.example:465", "two hosts"),
        ("certboot scan --file hosts.txt --expires-within 30d", "many, one a line"),
        ("certboot scan --file hosts.txt --output hosts.jsonl", "into a file"),
    )
    command.description = (
        "Examine each host as `certboot doctor HOST` does, by the store alone (without one, by what this Python "
        "trusts), many at a time. On a terminal show those that are not good, the worst first; elsewhere write a JSON "
        "line for each in the order of the list, and a summary by cause on standard error. "
        "An entry is HOST, HOST:PORT or a URL; a second field is "
        "the address to connect to in its place; what follows a # is a comment. What is no host gets a line too. "
        "Nothing is contacted but what the list names. After Ctrl-C every line that was written is whole."
    )
    command.epilog = (
        "exit status: 0 all hosts are good, 1 some host fails, 2 wrong usage or certboot could not do its work, "
        "3 none fails, but the certificate of one ends within --expires-within, 130 after Ctrl-C"
    )
    options.words(command, "host", "HOST", "a host; - for a list on standard input, one a line")
    command.add_argument("--file", metavar="FILE", type=options.path, help="a list of hosts, one a line")
    command.add_argument(
        "--expires-within", metavar="SPAN",
        help="exit status 3 if a certificate ends within this span, such as 30d or 12h, though no host fails",
    )  # fmt: skip
    shape = command.add_mutually_exclusive_group()
    shape.add_argument(
        "--format", choices=("table", "json", "csv", "openmetrics"),
        help="how to write the results (default: table on a terminal, else json); openmetrics: gauges, at the end, and "
        "none after Ctrl-C",
    )  # fmt: skip
    shape.add_argument("--json", dest="format", action="store_const", const="json", help="as --format json")
    options.verbose(command, "in a table, also list the hosts that are good")
    options.starttls(command)
    command.add_argument(
        "--jobs", metavar="N", type=_jobs, default=64, help=f"hosts at a time, at most {_MOST_JOBS} (default: 64)"
    )
    options.timeout(command, "for each host")
    command.add_argument("--unordered", action="store_true", help="write each line when its host is done")
    command.add_argument("--output", metavar="FILE", type=options.path, help="write JSON lines to this file, a new one")
    command.add_argument(
        "--resume", action="store_true", help="go on with the file of --output: ask only for what is not in it"
    )
    part = command.add_mutually_exclusive_group()
    part.add_argument(
        "--shard", metavar="K/N", type=_shard, default="1/1",
        help="ask only for one of N parts of the list, K from 1 to N; a host's name and port alone say in which it is",
    )  # fmt: skip
    part.add_argument(
        "--merge", metavar="FILE", type=options.path, nargs="+",
        help="ask nobody: show what all shards wrote (JSON lines) as one scan's, in the order of the list; status 2 if "
        "a result is missing: with the list (--file) any, without it one before the last",
    )  # fmt: skip


def scan_command(arguments: argparse.Namespace) -> int:
    """Examine every host of the list. Nothing is contacted but what it names."""
    from certboot.cli.layout import form_of
    from certboot.cli.scan_formats import FORMATS
    from certboot.cli.scan_output import output
    from certboot.cli.scan_progress import Progress, interruptible, quiet
    from certboot.cli.scan_table import scan_table
    from certboot.scan.earlier import Earlier
    from certboot.scan.entries import Way, entries
    from certboot.scan.tally import Tally

    span = parse_duration(arguments.expires_within) if arguments.expires_within else None
    tally, earlier = Tally(), Earlier()
    on_terminal = bool(sys.stdout and sys.stdout.isatty()) and not arguments.output
    kind = _kind(arguments, _TABLE if on_terminal else "json")
    at_the_end = kind in (_TABLE, _GAUGES)
    with contextlib.ExitStack() as stack:
        listed = entries(_lines(arguments, stack), Way(arguments.starttls or "", arguments.timeout))
        merge = _merged(arguments, listed, stack) if arguments.merge else None
        length = merge.count if merge else _length(arguments)
        progress = Progress(tally, length, shares_terminal=on_terminal and not at_the_end)
        stack.enter_context(quiet())
        stopped = stack.enter_context(interruptible())
        stack.callback(progress.clear)
        left, ordered = earlier.left(listed, arguments.shard.has), not (arguments.unordered or at_the_end)
        work = merge.results(stopped) if merge else _asked(arguments, left, tally, stopped, ordered=ordered)
        write = stack.enter_context(output(arguments, tally, earlier))
        told = _told(stack.enter_context(contextlib.closing(work)), tally, progress, span)
        if kind == _TABLE:
            form = form_of(sys.stdout)
            tell(scan_table(told, tally, form, span=arguments.expires_within, every=arguments.verbose))
        else:
            for text in FORMATS[kind](told):
                # A part of the hosts would look like all of them.
                if not (kind == _GAUGES and (stopped.is_set() or (merge and not merge.whole))):
                    write(text)
        interrupted = stopped.is_set()
    if not (tally.total or earlier.length or interrupted):
        raise CertbootError("the list names no host", "a host a line; what follows a # is a comment")
    status, notes = _end(tally, kind, arguments, merge, interrupted=interrupted)
    if not (terminal.quiet and status == OK):
        _tell_end(tally, kind, notes, arguments.expires_within)
    return status


def _tell_end(tally: Tally, kind: str, notes: list[str], span: str | None) -> None:
    from certboot.cli.scan_summary import scan_summary

    on_terminal = bool(sys.stdout and sys.stdout.isatty())
    if kind != _TABLE:
        summary = scan_summary(tally, span)
        show(f"\n{summary}") if on_terminal else aside(summary)
    (tell if on_terminal else tell_aside)(notes)


def _kind(arguments: argparse.Namespace, usual: str) -> str:
    """Return the format; raises CertbootError where options do not go together."""
    if not (arguments.host or arguments.file or arguments.merge):
        raise CertbootError("no host is named", _USAGE)
    if arguments.merge and arguments.resume:
        raise CertbootError("--merge does not go with --resume", "write to another file")
    if not (sys.stdout or arguments.output):
        raise CertbootError("there is no standard output", "--output FILE")
    kind: str = arguments.format or usual
    if arguments.output and kind != "json":
        raise CertbootError(f"--output is for JSON lines, not for {kind}", f"certboot scan … --format {kind} > FILE")
    return kind


def _asked(
    arguments: argparse.Namespace, left: Iterable[Entry], tally: Tally, stopped: threading.Event, *, ordered: bool
) -> Generator[Result | None, None, None]:
    """Yield what comes of asking those that are left."""
    from certboot.scan.probe import Prober
    from certboot.scan.workers import results

    wanted = _MORE_FILES + _FILES_OF_A_JOB * arguments.jobs
    # A connection for which there is no file would look like a fault of its host.
    if most := _files_allowed(wanted):
        hosts = counted(arguments.jobs, "host")
        message = f"{hosts} at a time take {wanted} open files, and this process may have {most}"
        raise CertbootError(message, f"--jobs {max(1, (most - _MORE_FILES) // _FILES_OF_A_JOB)}")
    prober = Prober(store_paths(), os.environ, tally.issuers)
    return results(left, prober.examine, jobs=arguments.jobs, ordered=ordered, stopped=stopped)


def _merged(arguments: argparse.Namespace, listed: Iterable[Entry], open_files: contextlib.ExitStack) -> Merge:
    """Return what the files of --merge hold, when all of it was read; raises CertbootError."""
    from certboot.scan.shards import Merge

    merge = Merge()
    if most := _files_allowed(_MORE_FILES + len(arguments.merge)):
        message = f"{len(arguments.merge)} files at a time are too many for this process, which may have {most} open"
        raise CertbootError(message, "merge some of them into one first: --output FILE")
    for path in arguments.merge:
        try:
            merge.add(open_files.enter_context(io.BufferedReader(io.FileIO(files.open_regular(path)))), path)
        except OSError as error:
            raise CertbootError(f"cannot read {path}: {error.strerror}", files.hint(error)) from error
    merge.compare(listed if arguments.host or arguments.file else None)
    return merge


def _told(work: Iterable[Result | None], tally: Tally, progress: Progress, span: timedelta | None) -> Iterator[Result]:
    """Yield the results, each counted, with the progress shown meanwhile and taken away at the end."""
    from certboot.scan.result import within

    for result in work:
        if result:
            judged = within(result, span, moment.now()) if span is not None else result
            tally.add(judged)
            progress.before_a_line()
            yield judged
        progress.show()
    progress.clear()


def _jobs(text: str) -> int:
    """Return a number of hosts at a time."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) < len(str(10 * _MOST_JOBS)) else 0
    if not 1 <= number <= _MOST_JOBS:
        raise argparse.ArgumentTypeError(f"not a number from 1 to {_MOST_JOBS}: {text!r}")
    return number


def _shard(text: str) -> Shard:
    """Return a part of the list."""
    from certboot.scan.shards import Shard

    numbers = re.fullmatch("([0-9]{1,6})/([0-9]{1,6})", text)
    shard = Shard(int(numbers[1]), int(numbers[2])) if numbers else Shard(0, 0)
    if not 1 <= shard.number <= shard.of:
        raise argparse.ArgumentTypeError(f"not K/N with K from 1 to N: {text!r}")
    return shard


def _end(
    tally: Tally, kind: str, arguments: argparse.Namespace, merge: Merge | None, *, interrupted: bool
) -> tuple[int, list[str]]:
    """Return the exit status, and what is to be said below the summary."""
    from certboot.scan.result import SOON

    expiring = arguments.expires_within and tally.remarks[SOON]
    status = tally.exit_status or (EXPIRING if expiring else OK)
    if interrupted:
        on = ["hint: the same list with --output FILE --resume goes on where it stopped"]
        return INTERRUPTED, [_INTERRUPTED.get(kind, _WHOLE), *(on if kind == "json" and not merge else [])]
    if merge and not merge.whole:
        missing = counted(merge.missing, "entry has", "entries have")
        missing += f" no result, the first is entry {merge.first_missing}"
        where = missing if merge.missing else "a file ends in the midst of a line"
        again = "hint: the shards' own commands, with --resume, ask only for what is missing"
        return UNFINISHED, [f"not whole{'; nothing was written' * (kind == _GAUGES)}: {where}", again]
    if merge and not (arguments.host or arguments.file):
        return status, [f"whole up to entry {merge.count:,}; with the list (--file) it is known whether that is all"]
    return status, [f"no entry of the list is in shard {arguments.shard}"] if not tally.total else []


def _length(arguments: argparse.Namespace) -> int:
    """Return how many entries the list has, for a terminal; 0 if that is not known before all of it is parsed."""
    from certboot.scan.entries import is_entry, lines

    if not (sys.stderr and sys.stderr.isatty()) or _STANDARD_INPUT in arguments.host or arguments.shard.of > 1:
        return 0
    count = sum(is_entry(os.fsencode(host)) for host in arguments.host)
    if arguments.file:
        with contextlib.suppress(OSError), io.FileIO(files.open_regular(arguments.file)) as file:  # it is told later
            count += sum(map(is_entry, lines(file.read)))
    return count


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


def _files_allowed(wanted: int) -> int:
    """Have as many files open; return how many there may be where the system allows no more than that, else 0."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return 0
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (ValueError, OSError):
            return hard
    return 0
