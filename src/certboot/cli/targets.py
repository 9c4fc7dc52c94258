"""From the arguments that lead to servers to the servers."""

from __future__ import annotations

import typing
from pathlib import Path

from certboot import files
from certboot.errors import CertbootError

if typing.TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from certboot.net.target import Target


def targets(hosts: Sequence[str], file: Path | None, arguments: argparse.Namespace) -> tuple[Target, ...]:
    """Return the servers that are named, each once; raises CertbootError.

    ``file`` has a host a line; what follows a # is a comment.
    """
    lines = _lines(file) if file else []
    named = [*hosts, *(host for _, host in lines)]
    if not named:
        raise CertbootError("no host is named", f"certboot {arguments.command} HOST[:PORT]")
    if len(named) > 1 and (arguments.connect or arguments.servername):
        option = "connect" if arguments.connect else "servername"
        raise CertbootError(f"--{option} goes with one host", "run it once for each host")
    for number, host in lines:
        _check(host, arguments.starttls or "", f"{file}, line {number}")
    return tuple(dict.fromkeys(target(host, arguments) for host in named))


def target(host: str, arguments: argparse.Namespace) -> Target:
    """Return the server that a person names, with the options that lead to it; raises CertbootError."""
    from certboot.net.address import parse_target

    refuse_empty(arguments, "connect", "servername")
    way = (arguments.starttls or "", arguments.connect, arguments.servername, arguments.timeout)
    return parse_target(host, *way)


def refuse_empty(arguments: argparse.Namespace, *options: str) -> None:
    """Raise CertbootError if one of these options is there without a value, mostly that of an unset variable."""
    for option in options:
        if getattr(arguments, option) == "":
            raise CertbootError(f"an empty value: --{option}", f"give --{option} a value, or leave it out")


def _check(host: str, starttls: str, where: str) -> None:
    """Raise CertbootError with the place of a line that names no server."""
    from certboot.net.address import parse_address

    try:
        parse_address(host, starttls)
    except CertbootError as error:
        raise CertbootError(f"{where}: {error.message}", "correct this line, or put a # before it") from error


def _lines(file: Path) -> list[tuple[int, str]]:
    try:
        text = files.read_regular(file, files.LARGE).decode("utf-8-sig")  # some editors of Windows begin with a mark
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
        message = f"cannot read {file}: {reason}"
        hint = files.hint(error) if isinstance(error, files.NotRegularError) else "give a file with a host a line"
        raise CertbootError(message, hint) from error
    numbered = enumerate(text.splitlines(), 1)
    return [(number, host) for number, line in numbered if (host := line.partition("#")[0].strip())]
