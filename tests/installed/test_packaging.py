"""That what is published is built the same everywhere, holds what it should, and comes and goes without a trace."""

from __future__ import annotations

import base64
import email
import functools
import hashlib
import re
import shutil
import sys
import tarfile
import typing
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from support.environments import ROOT, Environment, installer, make_environment

pytestmark = pytest.mark.slow


def test_two_builds_are_the_same_and_hold_what_is_stated_and_an_index_takes_them(
    script: Callable[[str], typing.Any], tmp_path: Path
) -> None:
    """The second is made of the source distribution of the first, as by somebody who has nothing else."""
    release, contents = script("release"), script("contents")
    build = functools.partial(release.built, Path(sys.executable), folder=tmp_path, seconds=1_800_000_000)
    sdist, wheel = build(ROOT, surroundings=release.FIRST)
    assert contents.faults(sdist, wheel, ROOT) == []
    installer(sys.executable, "-m", "twine", "check", "--strict", sdist, wheel)
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    again = build(tmp_path / sdist.name.removesuffix(".tar.gz"), surroundings=release.SECOND)
    release.compare((sdist, wheel), again)


def test_every_file_of_the_wheel_is_in_its_record_so_that_uninstall_finds_it(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (record,) = (name for name in archive.namelist() if name.endswith(".dist-info/RECORD"))
        lines = dict(line.split(",", 1) for line in archive.read(record).decode().splitlines())
        expected = {record: ","}
        for name in set(archive.namelist()) - {record}:
            data = archive.read(name)
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            expected[name] = f"sha256={digest},{len(data)}"
    assert lines == expected


def test_the_version_is_that_of_the_wheel(wheel: Path, installed: Environment, clean: Path) -> None:
    version = wheel.name.split("-")[1]
    for command in (["python", "-m", "certboot"], ["certboot"]):
        ran = installed.run(*command, "--version", home=clean)
        assert (ran.status, ran.out, ran.err) == (0, f"certboot {version}\n", "")


def test_what_no_installer_knows_of_goes_with_the_command_that_purge_names(
    wheel: Path, tmp_path: Path, clean: Path
) -> None:
    environment = make_environment(tmp_path / "venv", wheel, "pip")
    (packages,) = environment.folder.glob("lib/python*/site-packages")
    run = functools.partial(environment.run, home=clean)
    assert run("certboot", "hook", "install", "--home", clean / "own").status == 0
    assert run("certboot", "init").status == 0
    assert run("python", "-OO", "-m", "certboot", "list").status == 0
    left = [*packages.glob("certboot_home.*"), *packages.glob("certboot*/**/*.opt-2.pyc")]
    assert {path.suffix for path in left} >= {".pth", ".py", ".pyc"}  # the control
    ran = run("certboot", "purge", "--yes")
    assert "certboot hook uninstall, then python -m pip uninstall certboot" in ran.out
    ran = run("certboot", "hook", "uninstall")
    assert ran.out.endswith(f"  remove    {environment.python} -m pip uninstall certboot\n")
    environment.pip("uninstall", "-q", "-y", "certboot")
    assert list(packages.glob("certboot*")) == []
    assert list(packages.glob("__pycache__/certboot*")) == []


def test_what_an_index_shows_of_the_readme_leads_nowhere_that_it_does_not_have(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        shown = email.message_from_string(archive.read(metadata).decode()).get_payload()
    assert isinstance(shown, str)
    readme = (ROOT / "README.md").read_text("utf-8")
    assert (ROOT / "docs" / "picture.txt").read_text("utf-8") in shown
    assert re.findall(r"^## .*", shown, re.MULTILINE) == re.findall(r"^## .*", readme, re.MULTILINE)
    assert [link for link in re.findall(r"\]\(([^)]*)\)", shown) if "://" not in link] == []
    assert "recipes (docs/recipes.md)" in shown
    (figure,) = re.findall(r"!\[([^\]]+)\]\(docs/benchmarks/get\.svg\)", readme)
    assert f"\n{figure}.\n" in shown


@pytest.mark.skipif(not shutil.which("valgrind"), reason="valgrind counts the instructions")
def test_help_takes_at_most_three_times_the_instructions_of_python_itself(
    installed: Environment, clean: Path, record_property: Callable[[str, object], None]
) -> None:
    counts = []
    for argv in (("python", "-c", "pass"), ("python", "-m", "certboot", "--help"), ("python", "-m", "certboot")):
        assert installed.run(*argv, home=clean).status == 0  # writes the .pyc files
        counting = ("valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", installed.python, *argv[1:])
        ran = installed.run(*counting, home=clean, PYTHONHASHSEED="0")
        counts.append(int(re.findall(r"Collected : (\d+)", ran.err)[0]))
    record_property("ratio", f"{max(counts) / counts[0]:.1f}")
    # Python 3.14's argparse loads what colours its help, in colour or not, and takes 3.9 times for any parser.
    assert 1 < max(counts) / counts[0] <= (4.5 if sys.version_info[:2] == (3, 14) else 3)


@pytest.mark.skipif(not shutil.which("man"), reason="no man here")
def test_man_finds_the_page_in_the_environment(installed: Environment, clean: Path) -> None:
    share = installed.folder / "share" / "man"
    ran = installed.run("man", "-M", share, "certboot", home=clean, MANPAGER="cat")
    assert (ran.status, ran.out.split()[0]) == (0, "CERTBOOT(1)")
