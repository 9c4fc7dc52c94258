"""``completion``: what completes the words of certboot in a shell."""

from __future__ import annotations

import argparse
from pathlib import Path

from certboot.cli import options
from certboot.cli.terminal import data
from certboot.errors import OK

FILES = {"bash": "certboot.bash", "zsh": "_certboot", "fish": "certboot.fish"}
"""By shell, in ``completions/``: made from the parser by scripts/shell_files.py, so that no shell waits for Python."""
_FILED = """\
certboot installed below /usr, /usr/local or ~/.local has these files in share/,
where shells look by themselves (zsh: not below ~/.local). For all others:
  certboot completion bash > ~/.local/share/bash-completion/completions/certboot
  certboot completion zsh > DIR/_certboot      with DIR in $fpath before compinit
  certboot completion fish > ~/.config/fish/completions/certboot.fish
"""


def completion_options(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    options.examples(
        command,
        ('eval "$(certboot completion bash)"', "in ~/.bashrc"),
        ('eval "$(certboot completion zsh)"', "in ~/.zshrc, after compinit"),
        ("certboot completion fish | source", "in ~/.config/fish/config.fish"),
    )
    command.description = "Print what lets the Tab key complete commands, options, files and findings."
    command.epilog = _FILED
    command.formatter_class = argparse.RawDescriptionHelpFormatter
    command.add_argument("shell", metavar="SHELL", choices=tuple(FILES), help=", ".join(FILES))


def completion_command(arguments: argparse.Namespace) -> int:
    """Print the file of a shell."""
    data((Path(__file__).with_name("completions") / FILES[arguments.shell]).read_text("utf-8"))
    return OK
