"""What each CA variable is now, who set it, whether it leads to something usable, and what it lacks of the store.

Where it is set is a guess, by the files that shells, sessions and services of this user read when they start: what set
it in this process need not be any of them, and may be a container, a service or a parent.
"""

from __future__ import annotations

import dataclasses
import os
import re
import typing
from pathlib import Path

import certboot_startup
from certboot.clients.table import is_added, readers
from certboot.clients.trust import BY_HOOK, BY_OTHERS, BY_PARENT, who_set
from certboot.clients.variables import BY_NAME, DIRECTORY, VARIABLES, Adoption
from certboot.doctor import owners
from certboot.doctor.environment import coverage
from certboot.doctor.finding import INIT, Finding
from certboot.files import UnreadableError, read_text
from certboot.store import env_file
from certboot.store.env_file import held_back

if typing.TYPE_CHECKING:
    from collections.abc import Iterator

    from certboot.clients.settings_places import Surroundings
    from certboot.clients.variables import Variable
    from certboot.doctor.environment.trust_files import Here
    from certboot.doctor.finding import Fix, Status

_WORDS = {
    BY_HOOK: "set by certboot's hook in this interpreter",
    BY_PARENT: "set to certboot's store, inherited from the process that started this one",
    BY_OTHERS: "set by something else",
}

_OF_USER = (
    ".profile", ".bash_profile", ".bash_login", ".bashrc", ".zshenv", ".zprofile", ".zshrc", ".config/fish/config.fish",
    ".pam_environment",
)  # fmt: skip
_OF_SYSTEM = ("/etc/environment", "/etc/profile", "/etc/bash.bashrc", "/etc/zsh/zshenv", "/etc/zsh/zshrc")
_FOLDERS = (
    ("~/.config/fish/conf.d", ".fish"),
    ("~/.config/environment.d", ".conf"),
    ("/etc/profile.d", ".sh"),
    ("/etc/environment.d", ".conf"),
)


def check(here: Here) -> list[Finding]:
    """Return one finding for every variable that is set, and for every one that the hook would set but did not."""
    environ = here.around.environ
    env = env_file.parse(here.paths.env) or env_file.EnvFile({})
    wanted = env.variables
    held = held_back(wanted, here.paths, environ, env.adopted)
    findings = []
    for variable in VARIABLES:
        name = variable.name
        if name in environ:
            value = environ[name]
            origin = who_set(name, value, certboot_startup.applied, of_store=here.paths.holds(value))
            finding = _set(variable, value, origin, env, here)
            findings.append(_with_maker(finding, value, here) if origin == BY_OTHERS else finding)
        elif name in held:
            summary = f"left unset because {held[name][0]} is set"
            findings.append(Finding("variable-yields", "environment", "info", name, summary))
        elif name in wanted:
            summary = "not set, although certboot would set it"
            findings.append(Finding("variable-not-applied", "environment", "info", name, summary))
    return findings or [Finding("variables-unset", "environment", "info", "variables", "no CA variable is set")]


def _with_maker(finding: Finding, value: str, here: Here) -> Finding:
    """Return a finding with who seems to have made what is there.

    And, where something is to be done about it, with the lines that seem to set the variable.
    """
    noted = finding.status in ("warn", "fail")
    lines = lines_that_set(finding.subject, here.around) if noted else ()
    summary = finding.summary
    if lines:
        summary = f"{summary.removesuffix(')')}, it seems in {', '.join(lines)})"
    contents = here.contents(value, directory=BY_NAME[finding.subject].form == DIRECTORY)
    signs = coverage.signs(here, value, contents, set_in=lines)
    summary += coverage.signs_told(signs, noted=noted)
    more: dict[str, object] = {"set_in": list(lines)} if lines else {}
    return dataclasses.replace(
        finding, summary=summary, evidence={**finding.evidence, **more, **owners.evidence(signs)}
    )


def _set(variable: Variable, value: str, origin: str, env: env_file.EnvFile, here: Here) -> Finding:
    name, anchors = variable.name, here.anchors
    contents = here.contents(value, directory=variable.form == DIRECTORY)
    summary = contents.words
    kind = f"variable-{contents.problem}" if contents.problem else "variable-usable"
    status: Status = "fail" if contents.problem else "ok"
    # Of a list of directories only some are there.
    incomplete = contents.problem == "points-nowhere" and contents.fingerprints
    taken = contents.problem == "directory-for-file-client" and variable.takes_directory
    if incomplete or taken or contents.problem == "empty":
        status = "warn"
    evidence: dict[str, object] = {"value": value, "origin": _WORDS[origin], "readers": ", ".join(readers(name))}
    fix: Fix = ()
    adoption = Adoption(name, value)
    if status == "ok" and adoption in env.adopted:
        kind, status, summary = "variable-not-applied", "info", f"{summary}; adopted, but not replaced here"
    elif status == "ok" and origin == BY_OTHERS:
        missing = coverage.lacking(anchors, contents, adding=is_added(name))
        if name in env.variables or missing:
            kind, status = "variable-overrides-certboot", "warn" if missing or not anchors else "info"
            held = f", and {coverage.told(missing, anchors)}" if anchors else ""
            summary = f"{summary}; certboot leaves it alone{held}"
            evidence |= {"store": env.variables.get(name, ""), **coverage.lacking_evidence(missing, anchors)}
            if status == "warn" and env.variables and not adoption.unfit:
                fix = (("certboot", "adopt", name),)
        if not anchors and not is_added(name):
            summary = "; ".join(filter(None, (summary, coverage.public_told(here, contents))))
    elif status == "fail" and origin != BY_OTHERS:
        fix = INIT
    elif contents.problem:
        evidence["unset"] = [name]
    return Finding(kind, "environment", status, name, f"{summary} ({_WORDS[origin]})", evidence, fix)


def lines_that_set(name: str, around: Surroundings) -> tuple[str, ...]:
    """Return the lines, as FILE:LINE, that set a variable; none on Windows, which keeps them in the registry."""
    if os.name == "nt":
        return ()
    # NAME=value, export NAME=value, set -gx NAME value
    assignment = re.compile(
        rf"\s*(?:(?:export|declare\s+-\w+|typeset\s+-\w+)\s+)?{name}=|\s*set\s+(?:-\S+\s+)+{name}\s"
    )
    numbers = []
    for path in _files(around):
        try:
            text = read_text(path) or ""
        except UnreadableError:
            continue
        lines = enumerate(text.split("\n"), start=1)
        numbers += [f"{path}:{number}" for number, line in lines if assignment.match(line)]
    return tuple(numbers)


def _files(around: Surroundings) -> Iterator[Path]:
    yield from (around.home / name for name in _OF_USER)
    yield from (around.system(name) for name in _OF_SYSTEM)
    prefix = around.environ.get("CONDA_PREFIX")
    folders = [
        (around.home / place[2:] if place.startswith("~/") else around.system(place), suffix)
        for place, suffix in _FOLDERS
    ]
    folders += [(Path(prefix, "etc/conda/activate.d"), ".sh")] if prefix else []
    for folder, suffix in folders:
        try:
            names = sorted(os.listdir(folder))
        except OSError:
            continue
        yield from (folder / name for name in names if name.endswith(suffix))
