"""``run``: a program with the hook's variables, for what no Python starts."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping

from certboot.cli import options, process
from certboot.cli.ephemeral import add_options, tell_held, tell_left_out, wanted
from certboot.cli.terminal import aside, failed, tell, warn
from certboot.errors import OK, CertbootError, counted
from certboot.store.env_file import settings
from certboot.store.paths import StorePaths, store_paths

# What env(1) says of a program that is there and does not start, and of one that is not there.
_NOT_STARTED = 126
_NOT_FOUND = 127


def run_options(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    options.examples(
        command,
        ("certboot run -- curl https://intranet.example", "for any program"),
        ("certboot run --add certs -- curl https://intranet.example", "CAs for it alone"),
        ("certboot run --inspect -- curl https://intranet.example", "whom it trusts"),
    )
    command.usage = (
        "certboot run [-h] [--inspect] [--add FILE] [--only] [--password-file FILE]\n"
        "                    [--home DIR] [--] PROGRAM [ARGUMENT ...]"
    )
    command.description = (
        "Set the variables of the start-up hook that are not set yet, and become the program: its exit "
        "status, signals and process id are its own. CERTBOOT_DISABLE turns off only the hook, not this. "
        "With --add the program has a copy of the store, in which those CAs are trusted besides, or with --only alone; "
        "certboot stays beside the program, passes signals on, and takes the copy away at the end. "
        "A run --add inside of it makes a further copy. Where there is no store yet, the copy has the CAs of certifi "
        "and the system."
    )
    command.epilog = (
        "exit status: the program's; 127 there is no such program, 126 it could not be started, "
        "2 there is no store, or a file that --add refuses, and the program was not started"
    )
    command.add_argument(
        "--inspect", action="store_true",
        help="do not run the program: show whom each TLS client of it and of what it starts would trust; the Python "
        "behind it is started, and asked about itself",
    )  # fmt: skip
    add_options(command, "the program, and what it starts,")
    command.add_argument("program", metavar="PROGRAM", nargs=argparse.REMAINDER, help="a program and its arguments")


def run_command(arguments: argparse.Namespace) -> int:
    """Become the program, with the variables that nobody has set yet; or stay beside it, with a store of its own."""
    argv = arguments.program[1:] if arguments.program[:1] == ["--"] else arguments.program
    if not (argv and argv[0]):
        raise CertbootError("no program is named", "certboot run -- PROGRAM [ARGUMENT ...]")
    named = wanted(arguments)
    if not named:
        paths = store_paths()
        environ = settings(paths, os.environ).applied_to(os.environ)
        if arguments.inspect:
            return _inspected(argv, paths, environ)
        return _started(argv, environ, process.become if process.CAN_BECOME else process.wait_for)
    from certboot.store.ephemeral import for_command  # it brings in what the common run does without

    with for_command(store_paths(), named, os.environ) as made:
        tell_left_out(made, named)
        environ = made.applied_to(os.environ)
        if named.only:
            _tell_besides(argv[0], made.paths, environ)
        else:
            _tell_held(made.settings(os.environ).held)
        if arguments.inspect:
            return _inspected(argv, made.paths, environ)
        if process.CAN_BECOME:
            status = process.attend(lambda: _started(argv, environ, process.become), made.descriptor)
        else:
            status = _started(argv, environ, process.wait_for)
    return process.end_by(-status) if status < 0 and process.CAN_BECOME else status


def _inspected(argv: list[str], paths: StorePaths, environ: Mapping[str, str]) -> int:
    """Show whom the program, which is not run, and what it starts would trust."""
    from certboot.cli.inspection import inspection_lines
    from certboot.doctor.clients.inspect import inspect
    from certboot.store.generations import needed

    program = process.located(argv[0], environ)
    if not program:
        return failed(f"no such program: {argv[0]}", "check its name, and PATH", _NOT_FOUND)
    anchors = counted(len(needed(paths).anchors), "CA")
    of_copy = ", in a copy for one command or shell"
    store = f"{anchors}{of_copy if paths.is_ephemeral else f': {paths.home}'}"
    tell(inspection_lines(argv[0], inspect(program, paths, environ), store))
    return OK


def _tell_besides(name: str, paths: StorePaths, environ: Mapping[str, str]) -> None:
    """Say what the program trusts that no variable takes from it: curl has the system's certificates all the same."""
    from certboot.doctor.clients.inspect import besides

    for words in besides(name, paths, environ):
        warn(f"{os.path.basename(name)} trusts besides: {words}")


def _tell_held(held: Mapping[str, tuple[str, str]]) -> None:
    tell_held(held)
    if held:
        unset = " ".join(f"-u {name}" for name in dict.fromkeys(preset for preset, _ in held.values()))
        aside(f"\nhint: env {unset} certboot run --add FILE -- PROGRAM")


def _started(argv: list[str], environ: Mapping[str, str], start: Callable[[list[str], Mapping[str, str]], int]) -> int:
    """Return what comes of starting the program, or the status for one that cannot be started, and say why."""
    try:
        return start(argv, environ)
    except FileNotFoundError:
        if process.located(argv[0], environ):
            message = f"the interpreter that its first line names is missing: {argv[0]}"
            return failed(message, "mend the first line, or install the interpreter", _NOT_FOUND)
        return failed(f"no such program: {argv[0]}", "check its name, and PATH", _NOT_FOUND)
    except OSError as error:
        message = f"cannot start the program: {error.strerror}: {argv[0]}"
        return failed(message, "check that it is a program, and that you may execute it", _NOT_STARTED)
