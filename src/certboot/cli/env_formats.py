"""Variables as text for shells, files and services to read. Pure: each format is a function from settings to text.

A value that a format cannot carry as it is gets refused, never bent: a path that is almost right is another path.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping

from certboot.errors import CertbootError

_HINT = "choose another --format (sh takes every value), or set CERTBOOT_HOME to a folder with a plain name"
_RUNS = re.compile(r"[ -~]+|[^ -~]+")  # printable ASCII, and the rest
# What python-dotenv replaces in every value, whatever its quotes.
_INTERPOLATED = re.compile(r"\$\{[^}]*\}")


def sh(settings: Mapping[str, str]) -> str:
    """Return ``export`` commands for the shells of POSIX's family: sh, bash, zsh, ksh."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in settings.items())


def fish(settings: Mapping[str, str]) -> str:
    """Return ``set -gx`` commands. Between fish's single quotes only a quote and a backslash are escaped."""
    quoted = {name: value.replace("\\", "\\\\").replace("'", "\\'") for name, value in settings.items()}
    return "".join(f"set -gx {name} '{value}'\n" for name, value in quoted.items())


def powershell(settings: Mapping[str, str]) -> str:
    """Return assignments, each a line of ASCII.

    PowerShell takes curly quotes for straight ones (about_Quoting_Rules), and on Windows decodes what a program prints
    with a code page that is seldom the program's own. So all but printable ASCII is written as ``[char]`` and a number.
    """
    refuse_bytes("powershell", settings)
    return "".join(f"$env:{name} = {_powershell_string(value)}\n" for name, value in settings.items())


def _powershell_string(value: str) -> str:
    terms = []
    for run in _RUNS.findall(value):
        if run.isascii() and run.isprintable():
            terms.append("'{}'".format(run.replace("'", "''")))
        else:
            units = run.encode("utf-16-le")  # what a [char] holds
            terms += [f"[char]{units[at] | units[at + 1] << 8}" for at in range(0, len(units), 2)]
    if not (terms and terms[0].startswith("'")):
        terms.insert(0, "''")  # a sum that begins with a string is one
    return " + ".join(terms)


def dotenv(settings: Mapping[str, str]) -> str:
    """Return the lines of a ``.env`` file.

    python-dotenv, Docker Compose, systemd's EnvironmentFile= and a shell that sources the file read the same in it.
    They agree on single quotes around what none of them escapes or expands there, and else on double quotes.
    """
    refuse_bytes("dotenv", settings)
    lines = []
    for name, value in settings.items():
        quote = '"' if "'" in value or "\\" in value else "'"
        if "\r" in value or _INTERPOLATED.search(value) or (quote == '"' and ("$" in value or "`" in value)):
            raise refused(value, "dotenv", "its readers have no spelling in common for")
        escaped = value.replace("\\", "\\\\").replace('"', '\\"') if quote == '"' else value
        lines.append(f"{name}={quote}{escaped}{quote}\n")
    return "".join(lines)


def github(settings: Mapping[str, str]) -> str:
    """Return lines to append to the file that ``$GITHUB_ENV`` names, for the later steps of a job."""
    refuse_bytes("github", settings)
    parts = []
    for name, value in settings.items():
        if "\r" in value:  # the end of a line for a runner on Windows
            raise refused(value, "github", "a line of $GITHUB_ENV cannot hold")
        if "\n" in value:
            delimiter = "EOF"
            while delimiter in value:
                delimiter += "_"
            parts.append(f"{name}<<{delimiter}\n{value}\n{delimiter}\n")
        else:
            parts.append(f"{name}={value}\n")
    return "".join(parts)


def docker(settings: Mapping[str, str]) -> str:
    """Return the lines of a file for ``docker run --env-file``, which knows no quotes: a line is what it is.

    Newer versions take away quotes that stand around a whole value (docker/cli, pkg/kvfile), older ones do not.
    """
    refuse_bytes("docker", settings)
    for value in settings.values():
        if "\n" in value or "\r" in value or (value[:1] in ("'", '"') and value[:1] == value[-1:]):
            raise refused(value, "docker", "a line of an env-file cannot hold")
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def json(settings: Mapping[str, str]) -> str:
    """Return one JSON object, in ASCII."""
    from json import dumps

    refuse_bytes("json", settings)
    return dumps(settings, indent=1) + "\n"


def refuse_bytes(form: str, settings: Mapping[str, str]) -> None:
    """Raise CertbootError where a value is not text."""
    for value in settings.values():
        try:
            value.encode()
        except UnicodeEncodeError:  # bytes that os.fsdecode has kept as surrogates
            raise refused(value, form, "it takes Unicode only, and not") from None


def refused(value: str, form: str, why: str) -> CertbootError:
    """Return what says that a format cannot carry a value, and why."""
    return CertbootError(f"--format {form}: {why} this value: {value!r}", _HINT)


FORMATS: dict[str, Callable[[Mapping[str, str]], str]] = {
    "sh": sh,
    "fish": fish,
    "powershell": powershell,
    "dotenv": dotenv,
    "github": github,
    "docker": docker,
    "json": json,
}
