"""Folders and files that are not certboot's: no command writes there, whatever names they have."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import typing
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.pki import issue
from support.snapshot import Snapshot, assert_refused, few_sources, snapshot

from certboot.cli import main
from certboot.errors import CertbootError
from certboot.hook import copies
from certboot.store.paths import StorePaths
from certboot.store.rehash import rehash

if typing.TYPE_CHECKING:
    from support.environments import Ran

Run = Callable[..., "Ran"]


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    few_sources(monkeypatch)


def built(folder: Path, names: dict[str, str]) -> Path:
    """Make a folder with these files: "" at the end of a name makes a folder, -> at the front of a text a link."""
    folder.mkdir()
    for name, text in names.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("/"):
            path.mkdir(exist_ok=True)
        elif text.startswith("->"):
            path.symlink_to(text[2:])
        else:
            path.write_text(text)
    return folder


MANIFEST = '{"name": "My App", "schema": 1}'
EVERYTHING = {
    "current/app.py": "",
    "hooks.json": '{"hooks": []}',
    "env/bin/python": "",
    "cache/Index.json": "{}",
    "trusted/Corp-12345678.pem": "mine",
    "repaired/notes": "",
    "distrusted": "some people",
    "adopted": "two cats",
    "checked": "yes",
    "config.toml": 'title = "blog"',
    "lock": "1234",
    "rehash/a": "",
    "generations/1/model.bin": "",
}
FOREIGN: dict[str, dict[str, str]] = {
    "one file": {"notes.txt": "mine"},
    "a hidden file": {".profile": "mine"},
    "all the names of a store's parts": EVERYTHING,
    "a deployment": {"current": "->releases/2", "releases/2/app.py": "", "config.toml": "[app]", "cache/a": ""},
    "a link to elsewhere": {"current": "->/", "config.toml": "", "cache/": ""},
    "a link to a generation of another kind": {"current": "->generations/1", "generations/1/index.html": ""},
    "a link to a web application": {"current": "->generations/1", "generations/1/manifest.json": MANIFEST, "env": "A"},
    "a switch in a file": {"current": "generations/1", "generations/1/manifest.json": MANIFEST, "generations/a": ""},
    "generations of models": {"generations/1/weights.bin": "", "generations/2/weights.bin": ""},
    "empty generations, and more": {"generations/1/": "", "config.toml": "", "cache/Index.json": "", "notes": "mine"},
    **{f"{name} alone": {name: text} for name, text in EVERYTHING.items()},
    "a current that is a folder": {"current/": ""},
    "an env that is a folder": {"env/": ""},
    "a lock that is a link": {"lock": "->notes", "notes": "mine"},
    "a list of other copies": {"hooks.json": '{"copies": [{"python": "/usr/bin/python3"}]}'},
    "another's list of copies": {"hooks.json": '{"copies": [], "schema": 1}'},
    "a virtualenv": {"pyvenv.cfg": "", "env/lib/site.py": "", "trusted/": ""},
}  # fmt: skip
WRITING: dict[str, tuple[str, ...]] = {
    "init": ("init",),
    "init --config": ("init", "--config", "settings.toml"),
    "init --add": ("init", "--add", "ca.pem"),
    "init --source": ("init", "--source", "system"),
    "trust": ("trust", "--yes", "ca.pem"),
}
READING: dict[str, tuple[str, ...]] = {
    "purge": ("purge", "--yes"),
    "update": ("update",),
    "adopt": ("adopt", "--yes"),
    "rollback": ("rollback",),
    "distrust": ("distrust", "Root A"),
}


def state(folder: Path) -> tuple[Snapshot, int]:
    return snapshot(folder), folder.stat().st_mtime_ns


@pytest.fixture
def beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the commands are run, with what they name."""
    folder = tmp_path / "beside"
    folder.mkdir()
    (folder / "ca.pem").write_bytes(issue("Corp Root").pem)
    (folder / "settings.toml").write_text("intermediates = false\n")
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.usefixtures("beside")
@pytest.mark.parametrize("name", FOREIGN)
def test_no_command_writes_into_a_folder_that_holds_other_things(
    certboot: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    folder = built(tmp_path / "folder", FOREIGN[name])
    monkeypatch.setenv("CERTBOOT_HOME", str(folder))
    before = state(folder)
    for argv in (*WRITING.values(), *READING.values()):
        ran = certboot(*argv)
        if argv[0] == "adopt":
            assert ran.status in (0, 2)  # with nothing to adopt it looks at no store
        else:
            assert_refused(ran)
        assert state(folder) == before, argv
    for command in ("init", "purge"):
        ran = certboot(command, "--home", folder, *(["--yes"] if command == "purge" else []))
        assert_refused(ran)
        assert str(folder) in ran.err
        assert state(folder) == before


@pytest.mark.usefixtures("beside")
@pytest.mark.parametrize("name", FOREIGN)
def test_neither_the_list_of_copies_nor_a_rehash_writes_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    folder = built(tmp_path / "folder", FOREIGN[name])
    monkeypatch.setenv("CERTBOOT_HOME", str(folder))
    before = state(folder)
    with pytest.raises(CertbootError, match=r"folder|config"):
        copies.remember(StorePaths(folder), copies.Copy("/usr/bin/python3", "/usr/lib/python3", user=False))
    copies.forget(StorePaths(folder), Path("/usr/lib/python3"))
    rehash(tmp_path / "beside")
    assert state(folder) == before


@pytest.mark.usefixtures("beside")
@pytest.mark.parametrize("argv", WRITING.values(), ids=WRITING)
@pytest.mark.parametrize("names", [{}, {"config.toml": "intermediates = false\n"}], ids=["empty", "settings"])
def test_into_an_empty_folder_and_one_with_settings_they_write(
    certboot: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argv: tuple[str, ...], names: dict[str, str]
) -> None:
    folder = built(tmp_path / "folder", names)
    monkeypatch.setenv("CERTBOOT_HOME", str(folder))
    assert certboot(*argv).status == 0
    for then in (("update",), ("rollback", "1"), ("purge", "--yes")):
        assert certboot(*then).status == 0
    assert not folder.exists()


@pytest.fixture
def store(certboot: Run, paths: StorePaths, beside: Path) -> StorePaths:
    """A store with a file in every one of its folders."""
    assert certboot("init", "--add", beside / "ca.pem").status == 0
    assert certboot("rehash", beside).status == 0
    (paths.repaired).mkdir()
    for path in paths.trusted.iterdir():
        (paths.repaired / path.name).write_bytes(path.read_bytes())
    (paths.rehash).mkdir()  # of 0.1.0
    (paths.rehash / "1-2.json").write_text("")
    (paths.cache).mkdir()
    for name in ("MozillaIntermediateCerts", "MozillaIntermediateCerts.json"):
        (paths.cache / name).write_text("")
    return paths


STRANGE = {
    "a file of the user's among the CAs": "trusted/notes.txt",
    "a certificate of the user's by its own name": "trusted/my-ca.pem",
    "a hidden file": "repaired/.keep",
    "another cache": "cache/pip/wheel",
    "another record": "rehash/README",
    "a file in a generation": "generations/1/crts/evil.pem",
    "a folder in a generation": "generations/1/work/a",
    "a generation of another kind": "generations/next/a",
    "a file beside": "notes.txt",
    "a folder beside": "work/a",
}


@pytest.mark.parametrize("name", STRANGE)
def test_purge_keeps_a_strange_file_in_a_store_and_says_where_it_is(
    certboot: Run, store: StorePaths, name: str
) -> None:
    path = store.home / STRANGE[name]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("mine")
    status = path.lstat()
    ran = certboot("purge", "--yes")
    assert (ran.status, ran.err) == (0, "")
    (line,) = (line for line in ran.out.splitlines() if line.startswith("left alone"))
    assert line.removeprefix(f"left alone in {store.home}: ") in (STRANGE[name], *map(str, Path(STRANGE[name]).parents))
    kept = [each for each in store.home.rglob("*") if not each.is_dir()]
    assert (kept, path.read_text(), path.lstat().st_mtime_ns) == ([path], "mine", status.st_mtime_ns)
    path.unlink()
    for folder in itertools.takewhile(lambda each: each != store.home.parent, path.parents):
        folder.rmdir()
    assert certboot("init").status == 0


def test_purge_keeps_what_stands_in_the_place_of_a_part_and_what_a_link_leads_to(
    certboot: Run, store: StorePaths, tmp_path: Path
) -> None:
    store.env.unlink()
    built(store.env, {"bin/python": "mine"})
    elsewhere = built(tmp_path / "elsewhere", {"Corp-12345678.pem": "mine"})
    store.distrusted.symlink_to(elsewhere / "Corp-12345678.pem")
    (store.adopted).mkdir()
    for path in store.repaired.iterdir():
        path.unlink()
    store.repaired.rmdir()
    store.repaired.symlink_to(elsewhere)
    before = state(elsewhere)
    ran = certboot("purge", "--yes")
    assert f"left alone in {store.home}: adopted, env, repaired\n" in ran.out
    assert state(elsewhere) == before
    assert sorted(str(path.relative_to(store.home)) for path in store.home.rglob("*")) == [
        "adopted", "env", "env/bin", "env/bin/python", "repaired",
    ]  # fmt: skip


# Killed at any step

CALLS = ("open", "fsync", "rename", "replace", "symlink", "unlink", "rmdir", "mkdir", "fchmod", "chmod")


def killed(step: int, *argv: str) -> bool:
    """Run a command in a process of its own that ends, without any more ado, before the step; whether it got there."""
    child = os.fork()
    if child == 0:
        count = itertools.count(1)

        def deadly(real: Callable[..., object]) -> Callable[..., object]:
            def call(*arguments: object, **options: object) -> object:
                if next(count) == step:
                    os._exit(9)
                return real(*arguments, **options)

            return call

        for name in CALLS:
            setattr(os, name, deadly(getattr(os, name)))
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os._exit(main.main(argv))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


def steps(*argv: str) -> Iterator[int]:
    """Yield each step after which the command, run anew for each, was killed."""
    for step in itertools.count(1):
        if not killed(step, *argv):
            return
        yield step


def left_by(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*")) if folder.exists() else []


@pytest.mark.parametrize("then", ["init", "purge"])
def test_an_init_that_was_killed_at_any_step_can_be_done_again_or_taken_away(
    certboot: Run, paths: StorePaths, beside: Path, then: str
) -> None:
    wrong: list[object] = []
    count = 0
    for step in steps("init", "--add", str(beside / "ca.pem"), "--config", str(beside / "settings.toml")):
        count = step
        before = left_by(paths.home)
        ran = certboot(*((then, "--yes") if then == "purge" else (then,)))
        if then == "init":
            wrong += [(step, before, ran.err)] * (ran.status != 0 or certboot("doctor", "store").status != 0)
            certboot("purge", "--yes")
        # Before its first folder there is nothing to take away, but the empty one.
        wrong += [(step, before, left_by(paths.home))] * (
            left_by(paths.home) != [] or (ran.status != 0 and before != [])
        )
    assert wrong == []
    assert count > 40


@pytest.mark.parametrize("then", ["init", "purge"])
@pytest.mark.parametrize("other", [(), ("notes.txt",)], ids=["alone", "beside a file of the user's"])
def test_a_purge_that_was_killed_at_any_step_can_be_finished(
    certboot: Run, paths: StorePaths, beside: Path, then: str, other: tuple[str, ...]
) -> None:
    def begin() -> None:
        assert certboot("init", "--add", beside / "ca.pem").status == 0
        for name in other:
            (paths.home / name).write_text("mine")

    wrong: list[object] = []
    begin()
    count = 0
    for step in steps("purge", "--yes"):
        count = step
        before = left_by(paths.home)
        ran = certboot(*((then, "--yes") if then == "purge" else (then,)))
        # Nothing of a store is in it any more: what it was cannot be known, and is of no use.
        emptied = set(before) <= {"generations", "generations/1", "generations/1/crts", "lock", *other}
        if then == "init" and not (emptied and other):
            wrong += [(step, before, ran.err)] * (ran.status != 0 or certboot("doctor", "store").status != 0)
            certboot("purge", "--yes")
        after = set(left_by(paths.home))
        wrong += [(step, before, after)] * (after != set(other) and not (emptied and other))
        shutil.rmtree(paths.home, ignore_errors=True)
        begin()
    assert wrong == []
    assert count > 20


def test_a_list_of_copies_alone_can_be_taken_away(certboot: Run, paths: StorePaths) -> None:
    """It is there where the hook was put into another interpreter before there was a store."""
    copies.remember(paths, copies.Copy("/usr/bin/python3", "/usr/lib/python3", user=False))
    assert json.loads(paths.hooks.read_bytes())["copies"]
    assert certboot("purge", "--yes").status == 0
    assert not paths.home.exists()
