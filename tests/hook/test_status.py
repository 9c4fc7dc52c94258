from __future__ import annotations

import os
import typing
from pathlib import Path

import pytest
from support.table import cases
from support.virtualenvs import packages, python_of

from certboot.errors import CertbootError
from certboot.hook import install, interpreters, status
from certboot.hook.interpreters import MARK


def test_a_start_shows_whether_the_hook_ran_and_what_it_did(venv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = python_of(venv)
    assert status.start(python)[:-1] == status.Started("", "", "", ())[:-1]
    install.install(packages(venv), "/opt/certboot")
    module = str(packages(venv) / "certboot_startup" / "__init__.py")
    started = status.start(python)
    assert started == status.Started("no-store", module, "/opt/certboot", (), path=started.path)
    assert str(packages(venv)) in started.path
    monkeypatch.setenv("CERTBOOT_DISABLE", "1")  # the caller's variables are those of the start
    assert status.start(python).status == "disabled"


def test_a_start_imports_nothing_from_the_folder_of_the_caller(
    venv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install.install(packages(venv))
    (tmp_path / "certboot_startup.py").write_text("raise SystemExit\n")
    monkeypatch.chdir(tmp_path)
    assert status.start(python_of(venv)).status == "no-store"


@cases("answer", ["1", "[", "['a']", "{}", "__import__('os')", "[1, 2, 3, 4]", "(" * 9999])
def test_an_answer_that_no_hook_gives_is_refused(tmp_path: Path, answer: str) -> None:
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\necho "{MARK}{answer}"\n')
    python.chmod(0o755)
    with pytest.raises(CertbootError, match="an answer that no hook gives"):
        status.start(python)


def test_modules_are_compiled_for_everybody_whatever_the_umask(venv: Path) -> None:
    folder = packages(venv)
    install.install(folder, "/opt/certboot", start_file=True)
    umask = os.umask(0o077)
    try:
        status.compile_modules(
            python_of(venv), [folder / "certboot_startup" / "__init__.py", folder / "certboot_home.py"]
        )
    finally:
        os.umask(umask)
    compiled = list(folder.rglob("*.pyc"))
    assert [path.name.split(".")[0] for path in compiled] != []
    assert {path.name.split(".")[0] for path in compiled} == {"__init__", "certboot_home"}
    assert {path.stat().st_mode & 0o777 for path in compiled} == {0o644}
    assert {path.parent.stat().st_mode & 0o777 for path in compiled} == {0o755}


def test_modules_that_cannot_be_compiled_do_no_harm(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    status.compile_modules(tmp_path / "none", [tmp_path])
    assert capfd.readouterr() == ("", "")


def test_a_survey_is_well_where_an_unchanged_hook_runs(venv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def seen() -> status.Survey:
        return status.survey(interpreters.ask(python_of(venv)))

    assert (seen().hooks, seen().renew, seen().well) == ((), "", False)
    install.install(packages(venv))
    (packages(venv) / "other.pth").write_text("import sys\n")
    found = seen()
    assert ([each.owner for each in found.hooks], found.renew, found.well) == (["certboot"], "", True)
    assert [(each.path.name, each.first) for each in found.neighbours] == [("other.pth", "sys")]
    (packages(venv) / "certboot_startup" / "guards.py").unlink()
    assert (seen().renew, seen().well) == (f"certboot hook install --python {python_of(venv)}", True)
    (packages(venv) / "certboot_startup" / "guards.py").write_text("# mine\n")
    assert not seen().well
    monkeypatch.setattr("certboot.hook.start_up_files._is_hidden", lambda path: path.name == "certboot_startup.pth")
    monkeypatch.setattr("certboot.hook.start_up_files._skips_hidden", lambda _: True)
    assert "certboot_startup.pth" in [each.path.name for each in seen().neighbours]


def test_a_hook_that_pip_put_there_is_renewed_by_pip(venv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = packages(venv)
    (folder / "certboot-0.0.1.dist-info").mkdir()
    (folder / "certboot-0.0.1.dist-info" / "RECORD").write_text("certboot_startup.pth,,\n")
    (folder / "certboot_startup.pth").write_text("import sys\n")
    python = python_of(venv)
    assert status.survey(interpreters.ask(python)).renew == f"{python} -m pip install --upgrade certboot"
    windows: typing.Any = type("os", (), {"name": "nt"})
    monkeypatch.setattr(status, "os", windows)
    assert status.survey(interpreters.ask(python)).renew == f"{python} -m pip install --upgrade certboot"
