"""The command line: arguments in, exit status out. Every failure becomes one message on standard error."""

from __future__ import annotations

import argparse
import contextlib
import functools
import importlib
import io
import itertools
import os
import sys

from certboot.cli import terminal
from certboot.cli.terminal import failed, say, show, silenced
from certboot.errors import INTERRUPTED, OK, UNFINISHED, CertbootError, without_credentials

TYPE_CHECKING = False  # as typing has it, whose import costs as much as what is here
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any, NoReturn

_UNHARMED = "the store that was in force still is, if there was one; certboot doctor store looks at it"
_ACCESS = "check the path, and that you may read and write there; "
_MISTAKE = f"please report it, with what this shows: CERTBOOT_TRACEBACK=1 certboot …; {_UNHARMED}"
# Command -> the module of certboot.cli that has it, as functions NAME_options and NAME_command, and what it is for.
COMMANDS = {
    "init": ("update", "fill the store, and let the hook point programs at it"),
    "doctor": ("doctor", "say what is active and why; with a host, why its certificate fails"),
    "explain": ("explain", "tell what a finding of the doctor means, and who can mend it"),
    "scan": ("scan", "examine many hosts, and say which of them fail and why"),
    "update": ("update", "read the sources again"),
    "trust": ("trust", "add a CA of your own"),
    "distrust": ("trust", "take a certificate out, for good"),
    "adopt": ("adopt", "take over CA variables that something else has set"),
    "repair": ("repair", "store the intermediate that a server forgot to send"),
    "chain": ("chain", "write the complete chain that a server should send"),
    "list": ("listing", "list the certificates of the store"),
    "show": ("listing", "show all that is known of one certificate"),
    "history": ("listing", "list the generations: when, by which command, what came and went"),
    "rollback": ("listing", "go back to an earlier generation"),
    "diff": ("listing", "show what came and went between two generations"),
    "env": ("env", "print the hook's variables for a shell, a service or a container"),
    "run": ("run", "run a program with the hook's variables"),
    "hook": ("hook", "put the start-up hook into other interpreters, or take it away"),
    "rehash": ("rehash", "do what `openssl rehash` does, without the openssl program"),
    "export": ("export", "write the store in a form that other programs take: Java, Kubernetes, containers"),
    "completion": ("completion", "print what completes certboot's words in bash, zsh or fish"),
    "purge": ("purge", "take the store away again"),
}
# All others work on one store, and take --home.
_WITHOUT_STORE = ("doctor", "explain", "scan", "hook", "rehash", "completion")
# All others tell what they have done or seen, and take --quiet.
_ASKED_FOR = ("explain", "chain", "list", "show", "history", "diff", "env", "run", "completion")
_BEFORE = ("-q", "--quiet", "-v", "--verbose")
_EPILOG = """\
exit status: 0 all is well, 1 the doctor found a failure or a question was
answered no, 2 wrong usage or certboot could not do its work. -q tells only
what failed or needs a decision (for cron), -v tells more, where a command has
them; they stand before or after it, and change no exit status. The store lies
in $CERTBOOT_HOME, or in the user's data folder. CERTBOOT_DISABLE=1 turns the
start-up hook off.
"""


def program() -> NoReturn:
    """Be the command ``certboot``. Who presses Ctrl-C once more while it ends is not shown where it was then."""
    try:
        status = main()
    except SystemExit as end:  # argparse has said all
        status = int(end.code or OK)
    except KeyboardInterrupt:
        status = INTERRUPTED
    except OSError:  # not even what went wrong can be written
        status = UNFINISHED
    except Exception as error:  # whatever it is, a person is to have words for it
        if os.environ.get("CERTBOOT_TRACEBACK"):
            raise
        status = UNFINISHED
        with contextlib.suppress(OSError):
            failed(f"a mistake in certboot itself: {type(error).__name__}: {error}", _MISTAKE)
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
    terminal.commands_of_run = str
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
        store = getattr(arguments, "store", None)
        if store:
            terminal.commands_of_run = functools.partial(with_home, folder=store)
        with _store_at(store), terminal.quietly(wanted=getattr(arguments, "quiet", False)):
            status = _done(arguments)
            if status != OK:
                terminal.release()
        _flush()
    except CertbootError as error:
        return failed(error.message, error.hint)
    except BrokenPipeError:
        # The reader (head, less) has gone; the interpreter must not try to flush at exit.
        silenced(sys.stdout)
        return OK
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        return failed(f"{error.strerror or error}{where}", f"{_ACCESS}{_UNHARMED}")
    except KeyboardInterrupt:
        return failed("interrupted", _UNHARMED, INTERRUPTED)
    return status


class _Parser(argparse.ArgumentParser):
    """argparse's, but for its errors, which are laid out as all else is: what was typed cannot drive the terminal.

    Its help begins with the default ``examples``: command lines, and what each does.
    What it returns has itself in ``parser``, or that of the command which it has met.
    """

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - they are argparse's
        super().__init__(**options)
        self.color = False  # from Python 3.14 on, what colours the help takes longer to load than all else of it
        self.set_defaults(parser=self)

    def format_help(self) -> str:
        lines = self.get_default("examples") or ()
        width = max((len(line) for line, _ in lines), default=0)
        shown = "".join(f"  {line:<{width}}  # {about}\n" for line, about in lines)
        return f"examples:\n{shown}\n{super().format_help()}" if shown else super().format_help()

    def error(self, message: str) -> NoReturn:
        from certboot.cli.layout import Line

        self.print_usage(sys.stderr)
        terminal.tell_aside([Line(f"{self.prog}: error: {message}")])
        self.exit(UNFINISHED)


def parser(*chosen: str) -> argparse.ArgumentParser:
    """Return the parser, in which only these commands know their options; it says in ``command`` which one it met."""
    whole = _Parser(
        prog="certboot",
        description="Make TLS certificates work in Python, and in the programs that Python starts.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    whole.add_argument("-V", "--version", action="store_true", help="show the version and exit")
    # A command that was not chosen is a line of the help, and needs no parser of its own.
    commands = whole.add_subparsers(
        title="commands", metavar="COMMAND", dest="command",
        parser_class=lambda **_: whole,  # type: ignore[call-overload] # argparse takes whatever makes one
    )  # fmt: skip
    for name, (_, summary) in COMMANDS.items():
        commands.add_parser(name, help=summary)
    for name in COMMANDS.keys() & chosen:
        from certboot.cli import options

        command = _Parser(prog=f"certboot {name}")
        _function(name, "options")(command)
        if name not in _WITHOUT_STORE:
            options.home(command)
        if name not in _ASKED_FOR:
            options.quiet(command)
        commands.choices[name] = command
    return whole


def _flush() -> None:
    """Write out what was printed; raises BrokenPipeError where the reader has gone."""
    if sys.stdout:
        sys.stdout.flush()


def parsed(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Return what the command line says; exits with usage and a message where it is wrong.

    Raises CertbootError for a command that is none.
    """
    line = list(sys.argv[1:] if argv is None else argv)
    before = list(itertools.takewhile(_BEFORE.__contains__, line))
    line = [*line[len(before) :][:1], *before, *line[len(before) + 1 :]]  # it is the command that has them
    if line and line[0][:1] != "-" and line[0] not in COMMANDS:
        raise _no_command(line[0])
    whole = parser(next((word for word in line if word[:1] != "-"), ""))
    arguments, left = whole.parse_known_args(line)
    end = left.index("--") if "--" in left else len(left)
    words = [*left[:end], *left[end + 1 :]]  # after -- everything is a word
    # argparse fills a list only from words in a row, and its parse_intermixed_args() does not work with commands.
    if words and "words" in arguments and all(word == "-" or word[:1] != "-" for word in left[:end]):
        setattr(arguments, arguments.words, [*getattr(arguments, arguments.words), *words])
    elif left:
        shown = (without_credentials(word) if "://" in word else word for word in left)
        arguments.parser.error(f"unrecognized arguments: {' '.join(shown)}")
    if getattr(arguments, "quiet", False) and getattr(arguments, "verbose", False):
        arguments.parser.error("argument -q/--quiet: not allowed with argument -v/--verbose")
    return arguments


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


def with_home(text: str, folder: str) -> str:
    """Return the text with ``--home`` in the commands that work on one store; the doctor has it from the variable."""
    import re
    import shlex

    home = shlex.quote(folder)
    on_store = "|".join(name for name in COMMANDS if name not in _WITHOUT_STORE)
    text = re.sub(rf"\bcertboot ({on_store})\b(?! --home)", lambda command: f"{command[0]} --home {home}", text)
    return re.sub(r"\bcertboot (doctor|scan)\b", lambda command: f"CERTBOOT_HOME={home} {command[0]}", text)


def _function(command: str, part: str) -> Callable[..., int]:
    # Imported when it is called, so that `certboot --help` costs little more than Python itself.
    module = importlib.import_module(f"certboot.cli.{COMMANDS[command][0]}")
    function: Callable[..., int] = getattr(module, f"{command}_{part}")
    return function


def _no_command(word: str) -> CertbootError:
    from difflib import get_close_matches

    close = get_close_matches(word.lower(), COMMANDS, 1)
    hint = f"certboot {close[0]}" if close else "certboot --help lists all commands"
    return CertbootError(f"no command of this name: {word!r}", hint)


def _done(arguments: argparse.Namespace) -> int:
    if arguments.version:
        import certboot

        say(f"certboot {certboot.__version__}")
    elif arguments.command:
        return _function(arguments.command, "command")(arguments)
    else:
        from certboot.cli.overview import TEXT

        show(TEXT)
    return OK
