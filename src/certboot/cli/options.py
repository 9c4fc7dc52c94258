"""What the command line takes: commands, options, and the help for each."""

from __future__ import annotations

import argparse
import os
import typing
from pathlib import Path

from certboot.cli.doctor_options import doctor, explain, seconds
from certboot.cli.scan_options import scan
from certboot.errors import printable
from certboot.net.starttls import PROTOCOLS
from certboot.store.export.formats import FORMATS, NAME, PASSWORD

_EPILOG = """\
exit status: 0 all is well, 1 the doctor found a failure or a question was answered no, 2 wrong usage or certboot could
not do its work. The store lies in $CERTBOOT_HOME, or in the user's data folder. CERTBOOT_DISABLE=1 turns the start-up
hook off.
"""
_ID = "a certificate: the first digits of its SHA-256 (four or more), its name, or a part of its subject"
ENV_FORMATS = ("sh", "fish", "powershell", "dotenv", "github", "docker", "json")
_ENV_FORMATS = """\
formats:
  sh          eval "$(certboot env)"
  fish        certboot env --format fish | source
  powershell  certboot env --format powershell | Out-String | Invoke-Expression
  dotenv      certboot env --format dotenv >> .env; also for systemd's EnvironmentFile=
  github      certboot env --format github >> "$GITHUB_ENV"
  docker      certboot env --format docker > ca.env; docker run --env-file ca.env, with the store's folder mounted
              at its own path: -v "$HOME/.local/share/certboot:$HOME/.local/share/certboot:ro"
  json        one object
"""


# The commands that work on one store.
_STORES = (
    "init", "update", "trust", "distrust", "adopt", "repair", "chain", "list", "show", "history", "rollback", "diff",
    "env", "run", "export", "purge",
)  # fmt: skip


class _Parser(argparse.ArgumentParser):
    """argparse's, but for errors that repeat what was typed: nothing in it can drive the terminal."""

    def error(self, message: str) -> typing.NoReturn:
        super().error(printable(message))


def parser() -> argparse.ArgumentParser:
    """Return the parser; what it returns has the name of the command in ``command``."""
    whole: argparse.ArgumentParser = _Parser(
        prog="certboot",
        description="Make TLS certificates work for every program that a Python user starts.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    whole.add_argument("--version", action="store_true", help="show the version and exit")
    commands = whole.add_subparsers(title="commands", metavar="COMMAND", dest="command")
    for add in (
        _init, doctor, explain, scan, _update, _trust, _distrust, _adopt, _repair, _chain, _list, _show, _history,
        _rollback, _diff, _env, _run, _hook, _rehash, _export, _purge,
    ):  # fmt: skip
        add(commands)
    for name in _STORES:
        commands.choices[name].add_argument(
            "--home", metavar="DIR", dest="store", type=_folder,
            help="the store's folder for this run, as CERTBOOT_HOME has it",
        )  # fmt: skip
    return whole


# argparse gives the type no public name.
_Commands: typing.TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001


def _init(commands: _Commands) -> None:
    init = commands.add_parser(
        "init",
        help="fill the store, and let the hook point programs at it",
        description="Fill the store from certifi, the operating system and your own CAs. Run again, it changes only "
        "what is new. What is chosen here, later updates go by. Outside of the "
        "store's folder only the hook's own files are written: copies that are outdated, and the folder's path beside "
        "a hook that would look elsewhere.",
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
        description="Show the CA certificates in a file, a folder or at an https address, or the CA at the top of a "
        "server's chain, fetched from where its certificates say that it lies if it is not sent; ask, and trust them "
        "from then on. A certificate that was distrusted is let in again.",
    )
    trust.add_argument(
        "target", metavar="FILE|DIR|URL|HOST", help="PEM, DER, PKCS#7 or PKCS#12; or a server: HOST or HOST:PORT"
    )
    trust.add_argument(
        "--sha256", "--fingerprint", metavar="HEX", default="",
        help="what comes from an address or a server must have this SHA-256",
    )  # fmt: skip
    trust.add_argument("--yes", action="store_true", help="do not ask (for an address or a server: only with --sha256)")
    _password(trust)
    _server(trust)
    _fetches(trust)


def _distrust(commands: _Commands) -> None:
    distrust = commands.add_parser(
        "distrust",
        help="take a certificate out, for good",
        description="Take a certificate out of the store, with the intermediates below it, and keep it out at every "
        "later update.",
    )
    distrust.add_argument("id", metavar="ID", help=_ID)
    distrust.add_argument("--undo", action="store_true", help="let it in again, if its source still has it")


def _adopt(commands: _Commands) -> None:
    adopt = commands.add_parser(
        "adopt",
        help="take over CA variables that something else has set",
        description="Take the certificates of the file or directory that a preset variable names into the store, read "
        "them again at every update, and let the hook replace exactly this value of this variable. Without a variable: "
        "all that are set. The variable itself is not changed outside Python.",
    )
    adopt.add_argument("variable", metavar="VARIABLE", nargs="*", help="such as REQUESTS_CA_BUNDLE")
    adopt.add_argument("--undo", action="store_true", help="leave the value alone again; what only it named leaves")
    adopt.add_argument("--yes", action="store_true", help="do not ask")
    adopt.add_argument(
        "--partial", action="store_true", help="with --yes, even if something that programs may rely on does not enter"
    )


def _repair(commands: _Commands) -> None:
    repair = commands.add_parser(
        "repair",
        help="store the intermediate that a server forgot to send",
        description="Look at the chain that a server sends. What is missing between it and an anchor of the store is "
        "taken from the store, from the CCADB's report if that was fetched, or from where the certificates say that "
        "their issuers are. What passes every check is shown, stored after a question for all clients, and leaves "
        "again with its anchor. Afterwards the handshake is made again. A root is never stored.",
        epilog="exit status: 0 every server's certificate is good now, 1 not every one's, or the answer was no, "
        "2 wrong usage or certboot could not do its work",
    )
    repair.add_argument("host", metavar="HOST", nargs="*", help="HOST, HOST:PORT or a URL")
    repair.add_argument("--file", metavar="FILE", type=Path, help="more of them, a host a line; # begins a comment")
    repair.add_argument("--yes", action="store_true", help="do not ask")
    repair.add_argument("--dry-run", action="store_true", help="show what would be stored, and change nothing")
    _server(repair)
    _fetches(repair)


def _chain(commands: _Commands) -> None:
    chain = commands.add_parser(
        "chain",
        help="write the complete chain that a server should send",
        description="Write what the operator of a server has to configure, in PEM: its certificate, then the "
        "intermediates in order, and no root. What the server does not send is looked for as `certboot repair` does. "
        "The store is not changed.",
        epilog="exit status: 0 the chain is complete, 1 it is not and nothing was written, 2 wrong usage or certboot "
        "could not do its work",
    )
    chain.add_argument("host", metavar="HOST", help="HOST, HOST:PORT or a URL")
    chain.add_argument("--output", metavar="FILE", help="where to write it (default: standard output)")
    chain.add_argument("--force", action="store_true", help="replace a file that is there already")
    _server(chain)
    _fetches(chain)


def _server(command: argparse.ArgumentParser) -> None:
    """Add what leads to a server, as the doctor's remedies have it."""
    command.add_argument(
        "--starttls", choices=PROTOCOLS, metavar="PROTOCOL", help=f"begin with one of {', '.join(PROTOCOLS)}"
    )
    command.add_argument("--connect", metavar="ADDR", help="connect to this HOST[:PORT] in its place")
    command.add_argument("--servername", metavar="NAME", help="ask for this name, and look for it in the certificate")
    command.add_argument(
        "--timeout", metavar="SECONDS", type=seconds, default=10.0, help="for each handshake (default: 10)"
    )


def _fetches(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--allow-private", action="store_true",
        help="also fetch from private addresses and from this computer, on any port (without it: only if the server "
        "itself is at such an address)",
    )  # fmt: skip
    command.add_argument(
        "--allow-https", action="store_true", help="also fetch from https:// addresses, verified with the store"
    )


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


def _env(commands: _Commands) -> None:
    env = commands.add_parser(
        "env",
        help="print the hook's variables for a shell, a service or a container",
        description="Print what the start-up hook sets, for what no Python starts. Like the hook, leave alone a\n"
        "variable that is set to something else, and say so on standard error.",
        epilog=_ENV_FORMATS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    env.add_argument("--format", choices=ENV_FORMATS, default="sh", help="how to write them (default: sh)")
    env.add_argument("--force", action="store_true", help="print those too that are set to something else")


def _run(commands: _Commands) -> None:
    run = commands.add_parser(
        "run",
        help="run a program with the hook's variables",
        usage="certboot run [-h] [--home DIR] [--] PROGRAM [ARGUMENT ...]",
        description="Set the variables of the start-up hook that are not set yet, and become the program: its exit "
        "status, signals and process id are its own. CERTBOOT_DISABLE turns off only the hook, not this.",
        epilog="exit status: the program's; 127 there is no such program, 126 it could not be started, "
        "2 there is no store and the program was not started",
    )
    run.add_argument("program", metavar="PROGRAM", nargs=argparse.REMAINDER, help="a program and its arguments")


def _hook(commands: _Commands) -> None:
    hook = commands.add_parser(
        "hook",
        help="put the start-up hook into other interpreters, or take it away",
        description="The start-up hook comes with certboot, and acts in the environment where that is installed. Other "
        "interpreters (Python 3.8 or newer) get a copy of it, without certboot and without dependencies.",
    )
    actions = hook.add_subparsers(title="actions", metavar="ACTION", dest="action", required=True)
    install = actions.add_parser(
        "install",
        help="copy the hook into an interpreter",
        description="Copy the hook into the folder of packages of an interpreter, by default the one that runs "
        "certboot. Again, it renews the copy. What certboot did not put there is left alone; where pip put certboot "
        "itself, only --home is recorded.",
    )
    _interpreters(install)
    install.add_argument(
        "--home", metavar="DIR", type=_folder,
        help="the store that this interpreter uses, recorded beside the hook; CERTBOOT_HOME goes before it. For one "
        "that root keeps for all users of a machine (default: as it was, at first each user's own)",
    )  # fmt: skip
    install.add_argument(
        "--break-system-packages", action="store_true",
        help="also where the system's package manager has marked the interpreter as its own (PEP 668). As pip, "
        "certboot puts nothing there unasked: every program of the system that is written in Python would start with "
        "the hook. --user does not need this: the marker is about packages that hide those of the system, and the "
        "hook brings none",
    )  # fmt: skip
    uninstall = actions.add_parser(
        "uninstall",
        help="take away what install has copied",
        description="Remove the files that `certboot hook install` has copied, if they are unchanged, and nothing "
        "else.",
    )
    _interpreters(uninstall)
    status = actions.add_parser(
        "status",
        help="say where the hook is, whether it runs, and what else runs at start",
        description="Start an interpreter, and say where the hook is, in which version, whether it ran, which store is "
        "recorded, and which other start-up files run code, in their order. By default: the interpreter that runs "
        "certboot, and all that have a copy.",
        epilog="exit status: 0 the hook runs in all of them, 1 not in all, 2 wrong usage or one could not be asked",
    )
    _interpreters(status)
    status.add_argument("--json", action="store_true", help="print one JSON object instead of text")


def _interpreters(command: argparse.ArgumentParser) -> None:
    which = command.add_mutually_exclusive_group()
    which.add_argument("--python", metavar="PATH", help="an interpreter, or the folder of a virtualenv")
    which.add_argument(
        "--all-venvs", metavar="DIR", type=Path, help="every virtualenv at or below this folder, six levels deep"
    )
    command.add_argument(
        "--user", action="store_true", help="your own folder of packages, which virtualenvs leave out (pip's --user)"
    )


def _folder(text: str) -> str:
    """Return the absolute path of a folder."""
    if not text:
        message = "the name of a folder is empty"
        raise argparse.ArgumentTypeError(message)
    return os.path.abspath(text)


def _rehash(commands: _Commands) -> None:
    rehash = commands.add_parser(
        "rehash",
        help="do what `openssl rehash` does, without the openssl program",
        description="Give every certificate and CRL in the directories (.pem, .crt, .cer, .crl) the link by which "
        "OpenSSL finds it, and remove links that lead nowhere. Files are left alone.",
    )
    rehash.add_argument("directory", metavar="DIR", type=Path, nargs="+", help="a directory of PEM files")


def _export(commands: _Commands) -> None:
    export = commands.add_parser(
        "export",
        help="write the store in a form that other programs take: Java, Kubernetes, containers",
        description="Write the trust anchors of the store in another format. The same store gives the same bytes.",
        epilog="formats:\n" + "".join(f"  {name:<20}{each.summary}\n" for name, each in FORMATS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    export.add_argument("path", metavar="PATH", help="the file or directory to write; - for standard output")
    export.add_argument("--format", metavar="FORMAT", required=True, choices=tuple(FORMATS), help="see below")
    export.add_argument(
        "--force", action="store_true", help="replace a file, or a directory that an earlier export has made"
    )
    export.add_argument(
        "--intermediates", action="store_true", help="in a pem-directory-hash, also the intermediates of the store"
    )
    export.add_argument(
        "--password-file", metavar="FILE", type=Path,
        help=f"the password by which a reader sees that a pkcs12 or java-cacerts is unaltered (default: {PASSWORD})",
    )  # fmt: skip
    export.add_argument("--name", help=f"the name of a configmap, or of trust-manager's Bundle (default: {NAME})")
    export.add_argument("--namespace", help="the namespace of a configmap, or the only one that gets the Bundle's")


def _purge(commands: _Commands) -> None:
    purge = commands.add_parser(
        "purge",
        help="take the store away again",
        description="Remove everything that certboot wrote: the store, its settings and the CAs you added.",
    )
    purge.add_argument("--yes", action="store_true", help="do not ask")
