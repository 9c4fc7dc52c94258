"""Each call that writes fails in its turn: the store in force is whole and old, or after the switch new."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support import failing, report, whole
from support.commands import Run
from support.pki import issue
from support.snapshot import assert_refused, contents, roots, snapshot, unparsed
from support.table import cases

from certboot import files
from certboot.sources import certifi
from certboot.store import env_file, generations
from certboot.store.paths import StorePaths

CALLS: dict[str, tuple[object, str]] = {
    **failing.CALLS, "os.chmod": (os, "chmod"), "os.scandir": (os, "scandir"),
    "Path.iterdir": (Path, "iterdir"), "shutil.rmtree": (shutil, "rmtree"),
}  # fmt: skip
COMMANDS = {
    "first init": ("init", "--add", "extra.pem"),
    "init": ("init", "--add", "extra.pem"),
    "update": ("update",),
    "trust": ("trust", "--yes", "extra.pem"),
    "distrust": ("distrust", "Root B"),
    "adopt": ("adopt", "--yes"),
    "undo": ("adopt", "--undo"),
    "rollback": ("rollback",),
}
EVERY_CALL = ("first init", "update")
"""The others write by the same code, but for what they switch."""
SWITCHES = ("os.fsync", "os.rename", "os.replace", "Path.symlink_to")
GIVE_BACK = ("adopt", "undo", "rollback")
"""These change what programs that have set a value get, and not in the moment of the switch."""


@pytest.fixture
def prepared(
    certboot: Run, paths: StorePaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> tuple[str, ...]:
    """The command, and a store in which it has something to do, if any; a copy of it lies in ``prepared``."""
    name: str = request.param

    def certifi_has(*held: bytes) -> None:
        monkeypatch.setattr(certifi, "read", lambda: unparsed(b"".join(held), "certifi", "2026.1"))

    every = [root.pem for root in roots()]
    for file, subject in (("extra.pem", "Extra"), ("image.pem", "Corp Root")):
        (tmp_path / file).write_bytes(issue(subject).pem)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "image.pem"))
    monkeypatch.chdir(tmp_path)
    if name != "first init":
        for held in (every[:1], every):
            certifi_has(*held)
            assert certboot("init").status == 0
        assert certboot("distrust", "Root C").status == 0
        if name in ("undo", "rollback"):
            assert certboot("adopt", "--yes").status == 0
        if name == "update":
            certifi_has(*every[:2], issue("Root D").pem)
        shutil.copytree(paths.home, tmp_path / "prepared", symlinks=True)
    return COMMANDS[name]


def again(paths: StorePaths, prepared: Path) -> None:
    shutil.rmtree(paths.home, ignore_errors=True)
    if prepared.exists():
        shutil.copytree(prepared, paths.home, symlinks=True)


def adoption(paths: StorePaths) -> tuple[bool, bool, bool]:
    """Whether the value is adopted, whether the hook replaces it, and whether what it names is in the store."""
    env = env_file.parse(paths.env)
    names = {entry.name for entry in generations.current(paths).certificates}
    listed = paths.adopted.exists() and b"REQUESTS_CA_BUNDLE" in paths.adopted.read_bytes()
    return listed, bool(env and env.adopted), "Corp Root" in names


def state(paths: StorePaths) -> tuple[object, ...] | None:
    """What is in force, and what decides over later runs; None where nothing is in force."""
    if whole.in_force(paths.home) is None:
        return None
    kept = [contents(folder) if folder.exists() else {} for folder in (paths.trusted,)]
    texts = [path.read_bytes() if path.exists() else b"" for path in (paths.env, paths.distrusted, paths.adopted)]
    return whole.assert_whole(paths.home), kept, texts


def link(paths: StorePaths) -> str:
    return os.readlink(paths.current) if paths.current.is_symlink() else ""


@pytest.mark.slow
@pytest.mark.parametrize(("name", "prepared"), [(name, name) for name in COMMANDS], indirect=["prepared"])
def test_whichever_call_fails_the_store_in_force_is_old_or_after_the_switch_new(
    certboot: Run, paths: StorePaths, tmp_path: Path, prepared: tuple[str, ...], name: str
) -> None:
    calls = CALLS if name in EVERY_CALL else {call: CALLS[call] for call in SWITCHES}
    old, before = state(paths), link(paths)
    with pytest.MonkeyPatch.context() as patch:
        counted = {call: failing.Failing(patch, made) for call, made in calls.items()}
        assert certboot(*prepared).status == 0
    new = state(paths)
    assert old != new  # the control: the command does something
    # And another: a rollback makes no new folder and gives up no file; all else makes each of the calls.
    assert name in ("first init", "rollback") or all(counted[call].times for call in failing.CALLS if call in calls)
    wrong: list[object] = []

    def check(condition: object, *words: object) -> None:
        if not condition:
            wrong.append((call, at, errno.errorcode[code], *words))

    for call, made in calls.items():
        for at, code in failing.moments(made, counted[call].times):
            again(paths, tmp_path / "prepared")
            with pytest.MonkeyPatch.context() as patch:
                failing.Failing(patch, made, at, code)
                ran = certboot(*prepared)
            now, switched = state(paths), link(paths) != before
            if ran.status:
                assert_refused(ran)
            else:
                check(now == new, "a way round that leads elsewhere")  # no symbolic link, then a hard link
            if name == "first init":
                # Without an env file nobody uses a first store; but what is in it must be kept for the next run.
                check(not ran.status or not paths.env.exists(), "an env file")
                check(now is None or any(paths.trusted.iterdir()), "not kept")
            elif name in GIVE_BACK:
                listed, replaced, present = adoption(paths)
                check(present or not replaced, "a value is replaced without what it names")
                check(switched or now == old or name != "adopt", "half of it was done")
                del listed
            else:
                check(now == (new if switched else old), "half of it was done")
            following = prepared if name == "first init" else ("update",)
            check(certboot(*following).status == 0, "the next run failed")
            if name in GIVE_BACK:
                check(len(set(adoption(paths))) == 1, "the next run disagrees with itself")
            else:
                check(state(paths) == (new if name in EVERY_CALL else now), "the next run makes another store")
            check(whole.leftovers(paths.home) == [], "leftovers")
    assert wrong == []


@pytest.mark.parametrize(("name", "prepared"), [(name, name) for name in GIVE_BACK], indirect=["prepared"])
def test_a_value_is_given_back_before_the_switch_and_replaced_after_it(
    certboot: Run, paths: StorePaths, monkeypatch: pytest.MonkeyPatch, prepared: tuple[str, ...], name: str
) -> None:
    """A program that starts at that moment has what it had, or what it will have."""
    seen: list[tuple[bool, bool]] = []
    real = files.replace_link

    def noted(path: Path, target: str) -> None:
        seen.append(adoption(paths)[1:])
        real(path, target)
        seen.append(adoption(paths)[1:])

    monkeypatch.setattr(files, "replace_link", noted)
    assert certboot(*prepared).status == 0
    assert seen == ([(False, False), (False, True)] if name == "adopt" else [(False, True), (False, False)])


@cases("damage", ["manifest.json", "bundle.pem", "certificate", "link", "crts"])
def test_rollback_refuses_a_damaged_generation(certboot: Run, paths: StorePaths, tmp_path: Path, damage: str) -> None:
    """Such as one that a killed run had begun to remove. A store that trusts less than it says is no store."""
    (tmp_path / "extra.pem").write_bytes(issue("Extra").pem)
    for argv in (("init",), ("init", "--add", tmp_path / "extra.pem")):
        assert certboot(*argv).status == 0
    first = paths.generations / "1"
    held = sorted((first / "crts").iterdir())
    victim = {
        "certificate": next(path for path in held if not path.is_symlink()),
        "link": next(path for path in held if path.is_symlink()),
    }.get(damage, first / damage)
    shutil.copytree(first, tmp_path / "intact", symlinks=True)
    shutil.rmtree(victim) if victim.is_dir() else victim.unlink()
    before = snapshot(paths.home)
    assert_refused(certboot("rollback"))
    assert snapshot(paths.home) == before
    shutil.rmtree(first)
    shutil.copytree(tmp_path / "intact", first, symlinks=True)
    assert certboot("rollback").status == 0  # the control
    assert os.readlink(paths.current) == "generations/1"


LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
from certboot.cli import main
sys.exit(main.main(sys.argv[2:]))
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="a limit for the size of files is known to POSIX only")
def test_a_write_that_ends_within_a_file_changes_nothing(certboot: Run, paths: StorePaths, tmp_path: Path) -> None:
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

    for size in (0, 200, largest - 1):
        done = update(size)
        assert (done.returncode, done.stderr.startswith("certboot: error: File too large")) == (2, True), size
        assert (whole.assert_whole(paths.home), whole.leftovers(paths.home)) == (old, []), size
    assert update(10 * largest).returncode == 0
    assert whole.assert_whole(paths.home) != old
