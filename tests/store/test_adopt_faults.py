"""Each write of ``adopt`` and ``adopt --undo`` fails in its turn: no value is replaced without what it names."""

from __future__ import annotations

import os
import shutil
import typing
from collections.abc import Callable
from pathlib import Path

import pytest
from support import failing, whole
from support.pki import issue
from support.snapshot import assert_refused, contents

from certboot import files
from certboot.store import env_file, generations

if typing.TYPE_CHECKING:
    from support.environments import Ran

    from certboot.store.paths import StorePaths

    Run = Callable[..., Ran]

pytestmark = pytest.mark.slow

CALLS = ("os.open", "os.fsync", "os.rename", "os.replace", "os.fchmod")
COMMANDS = {"adopt": ("adopt", "--yes"), "undo": ("adopt", "--undo"), "rollback": ("rollback",)}


@pytest.fixture(params=COMMANDS)
def command(
    certboot: Run, paths: StorePaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> tuple[str, ...]:
    """A command, and a store in which it has something to do; a copy of it lies in ``prepared``."""
    assert certboot("init").status == 0
    (tmp_path / "image.pem").write_bytes(issue("Corp Root").pem)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "image.pem"))
    if request.param != "adopt":
        assert certboot("adopt", "--yes").status == 0
    shutil.copytree(paths.home, tmp_path / "prepared", symlinks=True)
    return COMMANDS[request.param]


def state(paths: StorePaths) -> tuple[bool, bool, bool]:
    """Return whether the value is adopted, whether the hook replaces it, and whether what it names is in the store."""
    env = env_file.parse(paths.env)
    assert env
    assert env.variables
    names = {entry.name for entry in generations.current(paths).certificates}
    listed = paths.adopted.exists() and b"REQUESTS_CA_BUNDLE" in paths.adopted.read_bytes()
    return listed, bool(env.adopted), "Corp Root" in names


@pytest.mark.parametrize("call", CALLS)
def test_whichever_call_fails_no_value_is_replaced_without_what_it_names(
    certboot: Run, paths: StorePaths, tmp_path: Path, command: tuple[str, ...], call: str
) -> None:
    made = failing.CALLS[call]
    old = state(paths)
    with pytest.MonkeyPatch.context() as patch:
        counted = failing.Failing(patch, made)
        assert certboot(*command).status == 0
    assert old != state(paths)  # the control: the command does something
    assert counted.times > 0 or command == COMMANDS["rollback"]
    for at, code in failing.moments(made, counted.times):
        shutil.rmtree(paths.home)
        shutil.copytree(tmp_path / "prepared", paths.home, symlinks=True)
        before = contents(paths.home)
        with pytest.MonkeyPatch.context() as patch:
            failing.Failing(patch, made, at, code)
            ran = certboot(*command)
        whole.assert_whole(paths.home)
        listed, replaced, present = state(paths)
        assert present or not replaced, at
        if ran.status:
            assert_refused(ran)
            if os.readlink(paths.current) == before["current"].decode() and command != COMMANDS["rollback"]:
                assert (listed, replaced, present) == old, at
        assert certboot("update").status == 0
        assert len(set(state(paths))) == 1, at
        assert whole.leftovers(paths.home) == []


def test_the_value_is_given_back_before_the_switch(
    certboot: Run, paths: StorePaths, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    """A program that starts at that moment has what it had, or what it will have."""
    seen: list[tuple[bool, bool]] = []
    real = files.replace_link

    def noted(path: Path, target: str) -> None:
        seen.append(state(paths)[1:])
        real(path, target)
        seen.append(state(paths)[1:])

    monkeypatch.setattr(files, "replace_link", noted)
    assert certboot(*command).status == 0
    if command == COMMANDS["adopt"]:
        assert seen == [(False, False), (False, True)]
    else:
        assert seen == [(False, True), (False, False)]
