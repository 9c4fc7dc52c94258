"""Other Python interpreters: found by path, name or virtualenv, and asked where they look for packages.

An interpreter is the only one that knows: distributions, virtualenvs and build options all move the answer. Asking
means running it, so one that somebody else could have put there is not asked.
"""

from __future__ import annotations

import json
import operator
import os
import re
import shutil
import subprocess
import sys
import typing
from collections.abc import Callable, Iterator
from pathlib import Path

import certboot_startup
from certboot import files, ownership
from certboot.errors import CertbootError, printable

OLDEST = (3, 8)
_SECONDS = 60
_DEEPEST = 6
_NO_VIRTUALENVS = {".git", "__pycache__", "node_modules"}
_PYTHON = re.compile(r"(?:python|pypy)[0-9.]*(?:\.exe)?", re.IGNORECASE)
_FIRST_LINE = 4096  # bytes; a path may be that long
# What installers write: env, the shell's exec for a path that is too long for a first line, or the interpreter itself.
_SCRIPT = re.compile(r"""#!\s*/\S*/env(?:[ \t]+-S)?[ \t]+(\S+)|#!/bin/sh\n'{3}exec' "?([^"\n]+?)"? "\$0"|#!\s*(/\S+)""")
MARK = "certboot-answer: "
"""Begins the line that holds the answer: other start-up hooks may print lines of their own."""

# Python 2 must be able to say that it is Python 2.
_SELF = f"""\
answer = {{"version": list(sys.version_info[:3]), "no_site": bool(sys.flags.no_site)}}
if sys.version_info >= {OLDEST}:
    import os, site, sysconfig
    virtual = sys.prefix != sys.base_prefix
    user_site = site.getusersitepackages() if site.ENABLE_USER_SITE else None
    folders = site.getsitepackages([sys.prefix]) if virtual else []
    folders += [user_site] if user_site else []
    answer.update(
        python=sys.executable, virtual=virtual, user_site=user_site,
        site_packages=sysconfig.get_path("purelib"), site_folders=folders + site.getsitepackages(),
        stdlib=sysconfig.get_path("stdlib"), base_prefix=sys.base_prefix,
        managed=os.path.exists(os.path.join(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED")),
    )
"""
# Before the first import the folder from which certboot was called leaves sys.path: what lies there is nobody's
# standard library.
_QUESTION = f"""\
import sys
if sys.path and sys.path[0] == "":
    del sys.path[0]
import json
{_SELF}
sys.stdout.write("\\n{MARK}" + json.dumps(answer) + "\\n")
"""


class Interpreter(typing.NamedTuple):
    """What an interpreter says of itself."""

    python: Path
    """The program; in a virtualenv the link, which is what makes it that virtualenv's."""
    version: tuple[int, int, int]
    virtual: bool
    """Whether it is that of a virtualenv."""
    site_packages: Path
    """Where pip would put pure Python packages (``sysconfig``'s ``purelib``)."""
    user_site: Path | None
    """The user's own folder for packages; None where it is turned off, as in most virtualenvs."""
    site_folders: tuple[Path, ...]
    """The folders whose start-up files it reads, in its order, each once; some may not exist."""
    managed: bool
    """It belongs to the system's package manager (PEP 668), and is no virtualenv."""
    stdlib: Path
    """The library folder; that of a virtualenv is its base's."""
    base_prefix: Path
    """Where the interpreter is installed from which a virtualenv was made; of another its own."""


def named(text: str) -> Path:
    """Return the absolute path of an interpreter, given by path, virtualenv or name on PATH; raises CertbootError.

    Links are left as they are: resolved, a virtualenv's interpreter would be that of the system.
    """
    path = Path(text)
    if path.is_dir():
        return of_virtualenv(path)
    program = shutil.which(text)
    if not program:
        message = f"there is no such program: {text}"
        raise CertbootError(message, "--python takes the path of an interpreter or of a virtualenv")
    return Path(os.path.abspath(program))


def behind(program: str) -> Path | None:
    """Return the interpreter that this program is, or that its first line names; None for a program of another kind."""
    if _PYTHON.fullmatch(os.path.basename(program)):
        return Path(os.path.abspath(program))
    try:
        with open(files.open_regular(program), "rb") as file:
            first = os.fsdecode(file.read(_FIRST_LINE))
    except OSError:
        return None
    line = _SCRIPT.match(first)
    python = next(filter(None, line.groups()), "") if line else ""
    located = shutil.which(python) if _PYTHON.fullmatch(os.path.basename(python)) else None
    return Path(os.path.abspath(located)) if located else None


def of_virtualenv(folder: Path) -> Path:
    """Return the absolute path of a virtualenv's interpreter; raises CertbootError."""
    for name in ("bin/python", "Scripts/python.exe"):
        path = Path(os.path.abspath(folder / name))
        if path.exists():
            return path
    message = f"there is no interpreter in bin or Scripts: {folder}"
    raise CertbootError(message, "a virtualenv whose Python was removed must be made anew")


def virtualenvs(folder: Path) -> Iterator[Path]:
    """Yield every virtualenv at or below ``folder``, in order of path, a few levels deep; follows no symbolic link.

    Folders that cannot be read are passed over.
    """
    for place, folders, names in os.walk(folder):
        path = Path(place)
        is_last = "pyvenv.cfg" in names or len(path.relative_to(folder).parts) == _DEEPEST
        folders[:] = [] if is_last else sorted({*folders} - _NO_VIRTUALENVS)
        if "pyvenv.cfg" in names:
            yield path


def ask(python: Path) -> Interpreter:
    """Run ``python`` to learn where it keeps its packages; raises CertbootError."""
    text = answer(python, _QUESTION, {**environ(), "CERTBOOT_DISABLE": "1"}, "-E", "-B")
    try:
        described = json.loads(text)
        major, minor, micro = map(operator.index, described["version"])
        if (major, minor) < OLDEST:
            message = f"the hook needs Python 3.8 or newer, and this is {major}.{minor}.{micro}: {python}"
            raise CertbootError(message, "choose another interpreter with --python")
        if described["no_site"]:
            message = f"this interpreter reads no start-up files: {python}"
            raise CertbootError(message, "an embedded Python needs `import site` in its ._pth file")
        return _interpreter(described, (major, minor, micro), python, _absolute)
    except (ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
        message = f"an answer that no interpreter gives, from {python}: {printable(text[:80])}"
        raise CertbootError(message, "choose another interpreter with --python") from error


def this() -> Interpreter:
    """Return what the interpreter that runs this would say of itself. Nothing is started for it."""
    scope: dict[str, typing.Any] = {"sys": sys}
    exec(_SELF, scope)  # noqa: S102 - a constant, so that all interpreters are asked the same
    return _interpreter(scope["answer"], sys.version_info[:3], Path(sys.executable), Path)


def _interpreter(
    described: dict[str, typing.Any], version: tuple[int, int, int], python: Path, place: Callable[[str], Path]
) -> Interpreter:
    return Interpreter(
        python=place(described["python"]) if described["python"] else python,
        version=version,
        virtual=described["virtual"] is True,
        site_packages=place(described["site_packages"]),
        user_site=place(described["user_site"]) if described["user_site"] else None,
        site_folders=tuple(dict.fromkeys(map(place, described["site_folders"]))),
        managed=described["managed"] is True and described["virtual"] is False,
        stdlib=place(described["stdlib"]),
        base_prefix=place(described["base_prefix"]),
    )


def _absolute(answer: str) -> Path:
    """Return a path that means the same everywhere; raises ValueError or TypeError.

    What is done in a folder of packages would be done in the current folder otherwise.
    """
    os.fsencode(answer)
    if not os.path.isabs(answer) or any(character in answer for character in "\0\r\n"):
        message = "not a path that a folder of packages has"
        raise ValueError(message)
    return Path(answer)


def environ() -> dict[str, str]:
    """Return the variables as they were before the hook in this process added its own."""
    ours = certboot_startup.applied.items()
    return {name: value for name, value in os.environ.items() if (name, value) not in ours}


def answer(python: Path, code: str, variables: dict[str, str], *flags: str) -> str:
    """Run ``code`` and return what it wrote after MARK; raises CertbootError."""
    stranger = _stranger(python)
    if stranger:
        message = f"an interpreter is not run when {stranger.how}: {stranger.place}"
        raise CertbootError(message, "run certboot as the user to whom that interpreter belongs")
    try:
        done = subprocess.run(
            [python, *flags, "-c", code], env=variables, stdin=subprocess.DEVNULL, capture_output=True, check=False,
            timeout=_SECONDS,
        )  # fmt: skip
    except OSError as error:
        message = f"cannot run {python}: {error.strerror}"
        raise CertbootError(message, "check the path, and that it is a program for this machine") from error
    except subprocess.TimeoutExpired as error:
        message = f"no answer within {_SECONDS} seconds from {python}"
        raise CertbootError(message, f"see what it does at its start: {python} -v -c pass") from error
    lines = done.stdout.decode("ascii", errors="replace").splitlines()
    answers = [line.removeprefix(MARK) for line in lines if line.startswith(MARK)]
    if not answers:
        errors = done.stderr.decode(errors="replace").strip().splitlines()
        message = f"{python} does not answer as an interpreter does, its status is {done.returncode}"
        raise CertbootError(
            message + (f": {printable(errors[-1])}" if errors else ""), f"see for yourself: {python} -c pass"
        )
    return answers[-1]


def _stranger(python: Path) -> ownership.Exposure | None:
    """Return by what somebody else could decide what an interpreter runs, or None."""
    paths = (python, python.parent.parent / "pyvenv.cfg")
    return next(filter(None, (ownership.written_by_others(path, groups=True) for path in paths)), None)
