"""Why the hook did not run: in interpreters that start without it, and with what mends it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import typing
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from support.environments import SYSTEM_PATH
from support.here import put
from support.table import cases
from support.virtualenvs import packages, python_of, virtualenv

import certboot as certboot_package
import certboot_startup
from certboot.doctor.hook import absence as hook_absence
from certboot.doctor.hook.absence import why_not_run
from certboot.hook import found, install, start_up_files
from certboot.hook.interpreters import Interpreter
from certboot.store.paths import StorePaths
from certboot.store.request import Request
from certboot.store.update import apply

if typing.TYPE_CHECKING:
    from support.environments import Ran

SOURCE = Path(str(certboot_package.__file__)).parents[1]
PTH = "import certboot_startup; certboot_startup.activate()\n"


def at(folder: Path, version: tuple[int, int, int] = (3, 11, 9)) -> Interpreter:
    """Return an interpreter with this folder of packages."""
    return Interpreter(Path("/usr/bin/python3"), version, False, folder, None, (folder,), False)  # noqa: FBT003


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A folder of packages with a copy of the hook."""
    install.install(tmp_path / "site")
    return tmp_path / "site"


def test_a_hook_that_is_in_its_place_was_not_processed(copied: Path) -> None:
    absence = why_not_run(at(copied))
    assert (absence.id, absence.fix) == ("hook-not-run", ())
    assert absence.summary.endswith(f": {copied}/certboot_startup.pth")


def test_without_site_nothing_is_processed(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flags = SimpleNamespace(no_site=1)
    monkeypatch.setattr(hook_absence, "sys", SimpleNamespace(flags=flags, platform=sys.platform, executable=""))
    assert why_not_run(at(copied)).id == "hook-no-site"


INSTALL = (("certboot", "hook", "install", "--python", "/usr/bin/python3"),)


def test_a_hook_beside_its_module_only_lies_outside_site(tmp_path: Path) -> None:
    """As with PYTHONPATH, or pip install --target; the source folder is one such."""
    absence = why_not_run(at(tmp_path))
    assert (absence.id, absence.fix) == ("hook-outside-site", INSTALL)
    assert absence.summary.endswith(f": {SOURCE}")


def test_what_the_systems_package_manager_looks_after_is_left_alone(tmp_path: Path) -> None:
    managed = at(tmp_path)._replace(managed=True)
    assert why_not_run(managed).fix == ((*INSTALL[0], "--user"),)


def test_a_start_up_file_that_is_nowhere_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certboot_startup, "__file__", str(tmp_path / "certboot_startup" / "__init__.py"))
    absence = why_not_run(at(tmp_path))
    assert (absence.id, absence.fix) == ("hook-missing", INSTALL)
    assert absence.summary == f"did not run: there is no certboot_startup.pth in {tmp_path}"
    put(tmp_path / "certboot-0.1.0.dist-info/RECORD", "certboot_startup.pth,,\n")
    assert why_not_run(at(tmp_path)).fix[0][1:4] == ("-m", "pip", "install")


def test_from_python_3_18_on_it_is_the_start_file_that_counts(copied: Path) -> None:
    for version in ((3, 15, 0), (3, 18, 0)):
        assert why_not_run(at(copied, version)).id == "hook-not-run"
    (copied / "certboot_startup.start").unlink()
    assert why_not_run(at(copied, (3, 14, 0))).id == "hook-not-run"
    assert why_not_run(at(copied, (3, 18, 0))).id == "hook-outside-site"


@cases("text", ["", "# words\n", " import certboot_startup; certboot_startup.activate()\n", None])
def test_a_start_up_file_that_was_changed_is_replaced(copied: Path, text: str | None) -> None:
    path = copied / "certboot_startup.pth"
    path.unlink()
    path.symlink_to("nothing") if text is None else path.write_text(text)
    absence = why_not_run(at(copied))
    assert (absence.id, absence.fix) == ("hook-altered", (("rm", str(path)), *INSTALL))
    assert absence.summary.endswith(f": {path}")


def test_a_start_file_that_was_changed_counts_where_python_knows_such_files(copied: Path) -> None:
    (copied / "certboot_startup.start").write_text("# words\n")
    assert why_not_run(at(copied, (3, 14, 0))).id == "hook-not-run"
    assert why_not_run(at(copied, (3, 15, 0))).id == "hook-altered"


@pytest.mark.timeout(10)
def test_a_start_up_file_that_is_a_pipe_was_changed(copied: Path) -> None:
    path = copied / "certboot_startup.pth"
    path.unlink()
    os.mkfifo(path)
    assert why_not_run(at(copied)).id == "hook-altered"


def test_a_start_up_file_that_cannot_be_read_was_changed(copied: Path, unreadable: Callable[[Path], None]) -> None:
    unreadable(copied / "certboot_startup.pth")
    assert why_not_run(at(copied)).id == "hook-altered"


@cases(("platform", "fix"), [("darwin", ("chflags", "nohidden")), ("linux", None)])
def test_a_hidden_start_up_file_is_shown_again(
    copied: Path, monkeypatch: pytest.MonkeyPatch, platform: str, fix: tuple[str, str] | None
) -> None:
    """The attribute cannot be set here."""
    path = copied / "certboot_startup.pth"
    assert why_not_run(at(copied)).id == "hook-not-run"
    monkeypatch.setattr(start_up_files, "_is_hidden", lambda each: each == path)
    flags = SimpleNamespace(no_site=0)
    monkeypatch.setattr(hook_absence, "sys", SimpleNamespace(flags=flags, platform=platform, executable=""))
    absence = why_not_run(at(copied))
    assert (absence.id, absence.fix) == ("hook-hidden", ((*fix, str(path)),) if fix else ())
    assert why_not_run(at(copied, (3, 12, 1))).id == "hook-not-run"  # that one runs hidden files too


# Interpreters that really start


@pytest.fixture
def store(paths: StorePaths) -> StorePaths:
    apply(paths, Request("init"))
    return paths


@pytest.fixture
def venv(tmp_path: Path) -> Path:
    return virtualenv(tmp_path / "venv")


def doctor(venv: Path, home: Path, *flags: str, source: Path = SOURCE) -> dict[str, dict[str, typing.Any]]:
    """Return what certboot says of the hook, run by the virtualenv's Python from a folder of its own: id -> finding."""
    here = [path for path in sys.path if path.endswith("site-packages")]
    environ = {"HOME": str(home), "PATH": SYSTEM_PATH, "PYTHONPATH": ":".join([str(source), *here])}
    argv = [str(python_of(venv)), *flags, "-m", "certboot", "doctor", "hook", "--json"]
    ran = subprocess.run(argv, env=environ, cwd=home, capture_output=True, text=True, check=False, timeout=60)
    assert ran.stderr == ""
    return {each["id"]: each for each in json.loads(ran.stdout)["findings"]}


def apply_fix(certboot: Callable[..., Ran], finding: dict[str, typing.Any]) -> None:
    for program, *arguments in finding["fix"]:
        if program == "certboot":
            assert certboot(*arguments).status == 0
        else:
            subprocess.run([program, *arguments], check=True, timeout=60)


@pytest.mark.slow
@pytest.mark.usefixtures("store")
def test_the_command_puts_the_hook_where_it_runs(venv: Path, clean: Path, certboot: Callable[..., Ran]) -> None:
    """From PYTHONPATH it does not; -S leaves it out, -E and -s do not."""
    findings = doctor(venv, clean)
    assert findings["hook-outside-site"]["status"] == "fail"
    apply_fix(certboot, findings["hook-outside-site"])
    assert doctor(venv, clean)["hook-active"]["status"] == "ok"
    assert doctor(venv, clean, "-s")["hook-active"]["status"] == "ok"
    assert doctor(venv, clean, "-S")["hook-no-site"]["status"] == "fail"


@pytest.mark.slow
@pytest.mark.usefixtures("store")
def test_the_command_replaces_a_start_up_file_that_was_changed(
    venv: Path, clean: Path, certboot: Callable[..., Ran]
) -> None:
    certboot("hook", "install", "--python", python_of(venv))
    (packages(venv) / "certboot_startup.pth").write_text("# words\n")
    findings = doctor(venv, clean)
    assert findings["hook-altered"]["status"] == "fail"
    apply_fix(certboot, findings["hook-altered"])
    assert "hook-active" in doctor(venv, clean)


@pytest.mark.slow
@pytest.mark.usefixtures("store")
def test_the_command_puts_back_a_start_up_file_that_is_missing(
    venv: Path, clean: Path, certboot: Callable[..., Ran], tmp_path: Path
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for name in ("certboot", "certboot_startup"):
        (source / name).symlink_to(SOURCE / name)
    certboot("hook", "install", "--python", python_of(venv))
    assert "hook-active" in doctor(venv, clean, source=source)
    (packages(venv) / "certboot_startup.pth").unlink()
    findings = doctor(venv, clean, source=source)
    apply_fix(certboot, findings["hook-missing"])
    assert "hook-active" in doctor(venv, clean, source=source)


@pytest.mark.slow
@pytest.mark.usefixtures("store")
def test_the_command_renews_a_copy_that_is_outdated(venv: Path, clean: Path, certboot: Callable[..., Ran]) -> None:
    certboot("hook", "install", "--python", python_of(venv))
    assert "hook-copy-outdated" not in doctor(venv, clean)
    site = packages(venv)
    own = found.read_record(site)
    assert own
    module = put(site / "certboot_startup" / "guards.py", "# of an older certboot\n")
    digests = {**own.files, "certboot_startup/guards.py": (found.sha256(module.read_bytes()),)}
    (site / found.RECORD_NAME).write_bytes(found.render_record(found.Record("0.0.9", "", digests)))
    finding = doctor(venv, clean)["hook-copy-outdated"]
    assert (finding["status"], finding["evidence"]["version"]) == ("warn", "0.0.9")
    apply_fix(certboot, finding)
    assert "hook-copy-outdated" not in doctor(venv, clean)


@pytest.mark.slow
@pytest.mark.usefixtures("store")
def test_a_copy_from_another_certboot_is_known_and_renewed(
    venv: Path, clean: Path, certboot: Callable[..., Ran], tmp_path: Path
) -> None:
    """The certboot that is asked has no hook beside it: the copy is the one that runs."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "certboot").symlink_to(SOURCE / "certboot")
    certboot("hook", "install", "--python", python_of(venv))
    assert doctor(venv, clean, source=source)["hook-from-elsewhere"]["status"] == "info"


@pytest.mark.slow
@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(("first", "status"), [("ssl", "info"), ("httplib2", "warn"), ("json", None)])
def test_a_start_up_file_that_imports_something_first_is_named(
    venv: Path, clean: Path, certboot: Callable[..., Ran], first: str, status: str | None
) -> None:
    certboot("hook", "install", "--python", python_of(venv))
    site = packages(venv)
    put(site / "httplib2.py", "")
    path = put(site / "aaa.pth", f"import {first}\n")
    findings = doctor(venv, clean)
    assert "hook-active" in findings
    assert findings["other-start-up-hooks"]["evidence"]["files"][0]["file"] == str(path)
    if status is None:
        assert "hook-late" not in findings
    else:
        assert findings["hook-late"]["status"] == status
        assert findings["hook-late"]["evidence"]["started_before"] == [str(path)]
    shutil.copy(path, site / "zzz.pth")
    path.unlink()
    assert "hook-late" not in doctor(venv, clean)
