"""``certboot hook`` and ``--home``, with real virtualenvs."""

from __future__ import annotations

import json
import os
import re
import sys
import typing
from collections.abc import Callable
from pathlib import Path

import pytest
from support.environments import Ran
from support.snapshot import assert_refused, contents
from support.table import cases
from support.virtualenvs import packages, python_of, start, virtualenv

import certboot_startup
from certboot import __version__ as certboot_version
from certboot.hook import found, install, interpreters
from certboot.store.paths import StorePaths

Run = Callable[..., Ran]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "_GRACE_SECONDS", 0)


@pytest.fixture
def venv(tmp_path: Path) -> Path:
    return virtualenv(tmp_path / "venv")


def make_old(folder: Path) -> None:
    """Let a copy be one of an older certboot."""
    own = found.read_record(folder)
    assert own
    (folder / "certboot_startup" / "guards.py").write_text("# old\n")
    digests = {**own.files, "certboot_startup/guards.py": (found.sha256(b"# old\n"),)}
    old = own._replace(version="0.0.9", files=digests)
    (folder / found.RECORD_NAME).write_bytes(found.render_record(old))


def test_the_hook_is_installed_shown_renewed_and_removed(certboot: Run, venv: Path, paths: StorePaths) -> None:
    python, folder = python_of(venv), packages(venv)
    before = contents(folder)
    version = ".".join(map(str, sys.version_info[:3]))
    ran = certboot("hook", "install", "--python", venv)
    assert (ran.status, ran.err) == (0, "")
    assert ran.out == (
        f"{python} (Python {version}): the hook of certboot {certboot_version} is installed\n"
        f"  folder    {folder}\n"
        "  ran       yes, and found no store: certboot init\n"
    )
    assert "is there already" in certboot("hook", "install", "--python", python).out
    assert certboot("init").status == 0
    ran = certboot("hook", "status", "--python", python)
    assert (ran.status, ran.err) == (0, "")
    assert ran.out == (
        f"{python} (Python {version})\n"
        f"  hook      certboot {certboot_version}, copied, in {folder}\n"
        "  ran       yes, and set 7 variables\n"
    )
    make_old(folder)
    renew = f"certboot hook install --python {python}"
    assert f"  outdated  {renew}\n" in certboot("hook", "status", "--python", python).out
    assert f"the hook is now that of certboot {certboot_version}" in certboot("hook", "install", "--python", python).out
    for command in ("init", "update"):
        make_old(folder)
        assert f"  renewed   the copy of the hook in {folder}\n" in certboot(command).out
        assert "outdated" not in certboot("hook", "status", "--python", python).out
        assert "renewed" not in certboot(command).out
    assert (
        f"the hook of certboot {certboot_version} is removed\n" in certboot("hook", "uninstall", "--python", python).out
    )
    assert contents(folder) == before
    assert not paths.hooks.exists()
    ran = certboot("hook", "uninstall", "--python", python)
    assert (ran.status, "no hook that certboot has copied" in ran.out) == (0, True)
    ran = certboot("hook", "status", "--python", python)
    assert (ran.status, ran.out.splitlines()[1:]) == (1, ["  hook      none", "  ran       no"])


def test_status_as_json_is_one_object(certboot: Run, venv: Path) -> None:
    certboot("hook", "install", "--python", venv, "--home", "/opt/certboot")
    ran = certboot("hook", "status", "--python", venv, "--json")
    (one,) = json.loads(ran.out)["interpreters"]
    assert one["python"] == str(python_of(venv))
    assert one["started"]["home"] == "/opt/certboot"
    assert one["started"]["status"] == "no-store"
    assert one["hooks"] == [
        {
            "folder": str(packages(venv)),
            "owner": "certboot",
            "version": certboot_version,
            "home": "/opt/certboot",
            "changed": [],
        }
    ]
    assert (one["renew"], one["neighbours"]) == ("", [])


def test_status_without_a_choice_is_that_of_this_interpreter_and_of_all_copies(certboot: Run, venv: Path) -> None:
    certboot("hook", "install", "--python", venv)
    shown = [one["python"] for one in json.loads(certboot("hook", "status", "--json").out)["interpreters"]]
    assert shown == [sys.executable, str(python_of(venv))]
    assert f"\n{python_of(venv)} (Python " in certboot("hook", "status").out


def test_status_works_without_a_home_folder(certboot: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CERTBOOT_HOME", "relative")
    assert f"{sys.executable} (Python " in certboot("hook", "status").out


def test_status_names_what_was_changed_and_what_else_starts(certboot: Run, venv: Path) -> None:
    certboot("hook", "install", "--python", venv)
    (packages(venv) / "zzz.pth").write_text("import sys, os\n")
    (packages(venv) / "certboot_startup" / "guards.py").write_text("# mine\n")
    ran = certboot("hook", "status", "--python", venv)
    assert ran.status == 1
    assert f"  changed   {packages(venv)}/certboot_startup/guards.py\n" in ran.out
    assert f"  beside    {packages(venv)}/zzz.pth (sys)\n" in ran.out


def test_a_hook_that_did_not_run_is_told(certboot: Run, venv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (packages(venv) / "certboot_home.pth.txt").touch()
    monkeypatch.setattr("certboot.hook.payload._HOME_PTH", "")
    monkeypatch.setattr("certboot.hook.status._LOOK", f"print({interpreters.MARK + 'None'!r})")
    ran = certboot("hook", "install", "--python", venv)
    assert ran.status == 1
    assert f"  ran       no: the start-up files of {packages(venv)} are not read" in ran.out


def test_all_virtualenvs_are_done_each_on_its_own(certboot: Run, tmp_path: Path) -> None:
    virtualenv(tmp_path / "projects" / "a")
    virtualenv(tmp_path / "projects" / "deep" / "er" / ".venv")
    broken = virtualenv(tmp_path / "projects" / "broken")
    python_of(broken).unlink()
    python_of(broken).symlink_to("gone")
    ran = certboot("hook", "install", "--all-venvs", tmp_path / "projects")
    assert ran.status == 2
    assert re.findall(r"projects/(\S+)/bin/python .* is installed", ran.out) == ["a", "deep/er/.venv"]
    assert_refused(Ran(2, "", ran.err))
    assert f"there is no interpreter in bin or Scripts: {broken}\n" in ran.err
    ran = certboot("hook", "status", "--all-venvs", tmp_path / "projects", "--json")
    assert ran.status == 2
    assert [one.get("error") is None for one in json.loads(ran.out)["interpreters"]] == [True, True, False]
    ran = certboot("hook", "status", "--all-venvs", tmp_path / "projects")
    assert (ran.status, f"no interpreter in bin or Scripts: {broken}" in ran.err) == (2, True)
    assert certboot("hook", "uninstall", "--all-venvs", tmp_path / "projects").out.count("is removed") == 2


def test_a_folder_without_virtualenvs_and_user_with_all_of_them_are_refused(certboot: Run, tmp_path: Path) -> None:
    ran = certboot("hook", "install", "--all-venvs", tmp_path)
    assert_refused(ran)
    assert "there is no virtualenv at or below" in ran.err
    assert_refused(certboot("hook", "install", "--all-venvs", tmp_path, "--user"))


BASE = Path(sys.base_prefix) / "bin" / "python3"


@pytest.mark.skipif(not BASE.exists(), reason="no interpreter outside of a virtualenv")
def test_the_user_s_own_folder_serves_one_user_and_no_virtualenv(
    certboot: Run, clean: Path, venv: Path, paths: StorePaths
) -> None:
    ran = certboot("hook", "install", "--python", BASE, "--user")
    assert (ran.status, ran.err) == (0, "")
    (folder,) = clean.glob(".local/lib/python*/site-packages")
    assert found.look(folder).owner == "certboot"
    assert start(BASE).out == "('no-store', '')\n"
    assert start(python_of(venv)).out == "None\n"
    make_old(folder)
    assert (
        f"outdated  certboot hook install --python {BASE} --user\n" in certboot("hook", "status", "--python", BASE).out
    )
    assert f"  renewed   the copy of the hook in {folder}\n" in certboot("init").out
    assert json.loads(paths.hooks.read_bytes())["copies"][0]["user"] is True
    assert certboot("hook", "uninstall", "--python", BASE, "--user").status == 0
    assert list(folder.iterdir()) == []


def test_user_is_refused_where_it_is_turned_off(certboot: Run, venv: Path) -> None:
    ran = certboot("hook", "install", "--python", venv, "--user")
    assert_refused(ran)
    assert f"the user's own folder of packages is turned off in {python_of(venv)}\n" in ran.err
    assert "--user --python" not in ran.out


def change(monkeypatch: pytest.MonkeyPatch, **changes: typing.Any) -> None:  # noqa: ANN401 - fields of Interpreter
    real = interpreters.ask
    monkeypatch.setattr(interpreters, "ask", lambda python: real(python)._replace(**changes))


def test_an_interpreter_of_the_package_manager_is_left_alone_unless_asked(
    certboot: Run, venv: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    change(monkeypatch, managed=True, user_site=tmp_path / "user")
    ran = certboot("hook", "install", "--python", venv)
    assert_refused(ran)
    assert "belongs to the system's package manager (PEP 668)" in ran.err
    assert "--break-system-packages" in ran.err
    assert found.look(packages(venv)).owner == "nobody"
    certboot("hook", "install", "--python", venv, "--user")  # what the marker warns of cannot happen there
    assert found.look(tmp_path / "user").owner == "certboot"
    assert certboot("hook", "install", "--python", venv, "--break-system-packages").status == 0
    assert certboot("hook", "uninstall", "--python", venv).status == 0


@pytest.mark.skipif(not interpreters.ask(Path("/usr/bin/python3")).managed, reason="not marked, or not there")
def test_the_marker_of_a_real_distribution_is_seen(certboot: Run) -> None:
    ran = certboot("hook", "install", "--python", "/usr/bin/python3")
    assert_refused(ran)
    assert "(PEP 668): /usr/bin/python3\n" in ran.err


def test_a_folder_whose_start_up_files_nobody_reads_is_refused(
    certboot: Run, venv: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    change(monkeypatch, site_packages=tmp_path / "else")
    ran = certboot("hook", "install", "--python", venv)
    assert_refused(ran)
    assert "reads no start-up files in its own folder of packages" in ran.err


def test_without_a_choice_it_is_the_interpreter_that_runs_certboot(
    certboot: Run, venv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(python_of(venv)))
    assert certboot("hook", "install").out.startswith(f"{python_of(venv)} (Python ")


def test_where_pip_put_certboot_only_the_store_is_recorded(certboot: Run, venv: Path, tmp_path: Path) -> None:
    install.install(packages(venv))
    (packages(venv) / found.RECORD_NAME).unlink()
    (packages(venv) / "certboot-0.0.7.dist-info").mkdir()
    (packages(venv) / "certboot-0.0.7.dist-info" / "RECORD").write_text("certboot_startup.pth,,\n")
    before = contents(packages(venv))
    ran = certboot("hook", "install", "--python", venv)
    assert (ran.status, "the hook of certboot 0.0.7, as its installer put it there\n" in ran.out) == (0, True)
    ran = certboot("hook", "uninstall", "--python", venv)
    assert ran.status == 0
    assert f"  remove    {python_of(venv)} -m pip uninstall certboot\n" in ran.out
    ran = certboot("hook", "install", "--python", venv, "--home", tmp_path)
    assert (ran.status, f"  store     {tmp_path}\n" in ran.out) == (0, True)
    ran = certboot("hook", "status", "--python", venv)
    assert f"  hook      certboot 0.0.7, from its installer, in {packages(venv)}\n  store     {tmp_path}\n" in ran.out
    assert before.items() <= contents(packages(venv)).items()


def test_a_hook_that_is_too_old_to_follow_a_recorded_store_is_told(certboot: Run, venv: Path, tmp_path: Path) -> None:
    (packages(venv) / "certboot-0.0.1.dist-info").mkdir()
    (packages(venv) / "certboot-0.0.1.dist-info" / "RECORD").write_text("certboot_startup.pth,,\n")
    (packages(venv) / "certboot_startup.pth").write_text("import certboot_startup; certboot_startup.activate()\n")
    (packages(venv) / "certboot_startup.py").write_text("applied = {}\nstatus = ''\ndef activate():\n"
                                                        "    global status\n    status = 'active'\n")  # fmt: skip
    ran = certboot("hook", "install", "--python", venv, "--home", tmp_path)
    assert ran.status == 1
    assert f"  not read  {tmp_path}: the hook that ran, {packages(venv)}/certboot_startup.py, is too old" in ran.out
    assert start(python_of(venv), "pass") == Ran(0, "", "")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_store_of_another_user_is_not_recorded(certboot: Run, venv: Path, tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    os.chown(tmp_path / "store", 1234, 1234)
    for home in ("store", "store/below"):
        ran = certboot("hook", "install", "--python", venv, "--home", tmp_path / home)
        assert_refused(ran)
        assert f"no safe place for a store, it belongs to another user (uid 1234): {tmp_path / 'store'}\n" in ran.err
    assert found.look(packages(venv)).owner == "nobody"


@cases("home", ["a:b", "a\nb"])
def test_a_store_whose_path_no_variable_can_hold_is_not_recorded(certboot: Run, venv: Path, home: str) -> None:
    assert certboot("hook", "install", "--python", venv, "--home", f"/opt/{home}").status == 2
    assert found.look(packages(venv)).owner == "nobody"


def test_a_disk_that_fails_is_told_with_what_to_do(certboot: Run, venv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: Path, _: bytes) -> typing.NoReturn:
        raise OSError(30, "Read-only file system", str(path))

    monkeypatch.setattr("certboot.files.replace", fail)
    ran = certboot("hook", "install", "--python", venv)
    assert_refused(ran)
    assert f"nothing was changed for {python_of(venv)}, Read-only file system: {packages(venv)}/" in ran.err
    assert found.look(packages(venv)).owner == "nobody"


def test_a_copy_that_cannot_be_listed_is_made_all_the_same(
    certboot: Run, venv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CERTBOOT_HOME", "relative")
    ran = certboot("hook", "install", "--python", venv)
    assert "certboot: warning: no update will say when this copy is outdated: there is no home folder" in ran.err
    assert found.look(packages(venv)).owner == "certboot"


def test_a_copy_is_listed_in_the_store_that_it_serves(certboot: Run, venv: Path, tmp_path: Path) -> None:
    store = tmp_path / "opt"
    assert certboot("init", "--home", store).status == 0
    certboot("hook", "install", "--python", venv, "--home", store)
    make_old(packages(venv))
    assert "renewed" not in certboot("init").out  # of another store
    assert "renewed" not in certboot("update", "--home", store, "--dry-run").out
    assert "  renewed   the copy" in certboot("update", "--home", store).out
    certboot("hook", "uninstall", "--python", venv)
    assert not (store / "hooks.json").exists()


@pytest.mark.parametrize("command", ["init", "update"])
def test_a_copy_that_cannot_be_renewed_is_named_with_the_command_that_says_why(
    certboot: Run, venv: Path, command: str
) -> None:
    certboot("init")
    certboot("hook", "install", "--python", venv)
    folder = packages(venv)
    make_old(folder)
    (folder / "certboot_startup" / "guards.py").write_text("# changed by somebody\n")
    ran = certboot(command)
    renew = f"certboot hook install --python {python_of(venv)}"
    told = f"  outdated  the copy of the hook of certboot 0.0.9 in {folder}; to renew it:\n            {renew}\n"
    assert (ran.status, told in ran.out) == (0, True)
    assert "not as certboot wrote it" in certboot(*renew.split()[1:]).err


def test_purge_names_the_copies_that_stay_and_how_to_remove_them(certboot: Run, venv: Path, paths: StorePaths) -> None:
    certboot("init")
    certboot("hook", "install", "--python", venv)
    ran = certboot("purge", "--yes")
    command = f"certboot hook uninstall --python {python_of(venv)}"
    assert ran.status == 0
    assert ran.out.endswith(f"copies of the hook stay in other interpreters, where they do nothing without a store; "
                            f"to remove them:\n  {command}\n")  # fmt: skip
    assert not paths.home.exists()
    assert start(python_of(venv)).out == "('no-store', '')\n"
    assert certboot(*command.split()[1:]).status == 0
    assert found.look(packages(venv)).owner == "nobody"


def test_a_store_that_is_but_a_list_can_be_purged(certboot: Run, venv: Path, paths: StorePaths) -> None:
    certboot("hook", "install", "--python", venv)
    assert paths.hooks.exists()
    assert certboot("purge", "--yes").status == 0
    assert not paths.home.exists()
    assert_refused(certboot("purge", "--yes"))


# --home of the other commands


def test_home_names_the_store_of_one_run(
    certboot: Run, tmp_path: Path, paths: StorePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = certboot("init", "--home", "shared")
    assert (ran.status, f"  store     {tmp_path / 'shared'}\n" in ran.out) == (0, True)
    assert "  hook      is not active in this environment" in ran.out
    assert f"            certboot hook install --home {tmp_path / 'shared'} --python PATH\n" in ran.out
    assert not paths.home.exists()
    assert "CERTBOOT_HOME" not in os.environ
    for command in (["list"], ["update"], ["history"], ["env"]):
        assert certboot(*command, "--home", "shared").status == 0
        assert_refused(certboot(*command))
    monkeypatch.setenv("CERTBOOT_HOME", "/nowhere")
    assert certboot("purge", "--yes", "--home", "shared").status == 0
    assert os.environ["CERTBOOT_HOME"] == "/nowhere"
    assert not (tmp_path / "shared").exists()


def test_where_the_hook_serves_the_store_nothing_is_to_be_added(
    certboot: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certboot_startup, "home", str(tmp_path / "shared"))
    monkeypatch.setattr(certboot_startup, "status", "no-store")
    assert "hook install" not in certboot("init", "--home", tmp_path / "shared").out


def test_an_empty_name_is_no_folder(certboot: Run) -> None:
    ran = certboot("init", "--home", "")
    assert (ran.status, "the name of a folder is empty" in ran.err) == (2, True)


def test_a_tool_s_environment_is_told_of_and_what_to_run(
    certboot: Run, venv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "acts only in this environment" not in certboot("init").out
    monkeypatch.setattr(sys, "prefix", "/home/you/.local/share/pipx/venvs/certboot")
    monkeypatch.setenv("VIRTUAL_ENV", str(venv))
    out = certboot("init").out
    assert "  note      the hook acts only in this environment, which pipx made for certboot; for others:\n" in out
    assert f"            certboot hook install --python {python_of(venv)}\n" in out
    monkeypatch.delenv("VIRTUAL_ENV")
    monkeypatch.setenv("PATH", "")
    assert "            certboot hook install --python PATH\n" in certboot("init").out


@cases("argv", [[], ["renew"], ["install", "--python", "a", "--all-venvs", "b"], ["status", "x"]])
def test_wrong_usage_is_said_on_standard_error(certboot: Run, argv: list[str]) -> None:
    ran = certboot("hook", *argv)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith("usage: certboot ")
