"""Write the generated parts of README.md and docs/clients.md anew: the commands' help, and tables.

python3 scripts/readme.py           with certboot importable, as in the virtualenv of scripts/test.py
python3 scripts/readme.py --check   write nothing, and fail where something would have changed
"""

from __future__ import annotations

import contextlib
import io
import os
import runpy
import sys
from collections.abc import Iterable
from pathlib import Path

from certboot.cli import main as cli
from certboot.clients.table import CLIENTS, SYSTEM, Choice, Client, readers
from certboot.clients.variables import DIRECTORY, GENTLE, VARIABLES
from certboot.doctor.findings import EXPLANATIONS

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
DOCUMENTS = (README, ROOT / "docs" / "clients.md")
UNREACHED = ROOT / "tests" / "interop" / "unreached.py"
# In README's order, a new one at the end; the actions of `certboot hook` have a help each.
COMMANDS = [
    argv
    for name in sorted(
        cli.COMMANDS, key=lambda name: len(README.read_text("utf-8").partition(f"$ certboot {name} --help")[0])
    )
    for argv in ([name], *([name, action] for action in ("install", "uninstall", "status") if name == "hook"))
]


def generated(text: str) -> str:
    """Return the text of a document with its generated parts made anew."""
    parts = {
        "help": help_texts,
        "variables": variables_table,
        "clients": clients_table,
        "unreached": runpy.run_path(str(UNREACHED))["as_markdown"],
        "findings": findings_table,
    }
    for name, content in parts.items():
        if f"<!-- {name}: begin -->" in text:
            text = _replaced(text, name, content())
    return text


def help_texts() -> str:
    """Return the help of certboot and of each command, as Markdown."""
    parts = []
    for argv in ([], *COMMANDS):
        output = io.StringIO()
        os.environ["COLUMNS"] = "100"
        with contextlib.redirect_stdout(output), contextlib.suppress(SystemExit):
            cli.main([*argv, "--help"])
        parts.append(f"```console\n$ {' '.join(['certboot', *argv, '--help'])}\n{output.getvalue().rstrip()}\n```")
    return "\n\n".join(parts)


def variables_table() -> str:
    """Return the table of variables, as Markdown."""
    lines = ["| variable | set | read by |", "|---|---|---|"]
    for variable in VARIABLES:
        how = "by default" if variable.default else "by configuration"
        how += f", not by the profile `{GENTLE}`" if variable.overrules else ""
        form = ", to the hashed directory" if variable.form == DIRECTORY else ""
        lines.append(f"| `{variable.name}` | {how}{form} | {', '.join(readers(variable.name))} |")
    return "\n".join(lines)


def clients_table() -> str:
    """Return the table of the clients that are reached, as Markdown."""
    lines = ["| client | looks at | where nothing is set | tested |", "|---|---|---|---|"]
    for client in CLIENTS:
        if client.way:
            continue
        versions = f" before {_version(client.before)}" if client.before else ""
        looks = "; ".join(filter(None, (_places(choice) for choice in client.choices))) or "certifi"
        # Two halves of OpenSSL's defaults are one to a person.
        defaults = [SYSTEM if choice.is_openssl else choice.otherwise for choice in client.choices if choice.otherwise]
        default = " and ".join(dict.fromkeys(defaults))
        lines.append(f"| {client.name}{versions} | {looks} | {default} | {_tested(client)} |")
    return "\n".join(lines)


def _places(choice: Choice) -> str:
    joined = " and " if choice.every else ", "
    return joined.join(f"`{place.name}`" + " in its settings" * place.setting for place in choice.places)


def _version(numbers: Iterable[int]) -> str:
    return ".".join(map(str, numbers))


def _tested(client: Client) -> str:
    return f"once, {client.tried}" if client.tried else "here"


def findings_table() -> str:
    """Return the table of all findings of the doctor, as Markdown."""
    rows = [f"| `{name}` | {found.group} | {found.title} |" for name, found in EXPLANATIONS.items()]
    return "\n".join(["| id | group | what it says |", "|---|---|---|", *rows])


def _replaced(text: str, name: str, content: str) -> str:
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, rest = text.split(begin)
    return f"{before}{begin}\n{content}\n{end}{rest.split(end)[1]}"


def main() -> int:
    """Write the parts, or with ``--check`` return 1 where they are not current."""
    wrong = False
    for path in DOCUMENTS:
        before = path.read_text("utf-8")
        after = generated(before)
        if sys.argv[1:] != ["--check"]:
            path.write_text(after, "utf-8")
        elif before != after:
            wrong = True
            sys.stderr.write(f"readme: error: {path.name} is not current\n\nhint: python3 scripts/check.py --fix\n")
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
