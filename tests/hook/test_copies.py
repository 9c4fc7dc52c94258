from __future__ import annotations

import json
import os
import shlex
import shutil
from pathlib import Path

import pytest
from support.table import cases

from certboot.errors import StoreError
from certboot.hook import copies, install, inventory
from certboot.hook.copies import Copy
from certboot.store.paths import StorePaths


def copy_in(folder: Path, *, user: bool = False) -> Copy:
    install.install(folder)
    return Copy("/usr/bin/python3", str(folder), user)


def make_old(folder: Path, version: str = "0.0.9") -> None:
    own = inventory.read_record(folder)
    assert own
    (folder / inventory.RECORD_NAME).write_bytes(
        inventory.render_record(inventory.Record(version, "", {**own.files, "certboot_startup.pth": ("0" * 64,)}))
    )
    (folder / "certboot_startup.pth").unlink(missing_ok=True)


def test_places_are_listed_once_and_taken_off_again(paths: StorePaths, tmp_path: Path) -> None:
    first, second = copy_in(tmp_path / "b"), copy_in(tmp_path / "a", user=True)
    for copy in (first, second, first):
        copies.remember(paths, copy)
    assert copies.copies(paths) == (second, first)
    copies.forget(paths, tmp_path / "b")
    copies.forget(paths, tmp_path / "none")
    assert copies.copies(paths) == (second,)
    (paths.home / ".hooks.json.a_killed").write_bytes(b"{")  # by a run that was killed
    copies.forget(paths, tmp_path / "a")
    assert not paths.home.exists()  # it was made for the list
    copies.remember(paths, second)
    paths.generations.mkdir()
    copies.forget(paths, tmp_path / "a")
    assert paths.generations.exists()
    assert not paths.hooks.exists()


def base_in(folder: Path) -> Copy:
    """Put the hook for every virtualenv into a library folder below the interpreter's."""
    install.install(folder, base=True)
    (folder.parents[1] / "bin").mkdir(exist_ok=True)
    (folder.parents[1] / "bin" / "python3").touch()
    return Copy(str(folder.parents[1] / "bin" / "python3"), str(folder), user=False, base=True)


def test_a_base_from_which_an_upgrade_took_the_hook_is_known_until_it_is_dealt_with(
    paths: StorePaths, tmp_path: Path
) -> None:
    base, other = base_in(tmp_path / "3" / "lib" / "3.11"), copy_in(tmp_path / "a")
    assert base.command("uninstall") == f"certboot hook uninstall --base --python {tmp_path}/3/bin/python3"
    for copy in (base, other):
        copies.remember(paths, copy)
    listed = json.loads(paths.hooks.read_bytes())["copies"]
    assert [entry.get("base") for entry in listed] == [True, None]  # as a former certboot knows it
    assert (copies.copies(paths), copies.lost_copies(paths)) == ((base, other), ())
    shutil.rmtree(base.folder)  # the upgrade brings another folder
    shutil.rmtree(other.folder)
    assert (copies.copies(paths), copies.lost_copies(paths)) == ((), (base,))
    upgraded = base_in(tmp_path / "3" / "lib" / "3.12")
    copies.remember(paths, upgraded)
    assert (copies.copies(paths), copies.lost_copies(paths)) == ((upgraded,), ())
    shutil.rmtree(upgraded.folder)
    copies.forget(paths, tmp_path / "3" / "lib" / "3.13", Path(upgraded.python))
    assert copies.lost_copies(paths) == ()
    copies.remember(paths, base_in(tmp_path / "4" / "lib" / "3.12"))
    shutil.rmtree(tmp_path / "4")  # who has removed the whole interpreter knows
    assert copies.lost_copies(paths) == ()


def test_a_newer_release_of_an_interpreter_of_uv_s_is_known_by_the_link_that_uv_moves(
    paths: StorePaths, tmp_path: Path
) -> None:
    prefixes = [tmp_path / f"cpython-3.12.{patch}-linux-x86_64-gnu" for patch in (1, 9)]
    link = tmp_path / "cpython-3.12-linux-x86_64-gnu"
    base = base_in(prefixes[0] / "lib" / "python3.12")
    copies.remember(paths, base)
    (prefixes[1] / "lib" / "python3.12").mkdir(parents=True)
    assert copies.lost_copies(paths) == ()
    link.symlink_to(prefixes[0].name)
    assert copies.lost_copies(paths) == ()
    link.unlink()
    link.symlink_to(prefixes[1].name)
    newest = Copy(str(link / "bin" / "python3"), str(link / "lib" / "python3.12"), user=False, base=True)
    assert copies.lost_copies(paths) == (newest,)
    copies.remember(paths, newest)
    assert copies.lost_copies(paths) == (newest,)
    install.install(Path(newest.folder), base=True)
    assert (copies.copies(paths), copies.lost_copies(paths)) == ((newest, base), ())
    shutil.rmtree(prefixes[0])
    assert (copies.copies(paths), copies.lost_copies(paths)) == ((newest,), ())
    install.uninstall(Path(newest.folder))
    assert copies.lost_copies(paths)[0] == newest


def test_the_hook_of_a_base_is_renewed_and_stays_that_of_a_base(paths: StorePaths, tmp_path: Path) -> None:
    base = base_in(tmp_path / "3" / "lib" / "3.11")
    copies.remember(paths, base)
    own = inventory.read_record(Path(base.folder))
    assert own
    old = own._replace(version="0.0.9", files={**own.files, "sitecustomize.py": (inventory.sha256(b"# old\n"),)})
    (Path(base.folder) / "sitecustomize.py").write_bytes(b"# old\n")
    (Path(base.folder) / inventory.RECORD_NAME).write_bytes(inventory.render_record(old))
    assert copies.outdated_copies(paths) == (copies.Outdated(base, "0.0.9"),)
    assert copies.renew(paths) == (base,)
    assert inventory.read_record(Path(base.folder)) == own
    assert copies.copies(paths) == (base,)


def test_a_list_can_be_read_by_everybody_whatever_the_umask(paths: StorePaths, tmp_path: Path) -> None:
    umask = os.umask(0o077)
    try:
        copies.remember(paths, copy_in(tmp_path / "a"))
    finally:
        os.umask(umask)
    assert paths.hooks.stat().st_mode & 0o777 == 0o644
    assert paths.home.stat().st_mode & 0o777 == 0o755


def test_the_commands_can_be_run_as_they_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    copy = Copy("/a b/'c'/bin/python", "/f", user=True)
    assert shlex.split(copy.command("install")) == [
        "certboot", "hook", "install", "--python", "/a b/'c'/bin/python", "--user"
    ]  # fmt: skip
    assert Copy("/p", "/f", user=False).command("uninstall") == "certboot hook uninstall --python /p"
    with monkeypatch.context() as patch:
        patch.setattr("certboot.hook.copies.os.name", "nt")
        command = Copy("C:/a b/python.exe", "/f", user=False).command("install")
    assert command == 'certboot hook install --python "C:/a b/python.exe"'


def test_copies_of_an_older_version_are_renewed_once(
    paths: StorePaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.metadata.version", lambda _: "1.0.0rc2")
    new, old = copy_in(tmp_path / "new"), copy_in(tmp_path / "old")
    copies.remember(paths, new)
    copies.remember(paths, old)
    assert copies.outdated_copies(paths) == ()
    make_old(tmp_path / "old")
    assert copies.outdated_copies(paths) == (copies.Outdated(old, "0.0.9"),)
    assert copies.renew(paths) == (old,)
    line = "certboot_startup.pth"
    assert (tmp_path / "old" / line).read_bytes() == (tmp_path / "new" / line).read_bytes()
    assert (copies.outdated_copies(paths), copies.renew(paths)) == ((), ())
    older, newer = ("no version", "1.0.0a9", "1.0.0rc1", "1.0.0rc2"), ("1.0.0rc10", "1.0.0", "999.0", "1000")
    for version in (*older, *newer):
        make_old(tmp_path / "old", version)
        assert copies.renew(paths) == ((old,) if version in older else ())
        assert (tmp_path / "old" / line).exists() == (version in older)


def test_a_copy_that_somebody_changed_is_neither_renewed_nor_in_the_way_of_others(
    paths: StorePaths, tmp_path: Path
) -> None:
    changed, old = copy_in(tmp_path / "changed"), copy_in(tmp_path / "old")
    for copy in (changed, old):
        copies.remember(paths, copy)
        make_old(Path(copy.folder))
    guards = tmp_path / "changed" / "certboot_startup" / "guards.py"
    guards.write_text("mine = True\n")
    assert copies.renew(paths) == (old,)
    assert guards.read_text() == "mine = True\n"
    assert [outdated.copy for outdated in copies.outdated_copies(paths)] == [changed]


@cases("data", [b"", b"[]", b"{", b'{"copies": 1}', b'{"copies": [1]}', b'{"copies": [{"python": 1}]}', b"[" * 99_999])
def test_what_is_no_list_is_no_copy(paths: StorePaths, tmp_path: Path, data: bytes) -> None:
    copies.remember(paths, copy_in(tmp_path / "a"))
    assert len(copies.copies(paths)) == 1
    paths.hooks.write_bytes(data)
    assert copies.copies(paths) == ()


def test_a_copy_that_is_gone_or_whose_place_is_relative_is_none(
    paths: StorePaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies.remember(paths, copy_in(tmp_path / "a"))
    monkeypatch.chdir(tmp_path)
    text = paths.hooks.read_text()
    whole = json.loads(text)
    whole["copies"][0]["folder"] = "a"
    paths.hooks.write_text(json.dumps(whole))
    assert copies.copies(paths) == ()
    paths.hooks.write_text(text)
    assert len(copies.copies(paths)) == 1
    shutil.rmtree(tmp_path / "a")
    assert (copies.copies(paths), copies.outdated_copies(paths)) == ((), ())


def test_a_list_that_others_could_have_written_or_that_is_too_long_is_none(paths: StorePaths, tmp_path: Path) -> None:
    copies.remember(paths, copy_in(tmp_path / "a"))
    for path, mode in ((paths.hooks, 0o666), (paths.home, 0o777)):
        before = path.stat().st_mode & 0o777
        path.chmod(mode)
        assert copies.copies(paths) == ()
        path.chmod(before)
        assert len(copies.copies(paths)) == 1
    with paths.hooks.open("ab") as file:
        file.write(b" " * 1024 * 1024)
    assert copies.copies(paths) == ()


@cases("part", ["home", "above"])
def test_no_list_is_kept_where_others_could_write_it(paths: StorePaths, tmp_path: Path, part: str) -> None:
    copy = copy_in(tmp_path / "a")
    paths.home.mkdir(parents=True)
    (paths.home if part == "home" else paths.home.parent).chmod(0o777)
    with pytest.raises(StoreError, match="no safe place for a list of copies, others may write to it"):
        copies.remember(paths, copy)
    assert not paths.hooks.exists()


def test_a_certboot_whose_own_hook_is_not_whole_calls_no_copy_outdated(
    paths: StorePaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies.remember(paths, copy_in(tmp_path / "a"))
    make_old(tmp_path / "a")
    assert len(copies.outdated_copies(paths)) == 1
    monkeypatch.setattr("certboot_startup.__file__", str(tmp_path / "none" / "__init__.py"))
    assert copies.outdated_copies(paths) == ()
