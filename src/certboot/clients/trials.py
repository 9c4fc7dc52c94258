"""How each client of the table is tried for real: what to start so that it shakes hands with a host, by its defaults.

Nothing here says which certificates to trust. A client that hears anything from the server has accepted its
certificate, whatever the answer is: a status of 404, or what is no answer in the client's own protocol.
"""

from __future__ import annotations

import functools
import json
import os
import re
import sys
import textwrap
import typing
from importlib import resources

from certboot import files
from certboot.clients.table import Client

Verdict: typing.TypeAlias = typing.Literal["accepted", "refused", "unknown"]

# How clients say that it is the certificate. Most have no code for it that would come through a command line.
_CERTIFICATE = re.compile(
    r"certificate.?verif|unable to (get|verify)|self.signed|UnknownIssuer|invalid peer certificate"
    r"|verification failed|not trusted|unknown ca|SSL certificate problem|UNABLE_TO_|curl: \((60|77)\)"
    r"|CertificateError|invalid certificate",
    re.IGNORECASE,
)
_BECAUSE = " | "  # stands between the errors of a client in Python, in trials.toml
_TROUBLE = re.compile(r"error|fail|refused|cannot|could not|timed out|unreachable", re.IGNORECASE)


class Trial(typing.NamedTuple):
    """A command that makes a client shake hands, and how its failures are told apart."""

    argv: tuple[str, ...]
    environ: tuple[tuple[str, str], ...] = ()
    """What it needs set, so that it asks nobody, tries once and speaks English."""
    answered: str = ""
    """What it writes when it fails after the server has answered: a regular expression."""
    data: str = ""
    """Its standard input."""
    says_json: bool = False
    """Its output ends with a line of JSON that says how it went."""


@functools.cache
def table() -> dict[str, typing.Any]:
    """Return ``trials.toml``: ``frame``, ``python`` (client -> what it does inside that) and ``programs``."""
    return files.toml(resources.files(__package__).joinpath("trials.toml").read_text("utf-8"))


def trial(client: Client, host: str, port: int) -> Trial | None:
    """Return how to try the client on this host, or None where it cannot be tried without a service to talk to.

    Poetry and cargo want a project, pymongo a server that speaks its protocol.
    """
    attempt, program = table()["python"].get(client.name), table()["programs"].get(client.name)
    if attempt:
        code = table()["frame"].replace("{attempt}\n", textwrap.indent(attempt, "    "))
        return Trial((sys.executable, "-c", code, host, str(port)), says_json=True)
    if not program:
        return None
    words = {
        "{python}": sys.executable,
        "{devnull}": os.devnull,
        "{host}": host,
        "{port}": str(port),
        "{authority}": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
    }
    return Trial(
        tuple(re.sub("|".join(map(re.escape, words)), lambda word: words[word[0]], part) for part in program["argv"]),
        (("LC_ALL", "C.UTF-8"), *program.get("environ", {}).items()),
        "|".join(program.get("answered", ())),
        program.get("data", ""),
    )


def verdict(tried: Trial, status: int, output: str, errors: str) -> tuple[Verdict, str]:
    """Return how a trial ended, and what the client said to that."""
    words = f"{output.strip()}\n{errors.strip()}".strip()
    if tried.says_json:
        try:
            answer = json.loads(output.strip().splitlines()[-1])
        except (ValueError, IndexError):
            return "unknown", _telling(words)
        if answer["ok"]:
            return "accepted", ""
        words = answer["error"]
        return ("refused" if _CERTIFICATE.search(words) else "unknown"), _once(words)
    if status == 0:
        return "accepted", ""
    if _CERTIFICATE.search(words):
        return "refused", _telling(words, _CERTIFICATE)
    return ("accepted" if tried.answered and re.search(tried.answered, words) else "unknown"), _telling(words)


def _once(words: str) -> str:
    """Return errors, each of which came of the next, without those that an earlier one quotes."""
    errors = ""
    for error in words.split(_BECAUSE):
        if not errors or error.partition(": ")[2] not in errors:
            errors += f"{_BECAUSE if errors else ''}{error}"
    return errors


def _telling(words: str, sign: re.Pattern[str] = _TROUBLE) -> str:
    """Return the line with the ``sign``, or the last one."""
    lines = words.splitlines()
    return next((line for line in lines if sign.search(line)), lines[-1] if lines else "").strip()
