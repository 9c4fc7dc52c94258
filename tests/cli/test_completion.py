"""What completes certboot's words, in the shells themselves."""

from __future__ import annotations

import os
import pty
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support.commands import Run
from support.environments import SYSTEM_PATH, Environment
from support.table import cases

from certboot.cli.completion import FILES

# What is typed before the Tab key, and what its last word becomes.
TYPED = {
    "certboot doc": "doctor",
    "certboot env --fo": "--force --format",
    "certboot env --format gith": "github",
    "certboot explain missing-i": "missing-intermediate",
    "certboot doctor localhost --ht": "--html",
    "certboot doctor env": "environment",
    "certboot hook uni": "uninstall",
    "certboot trust comp": "company-ca.pem",
    "certboot init --home stor": "store",
    "certboot renew x": "",
}
INSTALLED = {
    "bash": "bash-completion/completions/certboot",
    "zsh": "zsh/site-functions/_certboot",
    "fish": "fish/vendor_completions.d/certboot.fish",
}
BASH = r"""
source "$1"
for typed in "${@:2}"; do
    COMP_WORDS=($typed) COMP_LINE=$typed COMP_POINT=${#typed}; COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMPREPLY=()
    _shtab_certboot certboot "${COMP_WORDS[-1]}" "${COMP_WORDS[-2]}"
    echo "${COMPREPLY[@]}"
done
"""
FISH = """
test -z $argv[1] || source $argv[1]
for typed in $argv[2..]; echo (complete -C $typed | string replace -r '\\t.*' ''); end
"""
# Ctrl-X in the place of Enter: it shows the line that the Tab key has made, and leaves it.
ZSH = """\
stty -echo; unsetopt auto_menu list_ambiguous
shown() {{ print -r -- "<$BUFFER>"; BUFFER= }}; zle -N shown; bindkey '^X' shown
{before}; autoload -Uz compinit && compinit -D -u; {after}
"""


def by_a_program(*argv: str | Path, **environ: str) -> list[str]:
    """What is offered for each that is typed, in a line."""
    ran = subprocess.run([*argv, *TYPED], check=True, capture_output=True, text=True, env={**os.environ, **environ})
    assert ran.stderr == ""
    return ran.stdout.splitlines()


def on_a_terminal(before: str = "", after: str = "") -> list[str]:
    """The lines that zsh makes of those that are typed, with these commands before and after compinit."""
    process, terminal = pty.fork()
    if not process:
        os.execlp("env", "env", "TERM=dumb", "zsh", "-f", "-i")  # noqa: S606 - a program, not a shell's line
    lines = []
    os.write(terminal, ZSH.format(before=before or ":", after=after).encode())
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


@pytest.fixture
def script(certboot: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """What the command prints for a shell, in a file; and a folder with what is typed."""
    monkeypatch.chdir(tmp_path)
    Path("store").mkdir()
    Path("company-ca.pem").touch()

    def written(shell: str) -> Path:
        if not shutil.which(shell):
            pytest.skip(f"no {shell} here")
        ran = certboot("completion", shell)
        assert (ran.status, ran.err) == (0, "")
        (tmp_path / "script").write_text(ran.out)
        return tmp_path / "script"

    return written


def assert_completed(shell: str, lines: list[str]) -> None:
    offered = [sorted(word.rstrip("/") for word in line.split()) for line in lines]
    assert offered == [words.split() for words in TYPED.values()], shell


def assert_completed_in_zsh(lines: list[str]) -> None:
    completed = [f"{typed.rpartition(' ')[0]} {words}" if words else typed for typed, words in TYPED.items()]
    completed[1] = "certboot env --for"  # as far as both go
    assert [line.rstrip("/") for line in lines] == completed


@cases("shell", FILES)
def test_the_tab_key_completes_commands_options_choices_files_and_findings(
    script: Callable[[str], Path], shell: str
) -> None:
    path = script(shell)
    if shell == "zsh":
        assert_completed_in_zsh(on_a_terminal(after=f'eval "$(cat {shlex.quote(str(path))})"'))
    elif shell == "bash":
        assert_completed(shell, by_a_program("bash", "--norc", "-c", BASH, "bash", path))
    else:
        assert_completed(shell, by_a_program("fish", "--no-config", "-c", FISH, path))


@pytest.mark.slow
@cases("shell", FILES)
def test_the_files_that_the_wheel_brings_along_are_the_same_and_each_shell_takes_them_from_where_they_lie(
    script: Callable[[str], Path], installed: Environment, tmp_path: Path, shell: str
) -> None:
    share = installed.folder / "share"
    path = share / INSTALLED[shell]
    assert path.read_bytes() == script(shell).read_bytes()
    if shell == "zsh":
        assert_completed_in_zsh(on_a_terminal(before=f"fpath=({shlex.quote(str(path.parent))} $fpath)"))
    elif shell == "bash":
        assert_completed(shell, by_a_program("bash", "--norc", "-c", BASH, "bash", path))
    else:
        # Fish completes what is a command only.
        found = {"HOME": str(tmp_path), "XDG_DATA_DIRS": f"{share}:/usr/share", "PATH": f"{share}/../bin:{SYSTEM_PATH}"}
        assert_completed(shell, by_a_program("fish", "-c", FISH, "", **found))


def test_of_other_shells_those_that_are_known_are_named(certboot: Run) -> None:
    ran = certboot("completion", "tcsh")
    assert (ran.status, ran.out) == (2, "")
    assert "(choose from" in ran.err
    for shell in FILES:
        assert shell in ran.err
