"""From the arguments that lead to servers to the servers."""

from __future__ import annotations

import typing
from pathlib import Path

from certboot.errors import CertbootError
from certboot.model import Target

if typing.TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence


def targets(hosts: Sequence[str], file: Path | None, arguments: argparse.Namespace) -> tuple[Target, ...]:
    """Return the servers that are named, each once; raises CertbootError.

    ``file`` has a host a line; what follows a # is a comment.
    """
    named = [*hosts, *(_lines(file) if file else ())]
    if not named:
        message = "no host is named"
        raise CertbootError(message, f"certboot {arguments.command} HOST[:PORT]")
    if len(named) > 1 and (arguments.connect or arguments.servername):
        option = "connect" if arguments.connect else "servername"
        message = f"--{option} goes with one host"
        raise CertbootError(message, "run it once for each host")
    return tuple(dict.fromkeys(target(host, arguments) for host in named))


def target(host: str, arguments: argparse.Namespace) -> Target:
    """Return the server that a person names, with the options that lead to it; raises CertbootError."""
    from certboot.doctor.address import parse_address

    starttls = arguments.starttls or ""
    name, port = parse_address(host, starttls)
    connect = parse_address(arguments.connect, starttls) if arguments.connect else None
    # A port that is the usual one of both protocols does not exist.
    if connect and parse_address(arguments.connect)[1] != parse_address(arguments.connect, "smtp")[1]:
        connect = connect[0], port
    servername = parse_address(arguments.servername)[0] if arguments.servername else ""
    return Target(name, port, starttls, connect, servername, arguments.timeout)


def _lines(file: Path) -> list[str]:
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
        message = f"cannot read {file}: {reason}"
        raise CertbootError(message, "give a file with a host a line") from error
    return [host for line in text.splitlines() if (host := line.partition("#")[0].strip())]
