"""``env`` and ``run``: the hook's variables for what no Python starts."""

from __future__ import annotations

import argparse
import errno
import os
import signal
import typing
from collections.abc import Mapping

from certboot.cli import options
from certboot.cli.terminal import aside, data, failed, warn
from certboot.errors import OK, CertbootError
from certboot.store.env_file import settings
from certboot.store.paths import store_paths

_FORMATS = """\
for shells:
  sh              eval "$(certboot env)"
  fish            certboot env --format fish | source
  powershell      certboot env --format powershell | Out-String | iex
for files of variables:
  dotenv          .env, and systemd's EnvironmentFile=
  github          certboot env --format github >> "$GITHUB_ENV"
  docker          docker run --env-file; mount the store's folder at its own path
  json            one object
for a tool's own configuration (where its paths hold is said on standard error):
  systemd         a drop-in for a unit: systemctl --user edit SERVICE
  docker-compose  compose.override.yaml, with the mount
  gitlab          variables: of .gitlab-ci.yml
  devcontainer    containerEnv and mounts of devcontainer.json
  mcp             mcpServers of a client of the Model Context Protocol
  vscode          settings.json, for VS Code's terminals

None is for a whole session (environment.d, launchctl, setx): variables that are
always there also reach Pythons without the hook, where they overrule what
programs choose.
"""
# What env(1) says of a program that is there and does not start, and of one that is not there.
_NOT_STARTED = 126
_NOT_FOUND = 127
_CAN_BECOME = os.name == "posix"  # Windows starts another process and ends this one
# Python ignores these from its start, and a program would inherit that (see restore_signals in subprocess).
_IGNORED_BY_PYTHON = ("SIGPIPE", "SIGXFZ", "SIGXFSZ")


def env_options(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    options.examples(
        command,
        ('eval "$(certboot env)"', "in this shell"),
        ("certboot env --format fish | source", "in fish"),
        ("certboot env --format dotenv > certboot.env", "for what reads such a file"),
    )
    from certboot.cli.env_formats import FORMATS
    from certboot.cli.env_snippets import NOTES

    command.description = (
        "Print what the start-up hook sets, for what no Python starts. Like the hook, leave alone a\n"
        "variable that is set to something else, and say so on standard error."
    )
    command.epilog = _FORMATS
    command.formatter_class = argparse.RawDescriptionHelpFormatter
    formats = (*FORMATS, *NOTES)
    command.add_argument(
        "--format", choices=formats, default="sh", metavar="FORMAT", help="how to write them (default: sh), see below"
    )
    command.add_argument("--force", action="store_true", help="print those too that are set to something else")


def env_command(arguments: argparse.Namespace) -> int:
    """Print the variables in one of the formats."""
    from certboot.cli.env_formats import FORMATS
    from certboot.cli.env_snippets import NOTES, snippet

    form = arguments.format
    paths = store_paths()
    hooks = settings(paths, os.environ)
    held = {} if arguments.force else hooks.held
    variables = hooks.variables | hooks.replaced if arguments.force else hooks.applied
    text = FORMATS[form](variables) if form in FORMATS else snippet(form, variables, str(paths.home))
    data(os.fsencode(text))  # as bytes: a path need not be text, and no shell wants the line ends of Windows
    if form in NOTES:
        aside(f"note: {NOTES[form]}")
    if held:
        for name, (preset, value) in held.items():
            because = "it" if preset == name else preset
            warn(f"{name} is left alone, because {because} is set by something else: {preset}={value}")
        aside("\nhint: certboot env --force")
    return OK


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
        if not _CAN_BECOME:
            return _wait_for(argv, environ)
        _become(argv, environ)
    except FileNotFoundError:
        if _located(argv[0], environ):
            message = f"the interpreter that its first line names is missing: {argv[0]}"
            return failed(message, "mend the first line, or install the interpreter", _NOT_FOUND)
        return failed(f"no such program: {argv[0]}", "check its name, and PATH", _NOT_FOUND)
    except OSError as error:
        message = f"cannot start the program: {error.strerror}: {argv[0]}"
        return failed(message, "check that it is a program, and that you may execute it", _NOT_STARTED)


def _become(argv: list[str], environ: Mapping[str, str]) -> typing.NoReturn:
    """Replace this process: exit status, signals, terminal and process id are the program's own. Raises OSError."""
    numbers = [getattr(signal, name) for name in _IGNORED_BY_PYTHON if hasattr(signal, name)]
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else whoever started us wants it ignored
        numbers.append(signal.SIGINT)
    former = {number: signal.signal(number, signal.SIG_DFL) for number in numbers}
    path = _located(argv[0], environ)
    try:
        if path:
            os.execve(path, argv, environ)  # noqa: S606 - what the user asked for, and no shell reads it
        os.execvpe(argv[0], argv, environ)  # noqa: S606 - as above; it says why there is none
    except OSError as error:
        if error.errno != errno.ENOEXEC:
            raise
        # A script without a first line that names its interpreter is the shell's (POSIX, execvp).
        os.execve("/bin/sh", ["sh", path or argv[0], *argv[1:]], environ)  # noqa: S606 - as above
    finally:  # it could not be started, and to say so to a closed pipe must not kill this process
        for number, handler in former.items():
            signal.signal(number, handler)


def _wait_for(argv: list[str], environ: Mapping[str, str]) -> int:
    """Start the program and return its exit status: Windows cannot replace a process. Raises OSError."""
    import subprocess

    command = [_located(argv[0], environ) or argv[0], *argv[1:]]
    with subprocess.Popen(command, env=environ) as program:
        while True:
            try:
                return program.wait()
            except KeyboardInterrupt:
                continue  # the program has been sent the same, and decides


def _located(program: str, environ: Mapping[str, str]) -> str | None:
    import shutil

    return shutil.which(program, path=environ.get("PATH", os.defpath))
