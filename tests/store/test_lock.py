from __future__ import annotations

import typing
from pathlib import Path

import filelock
import pytest

from certboot.errors import StoreError
from certboot.store import lock


def test_a_file_system_without_locks_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> typing.NoReturn:
        raise NotImplementedError

    monkeypatch.setattr(filelock, "FileLock", refuse)
    with pytest.raises(StoreError, match="this file system has no locks: "), lock.locked(tmp_path / "lock"):
        pass


def test_the_lock_is_held_by_one_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "_SECONDS", 0)
    with (
        filelock.FileLock(tmp_path / "lock"),
        pytest.raises(StoreError, match="another certboot has been at work for over 0 seconds: "),
        lock.locked(tmp_path / "lock"),
    ):
        pass
    with lock.locked(tmp_path / "lock"):
        assert (tmp_path / "lock").exists()
