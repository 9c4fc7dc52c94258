"""Each call that writes fails in its turn: the store in force is whole and old, or after the switch new."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import typing
from collections.abc import Callable
from pathlib import Path

import pytest
from support import failing, report, whole
from support.pki import issue
from support.snapshot import assert_refused, contents, roots, snapshot, unparsed
from support.table import cases

from certboot.sources import certifi, system

if typing.TYPE_CHECKING:
    from support.environments import Ran

    from certboot.store.paths import StorePaths

    Run = Callable[..., Ran]

pytestmark = pytest.mark.slow

COMMANDS = {
    "update": ("update",),
    "trust": ("trust", "--yes", "extra.pem"),
    "distrust": ("distrust", "Root B"),
    "rollback": ("rollback",),
}


@pytest.fixture
def prepared(
    certboot: Run, paths: StorePaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> tuple[str, ...]:
    """A store of two generations whose sources have changed since, if the command is to see that; and the command."""
    name: str = request.param
    offered = [[roots()[0]], roots(), [*roots()[:2], issue("Root D")]]

    def change(to: int) -> None:
        public = b"".join(root.pem for root in offered[to])
        monkeypatch.setattr(certifi, "read", lambda: unparsed(public, "certifi", "2026.1"))

    monkeypatch.setattr(system, "read", lambda: unparsed(roots()[0].pem, "system", "/etc/ssl/certs"))
    for number in (0, 1):
        change(number)
        assert certboot("init").status == 0
    assert certboot("distrust", "Root C").status == 0  # a third, so that there is a file of the distrusted
    if name == "update":
        change(2)
    (tmp_path / "extra.pem").write_bytes(issue("Extra").pem)
    monkeypatch.chdir(tmp_path)
    shutil.copytree(paths.home, tmp_path / "prepared", symlinks=True)
    return COMMANDS[name]


def again(paths: StorePaths, prepared: Path) -> None:
    shutil.rmtree(paths.home)
    shutil.copytree(prepared, paths.home, symlinks=True)


def kept_files(paths: StorePaths) -> dict[str, object]:
    """What decides over later runs."""
    return {
        "env": paths.env.read_bytes(),
        "trusted": contents(paths.trusted) if paths.trusted.exists() else {},
        "distrusted": paths.distrusted.read_bytes(),
    }


def state(paths: StorePaths) -> tuple[whole.State, dict[str, object]]:
    return whole.assert_whole(paths.home), kept_files(paths)


@pytest.mark.parametrize("call", failing.CALLS)
@pytest.mark.parametrize("prepared", COMMANDS, indirect=True)
def test_whichever_call_fails_the_store_in_force_is_old_or_after_the_switch_new(
    certboot: Run, paths: StorePaths, tmp_path: Path, prepared: tuple[str, ...], call: str
) -> None:
    made = failing.CALLS[call]
    old = state(paths)
    with pytest.MonkeyPatch.context() as patch:
        counted = failing.Failing(patch, made)
        assert certboot(*prepared).status == 0
    new = state(paths)
    assert old[0] != new[0]  # the control: the command does something
    # And another: a rollback makes no new folder and gives up no file; all else makes each of the calls.
    assert counted.times > 0 or prepared == COMMANDS["rollback"]
    wrong: list[object] = []
    for at, code in failing.moments(made, counted.times):
        again(paths, tmp_path / "prepared")
        link = os.readlink(paths.current)
        with pytest.MonkeyPatch.context() as patch:
            failing.Failing(patch, made, at, code)
            ran = certboot(*prepared)
        now = state(paths)
        if ran.status:
            assert_refused(ran)
        else:
            assert now == new  # some failures have a way round: no symbolic link, then a hard link
        if now != (old if os.readlink(paths.current) == link else new):
            wrong.append((at, errno.errorcode[code], "half of it was done"))
        expected = new if prepared == COMMANDS["update"] else now
        if certboot("update").status or (prepared != COMMANDS["rollback"] and state(paths) != expected):
            wrong.append((at, errno.errorcode[code], "the next run failed"))
        wrong += [(at, errno.errorcode[code], left) for left in whole.leftovers(paths.home)]
    assert wrong == []


@cases("damage", ["manifest.json", "bundle.pem", "certificate", "link"])
def test_rollback_does_not_put_a_damaged_generation_in_force(
    certboot: Run, paths: StorePaths, tmp_path: Path, damage: str
) -> None:
    """Such as one that a killed run had begun to remove. A store that trusts less than it says is no store."""
    for numbers in (range(3), range(4)):
        folder = report.save(whole.small_reports(numbers), tmp_path / f"reports-{len(numbers)}")
        assert certboot("init", "--source", "ccadb", "--from", folder).status == 0
    first = paths.generations / "1"
    crts = first / "crts"
    victim = {
        "certificate": next(path for path in sorted(crts.iterdir()) if not path.is_symlink()),
        "link": next(path for path in sorted(crts.iterdir()) if path.is_symlink()),
    }.get(damage, first / damage)
    intact = tmp_path / "intact"
    shutil.copytree(first, intact, symlinks=True)
    victim.unlink()
    before = snapshot(paths.home)
    assert_refused(certboot("rollback"))
    assert snapshot(paths.home) == before
    shutil.rmtree(first)
    shutil.copytree(intact, first, symlinks=True)
    assert certboot("rollback").status == 0  # the control
    assert os.readlink(paths.current) == "generations/1"


LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
from certboot.cli import main
sys.exit(main.main(sys.argv[2:]))
"""


@pytest.mark.skipif(os.name != "posix", reason="a limit for the size of files is known to POSIX only")
def test_a_write_that_ends_in_the_middle_of_a_file_changes_nothing(
    certboot: Run, paths: StorePaths, tmp_path: Path
) -> None:
    """The system itself refuses what goes over a size, as it does where the disk is full.

    Without -B the interpreter would leave its own bytecode cut short.
    """
    few, more = (report.save(whole.small_reports(range(n)), tmp_path / f"reports-{n}") for n in (3, 4))
    assert certboot("init", "--source", "ccadb", "--from", few).status == 0
    old = whole.assert_whole(paths.home)
    largest = max(path.stat().st_size for path in paths.current.resolve().rglob("*") if path.is_file())

    def update(size: int) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-B", "-c", LIMITED, str(size), "update", "--from", str(more)]
        # The child's own coverage data would be cut short too.
        environ = {name: value for name, value in os.environ.items() if name != "COVERAGE_PROCESS_START"}
        return subprocess.run(argv, env=environ, capture_output=True, text=True, check=False)

    for size in (0, 1, 200, 1000, largest - 1):
        done = update(size)
        assert done.returncode == 2, size
        assert done.stderr.startswith("certboot: error: File too large"), size
        assert whole.assert_whole(paths.home) == old, size
        assert whole.leftovers(paths.home) == [], size
    assert update(10 * largest).returncode == 0
    assert whole.assert_whole(paths.home) != old


def test_rollback_where_there_is_no_store_makes_none(certboot: Run, paths: StorePaths, clean: Path) -> None:
    assert_refused(certboot("rollback"))
    assert list(clean.rglob("*")) == []
    assert certboot("init", "--source", "certifi").status == 0
    assert paths.home.is_dir()  # the control
