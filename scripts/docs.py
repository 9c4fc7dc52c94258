"""Write the generated parts of docs/ anew: the commands' help, the findings, and the tables of variables and clients.

python3 scripts/docs.py           with certboot importable, as in the virtualenv of scripts/test.py
python3 scripts/docs.py --check   write nothing, and fail where something would have changed
"""

from __future__ import annotations

import contextlib
import io
import os
import runpy
import sys
from collections.abc import Callable, Iterable
from itertools import groupby
from pathlib import Path

from generated import filled

from certboot.cli import main as cli
from certboot.clients.table import CLIENTS, SYSTEM, Choice, Client, readers
from certboot.clients.variables import DIRECTORY, GENTLE, VARIABLES
from certboot.doctor.findings import EXPLANATIONS

ROOT = Path(__file__).resolve().parents[1]
HOOK_ACTIONS = ("install", "uninstall", "status")  # each has a help of its own
TARGET = "HOST"


def help_texts() -> str:
    """Return the help of certboot and of each command, as Markdown."""
    commands = [[name] for name in cli.COMMANDS]
    commands += [["hook", action] for action in HOOK_ACTIONS]
    sections = []
    for argv in ([], *sorted(commands, key=lambda argv: list(cli.COMMANDS).index(argv[0]))):
        output = io.StringIO()
        os.environ["COLUMNS"] = "100"
        with contextlib.redirect_stdout(output), contextlib.suppress(SystemExit):
            cli.main([*argv, "--help"])
        command = " ".join(["certboot", *argv])
        sections.append(f"## {command}\n\n```console\n$ {command} --help\n{output.getvalue().rstrip()}\n```")
    return "\n\n".join(sections)


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
        if client.notes.way:
            continue
        versions = f" before {_version(client.versions.before)}" if client.versions.before else ""
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
    return f"once, {client.notes.tried}" if client.notes.tried else "here"


def unreached_table() -> str:
    """Return the table of clients that are not reached, as Markdown."""
    table: str = runpy.run_path(str(ROOT / "tests" / "interop" / "unreached.py"))["as_markdown"]()
    return table


def findings_list() -> str:
    """Return the findings of each group in a table, then their stories, as Markdown."""
    tables, stories = [], []
    for group, members in groupby(EXPLANATIONS.items(), key=lambda member: member[1].group):
        rows = []
        for kind, story in members:
            rows.append(f"| [`{kind}`](#{kind}) | {story.title} |")
            parts = (
                f"**{story.title[0].upper()}{story.title[1:]}.** {story.meaning}",
                story.why and f"**Why clients fail:** {story.why}",
                f"**Who can mend it:** {story.who}",
                story.how and f"**How:** {story.how}",
                story.operator and f"**For the server's operator:** {story.operator}",
            )
            stories.append("\n\n".join((f"### {kind}", *(part.format(target=TARGET) for part in parts if part))))
        tables.append("\n".join((f"**{group}**\n", "| id | what it says |", "|---|---|", *rows)))
    return "\n\n".join((*tables, "## What each means", *stories))


PARTS: dict[str, dict[str, Callable[[], str]]] = {
    "clients.md": {"clients": clients_table, "unreached": unreached_table, "variables": variables_table},
    "findings.md": {"findings": findings_list},
}
"""File in docs/ -> name of a generated part -> what makes it."""
if sys.version_info < (
    3,
    13,
):  # from then on argparse writes "-o, --output FILE" in the place of "-o FILE, --output FILE"
    PARTS["commands.md"] = {"help": help_texts}


def main() -> int:
    """Write the parts, or with ``--check`` return 1 where they are not current."""
    for file, parts in PARTS.items():
        path = ROOT / "docs" / file
        before = path.read_text("utf-8")
        after = filled(before, {name: content() for name, content in parts.items()})
        if before == after:
            continue
        if sys.argv[1:] == ["--check"]:
            sys.stderr.write(f"docs: error: docs/{file} is not current\n\nhint: python3 scripts/check.py --fix\n")
            return 1
        path.write_text(after, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
