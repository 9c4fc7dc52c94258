"""A chain or anchors are read from a file. A pipe or a device is refused at once, and not waited for."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from support.chains import CA, make
from support.environments import SYSTEM_PATH

ROOT = make("Corp Root", form=CA)
SERVER = make("localhost", ROOT)
PIPE = "a pipe, not a regular file"
HINT = "write into a file what comes through it, and give that"


@pytest.fixture
def chain(tmp_path: Path) -> Path:
    (tmp_path / "chain.pem").write_bytes(SERVER.pem)
    (tmp_path / "root.pem").write_bytes(ROOT.pem)
    return tmp_path / "chain.pem"


def command(*words: str | Path) -> list[str]:
    return [sys.executable, "-m", "certboot", "doctor", "hook", "--host", "localhost", *map(str, words)]


def doctor(*argv: str, stdin: int | None = None) -> subprocess.CompletedProcess[str]:
    """Run it as a user does. Whoever waits for ever fails here."""
    environ = {"PATH": SYSTEM_PATH, "HOME": os.environ["HOME"]}
    return subprocess.run(argv, env=environ, capture_output=True, text=True, timeout=30, check=False, stdin=stdin)


def test_a_pipe_is_refused_at_once_with_what_helps(chain: Path) -> None:
    fifo = chain.with_name("fifo")
    os.mkfifo(fifo)
    for words in (("--chain", fifo), ("--chain", chain, "--anchors", fifo)):
        done = doctor(*command(*words))
        assert (done.returncode, f"cannot read {fifo}: {PIPE}" in done.stdout) == (2, True)
        assert HINT in done.stdout


def test_the_output_of_a_command_is_given_in_a_file(chain: Path) -> None:
    whole = command("--chain", chain, "--anchors", chain.with_name("root.pem"), "--json")
    assert '"primary": null' in doctor(*whole).stdout
    for script in (
        f"cat {chain} | {shlex.join(command('--chain', '/dev/stdin'))}",
        f"{shlex.join(command('--chain'))} <(cat {chain})",
    ):
        done = doctor("bash", "-c", script)
        assert (done.returncode, PIPE in done.stdout, HINT in done.stdout) == (2, True, True)


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null", "/dev/tty"])
def test_a_device_is_refused(chain: Path, device: str) -> None:
    for words in (("--chain", device), ("--chain", chain, "--anchors", device)):
        done = doctor(*command(*words))
        assert (done.returncode, f"cannot read {device}: a device, not a regular file" in done.stdout) == (2, True)
    done = doctor(*command("--chain", "/dev/stdin"), stdin=subprocess.DEVNULL)
    assert (done.returncode, "a device, not a regular file" in done.stdout) == (2, True)
