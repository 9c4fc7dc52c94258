from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from support.environments import HERE
from support.snapshot import contents
from support.table import cases
from support.virtualenvs import interpreter, library, python_of, start, virtualenv

from certboot import files
from certboot.errors import CertbootError
from certboot.hook import base, install, interpreters, inventory, payload
from certboot.hook.interpreters import Interpreter

OF_UV = "[externally-managed]\nError=This Python installation is managed by uv and should not be modified.\n"
OF_A_DISTRIBUTION = "[externally-managed]\nError=To install Python packages system-wide, try apt install\n"


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """The program of an interpreter of the user's own."""
    return interpreter(tmp_path / "python")


def test_the_base_of_a_virtualenv_is_the_interpreter_from_which_it_was_made(python: Path, tmp_path: Path) -> None:
    asked = interpreters.ask(python)
    assert (asked.stdlib, base.base_of(asked)) == (library(tmp_path / "python"), asked)
    venv = interpreters.ask(python_of(virtualenv(tmp_path / "venv", python=python)))
    assert base.base_of(venv) == asked
    python.unlink()  # the one with the number in its name is left
    named = base.base_of(venv)
    assert (named.python, named.stdlib) == (python.with_name(f"python{HERE}"), asked.stdlib)
    gone = venv._replace(base_prefix=tmp_path / "none")
    with pytest.raises(CertbootError, match=f"made is not in {tmp_path / 'none'}$"):
        base.base_of(gone)


@pytest.fixture
def own(tmp_path: Path) -> Interpreter:
    """An interpreter of the user's own, as it describes itself."""
    (tmp_path / "lib").mkdir()
    folder = tmp_path / "lib"
    return interpreters.this()._replace(stdlib=folder, base_prefix=tmp_path)


def test_interpreters_of_the_user_are_taken_and_those_of_a_distribution_are_not(own: Interpreter) -> None:
    base.refuse_foreign(own)  # the control
    marker = own.stdlib / "EXTERNALLY-MANAGED"
    marker.write_text(OF_UV)
    base.refuse_foreign(own)
    marker.write_text(OF_A_DISTRIBUTION)
    with pytest.raises(CertbootError, match=f"has marked this one as its own \\(PEP 668\\): {own.stdlib}$"):
        base.refuse_foreign(own)
    marker.unlink()
    linked = own.base_prefix / "linked"
    linked.symlink_to("/usr/lib")
    with pytest.raises(CertbootError, match="came with the system"):
        base.refuse_foreign(own._replace(stdlib=linked))
    if os.geteuid() == 0:  # only root can give a folder away
        os.chown(own.stdlib, 1234, 1234)
        with pytest.raises(CertbootError, match=r"this one belongs to another user \(uid 1234\)"):
            base.refuse_foreign(own)


def test_what_belongs_to_root_is_root_s(own: Interpreter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: own.stdlib.stat().st_uid + 1)
    whose = "root" if own.stdlib.stat().st_uid == 0 else "another user"
    with pytest.raises(CertbootError, match=f"this one belongs to {whose}"):
        base.refuse_foreign(own)


@pytest.mark.skipif(sys.platform != "linux" or not Path("/usr/local/lib").is_dir(), reason="no /usr/local")
def test_below_usr_local_no_distribution_for_linux_has_anything(own: Interpreter) -> None:
    assert base._whose(Path("/usr/local/lib"), own.base_prefix).startswith("this one came") is False
    assert base._whose(Path("/usr/lib"), own.base_prefix).startswith("this one came")


@cases(
    "name",
    ["sitecustomize.py", "sitecustomize.pyc", "sitecustomize.cpython-311-x86_64-linux-gnu.so", "sitecustomize/x"],
)
def test_a_sitecustomize_that_is_there_is_left_alone(own: Interpreter, name: str) -> None:
    path = own.stdlib / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("mine\n")
    with pytest.raises(
        CertbootError, match=f"a sitecustomize that certboot did not put there, .*{name.split('/', maxsplit=1)[0]}$"
    ):
        base.refuse_foreign(own)
    if name == payload.BASE:  # in between
        before = contents(own.stdlib)
        with pytest.raises(CertbootError, match="not as certboot wrote it"):
            install.install(own.stdlib, base=True)
        assert contents(own.stdlib) == before
        return
    # Nor is it passed over where the hook was first: Python would find it before that.
    there = own.stdlib / name.partition("/")[0]
    there.rename(own.stdlib / "elsewhere")
    install.install(own.stdlib, base=True)
    base.refuse_foreign(own)
    (own.stdlib / "elsewhere").rename(there)
    with pytest.raises(CertbootError, match="a sitecustomize that certboot did not put there"):
        base.refuse_foreign(own)


def test_a_sitecustomize_that_comes_while_the_hook_is_written_is_left_and_the_hook_taken_back(
    own: Interpreter, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = files.replace

    def racing(path: Path, data: bytes) -> None:
        real(path, data)
        if path.name == "__init__.py":
            (own.stdlib / payload.BASE).write_text("mine\n")

    monkeypatch.setattr(files, "replace", racing)
    before = contents(own.stdlib)
    with pytest.raises(CertbootError, match="not as certboot wrote it"):
        install.install(own.stdlib, base=True)
    assert (own.stdlib / payload.BASE).read_text() == "mine\n"
    (own.stdlib / payload.BASE).unlink()
    assert contents(own.stdlib) == before


def test_nothing_is_left_of_a_hook_that_is_removed_and_a_changed_one_is_left(python: Path, tmp_path: Path) -> None:
    folder = library(tmp_path / "python")
    start(python)  # writes what is not compiled yet
    before = contents(tmp_path / "python")
    result = install.install(folder, "/opt/certboot", base=True)
    assert (result.action, result.hook.owner, result.hook.base) == ("installed", "certboot", True)
    assert start(python).out == "('no-store', '/opt/certboot')\n"
    again = install.install(folder)
    assert (again.action, again.hook.base, again.hook.home) == ("unchanged", True, "/opt/certboot")
    assert not inventory.outdated(again.hook)
    (folder / payload.BASE_FOLDER / "guards.py").unlink()
    assert inventory.outdated(inventory.look(folder))
    assert install.install(folder).action == "renewed"
    start(python)
    changed = folder / payload.BASE
    text = changed.read_text()
    changed.write_text("mine\n")
    for act in (install.install, install.uninstall):
        with pytest.raises(CertbootError, match=f"not as certboot wrote it: {changed}$"):
            act(folder)
    changed.write_text(text)
    assert install.uninstall(folder).action == "removed"
    assert contents(tmp_path / "python") == before


def test_an_installation_that_fails_leaves_the_library_as_it_was(
    python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = library(tmp_path / "python")
    start(python)
    before = contents(tmp_path / "python")
    real = files.replace
    written: list[str] = []

    def failing(path: Path, data: bytes) -> None:
        written.append(path.name)
        if path.name == payload.BASE:
            raise OSError(28, "No space left on device", str(path))
        real(path, data)

    with monkeypatch.context() as patch:
        patch.setattr(files, "replace", failing)
        with pytest.raises(OSError, match="No space left"):
            install.install(folder, base=True)
    assert written.index("__init__.py") < written.index(payload.BASE)  # what calls is written last
    assert contents(tmp_path / "python") == before
