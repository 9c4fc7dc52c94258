"""Each tool's piece against its schema or its own parser, or where there is none here, against its documented rules."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

import jsonschema
import pytest
import yaml
from cli.test_env_formats import CHARACTERS, NOT_TEXT, ODD, ONCE, TEXTS, named, needs
from hypothesis import given
from hypothesis import strategies as st
from support.environments import SYSTEM_PATH
from support.table import cases

from certboot.cli.env_snippets import NOTES, snippet
from certboot.errors import CertbootError

HOME = "/home/you/.local/share/certboot"
FOLDERS = st.text(CHARACTERS).map(lambda rest: f"/{rest}")


def schema(name: str) -> dict[str, object]:
    return dict(
        json.loads(resources.files("check_jsonschema").joinpath(f"builtin_schemas/vendor/{name}.json").read_text())
    )


def once(text: str) -> str:
    """Return what Compose makes of its own ``$$``; a single one would be a variable."""
    assert not re.search(r"(?<!\$)(?:\$\$)*\$(?!\$)", text)
    return text.replace("$$", "$")


def read_by_systemd(text: str, _home: str) -> dict[str, str]:
    """Undo systemd.syntax(7)'s quotes and escapes, and systemd.exec(5)'s ``%%``."""
    head, *lines = text.splitlines()
    assert head == "[Service]"
    held = {}
    for line in lines:
        match = re.fullmatch(r'Environment="(\w+)=((?:[^"\\]|\\["\\]|\\u[0-9a-f]{4}|\\U[0-9a-f]{8})*)"', line)
        assert match, line
        value = re.sub(r"\\u(.{4})|\\U(.{8})|\\(.)", lambda part: part[3] or chr(int(part[1] or part[2], 16)), match[2])
        assert re.fullmatch("(?:[^%]|%%)*", value, re.DOTALL)
        held[match[1]] = value.replace("%%", "%")
    return held


def read_by_compose(text: str, home: str) -> dict[str, str]:
    whole = yaml.safe_load(text)
    jsonschema.validate(whole, schema("compose-spec"))
    service = whole["services"]["SERVICE"]
    assert [once(service["volumes"][0][end]) for end in ("source", "target")] == [home, home]
    return {name: once(value) for name, value in service["environment"].items()}


def read_by_gitlab(text: str, _home: str) -> dict[str, str]:
    whole = yaml.safe_load(text)
    jsonschema.validate(whole, schema("gitlab-ci"))
    held = {}
    for name, value in whole["variables"].items():
        assert isinstance(value, dict) == ("$" in str(value))
        assert not isinstance(value, dict) or value["expand"] is False
        held[name] = value["value"] if isinstance(value, dict) else value
    return held


def read_by_devcontainer(text: str, home: str) -> dict[str, str]:
    whole = json.loads(text)
    assert whole.keys() == {"containerEnv", "mounts"}
    assert "${" not in text
    assert whole["mounts"] == [f"source={home},target={home},type=bind,readonly"]
    return dict(whole["containerEnv"])


def read_by_mcp(text: str, _home: str) -> dict[str, str]:
    server = json.loads(text)["mcpServers"]["SERVER"]
    assert server.keys() == {"command", "args", "env"}
    return dict(server["env"])


def read_by_vscode(text: str, _home: str) -> dict[str, str]:
    (setting,) = json.loads(text).items()
    assert re.fullmatch(r"terminal\.integrated\.env\.(linux|osx|windows)", setting[0])
    return dict(setting[1])


READERS = {
    "systemd": read_by_systemd,
    "docker-compose": read_by_compose,
    "gitlab": read_by_gitlab,
    "devcontainer": read_by_devcontainer,
    "mcp": read_by_mcp,
    "vscode": read_by_vscode,
}
REFUSED = {
    "systemd": set(),
    "docker-compose": set(),
    "gitlab": set(),
    "devcontainer": {"BRACES"},
    "mcp": {"BRACES"},
    "vscode": {"BRACES"},
}


def refused(form: str, value: str, home: str = HOME) -> bool:
    try:
        snippet(form, {"A": value}, home)
    except CertbootError as error:
        return repr(value if home == HOME else home) in error.message
    return False


def written(form: str, values: Mapping[str, str]) -> dict[str, str]:
    """Return those of the values that the format does not refuse."""
    return {name: value for name, value in values.items() if not refused(form, value)}


def test_each_tool_has_a_reader_here_and_a_note() -> None:
    assert READERS.keys() == NOTES.keys()
    assert all(len(f"note: {note}") <= 120 for note in NOTES.values())


@cases("form", READERS)
def test_a_tool_reads_every_value_that_it_can_carry_as_it_is(form: str) -> None:
    values = written(form, ODD)
    assert ODD.keys() - values.keys() == REFUSED[form]
    assert READERS[form](snippet(form, values, HOME), HOME) == values
    assert snippet(form, {}, HOME) == ""


@cases("form", READERS)
@given(values=TEXTS)
@ONCE
def test_a_tool_reads_any_value_that_is_not_refused(form: str, values: list[str]) -> None:
    accepted = written(form, named(values))
    assert not accepted or READERS[form](snippet(form, accepted, HOME), HOME) == accepted


@cases("form", ["docker-compose", "devcontainer"])
@given(home=FOLDERS)
@ONCE
def test_a_container_is_given_the_folder_of_the_store_or_nothing(form: str, home: str) -> None:
    unfit = form == "devcontainer" and ("${" in home or bool(set(home) & set(',"\r\n')))
    assert refused(form, "/a", home) == unfit
    assert unfit or READERS[form](snippet(form, {"A": "/a"}, home), home) == {"A": "/a"}


@cases("form", ["docker-compose", "devcontainer"])
def test_no_container_is_given_a_folder_of_windows(form: str) -> None:
    with pytest.raises(CertbootError, match="no such folder"):
        snippet(form, {"A": "/a"}, r"C:\Users\you\certboot")
    assert snippet("vscode", {"A": "/a"}, r"C:\Users\you\certboot")


@cases("form", READERS)
def test_a_path_that_is_no_text_is_refused(form: str) -> None:
    for settings, home in (({"A": NOT_TEXT}, HOME), ({"A": "/a"}, NOT_TEXT)):
        with pytest.raises(CertbootError, match=f"--format {form}: it takes Unicode only"):
            snippet(form, settings, home)


def test_systemd_itself_reads_such_escapes(tmp_path: Path) -> None:
    """systemd-tmpfiles reads what a file is to hold by the escapes and the ``%`` that a unit has."""
    program = needs("systemd-tmpfiles")
    texts = re.findall(r'Environment="\w+=(.*)"', snippet("systemd", ODD, HOME))
    lines = (f"f /out/{name} - - - - <{text}>\n" for name, text in zip(ODD, texts, strict=True))
    (tmp_path / "some.conf").write_text("".join(lines), "utf-8")
    argv = [program, "--root", str(tmp_path), "--create", str(tmp_path / "some.conf")]
    ran = subprocess.run(argv, env={"PATH": SYSTEM_PATH}, capture_output=True, text=True, check=False, timeout=60)
    assert (ran.returncode, ran.stderr) == (0, "")
    held = {name: (tmp_path / "out" / name).read_bytes().decode()[1:-1] for name in ODD}
    assert held == ODD
