"""The command line and the hook find the same store, in a place that a variable can name and nobody else changes."""

from __future__ import annotations

import ntpath
import os
import pwd
import shutil
import stat
import sys
import typing
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import platformdirs
import platformdirs.macos
import pytest
from support.commands import Run
from support.hook_store import start
from support.snapshot import assert_refused
from support.table import cases

import certboot_startup
from certboot.errors import StoreError
from certboot.store import place
from certboot.store.paths import StorePaths, store_at, store_paths

ROOT = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root has a store of root's")
OWN_HOME = pwd.getpwuid(os.getuid()).pw_dir if hasattr(os, "getuid") else ""
BELOW_HOME, BELOW_OWN = "/h/.local/share/certboot", f"{OWN_HOME}/.local/share/certboot"
ENVIRONMENTS: list[tuple[dict[str, str], str]] = [
    ({"HOME": "/h"}, BELOW_HOME),
    ({"HOME": "/h/"}, BELOW_HOME),
    ({"HOME": "/h ö/x"}, "/h ö/x/.local/share/certboot"),
    ({"HOME": "h"}, BELOW_OWN),
    ({"HOME": ""}, BELOW_OWN),
    ({}, BELOW_OWN),
    ({"HOME": "/h", "XDG_DATA_HOME": "/d"}, "/d/certboot"),
    ({"HOME": "/h", "XDG_DATA_HOME": "/d/"}, "/d/certboot"),
    *(({"HOME": "/h", "XDG_DATA_HOME": other}, BELOW_HOME) for other in ("d", "", " ")),
    ({"XDG_DATA_HOME": "/d"}, "/d/certboot"),
    ({"HOME": "/h", "XDG_DATA_HOME": "/d", "CERTBOOT_HOME": "/c"}, "/c"),
    ({"HOME": "/h", "CERTBOOT_HOME": "/c/x y"}, "/c/x y"),
    ({"HOME": "/h", "CERTBOOT_HOME": ""}, BELOW_HOME),
    ({"HOME": "/h", "CERTBOOT_HOME": "/c//x/./y/../"}, "/c/x"),
]


def set_only(monkeypatch: pytest.MonkeyPatch, environ: dict[str, str]) -> None:
    for name in ("HOME", "XDG_DATA_HOME", "CERTBOOT_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)


def hooks_home(environ: dict[str, str] | None = None) -> str:
    found = os.environ if environ is None else environ
    return certboot_startup.store_home(found, set(found))


@pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="the rules of XDG")
@cases(("environ", "expected"), ENVIRONMENTS)
def test_the_command_line_and_the_hook_find_the_same_folder(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], expected: str
) -> None:
    set_only(monkeypatch, environ)
    assert str(store_paths().home) == hooks_home() == expected
    told = platformdirs.user_data_dir("certboot")
    # Versions before 4.13 go by a HOME that is no absolute path; certboot goes by none of these.
    if not environ.get("CERTBOOT_HOME") and os.path.isabs(told) and environ.get("HOME") != "":
        assert Path(told) == Path(expected)


BELOW_LIBRARY = "/Users/u/Library/Application Support/certboot"


@cases(
    ("environ", "expected"),
    [
        ({"HOME": "/Users/u"}, BELOW_LIBRARY),
        ({"HOME": "/Users/u", "XDG_DATA_HOME": "/d"}, "/d/certboot"),
        ({"HOME": "/Users/u", "XDG_DATA_HOME": "d"}, BELOW_LIBRARY),
        ({"HOME": "/Users/u", "CERTBOOT_HOME": "/c"}, "/c"),
    ],
)
def test_so_they_do_on_macos(monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], expected: str) -> None:
    """Recorded: platformdirs' own class for macOS, and ``sys.platform`` as the hook asks for it."""
    set_only(monkeypatch, environ)
    monkeypatch.setattr(certboot_startup, "sys", SimpleNamespace(platform="darwin"))
    monkeypatch.setattr(platformdirs, "user_data_dir", lambda name: platformdirs.macos.MacOS(name).user_data_dir)
    assert str(store_paths().home) == hooks_home() == expected
    told = platformdirs.macos.MacOS("certboot").user_data_dir
    if "CERTBOOT_HOME" not in environ and os.path.isabs(told):
        assert told == expected


def test_on_windows_the_hook_takes_the_folder_that_platformdirs_documents(monkeypatch: pytest.MonkeyPatch) -> None:
    r"""Recorded: ``%LOCALAPPDATA%\certboot\certboot``, as appname and appauthor are the same."""
    local = "C:\\Users\\u\\AppData\\Local"
    environs = (
        {"LOCALAPPDATA": local, "HOME": "/h", "XDG_DATA_HOME": "/d"},
        {"LOCALAPPDATA": local, "CERTBOOT_HOME": "D:\\store"},
        {"HOME": "/h"},
    )
    with monkeypatch.context() as patch:
        patch.setattr(certboot_startup, "os", SimpleNamespace(name="nt", path=ntpath))
        found = [hooks_home(environ) for environ in environs]
    assert found == [f"{local}\\certboot\\certboot", "D:\\store", ""]


@cases(
    ("chosen", "words"),
    [
        ("store", "it is not an absolute path"), ("~/store", "it is not an absolute path"),
        ("/a:b/store", "contains ':'"), ("/a\nb", "contains '\\n'"), ("/a\rb", "contains '\\r'"),
    ],
)  # fmt: skip
def test_a_folder_that_no_variable_can_name_is_refused(
    certboot: Run, monkeypatch: pytest.MonkeyPatch, chosen: str, words: str
) -> None:
    monkeypatch.setenv("CERTBOOT_HOME", chosen)
    with pytest.raises(StoreError) as refused:
        store_paths()
    assert words in refused.value.message
    for command in (("init",), ("doctor",), ("purge", "--yes")):
        assert_refused(certboot(*command))
    assert "absolute" not in words or hooks_home() == ""


def test_a_user_without_any_home_is_told_so(certboot: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A container may run as a user id that has no entry in /etc/passwd."""

    def nobody(_: int) -> typing.NoReturn:
        raise KeyError

    set_only(monkeypatch, {})
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    assert_refused(certboot("init"))


def test_the_parts_have_the_names_that_the_hook_relies_on() -> None:
    paths = store_at("/s")
    assert [path.relative_to("/s").as_posix() for path in (*paths.parts, paths.lock)] == [
        "env", "current", "trusted", "distrusted", "adopted", "repaired", "config.toml", "checked", "cache", "rehash",
        "hooks.json", "generations", "lock",
    ]  # fmt: skip


def test_where_platformdirs_means_another_folder_than_the_hook_init_records_it_beside_the_hook_or_names_the_command(
    certboot: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    package = Path(certboot_startup.__file__).parent
    shutil.copytree(package, site / "certboot_startup", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(package.parent / "certboot_startup.pth", site)
    metadata = site / "certboot-0.2.0.dist-info"
    metadata.mkdir()
    (metadata / "RECORD").write_text("certboot_startup.pth,,\n")
    monkeypatch.setattr(certboot_startup, "__file__", str(site / "certboot_startup" / "__init__.py"))
    before = sorted(path.name for path in site.iterdir())
    ran = certboot("init")
    assert (ran.status, "recorded" in ran.out) == (0, False)  # the control
    assert sorted(path.name for path in site.iterdir()) == before
    elsewhere = tmp_path / "elsewhere" / "certboot"
    monkeypatch.setattr(platformdirs, "user_data_dir", lambda _: str(elsewhere))
    hooked = hooks_home()
    ran = certboot("init")
    assert (ran.status, ran.err) == (0, "")
    assert f"  recorded  this folder, beside the hook, which would look in {hooked}\n" in ran.out
    assert str(elsewhere) in (site / "certboot_home.py").read_text()
    assert certboot("purge", "--yes").status == 0  # it takes away what init has put there
    assert sorted(path.name for path in site.iterdir()) == before
    (tmp_path / "file").write_text("")  # nothing can be recorded below it
    monkeypatch.setattr(certboot_startup, "__file__", str(tmp_path / "file" / "certboot_startup" / "__init__.py"))
    ran = certboot("init")
    assert ran.status == 0
    assert f"certboot hook install --home {elsewhere} --python {sys.executable}" in ran.out


# A safe place: init never makes a store that its own hook refuses


@ROOT
@cases("group", [0, 50])
@cases("mode", [0o777, 0o757, 0o775, 0o755, 0o700])
def test_init_makes_no_store_that_its_hook_refuses(certboot: Run, paths: StorePaths, mode: int, group: int) -> None:
    above = paths.home.parent
    above.mkdir(parents=True)
    os.chown(above, -1, group)
    above.chmod(mode)
    ran = certboot("init")
    safe = not mode & (0o022 if group else 0o002)
    assert (ran.status == 0) == safe
    if not safe:
        assert f"no safe place for the store, others may write to it: {above}\n" in ran.err
        assert f"hint: chmod go-w {above}, if it is yours and right; else certboot init --home DIR" in ran.err
        assert not paths.home.exists()
        above.chmod(mode & ~0o022)
        assert certboot("init").status == 0
    assert start({"HOME": os.environ["HOME"]})[0] == "active"


@cases("part", ["env", "generations/1", "generations/1/crts", "generations/1/bundle.pem", "generations"])
def test_a_link_in_the_store_is_replaced_or_refused(
    certboot: Run, paths: StorePaths, tmp_path: Path, part: str
) -> None:
    certboot("init")
    (paths.home / part).rename(tmp_path / "moved")
    (paths.home / part).symlink_to(tmp_path / "moved")
    assert start({"HOME": os.environ["HOME"]})[1] == {}
    if part == "generations":
        for command in ("init", "update"):
            ran = certboot(command)
            assert (ran.status, f"a link: {paths.generations}\n" in ran.err) == (2, True)
    else:
        assert certboot("init").status == 0
        assert start({"HOME": os.environ["HOME"]})[0] == "active"


@ROOT
@cases("expose", [lambda path: os.chown(path, 12345, -1), lambda path: path.chmod(0o666)], ids=["owner", "mode"])
def test_a_file_that_others_could_change_is_written_anew(
    certboot: Run, paths: StorePaths, expose: Callable[[Path], None]
) -> None:
    """The hook does not look at each of them, so init and update do."""
    certboot("init")
    for command in ("init", "update"):
        before = paths.current.resolve()
        assert certboot(command).status == 0
        assert paths.current.resolve() == before  # the control: nothing is written where nothing is wrong
        expose(min((paths.current / "crts").glob("*.pem")))
        assert certboot(command).status == 0
        assert paths.current.resolve() != before
        found = [entry.stat() for entry in os.scandir(paths.current / "crts")]
        assert all(status.st_uid == 0 and not stat.S_IMODE(status.st_mode) & 0o022 for status in found)


@ROOT
def test_a_store_of_root_s_in_a_closed_home_says_that_it_serves_root_alone(certboot: Run, clean: Path) -> None:
    clean.chmod(0o700)
    note = f"  note      the store serves root alone, and no daemon that drops root: no other user may pass {clean}\n"
    assert f"{note}            {place.SHARED}\n" in certboot("init").out
    assert '"store-serves-root-alone"' in certboot("doctor", "store", "--json").out
    clean.chmod(0o711)
    assert "serves root alone" not in certboot("init").out
    assert '"store-serves-root-alone"' not in certboot("doctor", "store", "--json").out


@ROOT
def test_a_home_of_another_user_is_named_and_not_used(
    certboot: Run, clean: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a container job of a CI service."""
    own = tmp_path / "own"
    own.mkdir(mode=0o755)
    entry = pwd.struct_passwd(("root", "x", 0, 0, "", str(own), "/bin/sh"))
    monkeypatch.setattr(pwd, "getpwuid", lambda _: entry)
    os.chown(clean, 1001, -1)
    ran = certboot("init", "-v")
    assert f"  note      HOME belongs to another user, so it does not count: {clean}\n" in ran.out
    assert place.SHARED in ran.out
    assert f"  store     {own}/.local/share/certboot\n" in ran.out
    assert list(clean.iterdir()) == []
    assert start({"HOME": str(clean)})[0] == "active"
    assert place.ignored_home({"HOME": str(clean), "CERTBOOT_HOME": "/c"}) == ""
    os.chown(clean, 0, -1)
    assert "HOME belongs" not in certboot("init").out
    assert certboot_startup.is_foreign(str(clean)) is False
