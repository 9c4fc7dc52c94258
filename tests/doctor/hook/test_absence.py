"""Why the hook did not run: in interpreters that start without it, and with what mends it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from support.commands import Run
from support.environments import SYSTEM_PATH
from support.here import put
from support.table import cases
from support.virtualenvs import packages, python_of, virtualenv

import certboot as certboot_package
import certboot_startup
from certboot.doctor.hook import absence as hook_absence
from certboot.doctor.hook.absence import why_not_run
from certboot.hook import install, inventory, start_up_files
from certboot.hook.interpreters import Interpreter
from certboot.store.paths import StorePaths

SOURCE = Path(str(certboot_package.__file__)).parents[1]
PTH = "import certboot_startup; certboot_startup.activate()\n"


def at(folder: Path, version: tuple[int, int, int] = (3, 11, 9)) -> Interpreter:
    """Return an interpreter with this folder of packages."""
    program = Path("/usr/bin/python3")
    return Interpreter(program, version, False, folder, None, (folder,), False, folder, folder)  # noqa: FBT003


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A folder of packages with a copy of the hook."""
    install.install(tmp_path / "site")
    return tmp_path / "site"


def kind(folder: Path, *version: int) -> str:
    return why_not_run(at(folder, typing.cast("tuple[int, int, int]", version or (3, 11, 9)))).id


def other_sys(monkeypatch: pytest.MonkeyPatch, platform: str = sys.platform, *, no_site: bool = False) -> None:
    flags = SimpleNamespace(no_site=int(no_site))
    monkeypatch.setattr(hook_absence, "sys", SimpleNamespace(flags=flags, platform=platform, executable=""))


INSTALL = (("certboot", "hook", "install", "--python", "/usr/bin/python3"),)


def test_a_hook_that_is_in_its_place_was_not_processed(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    absence = why_not_run(at(copied))
    assert (absence.id, absence.fix) == ("hook-not-run", ())
    assert absence.summary.endswith(f": {copied}/certboot_startup.pth")
    other_sys(monkeypatch, no_site=True)
    assert kind(copied) == "hook-no-site"


def test_a_hook_beside_its_module_only_lies_outside_site(tmp_path: Path) -> None:
    """As with PYTHONPATH, or pip install --target; the source folder is one such."""
    absence = why_not_run(at(tmp_path))
    assert (absence.id, absence.fix) == ("hook-outside-site", INSTALL)
    assert absence.summary.endswith(f": {SOURCE}")
    managed = at(tmp_path)._replace(managed=True)  # by the system's package manager
    assert why_not_run(managed).fix == ((*INSTALL[0], "--user"),)


def test_a_start_up_file_that_is_nowhere_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certboot_startup, "__file__", str(tmp_path / "certboot_startup" / "__init__.py"))
    absence = why_not_run(at(tmp_path))
    assert (absence.id, absence.fix) == ("hook-missing", INSTALL)
    assert absence.summary == f"did not run: there is no certboot_startup.pth in {tmp_path}"
    put(tmp_path / "certboot-0.1.0.dist-info/RECORD", "certboot_startup.pth,,\n")
    assert why_not_run(at(tmp_path)).fix[0][1:4] == ("-m", "pip", "install")


def test_the_start_file_counts_from_the_python_on_that_knows_such_files(copied: Path) -> None:
    assert kind(copied, 3, 14, 0) == kind(copied, 3, 15, 0) == "hook-not-run"
    absence = why_not_run(at(copied, (3, 18, 0)))
    assert (absence.id, absence.fix) == ("hook-missing", INSTALL)
    install.install(copied, start_file=True)
    assert kind(copied, 3, 18, 0) == "hook-not-run"
    file = put(copied / "certboot_startup.start", "# words\n")
    assert (kind(copied, 3, 14, 0), kind(copied, 3, 15, 0)) == ("hook-not-run", "hook-altered")
    assert why_not_run(at(copied, (3, 18, 0))).fix == (("rm", str(file)), *INSTALL)


def test_a_hook_of_pip_s_needs_a_start_file_beside_it_where_python_runs_no_import_lines(tmp_path: Path) -> None:
    put(tmp_path / "certboot-0.1.0.dist-info/RECORD", "certboot_startup.pth,,\n")
    absence = why_not_run(at(tmp_path, (3, 18, 0)))
    assert (absence.id, absence.fix) == ("hook-missing", INSTALL)
    assert install.install(tmp_path, start_file=True).action == "recorded"
    assert kind(tmp_path, 3, 18, 0) == "hook-not-run"
    put(tmp_path / "certboot_home.start", "# words\n")
    assert kind(tmp_path, 3, 18, 0) == "hook-altered"


@cases("text", ["", "# words\n", " import certboot_startup; certboot_startup.activate()\n", None])
def test_a_start_up_file_that_was_changed_is_replaced(copied: Path, text: str | None) -> None:
    path = copied / "certboot_startup.pth"
    path.unlink()
    path.symlink_to("nothing") if text is None else path.write_text(text)
    absence = why_not_run(at(copied))
    assert (absence.id, absence.fix) == ("hook-altered", (("rm", str(path)), *INSTALL))
    assert absence.summary.endswith(f": {path}")


@pytest.mark.timeout(10)
def test_a_start_up_file_that_cannot_be_read_was_changed(copied: Path, unreadable: Callable[[Path], None]) -> None:
    path = copied / "certboot_startup.pth"
    unreadable(path)
    assert kind(copied) == "hook-altered"
    path.unlink()
    os.mkfifo(path)
    assert kind(copied) == "hook-altered"


@cases(("platform", "fix"), [("darwin", ("chflags", "nohidden")), ("linux", None)])
def test_a_hidden_start_up_file_is_shown_again(
    copied: Path, monkeypatch: pytest.MonkeyPatch, platform: str, fix: tuple[str, str] | None
) -> None:
    """The attribute cannot be set here."""
    path = copied / "certboot_startup.pth"
    monkeypatch.setattr(start_up_files, "_is_hidden", lambda each: each == path)
    other_sys(monkeypatch, platform)
    absence = why_not_run(at(copied))
    assert (absence.id, absence.fix) == ("hook-hidden", ((*fix, str(path)),) if fix else ())
    assert kind(copied, 3, 12, 1) == "hook-not-run"  # that one runs hidden files too


# Interpreters that really start


@pytest.fixture
def venv(tmp_path: Path) -> Path:
    return virtualenv(tmp_path / "venv")


def doctor(
    venv: Path, home: Path, *flags: str, source: Path = SOURCE, **variables: str
) -> dict[str, dict[str, typing.Any]]:
    """Return what certboot says of the hook, run by the virtualenv's Python from a folder of its own: id -> finding."""
    here = [path for path in sys.path if path.endswith("site-packages")]
    environ = {"HOME": str(home), "PATH": SYSTEM_PATH, "PYTHONPATH": ":".join([str(source), *here]), **variables}
    argv = [str(python_of(venv)), *flags, "-m", "certboot", "doctor", "hook", "--json"]
    ran = subprocess.run(argv, env=environ, cwd=home, capture_output=True, text=True, check=False, timeout=60)
    assert ran.stderr == ""
    return {each["id"]: each for each in json.loads(ran.stdout)["findings"]}


def apply_fix(certboot: Run, finding: dict[str, typing.Any]) -> None:
    for program, *arguments in finding["fix"]:
        if program == "certboot":
            assert certboot(*arguments).status == 0
        else:
            subprocess.run([program, *arguments], check=True, timeout=60)


def beside(folder: Path, *names: str) -> Path:
    """Return a folder with these packages of ours in it."""
    folder.mkdir()
    for name in names:
        (folder / name).symlink_to(SOURCE / name)
    return folder


def outdated(site: Path) -> None:
    own = inventory.read_record(site)
    assert own
    module = put(site / "certboot_startup" / "guards.py", "# of an older certboot\n")
    digests = {**own.files, "certboot_startup/guards.py": (inventory.sha256(module.read_bytes()),)}
    (site / inventory.RECORD_NAME).write_bytes(inventory.render_record(inventory.Record("0.0.9", "", digests)))


@pytest.mark.slow
@pytest.mark.usefixtures("store")
def test_the_remedy_of_each_absence_runs_and_mends_it(venv: Path, clean: Path, certboot: Run, tmp_path: Path) -> None:
    """From PYTHONPATH the hook does not run; -S leaves it out, -s does not."""
    site, source = packages(venv), beside(tmp_path / "source", "certboot", "certboot_startup")
    damages: dict[str, Callable[[], object]] = {
        "hook-outside-site": lambda: None,
        "hook-altered": lambda: (site / "certboot_startup.pth").write_text("# words\n"),
        "hook-missing": (site / "certboot_startup.pth").unlink,
        "hook-copy-outdated": lambda: outdated(site),
    }
    for absence, damage in damages.items():
        damage()
        at_hand = source if absence == "hook-missing" else SOURCE
        finding = doctor(venv, clean, source=at_hand)[absence]
        assert finding["status"] == ("warn" if absence == "hook-copy-outdated" else "fail")
        apply_fix(certboot, finding)
        findings = doctor(venv, clean, source=at_hand)
        assert (findings["hook-active"]["status"], absence in findings) == ("ok", False)
    assert doctor(venv, clean, "-s")["hook-active"]["status"] == "ok"
    assert doctor(venv, clean, "-S")["hook-no-site"]["status"] == "fail"
    # A certboot that has no hook beside it is asked: the copy is the one that runs.
    alone = beside(tmp_path / "alone", "certboot")
    assert doctor(venv, clean, source=alone)["hook-from-elsewhere"]["status"] == "info"


@pytest.mark.slow
@pytest.mark.usefixtures("store")
def test_a_child_that_has_the_variables_and_not_the_guards_is_told_how_it_gets_them(
    venv: Path, clean: Path, certboot: Run, paths: StorePaths
) -> None:
    def told(value: str, *flags: str, disable: str = "") -> dict[str, typing.Any] | None:
        findings = doctor(venv, clean, *flags, REQUESTS_CA_BUNDLE=value, CERTBOOT_DISABLE=disable)
        return findings.get("guards-missing")

    ours = str(paths.current / "bundle.pem")
    assert told("/own.pem") is None
    assert told(f"{paths.current}{certboot_startup.ADOPTED}") is None  # the user's own overruled choices before, too
    finding = told(ours)
    assert finding
    assert (finding["status"], finding["fix"]) == ("warn", [[*INSTALL[0][:-1], str(python_of(venv))]])
    apply_fix(certboot, finding)
    assert told(ours) is None
    assert told(ours, disable="1")
    without_site = told(ours, "-S")
    assert without_site
    assert without_site["fix"] == []


@pytest.mark.slow
@pytest.mark.usefixtures("store")
def test_a_start_up_file_that_imports_something_first_is_named(venv: Path, clean: Path, certboot: Run) -> None:
    certboot("hook", "install", "--python", python_of(venv))
    site = packages(venv)
    put(site / "httplib2.py", "")
    for first, status in (("ssl", "info"), ("httplib2", "warn"), ("json", None)):
        path = put(site / "aaa.pth", f"import {first}\n")
        findings = doctor(venv, clean)
        assert "hook-active" in findings
        assert findings["other-start-up-hooks"]["evidence"]["files"][0]["file"] == str(path)
        assert ("hook-late" in findings) == bool(status)
        if status:
            assert findings["hook-late"]["status"] == status
            assert findings["hook-late"]["evidence"]["started_before"] == [str(path)]
    put(site / "zzz.pth", "import httplib2\n")
    (site / "aaa.pth").unlink()
    assert "hook-late" not in doctor(venv, clean)
