"""Tables: one test goes through all the cases of a table, and names every case that fails."""

from __future__ import annotations

import functools
import inspect
import os
import shutil
import tempfile
import typing
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pytest

Test = Callable[..., None]


def cases(names: str | Sequence[str], rows: Iterable[typing.Any], ids: Sequence[str] = ()) -> Callable[[Test], Test]:
    """Run a test once for every row, as ``pytest.mark.parametrize`` does, but as one test.

    What the fixtures made below ``tmp_path``, such as HOME and a store in it, each case finds as they left it. The
    ``monkeypatch`` of a case ends with it. All else that a fixture holds is the same for all cases.
    """
    arguments = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
    table = list(rows)
    assert table, "a table without a case tests nothing"

    def decorate(test: Test) -> Test:
        wanted = {name: found for name, found in inspect.signature(test).parameters.items() if name not in arguments}

        @functools.wraps(test)
        def whole(*instance: object, tmp_path: Path, **fixtures: object) -> None:
            failures: list[BaseException] = []
            with tempfile.TemporaryDirectory(dir=tmp_path.parent) as kept:
                shutil.copytree(tmp_path, kept, symlinks=True, dirs_exist_ok=True)
                for number, row in enumerate(table):
                    named = dict(zip(arguments, [row] if len(arguments) == 1 else row, strict=True))
                    try:
                        with pytest.MonkeyPatch.context() as monkeypatch:
                            own = {**fixtures, "tmp_path": tmp_path, "monkeypatch": monkeypatch}
                            test(*instance, **{name: own[name] for name in wanted if name != "self"}, **named)
                    except (Exception, pytest.fail.Exception, BaseExceptionGroup) as failure:  # noqa: BLE001, F821
                        failure.add_note(f"case {ids[number] if ids else number}: {named!r:.1000}")
                        failures.append(failure)
                    _give_back(Path(kept), tmp_path)
            if failures:
                told = f"{len(failures)} of {len(table)} cases"
                raise BaseExceptionGroup(told, failures)  # noqa: F821 - the tests run on Python 3.11 or newer

        folder = inspect.Parameter("tmp_path", inspect.Parameter.KEYWORD_ONLY)
        others = [found.replace(kind=folder.kind) for name, found in wanted.items() if name not in ("self", "tmp_path")]
        methods = [found for name, found in wanted.items() if name == "self"]
        whole.__signature__ = inspect.Signature([*methods, folder, *others])  # type: ignore[attr-defined]
        return whole

    return decorate


def _give_back(kept: Path, folder: Path) -> None:
    """Make ``folder`` what it was; whoever stands in it stands there still."""
    here = Path.cwd()
    shutil.rmtree(folder)
    shutil.copytree(kept, folder, symlinks=True)
    os.chdir(here)
