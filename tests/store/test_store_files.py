"""Whatever stands in the place of a file of the store, every command ends soon, with a status and no traceback."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.commands import Run
from support.environments import Ran

from certboot.store.paths import StorePaths

GENERATION = "generations/2"
DECIDING = ("current", f"{GENERATION}/manifest.json")
"""Without these there is no store."""
FILES = (
    *DECIDING, "env", "config.toml", "distrusted", "adopted", "checked", "hooks.json", "lock", "trusted/*.pem",
    "repaired/Old-01234567.pem", "cache/MozillaIntermediateCerts", "generations/1/manifest.json",
    f"{GENERATION}/bundle.pem", f"{GENERATION}/crts/*.pem",
)  # fmt: skip


def pipe(path: Path) -> None:
    os.mkfifo(path)


def loop(path: Path) -> None:
    path.symlink_to(path.name)


def large(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(2 << 30)  # a hole


def garbage(path: Path) -> None:
    path.write_bytes(b"\xff\x00{[=" * 1000 + b"\n-----BEGIN CERTIFICATE-----\n")


OTHERS: tuple[Callable[[Path], object], ...] = (
    pipe, loop, large, garbage, Path.mkdir, Path.touch, lambda path: path.symlink_to("/dev/zero"),
)  # fmt: skip
READING = (
    ("list", "--expiring", "9w"), ("show", "Root A"), ("history",), ("diff", "1", "2"), ("env",),
    ("export", "--format", "pem-bundle", "-"), ("doctor", "store", "environment"), ("repair", "localhost:1"),
)  # fmt: skip
WRITING = (
    ("update",), ("distrust", "Root C"), ("adopt", "--yes"), ("rollback",), ("init",),
)  # fmt: skip
STATUSES = {"repair": 1}


@pytest.fixture
def store(paths: StorePaths, certboot: Run, monkeypatch: pytest.MonkeyPatch) -> StorePaths:
    """Two generations, with a file of each kind."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert certboot("init").status == 0
    assert certboot("distrust", "Root B").status == 0
    paths.config.write_text('guards = ["ssl"]\n')
    return paths


def swapped(paths: StorePaths, name: str, put: Callable[[Path], object]) -> Path:
    """Put something else in the place of a file."""
    path = next(iter(sorted(paths.home.glob(name))), paths.home / name.replace("*", "any"))
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    put(path)
    return path


def ended(ran: Ran, *words: object) -> int:
    """Return the status of a command that has come to its end, with words for a person where it failed."""
    assert "Traceback" not in ran.out + ran.err, words
    assert ran.status in (0, 1, 2), words
    assert ran.status != 2 or ran.err or "check-not-finished" in ran.out, words
    return ran.status


def test_every_command_works_with_the_sound_store(store: StorePaths, certboot: Run) -> None:
    """The control."""
    for words in (*READING, *WRITING):
        ran = certboot(*words)
        assert ended(ran, words) == STATUSES.get(words[0], 0), (words, ran)
    assert store.current.is_symlink()


@pytest.mark.parametrize("name", FILES)
def test_every_command_ends_whatever_stands_there(name: str, store: StorePaths, certboot: Run, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    shutil.copytree(store.home, kept, symlinks=True)
    for put in OTHERS if name in DECIDING else OTHERS[:4]:
        path = swapped(store, name, put)
        for words in READING:
            status = ended(certboot(*words), put, path, words)
            needs_the_store = words[0] in ("list", "show", "history", "export", "repair")
            assert status == 2 or name not in DECIDING or not needs_the_store, (put, words)
        for words in WRITING:
            ended(certboot(*words), put, path, words)
        shutil.rmtree(store.home, ignore_errors=True)
        shutil.copytree(kept, store.home, symlinks=True)
    assert ended(certboot("list")) == 0


@pytest.mark.parametrize("name", ["env", "current"])
def test_a_program_is_not_kept_from_running_for_long(name: str, store: StorePaths) -> None:
    """``run`` becomes the program, so it has a process of its own here."""
    command = [sys.executable, "-m", "certboot", "run", "true"]

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert run().returncode == 0
    for put in OTHERS[:3]:
        swapped(store, name, put)
        done = run()
        assert (done.returncode, "Traceback" in done.stderr) == (2, False), done.stderr
        path = store.home / name
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
