"""``hook``: the start-up hook in other interpreters."""

from __future__ import annotations

import contextlib
import os
import sys
import typing
from pathlib import Path

from certboot.cli.terminal import data, failed, show, warn
from certboot.errors import CertbootError
from certboot.exit_status import FAILED, OK, UNFINISHED

if typing.TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

    from certboot.hook.copies import Copy
    from certboot.hook.install import Result
    from certboot.hook.interpreters import Interpreter
    from certboot.store.paths import StorePaths


def hook_command(arguments: argparse.Namespace) -> int:
    """Install, remove or look at the hook."""
    if arguments.all_venvs and arguments.user:
        message = "--user goes with one interpreter, and most virtualenvs have it turned off"
        raise CertbootError(message, "leave out --user")
    actions = {"install": _install, "uninstall": _uninstall, "status": _status}
    return actions[arguments.action](arguments)


def _install(arguments: argparse.Namespace) -> int:
    from certboot.cli.hook_text import done_text
    from certboot.hook import install as hook_install
    from certboot.hook import record, status
    from certboot.hook.copies import Copy

    home = _recorded(arguments.home)

    def install(python: Path) -> int:
        interpreter, folder = _place(python, arguments)
        result = hook_install.install(folder, home)
        found = result.found
        own = record.read_record(folder)
        if own:
            _remember(Copy(str(interpreter.python), str(folder), arguments.user), found.home)
            status.compile_modules(interpreter.python, [folder / name for name in own.files if name.endswith(".py")])
        started = status.start(interpreter.python)
        show(done_text(interpreter, result, started))
        return OK if started.status and started.home == found.home else FAILED

    return _each(arguments, install)


def _uninstall(arguments: argparse.Namespace) -> int:
    from certboot.cli.hook_text import done_text
    from certboot.hook import install

    def uninstall(python: Path) -> int:
        interpreter, folder = _place(python, arguments)
        result = install.uninstall(folder)
        _forget(result)
        show(done_text(interpreter, result, None))
        return OK

    return _each(arguments, uninstall)


def _status(arguments: argparse.Namespace) -> int:
    from certboot.cli.hook_json import hook_json
    from certboot.cli.hook_text import status_text
    from certboot.hook import interpreters
    from certboot.hook.copies import copies
    from certboot.hook.survey import Survey, survey

    pythons = list(_chosen(arguments))
    if not (arguments.python or arguments.all_venvs or arguments.user):
        with contextlib.suppress(CertbootError):  # no home folder, so no list
            pythons += [Path(copy.python) for copy in copies(_store())]
    surveys: list[Survey] = []
    failures: list[tuple[str, CertbootError]] = []
    for python in dict.fromkeys(pythons):
        try:
            surveys.append(survey(interpreters.ask(_interpreter_of(python))))
        except CertbootError as error:
            failures.append((str(python), error))
    if arguments.json:
        data(f"{hook_json(surveys, failures)}\n")
    else:
        for each in surveys:
            show(status_text(each))
        for _, failure in failures:
            failed(failure.message, failure.hint)
    if failures:
        return UNFINISHED
    return OK if all(each.well for each in surveys) else FAILED


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
            message = f"nothing was changed for {python}, {error.strerror or error}{where}"
            result = failed(message, "run certboot as the one who may write there, or choose --user")
    return result


def _chosen(arguments: argparse.Namespace) -> Iterator[Path]:
    """Yield what was chosen: interpreters, or the folders of virtualenvs."""
    from certboot.hook import interpreters

    if arguments.all_venvs:
        found = list(interpreters.virtualenvs(arguments.all_venvs))
        if not found:
            message = f"there is no virtualenv at or below {arguments.all_venvs}"
            raise CertbootError(message, "a virtualenv is a folder with a file pyvenv.cfg")
        yield from found
    elif arguments.python:
        yield interpreters.named(arguments.python)
    else:
        yield Path(sys.executable)


def _interpreter_of(chosen: Path) -> Path:
    from certboot.hook import interpreters

    return interpreters.of_virtualenv(chosen) if chosen.is_dir() else chosen


def _place(python: Path, arguments: argparse.Namespace) -> tuple[Interpreter, Path]:
    """Return the interpreter and the folder for the hook; raises CertbootError."""
    from certboot.hook import interpreters

    interpreter = interpreters.ask(python)
    if arguments.user:
        if not interpreter.user_site:
            message = f"the user's own folder of packages is turned off in {interpreter.python}"
            raise CertbootError(message, "leave out --user for a virtualenv; --python PATH names another interpreter")
        return interpreter, interpreter.user_site
    if arguments.action == "install" and interpreter.managed and not arguments.break_system_packages:
        message = f"this interpreter belongs to the system's package manager (PEP 668): {interpreter.python}"
        hint = f"certboot hook install --user --python {interpreter.python}, for yourself; or --break-system-packages"
        raise CertbootError(message, hint)
    if interpreter.site_packages not in interpreter.site_folders:
        message = f"{interpreter.python} reads no start-up files in its own folder of packages"
        raise CertbootError(message, f"that folder is {interpreter.site_packages}; choose another interpreter")
    return interpreter, interpreter.site_packages


def _recorded(home: str | None) -> str | None:
    """Return the store's folder as it is to be recorded; raises CertbootError where no hook would use a store there."""
    from certboot import files
    from certboot.store.paths import store_paths
    from certboot.store.place import mended_above

    if home is None:
        return None
    folder = store_paths({"CERTBOOT_HOME": home}).home
    how = files.exposed(folder)
    above = (folder, how) if how else files.exposed_above(folder)
    if above:
        message = f"no safe place for a store, {above[1]}: {above[0]}"
        raise CertbootError(message, mended_above(*above))
    return str(folder)


def _store() -> StorePaths:
    from certboot.store.paths import store_paths

    return store_paths()


def _remember(copy: Copy, home: str) -> None:
    """List a copy in the store that it serves, or where that is not ours to write in, in the user's own."""
    from certboot.hook import copies
    from certboot.store.paths import StorePaths

    try:
        copies.remember(StorePaths(Path(home)) if home and os.access(home, os.W_OK) else _store(), copy)
    except (CertbootError, OSError) as error:
        warn(f"warning: no update will say when this copy is outdated: {error}")


def _forget(result: Result) -> None:
    from certboot.hook import copies
    from certboot.store.paths import StorePaths

    home = result.found.home
    with contextlib.suppress(CertbootError, OSError):
        copies.forget(_store(), result.found.folder)
    if home and os.access(home, os.W_OK):
        with contextlib.suppress(CertbootError, OSError):
            copies.forget(StorePaths(Path(home)), result.found.folder)
