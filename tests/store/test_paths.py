"""The command line and the hook must find the same store, and must refuse a place that no variable can name."""

from __future__ import annotations

import os
import pwd
import shutil
import sys
import typing
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import platformdirs
import platformdirs.macos
import pytest
from support.snapshot import assert_refused
from support.table import cases

import certboot_startup
from certboot.errors import StoreError
from certboot.store.paths import store_at, store_paths

if typing.TYPE_CHECKING:
    from support.environments import Ran

OWN_HOME = pwd.getpwuid(os.getuid()).pw_dir if hasattr(os, "getuid") else ""
ENVIRONMENTS: list[tuple[dict[str, str], str]] = [
    ({"HOME": "/h"}, "/h/.local/share/certboot"),
    ({"HOME": "/h/"}, "/h/.local/share/certboot"),
    ({"HOME": "/h ö/x"}, "/h ö/x/.local/share/certboot"),
    ({"HOME": "h"}, f"{OWN_HOME}/.local/share/certboot"),
    ({"HOME": ""}, f"{OWN_HOME}/.local/share/certboot"),
    ({}, f"{OWN_HOME}/.local/share/certboot"),
    ({"HOME": "/h", "XDG_DATA_HOME": "/d"}, "/d/certboot"),
    ({"HOME": "/h", "XDG_DATA_HOME": "/d/"}, "/d/certboot"),
    ({"HOME": "/h", "XDG_DATA_HOME": "d"}, "/h/.local/share/certboot"),
    ({"HOME": "/h", "XDG_DATA_HOME": ""}, "/h/.local/share/certboot"),
    ({"HOME": "/h", "XDG_DATA_HOME": " "}, "/h/.local/share/certboot"),
    ({"XDG_DATA_HOME": "/d"}, "/d/certboot"),
    ({"HOME": "/h", "XDG_DATA_HOME": "/d", "CERTBOOT_HOME": "/c"}, "/c"),
    ({"HOME": "/h", "CERTBOOT_HOME": "/c/x y"}, "/c/x y"),
    ({"HOME": "/h", "CERTBOOT_HOME": ""}, "/h/.local/share/certboot"),
    ({"HOME": "/h", "CERTBOOT_HOME": "/c//x/./y/../"}, "/c/x"),
]
NAMES = ("HOME", "XDG_DATA_HOME", "CERTBOOT_HOME")


def set_only(monkeypatch: pytest.MonkeyPatch, environ: dict[str, str]) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)


def hooks_home() -> str:
    return certboot_startup.store_home(os.environ, set(os.environ))


@pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="the rules of XDG")
@cases(("environ", "expected"), ENVIRONMENTS)
def test_the_command_line_and_the_hook_find_the_same_folder(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], expected: str
) -> None:
    set_only(monkeypatch, environ)
    assert str(store_paths().home) == hooks_home() == expected
    if not environ.get("CERTBOOT_HOME"):
        assert Path(platformdirs.user_data_dir("certboot")) == Path(expected)


@cases(
    ("environ", "expected"),
    [
        ({"HOME": "/Users/u"}, "/Users/u/Library/Application Support/certboot"),
        ({"HOME": "/Users/u", "XDG_DATA_HOME": "/d"}, "/d/certboot"),
        ({"HOME": "/Users/u", "XDG_DATA_HOME": "d"}, "/Users/u/Library/Application Support/certboot"),
        ({"HOME": "/Users/u", "CERTBOOT_HOME": "/c"}, "/c"),
    ],
)
def test_so_they_do_on_macos(monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], expected: str) -> None:
    """Recorded: platformdirs' own class for macOS, and ``sys.platform`` as the hook asks for it."""
    set_only(monkeypatch, environ)
    monkeypatch.setattr(certboot_startup, "sys", SimpleNamespace(platform="darwin"))
    monkeypatch.setattr(platformdirs, "user_data_dir", lambda name: platformdirs.macos.MacOS(name).user_data_dir)
    assert str(store_paths().home) == hooks_home() == expected
    if "CERTBOOT_HOME" not in environ:
        assert platformdirs.macos.MacOS("certboot").user_data_dir == expected


def test_on_windows_the_hook_takes_the_folder_that_platformdirs_documents(monkeypatch: pytest.MonkeyPatch) -> None:
    r"""Recorded: ``%LOCALAPPDATA%\certboot\certboot``, as appname and appauthor are the same."""
    import ntpath

    windows = SimpleNamespace(name="nt", path=ntpath)
    monkeypatch.setattr(certboot_startup, "os", windows)

    def home(environ: dict[str, str]) -> str:
        return certboot_startup.store_home(environ, set(environ))

    local = "C:\\Users\\u\\AppData\\Local"
    assert home({"LOCALAPPDATA": local, "HOME": "/h", "XDG_DATA_HOME": "/d"}) == f"{local}\\certboot\\certboot"
    assert home({"LOCALAPPDATA": local, "CERTBOOT_HOME": "D:\\store"}) == "D:\\store"
    assert home({"HOME": "/h"}) == ""


@cases(
    ("chosen", "words"),
    [
        ("store", "it is not an absolute path"),
        ("./store", "it is not an absolute path"),
        ("~/store", "it is not an absolute path"),
        ("/a:b/store", "contains ':'"),
        ("/a\nb", "contains '\\n'"),
        ("/a\rb", "contains '\\r'"),
    ],
)
def test_a_folder_that_no_variable_can_name_is_refused(
    certboot: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch, chosen: str, words: str
) -> None:
    monkeypatch.setenv("CERTBOOT_HOME", chosen)
    with pytest.raises(StoreError) as refused:
        store_paths()
    assert words in refused.value.message
    for command in (("init",), ("doctor",), ("purge", "--yes")):
        assert_refused(certboot(*command))


def test_a_relative_folder_is_refused_by_the_hook_too() -> None:
    environ = {"CERTBOOT_HOME": "store", "HOME": "/h"}
    assert certboot_startup.store_home(environ, set(environ)) == ""


def test_a_user_without_any_home_is_told_so(certboot: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_where_platformdirs_means_another_folder_than_the_hook_init_records_it_beside_the_hook(
    certboot: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    package = Path(certboot_startup.__file__).parent
    shutil.copytree(package, site / "certboot_startup", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("certboot_startup.pth", "certboot_startup.start"):
        shutil.copy(package.parent / name, site)
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
    assert f"certboot hook uninstall --python {sys.executable}" in certboot("purge", "--yes").out


def test_where_nothing_can_be_recorded_init_names_the_command(
    certboot: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere" / "certboot"
    monkeypatch.setattr(platformdirs, "user_data_dir", lambda _: str(elsewhere))
    monkeypatch.setattr(certboot_startup, "__file__", str(tmp_path / "file" / "certboot_startup" / "__init__.py"))
    (tmp_path / "file").write_text("")
    ran = certboot("init")
    assert ran.status == 0
    assert f"certboot hook install --home {elsewhere} --python {sys.executable}" in ran.out
