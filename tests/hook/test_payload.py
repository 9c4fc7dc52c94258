from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.table import cases

import certboot_startup
from certboot.errors import CertbootError
from certboot.hook import payload


def test_the_hook_is_its_package_and_one_line() -> None:
    found = payload.hook_files()
    modules = {f"certboot_startup/{path.name}" for path in Path(certboot_startup.__file__).parent.glob("*.py")}
    assert set(found) == modules | {"certboot_startup.pth"}
    assert found["certboot_startup.pth"] == b"import certboot_startup; certboot_startup.activate()\n"
    for data in {**payload.home_files("/s"), **payload.copy_files("/s"), **payload.base_files("/s")}.values():
        ast.parse(data, feature_version=(3, 8))


def test_what_calls_comes_after_what_is_called() -> None:
    names = payload.in_order({**payload.home_files("/s", start_file=True), **payload.copy_files("", start_file=True)})
    assert names[-4:] == ["certboot_home.start", "certboot_home.pth", "certboot_startup.start", "certboot_startup.pth"]
    assert names[-5] == "certboot_startup/__init__.py"
    assert "certboot_home.py" in names[:-5]
    assert payload.in_order(payload.base_files(""))[-2:] == ["certboot.base/__init__.py", "sitecustomize.py"]
    assert min("certboot_startup.pth", "certboot_home.pth") == "certboot_home.pth"  # as site has them


def recorded(home: str) -> list[str]:
    """Return the folder as the module that records it gives it, and as the copy's start-up file does."""
    files = payload.copy_files(home, start_file=True)
    assert files["certboot_home.py"] == payload.home_files(home)["certboot_home.py"]
    names: dict[str, object] = {}
    exec(files["certboot_home.py"], names)  # noqa: S102
    (line,) = files["certboot_startup.pth"].decode("ascii").splitlines()
    call = ast.parse(line).body[1]
    assert isinstance(call, ast.Expr)
    assert isinstance(call.value, ast.Call)
    constants = [
        node for node in ast.parse(payload.base_files(home)["sitecustomize.py"]).body if isinstance(node, ast.Assign)
    ]
    (base,) = (ast.literal_eval(node.value) for node in constants if ast.unparse(node.targets[0]) == "HOME")
    return [str(names["HOME"]), str(ast.literal_eval(call.value.args[0])), str(base)]


@given(st.text(min_size=1))
def test_a_store_s_folder_may_hold_any_character(home: str) -> None:
    assert recorded(home) == [home] * 3
    assert all(data.isascii() for data in payload.copy_files(home).values())


@cases("name", [b"\xff\xfe", b'it\'s "here"', b"a\\b\\", b"line\nbreak\r", b"{home}%s", "ünï".encode()])
def test_a_store_s_folder_may_have_any_name(name: bytes) -> None:
    home = os.fsdecode(b"/opt/" + name)
    assert [os.fsencode(each) for each in recorded(home)] == [b"/opt/" + name] * 3


def test_without_a_store_nothing_is_recorded() -> None:
    assert payload.home_files("") == {}
    assert payload.copy_files("") == payload.hook_files()


def test_only_what_runs_no_import_lines_has_a_start_file() -> None:
    """On Python 3.15 to 3.17 it would cost more than half a start more."""
    hook, files = payload.hook_files().keys(), {"certboot_startup.start", "certboot_home.py"}
    assert payload.copy_files("/s").keys() == hook
    assert payload.copy_files("/s", start_file=True).keys() - hook == files
    assert payload.copy_files("", start_file=True).keys() - hook == {"certboot_startup.start"}
    assert payload.home_files("/s").keys() == {"certboot_home.py", "certboot_home.pth"}
    for home in ("", "/s"):
        assert "certboot_home.start" in payload.home_files(home, start_file=True)


@cases("hook", [None, "", "def activate(): pass", "raise OSError", "def activate(home): raise KeyError"])
def test_the_record_of_a_store_is_silent_without_a_hook_and_with_one_that_is_too_old(
    tmp_path: Path, hook: str | None
) -> None:
    """As when pip has uninstalled certboot, which knows nothing of these files."""
    (tmp_path / "certboot_home.py").write_bytes(payload.home_files("/s")["certboot_home.py"])
    if hook is not None:
        (tmp_path / "certboot_startup.py").write_text(hook)
    line = payload.home_files("/s")["certboot_home.pth"].decode()
    done = subprocess.run([sys.executable, "-S", "-c", line], cwd=tmp_path, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A hook of this certboot's own that can be damaged."""
    source = Path(certboot_startup.__file__).parent
    shutil.copytree(source, tmp_path / "certboot_startup", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(source.parent / "certboot_startup.pth", tmp_path)
    monkeypatch.setattr(certboot_startup, "__file__", str(tmp_path / "certboot_startup" / "__init__.py"))
    return tmp_path


def test_a_hook_of_our_own_that_is_not_whole_or_not_ascii_is_not_copied(own: Path) -> None:
    line = own / "certboot_startup.pth"
    before = line.read_bytes()
    line.unlink()
    with pytest.raises(CertbootError, match=r"own hook cannot be read: No such file or directory: .*startup\.pth"):
        payload.hook_files()
    line.write_bytes("import certboot_startup # ü\n".encode())
    with pytest.raises(CertbootError, match=r"own hook is not as it was published: .*startup\.pth"):
        payload.hook_files()
    line.write_bytes(before)
    assert payload.hook_files()


def test_the_store_that_is_recorded_goes_before_the_user_s_own_and_certboot_home_before_both(tmp_path: Path) -> None:
    for name, data in {**payload.hook_files(), **payload.home_files("/opt/certboot")}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    code = (
        "import os, sys; sys.modules.pop('certboot_startup', None); sys.path.insert(0, sys.argv[1])\n"
        "import certboot_home; certboot_home.activate()\n"
        "import certboot_startup as s; s.activate(); print(s.home, s.store_home(os.environ, set(os.environ)))"
    )
    for variables, store in ({}, "/opt/certboot"), ({"CERTBOOT_HOME": "/mine"}, "/mine"):
        command, environ = [sys.executable, "-S", "-c", code, str(tmp_path)], {**os.environ, **variables}
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
        assert done.stdout == f"/opt/certboot {store}\n"
