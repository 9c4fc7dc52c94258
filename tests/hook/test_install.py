from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import typing
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.environments import Ran
from support.snapshot import contents, snapshot
from support.table import cases
from support.virtualenvs import packages, python_of, start

import certboot
from certboot import files
from certboot.errors import CertbootError
from certboot.hook import install, inventory, payload

HOOK = payload.hook_files()
RAN = Ran(0, "('no-store', '')\n", "")
NOT_RUN = Ran(0, "None\n", "")


def with_others(folder: Path) -> Path:
    """Put something of somebody else into a folder of packages."""
    (folder / "__pycache__").mkdir(parents=True)
    (folder / "__pycache__" / "other.cpython-311.pyc").write_bytes(b"x")
    (folder / "certboot_other.pth").write_text("import sys\n")
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of packages that no interpreter reads."""
    return with_others(tmp_path / "lib" / "packages")


def test_the_hook_runs_where_it_was_copied_and_nothing_is_left_when_it_is_removed(venv: Path) -> None:
    folder = with_others(packages(venv))
    before = contents(folder)
    assert start(python_of(venv)) == NOT_RUN
    result = install.install(folder)
    assert (result.action, result.hook.owner, result.hook.home) == ("installed", "certboot", "")
    assert result.hook.version == certboot.__version__
    new = contents(folder).keys() - before.keys()
    assert new == {*HOOK, "certboot_startup", inventory.RECORD_NAME}
    assert {name: (folder / name).read_bytes() for name in HOOK} == HOOK
    assert start(python_of(venv)) == RAN
    assert (folder / "certboot_startup" / "__pycache__").is_dir()
    assert install.uninstall(folder).action == "removed"
    assert contents(folder) == before
    assert start(python_of(venv)) == NOT_RUN


def test_a_store_is_recorded_beside_the_hook_and_stays_recorded(venv: Path) -> None:
    folder = with_others(packages(venv))
    before = contents(folder)
    assert install.install(folder, "/opt/certboot").hook.home == "/opt/certboot"
    recorded = Ran(0, "('no-store', '/opt/certboot')\n", "")
    assert start(python_of(venv)) == recorded
    (folder / "certboot_startup" / "guards.py").unlink()  # something to renew
    assert install.install(folder).action == "renewed"
    assert start(python_of(venv)) == recorded
    assert install.install(folder, "/opt/other").hook.home == "/opt/other"
    assert start(python_of(venv)) == Ran(0, "('no-store', '/opt/other')\n", "")
    install.uninstall(folder)
    assert contents(folder) == before


def test_once_more_changes_nothing_and_nothing_is_removed_that_is_not_there(folder: Path, tmp_path: Path) -> None:
    assert install.install(folder, "/opt/certboot").action == "installed"
    before = snapshot(folder)
    assert install.install(folder, "/opt/certboot").action == "unchanged"
    assert install.install(folder).action == "unchanged"
    assert snapshot(folder) == before
    install.uninstall(folder)
    assert install.uninstall(folder).action == "absent"
    assert install.uninstall(tmp_path / "none").action == "absent"
    assert not (tmp_path / "none").exists()


def test_everybody_may_read_what_only_the_owner_may_write_whatever_the_umask(tmp_path: Path) -> None:
    umask = os.umask(0o077)
    try:
        install.install(tmp_path / "lib" / "packages", "/opt/certboot")
    finally:
        os.umask(umask)
    for path in (tmp_path / "lib").rglob("*"):
        assert path.stat().st_mode & 0o777 == (0o755 if path.is_dir() else 0o644), path
    assert (tmp_path / "lib").stat().st_mode & 0o777 == 0o755


def test_a_copy_of_an_older_certboot_is_renewed_and_its_former_modules_go(folder: Path) -> None:
    old = {**HOOK, "certboot_startup/former.py": b"pass\n", "certboot_startup/__init__.py": b"# old\n"}
    del old["certboot_startup/guards.py"]
    for name, data in old.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)
    digests = {name: (inventory.sha256(data),) for name, data in old.items()}
    (folder / inventory.RECORD_NAME).write_bytes(inventory.render_record(inventory.Record("0.0.9", "", digests)))
    before = inventory.look(folder)
    assert (before.version, inventory.outdated(before)) == ("0.0.9", True)
    after = install.install(folder)
    assert (after.action, after.hook.version, inventory.outdated(after.hook)) == (
        "renewed",
        certboot.__version__,
        False,
    )
    assert sorted(path.name for path in (folder / "certboot_startup").iterdir()) == sorted(
        name.removeprefix("certboot_startup/") for name in HOOK if "/" in name
    )


@cases("name", [*payload.copy_files("/", start_file=True)])
@cases("act", [install.install, install.uninstall])
def test_what_was_changed_is_named_and_nothing_is_touched(
    folder: Path, name: str, act: Callable[[Path], object]
) -> None:
    install.install(folder, "/opt/certboot", start_file=True)
    with (folder / name).open("ab") as file:
        file.write(b"# mine\n")
    before = snapshot(folder)
    with pytest.raises(CertbootError, match=f"not as certboot wrote it: .*{name}$"):
        act(folder)
    assert snapshot(folder) == before
    (folder / name).unlink()  # as the hint says
    act(folder)


@cases("act", [install.install, install.uninstall])
def test_a_link_in_the_place_of_a_file_is_a_change(folder: Path, tmp_path: Path, act: Callable[[Path], object]) -> None:
    install.install(folder)
    shutil.move(folder / "certboot_startup", tmp_path / "moved")
    (folder / "certboot_startup").symlink_to(tmp_path / "moved")
    with pytest.raises(CertbootError, match="not as certboot wrote it"):
        act(folder)
    assert (tmp_path / "moved" / "__init__.py").exists()


@cases("name", ["certboot_startup.pth", "certboot_startup/__init__.py", "certboot_startup.start"])
@cases("own", [True, False], ids=["the same bytes", "other bytes"])
@cases("act", [install.install, install.uninstall])
def test_a_hook_that_certboot_did_not_put_there_is_left_alone(
    folder: Path, name: str, *, own: bool, act: Callable[[Path], object]
) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(payload.copy_files("", start_file=True)[name] if own else b"import os\n")
    before = snapshot(folder)
    with pytest.raises(CertbootError, match="a start-up hook that certboot did not put there"):
        act(folder)
    assert snapshot(folder) == before


def test_a_file_in_the_way_is_left_alone(folder: Path) -> None:
    (folder / inventory.RECORD_NAME).write_text("{}")
    with pytest.raises(CertbootError, match=f"did not put there: .*{inventory.RECORD_NAME}"):
        install.install(folder)
    (folder / inventory.RECORD_NAME).unlink()
    (folder / "certboot_home.py").write_text("mine\n")
    with pytest.raises(CertbootError, match=r"not as certboot wrote it: .*certboot_home\.py"):
        install.install(folder, "/opt/certboot", start_file=True)
    assert install.install(folder, start_file=False).action == "installed"
    install.uninstall(folder)
    assert (folder / "certboot_home.py").read_text() == "mine\n"


@cases("home", ["", "/opt/certboot"])
def test_an_interpreter_that_needs_a_start_file_keeps_it_and_another_loses_what_a_former_certboot_put_there(
    folder: Path, home: str
) -> None:
    start_file = folder / "certboot_startup.start"
    assert install.install(folder, home, start_file=True).action == "installed"
    assert install.install(folder).action == "unchanged"
    assert start_file.is_file()
    own = inventory.read_record(folder)
    assert own
    (folder / inventory.RECORD_NAME).write_bytes(
        inventory.render_record(own._replace(version="0.1.0", start_file=False))
    )
    assert inventory.outdated(inventory.look(folder))
    assert install.install(folder).action == "renewed"
    assert not start_file.exists()
    install.uninstall(folder)
    assert not list(folder.glob("certboot_[hs]*"))


def installed_by_pip(folder: Path) -> None:
    metadata = folder / "certboot-0.0.1.dist-info"
    metadata.mkdir()
    (metadata / "RECORD").write_text("certboot_startup.pth,sha256=x,1\ncertboot_startup/__init__.py,,\n")
    for name, data in HOOK.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)


def test_what_pip_put_there_stays_and_only_the_store_is_recorded(venv: Path) -> None:
    folder = with_others(packages(venv))
    installed_by_pip(folder)
    before = contents(folder)
    assert install.install(folder).action == "unchanged"
    assert contents(folder) == before
    result = install.install(folder, "/opt/certboot")
    assert (result.action, result.hook.owner, result.hook.version) == ("recorded", "installer", "0.0.1")
    assert contents(folder).keys() - before.keys() == {*payload.home_files("/"), inventory.RECORD_NAME}
    assert start(python_of(venv)) == Ran(0, "('no-store', '/opt/certboot')\n", "")
    assert install.uninstall(folder).action == "removed"
    shutil.rmtree(folder / "certboot_startup" / "__pycache__")
    assert contents(folder) == before
    assert install.uninstall(folder).action == "absent"


def test_what_pip_wrote_over_a_copy_is_pip_s(folder: Path) -> None:
    install.install(folder, "/opt/certboot")
    installed_by_pip(folder)
    assert inventory.look(folder).owner == "installer"
    assert install.uninstall(folder).action == "removed"
    assert all((folder / name).exists() for name in HOOK)
    assert not (folder / inventory.RECORD_NAME).exists()
    assert not (folder / "certboot_home.pth").exists()


def test_what_an_uninstall_by_pip_leaves_behind_is_silent_and_can_be_removed(venv: Path) -> None:
    folder = with_others(packages(venv))
    before = contents(folder)
    installed_by_pip(folder)
    install.install(folder, "/opt/certboot")
    for name in HOOK:
        (folder / name).unlink()
    for name in ("certboot-0.0.1.dist-info", "certboot_startup"):
        shutil.rmtree(folder / name)
    assert start(python_of(venv)) == NOT_RUN
    assert inventory.look(folder).owner == "nobody"
    install.uninstall(folder)
    assert contents(folder) == before


class Stopped(BaseException):
    """The power went off."""


@contextlib.contextmanager
def cut_off(*_: object) -> Iterator[None]:
    """Undo nothing, as a process that was killed."""
    yield


def stopped(step: int, act: Callable[[], object], error: BaseException, *, killed: bool) -> bool:
    """Do it with the step-th change of the disk failing; returns whether it came to that."""
    count = 0

    def counted(real: Callable[..., object]) -> Callable[..., object]:
        def change(*arguments: object, **options: object) -> object:
            nonlocal count
            count += 1
            if count == step:
                raise error
            return real(*arguments, **options)

        return change

    with pytest.MonkeyPatch.context() as patch:
        for name in ("replace", "make_folder"):
            patch.setattr(files, name, counted(getattr(files, name)))
        patch.setattr(Path, "unlink", counted(Path.unlink))
        if killed:
            patch.setattr(install, "_undone_on_failure", cut_off)
        try:
            act()
        except type(error):
            return True
        return False


def older(folder: Path, home: str) -> None:
    """Put a copy of an older certboot into the folder."""
    install.install(folder, home)
    own = inventory.read_record(folder)
    assert own
    old = {name: b"# old\n" + data for name, data in HOOK.items() if name.endswith(".py")}
    for name, data in old.items():
        (folder / name).write_bytes(data)
    digests = {**own.files, **{name: (inventory.sha256(data),) for name, data in old.items()}}
    (folder / inventory.RECORD_NAME).write_bytes(inventory.render_record(own._replace(version="0.0.9", files=digests)))


@pytest.mark.slow
@pytest.mark.parametrize("from_older", [False, True], ids=["new", "renewed"])
def test_an_install_that_is_killed_at_any_step_harms_no_start_and_can_be_completed_or_removed(
    venv: Path, *, from_older: bool
) -> None:
    folder, python, home = packages(venv), python_of(venv), "/opt/certboot"
    whole, before = Ran(0, f"('no-store', '{home}')\n", ""), contents(folder)
    for step in range(1, 100):
        if from_older:
            older(folder, home)
        was_stopped = stopped(step, lambda: install.install(folder, home), Stopped(), killed=True)
        assert start(python).err == ""
        if not was_stopped:
            break
        if step % 3 == 1:
            install.install(folder, home)
            assert start(python) == whole
            assert not inventory.outdated(inventory.look(folder))
        install.uninstall(folder)
        assert contents(folder) == before
    assert step > 3
    assert start(python) == whole


@cases("from_older", [False, True], ids=["new", "renewed"])
def test_an_install_that_fails_at_any_step_leaves_everything_as_it_was(folder: Path, *, from_older: bool) -> None:
    if from_older:
        older(folder, "/opt/certboot")
    before = contents(folder)
    full = OSError(28, "No space left on device")
    for step in range(1, 100):
        if not stopped(step, lambda: install.install(folder, "/opt/certboot"), full, killed=False):
            break
        assert contents(folder) == before
    assert step > 3
    assert not inventory.outdated(inventory.look(folder))


@pytest.mark.slow
def test_an_uninstall_that_is_killed_at_any_step_harms_no_start_and_can_be_completed(venv: Path) -> None:
    folder, python = packages(venv), python_of(venv)
    before = contents(folder)
    for step in range(1, 100):
        install.install(folder, "/opt/certboot", start_file=True)
        start(python)  # compiles
        was_stopped = stopped(step, lambda: install.uninstall(folder), Stopped(), killed=True)
        assert start(python).err == ""
        install.uninstall(folder)
        assert contents(folder) == before
        if not was_stopped:
            break
    assert step > 7


def test_half_written_files_of_a_killed_run_go(folder: Path) -> None:
    before = contents(folder)
    (folder / "certboot_startup").mkdir()
    names = (".certboot_startup.json", ".certboot_startup.pth", "certboot_startup/.guards.py")
    halves = [f"{name}.a1b2c3d4" for name in names]
    others = [".certboot_startup.pth.mine", ".other.pth.a1b2c3d4"]
    for name in (*halves, *others):
        (folder / name).write_bytes(b"half")
    with pytest.raises(CertbootError, match="did not put there"):  # the folder alone could be anybody's
        install.install(folder)
    (folder / "certboot_startup").rmdir()
    install.install(folder)
    install.uninstall(folder)
    assert contents(folder).keys() - before.keys() == set(others)


def test_compiled_modules_of_ours_go_and_no_others(folder: Path) -> None:
    install.install(folder, "/opt/certboot", start_file=True)
    cache = folder / "certboot_startup" / "__pycache__"
    cache.mkdir()
    ours = ["__init__.cpython-38.pyc", "guards.cpython-315.opt-2.pyc", "__init__.pypy310.pyc.140001"]
    others = ["guardsmen.cpython-38.pyc", "__init__.cpython-38.pyc.txt"]
    for name in (*ours, *others):
        (cache / name).touch()
    (folder / "__pycache__" / "certboot_home.cpython-38.pyc").touch()
    install.uninstall(folder)
    assert sorted(path.name for path in cache.iterdir()) == sorted(others)
    assert [path.name for path in (folder / "__pycache__").iterdir()] == ["other.cpython-311.pyc"]


@pytest.mark.slow
def test_many_at_once_give_one_whole_copy_and_no_start_fails(venv: Path) -> None:
    folder = with_others(packages(venv))
    code = (
        "import sys, pathlib; from certboot.hook import inventory, install\n"
        "for n in range(5): install.install(pathlib.Path(sys.argv[1]), sys.argv[2])"
    )
    homes = ["/opt/one", "/opt/two", "/opt/three"]
    running = [subprocess.Popen([sys.executable, "-c", code, folder, home]) for home in homes]
    failures = []
    while any(each.poll() is None for each in running):
        ran = start(python_of(venv))
        failures += [ran.err] if ran.err else []
    assert [each.returncode for each in running] == [0, 0, 0]
    assert failures == []
    last = inventory.look(folder)
    assert last.home in homes
    assert (last.changed, inventory.outdated(last)) == ((), False)


@pytest.mark.slow
def test_installs_and_uninstalls_at_once_fail_no_start(venv: Path) -> None:
    folder = with_others(packages(venv))
    before = contents(folder)

    def repeat() -> None:
        for _ in range(5):
            install.install(folder, "/opt/certboot")
            install.uninstall(folder)

    with ThreadPoolExecutor() as pool:
        both = [pool.submit(repeat) for _ in range(2)]
        starts = []
        while not all(each.done() for each in both):
            starts.append(start(python_of(venv)).err)
        for each in both:
            each.result()
    assert set(starts) == {""}
    left = contents(folder).keys() - before.keys()
    assert all(name == "certboot_startup" or "__pycache__" in name for name in left)


def test_what_a_late_start_compiles_is_no_hook_of_somebody_else_but_a_thing_of_the_package_s_name_is(
    folder: Path,
) -> None:
    package = folder / "certboot_startup"
    for make in (Path.touch, Path.mkdir, lambda path: path.symlink_to("none")):
        make(package)
        assert inventory.look(folder).owner == "unknown"
        package.rmdir() if package.is_dir() else package.unlink()
    (package / "__pycache__").mkdir(parents=True)
    (package / "__pycache__" / "__init__.cpython-311.pyc").touch()
    assert inventory.look(folder).owner == "nobody"
    install.install(folder)
    install.uninstall(folder)
    assert not package.exists()


def test_a_folder_that_another_certboot_works_on_is_waited_for_and_a_file_system_without_locks_is_no_hindrance(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(*_: object) -> typing.NoReturn:
        raise OSError(9, "Bad file descriptor")

    monkeypatch.setattr(install, "_LOCK_SECONDS", 0.1)
    with install._locked(folder), pytest.raises(CertbootError, match="another certboot has been at work"):
        install.install(folder)
    monkeypatch.setattr("fcntl.flock", unsupported)
    assert install.install(folder).action == "installed"


@cases("act", [install.install, install.uninstall])
@cases("part", ["", ".."], ids=["itself", "above"])
def test_a_folder_that_everybody_may_write_to_is_refused(
    folder: Path, part: str, act: Callable[[Path], object]
) -> None:
    before = contents(folder)
    for mode in (0o777, *([0o1777] if not part else [])):
        (folder / part).chmod(mode)
        with pytest.raises(CertbootError, match=r"no hook is put where (everybody|others) may write to it"):
            act(folder)
    assert contents(folder) == before
    (folder / part).chmod(0o775)  # Debian's /usr/local belongs to the group staff
    act(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_is_refused_even_by_root(folder: Path) -> None:
    os.chown(folder, 1234, 1234)
    with pytest.raises(CertbootError, match=r"no hook is put where it belongs to another user \(uid 1234\)"):
        install.install(folder)


def test_windows_guards_folders_by_other_means(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.chmod(0o777)
    with monkeypatch.context() as patch:
        patch.setattr("certboot.hook.install.os.name", "nt")
        install.refuse_exposed(folder)
    with pytest.raises(CertbootError):
        install.refuse_exposed(folder)


def test_what_cannot_be_read_and_a_folder_in_the_place_of_a_file_count_as_changed(
    folder: Path, unreadable: Callable[[Path], None]
) -> None:
    install.install(folder)
    (folder / "certboot_startup.pth").unlink()
    (folder / "certboot_startup.pth").mkdir()
    assert inventory.look(folder).changed == ("certboot_startup.pth",)
    unreadable(folder / "certboot_startup/guards.py")
    assert set(inventory.look(folder).changed) == {"certboot_startup.pth", "certboot_startup/guards.py"}


@cases(
    ("record", "owner"),
    [(b"certboot_startup.pth,,\n", "installer"), (b"certboot/cli/main.py,,\n", "unknown"), (b"\xff\xfe", "unknown"),
     (None, "installer")],
)  # fmt: skip
def test_a_package_s_own_list_of_files_says_whose_the_hook_is(folder: Path, record: bytes | None, owner: str) -> None:
    """Packages of a distribution have no RECORD: the hook beside them is theirs."""
    installed_by_pip(folder)
    listed = folder / "certboot-0.0.1.dist-info" / "RECORD"
    listed.unlink() if record is None else listed.write_bytes(record)
    assert inventory.look(folder).owner == owner


def test_a_hook_from_its_installer_is_outdated_when_its_files_are_others(folder: Path) -> None:
    assert not inventory.outdated(inventory.look(folder))
    installed_by_pip(folder)
    assert not inventory.outdated(inventory.look(folder))
    (folder / "certboot_startup" / "guards.py").unlink()  # as with an editable install
    assert not inventory.outdated(inventory.look(folder))
    (folder / "certboot_startup" / "__init__.py").write_text("old\n")
    assert inventory.outdated(inventory.look(folder))
