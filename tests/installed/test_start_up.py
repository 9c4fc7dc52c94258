"""The hook of the built wheel in virtualenvs of every version: when it runs, that it is silent, whom it reaches."""

from __future__ import annotations

import json
import os
import re
import shutil
import zipapp
from collections.abc import Callable
from pathlib import Path

import pytest
from support.environments import STRICT_VERSIONS, Environment, Ran, built_once
from support.table import cases
from support.virtualenvs import packages

from certboot.store import env_file
from certboot.store.paths import StorePaths

pytestmark = pytest.mark.slow

SHOW = """\
import json, os, sys
module = sys.modules.get("certboot_startup")
print(json.dumps([module and module.status, {n: v for n, v in os.environ.items() if "/certboot/" in v}]))
"""
CHILD = "import subprocess, sys; sys.exit(subprocess.call([sys.executable, *{0}, '-c', sys.argv[1]], env={1}))"
# What all versions have in common is looked at on the oldest and on those with strict rules.
ENDS = pytest.mark.parametrize("any_python", ["3.8", *STRICT_VERSIONS], indirect=True)


def store(home: Path) -> StorePaths:
    return StorePaths(home / ".local" / "share" / "certboot")


@pytest.fixture
def settings(trusting: Path) -> dict[str, str]:
    """What the hook has to set."""
    found = env_file.read(store(trusting).env)
    assert found
    assert len(found) == 7
    return found


@pytest.fixture
def shown(any_python: Environment, trusting: Path) -> Callable[..., tuple[str | None, dict[str, str]]]:
    """Start Python so, and return the status of the hook and the variables with our values, as SHOW prints them."""

    def run(*argv: str | Path, home: Path = trusting, **variables: str) -> tuple[str | None, dict[str, str]]:
        ran = any_python.run("python", *argv, home=home, **variables)
        assert (ran.status, ran.err) == (0, "")
        status, found = json.loads(ran.out)
        return status, found

    return run


Shown = Callable[..., tuple["str | None", dict[str, str]]]


def test_the_hook_runs_under_every_flag_that_leaves_site_on_and_for_a_zipapp(
    any_python: Environment, shown: Shown, settings: dict[str, str], tmp_path: Path
) -> None:
    flags = ["-I", "-E", "-s", "-O", "-W error", "-X dev", "-X lazy_imports=all"]
    if any_python.run("python", "-P", "-c", "", home=tmp_path).status == 0:  # it came with Python 3.11
        flags += ["-P", "-I -E -s -P -O"]
    found = {flag: shown(*flag.split(), "-c", SHOW) for flag in flags}
    assert found == dict.fromkeys(flags, ("active", settings))
    source = tmp_path / "app"
    source.mkdir()
    (source / "__main__.py").write_text(SHOW)
    zipapp.create_archive(source, tmp_path / "app.pyz")
    assert shown(tmp_path / "app.pyz") == ("active", settings)


def test_without_site_the_hook_does_not_run_but_its_variables_are_inherited_as_by_any_child(
    any_python: Environment, shown: Shown, settings: dict[str, str], trusting: Path
) -> None:
    assert shown("-S", "-c", SHOW) == (None, {})
    assert shown("-c", CHILD.format(["-S"], None), SHOW) == (None, settings)
    ran = any_python.run("python", "-c", "import subprocess; subprocess.check_call(['env'])", home=trusting)
    assert settings.items() <= dict(line.split("=", 1) for line in ran.out.splitlines()).items()


def test_a_python_child_with_a_scrubbed_environment_runs_the_hook_itself(
    any_python: Environment, shown: Shown, trusting: Path, settings: dict[str, str]
) -> None:
    status = "import certboot_startup; print(bool(certboot_startup.status))"
    # Without HOME it looks in the folder that the system has for the user, where this test has no store.
    assert any_python.run("python", "-c", CHILD.format([], {}), status, home=trusting) == Ran(0, "True\n", "")
    assert shown("-c", CHILD.format([], {"HOME": str(trusting)}), SHOW) == ("active", settings)


def test_a_preset_variable_stays_and_certboot_disable_turns_the_hook_off_for_children_too(
    shown: Shown, settings: dict[str, str]
) -> None:
    others = {name: value for name, value in settings.items() if name != "REQUESTS_CA_BUNDLE"}
    assert shown("-c", SHOW, REQUESTS_CA_BUNDLE="") == ("active", others)
    for value, expected in (("1", ("disabled", {})), ("0", ("active", settings))):
        assert shown("-c", CHILD.format([], None), SHOW, CERTBOOT_DISABLE=value) == expected


COUNT = """\
import certboot_startup
real = certboot_startup._activate
started, activated = [], []
def _activate(*arguments):
    activated.append(arguments)
    return real(*arguments)
certboot_startup._activate = _activate
"""


@pytest.mark.parametrize("version", ["3.10", *STRICT_VERSIONS])
def test_more_than_one_call_in_a_start_acts_once(
    as_it_comes: Callable[[str], Environment], trusting: Path, tmp_path: Path, version: str
) -> None:
    counted = Environment(tmp_path / "venv")
    shutil.copytree(as_it_comes(version).folder, counted.folder, symlinks=True)
    folder = packages(counted.folder)
    (folder / "count_calls.py").write_text(COUNT)
    (folder / "a_first.pth").write_text("import count_calls; count_calls.started.append(1)\n")
    (folder / "z_again.pth").write_text("import certboot_startup; certboot_startup.activate()\n")
    show = "import count_calls as c; print(len(c.started), len(c.activated), len(c.certboot_startup.applied))"
    # In a virtualenv, site reads its .pth files twice before Python 3.15; each reading calls activate() twice here.
    readings = 1 if version == "3.15" else 2
    assert counted.run("python", "-c", show, home=trusting) == Ran(0, f"{readings} 1 7\n", "")


def replace_env(paths: StorePaths, make: Callable[[Path], object]) -> None:
    paths.env.unlink()
    make(paths.env)


def dangle(paths: StorePaths) -> None:
    paths.current.unlink()
    paths.current.symlink_to("generations/99")


STORES: dict[str, Callable[[StorePaths], object]] = {
    "whole": lambda _: None,  # the control
    "missing": lambda paths: shutil.rmtree(paths.home),
    "env a folder": lambda paths: replace_env(paths, os.mkdir),
    "env a FIFO": lambda paths: replace_env(paths, os.mkfifo),
    "env binary": lambda paths: paths.env.write_bytes(b"\0\xff\xfe=\r\x80" * 999),
    "current dangling": dangle,
    "writable for others": lambda paths: paths.home.chmod(0o777),
    "bundle empty": lambda paths: (paths.current / "bundle.pem").write_bytes(b""),
}


@ENDS
@cases("case", STORES)
def test_python_starts_silently_whatever_the_store_is_like_and_uses_only_a_whole_one(
    shown: Shown, copied_store: Callable[[Path], Path], clean: Path, case: str
) -> None:
    copied_store(store(clean).home)
    STORES[case](store(clean))
    assert bool(shown("-c", SHOW, home=clean)[1]) == (case == "whole")


@ENDS
@cases("preset", [("-u", "HOME"), ("HOME=",), ("HOME=relative",), ("CERTBOOT_HOME=relative",)])
def test_python_starts_silently_without_a_usable_home(any_python: Environment, clean: Path, preset: list[str]) -> None:
    assert any_python.run("env", *preset, any_python.python, "-c", "pass", home=clean) == Ran(0, "", "")


@pytest.mark.skipif(not shutil.which("valgrind"), reason="valgrind counts the instructions")
def test_the_hook_adds_few_instructions_to_a_start_with_another_pth_file(
    any_python: Environment, trusting: Path, tmp_path_factory: pytest.TempPathFactory,
    record_property: Callable[[str, object], None],
) -> None:  # fmt: skip
    """The budget is 4 %, measured in scripts/bench.py; the long paths of a test's folder cost a little more.

    3.10 and 3.11 are the ones that read no other module from a folder: where setuptools is, they do.
    """
    name = any_python.folder.name.replace("python", "barely")  # as long: paths cost too
    copied = lambda folder: shutil.copytree(any_python.folder, folder, symlinks=True, dirs_exist_ok=True)  # noqa: E731
    bare = Environment(built_once(tmp_path_factory, name, copied))
    (packages(bare.folder) / "certboot_startup.pth").write_text("# nothing\n")
    counts = []
    for made in (bare, any_python):
        assert made.run("python", "-c", "pass", home=trusting).status == 0  # writes the .pyc files
        counting = ("valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", made.python, "-c", "pass")
        ran = made.run(*counting, home=trusting, PYTHONHASHSEED="0")
        counts.append(int(re.findall(r"Collected : (\d+)", ran.err)[0]))
    record_property("ratio", f"{counts[1] / counts[0]:.3f}")
    assert 1 < counts[1] / counts[0] < (1.055 if name.endswith(("3.10", "3.11")) else 1.043)
