"""The group ``hook``: did it run in this interpreter, and if not why; guards, and what else starts."""

from __future__ import annotations

import itertools
import os
import sys
import typing
from pathlib import Path

import certboot_startup
from certboot.doctor.finding import INIT, Finding
from certboot.doctor.hook.absence import hook_evidence, hook_install, why_not_run
from certboot.errors import counted
from certboot.hook import interpreters, inventory
from certboot.hook.copies import copies, hook_command, lost_copies, outdated_copies
from certboot.hook.payload import HOME, PACKAGE
from certboot.hook.start_up_files import neighbours
from certboot.hook.tool_environment import elsewhere, tool_environment
from certboot.store.config import load_config
from certboot.store.paths import BUNDLE, CRTS, in_force
from certboot_startup import ADOPTED, OVERRULING

if typing.TYPE_CHECKING:
    from collections.abc import Iterator

    from certboot.doctor.finding import Fix, Status
    from certboot.hook.interpreters import Interpreter
    from certboot.store.paths import StorePaths

_LOOK = (("certboot", "doctor", "store"),)

# What certboot_startup.status can say: the finding, how bad it is, in words, and what mends it.
REASONS: dict[str, tuple[str, Status, str, Fix]] = {
    "homeless": ("hook-homeless", "fail", "found no absolute path for a home folder: set HOME or CERTBOOT_HOME", ()),
    "nothing-to-set": ("hook-nothing-to-set", "info", "has nothing to set: config.toml removes every variable", ()),
    "disabled": ("hook-disabled", "info", "turned off by CERTBOOT_DISABLE", ()),
    "no-store": ("hook-without-store", "warn", "found no store to point at", INIT),
    "bad-env": (
        "hook-env-damaged",
        "fail",
        "does not take the store's env file: not a small regular file with paths of this store",
        INIT,
    ),
    "unsafe": (
        "hook-refuses-store",
        "fail",
        "refuses the store: a part of it, or of the way to it, is a link, or somebody else owns it or can write there",
        _LOOK,
    ),
    "bad-link": (
        "hook-refuses-store",
        "fail",
        "refuses the store: what names the generation in force leads to none of this store",
        INIT,
    ),
    "incomplete": ("hook-refuses-store", "fail", "refuses the store: its bundle or directory is empty", INIT),
}
# They look for certificates when they are imported, so a variable that is set afterwards comes too late.
_AT_IMPORT = ("aiohttp", "httplib2", "tornado.simple_httpclient")
_GUARDS = dict.fromkeys(certboot_startup.GUARDED.values())


def check(paths: StorePaths) -> list[Finding]:
    """Return what the hook did in the interpreter that runs this, and what there is to know beside it."""
    interpreter = interpreters.this()
    findings = [_ran(paths) if certboot_startup.status else why_not_run(interpreter)]
    if certboot_startup.status:
        findings += _from_elsewhere(interpreter)
        findings += _late(interpreter)
    if certboot_startup.status == "active":
        findings += _guards()
    else:
        findings += _unguarded(paths, findings[0].fix)
    return [*findings, *_copies(paths), *_tool(paths), *_others(interpreter)]


def _ran(paths: StorePaths) -> Finding:
    status = certboot_startup.status
    evidence = hook_evidence()
    if certboot_startup.store_home(os.environ, set(os.environ)) != str(paths.home):
        summary = f"looks for the store in another folder than {paths.home}"
        return Finding("hook-looks-elsewhere", "hook", "fail", "hook", summary, evidence)
    if status == "active":
        summary = f"ran in {sys.executable} and set {counted(len(certboot_startup.applied), 'variable')}"
        return Finding("hook-active", "hook", "ok", "hook", summary, evidence)
    kind, level, reason, fix = REASONS.get(status) or ("hook-failed", "fail", _gave_up(status, paths), INIT)
    lost = status == "no-store" and paths.generations.exists()
    if lost or (status == "nothing-to-set" and load_config(paths.config).variables()):
        kind, level, fix = "hook-env-damaged", "fail", INIT
        reason = f"found the store's env file missing or empty: {paths.env}"
    return Finding(kind, "hook", level, "hook", f"ran in {sys.executable}, and {reason}", evidence, fix)


def _gave_up(error: str, paths: StorePaths) -> str:
    """Return in words why the hook ended with this exception of Python's."""
    if error == "PermissionError":
        return f"gave up, because it may not look into the store: {paths.home}"
    if error not in ("FileNotFoundError", "NotADirectoryError"):
        return f"gave up: {error}"
    if not paths.generations.is_dir():
        return f"gave up, because the store has no generations: {paths.generations}"
    folder = in_force(paths)
    if folder is None:
        state = "leads to no generation" if os.path.lexists(paths.current) else "is missing"
        return f"gave up, because what names the generation in force {state}: {paths.current}"
    for name in (CRTS, BUNDLE):
        if not (folder / name).exists():
            return f"gave up, because a part of the generation in force is missing: {folder / name}"
    return "gave up, because a part of the store was missing when it ran"


def _from_elsewhere(interpreter: Interpreter) -> Iterator[Finding]:
    """Yield a finding where the hook that ran is not that of this certboot."""
    import certboot

    folder = Path(certboot_startup.__file__).parents[1]
    if folder == Path(str(certboot.__file__)).parents[1]:
        return
    hook = inventory.look(folder)
    version = f" of certboot {hook.version}" if hook.version else ""
    evidence: dict[str, object] = {"folder": str(folder), "owner": hook.owner, "version": hook.version}
    if inventory.outdated(hook):
        fix = hook_install(interpreter)
        summary = f"the copy{version} that ran here is not the hook of this certboot: {folder}"
        yield Finding("hook-copy-outdated", "hook", "warn", "hook", summary, evidence, fix)
        return
    whose = {"certboot": "a copy by certboot hook install", "installer": "that of another installation"}
    level: Status = "info" if hook.owner in whose else "warn"
    summary = f"the hook{version} that ran here is {whose.get(hook.owner, 'nobody knows whose')}: {folder}"
    yield Finding("hook-from-elsewhere", "hook", level, "hook", summary, evidence)


def _late(interpreter: Interpreter) -> Iterator[Finding]:
    """Yield a finding where what the hook guards, or what looks when it is imported, was imported before it ran."""
    loaded = list(sys.modules)  # in the order in which they were first imported
    before = set(loaded[: loaded.index(PACKAGE)]) if PACKAGE in loaded else set()
    missed = [name for name in _AT_IMPORT if name in before]
    early = [name for name in certboot_startup.GUARDED if name in before]
    if not missed and not early:
        return
    running = itertools.takewhile(
        lambda file: file.path.stem not in (PACKAGE, HOME), (f for f in neighbours(interpreter) if not f.hidden)
    )
    first = [str(file.path) for file in running]
    evidence: dict[str, object] = {"imported": [*missed, *early], "started_before": first}
    by = f", most likely by {first[-1]}" if first else ""
    if missed:
        summary = f"{', '.join(missed)} was imported before the hook ran{by}, and does not see its variables"
        yield Finding("hook-late", "hook", "warn", "hook", summary, evidence)
    else:
        summary = f"{', '.join(early)} was imported before the hook ran{by}; it was guarded afterwards"
        yield Finding("hook-late", "hook", "info", "hook", summary, evidence)


def _guards() -> Iterator[Finding]:
    chosen = {name.strip() for name in certboot_startup.switches.split(",")}
    on = [name for name in _GUARDS if name in chosen]
    off = [name for name in _GUARDS if name not in chosen]
    states = dict(certboot_startup.guarded)
    evidence: dict[str, object] = {"on": on, "off": off, "modules": states}
    for module, state in states.items():
        if state.startswith("stepped aside"):
            yield Finding("guard-stepped-aside", "hook", "warn", f"guard of {module}", state, evidence)
    applied = [module for module, state in states.items() if state == "applied"]
    if off:
        where = "CERTBOOT_GUARDS" if "CERTBOOT_GUARDS" in os.environ else "config.toml"
        summary = f"{where} turns off {', '.join(off)}" + (f"; {', '.join(on)} are on" if on else "")
        yield Finding("guards-off", "hook", "info", "guards", summary, evidence)
    else:
        summary = f"{', '.join(on)} are on; guarded in this process: {', '.join(applied) or 'nothing yet'}"
        yield Finding("guards-on", "hook", "ok", "guards", summary, evidence)


def _unguarded(paths: StorePaths, fix: Fix) -> Iterator[Finding]:
    """Yield a finding where a parent's variables overrule choices here. ``fix``: what makes the hook run."""
    inherited = {name: os.environ[name] for name in OVERRULING if name in os.environ}
    names = [name for name, value in inherited.items() if paths.holds(value) and not value.endswith(ADOPTED)]
    if names:
        summary = (
            f"this Python has certboot's {' and '.join(names)} and not its guards: session.verify, pip --cert and "
            "twine --cert have no effect here"
        )
        yield Finding("guards-missing", "hook", "warn", "guards", summary, {"inherited": inherited}, fix)


def _copies(paths: StorePaths) -> Iterator[Finding]:
    for outdated in outdated_copies(paths):
        copy = outdated.copy
        summary = f"a copy of certboot {outdated.version or 'unknown'} in {copy.folder}, older or not whole"
        fix = (copy.argv("install"),)
        evidence: dict[str, object] = {"folder": copy.folder, "python": copy.python, "version": outdated.version}
        yield Finding("hook-copy-outdated", "hook", "warn", "copy", summary, evidence, fix)
    for copy in lost_copies(paths):
        summary = f"virtualenvs of {copy.python} no longer have the hook, most likely since an upgrade"
        evidence = {"folder": copy.folder, "python": copy.python}
        yield Finding("hook-base-gone", "hook", "warn", "copy", summary, evidence, (copy.argv("install"),))


def _tool(paths: StorePaths) -> Iterator[Finding]:
    """Yield a finding where the hook acts in an environment in which none of the user's scripts run."""
    tool = tool_environment(sys.prefix, os.environ)
    if not tool or copies(paths):
        return
    other = elsewhere(sys.prefix, os.environ)
    summary = f"certboot lies in an environment that {tool} made for it alone, so the hook acts in none of your scripts"
    fix: Fix = ()
    if other:
        fix = (hook_command("install", other.python, user=other.user),)
    evidence: dict[str, object] = {"tool": tool, "prefix": sys.prefix}
    yield Finding("hook-alone", "hook", "warn", "hook", summary, evidence, fix)


def _others(interpreter: Interpreter) -> Iterator[Finding]:
    others = [file for file in neighbours(interpreter) if file.path.stem not in (PACKAGE, HOME)]
    if others:
        named = ", ".join(f"{file.path.name} ({file.first}{', hidden' if file.hidden else ''})" for file in others)
        evidence: dict[str, object] = {
            "files": [{"file": str(file.path), "first": file.first, "hidden": file.hidden} for file in others]
        }
        yield Finding("other-start-up-hooks", "hook", "info", "others", f"also run at start: {named}", evidence)
