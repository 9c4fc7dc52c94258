"""A program that PyInstaller has frozen beside certboot, in a folder; tests/test_recipes.py has one in a file."""

from __future__ import annotations

import ast
import json
import typing
from pathlib import Path

import pytest
from support.environments import Environment, built_once, make_environment
from support.table import cases

pytestmark = pytest.mark.slow

FROZEN, LEFT_OUT = "dist/app/app", "dist/left/left"
NO_STORE, DISABLED = {"CERTBOOT_HOME": "/nowhere"}, {"CERTBOOT_DISABLE": "1"}
# What is large and not needed is left out for the time that it takes. The second program is made as
# pyinstaller --exclude-module makes it.
SPEC = """
large = ["setuptools", "tkinter", "sqlite3", "pydoc", "unittest", "asyncio", "ctypes", "cryptography"]

def in_a_folder(made, name):
    program = EXE(PYZ(made.pure), made.scripts, exclude_binaries=True, name=name)
    COLLECT(program, made.binaries, made.datas, name=name)

in_a_folder(Analysis(["app.py"], excludes=large), "app")
in_a_folder(Analysis(["app.py"], excludes=[*large, "certboot_startup"]), "left")
"""
APP = """
import json, os, sys, urllib.request
import requests

url, own = sys.argv[1:]
session = requests.Session()
session.verify = own or True

def told(ask):
    try:
        return ask()
    except OSError as error:
        return str(error)

print(json.dumps({
    "urllib": told(lambda: urllib.request.urlopen(url).read().decode()),
    "requests": told(lambda: session.get(url).text),
    "variables": [name for name, value in os.environ.items() if "/certboot/" in value],
    "packed": [name for name in sys.modules if name.startswith("certboot")],
}))
"""


@pytest.fixture(scope="session")
def maker(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """The environment in which the programs were frozen, and they. Not to be changed."""

    def build(folder: Path) -> None:
        made = make_environment(folder, wheel, "pyinstaller", "requests")
        (folder / "app.py").write_text(APP)
        (folder / "app.spec").write_text(SPEC)
        ran = made.run("pyinstaller", "--log-level", "WARN", "app.spec", home=folder)
        assert ran.status == 0, ran.err

    return Environment(built_once(tmp_path_factory, "frozen", build))


def run(maker: Environment, program: str, home: Path, *argv: str, **variables: str) -> dict[str, typing.Any]:
    ran = maker.run(maker.folder / program, *argv, home=home, **variables)
    assert ran.status == 0, ran.err
    told: dict[str, typing.Any] = json.loads(ran.out)
    return told


def test_it_goes_by_the_store_of_who_starts_it(maker: Environment, trusting: Path, url: str) -> None:
    told = run(maker, FROZEN, trusting, url, "")
    assert (told["urllib"], told["requests"], len(told["variables"])) == ("ok", "ok", 7)


@cases("program, variables", [(FROZEN, NO_STORE), (FROZEN, DISABLED), (LEFT_OUT, {})])
def test_without_a_store_or_where_it_is_told_so_it_is_as_without_certboot(
    maker: Environment, trusting: Path, url: str, program: str, variables: dict[str, str]
) -> None:
    told = run(maker, program, trusting, url, "", **variables)
    for client in ("urllib", "requests"):
        assert "CERTIFICATE_VERIFY_FAILED" in told[client]
        assert "certboot" not in told[client]
    assert told["variables"] == []
    assert bool(told["packed"]) == (program != LEFT_OUT)


def test_the_guards_and_the_hint_are_packed_too(
    maker: Environment, trusting: Path, both: list[str], own: Path, unknown_url: str
) -> None:
    chosen = run(maker, FROZEN, trusting, f"{both[0]}/page", str(own / "own.pem"))
    assert (chosen["requests"], chosen["urllib"].count("VERIFY_FAILED")) == ("ok", 1)
    refused = run(maker, FROZEN, trusting, unknown_url, "")
    command = f"run: certboot doctor {unknown_url.split('/')[2]}"
    assert [refused[client].count(command) for client in ("urllib", "requests")] == [1, 1]


def test_of_certboot_nothing_is_packed_but_the_hook(maker: Environment) -> None:
    tocs = sorted((maker.folder / "build" / "app").glob("PYZ-*.toc"))
    packed, left_out = ({name for name, *_ in ast.literal_eval(toc.read_text())[1]} for toc in tocs)
    assert packed - left_out == {"certboot_startup", "certboot_startup.guards", "certboot_startup.hint"}
    assert not {name for name in left_out if name.startswith("certboot")}
