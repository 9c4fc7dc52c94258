"""The command line: arguments in, exit status out. Every failure becomes one message on standard error."""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import sys
import typing

from certboot.cli.options import parser
from certboot.cli.terminal import failed, say, silenced
from certboot.errors import INTERRUPTED, OK, UNFINISHED, CertbootError, without_credentials

if typing.TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator, Sequence

_UNHARMED = "the store that was in force still is, if there was one; certboot doctor store looks at it"
# Command -> the module of certboot.cli that has it, as a function NAME_command.
_MODULES = {
    "init": "update",
    "update": "update",
    "trust": "trust",
    "distrust": "trust",
    "adopt": "adopt",
    "repair": "repair",
    "chain": "repair",
    "list": "listing",
    "show": "listing",
    "history": "listing",
    "diff": "listing",
    "rollback": "listing",
    "doctor": "doctor",
    "explain": "explain",
    "scan": "scan",
    "env": "env",
    "run": "env",
    "hook": "hook",
    "rehash": "rehash",
    "export": "export",
    "purge": "purge",
}
COMMANDS = tuple(_MODULES)
# Command -> its list of words, between which options may stand. argparse fills a list only from words in a row, and its
# parse_intermixed_args() does not work with commands.
_LISTS = {"adopt": "variable", "doctor": "target", "explain": "id", "repair": "host", "scan": "host"}


def program() -> typing.NoReturn:
    """Be the command ``certboot``. Who presses Ctrl-C once more while it ends is not shown where it was then."""
    try:
        status = main()
    except KeyboardInterrupt:
        status = INTERRUPTED
    except OSError:  # not even what went wrong can be written
        status = UNFINISHED
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream:
                stream.flush()
        except OSError:  # it was said, and the interpreter would say it once more at exit, with another status
            silenced(stream)
    if status == INTERRUPTED:
        import signal

        signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(status)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    for stream in (sys.stdout, sys.stderr):
        # Names in certificates hold what the terminal's encoding may not.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        try:
            arguments = parsed(argv)
        except SystemExit:  # argparse has printed what --help asks for
            _flush()
            raise
        if not (arguments.version or arguments.command):
            parser().error("a command is missing")
        with _store_at(getattr(arguments, "store", None)):
            status = _version() if arguments.version else _command(arguments.command)(arguments)
        _flush()
    except CertbootError as error:
        return failed(error.message, error.hint)
    except BrokenPipeError:
        # The reader (head, less) has gone; the interpreter must not try to flush at exit.
        silenced(sys.stdout)
        return OK
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        return failed(f"{error.strerror or error}{where}", _UNHARMED)
    except KeyboardInterrupt:
        return failed("interrupted", _UNHARMED, INTERRUPTED)
    return status


def _flush() -> None:
    """Write out what was printed; raises BrokenPipeError where the reader has gone."""
    if sys.stdout:
        sys.stdout.flush()


def parsed(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Return what the command line says; exits with usage and a message where it is wrong."""
    whole = parser()
    found, left = whole.parse_known_args(argv)
    end = left.index("--") if "--" in left else len(left)
    words = [*left[:end], *left[end + 1 :]]  # after -- everything is a word
    if words and found.command in _LISTS and all(word == "-" or word[:1] != "-" for word in left[:end]):
        name = _LISTS[found.command]
        setattr(found, name, [*getattr(found, name), *words])
    elif left:
        whole.error(f"unrecognized arguments: {' '.join(map(_shown, left))}")
    return found


def _shown(word: str) -> str:
    return without_credentials(word) if "://" in word else word


@contextlib.contextmanager
def _store_at(folder: str | None) -> Iterator[None]:
    """Let ``--home`` mean for one run what CERTBOOT_HOME means."""
    former = os.environ.get("CERTBOOT_HOME")
    if folder is not None:
        os.environ["CERTBOOT_HOME"] = folder
    try:
        yield
    finally:
        if folder is not None:
            del os.environ["CERTBOOT_HOME"]
            os.environ.update({} if former is None else {"CERTBOOT_HOME": former})


def _command(name: str) -> Callable[[object], int]:
    # Imported when it is called, so that `certboot --help` costs little more than Python itself.
    module = importlib.import_module(f"certboot.cli.{_MODULES[name]}")
    command: Callable[[object], int] = getattr(module, f"{name}_command")
    return command


def _version() -> int:
    import certboot

    say(f"certboot {certboot.__version__}")
    return OK
