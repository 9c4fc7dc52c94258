"""``hook``: the start-up hook in other interpreters."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import typing
from pathlib import Path

from certboot import ownership
from certboot.cli import options
from certboot.cli.terminal import data, failed, show, warn
from certboot.errors import FAILED, OK, UNFINISHED, CertbootError, counted, printable
from certboot.hook import base, copies, install, interpreters, status
from certboot.hook.copies import Copy
from certboot.hook.inventory import look, read_record
from certboot.hook.start_up_files import NO_IMPORT_LINES
from certboot.store.paths import StorePaths, store_at, store_paths
from certboot.store.place import mended_above

if typing.TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable, Iterator

    from certboot.hook.install import Result
    from certboot.hook.interpreters import Interpreter
    from certboot.hook.inventory import Hook
    from certboot.hook.status import Started, Survey

_DONE = {
    "installed": "the hook of certboot {version} is installed",
    "renewed": "the hook is now that of certboot {version}",
    "unchanged": "the hook of certboot {version} is there already",
    "recorded": "the hook of certboot {version}, as its installer put it there",
    "removed": "the hook of certboot {version} is removed",
    "forgotten": "the store's path, recorded beside the hook of certboot {version}, is removed",
    "absent": "no hook that certboot has copied",
}
_OF_INSTALLERS = {"unchanged": "recorded", "absent": "recorded", "removed": "forgotten"}
_FOR_ALL = "for every virtualenv of it, "
_OWNERS = {
    "certboot": "copied",
    "installer": "from its installer",
    "unknown": "put there by somebody else",
    "nobody": "without a hook",
}
_STATUS = {
    "": "no: the start-up files of {folder} are not read, or certboot_startup.pth is hidden",
    "active": "yes, and set {count}",
    "disabled": "yes, and is turned off by CERTBOOT_DISABLE",
    "no-store": "yes, and found no store: certboot init",
    "homeless": "yes, and found no home folder: set HOME or CERTBOOT_HOME",
    "nothing-to-set": "yes, and has nothing to set: config.toml removes every variable",
    "unsafe": "yes, and refuses the store, where others can change something: certboot doctor store",
    "bad-link": "yes, and refuses the store, whose link leads to no generation of it: certboot init",
}

_SCHEMA = 1
_OF_HOOK = ("folder", "owner", "version", "home", "changed", "base")


def hook_options(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    options.examples(
        command,
        ("certboot hook install --python .venv", "into another virtualenv"),
        ("certboot hook status", "where it is, and whether it runs"),
        ("certboot hook uninstall --python .venv", "take it away again"),
    )
    command.description = (
        "The start-up hook comes with certboot, and acts in the environment where that is installed. Other "
        "interpreters (Python 3.8 or newer) get a copy of it, without certboot and without dependencies."
    )
    actions = command.add_subparsers(title="actions", metavar="ACTION", dest="action", required=True)
    _install_options(actions)
    removal = actions.add_parser(
        "uninstall",
        help="take away what install has copied",
        description="Remove the files that `certboot hook install` has copied, if they are unchanged, and nothing "
        "else.",
    )
    options.examples(removal, ("certboot hook uninstall --python .venv", "from another virtualenv"))
    _interpreters(removal, base="what --base has put into an interpreter, for every virtualenv of it")
    look = actions.add_parser(
        "status",
        help="say where the hook is, whether it runs, and what else runs at start",
        description="Start an interpreter, and say where the hook is, in which version, whether it ran, which store is "
        "recorded, and which other start-up files run code, in their order. By default: the interpreter that runs "
        "certboot, and all that have a copy.",
        epilog="exit status: 0 the hook runs in all of them, 1 not in all, 2 wrong usage or one could not be asked",
    )
    options.examples(
        look,
        ("certboot hook status", "of this one, and all with a copy"),
        ("certboot hook status --python .venv", "of another virtualenv"),
    )
    _interpreters(look)
    look.add_argument("--json", action="store_true", help="print one JSON object instead of text")


def _install_options(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = actions.add_parser(
        "install",
        help="copy the hook into an interpreter",
        description="Copy the hook into the folder of packages of an interpreter, by default the one that runs "
        "certboot. Again, it renews the copy. What certboot did not put there is left alone; where pip put certboot "
        "itself, only --home is recorded.",
    )
    options.examples(
        command,
        ("certboot hook install --python .venv", "into another virtualenv"),
        ("certboot hook install --all-venvs .", "into every one below"),
        ("certboot hook install --base --python .venv", "and for all, now and later"),
    )
    _interpreters(
        command,
        base="an interpreter and every virtualenv made from it, now and later, as uv tool, uvx and pipx do; for a "
        "virtualenv, that from which it was made. Only one of your own, of uv, pyenv, conda or python.org, and without "
        "a sitecustomize; that of a virtualenv runs as before",
    )
    command.add_argument(
        "--home", metavar="DIR", type=options.folder,
        help="the store that this interpreter uses, recorded beside the hook; CERTBOOT_HOME goes before it. For one "
        "that root keeps for all users of a machine (default: as it was, at first each user's own)",
    )  # fmt: skip
    command.add_argument(
        "--break-system-packages", action="store_true",
        help="also where the system's package manager has marked the interpreter as its own (PEP 668). As pip, "
        "certboot puts nothing there unasked: every program of the system that is written in Python would start with "
        "the hook. --user does not need this: the marker is about packages that hide those of the system, and the "
        "hook brings none",
    )  # fmt: skip


def _interpreters(command: argparse.ArgumentParser, *, base: str = "") -> None:
    """Add the options that choose interpreters; ``base``: what the help says of that one, if there is one."""
    which = command.add_mutually_exclusive_group()
    which.add_argument(
        "--python", metavar="PATH", type=options.name, help="an interpreter, or the folder of a virtualenv"
    )
    which.add_argument(
        "--all-venvs", metavar="DIR", type=options.path,
        help="every virtualenv at or below this folder, six levels deep",
    )  # fmt: skip
    folder = command.add_mutually_exclusive_group()
    folder.add_argument(
        "--user", action="store_true", help="your own folder of packages, which virtualenvs leave out (pip's --user)"
    )
    if base:
        folder.add_argument("--base", action="store_true", help=base)
    command.set_defaults(base=False)
    options.quiet(command)


def hook_command(arguments: argparse.Namespace) -> int:
    """Install, remove or look at the hook."""
    if arguments.all_venvs and (arguments.user or arguments.base):
        option = "--base" if arguments.base else "--user"
        message = f"{option} goes with one interpreter, and --all-venvs with the virtualenvs' own folders of packages"
        raise CertbootError(message, f"leave out {option}, or name one with --python")
    actions = {"install": _install, "uninstall": _uninstall, "status": _status}
    return actions[arguments.action](arguments)


def _install(arguments: argparse.Namespace) -> int:
    home = _recorded(arguments.home)

    def act(python: Path) -> int:
        interpreter, folder = _place(python, arguments)
        start_file = interpreter.version >= NO_IMPORT_LINES
        result = install.install(folder, home, start_file=start_file, base=arguments.base)
        own = read_record(folder)
        if own:
            copy = Copy(str(interpreter.python), str(folder), arguments.user, arguments.base)
            _remember(copy, result.hook.home)
            status.compile_modules(interpreter.python, [folder / name for name in own.files if name.endswith(".py")])
        started = status.start(interpreter.python)
        show(done_text(interpreter, result, started))
        return OK if started.status and started.home == result.hook.home else FAILED

    return _each(arguments, act)


def _uninstall(arguments: argparse.Namespace) -> int:
    def act(python: Path) -> int:
        interpreter, folder = _place(python, arguments)
        result = install.uninstall(folder)
        _forget(result, interpreter)
        show(done_text(interpreter, result, None))
        return OK

    return _each(arguments, act)


def _status(arguments: argparse.Namespace) -> int:
    pythons = list(_chosen(arguments))
    lost: dict[Path, str] = {}
    if not (arguments.python or arguments.all_venvs or arguments.user):
        with contextlib.suppress(CertbootError):  # no home folder, so no list
            lost = {Path(copy.python): copy.command("install") for copy in copies.lost_copies(store_paths())}
            pythons += [*(Path(copy.python) for copy in copies.copies(store_paths())), *lost]
    surveys: list[Survey] = []
    failures: list[tuple[str, CertbootError]] = []
    for python in dict.fromkeys(pythons):
        try:
            view = status.survey(interpreters.ask(_interpreter_of(python)))
            surveys.append(view._replace(renew=lost.get(python, view.renew)))
        except CertbootError as error:
            failures.append((str(python), error))
    if arguments.json:
        data(f"{hook_json(surveys, failures)}\n")
    else:
        for view in surveys:
            show(status_text(view))
        for _, failure in failures:
            failed(failure.message, failure.hint)
    if failures:
        return UNFINISHED
    return OK if all(view.well for view in surveys) else FAILED


def _each(arguments: argparse.Namespace, act: Callable[[Path], int]) -> int:
    """Do it to every interpreter that was chosen; one that fails does not keep the others from it."""
    result = OK
    for python in _chosen(arguments):
        try:
            result = max(result, act(_interpreter_of(python)))
        except CertbootError as error:
            result = failed(error.message, error.hint)
        except OSError as error:
            where = f": {error.filename}" if error.filename else ""
            done = "nothing was changed" if arguments.action == "install" else "not all was removed"
            otherwise = "" if arguments.base or arguments.action != "install" else ", or choose --user"
            message = f"{done} for {python}, {error.strerror or error}{where}"
            result = failed(message, f"run certboot as the one who may write there{otherwise}")
    return result


def _chosen(arguments: argparse.Namespace) -> Iterator[Path]:
    """Yield what was chosen: interpreters, or the folders of virtualenvs."""
    if arguments.all_venvs:
        folders = list(interpreters.virtualenvs(arguments.all_venvs))
        if not folders:
            message = f"there is no virtualenv at or below {arguments.all_venvs}"
            raise CertbootError(message, "a virtualenv is a folder with a file pyvenv.cfg")
        yield from folders
    elif arguments.python:
        yield interpreters.named(arguments.python)
    else:
        yield Path(sys.executable)


def _interpreter_of(chosen: Path) -> Path:
    return interpreters.of_virtualenv(chosen) if chosen.is_dir() else chosen


def _place(python: Path, arguments: argparse.Namespace) -> tuple[Interpreter, Path]:
    """Return the interpreter and the folder for the hook; raises CertbootError."""
    interpreter = interpreters.ask(python)
    if arguments.base:
        interpreter = base.base_of(interpreter)
        if arguments.action == "install":
            base.refuse_foreign(interpreter)
        return interpreter, interpreter.stdlib
    if arguments.user:
        if not interpreter.user_site:
            message = f"the user's own folder of packages is turned off in {interpreter.python}"
            raise CertbootError(message, "leave out --user for a virtualenv; --python PATH names another interpreter")
        return interpreter, interpreter.user_site
    if arguments.action == "install" and interpreter.managed and not arguments.break_system_packages:
        message = f"this interpreter belongs to the system's package manager (PEP 668): {interpreter.python}"
        own = f"certboot hook install --user --python {interpreter.python}"
        hint = f"--break-system-packages puts it there all the same; for yourself alone: {own}"
        raise CertbootError(message, hint)
    if interpreter.site_packages not in interpreter.site_folders:
        message = f"{interpreter.python} reads no start-up files in its own folder of packages"
        raise CertbootError(message, f"that folder is {interpreter.site_packages}; choose another interpreter")
    return interpreter, interpreter.site_packages


def _recorded(home: str | None) -> str | None:
    """Return the store's folder as it is to be recorded; raises CertbootError where no hook would use a store there."""
    if home is None:
        return None
    folder = store_at(home).home
    exposure = ownership.written_by_others(folder)
    if exposure:
        message = f"no safe place for a store, {exposure.how}: {exposure.place}"
        raise CertbootError(message, mended_above(*exposure))
    return str(folder)


def _remember(copy: Copy, home: str) -> None:
    """List a copy in the store that it serves, or where that is not ours to write in, in the user's own."""
    try:
        copies.remember(StorePaths(Path(home)) if home and os.access(home, os.W_OK) else store_paths(), copy)
    except (CertbootError, OSError) as error:
        warn(f"warning: no update will say when this copy is outdated: {error}")


def _forget(result: Result, interpreter: Interpreter) -> None:
    home, gone = result.hook.home, (result.hook.folder, interpreter.python)
    with contextlib.suppress(CertbootError, OSError):
        copies.forget(store_paths(), *gone)
    if home and os.access(home, os.W_OK):
        with contextlib.suppress(CertbootError, OSError):
            copies.forget(StorePaths(Path(home)), *gone)


def done_text(interpreter: Interpreter, result: Result, started: Started | None) -> str:
    """Return what was done to one interpreter. ``started``: how it started then, if it was started."""
    hook = result.hook
    done = _OF_INSTALLERS.get(result.action, result.action) if hook.owner == "installer" else result.action
    lines = [f"{_interpreter(interpreter)}: {_DONE[done].format(version=hook.version)}"]
    lines.append(f"  folder    {printable(str(hook.folder))}")
    lines += ["  acts      in this Python and in every virtualenv of it"] if hook.base and started else []
    if started:
        lines.append(f"  ran       {_ran(started, hook)}")
        lines += [f"  store     {printable(started.home)}"] if started.home else []
        if started.home != hook.home:
            module = printable(started.module)
            lines.append(f"  not read  {printable(hook.home)}: the hook that ran, {module}, is too old for it")
    if result.action == "absent" and not hook.base and look(interpreter.stdlib).base:
        argv = copies.hook_command("uninstall", interpreter.python, base=True)
        lines.append(f"  another   for every virtualenv: {printable(copies.shell_line(argv))}")
    if result.action in ("absent", "removed") and hook.owner == "installer":
        lines.append(f"  remove    {printable(str(interpreter.python))} -m pip uninstall certboot")
    return "\n".join(lines)


def status_text(survey: Survey) -> str:
    """Return what is known of the hook in one interpreter."""
    lines = [_interpreter(survey.interpreter)]
    for hook in survey.hooks:
        version = f"certboot {hook.version}, " if hook.version else ""
        whose = f"{_OWNERS[hook.owner]}, {_FOR_ALL if hook.base else ''}"
        lines.append(f"  hook      {version}{whose}in {printable(str(hook.folder))}")
        lines += [f"  changed   {printable(str(hook.folder / name))}" for name in hook.changed]
        lines += [f"  store     {printable(hook.home)}"] if hook.home else []
    lines += [] if survey.hooks else ["  hook      none"]
    gone = "outdated" if survey.hooks else "gone"
    lines += [f"  {gone:<8}  {printable(survey.renew)}"] if survey.renew else []
    lines.append(f"  ran       {_ran(survey.started, survey.hooks[0] if survey.hooks else None)}")
    for file in survey.neighbours:
        skipped = ", skipped because it is hidden" if file.hidden else ""
        lines.append(f"  beside    {printable(str(file.path))} ({printable(file.first)}){skipped}")
    return "\n".join(lines)


def _interpreter(interpreter: Interpreter) -> str:
    return f"{printable(str(interpreter.python))} (Python {'.'.join(map(str, interpreter.version))})"


def _ran(started: Started, hook: Hook | None) -> str:
    if not started.status and not hook:
        return "no"
    if not started.status and hook and hook.base:
        return "no: another sitecustomize is found before it, most likely by PYTHONPATH"
    if started.status not in _STATUS:
        return f"yes, and gave up: {printable(started.status)}"
    folder = printable(str(hook.folder)) if hook else ""
    return _STATUS[started.status].format(folder=folder, count=counted(len(started.variables), "variable"))


def hook_json(surveys: Iterable[Survey], failures: Iterable[tuple[str, CertbootError]]) -> str:
    """Return the hook's state in each interpreter, and why others could not be asked."""
    interpreters: list[dict[str, object]] = [_survey(survey) for survey in surveys]
    interpreters += [{"python": python, "error": error.message, "hint": error.hint} for python, error in failures]
    return json.dumps({"schema": _SCHEMA, "interpreters": interpreters}, indent=1, default=str)


def _survey(survey: Survey) -> dict[str, object]:
    return {
        "python": str(survey.interpreter.python),
        "version": ".".join(map(str, survey.interpreter.version)),
        "hooks": [{name: getattr(hook, name) for name in _OF_HOOK} for hook in survey.hooks],
        "renew": survey.renew,
        "started": {name: getattr(survey.started, name) for name in ("status", "module", "home", "variables")},
        "neighbours": [file._asdict() for file in survey.neighbours],
    }
