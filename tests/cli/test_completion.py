"""What completes certboot's words, in the shells themselves."""

from __future__ import annotations

import os
import pty
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from support.commands import Run
from support.table import cases

from certboot.cli.completion import FILES

# What is typed before the Tab key, and what its last word becomes.
TYPED = {
    "certboot doc": "doctor",
    "certboot env --fo": "--force --format",
    "certboot env --format git": "github",
    "certboot explain missing-i": "missing-intermediate",
    "certboot doctor localhost --ht": "--html",
    "certboot doctor env": "environment",
    "certboot hook uni": "uninstall",
    "certboot trust comp": "company-ca.pem",
    "certboot init --home stor": "store",
    "certboot renew x": "",
}
BASH = r"""
eval "$(cat "$1")"
for typed in "${@:2}"; do
    COMP_WORDS=($typed) COMP_LINE=$typed COMP_POINT=${#typed}; COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMPREPLY=()
    _shtab_certboot certboot "${COMP_WORDS[-1]}" "${COMP_WORDS[-2]}"
    echo "${COMPREPLY[@]}"
done
"""
FISH = "source $argv[1]; for typed in $argv[2..]; echo (complete -C $typed | string replace -r '\\t.*' ''); end"
# Ctrl-X in the place of Enter: it shows the line that the Tab key has made, and leaves it.
ZSH = """\
stty -echo; autoload -Uz compinit && compinit -D -u; unsetopt auto_menu list_ambiguous
shown() {{ print -r -- "<$BUFFER>"; BUFFER= }}; zle -N shown; bindkey '^X' shown
eval "$(cat {})"
"""


def by_a_program(shell: str, script: Path) -> list[str]:
    """What is offered for each that is typed, in a line."""
    arguments = [str(script), *TYPED]
    commands = {"bash": ["bash", "--norc", "-c", BASH, "bash"], "fish": ["fish", "--no-config", "-c", FISH]}
    ran = subprocess.run([*commands[shell], *arguments], check=True, capture_output=True, text=True)
    assert ran.stderr == ""
    return ran.stdout.splitlines()


def on_a_terminal(script: Path) -> list[str]:
    """The lines that zsh makes of those that are typed."""
    process, terminal = pty.fork()
    if not process:
        os.execlp("env", "env", "TERM=dumb", "zsh", "-f", "-i")  # noqa: S606 - a program, not a shell's line
    lines = []
    os.write(terminal, ZSH.format(shlex.quote(str(script))).encode())
    for typed in TYPED:
        os.write(terminal, f"{typed}\t\x18".encode())
        seen = b""
        while not (line := re.search(rb"<(certboot [^>]*)>", seen)):
            seen += os.read(terminal, 65536)
        lines.append(line[1].decode().rstrip())
    os.write(terminal, b"exit\n")
    os.waitpid(process, 0)
    os.close(terminal)
    return lines


@cases("shell", FILES)
def test_the_tab_key_completes_commands_options_choices_files_and_findings(
    certboot: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shell: str
) -> None:
    if not shutil.which(shell):
        pytest.skip(f"no {shell} here")
    monkeypatch.chdir(tmp_path)
    Path("store").mkdir()
    Path("company-ca.pem").touch()
    ran = certboot("completion", shell)
    assert (ran.status, ran.err) == (0, "")
    script = tmp_path / "script"
    script.write_text(ran.out)
    if shell == "zsh":
        completed = [f"{typed.rpartition(' ')[0]} {words}" if words else typed for typed, words in TYPED.items()]
        completed[1] = "certboot env --for"  # as far as both go
        assert [line.rstrip("/") for line in on_a_terminal(script)] == completed
    else:
        offered = [sorted(word.rstrip("/") for word in line.split()) for line in by_a_program(shell, script)]
        assert offered == [words.split() for words in TYPED.values()]


def test_of_other_shells_those_that_are_known_are_named(certboot: Run) -> None:
    ran = certboot("completion", "tcsh")
    assert (ran.status, ran.out) == (2, "")
    assert "(choose from" in ran.err
    for shell in FILES:
        assert shell in ran.err
