"""The hook of the built wheel in fresh virtualenvs: when it runs, that it is silent, and whom its variables reach."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import zipapp
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from support.environments import Environment, Ran, built_once, find_python, installer, make_environment
from support.table import cases

from certboot.store import env_file
from certboot.store.paths import StorePaths

pytestmark = pytest.mark.slow

HOOK = ("certboot_startup.pth", "certboot_startup.start", "certboot_startup/__init__.py", "certboot_startup/guards.py")
SHOW = """\
import json, os, sys
module = sys.modules.get("certboot_startup")
print(json.dumps([module and module.status, {n: v for n, v in os.environ.items() if "/certboot/" in v}]))
"""


def copy_hook(folder: Path, wheel: Path, python: Path | str) -> Environment:
    """Make a virtualenv without pip, and put the files of the hook into its site-packages by hand."""
    installer(python, "-m", "venv", "--without-pip", folder)
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site_packages(folder), HOOK)
    return Environment(folder)


def site_packages(folder: Path) -> Path:
    (found,) = folder.glob("lib/python*/site-packages")
    return found


@pytest.fixture(scope="session", params=["3.8", "3.9", "3.10", "3.11", "3.12", "3.13"])
def environment(request: pytest.FixtureRequest, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """A fresh virtualenv with the hook: the wheel alone, or for a Python too old for the wheel a copy by hand."""
    version: str = request.param
    python = find_python(version)

    def build(folder: Path) -> None:
        if version in ("3.8", "3.9"):
            copy_hook(folder, wheel, python)
        else:
            make_environment(folder, "--no-deps", wheel, python=python)

    return Environment(built_once(tmp_path_factory, f"hook-{version}", build))


@pytest.fixture(scope="session")
def home(installed: Environment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A HOME in which ``certboot init`` was run. Not to be changed."""
    folder = tmp_path_factory.mktemp("hook-home")
    assert installed.run("certboot", "init", home=folder).status == 0
    return folder


@pytest.fixture(scope="session")
def settings(home: Path) -> dict[str, str]:
    """What the hook has to set."""
    found = env_file.read(store(home).env)
    assert found
    assert len(found) == 7
    return found


def store(home: Path) -> StorePaths:
    return StorePaths(home / ".local" / "share" / "certboot")


def shown(ran: Ran) -> tuple[str | None, dict[str, str]]:
    """Return the status of the hook and the variables with our values, as SHOW printed them."""
    assert (ran.status, ran.err) == (0, "")
    status, variables = json.loads(ran.out)
    return status, variables


@cases("flags", [[], ["-I"], ["-E"], ["-s"], ["-P"], ["-O"]])
def test_the_hook_runs_under_every_flag_that_leaves_site_on(
    environment: Environment, home: Path, settings: dict[str, str], flags: list[str]
) -> None:
    if flags == ["-P"] and environment.run("python", "-P", "-c", "", home=home).status != 0:
        return  # it came with Python 3.11
    assert shown(environment.run("python", *flags, "-c", SHOW, home=home)) == ("active", settings)


def test_the_hook_does_not_run_under_s_but_its_variables_are_inherited(
    environment: Environment, home: Path, settings: dict[str, str]
) -> None:
    assert shown(environment.run("python", "-S", "-c", SHOW, home=home)) == (None, {})
    child = "import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-S', '-c', sys.argv[1]]))"
    assert shown(environment.run("python", "-c", child, SHOW, home=home)) == (None, settings)


def test_the_hook_runs_for_a_zipapp(
    environment: Environment, home: Path, settings: dict[str, str], tmp_path: Path
) -> None:
    source = tmp_path / "app"
    source.mkdir()
    (source / "__main__.py").write_text(SHOW)
    zipapp.create_archive(source, tmp_path / "app.pyz")
    assert shown(environment.run("python", tmp_path / "app.pyz", home=home)) == ("active", settings)


COUNT = """\
import certboot_startup
real = certboot_startup._activate
started, activated = [], []
def _activate(*arguments):
    activated.append(arguments)
    return real(*arguments)
certboot_startup._activate = _activate
"""


@pytest.mark.parametrize("version", ["3.10", "3.13"])
def test_more_than_one_call_in_a_start_acts_once(version: str, wheel: Path, home: Path, tmp_path: Path) -> None:
    counted = copy_hook(tmp_path / "venv", wheel, find_python(version))
    packages = site_packages(counted.folder)
    (packages / "count_calls.py").write_text(COUNT)
    (packages / "a_first.pth").write_text("import count_calls; count_calls.started.append(1)\n")
    (packages / "z_again.pth").write_text("import certboot_startup; certboot_startup.activate()\n")
    show = "import count_calls as c; print(len(c.started), len(c.activated), len(c.certboot_startup.applied))"
    # In a virtualenv, site reads its .pth files twice; each reading calls activate() twice here.
    assert counted.run("python", "-c", show, home=home) == Ran(0, "2 1 7\n", "")


def damage_none(_: StorePaths) -> None:
    """The control."""


def replace_env(paths: StorePaths, make: Callable[[Path], object]) -> None:
    paths.env.unlink()
    make(paths.env)


def dangle(paths: StorePaths) -> None:
    paths.current.unlink()
    paths.current.symlink_to("generations/99")


STORES: dict[str, Callable[[StorePaths], object]] = {
    "whole": damage_none,
    "missing": lambda paths: shutil.rmtree(paths.home),
    "env a folder": lambda paths: replace_env(paths, os.mkdir),
    "env a FIFO": lambda paths: replace_env(paths, os.mkfifo),
    "env binary": lambda paths: paths.env.write_bytes(b"\0\xff\xfe=\r\x80" * 999),
    "current dangling": dangle,
    "writable for others": lambda paths: paths.home.chmod(0o777),
    "bundle empty": lambda paths: (paths.current / "bundle.pem").write_bytes(b""),
}


@cases("case", STORES)
def test_python_starts_silently_whatever_the_store_is_like_and_uses_only_a_whole_one(
    environment: Environment, home: Path, clean: Path, case: str
) -> None:
    shutil.copytree(store(home).home, store(clean).home, symlinks=True)
    env = store(clean).env
    env.write_text(env.read_text().replace(str(home), str(clean)))
    STORES[case](store(clean))
    assert environment.run("python", "-c", "pass", home=clean) == Ran(0, "", "")
    _, variables = shown(environment.run("python", "-c", SHOW, home=clean))
    assert bool(variables) == (case == "whole")


@cases("preset", [("-u", "HOME"), ("HOME=",), ("HOME=relative",), ("CERTBOOT_HOME=relative",)])
def test_python_starts_silently_without_a_usable_home(environment: Environment, clean: Path, preset: list[str]) -> None:
    assert environment.run("env", *preset, environment.python, "-c", "pass", home=clean) == Ran(0, "", "")


def test_a_preset_variable_stays_as_it_is(environment: Environment, home: Path, settings: dict[str, str]) -> None:
    status, variables = shown(environment.run("python", "-c", SHOW, home=home, REQUESTS_CA_BUNDLE=""))
    assert (status, variables) == ("active", {n: v for n, v in settings.items() if n != "REQUESTS_CA_BUNDLE"})


@cases(("value", "expected"), [("1", "disabled"), ("0", "active")])
def test_certboot_disable_turns_the_hook_off_for_the_program_and_its_children(
    environment: Environment, home: Path, settings: dict[str, str], value: str, expected: str
) -> None:
    child = "import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-c', sys.argv[1]]))"
    variables = settings if expected == "active" else {}
    assert shown(environment.run("python", "-c", child, SHOW, home=home, CERTBOOT_DISABLE=value)) == (
        expected,
        variables,
    )


def test_the_variables_reach_a_child_that_is_not_python(
    environment: Environment, home: Path, settings: dict[str, str]
) -> None:
    ran = environment.run("python", "-c", "import subprocess; subprocess.check_call(['env'])", home=home)
    assert settings.items() <= dict(line.split("=", 1) for line in ran.out.splitlines()).items()


def test_a_python_child_with_a_scrubbed_environment_runs_the_hook_itself(
    environment: Environment, home: Path, settings: dict[str, str]
) -> None:
    child = "import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-c', sys.argv[1]], env={}))"
    status = "import certboot_startup; print(bool(certboot_startup.status))"
    # Without HOME it looks in the folder that the system has for the user, where this test has no store.
    assert environment.run("python", "-c", child, status, home=home) == Ran(0, "True\n", "")
    with_home = child.replace("env={}", f"env={{'HOME': {str(home)!r}}}")
    assert shown(environment.run("python", "-c", with_home, SHOW, home=home)) == ("active", settings)


@pytest.mark.skipif(not shutil.which("valgrind"), reason="valgrind counts the instructions")
def test_the_hook_adds_few_instructions_to_a_bare_start(
    wheel: Path, tmp_path_factory: pytest.TempPathFactory, installed: Environment, clean: Path
) -> None:
    """The budget is 4 %, measured in scripts/bench.py; the long paths of a test's folder cost a little more."""
    assert installed.run("certboot", "init", home=clean).status == 0
    counts = []
    for name, packages in ("bare", []), ("hook", [wheel]):
        folder = built_once(tmp_path_factory, name, lambda out: installer(sys.executable, "-m", "venv", out))
        made = Environment(folder)
        if packages:
            made.pip("install", "-q", "--disable-pip-version-check", "--no-deps", *packages)
        assert made.run("python", "-c", "pass", home=clean).status == 0  # writes the .pyc files
        counting = ("valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", made.python, "-c", "pass")
        ran = made.run(*counting, home=clean, PYTHONHASHSEED="0")
        counts.append(int(re.findall(r"Collected : (\d+)", ran.err)[0]))
    if sys.version_info < (3, 12):  # newer ones read no .pth at a bare start: there the file itself is most of the cost
        assert 1 < counts[1] / counts[0] < 1.043
    else:
        assert 1 < counts[1] / counts[0] < 1.07
