"""What ``hook`` says of interpreters, and what ``init``, ``update`` and ``purge`` say of copies of the hook."""

from __future__ import annotations

import typing

from certboot.printable import printable
from certboot.store.place import SHARED

if typing.TYPE_CHECKING:
    from collections.abc import Iterable

    from certboot.hook.copies import Copy, Outdated
    from certboot.hook.found import Found
    from certboot.hook.install import Result
    from certboot.hook.interpreters import Interpreter
    from certboot.hook.status import Started
    from certboot.hook.survey import Survey
    from certboot.hook.tool_environment import Elsewhere

_DONE = {
    "installed": "the hook of certboot {version} is installed",
    "renewed": "the hook is now that of certboot {version}",
    "unchanged": "the hook of certboot {version} is there already",
    "recorded": "the hook of certboot {version}, as its installer put it there",
    "removed": "the hook of certboot {version} is removed",
    "absent": "no hook that certboot has copied",
}
_OWNERS = {
    "certboot": "copied",
    "installer": "from its installer",
    "unknown": "put there by somebody else",
    "nobody": "without a hook",
}
_STATUS = {
    "": "no: the start-up files of {folder} are not read, or certboot_startup.pth is hidden",
    "active": "yes, and set {count} variables",
    "disabled": "yes, and is turned off by CERTBOOT_DISABLE",
    "no-store": "yes, and found no store: certboot init",
    "homeless": "yes, and found no home folder: set HOME or CERTBOOT_HOME",
    "nothing-to-set": "yes, and has nothing to set: config.toml removes every variable",
    "unsafe": "yes, and refuses the store, where others can change something: certboot doctor store",
    "bad-link": "yes, and refuses the store, whose link leads to no generation of it: certboot init",
}


def done_text(interpreter: Interpreter, result: Result, started: Started | None) -> str:
    """Return what was done to one interpreter. ``started``: how it started then, if it was started."""
    found = result.found
    lines = [f"{_interpreter(interpreter)}: {_DONE[result.action].format(version=found.version)}"]
    if result.action in ("unchanged", "absent") and found.owner == "installer":
        lines[0] = f"{_interpreter(interpreter)}: {_DONE['recorded'].format(version=found.version)}"
    lines.append(f"  folder    {printable(str(found.folder))}")
    if started:
        lines.append(f"  ran       {_ran(started, found)}")
        lines += [f"  store     {printable(started.home)}"] if started.home else []
        if started.home != found.home:
            module = printable(started.module)
            lines.append(f"  not read  {printable(found.home)}: the hook that ran, {module}, is too old for it")
    if result.action == "absent" and found.owner == "installer":
        lines.append(f"  remove    {printable(str(interpreter.python))} -m pip uninstall certboot")
    return "\n".join(lines)


def status_text(survey: Survey) -> str:
    """Return what is known of the hook in one interpreter."""
    lines = [_interpreter(survey.interpreter)]
    for found in survey.hooks:
        version = f"certboot {found.version}, " if found.version else ""
        lines.append(f"  hook      {version}{_OWNERS[found.owner]}, in {printable(str(found.folder))}")
        lines += [f"  changed   {printable(str(found.folder / name))}" for name in found.changed]
        lines += [f"  store     {printable(found.home)}"] if found.home else []
    lines += [] if survey.hooks else ["  hook      none"]
    lines += [f"  outdated  {printable(survey.renew)}"] if survey.renew else []
    lines.append(f"  ran       {_ran(survey.started, survey.hooks[0] if survey.hooks else None)}")
    for each in survey.neighbours:
        skipped = ", skipped because it is hidden" if each.hidden else ""
        lines.append(f"  beside    {printable(str(each.path))} ({printable(each.first)}){skipped}")
    return "\n".join(lines)


def init_notes(
    *,
    tool: str = "",
    other: Elsewhere | None = None,
    renewed: Iterable[Copy] = (),
    outdated: Iterable[Outdated] = (),
    apart: str = "",
    place: Iterable[str] = (),
) -> list[str]:
    """Return the lines that ``init`` and ``update`` add on where the hook acts.

    ``tool``: what made the environment that certboot is in; ``other``: the interpreter that the user probably means;
    ``apart``: the store's folder, where the hook in this environment looks elsewhere; ``place``: what is to be known
    of the place of the store.
    """
    lines = [f"  note      {printable(note)}" for note in place]
    if lines:
        lines.append(f"            {SHARED}")
    if tool:
        python = f"--python {printable(other.python)}{' --user' if other.user else ''}" if other else "--python PATH"
        lines.append(f"  note      the hook acts only in this environment, which {tool} made for certboot; for others:")
        lines.append(f"            certboot hook install {python}{f' --home {printable(apart)}' if apart else ''}")
    elif apart:
        lines.append("  note      a Python uses this store with CERTBOOT_HOME, or once it is told so:")
        lines.append(f"            certboot hook install --home {printable(apart)} --python PATH")
    lines += [f"  renewed   the copy of the hook in {printable(copy.folder)}" for copy in renewed]
    return lines + [line for each in outdated for line in _outdated(each)]


def remaining(copies: Iterable[Copy]) -> list[str]:
    """Return what ``purge`` says of copies of the hook that it leaves in other interpreters."""
    commands = [f"  {printable(copy.command('uninstall'))}" for copy in copies]
    head = "copies of the hook stay in other interpreters, where they do nothing without a store; to remove them:"
    return [head, *commands] if commands else []


def _outdated(outdated: Outdated) -> list[str]:
    version = f"of certboot {printable(outdated.version)} " if outdated.version else ""
    return [
        f"  outdated  the copy of the hook {version}in {printable(outdated.copy.folder)}; to renew it:",
        f"            {printable(outdated.copy.command('install'))}",
    ]


def _interpreter(interpreter: Interpreter) -> str:
    return f"{printable(str(interpreter.python))} (Python {'.'.join(map(str, interpreter.version))})"


def _ran(started: Started, found: Found | None) -> str:
    if not started.status and not found:
        return "no"
    if started.status not in _STATUS:
        return f"yes, and gave up: {printable(started.status)}"
    folder = printable(str(found.folder)) if found else ""
    return _STATUS[started.status].format(folder=folder, count=len(started.variables))
