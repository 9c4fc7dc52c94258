"""Folders and files that are not certboot's: no command writes there, whatever names they have."""

from __future__ import annotations

import io
import itertools
import os
import sys
from pathlib import Path

import pytest
from support.commands import Run
from support.pki import issue
from support.snapshot import Snapshot, assert_refused, snapshot
from support.table import cases
from support.terminal import answers

from certboot.errors import CertbootError
from certboot.hook import copies
from certboot.store import belongings, purge
from certboot.store.paths import StorePaths
from certboot.store.rehash import rehash


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
    "current/app.py": "", "hooks.json": '{"hooks": []}', "env/bin/python": "", "cache/Index.json": "{}",
    "trusted/Corp-12345678.pem": "mine", "repaired/notes": "", "distrusted": "some people", "adopted": "two cats",
    "checked": "yes", "config.toml": 'title = "blog"', "lock": "1234", "rehash/a": "", "generations/1/model.bin": "",
}  # fmt: skip
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
COMMANDS: tuple[tuple[str, ...], ...] = (
    ("init",), ("init", "--config", "settings.toml"), ("init", "--add", "ca.pem"), ("init", "--source", "system"),
    ("trust", "--yes", "ca.pem"),  # these write into an empty folder
    ("purge", "--yes"), ("update",), ("adopt", "--yes"), ("rollback",), ("distrust", "Root A"),
)  # fmt: skip


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


@cases("names", FOREIGN.values(), ids=list(FOREIGN))
def test_a_folder_with_other_things_is_no_store_and_becomes_none(tmp_path: Path, names: dict[str, str]) -> None:
    folder = built(tmp_path / "folder", names)
    before = state(folder)
    paths = StorePaths(folder)
    with pytest.raises(CertbootError, match=r"folder|config"):
        belongings.claim(paths)
    assert not belongings.is_store(paths)
    with pytest.raises(CertbootError, match="there is no store"):
        purge.purgeable(paths)
    with pytest.raises(CertbootError, match=r"folder|config"):
        copies.remember(paths, copies.Copy("/usr/bin/python3", "/usr/lib/python3", user=False))
    copies.forget(paths, Path("/usr/lib/python3"))
    assert state(folder) == before


@pytest.mark.usefixtures("beside")
@cases("name", ["one file", "all the names of a store's parts", "a link to a web application", "a lock that is a link"])
def test_no_command_writes_into_it(certboot: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    folder = built(tmp_path / "folder", FOREIGN[name])
    monkeypatch.setenv("CERTBOOT_HOME", str(folder))
    before = state(folder)
    for argv in (*COMMANDS, ("init", "--home", str(folder)), ("purge", "--home", str(folder), "--yes")):
        ran = certboot(*argv)
        if argv[0] == "adopt":
            assert ran.status in (0, 2)  # with nothing to adopt it looks at no store
        else:
            assert_refused(ran)
            assert str(folder) in ran.err or "--home" not in argv
        assert state(folder) == before, argv
    rehash(tmp_path / "beside")
    assert state(folder) == before


@pytest.mark.usefixtures("beside")
@cases("argv", COMMANDS[:5])
@cases("names", [{}, {"config.toml": "intermediates = false\n"}], ids=["empty", "settings"])
def test_into_an_empty_folder_and_one_with_settings_they_write(
    certboot: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argv: tuple[str, ...], names: dict[str, str]
) -> None:
    folder = built(tmp_path / "folder", names)
    monkeypatch.setenv("CERTBOOT_HOME", str(folder))
    for command in (argv, ("update",), ("rollback", "1"), ("purge", "--yes")):
        assert certboot(*command).status == 0
    assert not folder.exists()


# What purge takes and what it leaves


@pytest.fixture
def store(certboot: Run, paths: StorePaths, beside: Path) -> StorePaths:
    """A store with a file in every one of its folders."""
    assert certboot("init", "--add", beside / "ca.pem").status == 0
    paths.config.write_text("")
    for folder in (paths.repaired, paths.rehash, paths.cache):
        folder.mkdir()
    for path in paths.trusted.iterdir():
        (paths.repaired / path.name).write_bytes(path.read_bytes())
    (paths.rehash / "1-2.json").write_text("")  # of 0.1.0
    for name in ("MozillaIntermediateCerts", "MozillaIntermediateCerts.json"):
        (paths.cache / name).write_text("")
    return paths


def test_purge_takes_all_that_certboot_wrote_and_what_a_killed_run_left(
    certboot: Run, store: StorePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = [
        store.env, store.current, store.trusted, store.repaired, store.config, store.checked, store.cache, store.rehash,
    ]  # fmt: skip
    half = [store.home / ".current.77", store.home / ".env.a1b2c3d4"]
    for leftover in half:
        leftover.write_bytes(b"half")
    shell = {"SSL_CERT_FILE": str(store.current / "bundle.pem"), "PIP_CERT": "/own.pem", "CURL_CA_BUNDLE": ""}
    for name, value in shell.items():
        monkeypatch.setenv(name, value)
    ran = certboot("purge", "--yes")
    assert "to take them out:\n            unset SSL_CERT_FILE\n" in ran.out
    assert (ran.status, ran.err) == (0, "")
    listed = ran.out.partition("removed; ")[0].splitlines()
    assert (listed[0], sorted(listed[1:])) == (
        "this removes", sorted(f"  {path}" for path in [*parts, *half, store.generations])
    )  # fmt: skip
    assert not store.home.exists()
    ran = certboot("purge", "--yes")
    assert_refused(ran)
    assert f"there is no store: {store.home}\n" in ran.err
    assert list(store.home.parent.iterdir()) == []
    assert certboot("init").status == 0


@cases(
    ("typed", "status"),
    [
        *((text, 0) for text in ("y\n", "Y\n", "yes\n", " YES \n")),
        *((text, 1) for text in ("\n", "n\n", "no\n", "yess\n", "")),
    ],
)
def test_purge_asks_and_takes_only_yes_for_an_answer(
    certboot: Run, store: StorePaths, monkeypatch: pytest.MonkeyPatch, typed: str, status: int
) -> None:
    answers(monkeypatch, typed)
    before = snapshot(store.home)
    ran = certboot("purge")
    assert "remove it all? [y/N] " in ran.out
    assert (ran.status, ran.err, store.home.exists()) == (status, "", bool(status))
    if status:
        assert ran.out.endswith("nothing was removed\n")
        assert snapshot(store.home) == before
        for stdin in (io.StringIO("y\n"), None):  # a pipe, and none
            monkeypatch.setattr(sys, "stdin", stdin)
            ran = certboot("purge")
            assert_refused(ran)
            assert ran.err.endswith("\nhint: with --yes nothing is asked\n")
            assert snapshot(store.home) == before


def test_env_goes_first_and_the_generations_last(
    certboot: Run, store: StorePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the first on no interpreter is pointed at what is about to vanish; by the last it is known to be a store."""
    gone: list[str] = []
    unlink = Path.unlink

    def noted(self: Path, *, missing_ok: bool = False) -> None:
        gone.append(self.relative_to(store.home).parts[0])
        unlink(self, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", noted)
    certboot("purge", "--yes")
    order = list(dict.fromkeys(gone))
    assert (order[:2], order[-2:]) == (["env", "current"], ["generations", "lock"])


@cases("part", ["generations", "trusted"])
def test_a_failed_purge_can_be_finished(
    certboot: Run, store: StorePaths, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    unlink = Path.unlink

    def refuse(self: Path, *, missing_ok: bool = False) -> None:
        if part in self.parts:
            raise PermissionError(13, "Permission denied", os.fspath(self))
        unlink(self, missing_ok=missing_ok)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", refuse)
        ran = certboot("purge", "--yes")
    assert_refused(ran)
    assert "the store that was in force still is" not in ran.err  # its env file has gone
    assert certboot("purge", "--yes").status == 0
    assert not store.home.exists()


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


@cases("name", STRANGE.values(), ids=list(STRANGE))
def test_purge_keeps_a_strange_file_and_says_where_it_is(certboot: Run, store: StorePaths, name: str) -> None:
    path = store.home / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("mine")
    status = path.lstat()
    ran = certboot("purge", "--yes")
    assert (ran.status, ran.err) == (0, "")
    (line,) = (line for line in ran.out.splitlines() if line.startswith("left alone"))
    assert line.removeprefix(f"left alone in {store.home}: ") in (name, *map(str, Path(name).parents))
    kept = [other for other in store.home.rglob("*") if not other.is_dir()]
    assert (kept, path.read_text(), path.lstat().st_mtime_ns) == ([path], "mine", status.st_mtime_ns)
    path.unlink()
    for folder in itertools.takewhile(lambda folder: folder != store.home.parent, path.parents):
        folder.rmdir()
    assert certboot("init").status == 0


def test_purge_keeps_what_stands_in_the_place_of_a_part(certboot: Run, store: StorePaths, tmp_path: Path) -> None:
    store.env.unlink()
    built(store.env, {"bin/python": "mine"})
    elsewhere = built(tmp_path / "elsewhere", {"Corp-12345678.pem": "mine"})
    store.distrusted.symlink_to(elsewhere / "Corp-12345678.pem")
    store.adopted.mkdir()
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
