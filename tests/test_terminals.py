"""The recorded terminals in docs/terminals are what certboot shows now."""

from __future__ import annotations

import importlib.util
import sys
import typing
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "scripts" / "terminals.py"


@pytest.fixture
def terminals(monkeypatch: pytest.MonkeyPatch) -> typing.Any:  # noqa: ANN401 - a module that no import statement names
    pytest.importorskip("pty", reason="Windows has other terminals")
    spec = importlib.util.spec_from_file_location("terminals", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "terminals", module)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="recorded on Linux")
def test_each_terminal_is_current_and_short_and_has_its_cause_in_the_first_lines(terminals: typing.Any) -> None:  # noqa: ANN401
    texts = terminals.recorded()
    assert list(terminals.faults(texts)) == []
    assert [texts[name] for name in terminals.changes(texts)] == [], "run scripts/terminals.py"


def test_what_is_not_as_promised_is_named(terminals: typing.Any) -> None:  # noqa: ANN401
    text = "$ certboot doctor\n1\n2\n3\nstore-missing\n" + "x" * 81 + "\n" * 30
    assert list(terminals.faults({"doctor-before-init.txt": text})) == [
        "doctor-before-init.txt: 35 lines",
        "doctor-before-init.txt: the cause is not in the first 3 lines",
        f"doctor-before-init.txt: too wide: {'x' * 81}",
    ]
    assert list(terminals.changes({"none.txt": text})) == ["none.txt"]
