"""What the command line takes: commands, options, and the help for each."""

from __future__ import annotations

import argparse
import typing
from pathlib import Path

_EPILOG = """\
exit status: 0 all is well, 1 the doctor found a failure or a question was answered no, 2 wrong usage or certboot could
not do its work. The store lies in $CERTBOOT_HOME, or in the user's data folder. CERTBOOT_DISABLE=1 turns the start-up
hook off.
"""
_ID = "a certificate: the first digits of its SHA-256 (four or more), its name, or a part of its subject"


def parser() -> argparse.ArgumentParser:
    """Return the parser; what it returns has the name of the command in ``command``."""
    whole = argparse.ArgumentParser(
        prog="certboot",
        description="Make TLS certificates work for every program that a Python user starts.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    whole.add_argument("--version", action="store_true", help="show the version and exit")
    commands = whole.add_subparsers(title="commands", metavar="COMMAND", dest="command")
    for add in (
        _init, _doctor, _update, _trust, _distrust, _list, _show, _history, _rollback, _diff, _rehash, _purge
    ):  # fmt: skip
        add(commands)
    return whole


# argparse gives the type no public name.
_Commands: typing.TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001


def _init(commands: _Commands) -> None:
    init = commands.add_parser(
        "init",
        help="fill the store, and let the hook point programs at it",
        description="Fill the store from certifi, the operating system and your own CAs. Run again, it changes only "
        "what is new. What is chosen here, later updates go by. Nothing outside the store's folder is written.",
    )
    init.add_argument(
        "--add", metavar="FILE", type=Path, action="append", default=[],
        help="also trust the CA certificates in this file or folder; kept for later runs; may be given again",
    )  # fmt: skip
    init.add_argument(
        "--source", metavar="NAMES", help="where to take anchors from: certifi,system,ccadb (default: certifi,system)"
    )
    _sources(init)
    init.add_argument("--config", metavar="FILE", type=Path, help="take these settings, as a team shares them")
    _password(init)


def _update(commands: _Commands) -> None:
    update = commands.add_parser(
        "update",
        help="read the sources again",
        description="Read the sources that were chosen again, and bring the store to what they say now.",
    )
    update.add_argument("--max-age", metavar="SPAN", help="do nothing if that was done within this span, such as 7d")
    update.add_argument("--dry-run", action="store_true", help="show what would come and go, and change nothing")
    _sources(update)


def _sources(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--intermediates", action=argparse.BooleanOptionalAction,
        help="also store the TLS intermediates of the Mozilla programme, each under its anchor",
    )  # fmt: skip
    command.add_argument(
        "--from", dest="reports", metavar="DIR",
        help="read the CCADB's reports from this folder, and later ones too (network: from the network again)",
    )  # fmt: skip


def _password(command: argparse.ArgumentParser) -> None:
    command.add_argument("--password-file", metavar="FILE", type=Path, help="the password of a PKCS#12 file")


def _trust(commands: _Commands) -> None:
    trust = commands.add_parser(
        "trust",
        help="add a CA of your own",
        description="Show the CA certificates in a file, a folder or at an https address, ask, and trust them from "
        "then on. A certificate that was distrusted is let in again.",
    )
    trust.add_argument("target", metavar="FILE|DIR|URL", help="PEM, DER, PKCS#7 or PKCS#12")
    trust.add_argument("--sha256", metavar="HEX", default="", help="what comes from an address must have this SHA-256")
    trust.add_argument("--yes", action="store_true", help="do not ask (for an address: only with --sha256)")
    _password(trust)


def _distrust(commands: _Commands) -> None:
    distrust = commands.add_parser(
        "distrust",
        help="take a certificate out, for good",
        description="Take a certificate out of the store, with the intermediates below it, and keep it out at every "
        "later update.",
    )
    distrust.add_argument("id", metavar="ID", help=_ID)
    distrust.add_argument("--undo", action="store_true", help="let it in again, if its source still has it")


def _list(commands: _Commands) -> None:
    listing = commands.add_parser("list", help="list the certificates of the store")
    listing.add_argument("--role", choices=("anchor", "intermediate"), help="only these")
    listing.add_argument("--source", metavar="NAME", default="", help="only those from this source")
    listing.add_argument("--expiring", metavar="SPAN", help="only those that expire within this span, such as 30d")
    listing.add_argument("--rejected", action="store_true", help="what did not enter, and by which rule")
    listing.add_argument("--json", action="store_true", help="print one JSON object, with a digest of the store")


def _show(commands: _Commands) -> None:
    commands.add_parser("show", help="show all that is known of one certificate").add_argument(
        "id", metavar="ID", help=_ID
    )


def _history(commands: _Commands) -> None:
    commands.add_parser("history", help="list the generations: when, by which command, what came and went")


def _rollback(commands: _Commands) -> None:
    rollback = commands.add_parser(
        "rollback",
        help="go back to an earlier generation",
        description="Put an earlier generation in force. The next update applies the sources again; to keep a "
        "certificate out, distrust it.",
    )
    rollback.add_argument("number", metavar="N", type=int, nargs="?", help="the generation (default: the one before)")


def _diff(commands: _Commands) -> None:
    diff = commands.add_parser("diff", help="show what came and went between two generations")
    for name in ("before", "after"):
        diff.add_argument(name, metavar="N", type=int, help="a generation")


def _doctor(commands: _Commands) -> None:
    doctor = commands.add_parser(
        "doctor",
        help="say what is active and why; with a host, why its certificate fails",
        description="Look at the CA variables, the hook and the store, and change nothing. With a host, make one "
        "handshake with the trust that is active now, and show the verdict in OpenSSL's own words and the chain.",
        epilog="exit status: 0 nothing failed, 1 something failed, 2 wrong usage or a check could not be finished",
    )
    doctor.add_argument(
        "target", metavar="TARGET", nargs="*",
        help="a group (environment, hook, store; all if none is named), or a host: HOST, HOST:PORT or a URL",
    )  # fmt: skip
    doctor.add_argument("--json", action="store_true", help="print one JSON object instead of text")


def _rehash(commands: _Commands) -> None:
    rehash = commands.add_parser(
        "rehash",
        help="do what `openssl rehash` does, without the openssl program",
        description="Give every certificate and CRL in the directories (.pem, .crt, .cer, .crl) the link by which "
        "OpenSSL finds it, and remove links that lead nowhere. Files are left alone.",
    )
    rehash.add_argument("directory", metavar="DIR", type=Path, nargs="+", help="a directory of PEM files")


def _purge(commands: _Commands) -> None:
    purge = commands.add_parser(
        "purge",
        help="take the store away again",
        description="Remove everything that certboot wrote: the store, its settings and the CAs you added.",
    )
    purge.add_argument("--yes", action="store_true", help="do not ask")
