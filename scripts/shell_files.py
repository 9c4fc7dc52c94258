"""Write what shells have of certboot's parser anew: the completions that `certboot completion` prints.

python3 scripts/shell_files.py           in the virtualenv of scripts/test.py, which has shtab
python3 scripts/shell_files.py --check   write nothing, and fail where something would have changed
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import shtab

from certboot.cli import main as cli
from certboot.cli.completion import FILES
from certboot.doctor.findings import EXPLANATIONS
from certboot.doctor.run import GROUPS

ROOT = Path(__file__).resolve().parents[1]
COMPLETIONS = ROOT / "src" / "certboot" / "cli" / "completions"
WORDS = {"certboot explain": tuple(EXPLANATIONS), "certboot doctor": GROUPS}
"""What the first words of a command are taken from, though others may stand there."""


def parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """Yield a parser and those of its commands."""
    yield parser
    for action in subcommands(parser):
        for command in action.choices.values():
            yield from parsers(command)


def subcommands(parser: argparse.ArgumentParser) -> list[argparse._SubParsersAction[argparse.ArgumentParser]]:
    """Return the one action that holds a parser's commands, if there are any."""
    return [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]  # noqa: SLF001 - argparse shows them nowhere else


def completion(shell: str) -> str:
    """Return what completes certboot's words in a shell."""
    whole = cli.parser(*cli.COMMANDS)
    for parser in parsers(whole):
        _, _, name = parser.prog.partition(" ")
        if name in cli.COMMANDS:
            parser.description = cli.COMMANDS[name][1]
        for action in parser._actions:  # noqa: SLF001 - see above
            metavar = str(action.metavar)
            if "FILE" in metavar or "PATH" in metavar:
                action.complete = shtab.FILE  # type: ignore[attr-defined] # this is where shtab looks
            elif "DIR" in metavar:
                action.complete = shtab.DIRECTORY  # type: ignore[attr-defined] # as above
            elif not action.option_strings and parser.prog in WORDS:
                action.choices = WORDS[parser.prog]
    return f"{shtab.complete(whole, shell).rstrip()}\n"


def main() -> int:
    """Write the files, or with ``--check`` return 1 where they are not current."""
    texts = {COMPLETIONS / name: completion(shell) for shell, name in FILES.items()}
    wrong = False
    for path, text in texts.items():
        if sys.argv[1:] != ["--check"]:
            path.write_text(text, "utf-8")
        elif not path.exists() or path.read_text("utf-8") != text:
            wrong = True
            sys.stderr.write(f"shell_files: error: {path.name} is not current\n\nhint: scripts/check.py --fix\n")
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
