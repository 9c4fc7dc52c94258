"""``run``: a program with the hook's variables, for what no Python starts."""

from __future__ import annotations

import argparse
import os

from certboot.cli import options, process
from certboot.cli.terminal import failed
from certboot.errors import CertbootError
from certboot.store.env_file import settings
from certboot.store.paths import store_paths

# What env(1) says of a program that is there and does not start, and of one that is not there.
_NOT_STARTED = 126
_NOT_FOUND = 127


def run_options(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    options.examples(
        command,
        ("certboot run -- curl https://intranet.example", "what no Python starts"),
    )
    command.usage = "certboot run [-h] [--home DIR] [--] PROGRAM [ARGUMENT ...]"
    command.description = (
        "Set the variables of the start-up hook that are not set yet, and become the program: its exit "
        "status, signals and process id are its own. CERTBOOT_DISABLE turns off only the hook, not this."
    )
    command.epilog = (
        "exit status: the program's; 127 there is no such program, 126 it could not be started, "
        "2 there is no store and the program was not started"
    )
    command.add_argument("program", metavar="PROGRAM", nargs=argparse.REMAINDER, help="a program and its arguments")


def run_command(arguments: argparse.Namespace) -> int:
    """Become the program, in this process, with the variables that nobody has set yet."""
    argv = arguments.program[1:] if arguments.program[:1] == ["--"] else arguments.program
    if not (argv and argv[0]):
        raise CertbootError("no program is named", "certboot run -- PROGRAM [ARGUMENT ...]")
    environ = settings(store_paths(), os.environ).applied_to(os.environ)
    try:
        if not process.CAN_BECOME:
            return process.wait_for(argv, environ)
        process.become(argv, environ)
    except FileNotFoundError:
        if process.located(argv[0], environ):
            message = f"the interpreter that its first line names is missing: {argv[0]}"
            return failed(message, "mend the first line, or install the interpreter", _NOT_FOUND)
        return failed(f"no such program: {argv[0]}", "check its name, and PATH", _NOT_FOUND)
    except OSError as error:
        message = f"cannot start the program: {error.strerror}: {argv[0]}"
        return failed(message, "check that it is a program, and that you may execute it", _NOT_STARTED)
