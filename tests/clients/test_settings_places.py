"""Where each client looks, beside the client itself where it is at hand."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.environments import SYSTEM_PATH
from support.here import put
from support.table import cases

from certboot.clients import settings_places
from certboot.clients.settings import Setting, find_settings
from certboot.clients.settings_places import Surroundings


@pytest.fixture
def around(clean: Path, tmp_path: Path) -> Surroundings:
    """A user with a home, who stands in a folder of his own, on a machine whose own files lie below ``root``."""
    folder = tmp_path / "project" / "below"
    folder.mkdir(parents=True)
    return Surroundings({"HOME": str(clean), "PATH": SYSTEM_PATH}, folder, tmp_path / "root")


def having(around: Surroundings, **environ: str | Path) -> Surroundings:
    more = {name: str(value) for name, value in environ.items()}
    return around._replace(environ={**around.environ, **more})


def last(around: Surroundings, client: str) -> Setting:
    return [setting for setting in find_settings(around).settings if setting.client == client][-1]


# pip


def by_pip(environ: dict[str, str]) -> list[str]:
    argv = [sys.executable, "-m", "pip", "config", "debug"]
    ran = subprocess.run(argv, env=environ, capture_output=True, text=True, check=True, timeout=60)
    return re.findall(r"^  (/.*), exists:", ran.stdout, re.MULTILINE)


@cases("variables", [{}, {"XDG_CONFIG_HOME": "/x", "XDG_CONFIG_DIRS": "/a:/b"}])
def test_pips_files_are_those_that_pip_lists(around: Surroundings, variables: dict[str, str]) -> None:
    there = having(around, **variables)._replace(root=Path("/"))
    ours = [str(path) for path in settings_places.pip(there)]
    # pip lists the files of the environment first; XDG_CONFIG_DIRS in its own order, of which the first counts most.
    assert sorted(by_pip(dict(there.environ))) == sorted(ours)
    assert [Path(path).name for path in ours] == ["pip.conf"] * len(ours)
    assert ours[-3:] == [
        f"{there.home}/.pip/pip.conf",
        f"{variables.get('XDG_CONFIG_HOME', there.home / '.config')}/pip/pip.conf",
        str(Path(sys.prefix, "pip.conf")),
    ]


def test_pip_config_file_takes_the_place_of_the_users_if_it_is_there(around: Surroundings, tmp_path: Path) -> None:
    user = around.home / ".config" / "pip" / "pip.conf"
    there = having(around, PIP_CONFIG_FILE=tmp_path / "own.conf")
    assert settings_places.pip(there)[-1] == tmp_path / "own.conf"
    assert user in settings_places.pip(there)
    put(tmp_path / "own.conf", "")
    assert user not in settings_places.pip(there)
    assert settings_places.pip(having(around, PIP_CONFIG_FILE=os.devnull)) == []


def test_pips_later_files_go_before_the_earlier(around: Surroundings) -> None:
    files = [around.root / "etc/pip.conf", around.home / ".pip/pip.conf", around.home / ".config/pip/pip.conf"]
    for number, path in enumerate(files):
        put(path, f"[global]\ncert = /{number}.pem\n")
        assert last(around, "pip") == ("pip", "global.cert", f"/{number}.pem", str(path), 2)


@cases(("platform", "folder"), [("darwin", "Library/Application Support/pip"), ("linux", ".config/pip")])
def test_on_macos_the_library_folder_counts_if_it_is_there(
    around: Surroundings, monkeypatch: pytest.MonkeyPatch, platform: str, folder: str
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    assert around.home / ".config/pip/pip.conf" in settings_places.pip(around)
    (around.home / "Library/Application Support/pip").mkdir(parents=True)
    assert around.home / folder / "pip.conf" in settings_places.pip(around)


# curl

needs_curl = pytest.mark.skipif(not shutil.which("curl", path=SYSTEM_PATH), reason="there is no curl")


def by_curl(environ: dict[str, str], folder: Path) -> str:
    (folder / "empty").touch()
    argv = ["curl", "--libcurl", f"{folder}/code.c", f"file://{folder}/empty"]
    subprocess.run(argv, env=environ, check=True, capture_output=True, timeout=60)
    named = re.search(r'CURLOPT_CAINFO, "(.*)"', (folder / "code.c").read_text())
    return named[1] if named else ""


@needs_curl
@cases("variables", [(), ("CURL_HOME",), ("XDG_CONFIG_HOME",), ("CURL_HOME", "XDG_CONFIG_HOME")])
def test_the_curlrc_is_the_one_that_curl_takes(
    around: Surroundings, tmp_path: Path, variables: tuple[str, ...]
) -> None:
    """Where XDG_CONFIG_HOME counts, the name has no dot from curl 8 on; the other is there for older ones."""
    there = having(around, **{name: tmp_path / name for name in variables})
    home = around.home
    version = subprocess.run(["curl", "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
    names = {"XDG_CONFIG_HOME": ".curlrc" if version.startswith("7.") else "curlrc"}
    files = [home / ".config/curlrc", home / ".curlrc"]
    files += [tmp_path / variable / names.get(variable, ".curlrc") for variable in reversed(variables)]
    for number, path in enumerate(files):
        put(tmp_path / f"{number}.pem", "")  # newer curls take no file that is not there
        put(path, f"cacert = {tmp_path}/{number}.pem\n")
        expected = by_curl(dict(there.environ), tmp_path)
        found = [each.value for each in find_settings(there).settings if each.client == "curl"]
        assert (found or [""])[-1] == expected


def test_the_home_that_the_system_knows_is_where_curl_looks_last(
    around: Surroundings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(settings_places, "_account_home", lambda: [str(tmp_path / "account")])
    put(tmp_path / "account/.curlrc", "insecure\n")
    assert settings_places.curl(around) == [tmp_path / "account/.curlrc"]
    put(around.home / ".curlrc", "")
    assert settings_places.curl(around) == [around.home / ".curlrc"]


def test_a_user_whom_the_system_does_not_know_has_no_such_home(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings_places._account_home()
    monkeypatch.setattr(os, "geteuid", lambda: 3_999_999_999)
    assert settings_places._account_home() == []


# npm


def test_npms_files_go_from_the_machine_to_the_project(around: Surroundings, tmp_path: Path) -> None:
    node = put(around.root / "opt/bin/node", "#!/bin/sh\n")
    node.chmod(0o755)
    there = having(around, PATH=node.parent)
    put(tmp_path / "project/package.json", "{}")
    files = [around.root / "opt/etc/npmrc", around.home / ".npmrc", tmp_path / "project/.npmrc"]
    assert settings_places.npm(there) == files
    for number, path in enumerate(files):
        put(path, f"//registry.example/:_authToken=secret\ncafile=/{number}.pem\n")
        assert last(there, "npm") == ("npm", "cafile", f"/{number}.pem", str(path), 2)
    assert "secret" not in repr(find_settings(there))


def test_npms_variables_choose_its_files(around: Surroundings) -> None:
    there = having(around, NPM_CONFIG_USERCONFIG="/u", npm_config_globalconfig="/g")
    assert settings_places.npm(there) == [Path("/g"), Path("/u"), around.folder / ".npmrc"]
    assert settings_places.npm(having(around, npm_config_prefix="/p"))[0] == Path("/p/etc/npmrc")
    assert settings_places.npm(having(around, PREFIX="/p"))[0] == Path("/p/etc/npmrc")
    (around.folder / "node_modules").mkdir()  # without node there is no file for the machine
    assert settings_places.npm(having(around, PATH="/nowhere")) == [around.home / ".npmrc", around.folder / ".npmrc"]


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("npm", path=SYSTEM_PATH), reason="there is no npm")
def test_npm_has_the_same_files(around: Surroundings) -> None:
    put(around.folder / "package.json", "{}")
    for number, path in enumerate((around.home / ".npmrc", around.folder / ".npmrc")):
        put(path, f"cafile = /{number}.pem ; words\nstrict-ssl = false\n")
        for name in ("cafile", "strict-ssl"):
            ran = subprocess.run(
                ["npm", "config", "get", name], env=dict(around.environ), cwd=around.folder, capture_output=True,
                text=True, check=True, timeout=60,
            )  # fmt: skip
            found = [each for each in find_settings(around).settings if each[:2] == ("npm", name)][-1]
            assert (found.value, found.file) == (ran.stdout.strip(), str(path))


# conda


def test_condas_files_go_from_the_machine_to_the_environment(around: Surroundings, tmp_path: Path) -> None:
    there = having(around, CONDA_ROOT=tmp_path / "conda", CONDA_PREFIX=tmp_path / "env", CONDARC=tmp_path / "rc")
    machine, home = around.root, around.home
    files = [
        *(machine / name for name in ("etc/conda/.condarc", "etc/conda/condarc.d/a.yml", "var/lib/conda/condarc")),
        tmp_path / "conda/.condarc",
        *(home / name for name in (".config/conda/.condarc", ".conda/condarc", ".condarc")),
        *(tmp_path / name for name in ("env/.condarc", "env/condarc.d/b.yaml", "rc")),
    ]
    for number, path in enumerate(files):
        put(path, f"ssl_verify: /{number}.pem\n")
        assert last(there, "conda") == ("conda", "ssl_verify", f"/{number}.pem", str(path), 1)
    put(around.root / "etc/conda/condarc.d/notes.txt", "ssl_verify: /no.pem\n")
    assert "/no.pem" not in repr(find_settings(there))


def test_conda_itself_is_found_by_its_program(around: Surroundings, tmp_path: Path) -> None:
    put(tmp_path / "conda/condabin/conda", "").chmod(0o755)
    exe, path = {"CONDA_EXE": tmp_path / "conda/bin/conda"}, {"PATH": tmp_path / "conda/condabin"}
    for variables, is_there in (({}, False), (exe, True), (path, True)):
        assert (tmp_path / "conda/.condarc" in settings_places.conda(having(around, **variables))) is is_there


# uv


def test_uvs_files_go_from_the_machine_to_the_project(around: Surroundings, tmp_path: Path) -> None:
    files = [
        *(around.root / name for name in ("etc/xdg/uv/uv.toml", "etc/uv/uv.toml")),
        around.home / ".config/uv/uv.toml",
        tmp_path / "project/pyproject.toml",
    ]
    for path in files:
        table = "[tool.uv]\n" if path.name == "pyproject.toml" else ""
        put(path, f"{table}system-certs = true\n")
        assert last(around, "uv")[3] == str(path)
    put(tmp_path / "project/uv.toml", "system-certs = false\n")  # beside it the other does not count
    assert last(around, "uv") == ("uv", "system-certs", "false", str(tmp_path / "project/uv.toml"), 1)
    assert str(tmp_path / "project/pyproject.toml") not in repr(find_settings(around))


def test_a_pyproject_without_a_table_for_uv_is_passed_over(around: Surroundings, tmp_path: Path) -> None:
    put(around.folder / "pyproject.toml", "[project]\nname = 'x'\n")
    put(tmp_path / "project/pyproject.toml", "[tool.uv]\nnative-tls = true\n")
    assert last(around, "uv").file == str(tmp_path / "project/pyproject.toml")
    os.truncate(tmp_path / "project/pyproject.toml", 1 << 40)
    assert [each for each in find_settings(around).settings if each.client == "uv"] == []


def test_uvs_variables_choose_its_files(around: Surroundings) -> None:
    assert settings_places.uv(having(around, UV_CONFIG_FILE="/u")) == [Path("/u")]
    assert settings_places.uv(having(around, UV_NO_CONFIG="1", UV_CONFIG_FILE="/u")) == []


# The others


def test_wget_cargo_and_aws(around: Surroundings) -> None:
    assert settings_places.cargo(around) == []
    new = put(around.home / ".cargo/config.toml", "")
    assert settings_places.cargo(around) == [new]
    assert settings_places.wget(having(around, WGETRC="/w"))[-1] == Path("/w")
    assert settings_places.aws(having(around, AWS_CONFIG_FILE="/a")) == [Path("/a")]
    assert settings_places.cargo(having(around, CARGO_HOME="/nowhere")) == []
    old = put(around.home / ".cargo/config", "")
    assert settings_places.cargo(around) == [old]


def test_on_windows_files_have_other_places(
    around: Surroundings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(settings_places, "_WINDOWS", True)
    there = having(around, APPDATA="/app", PROGRAMDATA="/data", USERPROFILE=tmp_path)
    assert [str(path) for path in settings_places.pip(there)[:3]] == [
        "/data/pip/pip.ini", f"{around.home}/pip/pip.ini", "/app/pip/pip.ini",
    ]  # fmt: skip
    assert [str(path) for path in settings_places.uv(there)[:2]] == ["/data/uv/uv.toml", "/app/uv/uv.toml"]
    put(tmp_path / "_curlrc", "")
    assert settings_places.curl(there) == [tmp_path / "_curlrc"]
    monkeypatch.setattr(sys, "platform", "win32")
    assert settings_places._account_home() == []
