"""What is printed for a timer is what that timer takes: units, a crontab, a property list, a Windows command."""

from __future__ import annotations

import os
import plistlib
import re
import shutil
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

import pytest
from support.commands import Run
from support.environments import SYSTEM_PATH
from support.table import cases

from certboot.cli.timer import TIMERS, default_timer, timer
from certboot.errors import CertbootError
from certboot.store.paths import StorePaths

NASTY = '/srv/it\'s 100% "$HOME" \\ here'
RECORDER = """#!/bin/sh
printf '%s\\n' "$@" > "$HOME/argv"
echo said
exit $(cat "$HOME/status")
"""


@pytest.fixture(params=["a b%c", "a b%c's $d"], ids=["plain", "quotes"])
def program(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A certboot beside an interpreter, in a folder whose name a shell would take apart."""
    folder = tmp_path / str(request.param)
    folder.mkdir()
    (folder / "certboot").write_text(RECORDER)
    (folder / "certboot").chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(folder / "python"))
    return folder / "certboot"


def test_cron_runs_it_as_it_stands_and_hears_of_it_only_where_it_fails(program: Path, tmp_path: Path) -> None:
    comment, line = timer("cron", NASTY).splitlines()
    assert comment.startswith("#")
    schedule = re.fullmatch(r"([0-5]?\d) \* \* \* \* (.+)", line)
    assert schedule
    assert not re.search(r"(?<!\\)%", schedule[2])  # crontab(5): it would end the command
    said = []
    for status in ("0", "1"):
        (tmp_path / "status").write_text(status)
        command = ["/bin/sh", "-c", schedule[2].replace("\\%", "%")]
        variables = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
        said.append(subprocess.run(command, env=variables, capture_output=True, text=True, check=False).stdout)
        assert (tmp_path / "argv").read_text().splitlines() == ["update", "--home", NASTY, "--max-age", "1d"]
    assert said == ["", "said\n"]
    assert program.exists()


def test_systemd_finds_the_program(program: Path, tmp_path: Path) -> None:
    if not shutil.which("systemd-analyze", path=SYSTEM_PATH):
        pytest.skip("no systemd-analyze on this machine")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/systemctl").symlink_to("/bin/true")
    variables = {"HOME": str(tmp_path), "PATH": f"{tmp_path}/bin:{SYSTEM_PATH}"}

    def verified() -> str:
        subprocess.run(["sh"], input=timer("systemd", NASTY), env=variables, text=True, check=True)
        units = sorted((tmp_path / ".config/systemd/user").iterdir())
        assert [unit.suffix for unit in units] == [".service", ".timer"]
        argv = ["systemd-analyze", "verify", "--man=no", *map(str, units)]
        done = subprocess.run(argv, env=variables, capture_output=True, text=True, check=False)
        return done.stderr if done.returncode else ""

    assert verified() == ""
    if "$" not in str(program):  # else /usr/bin/env looks for it
        program.chmod(0o644)
        assert "is not executable" in verified()


def test_launchd_and_windows_get_the_same_words(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = plistlib.loads(timer("launchd", NASTY).encode())
    assert job["ProgramArguments"] == [str(program), "update", "--home", NASTY, "--max-age", "1d"]
    plain = program.parent.with_name("a b") / "certboot"
    plain.parent.mkdir()
    program.rename(plain)
    monkeypatch.setattr(sys, "executable", str(plain.with_name("python")))
    task = timer("schtasks", r"C:\Users\A B\certboot")
    assert task.startswith("schtasks /Create /F /SC DAILY /ST 12:")
    assert task.endswith(' update --home \\"C:\\Users\\A B\\certboot\\""\n')
    assert f'/TR "\\"{plain}\\"' in task


@cases(
    ("platform", "booted", "kind"),
    [("win32", False, "schtasks"), ("darwin", False, "launchd"), ("linux", True, "systemd"), ("linux", False, "cron")],
)
def test_without_a_kind_it_is_what_the_machine_has(
    platform: str, booted: object, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.path.isdir", lambda path: path == "/run/systemd/system" and booted)
    assert default_timer(platform) == kind


@cases(
    ("home", "kinds"),
    [
        ("/srv/two\nlines", TIMERS),
        (r"/srv/100\%", ["cron", "schtasks"]),
        (r"/srv/\\two", ["cron"]),
        *((rf"C:\A B{sign}calc", ["schtasks"]) for sign in "%&|<>^!"),
    ],
)
def test_a_name_that_a_timer_could_not_be_given_is_refused_by_it_alone(
    program: Path, monkeypatch: pytest.MonkeyPatch, home: str, kinds: Collection[str]
) -> None:
    monkeypatch.setattr("certboot.cli.timer._program", lambda: (program.name,))  # whose folder has signs of its own
    for kind in kinds:
        with pytest.raises(CertbootError, match="no timer can be given this name"):
            timer(kind, home)
    assert all(timer(kind, home) for kind in TIMERS if kind not in kinds)


def test_a_path_is_printed_as_its_bytes_whatever_the_encoding_of_standard_output(tmp_path: Path) -> None:
    home = tmp_path / "Zürich"
    argv = [sys.executable, "-m", "certboot"]
    environ = {"HOME": str(tmp_path), "PATH": SYSTEM_PATH, "PYTHONIOENCODING": "ascii", "LANG": "C.UTF-8"}
    subprocess.run(
        [*argv, "init", "--source", "certifi", "--home", str(home)], env=environ, check=True, capture_output=True
    )
    update = [*argv, "update", "--timer", "cron", "--home", str(home)]
    printed = subprocess.run(update, env=environ, capture_output=True, check=True)
    assert os.fsencode(f"--home '{home}' ") in printed.stdout


def test_it_is_printed_and_nothing_else_happens(certboot: Run, paths: StorePaths, sources: None) -> None:
    del sources
    assert certboot("update", "--timer", "cron").status == 2  # there is no store
    assert certboot("init").out.count("certboot update --timer") == 1
    before = paths.checked.read_bytes()
    ran = certboot("update", "--timer", "cron")
    assert ran.status == 0
    assert f"update --home {paths.home} --max-age 1d" in ran.out
    assert certboot("update", "--timer").status == 0
    assert paths.checked.read_bytes() == before
    assert "certboot update --timer" not in certboot("init").out  # it was told once
    assert certboot("update", "--timer", "at").status == 2
