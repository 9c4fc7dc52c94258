"""What init says of the place of a store, and that it never makes one which its own hook refuses."""

from __future__ import annotations

import os
import pwd
import stat
import typing
from collections.abc import Callable
from pathlib import Path

import pytest
from support.hook_store import start

import certboot_startup
from certboot.store import place

if typing.TYPE_CHECKING:
    from support.environments import Ran

    from certboot.store.paths import StorePaths

ROOT = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root has a store of root's")


@pytest.mark.parametrize("mode", [0o777, 0o757, 0o775, 0o755, 0o700])
@pytest.mark.parametrize("group", [0, 50])
@ROOT
def test_init_makes_no_store_that_its_hook_refuses_and_names_what_mends_the_place(
    certboot: Callable[..., Ran], paths: StorePaths, mode: int, group: int
) -> None:
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


@pytest.mark.parametrize("part", ["env", "generations/1", "generations/1/crts", "generations/1/bundle.pem"])
def test_init_replaces_a_link_that_the_hook_would_not_pass(
    certboot: Callable[..., Ran], paths: StorePaths, tmp_path: Path, part: str
) -> None:
    certboot("init")
    (paths.home / part).rename(tmp_path / "moved")
    (paths.home / part).symlink_to(tmp_path / "moved")
    assert start({"HOME": os.environ["HOME"]})[1] == {}
    assert certboot("init").status == 0
    assert start({"HOME": os.environ["HOME"]})[0] == "active"


@pytest.mark.parametrize("command", ["init", "update"])
def test_generations_elsewhere_are_refused_by_both(
    certboot: Callable[..., Ran], paths: StorePaths, tmp_path: Path, command: str
) -> None:
    certboot("init")
    paths.generations.rename(tmp_path / "moved")
    paths.generations.symlink_to(tmp_path / "moved")
    assert start({"HOME": os.environ["HOME"]}) == ("unsafe", {})
    ran = certboot(command)
    assert (ran.status, f"a link: {paths.generations}\n" in ran.err) == (2, True)


@ROOT
@pytest.mark.parametrize("how", ["owner", "mode"])
def test_a_file_of_the_directory_that_another_user_could_change_is_written_anew(
    certboot: Callable[..., Ran], paths: StorePaths, how: str
) -> None:
    """The hook does not look at each of them, so init and update do."""
    certboot("init")
    before = paths.current.resolve()
    for command in ("init", "update"):
        path = min((paths.current / "crts").glob("*.pem"))
        assert certboot(command).status == 0
        assert paths.current.resolve() == before  # the control: nothing is written where nothing is wrong
        if how == "owner":
            os.chown(path, 12345, -1)
        else:
            path.chmod(0o666)
        assert certboot(command).status == 0
        assert paths.current.resolve() != before
        before = paths.current.resolve()
        found = [entry.stat() for entry in os.scandir(paths.current / "crts")]
        assert all(each.st_uid == 0 and not stat.S_IMODE(each.st_mode) & 0o022 for each in found)


@ROOT
def test_a_store_of_root_s_in_a_closed_home_says_that_it_serves_root_alone(
    certboot: Callable[..., Ran], clean: Path
) -> None:
    clean.chmod(0o700)
    note = f"  note      the store serves root alone, and no daemon that drops root: no other user may pass {clean}\n"
    assert f"{note}            {place.SHARED}\n" in certboot("init").out
    found = certboot("doctor", "store", "--json").out
    assert '"store-serves-root-alone"' in found
    clean.chmod(0o711)
    assert "serves root alone" not in certboot("init").out
    assert '"store-serves-root-alone"' not in certboot("doctor", "store", "--json").out


@ROOT
def test_a_home_of_another_user_is_named_and_not_used(
    certboot: Callable[..., Ran], clean: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a container job of a CI service."""
    own = tmp_path / "own"
    own.mkdir(mode=0o755)
    entry = pwd.struct_passwd(("root", "x", 0, 0, "", str(own), "/bin/sh"))
    monkeypatch.setattr(pwd, "getpwuid", lambda _: entry)
    os.chown(clean, 1001, -1)
    ran = certboot("init")
    assert f"  note      HOME belongs to another user, so it does not count: {clean}\n" in ran.out
    assert place.SHARED in ran.out
    assert f"  store     {own}/.local/share/certboot\n" in ran.out
    assert list(clean.iterdir()) == []
    assert start({"HOME": str(clean)})[0] == "active"
    assert place.ignored_home({"HOME": str(clean), "CERTBOOT_HOME": "/c"}) == ""
    os.chown(clean, 0, -1)
    assert "HOME belongs" not in certboot("init").out
    assert certboot_startup.is_foreign(str(clean)) is False
