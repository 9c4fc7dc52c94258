"""``certboot hook`` and ``--home``, with real virtualenvs."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import typing
from pathlib import Path

import pytest
from support.commands import Run
from support.environments import Ran
from support.snapshot import assert_refused, contents, snapshot
from support.table import cases
from support.virtualenvs import interpreter, library, packages, python_of, start, virtualenv

import certboot_startup
from certboot import __version__ as version
from certboot.cli import hook, hook_notes
from certboot.errors import CertbootError
from certboot.hook import install, interpreters, inventory
from certboot.hook.copies import Copy, Outdated
from certboot.hook.install import Result
from certboot.hook.interpreters import Interpreter
from certboot.hook.inventory import Hook
from certboot.hook.start_up_files import Neighbour
from certboot.hook.status import Started, Survey
from certboot.hook.tool_environment import Elsewhere
from certboot.store.paths import StorePaths

MARK = "\N{REPLACEMENT CHARACTER}"
PYTHON = Interpreter(
    python=Path("/v{0}\x1b[31m/bin/python"), version=(3, 8, 18), virtual=True, site_packages=Path("/v"), user_site=None,
    site_folders=(Path("/v"),), managed=False, stdlib=Path("/v"), base_prefix=Path("/v"),
)  # fmt: skip
FOUND = Hook(Path("/v{1}\n/lib"), "certboot", "1.0", "", None, (), ())


@cases(
    ("status", "words"),
    [
        ("active", "yes, and set 2 variables"),
        ("disabled", "turned off by CERTBOOT_DISABLE"),
        ("no-store", "certboot init"),
        ("unsafe", "refuses the store"),
        ("{folder}{x}\x1b", f"yes, and gave up: {{folder}}{{x}}{MARK}"),
        ("", f"no: the start-up files of /v{{1}}{MARK}/lib are not read"),
    ],
)
def test_what_the_hook_said_is_put_in_words(status: str, words: str) -> None:
    started = Started(status, "/m", "", ("A", "B"))
    text = hook.status_text(Survey(PYTHON, (FOUND,), "", started, ()))
    assert [line for line in text.splitlines() if words in line and line.startswith("  ran")]
    assert text.startswith(f"/v{{0}}{MARK}[31m/bin/python (Python 3.8.18)\n")
    assert words in hook.done_text(PYTHON, Result("installed", FOUND), started)


def test_what_there_is_to_say_has_a_line() -> None:
    hidden = Neighbour(Path("/v/certboot_startup.pth"), "certboot_startup", hidden=True)
    text = hook.status_text(Survey(PYTHON, (), "", Started("", "", "", ()), (hidden,)))
    assert text.endswith("beside    /v/certboot_startup.pth (certboot_startup), skipped because it is hidden")
    assert "the hook is now that of certboot 1.0" in hook.done_text(PYTHON, Result("renewed", FOUND), None)
    assert "the hook of certboot 1.0 is removed" in hook.done_text(PYTHON, Result("removed", FOUND), None)
    of_pip = FOUND._replace(owner="installer", home="/opt")
    text = hook.done_text(PYTHON, Result("absent", of_pip), None)
    assert "the hook of certboot 1.0, as its installer put it there\n" in text
    assert text.endswith(f"\n  remove    /v{{0}}{MARK}[31m/bin/python -m pip uninstall certboot")
    assert "recorded beside the hook of certboot 1.0, is" in hook.done_text(PYTHON, Result("removed", of_pip), None)
    text = hook.status_text(Survey(PYTHON, (of_pip,), "", Started("active", "/m", "/opt", ()), ()))
    assert f"  hook      certboot 1.0, from its installer, in /v{{1}}{MARK}/lib\n  store     /opt\n" in text
    assert "\n  store     /opt" in hook.done_text(PYTHON, Result("recorded", of_pip), Started("active", "", "/opt", ()))
    assert hook_notes.init_notes() == hook_notes.remaining([]) == []
    other = Elsewhere("/usr/bin/python3", user=True)
    lines = hook_notes.init_notes(tool="uv tool", other=other, apart="/opt/certboot")
    assert lines[1].strip() == "certboot hook install --python /usr/bin/python3 --user --home /opt/certboot"
    assert hook_notes.init_notes(outdated=[Outdated(Copy("/p y", "/f\x07", user=False), "")]) == [
        f"  outdated  the copy of the hook in /f{MARK}; to renew it:",
        "            certboot hook install --python '/p y'",
    ]
    text = hook.hook_json([], [("/p", CertbootError("no", "do"))])
    assert json.loads(text) == {"schema": 1, "interpreters": [{"python": "/p", "error": "no", "hint": "do"}]}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "_GRACE_SECONDS", 0)


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return virtualenv(tmp_path_factory.mktemp("pristine") / "venv")


@pytest.fixture
def venv(pristine: Path, tmp_path: Path) -> Path:
    return shutil.copytree(pristine, tmp_path / "venv", symlinks=True)


def make_old(folder: Path) -> None:
    """Let a copy be one of an older certboot."""
    own = inventory.read_record(folder)
    assert own
    (folder / "certboot_startup" / "guards.py").write_text("# old\n")
    digests = {**own.files, "certboot_startup/guards.py": (inventory.sha256(b"# old\n"),)}
    old = own._replace(version="0.0.9", files=digests)
    (folder / inventory.RECORD_NAME).write_bytes(inventory.render_record(old))


def test_the_hook_is_installed_shown_renewed_and_removed(certboot: Run, venv: Path, paths: StorePaths) -> None:
    python, folder = python_of(venv), packages(venv)
    before = contents(folder)
    head = f"{python} (Python {'.'.join(map(str, sys.version_info[:3]))})"
    ran = certboot("hook", "install", "--python", venv)
    assert (ran.status, ran.err) == (0, "")
    assert ran.out == (
        f"{head}: the hook of certboot {version} is installed\n"
        f"  folder    {folder}\n"
        "  ran       yes, and found no store: certboot init\n"
    )
    assert "is there already" in certboot("hook", "install", "--python", python).out
    assert certboot("init").status == 0
    ran = certboot("hook", "status", "--python", python)
    assert (ran.status, ran.err) == (0, "")
    own = f"{head}\n  hook      certboot {version}, copied, in {folder}\n"
    assert ran.out == f"{own}  ran       yes, and set 7 variables\n"
    make_old(folder)
    renew = f"certboot hook install --python {python}"
    assert f"  outdated  {renew}\n" in certboot("hook", "status", "--python", python).out
    assert f"the hook is now that of certboot {version}" in certboot("hook", "install", "--python", python).out
    for command in ("init", "update"):
        make_old(folder)
        assert f"  renewed   the copy of the hook in {folder}\n" in certboot(command).out
        assert "renewed" not in certboot(command).out
    assert f"the hook of certboot {version} is removed\n" in certboot("hook", "uninstall", "--python", python).out
    assert contents(folder) == before
    assert not paths.hooks.exists()
    ran = certboot("hook", "uninstall", "--python", python)
    assert (ran.status, "no hook that certboot has copied" in ran.out) == (0, True)
    ran = certboot("hook", "status", "--python", python)
    assert (ran.status, ran.out.splitlines()[1:]) == (1, ["  hook      none", "  ran       no"])


def test_status_is_that_of_this_interpreter_and_of_all_copies(
    certboot: Run, venv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certboot("hook", "install", "--python", venv, "--home", "/opt/certboot")
    certboot("hook", "install", "--python", venv)  # the store that is recorded stays
    surveys = json.loads(certboot("hook", "status", "--json").out)["interpreters"]
    assert [survey["python"] for survey in surveys] == [sys.executable, str(python_of(venv))]
    copy = surveys[1]
    assert (copy["started"]["home"], copy["started"]["status"]) == ("/opt/certboot", "no-store")
    own = {"folder": str(packages(venv)), "owner": "certboot", "version": version, "home": "/opt/certboot"}
    assert copy["hooks"] == [{**own, "changed": [], "base": False}]
    assert (copy["renew"], copy["neighbours"]) == ("", [])
    (packages(venv) / "zzz.pth").write_text("import sys, os\n")
    (packages(venv) / "certboot_startup" / "guards.py").write_text("# mine\n")
    ran = certboot("hook", "status", "--python", venv)
    assert ran.status == 1
    assert f"  changed   {packages(venv)}/certboot_startup/guards.py\n" in ran.out
    assert f"  beside    {packages(venv)}/zzz.pth (sys)\n" in ran.out
    monkeypatch.setenv("CERTBOOT_HOME", "relative")
    assert f"{sys.executable} (Python " in certboot("hook", "status").out


def test_a_hook_that_did_not_run_is_told(certboot: Run, venv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("certboot.hook.payload._HOME_PTH", "")
    monkeypatch.setattr("certboot.hook.status._LOOK", f"print({interpreters.MARK + repr([''] * 5 + [[], []])!r})")
    ran = certboot("hook", "install", "--python", venv)
    assert ran.status == 1
    assert f"  ran       no: the start-up files of {packages(venv)} are not read" in ran.out


def test_all_virtualenvs_are_done_each_on_its_own(certboot: Run, pristine: Path, tmp_path: Path) -> None:
    projects = tmp_path / "projects"
    assert_refused(certboot("hook", "install", "--all-venvs", tmp_path), "there is no virtualenv at or below")
    assert_refused(certboot("hook", "install", "--all-venvs", tmp_path, "--user"))
    for name in ("a", "deep/er/.venv", "broken"):
        shutil.copytree(pristine, projects / name, symlinks=True)
    broken = projects / "broken"
    python_of(broken).unlink()
    python_of(broken).symlink_to("gone")
    ran = certboot("hook", "install", "--all-venvs", projects)
    assert re.findall(r"projects/(\S+)/bin/python .* is installed", ran.out) == ["a", "deep/er/.venv"]
    assert_refused(ran)
    assert f"there is no interpreter in bin or Scripts: {broken}\n" in ran.err
    ran = certboot("hook", "status", "--all-venvs", projects, "--json")
    assert ran.status == 2
    errors = [survey.get("error") is None for survey in json.loads(ran.out)["interpreters"]]
    assert errors == [True, True, False]
    ran = certboot("hook", "status", "--all-venvs", projects)
    assert (ran.status, f"no interpreter in bin or Scripts: {broken}" in ran.err) == (2, True)
    assert certboot("hook", "uninstall", "--all-venvs", projects).out.count("is removed") == 2


BASE = Path(sys.base_prefix) / "bin" / "python3"


@pytest.mark.skipif(not BASE.exists(), reason="no interpreter outside of a virtualenv")
def test_the_user_s_own_folder_serves_one_user_and_no_virtualenv(
    certboot: Run, clean: Path, venv: Path, paths: StorePaths
) -> None:
    ran = certboot("hook", "install", "--python", venv, "--user")
    assert_refused(ran)
    assert f"the user's own folder of packages is turned off in {python_of(venv)}\n" in ran.err
    ran = certboot("hook", "install", "--python", BASE, "--user")
    assert (ran.status, ran.err) == (0, "")
    (folder,) = clean.glob(".local/lib/python*/site-packages")
    assert inventory.look(folder).owner == "certboot"
    assert start(BASE).out == "('no-store', '')\n"
    assert start(python_of(venv)).out == "None\n"
    make_old(folder)
    renew = f"certboot hook install --python {BASE} --user\n"
    assert f"outdated  {renew}" in certboot("hook", "status", "--python", BASE).out
    assert f"  renewed   the copy of the hook in {folder}\n" in certboot("init").out
    assert json.loads(paths.hooks.read_bytes())["copies"][0]["user"] is True
    assert certboot("hook", "uninstall", "--python", BASE, "--user").status == 0
    assert list(folder.iterdir()) == []


def change(monkeypatch: pytest.MonkeyPatch, **changes: typing.Any) -> None:  # noqa: ANN401 - fields of Interpreter
    real = interpreters.ask
    monkeypatch.setattr(interpreters, "ask", lambda python: real(python)._replace(**changes))


def test_an_interpreter_of_the_package_manager_is_left_alone_unless_asked(
    certboot: Run, venv: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    change(monkeypatch, managed=True, user_site=tmp_path / "user")
    ran = certboot("hook", "install", "--python", venv)
    assert_refused(ran, "belongs to the system's package manager (PEP 668)", "--break-system-packages")
    assert inventory.look(packages(venv)).owner == "nobody"
    certboot("hook", "install", "--python", venv, "--user")  # what the marker warns of cannot happen there
    assert inventory.look(tmp_path / "user").owner == "certboot"
    assert certboot("hook", "install", "--python", venv, "--break-system-packages").status == 0
    assert certboot("hook", "uninstall", "--python", venv).status == 0


@pytest.mark.skipif(not interpreters.ask(Path("/usr/bin/python3")).managed, reason="not marked, or not there")
def test_the_marker_of_a_real_distribution_is_seen(certboot: Run) -> None:
    assert_refused(certboot("hook", "install", "--python", "/usr/bin/python3"), "(PEP 668): /usr/bin/python3\n")


def test_it_is_the_interpreter_that_runs_certboot_and_refused_where_start_up_files_are_not_read(
    certboot: Run, venv: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "executable", str(python_of(venv)))
    assert certboot("hook", "install").out.startswith(f"{python_of(venv)} (Python ")
    change(monkeypatch, site_packages=tmp_path / "else")
    ran = certboot("hook", "install", "--python", venv)
    assert_refused(ran, "reads no start-up files in its own folder of packages")


def test_a_hook_that_is_too_old_to_follow_a_recorded_store_is_told(certboot: Run, venv: Path, tmp_path: Path) -> None:
    (packages(venv) / "certboot-0.0.1.dist-info").mkdir()
    (packages(venv) / "certboot-0.0.1.dist-info" / "RECORD").write_text("certboot_startup.pth,,\n")
    (packages(venv) / "certboot_startup.pth").write_text("import certboot_startup; certboot_startup.activate()\n")
    old = "applied = {}\nstatus = ''\ndef activate():\n    global status\n    status = 'active'\n"
    (packages(venv) / "certboot_startup.py").write_text(old)
    ran = certboot("hook", "install", "--python", venv, "--home", tmp_path)
    assert ran.status == 1
    assert f"  not read  {tmp_path}: the hook that ran, {packages(venv)}/certboot_startup.py, is too old" in ran.out
    assert start(python_of(venv), "pass") == Ran(0, "", "")


# Only root can give a folder away.
@cases("home", ["/opt/a:b", "/opt/a\nb", *(["store", "store/below"] if os.geteuid() == 0 else [])])
def test_a_store_of_another_user_or_whose_path_no_variable_can_hold_is_not_recorded(
    certboot: Run, venv: Path, tmp_path: Path, home: str
) -> None:
    if not home.startswith("/"):
        (tmp_path / "store").mkdir()
        os.chown(tmp_path / "store", 1234, 1234)
    ran = certboot("hook", "install", "--python", venv, "--home", tmp_path / home)
    assert ran.status == 2
    reason = f"no safe place for a store, it belongs to another user (uid 1234): {tmp_path / 'store'}\n"
    assert (reason in ran.err) == home.startswith("store")
    assert inventory.look(packages(venv)).owner == "nobody"


def test_a_disk_that_fails_is_told_with_what_to_do(certboot: Run, venv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: Path, _: bytes) -> typing.NoReturn:
        raise OSError(30, "Read-only file system", str(path))

    monkeypatch.setattr("certboot.files.replace", fail)
    ran = certboot("hook", "install", "--python", venv)
    assert_refused(ran, f"nothing was changed for {python_of(venv)}, Read-only file system: {packages(venv)}/")
    assert inventory.look(packages(venv)).owner == "nobody"


def test_a_copy_that_cannot_be_listed_is_made_all_the_same(
    certboot: Run, venv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CERTBOOT_HOME", "relative")
    ran = certboot("hook", "install", "--python", venv)
    assert "certboot: warning: no update will say when this copy is outdated: there is no home folder" in ran.err
    assert inventory.look(packages(venv)).owner == "certboot"


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


def test_a_copy_that_cannot_be_renewed_is_named_and_purge_names_those_that_stay(
    certboot: Run, venv: Path, paths: StorePaths
) -> None:
    certboot("hook", "install", "--python", venv)
    assert paths.hooks.exists()
    assert certboot("purge", "--yes", "--hooks").status == 0  # a store that is but a list
    assert not paths.home.exists()
    assert_refused(certboot("purge", "--yes"))
    certboot("init")
    certboot("hook", "install", "--python", venv)
    folder = packages(venv)
    kept = contents(folder)
    make_old(folder)
    (folder / "certboot_startup" / "guards.py").write_text("# changed by somebody\n")
    renew = f"certboot hook install --python {python_of(venv)}"
    told = f"  outdated  the copy of the hook of certboot 0.0.9 in {folder}; to renew it:\n            {renew}\n"
    for command in ("init", "update"):
        ran = certboot(command)
        assert (ran.status, told in ran.out) == (0, True)
    assert "not as certboot wrote it" in certboot(*renew.split()[1:]).err
    for name in ("certboot_startup/guards.py", inventory.RECORD_NAME):
        (folder / name).write_bytes(kept[name])
    ran = certboot("purge", "--yes", "--forget-hooks")
    remove = f"certboot hook uninstall --python {python_of(venv)}"
    assert (ran.status, ran.out.splitlines()[-1]) == (0, f"  {remove}")
    assert start(python_of(venv)).out == "('no-store', '')\n"
    assert certboot(*remove.split()[1:]).status == 0
    assert inventory.look(folder).owner == "nobody"


def test_purge_does_not_forget_where_copies_are(certboot: Run, venv: Path, paths: StorePaths) -> None:
    certboot("init")
    certboot("hook", "install", "--python", venv)
    before = snapshot(paths.home)
    assert_refused(certboot("purge", "--yes"))
    assert (snapshot(paths.home), inventory.look(packages(venv)).owner) == (before, "certboot")
    changed = packages(venv) / "certboot_startup" / "guards.py"
    mine, text = "# changed by somebody\n", changed.read_text()
    changed.write_text(mine)
    ran = certboot("purge", "--yes", "--hooks")
    assert (ran.status, paths.hooks.exists(), "not as certboot wrote it" in ran.err) == (2, True, True)
    changed.write_text(text)
    ran = certboot("purge", "--yes", "--hooks")
    assert (ran.status, ran.err, paths.home.exists()) == (0, "", False)
    assert inventory.look(packages(venv)).owner == "nobody"


# --base


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """The program of an interpreter of the user's own."""
    return interpreter(tmp_path / "python")


def test_the_hook_of_a_base_is_installed_by_way_of_a_virtualenv_shown_renewed_and_removed(
    certboot: Run, python: Path, tmp_path: Path, paths: StorePaths
) -> None:
    venv = virtualenv(tmp_path / "venv", python=python)
    folder = library(tmp_path / "python")
    start(python)  # writes what is not compiled yet
    before = contents(tmp_path / "python")
    head = f"{python} (Python {'.'.join(map(str, sys.version_info[:3]))})"
    ran = certboot("hook", "install", "--base", "--python", venv)
    assert (ran.status, ran.err) == (0, "")
    assert ran.out == (
        f"{head}: the hook of certboot {version} is installed\n"
        f"  folder    {folder}\n"
        "  acts      in this Python and in every virtualenv of it\n"
        "  ran       yes, and found no store: certboot init\n"
    )
    assert f"  active    in {python} and its virtualenvs" in certboot("init").out
    own = f"  hook      certboot {version}, copied, for every virtualenv of it, in {folder}\n"
    for shown in (python, python_of(virtualenv(tmp_path / "later", python=python))):
        ran = certboot("hook", "status", "--python", shown)
        assert (ran.status, f"{own}  ran       yes, and set 7 variables\n" in ran.out) == (0, True)
    own_json = json.loads(certboot("hook", "status", "--json").out)["interpreters"][1]["hooks"][0]
    assert (own_json["folder"], own_json["base"]) == (str(folder), True)
    record = inventory.read_record(folder)
    assert record
    (folder / inventory.RECORD_NAME).write_bytes(inventory.render_record(record._replace(version="0.0.9")))
    (folder / "sitecustomize.py").unlink()
    renew = f"  outdated  certboot hook install --base --python {python_of(venv)}\n"
    assert renew in certboot("hook", "status", "--python", venv).out
    assert f"  renewed   the copy of the hook in {folder}\n" in certboot("update").out
    assert start(python_of(venv)).out == "('active', '')\n"
    remove = ["hook", "uninstall", "--base", "--python", str(python_of(venv))]
    told = certboot("hook", "uninstall", "--python", venv).out
    assert told.endswith(f"\n  another   for every virtualenv: certboot {' '.join(remove)}\n")
    assert certboot(*remove).status == 0
    assert contents(tmp_path / "python") == before
    assert not paths.hooks.exists()


def test_a_base_that_lost_its_hook_is_told_until_it_has_it_again_or_is_forgotten(
    certboot: Run, python: Path, tmp_path: Path
) -> None:
    command = ["hook", "install", "--base", "--python", python]
    for name in ("install", "uninstall"):
        certboot(*command)
        for path in library(tmp_path / "python").glob("*certboot*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        (library(tmp_path / "python") / "sitecustomize.py").unlink()
        ran = certboot("hook", "status")
        assert ran.status == 1
        assert f"  gone      {' '.join(map(str, ['certboot', *command]))}\n" in ran.out
        assert certboot("hook", name, *command[2:]).status == 0
        assert "  gone " not in certboot("hook", "status").out


def test_a_sitecustomize_that_python_finds_first_is_named_for_the_reason(
    certboot: Run, python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "first").mkdir()
    (tmp_path / "first" / "sitecustomize.py").touch()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "first"))
    ran = certboot("hook", "install", "--base", "--python", python)
    assert (ran.status, "  ran       no: another sitecustomize is found before it" in ran.out) == (1, True)


def test_where_a_disk_fails_for_a_base_the_user_s_own_folder_is_no_way_round(
    certboot: Run, python: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: Path, *_: object, **__: object) -> typing.NoReturn:
        raise OSError(30, "Read-only file system", str(path))

    assert certboot("hook", "install", "--base", "--python", python).status == 0
    for action, done, step in (
        ("uninstall", "not all was removed", "pathlib.Path.unlink"),
        ("install", "nothing was changed", "certboot.files.replace"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(step, fail)
            ran = certboot("hook", action, "--base", "--python", python)
        assert_refused(ran, f"{done} for {python}, Read-only file system: ", "who may write there\n")
        certboot("hook", "uninstall", "--base", "--python", python)


def test_a_base_that_is_not_the_user_s_and_other_options_beside_it_are_refused(certboot: Run, tmp_path: Path) -> None:
    assert_refused(certboot("hook", "install", "--base", "--all-venvs", tmp_path), "--base goes with one interpreter")
    assert certboot("hook", "install", "--base", "--user").status == 2
    system = Path("/usr/bin/python3")
    if system.exists():
        venv = virtualenv(tmp_path / "venv", python=system)
        for python in (system, venv):
            ran = certboot("hook", "install", "--base", "--python", python)
            assert_refused(ran, "--base is for interpreters of your own", "--all-venvs DIR")


# --home of the other commands


def test_home_names_the_store_of_one_run(
    certboot: Run, tmp_path: Path, paths: StorePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = certboot("init", "--home", "shared", "-v")
    assert (ran.status, f"  store     {tmp_path / 'shared'}\n" in ran.out) == (0, True)
    assert "  inactive  in this environment" in ran.out
    assert f"            certboot hook install --home {tmp_path / 'shared'} --python PATH\n" in ran.out
    assert not paths.home.exists()
    assert "CERTBOOT_HOME" not in os.environ
    for command in (["list"], ["update"], ["history"], ["env"]):
        assert certboot(*command, "--home", "shared").status == 0
        assert_refused(certboot(*command))
    monkeypatch.setattr(certboot_startup, "home", str(tmp_path / "shared"))
    monkeypatch.setattr(certboot_startup, "status", "no-store")
    assert "hook install" not in certboot("init", "--home", "shared").out  # the hook serves it already
    monkeypatch.setenv("CERTBOOT_HOME", "/nowhere")
    assert certboot("purge", "--yes", "--home", "shared").status == 0
    assert os.environ["CERTBOOT_HOME"] == "/nowhere"
    assert not (tmp_path / "shared").exists()


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
