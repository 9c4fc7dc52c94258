"""What the wheel holds, and that it comes and goes without a trace."""

from __future__ import annotations

import base64
import hashlib
import shutil
import sys
import zipfile
from pathlib import Path

import pytest
from support.environments import ROOT, Environment, Ran, built_once, installer, make_environment

pytestmark = pytest.mark.slow

HOOK_LINES = {
    "certboot_startup.pth": b"import certboot_startup; certboot_startup.activate()\n",
    "certboot_startup.start": b"certboot_startup:activate\n",
}
STATUS = "import certboot_startup; print(certboot_startup.status, certboot_startup.__file__)"


def names(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return sorted(archive.namelist())


def build(folder: Path, *options: str, source: Path = ROOT) -> Path:
    """Build ``source`` into ``folder`` and return the wheel."""
    installer(sys.executable, "-m", "build", "--no-isolation", *options, "-o", folder, source)
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="session")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the package is built from, in another folder and with other dates. Not to be changed."""

    def fill(folder: Path) -> None:
        for name in ("pyproject.toml", "README.md", "LICENSE"):
            shutil.copyfile(ROOT / name, folder / name)
        shutil.copytree(
            ROOT / "src", folder / "src", copy_function=shutil.copyfile, ignore=shutil.ignore_patterns("__pycache__")
        )

    return built_once(tmp_path_factory, "copy of the repository", fill)


@pytest.mark.parametrize("name", HOOK_LINES)
def test_the_wheel_has_the_hook_s_line_at_its_root(wheel: Path, name: str) -> None:
    """One line of ASCII without a byte order mark: anything else can stop the interpreter from starting."""
    with zipfile.ZipFile(wheel) as archive:
        found = archive.read(name)
    assert found == HOOK_LINES[name]
    assert found.isascii()


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


def test_the_wheel_holds_the_sources_and_the_metadata_and_nothing_else(wheel: Path) -> None:
    sources = [path.relative_to(ROOT / "src") for path in (ROOT / "src").rglob("*") if path.is_file()]
    expected = sorted(str(path) for path in sources if "__pycache__" not in path.parts)
    found = names(wheel)
    assert [name for name in found if ".dist-info/" not in name] == expected
    assert "certboot/py.typed" in found
    assert {name.split("/", 1)[1] for name in found if ".dist-info/" in name} == {
        "METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"
    }  # fmt: skip


def test_the_version_is_that_of_the_wheel(wheel: Path, installed: Environment, clean: Path) -> None:
    version = wheel.name.split("-")[1]
    for command in (["python", "-m", "certboot"], ["certboot"]):
        ran = installed.run(*command, "--version", home=clean)
        assert (ran.status, ran.out, ran.err) == (0, f"certboot {version}\n", "")


def test_uninstall_leaves_nothing_behind(wheel: Path, tmp_path: Path, clean: Path) -> None:
    environment = make_environment(tmp_path / "venv", "--no-deps", wheel)
    (packages,) = environment.folder.glob("lib/python*/site-packages")
    present = {path.name for path in packages.glob("certboot*")}
    assert present > {"certboot", "certboot_startup", *HOOK_LINES}  # the control
    environment.pip("uninstall", "-q", "-y", "certboot")
    assert list(packages.glob("certboot*")) == []
    assert not (environment.folder / "bin" / "certboot").exists()
    assert environment.run("python", "-c", "pass", home=clean) == Ran(0, "", "")


def test_an_editable_install_has_a_working_hook(copy: Path, tmp_path: Path, clean: Path) -> None:
    environment = make_environment(tmp_path / "venv", "hatchling", "editables")  # hatchling asks for the latter
    environment.pip("install", "-q", "--no-build-isolation", "--no-deps", "-e", copy)
    assert environment.run("python", "-c", STATUS, home=clean) == Ran(
        0, f"no-store {copy / 'src' / 'certboot_startup' / '__init__.py'}\n", ""
    )
    environment.pip("uninstall", "-q", "-y", "certboot")
    assert environment.run("python", "-c", "pass", home=clean) == Ran(0, "", "")
    assert environment.run("python", "-c", STATUS, home=clean).status == 1


def test_the_sdist_builds_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    through_sdist = build(tmp_path)  # without --wheel, build makes the wheel from the sdist it has just made
    assert len(list(tmp_path.glob("*.tar.gz"))) == 1
    assert names(through_sdist) == names(wheel)


def test_the_wheel_is_reproducible_elsewhere_and_at_another_time(wheel: Path, copy: Path, tmp_path: Path) -> None:
    again = build(tmp_path, "--wheel", source=copy)
    assert (again.name, again.read_bytes()) == (wheel.name, wheel.read_bytes())
