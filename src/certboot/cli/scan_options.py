"""What the command ``scan`` takes."""

from __future__ import annotations

import argparse
from pathlib import Path

from certboot.cli.doctor_options import Commands, seconds
from certboot.net.starttls import PROTOCOLS

_MOST_JOBS = 512


def scan(commands: Commands) -> None:
    """Add the command ``scan``."""
    command = commands.add_parser(
        "scan",
        help="examine many hosts, and say which of them fail and why",
        description="Examine each host as `certboot doctor HOST` does, many at a time, and write a JSON line for each "
        "in the order of the list, then a summary by cause. An entry is HOST, HOST:PORT or a URL; a second field is "
        "the address to connect to in its place; what follows a # is a comment. What is no host gets a line too. "
        "Nothing is contacted but what the list names. After Ctrl-C every line that was written is whole.",
        epilog="exit status: 0 all hosts are good, 1 some host fails, 2 wrong usage or certboot could not do its work, "
        "130 after Ctrl-C",
    )
    command.add_argument("host", metavar="HOST", nargs="*", help="a host; - for a list on standard input, one a line")
    command.add_argument("--file", metavar="FILE", type=Path, help="a list of hosts, one a line")
    command.add_argument(
        "--starttls", choices=PROTOCOLS, metavar="PROTOCOL", help=f"begin with one of {', '.join(PROTOCOLS)}"
    )
    command.add_argument(
        "--jobs", metavar="N", type=_jobs, default=64, help=f"hosts at a time, at most {_MOST_JOBS} (default: 64)"
    )
    command.add_argument("--timeout", metavar="SECONDS", type=seconds, default=10.0, help="for each host (default: 10)")
    command.add_argument("--unordered", action="store_true", help="write each line when its host is done")
    command.add_argument("--output", metavar="FILE", type=Path, help="write the lines to this file, a new one")
    command.add_argument(
        "--resume", action="store_true", help="go on with the file of --output: ask only for what is not in it"
    )


def _jobs(text: str) -> int:
    """Return a number of hosts at a time."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) < len(str(10 * _MOST_JOBS)) else 0
    if not 1 <= number <= _MOST_JOBS:
        message = f"not a number from 1 to {_MOST_JOBS}: {text!r}"
        raise argparse.ArgumentTypeError(message)
    return number
