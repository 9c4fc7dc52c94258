from __future__ import annotations

import os
import subprocess
import typing
from pathlib import Path

import pytest
from support.environments import SYSTEM_PATH
from support.table import cases

from certboot.clients.git import git_settings, is_off, settings_outranked
from certboot.clients.settings_places import Surroundings


@pytest.fixture
def around(clean: Path, tmp_path: Path) -> Surroundings:
    (tmp_path / "project").mkdir()
    environ = {"HOME": str(clean), "PATH": SYSTEM_PATH, "GIT_CONFIG_NOSYSTEM": "1"}
    return Surroundings(environ, tmp_path / "project")


def git(around: Surroundings, *arguments: str) -> None:
    subprocess.run(["git", *arguments], env=dict(around.environ), cwd=around.folder, check=True, capture_output=True)


def test_without_settings_there_are_none(around: Surroundings) -> None:
    git(around, "config", "--global", "user.name", "me")
    assert tuple(git_settings(around)) == ()


@pytest.mark.timeout(5)
def test_git_is_not_asked_where_it_would_wait(around: Surroundings) -> None:
    os.mkfifo(around.home / "pipe")
    git(around, "config", "--global", "http.sslVerify", "false")
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        assert tuple(git_settings(around._replace(environ={**around.environ, name: f"{around.home}/pipe"}))) == ()
    assert tuple(git_settings(around)) != ()


def test_settings_have_their_file_and_line(around: Surroundings) -> None:
    config = around.home / ".gitconfig"
    config.write_text("[user]\n\tname = me\n[http]\n\tsslVerify = false\n\tsslCAInfo = ~/ca.pem\n\tproxy = hush\n")
    assert tuple(git_settings(around)) == (
        ("http.sslVerify", "false", str(config), 4),
        ("http.sslCAInfo", "~/ca.pem", str(config), 5),
    )


def test_a_repositorys_own_settings_and_those_of_one_address_count(around: Surroundings) -> None:
    git(around, "init", "-q")
    git(around, "config", "http.https://git.example/.sslCAPath", "/certs")
    (around.folder / ".git/more").write_text("[http]\n\tsslVerify\n")
    git(around, "config", "include.path", "more")
    path = around.folder / ".git"
    assert {setting[:3] for setting in git_settings(around)} == {
        ("http.https://git.example/.sslCAPath", "/certs", str(path / "config")),
        ("http.sslVerify", "true", str(path / "more")),
    }


def test_what_comes_from_a_variable_has_no_file(around: Surroundings) -> None:
    more = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "http.sslVerify", "GIT_CONFIG_VALUE_0": "no"}
    there = around._replace(environ={**around.environ, **more})
    assert tuple(git_settings(there)) == (("http.sslVerify", "no", "", 0),)


def test_a_file_that_is_not_to_be_read_again_has_no_line(around: Surroundings) -> None:
    config = around.home / ".gitconfig"
    config.write_text("[http]\n\tsslVerify = false\n" + "# words\n" * 200_000)
    assert tuple(git_settings(around)) == (("http.sslVerify", "false", str(config), 0),)


def test_without_git_nothing_is_known(around: Surroundings, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object, **__: object) -> None:
        raise FileNotFoundError

    monkeypatch.setattr(subprocess, "run", missing)
    assert tuple(git_settings(around)) == ()


@cases("value", ["false", "False", "no", "off", "0", "", "true", "yes", "on", "1", "2"])
def test_git_agrees_on_what_is_off(around: Surroundings, value: str) -> None:
    argv = ["git", "-c", f"http.sslVerify={value}", "config", "--type=bool", "http.sslVerify"]
    ran = subprocess.run(argv, env=dict(around.environ), capture_output=True, text=True, check=True)
    assert is_off(value) == (ran.stdout.strip() == "false")


# What would outrank the variables of certboot, wherever one stands


@pytest.fixture
def everywhere(monkeypatch: pytest.MonkeyPatch, around: Surroundings) -> Surroundings:
    """The machine's git settings are a file of this test."""
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", str(around.folder / "gitconfig"))
    return around._replace(environ=os.environ)


def test_gits_own_settings_of_both_scopes_are_found_and_count_once(everywhere: Surroundings) -> None:
    git(everywhere, "config", "--global", "http.sslVerify", "true")
    git(everywhere, "config", "--global", "http.https://example.org/.proxy", "sslcainfo")
    assert settings_outranked() == ()
    more = everywhere.folder / "more"
    git(everywhere, "config", "--file", str(more), "http.sslCAInfo", "/own.pem")
    git(everywhere, "config", "--global", "include.path", str(more))
    git(everywhere, "config", "--global", "http.sslCAInfo", "/own.pem")
    assert settings_outranked() == ("http.sslcainfo",)
    git(everywhere, "config", "--global", "http.https://git.example/.sslCAPath", "/own")
    git(everywhere, "config", "--system", "http.sslCAPath", "/own")
    assert set(settings_outranked()) == {"http.sslcainfo", "http.https://git.example/.sslcapath", "http.sslcapath"}
    assert settings_outranked({**os.environ, "PATH": str(everywhere.folder)}) == ()  # there is no git


def test_a_setting_of_the_repository_one_stands_in_does_not_count(
    everywhere: Surroundings, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(everywhere, "init", "-q")
    git(everywhere, "config", "--local", "http.sslCAInfo", "/own.pem")
    monkeypatch.chdir(everywhere.folder)
    assert settings_outranked() == ()


def test_a_git_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(command: list[str], timeout: float, **_: object) -> typing.NoReturn:
        raise subprocess.TimeoutExpired(command, timeout)

    monkeypatch.setattr(subprocess, "run", hang)
    assert settings_outranked() == ()
