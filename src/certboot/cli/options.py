"""The options that several commands take."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    # argparse gives the type no public name: a parser, or a group of its options.
    Options: TypeAlias = argparse._ActionsContainer  # noqa: SLF001

ID = "a certificate: the first digits of its SHA-256 (four or more), its name, or a part of its subject"
_HOUR = 3600


def examples(command: argparse.ArgumentParser, *lines: tuple[str, str]) -> None:
    """Let the command's help begin with these command lines, each with what it does."""
    command.set_defaults(examples=lines)


def words(command: argparse.ArgumentParser, name: str, metavar: str, about: str) -> None:
    """Add a list of words, between which options may stand."""
    command.add_argument(name, metavar=metavar, nargs="*", help=about)
    command.set_defaults(words=name)


def home(command: Options) -> None:
    """Add ``--home``, for a command that works on one store."""
    command.add_argument(
        "--home", metavar="DIR", dest="store", type=folder,
        help="the store's folder for this run, as CERTBOOT_HOME has it",
    )  # fmt: skip


def password_file(command: Options) -> None:
    """Add ``--password-file``."""
    command.add_argument("--password-file", metavar="FILE", type=path, help="the password of a PKCS#12 file")


def verbose(command: Options, about: str) -> None:
    """Add ``--verbose``."""
    command.add_argument("-v", "--verbose", action="store_true", help=about)


def quiet(command: Options) -> None:
    """Add ``--quiet``. It may stand at a command and at its action, of which neither takes it back."""
    command.add_argument(
        "-q", "--quiet", action="store_true", default=argparse.SUPPRESS,
        help="tell only what failed or needs a decision, as for cron",
    )  # fmt: skip


def server(command: Options, span: str = "for each handshake") -> None:
    """Add what leads to a server, as the doctor's remedies have it."""
    starttls(command)
    command.add_argument("--connect", metavar="ADDR", help="connect to this HOST[:PORT] in its place")
    command.add_argument("--servername", metavar="NAME", help="ask for this name, and look for it in the certificate")
    timeout(command, span)


def starttls(command: Options) -> None:
    """Add ``--starttls``."""
    from certboot.net.starttls import PROTOCOLS

    command.add_argument(
        "--starttls", choices=PROTOCOLS, metavar="PROTOCOL", help=f"begin with one of {', '.join(PROTOCOLS)}"
    )


def timeout(command: Options, span: str) -> None:
    """Add ``--timeout``. ``span``: for what it is."""
    command.add_argument("--timeout", metavar="SECONDS", type=seconds, default=10.0, help=f"{span} (default: 10)")


def fetches(command: Options) -> None:
    """Add what allows to fetch from more places than the public ones."""
    command.add_argument(
        "--allow-private", action="store_true",
        help="also fetch from private addresses and from this computer, on any port (without it: only if the server "
        "itself is at such an address)",
    )  # fmt: skip
    command.add_argument(
        "--allow-https", action="store_true", help="also fetch from https:// addresses, verified with the store"
    )


def name(text: str) -> str:
    """Return what names something. An empty path would be the current folder: "$FILE" of a shell that has no FILE."""
    if not text:
        raise argparse.ArgumentTypeError("the name is empty")
    return text


def path(text: str) -> Path:
    """Return the path of a file or folder."""
    if text.startswith(("https://", "http://")):
        raise argparse.ArgumentTypeError("a file or folder, not an address (certboot trust URL takes that of a CA)")
    return Path(name(text))


def folder(text: str) -> str:
    """Return the absolute path of a folder."""
    return os.path.abspath(name(text))


def seconds(text: str) -> float:
    """Return a positive number of seconds, of at most an hour."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number <= _HOUR:
        raise argparse.ArgumentTypeError(f"not a number of seconds above 0 and up to 3600: {text!r}")
    return number
