"""``certboot env``, run as a program with the environment that a person may have."""

from __future__ import annotations

import argparse
import functools
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.commands import Run
from support.environments import SYSTEM_PATH
from support.hook_store import Store
from support.started import environment_in, executable, in_a_shell, ran
from support.table import cases

from certboot.cli import env
from certboot.store.paths import StorePaths
from certboot_startup import adopted

FISH = "certboot env --format fish | source; exec env -0"


@pytest.fixture
def store(paths: StorePaths) -> Store:
    return Store(paths.home)


def test_env_prints_what_the_hook_would_set(certboot: Run, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = certboot("env")
    assert (ran.status, ran.err) == (0, "")
    assert ran.out == "".join(f"export {name}={value}\n" for name, value in store.settings.items())
    assert json.loads(certboot("env", "--format", "json").out) == store.settings
    monkeypatch.setenv("SSL_CERT_FILE", "/own.pem")
    ran = certboot("env", "--force", "--format", "json")
    assert (json.loads(ran.out), ran.err) == (store.settings, "")
    monkeypatch.setattr("sys.stdout", None)
    assert env.env_command(argparse.Namespace(force=False, format="sh", add=[], only=False)) == 0


@pytest.mark.usefixtures("store")
def test_env_leaves_alone_what_is_set_to_something_else_and_says_why(
    certboot: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_CERT", "/x\x1b")
    monkeypatch.setenv("SSL_CERT_FILE", "")
    ran = certboot("env")
    assert ran.status == 0
    assert not any(name in ran.out for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"))
    assert "GIT_SSL_CAINFO" in ran.out
    assert ran.err == (
        "certboot: REQUESTS_CA_BUNDLE is left alone, because PIP_CERT is set by something else: PIP_CERT=/x\ufffd\n"
        "certboot: SSL_CERT_FILE is left alone, because it is set by something else: SSL_CERT_FILE=\n"
        "certboot: SSL_CERT_DIR is left alone, because SSL_CERT_FILE is set by something else: SSL_CERT_FILE=\n"
        "\nhint: certboot env --force\n"
    )


def test_env_replaces_a_value_that_was_adopted(certboot: Run, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CURL_CA_BUNDLE", "/old.pem")
    assert "CURL_CA_BUNDLE is set" in certboot("env").err
    store.write(*(f"{name}={value}" for name, value in store.settings.items()), "-CURL_CA_BUNDLE=/old.pem")
    replaced = f"{store.home}/current/./bundle.pem"
    for value in ("/old.pem", replaced):  # the latter as a child has it
        monkeypatch.setenv("CURL_CA_BUNDLE", value)
        ran = certboot("env", "--format", "json")
        assert (json.loads(ran.out), ran.err) == ({**store.settings, "CURL_CA_BUNDLE": replaced}, "")


@cases("preset", [{}, dict.fromkeys(("PIP_CERT", "AWS_CA_BUNDLE", "CURL_CA_BUNDLE"), "/old.pem")])
def test_a_store_that_is_named_gives_what_its_hook_sets_whatever_another_store_has_set(
    clean: Path, store: Store, tmp_path: Path, preset: dict[str, str]
) -> None:
    """Also in the place of values that both have adopted, and whether or not it is the hook here that has set them."""
    other = Store(tmp_path / "other")
    for kept in (store, other):
        kept.write(
            *(f"{name}={value}" for name, value in kept.settings.items()), *(f"-{n}={v}" for n, v in preset.items())
        )
    expected = other.settings | {name: adopted(name, f"{other.home}/current") for name in preset}
    assert len(expected) == 7 + len(preset)
    inherited = store.settings | {name: adopted(name, f"{store.home}/current") for name in preset}
    for environ in (preset, preset | {"CERTBOOT_DISABLE": ""}, inherited):
        start = functools.partial(ran, home=clean, data=b"", **environ)
        done = start("env", "--format", "json", "--home", other.home)
        assert (json.loads(done.stdout), done.stderr) == (expected, b"")
        done = start("run", "--home", other.home, "--", "env", "-0")
        assert environment_in(done.stdout).items() >= expected.items()


@pytest.mark.parametrize("shell", ["sh", "bash", "zsh", "fish"])
def test_a_shell_that_evaluates_it_has_the_variables(shell: str, tmp_path: Path) -> None:
    """The store's path is as odd as a path can be that SSL_CERT_DIR can express."""
    program = shutil.which(shell, path=SYSTEM_PATH) or pytest.skip(f"no {shell} on this machine")
    home = os.fsdecode(b'it\'s "mine" $HOME, caf\xc3\xa9 `id` \xff\xfe back\\slash')
    store = Store(tmp_path / "plain")
    store.home = store.home.rename(tmp_path / home)
    store.env = store.home / "env"
    store.env.write_bytes(store.env.read_bytes().replace(b"/plain/", os.fsencode(f"/{home}/")))
    commands = tmp_path / "bin"
    commands.mkdir()
    executable(commands / "certboot", f'#!/bin/sh\nexec {sys.executable} -m certboot "$@"\n')
    environ = {"PATH": f"{commands}:{SYSTEM_PATH}", "CERTBOOT_HOME": str(store.home), "LC_ALL": "C.UTF-8"}
    environ["HOME"] = str(tmp_path)
    script = FISH if shell == "fish" else 'eval "$(certboot env)"; exec env -0'
    done = subprocess.run([program, "-c", script], env=environ, capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")
    environ = environment_in(done.stdout)
    assert {name: environ[name] for name in store.settings} == store.named("current")


@pytest.mark.usefixtures("store")
def test_a_reader_that_goes_or_is_not_there_is_no_error(clean: Path) -> None:
    for script in ("certboot env >&-", "PIP_CERT=/own certboot env >&- 2>&-", "certboot env | true"):
        done = in_a_shell(script, clean)
        assert (done.returncode, done.stderr) == (0, "")
    # It ends a program as it does without certboot.
    done = in_a_shell("certboot run -- yes | head -n 1; echo ${PIPESTATUS[0]}", clean, "bash")
    assert (done.stdout, done.stderr) == (f"y\n{128 + signal.SIGPIPE}\n", "")
