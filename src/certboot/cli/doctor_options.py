"""What the commands ``doctor`` and ``explain`` take."""

from __future__ import annotations

import argparse
import typing
from pathlib import Path

from certboot.net.starttls import PROTOCOLS

_HOUR = 3600
# argparse gives the type no public name.
Commands: typing.TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001


def doctor(commands: Commands) -> None:
    """Add the command ``doctor``."""
    command = commands.add_parser(
        "doctor",
        help="say what is active and why; with a host, why its certificate fails",
        description="Look at the CA variables, the hook and the store, and change nothing. With a host, shake hands "
        "with the trust that is active now, and show OpenSSL's verdict, its one cause and what mends it. A proxy is "
        "used as HTTPS_PROXY and NO_PROXY say. Nobody else is contacted.",
        epilog="exit status: 0 nothing failed, 1 something failed, 2 wrong usage or a check could not be finished",
    )
    command.add_argument(
        "target", metavar="TARGET", nargs="*",
        help="a group (environment, hook, store, clients; all if none is named), or a host: HOST, HOST:PORT or a URL",
    )  # fmt: skip
    command.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    command.add_argument(
        "--html", metavar="FILE", type=_path,
        help="with a host or a chain: also write a page to hand to the server's administrator",
    )  # fmt: skip
    server = command.add_argument_group("with a host")
    server.add_argument(
        "--starttls", choices=PROTOCOLS, metavar="PROTOCOL", help=f"begin with one of {', '.join(PROTOCOLS)}"
    )
    server.add_argument("--connect", metavar="ADDR", help="connect to this HOST[:PORT] in its place")
    server.add_argument("--servername", metavar="NAME", help="ask for this name, and look for it in the certificate")
    server.add_argument(
        "--timeout", metavar="SECONDS", type=seconds, default=10.0, help="for everything together (default: 10)"
    )
    server.add_argument("--clients", action="store_true", help="also try each client that is here on the host")
    offline = command.add_argument_group("without a connection")
    offline.add_argument(
        "--chain", metavar="FILE", type=_path,
        help="examine the chain in this file: the server's certificate, then what it sends along",
    )  # fmt: skip
    offline.add_argument("--host", metavar="NAME", help="the name that the certificate should be for")
    offline.add_argument("--at", metavar="TIME", help="as if it were then, such as 2027-01-31 (default: now)")
    offline.add_argument(
        "--anchors", metavar="FILE|DIR", type=_path, help="believe these CA certificates (default: the active trust)"
    )


def explain(commands: Commands) -> None:
    """Add the command ``explain``."""
    command = commands.add_parser(
        "explain",
        help="tell what a finding of the doctor means, and who can mend it",
        description="Tell what findings mean, why clients fail because of them, who can mend them and how. Without an "
        "id: list all findings.",
    )
    command.add_argument("id", metavar="ID", nargs="*", help="such as missing-intermediate")


def seconds(text: str) -> float:
    """Return a positive number of seconds, of at most an hour."""
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not 0 < found <= _HOUR:
        message = f"not a number of seconds from 0 to 3600: {text!r}"
        raise argparse.ArgumentTypeError(message)
    return found


def _path(text: str) -> Path:
    # Path("") is the folder one is in: an unset variable must not have --anchors believe what lies there.
    if not text:
        message = "an empty value"
        raise argparse.ArgumentTypeError(message)
    return Path(text)
