"""``init`` and ``update`` killed at any moment: the store in force is always whole, old or new."""

from __future__ import annotations

import random
import shutil
import statistics
import subprocess
import sys
import time
import typing
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support import report, whole

if typing.TYPE_CHECKING:
    from support.environments import Ran

pytestmark = pytest.mark.slow

STORES = 2
KILLS = 40
"""In each of the stores."""
PER_ROUND = 10
SIDES = {"a": range(6), "b": range(1, 7)}
"""Two states of the source: a root, with the intermediate below it, leaves and another one comes."""
STATES = {side: whole.state_of(numbers) for side, numbers in SIDES.items()}


def command(folder: Path, side: str, *, first: bool, update: bool) -> list[str]:
    if update and not first:
        return whole.program("update", "--from", folder / side)
    return whole.program("init", "--source", "ccadb", "--intermediates", "--from", folder / side)


def finished(home: Path, argv: list[str]) -> float:
    began = time.perf_counter()
    done = subprocess.run(argv, env=whole.environ(home), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return time.perf_counter() - began


def killed(home: Path, argv: list[str], moment: float) -> bool:
    """Whether the kill came before the end of the run."""
    with subprocess.Popen(
        argv, env=whole.environ(home), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:  # fmt: skip
        try:
            return process.wait(moment) < 0
        except subprocess.TimeoutExpired:
            process.kill()
        return process.wait() < 0


def side_in_force(home: Path) -> str:
    """Which of the two states the store is whole in; "" for no store, which then sets nothing."""
    if whole.in_force(home) is None:
        assert not (home / "env").exists()
        return ""
    state = whole.assert_whole(home)
    (side,) = [side for side, expected in STATES.items() if expected == state]
    return side


def killed_again_and_again(home: Path, folder: Path, lasts: float, seed: int) -> int:
    """Kill runs in one store, check it after each, and return in how many of them the store had already switched."""
    rng = random.Random(seed)  # noqa: S311 - moments, not secrets
    kills = switched = 0
    said = f"seed {seed}"
    while kills < KILLS:
        for number in range(PER_ROUND):
            before = side_in_force(home)
            side = "b" if before == "a" else "a"
            moment = rng.uniform(0, 1.1 * lasts)
            said = f"seed {seed}, after {kills} kills, {side} in the place of {before!r}, {moment:.4f} s"
            argv = command(folder, side, first=not before, update=number % 2 == 1)
            try:
                kills += (was_killed := killed(home, argv, moment))
                after = side_in_force(home)
            except (AssertionError, OSError, ValueError) as error:
                raise AssertionError(said) from error
            assert after in (before, side), said
            assert was_killed or after == side, said
            switched += was_killed and after != before
        last = side_in_force(home)
        finished(home, command(folder, "b" if last == "a" else "a", first=not last, update=True))
        assert side_in_force(home) not in ("", last), said
        assert whole.leftovers(home) == [], said
        if rng.random() < 0.3:
            shutil.rmtree(home)  # the first run of all is killed too
    return switched


@pytest.mark.timeout(600)
def test_eighty_kills_leave_a_whole_store_each_time_and_the_next_run_succeeds(tmp_path: Path) -> None:
    folder = tmp_path / "reports"
    folder.mkdir()
    for side, numbers in SIDES.items():
        report.save(whole.small_reports(numbers), folder / side)
    homes = [tmp_path / f"store-{number}" for number in range(STORES)]
    seeds = [random.SystemRandom().randrange(10**9) for _ in homes]
    with ThreadPoolExecutor(STORES) as pool:
        trials = [
            [finished(home, command(folder, side, first=side == "a", update=True)) for home in homes for side in "ab"]
            for _ in range(2)
        ]
        lasts = statistics.median(time for trial in trials for time in trial)
        switched = pool.map(killed_again_and_again, homes, [folder] * STORES, [lasts] * STORES, seeds)
        # Some kills came after the switch; had there been none, the moments would have been too early to matter.
        assert sum(switched) > 0, seeds


KILLER = """
import itertools, os, signal, sys
count = itertools.count(1)

def deadly(real):
    def call(*arguments, **options):
        if next(count) == int(sys.argv[1]):
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments, **options)
    return call

from certboot.cli import main
import certboot.pki.certificate, certboot.store.update
for name in ("fsync", "rename", "replace", "symlink", "unlink", "rmdir", "fchmod"):
    setattr(os, name, deadly(getattr(os, name)))
sys.exit(main.main(sys.argv[2:]))
"""


@pytest.mark.timeout(600)
def test_a_kill_before_each_call_that_changes_a_folder_leaves_a_whole_store_and_a_history(
    certboot: Callable[..., Ran], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run also prunes: it writes the sixth generation. What it left behind, the next run takes away."""
    for side, numbers in SIDES.items():
        report.save(whole.small_reports(numbers), tmp_path / side)
    made, home = tmp_path / "made", tmp_path / "store"
    monkeypatch.setenv("CERTBOOT_HOME", str(home))
    for side in "ababa":
        finished(home, command(tmp_path, side, first=True, update=False))
    home.rename(made)
    wrong: list[object] = []
    update = ["update", "--from", str(tmp_path / "b")]
    for number in range(1, 500):
        shutil.copytree(made, home, symlinks=True)
        argv = [sys.executable, "-c", KILLER, str(number), *update]
        ended = subprocess.run(argv, env=whole.environ(home), capture_output=True, check=False).returncode
        side = side_in_force(home)
        history = certboot("history")
        if history.status:
            wrong.append((number, side, history.err))
        assert (certboot(*update).status, side_in_force(home)) == (0, "b")
        wrong += [(number, side, left) for left in whole.leftovers(home)]
        shutil.rmtree(home)
        if ended == 0:
            break
        assert ended < 0
    assert number > 30  # the kills came where it matters
    assert wrong == []
