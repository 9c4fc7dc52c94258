"""scripts/test.py runs the tests of real data again under clocks set ahead, and says so where it cannot."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import typing
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "scripts" / "test.py"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> typing.Any:  # noqa: ANN401 - a module that no import statement names
    monkeypatch.syspath_prepend(SCRIPT.parent)
    spec = importlib.util.spec_from_file_location("scripts_test", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("ci", "status"), [("true", 2), ("", 0)])
def test_without_faketime_it_fails_in_ci_and_says_so_everywhere(
    script: typing.Any,  # noqa: ANN401
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    ci: str,
    status: int,
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("CI", ci)
    assert script.ahead() == status
    assert "faketime is missing" in capsys.readouterr().err


def test_all_tests_of_real_data_lie_where_they_are_looked_for(script: typing.Any) -> None:  # noqa: ANN401
    tests = Path(__file__).parent
    files = [file for file in tests.rglob("test_*.py") if file.name != Path(__file__).name]
    marked = {file.parent for file in files if "pytest.mark.real_data" in file.read_text("utf-8")}
    assert marked == {tests.parent / script.REAL_DATA}


@pytest.mark.skipif(not shutil.which("faketime"), reason="faketime is missing: .ci/run installs it")
def test_each_clock_is_ahead_for_the_tests_of_real_data(
    script: typing.Any,  # noqa: ANN401
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What would run is run, with the question what the time is in the place of pytest."""
    days: list[int] = []
    real = subprocess.run

    def asked(command: list[typing.Any], **options: typing.Any) -> subprocess.CompletedProcess[bytes]:  # noqa: ANN401
        at = command.index(script.check.PYTHON)
        assert command[at + 1 : at + 3] == ["-m", "pytest"]
        assert command[command.index("real_data") - 1] == "-m"
        question = [sys.executable, "-c", "import time; print(time.time())"]
        now, then = (
            float(real([*before, *question], env=options["env"], capture_output=True, text=True, check=True).stdout)
            for before in ([], command[:at])
        )
        days.append(round((then - now) / 86400))
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", asked)
    assert script.ahead() == 0
    assert days == [30, 365, 3 * 365]
