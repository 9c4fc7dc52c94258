from __future__ import annotations

import os
from pathlib import Path

from support.table import cases

from certboot.hook.tool_environment import Elsewhere, elsewhere, tool_environment


@cases(
    ("prefix", "tool"),
    [
        # As the documentation of each tool gives its places.
        ("/home/you/.local/share/pipx/venvs/certboot", "pipx"),
        ("/home/you/.local/pipx/venvs/certboot", "pipx"),
        ("/opt/pipx/venvs/certboot", "pipx"),
        ("/Users/you/Library/Application Support/pipx/venvs/certboot", "pipx"),
        ("/home/you/.local/pipx/.cache/1a2b3c", "pipx run"),
        ("/home/you/.local/share/uv/tools/certboot", "uv tool"),
        ("/Users/you/AppData/Roaming/uv/data/tools/certboot", "uv tool"),
        ("/home/you/.cache/uv/archive-v0/5mledyZnvLs75xlCg-2oW", "uvx"),
        ("/home/you/.cache/uv/environments-v2/script-409d7d054e15cc1d", "uvx"),
        ("/home/you/project/.venv", ""),
        ("/home/you/venvs/certboot", ""),
        ("/home/you/tools/certboot", ""),
        ("/home/you/pipx/venvs", ""),
        ("/usr", ""),
        ("/", ""),
    ],
)
def test_a_tool_s_environment_is_known_by_where_it_lies(prefix: str, tool: str) -> None:
    assert tool_environment(prefix, {}) == tool


@cases(
    ("variable", "below", "tool"),
    [("PIPX_HOME", "venvs/x", "pipx"), ("PIPX_GLOBAL_HOME", "venvs/x", "pipx"), ("UV_TOOL_DIR", "x", "uv tool")],
)
def test_a_tool_s_environment_is_known_by_the_variable_that_moves_it(variable: str, below: str, tool: str) -> None:
    assert tool_environment(f"/srv/{below}", {variable: "/srv"}) == tool
    assert tool_environment(f"/srv/{below}", {variable: ""}) == ""
    assert tool_environment("/srv", {variable: "/srv"}) == ""


@cases(("marker", "tool"), [("pipx_metadata.json", "pipx"), ("uv-receipt.toml", "uv tool")])
def test_a_tool_s_environment_is_known_by_what_the_tool_left_in_it(tmp_path: Path, marker: str, tool: str) -> None:
    assert tool_environment(str(tmp_path), {}) == ""
    (tmp_path / marker).touch()
    assert tool_environment(str(tmp_path), {}) == tool


def environment(folder: Path, *, virtual: bool = True) -> Path:
    (folder / "bin").mkdir(parents=True)
    for name in ("python", "python3"):
        (folder / "bin" / name).write_text("")
        (folder / "bin" / name).chmod(0o755)
    if virtual:
        (folder / "pyvenv.cfg").touch()
    return folder


def test_the_active_virtualenv_is_what_the_user_means(tmp_path: Path) -> None:
    tool, active = environment(tmp_path / "tool"), environment(tmp_path / "active")
    variables = {"VIRTUAL_ENV": str(active), "PATH": ""}
    assert elsewhere(str(tool), variables) == Elsewhere(str(active / "bin" / "python"), user=False)
    assert elsewhere(str(active), variables) is None
    assert elsewhere(str(tool), {"VIRTUAL_ENV": str(tmp_path / "gone"), "PATH": ""}) is None


def test_else_it_is_the_first_python_on_path(tmp_path: Path) -> None:
    tool = environment(tmp_path / "tool")
    usr = environment(tmp_path / "usr", virtual=False)
    path = os.pathsep.join(["", str(tool / "bin"), str(usr / "bin")])
    assert elsewhere(str(tool), {"PATH": path}) == Elsewhere(str(usr / "bin" / "python3"), user=True)
    (usr / "bin" / "python3").unlink()
    assert elsewhere(str(tool), {"PATH": path}) == Elsewhere(str(usr / "bin" / "python"), user=True)
    other = environment(tmp_path / "other")
    assert elsewhere(str(tool), {"PATH": str(other / "bin")}) == Elsewhere(str(other / "bin" / "python3"), user=False)
