"""The examples with which a command's help begins: each works as it stands there."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme
from support.commands import Run
from support.environments import Environment
from support.server import TlsServer
from support.virtualenvs import interpreter, packages, virtualenv

from certboot.cli import main, terminal
from certboot.store.paths import StorePaths

COMMANDS = [[name] for name in main.COMMANDS]
ACTIONS = [["hook", action] for action in ("install", "status", "uninstall")]
LAST = ["rollback", "purge"]
BY_A_SHELL = ("env", "run", "completion")


def examples(certboot: Run, command: list[str]) -> list[str]:
    shown = certboot(*command, "--help").out.removeprefix("examples:\n").partition("\n\n")[0].splitlines()
    lines = [line.partition("  # ")[0].strip() for line in shown]
    assert max(map(len, shown)) <= 80
    assert all(" ".join(["certboot", *command]) in line for line in lines)
    return lines


def test_every_command_has_one_to_three_and_certboot_takes_their_words(certboot: Run) -> None:
    for command in (*COMMANDS, *ACTIONS):
        lines = examples(certboot, command)
        assert 1 <= len(lines) <= 3, command
        for line in lines:
            words = shlex.split(re.split(r"[|>]", line.removeprefix('eval "$(').removesuffix(')"'))[0])
            assert main.parsed(words[1:]).command == command[0]


def test_each_does_its_work(
    certboot: Run, serve: Callable[..., TlsServer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, paths: StorePaths
) -> None:
    company = trustme.CA(organization_name="Company", organization_unit_name="Company Root CA")
    leaf = company.issue_cert("localhost")
    server = serve(
        trustme.LeafCert(leaf.private_key_pem.bytes(), leaf.cert_chain_pems[0].bytes(), [company.cert_pem.bytes()])
    )
    monkeypatch.chdir(tmp_path)
    for name in ("company-ca.pem", "certs/company-ca.pem"):
        Path(name).parent.mkdir(exist_ok=True)
        company.cert_pem.write_to_path(name)
    Path("hosts.txt").write_text(f"localhost:{server.port}\n", "ascii")
    monkeypatch.setattr(terminal, "is_terminal", lambda: True)
    monkeypatch.setattr("builtins.input", lambda _: "y")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(Path("company-ca.pem").resolve()))
    names = [*(name for name in main.COMMANDS if name not in (*LAST, "hook")), *LAST]
    for name in names:
        for line in examples(certboot, [name]):
            if name == "purge":
                certboot("init")
            here = re.sub(r"(intranet.example|mail.example:465)", f"localhost:{server.port}", line)
            here = here.replace('--from-system "Corp Root"', '--from-system "Root A"')
            if re.search(r" 1\b", line):  # only the last generations are kept
                kept = sorted((path.name for path in paths.generations.iterdir()), key=int)
                here = here.replace(" 1", f" {kept[0]}").replace(" 2", f" {kept[1]}")
            if name in BY_A_SHELL:
                assert by_a_shell(here) == 0, line
            else:
                ran = certboot(*shlex.split(here)[1:])
                # In this process the hook does not act, and the doctor says so.
                assert ran.status in ((0, 1) if name == "doctor" else (0,)), (line, ran)
    assert not paths.home.exists()


@pytest.mark.slow
def test_those_of_the_hook_do_theirs_on_a_virtualenv(certboot: Run, installed: Environment, clean: Path) -> None:
    virtualenv(clean / ".venv", python=interpreter(clean / "python"))
    assert installed.run("certboot", "init", home=clean).status == 0
    for command in (["hook"], *ACTIONS):
        for line in examples(certboot, command):
            ran = installed.run(*shlex.split(line), home=clean)
            assert ran.status == 0, (line, ran)
    assert list(packages(clean / ".venv").glob("certboot*")) == []


def by_a_shell(line: str) -> int:
    shell = "fish" if "source" in line else line.partition("completion ")[2].rstrip(')"') or "sh"
    if not shutil.which(shell) or ("curl" in line and not shutil.which("curl")):
        return 0
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    ready = "autoload -Uz compinit && compinit -D -u; " if shell == "zsh" else ""
    command = [shell, "-c", ready + line]
    return subprocess.run(command, check=False, env={**os.environ, "PATH": path}, capture_output=True).returncode
