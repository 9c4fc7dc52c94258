"""Write what is made of certboot's parser anew: what `certboot completion` prints, and the man page.

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
MANUAL = ROOT / "docs" / "certboot.1"
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


def manual() -> str:
    """Return the man page, in the macros of groff_man(7)."""
    whole = cli.parser(*cli.COMMANDS)
    description = str(whole.description)
    lines = [
        '.TH CERTBOOT 1 "" certboot "User Commands"',
        ".SH NAME",
        f"certboot \\- {roff(description[0].lower() + description[1:].rstrip('.'))}",
        f".SH SYNOPSIS\n{usage(whole)}",
        f".SH DESCRIPTION\n{roff(description)}",
        ".SH OPTIONS",
        *option_lines(whole),
        ".SH COMMANDS",
    ]
    for parser in parsers(whole):
        if parser is not whole:
            lines += command_section(parser)
    lines.append(f".SH EXIT STATUS AND ENVIRONMENT\n{roff(str(whole.epilog).removeprefix('exit status: '))}")
    return "\n".join([*lines, ".SH SEE ALSO", "openssl\\-verify(1), update\\-ca\\-certificates(8)", ""])


def command_section(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Yield what the man page says of one command."""
    name = parser.prog.partition(" ")[2]
    yield f".SS {roff(parser.prog)}"
    yield roff(parser.description or f"{cli.COMMANDS[name][1].capitalize()}.")
    yield f".PP\n{usage(parser)}"
    examples = parser.get_default("examples")
    width = max(len(line) for line, _ in examples)
    yield ".PP\n.EX"
    yield from (roff(f"{line:<{width}}  # {about}") for line, about in examples)
    yield ".EE"
    yield from option_lines(parser)
    if parser.epilog:
        yield (
            f".PP\n.EX\n{roff(parser.epilog)}\n.EE" if "\n" in parser.epilog.strip() else f".PP\n{roff(parser.epilog)}"
        )


def option_lines(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Yield each option and word of a command, with what it means."""
    for action in parser._actions:  # noqa: SLF001 - see above
        if action.dest != "help" and not isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - see above
            yield f".TP\n\\fB{roff(invocation(action))}\\fR"
            yield roff((action.help or "").replace("%%", "%"))


def usage(parser: argparse.ArgumentParser) -> str:
    """Return how a command is called, without argparse's own line ends."""
    return roff(" ".join(parser.format_usage().removeprefix("usage: ").split()))


def invocation(action: argparse.Action) -> str:
    """Return how an option or a word is written."""
    choices = f"{{{','.join(map(str, action.choices))}}}" if action.choices else action.dest.upper()
    value = "" if action.nargs == 0 else str(action.metavar or choices)
    return " ".join(filter(None, (", ".join(action.option_strings), value)))


def roff(text: str) -> str:
    """Return text as it is, for groff: hyphens are those that can be pasted, and no line is a request."""
    escaped = text.strip("\n").replace("\\", "\\e").replace("-", "\\-").replace("`", "\\(ga")
    return "\n".join(f"\\&{line}" if line[:1] in (".", "'") else line for line in escaped.split("\n"))


def main() -> int:
    """Write the files, or with ``--check`` return 1 where they are not current."""
    texts = {COMPLETIONS / name: completion(shell) for shell, name in FILES.items()}
    texts[MANUAL] = manual()
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
