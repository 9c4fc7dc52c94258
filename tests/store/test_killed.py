"""A run killed at any step: the store in force is always whole, old or new, and the next run ends what is left."""

from __future__ import annotations

import itertools
import os
import random
import shutil
import subprocess
import time
import typing
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support import report, whole
from support.commands import Run, names, saved
from support.pki import issue

from certboot.cli import main
from certboot.store.paths import StorePaths

CALLS = ("open", "rename", "replace", "symlink", "unlink", "rmdir", "mkdir", "fchmod", "chmod")
"""What changes a folder. Of the times that a file is opened those count that may make one."""
SIDES = {"a": range(4), "b": range(1, 5)}
"""Two states of the source: a root, with the intermediate below it, leaves and another one comes."""
STATES = {side: whole.state_of(numbers) for side, numbers in SIDES.items()}


def killed(step: int, *argv: str) -> bool:
    """Run a command in a process of its own that ends, without any more ado, before the step; whether it got there."""
    child = os.fork()
    if child == 0:
        count = itertools.count(1)

        def deadly(real: Callable[..., object]) -> Callable[..., object]:
            def call(*arguments: typing.Any, **options: object) -> object:  # noqa: ANN401 - whatever the call takes
                if (real is not opened or arguments[1] & os.O_CREAT) and next(count) == step:
                    os._exit(9)
                return real(*arguments, **options)

            return call

        opened = os.open
        for name in CALLS:
            setattr(os, name, deadly(getattr(os, name)))
        os.dup2(opened(os.devnull, os.O_WRONLY), 1)
        os._exit(main.main(argv))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


def steps(*argv: str) -> Iterator[int]:
    """Yield each step before which the command, run anew for each, was killed."""
    return itertools.takewhile(lambda step: killed(step, *argv), itertools.count(1))


def left_by(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*")) if folder.exists() else []


def put(made: Path, home: Path) -> None:
    shutil.rmtree(home, ignore_errors=True)
    if made.exists():
        shutil.copytree(made, home, symlinks=True)


def test_a_killed_first_init_can_be_done_again_or_purged(certboot: Run, paths: StorePaths, tmp_path: Path) -> None:
    """And what it was to add is kept, if it is in force."""
    (tmp_path / "ca.pem").write_bytes(issue("Corp Root").pem)
    (tmp_path / "settings.toml").write_text("intermediates = false\n")
    wrong: list[object] = []
    count = 0
    for step in steps("init", "--add", str(tmp_path / "ca.pem"), "--config", str(tmp_path / "settings.toml")):
        count = step
        left, before = tmp_path / f"left-{step}", left_by(paths.home)
        put(paths.home, left)
        if whole.in_force(paths.home):
            whole.assert_whole(paths.home)
            wrong += [(step, "not kept")] * (not list(paths.trusted.glob("Corp_Root*.pem")))
        ran = certboot("init")
        wrong += [(step, before, ran.err)] * (ran.status != 0)
        whole.assert_whole(paths.home)
        put(left, paths.home)
        ran = certboot("purge", "--yes")
        # Before its first folder there is nothing to take away, but the empty one.
        wrong += [(step, before, left_by(paths.home))] * (
            left_by(paths.home) != [] or (ran.status != 0 and before != [])
        )
        shutil.rmtree(paths.home, ignore_errors=True)
    assert wrong == []
    assert count > 25


@pytest.mark.parametrize("other", [(), ("notes.txt",)], ids=["alone", "beside a file of the user's"])
def test_a_purge_that_was_killed_at_any_step_can_be_finished_or_made_a_store_again(
    certboot: Run, paths: StorePaths, tmp_path: Path, other: tuple[str, ...]
) -> None:
    (tmp_path / "ca.pem").write_bytes(issue("Corp Root").pem)
    assert certboot("init", "--source", "system", "--add", tmp_path / "ca.pem").status == 0
    for name in other:
        (paths.home / name).write_text("mine")
    made, left = tmp_path / "made", tmp_path / "left"
    put(paths.home, made)
    wrong: list[object] = []
    count = 0
    for step in steps("purge", "--yes"):
        count = step
        before = left_by(paths.home)
        put(paths.home, left)
        # Nothing of a store is in it any more: what it was cannot be known, and is of no use.
        emptied = set(before) <= {"generations", "generations/1", "generations/1/crts", "lock", *other}
        if not (emptied and other):
            ran = certboot("init")
            wrong += [(step, before, ran.err)] * (ran.status != 0)
            whole.assert_whole(paths.home)
            put(left, paths.home)
            certboot("purge", "--yes")
            wrong += [(step, before, left_by(paths.home))] * (left_by(paths.home) != list(other))
        put(made, paths.home)
    assert wrong == []
    assert count > 15


def test_an_adoption_that_was_killed_at_any_step_is_ended_by_the_next(
    certboot: Run, paths: StorePaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    preset = saved(tmp_path / "preset.pem", issue("Corp Root"))
    assert certboot("init", "--source", "system").status == 0
    put(paths.home, tmp_path / "made")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(preset))
    wrong: list[object] = []
    count = 0
    for step in steps("adopt", "--yes"):
        count = step
        whole.assert_whole(paths.home)
        ran = certboot("adopt", "--yes")
        adopted = f"-REQUESTS_CA_BUNDLE={preset}\n" in paths.env.read_text() and "Corp Root" in names(paths)
        wrong += [(step, ran)] * (ran.status != 0 or not adopted)
        put(tmp_path / "made", paths.home)
    assert wrong == []
    assert count > 25


def side_in_force(home: Path) -> str:
    """Which of the two states the store is whole in; "" for no store, which then sets nothing."""
    if whole.in_force(home) is None:
        assert not (home / "env").exists()
        return ""
    state = whole.assert_whole(home)
    (side,) = [side for side, expected in STATES.items() if expected == state]
    return side


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    folder = tmp_path / "reports"
    folder.mkdir()
    for side, numbers in SIDES.items():
        report.save(whole.small_reports(numbers), folder / side)
    return folder


INIT = ("init", "--source", "ccadb", "--intermediates", "--from")


@pytest.mark.slow
def test_a_killed_update_leaves_a_whole_store_and_a_history(
    certboot: Run, paths: StorePaths, reports: Path, tmp_path: Path
) -> None:
    """The run also prunes: it writes the sixth generation. What it left behind, the next run takes away."""
    for side in "ababa":
        assert certboot(*INIT, reports / side).status == 0
    put(paths.home, tmp_path / "made")
    wrong: list[object] = []
    sides: list[str] = []
    update = ("update", "--from", str(reports / "b"))
    for step in steps(*update):
        sides.append(side_in_force(paths.home))
        history = certboot("history")
        wrong += [(step, sides[-1], history.err)] * history.status
        assert (certboot(*update).status, side_in_force(paths.home)) == (0, "b")
        wrong += [(step, sides[-1], left) for left in whole.leftovers(paths.home)]
        put(tmp_path / "made", paths.home)
    assert wrong == []
    assert min(sides.count(side) for side in "ab") > 3  # the kills came before the switch and after it
    assert sides == sorted(sides)


@pytest.mark.slow
def test_a_program_that_is_killed_at_any_moment_leaves_a_whole_store(tmp_path: Path, reports: Path) -> None:
    """Real signals, in what no step above stands for."""
    home, seed = tmp_path / "store", random.SystemRandom().randrange(10**9)
    rng = random.Random(seed)  # noqa: S311 - moments, not secrets

    def command(side: str, *, first: bool) -> list[str]:
        return whole.program(*(INIT if first else ("update", "--from")), reports / side)

    def finished(argv: list[str]) -> float:
        began = time.perf_counter()
        subprocess.run(argv, env=whole.environ(home), stdout=subprocess.DEVNULL, check=True)
        return time.perf_counter() - began

    lasts = finished(command("a", first=True))
    shutil.rmtree(home)  # the first run of all is killed too
    for number in range(12):
        before = side_in_force(home)
        side = "b" if before == "a" else "a"
        argv, moment = command(side, first=not before), rng.uniform(0.3, 1.1) * lasts
        said = f"seed {seed}, kill {number}, {side} in the place of {before!r}, {moment:.4f} s"
        with subprocess.Popen(argv, env=whole.environ(home), stdout=subprocess.DEVNULL) as process:
            try:
                status = process.wait(moment)
            except subprocess.TimeoutExpired:
                process.kill()
                status = process.wait()
        after = side_in_force(home)
        assert after in (before, side), said
        assert status < 0 or after == side, said
    last = side_in_force(home)
    finished(command("b" if last == "a" else "a", first=not last))
    assert side_in_force(home) not in ("", last), seed
    assert whole.leftovers(home) == [], seed
