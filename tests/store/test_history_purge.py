from __future__ import annotations

import io
import os
import sys
import typing
from collections.abc import Callable
from pathlib import Path

import pytest
from support.snapshot import assert_refused, snapshot
from support.table import cases
from support.terminal import answers

from certboot.store.paths import StorePaths

if typing.TYPE_CHECKING:
    from support.environments import Ran


@pytest.fixture
def store(
    certboot: Callable[..., Ran],
    paths: StorePaths,
    ca_file: Path,
) -> StorePaths:
    """A store with everything that can be in one."""
    assert certboot("init", "--add", ca_file).status == 0
    paths.config.write_text("")
    return paths


def test_purge_takes_everything_that_certboot_wrote(certboot: Callable[..., Ran], store: StorePaths) -> None:
    parts = [store.env, store.current, store.trusted, store.config, store.checked, store.generations]
    ran = certboot("purge", "--yes")
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.startswith("this removes\n" + "".join(f"  {path}\n" for path in parts) + "removed; ")
    assert not store.home.exists()
    assert_refused(certboot("purge", "--yes"))
    assert certboot("init").status == 0


@cases("answer", ["y", "Y", "yes", " YES "])
def test_purge_asks_and_takes_yes_for_an_answer(
    certboot: Callable[..., Ran], store: StorePaths, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    answers(monkeypatch, f"{answer}\n")
    ran = certboot("purge")
    assert "remove it all? [y/N] " in ran.out
    assert ran.status == 0
    assert not store.home.exists()


@cases("answer", ["\n", "n\n", "no\n", "yess\n", ""], ids=["enter", "n", "no", "yess", "end-of-file"])
def test_purge_takes_every_other_answer_for_no(
    certboot: Callable[..., Ran], store: StorePaths, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    answers(monkeypatch, answer)
    before = snapshot(store.home)
    ran = certboot("purge")
    assert (ran.status, ran.err) == (1, "")
    assert ran.out.endswith("nothing was removed\n")
    assert snapshot(store.home) == before


@cases("stdin", [io.StringIO("y\n"), None], ids=["pipe", "closed"])
def test_purge_without_a_terminal_needs_yes(
    certboot: Callable[..., Ran], store: StorePaths, monkeypatch: pytest.MonkeyPatch, stdin: io.StringIO | None
) -> None:
    monkeypatch.setattr(sys, "stdin", stdin)
    before = snapshot(store.home)
    ran = certboot("purge")
    assert_refused(ran)
    assert ran.err.endswith("\nhint: --yes, if you know the answer\n")
    assert snapshot(store.home) == before


def test_with_no_store_there_is_nothing_to_purge(certboot: Callable[..., Ran], paths: StorePaths, clean: Path) -> None:
    ran = certboot("purge", "--yes")
    assert_refused(ran)
    assert f"there is no store: {paths.home}\n" in ran.err
    assert list(clean.iterdir()) == []


def test_what_certboot_did_not_write_is_left_alone_and_named(certboot: Callable[..., Ran], store: StorePaths) -> None:
    (store.home / "notes.txt").write_text("mine")
    (store.home / "folder").mkdir()
    ran = certboot("purge", "--yes")
    assert ran.status == 0
    assert f"left alone in {store.home}: folder, notes.txt\n" in ran.out
    assert sorted(path.name for path in store.home.iterdir()) == ["folder", "notes.txt"]


@pytest.mark.usefixtures("store")
def test_the_env_file_goes_first_and_the_generations_last(
    certboot: Callable[..., Ran], store: StorePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the first on no interpreter is pointed at what is about to vanish; by the last it is known to be a store."""
    gone: list[str] = []
    unlink = Path.unlink

    def noted(self: Path, *, missing_ok: bool = False) -> None:
        gone.append(self.relative_to(store.home).parts[0])
        unlink(self, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", noted)
    certboot("purge", "--yes")
    assert list(dict.fromkeys(gone)) == ["env", "current", "trusted", "config.toml", "checked", "generations", "lock"]


@cases("part", ["generations", "trusted"])
def test_a_purge_that_fails_half_way_can_be_finished(
    certboot: Callable[..., Ran], store: StorePaths, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    unlink = Path.unlink

    def refuse(self: Path, *, missing_ok: bool = False) -> None:
        if part in self.parts:
            raise PermissionError(13, "Permission denied", os.fspath(self))
        unlink(self, missing_ok=missing_ok)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", refuse)
        ran = certboot("purge", "--yes")
    assert_refused(ran)
    assert "the store that was in force still is" not in ran.err  # its env file has gone
    assert certboot("purge", "--yes").status == 0
    assert not store.home.exists()


def test_what_a_killed_run_left_behind_goes_too(certboot: Callable[..., Ran], store: StorePaths) -> None:
    for leftover in (".env.a1b2c3d4", ".current.77"):
        (store.home / leftover).write_bytes(b"half")
    assert "left alone" not in certboot("purge", "--yes").out
    assert not store.home.exists()
