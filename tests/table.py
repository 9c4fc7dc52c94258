"""Tables: one test goes through all the cases of a table, and names every case that fails."""

from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pytest

from certboot.paths import store_paths

Test = Callable[..., None]


def cases(
    names: str | Sequence[str], rows: Iterable[typing.Any], ids: Sequence[str] | Callable[..., object] | None = None
) -> Callable[[Test], Test]:
    """Run a test once for every row, as ``pytest.mark.parametrize`` does, but as one test.

    For cases that are quick and leave nothing behind. Each case has a ``tmp_path``, a ``monkeypatch`` and a HOME of its
    own; whatever else a test asks for is made once for the whole table.
    """
    arguments = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
    table = list(rows)
    assert table, "a table without a case tests nothing"

    def decorate(test: Test) -> Test:
        signature = inspect.signature(test)

        @functools.wraps(test)
        def whole(**fixtures: object) -> None:
            failures = []
            for number, row in enumerate(table):
                values = [row] if len(arguments) == 1 else row
                named = dict(zip(arguments, values, strict=True))
                try:
                    with pytest.MonkeyPatch.context() as monkeypatch:
                        test(**_fresh(fixtures, number, monkeypatch), **named)
                except (Exception, pytest.fail.Exception, BaseExceptionGroup) as failure:  # noqa: BLE001, F821 - see below
                    label = ids[number] if isinstance(ids, Sequence) else number
                    failure.add_note(f"case {label}: {named!r:.1000}")
                    failures.append(failure)
            if failures:
                told = f"{len(failures)} of {len(table)} cases"
                raise BaseExceptionGroup(told, failures)  # noqa: F821 - tests need Python 3.11

        rest = [parameter for name, parameter in signature.parameters.items() if name not in arguments]
        whole.__signature__ = signature.replace(parameters=rest)  # type: ignore[attr-defined]
        return whole

    return decorate


def _fresh(fixtures: dict[str, object], number: int, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """Return the fixtures for one case: a folder and a HOME of its own, and changes that end with it."""
    own = dict(fixtures)
    if isinstance(tmp_path := own.get("tmp_path"), Path):
        own["tmp_path"] = tmp_path / f"case{number}"
        (tmp_path / f"case{number}").mkdir()
    if own.keys() & {"clean", "paths", "certboot"}:
        home = Path.home() / f"case{number}"
        home.mkdir()
        monkeypatch.setenv("HOME", str(home))
    for name, value in (("clean", Path.home), ("paths", store_paths), ("monkeypatch", lambda: monkeypatch)):
        if name in own:
            own[name] = value()
    return own
