"""The command line: arguments in, exit status out. The only place that prints or asks."""

from __future__ import annotations

import argparse
import io
import os
import sys
import typing
from pathlib import Path

from certboot.errors import CertbootError

if typing.TYPE_CHECKING:
    from collections.abc import Sequence

OK, FAILED, UNFINISHED = 0, 1, 2
_INTERRUPTED = 130  # 128 + SIGINT, as shells have it

_UNHARMED = "the store that was in force still is, if there was one; certboot doctor store looks at it"

_EPILOG = """\
exit status: 0 all is well, 1 the doctor found a failure, 2 wrong usage or certboot could not do its work.
The store lies in $CERTBOOT_HOME, or in the user's data folder. CERTBOOT_DISABLE=1 turns the start-up hook off.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status. Every failure becomes a message on standard error."""
    for stream in (sys.stdout, sys.stderr):
        # Names in certificates hold what the terminal's encoding may not.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        arguments = _parser().parse_args(argv)
        status = int(arguments.run(arguments))
        if sys.stdout:
            sys.stdout.flush()
    except CertbootError as error:
        return _failed(error.message, error.hint)
    except BrokenPipeError:
        # The reader (head, less) has gone; the interpreter must not try to flush at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        return _failed(f"{error.strerror or error}{where}", _UNHARMED)
    except KeyboardInterrupt:
        return _failed("interrupted", _UNHARMED, _INTERRUPTED)
    return status


def _failed(message: str, hint: str, status: int = UNFINISHED) -> int:
    if sys.stderr:
        sys.stderr.write(f"certboot: error: {message}\n" + (f"\nhint: {hint}\n" if hint else ""))
    return status


def _init(arguments: argparse.Namespace) -> int:
    import certboot_startup
    from certboot.paths import store_paths
    from certboot.render.store_text import init_summary
    from certboot.update import initialise

    outcome = initialise(store_paths(), arguments.add)
    print(init_summary(outcome, certboot_startup.status))
    return OK


def _doctor(arguments: argparse.Namespace) -> int:
    from certboot.doctor.address import parse_address
    from certboot.doctor.run import GROUPS, examine, exit_code
    from certboot.paths import store_paths

    groups = tuple(target for target in arguments.target if target in GROUPS)
    hosts = [parse_address(target) for target in arguments.target if target not in GROUPS]
    if len(hosts) > 1:
        message = "one host at a time"
        raise CertbootError(message, "certboot doctor HOST[:PORT]")
    findings = examine(store_paths(), os.environ, groups or GROUPS, hosts[0] if hosts else None)
    if arguments.json:
        from certboot.render.doctor_json import doctor_json

        print(doctor_json(findings))
    else:
        from certboot.render.doctor_text import doctor_report

        print(doctor_report(findings))
    return exit_code(findings)


def _rehash(arguments: argparse.Namespace) -> int:
    from certboot.render.store_text import rehash_summary
    from certboot.store.rehash import rehash

    status = OK
    for directory in arguments.directory:
        try:
            result = rehash(directory)
        except CertbootError as error:
            status = _failed(error.message, error.hint)
            continue
        for warning in result.warnings:
            sys.stderr.write(f"certboot: warning: {directory}: {warning}\n")
        print(rehash_summary(directory, result))
    return status


def _purge(arguments: argparse.Namespace) -> int:
    from certboot import purge
    from certboot.paths import store_paths
    from certboot.render.store_text import purge_list

    paths = store_paths()
    print(f"this removes\n{purge_list(purge.find(paths))}")
    if not arguments.yes:
        if not (sys.stdin and sys.stdin.isatty()):
            message = "purge asks before it removes anything, and there is no terminal to ask on"
            raise CertbootError(message, "certboot purge --yes")
        if not _confirmed("remove it all?"):
            print("nothing was removed")
            return FAILED
    try:
        others = purge.remove(paths)
    except OSError as error:
        message = f"not everything could be removed, {error.strerror}: {error.filename}"
        raise CertbootError(message, "mend the cause, then once more: certboot purge") from error
    print("removed; Python programs that still run keep the old settings until they are started again")
    if others:
        print(f"left alone in {paths.home}: {', '.join(others)}")
    print("the hook goes with the package: python -m pip uninstall certboot")
    return OK


def _confirmed(question: str) -> bool:
    try:
        return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        print()
        return False


class _Version(argparse.Action):
    def __call__(self, *_: object) -> typing.NoReturn:
        import certboot

        print(f"certboot {certboot.__version__}")
        sys.exit(OK)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="certboot",
        description="Make TLS certificates work for every program that a Python user starts.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    init = commands.add_parser(
        "init",
        help="fill the store, and let the hook point programs at it",
        description="Fill the store from certifi, the operating system and your own CAs. Run again, it changes only "
        "what is new. Nothing outside the store's folder is written.",
    )
    init.add_argument(
        "--add", metavar="FILE", type=Path, action="append", default=[],
        help="also trust the CA certificates in this PEM or DER file; kept for later runs; may be given again",
    )  # fmt: skip
    init.set_defaults(run=_init)

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
    doctor.set_defaults(run=_doctor)

    rehash = commands.add_parser(
        "rehash",
        help="do what `openssl rehash` does, without the openssl program",
        description="Give every certificate and CRL in the directories (.pem, .crt, .cer, .crl) the link by which "
        "OpenSSL finds it, and remove links that lead nowhere. Files are left alone.",
    )
    rehash.add_argument("directory", metavar="DIR", type=Path, nargs="+", help="a directory of PEM files")
    rehash.set_defaults(run=_rehash)

    purge = commands.add_parser(
        "purge",
        help="take the store away again",
        description="Remove everything that certboot wrote: the store, its settings and the CAs you added.",
    )
    purge.add_argument("--yes", action="store_true", help="do not ask")
    purge.set_defaults(run=_purge)
    return parser
