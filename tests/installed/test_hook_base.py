"""The hook of an interpreter and of every virtualenv of it, from the built wheel: what pyenv and uv lay out."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.environments import HERE, SYSTEM_PATH, Environment, Ran, built_once, make_environment, versions_here
from support.programs import GET
from support.snapshot import contents
from support.table import cases
from support.virtualenvs import interpreter, interpreter_of_uv, python_of, virtualenv

pytestmark = pytest.mark.slow

PROGRAMS = Path(sys.executable).parent
"""Where uv is."""
TOOL = """\
import sys, urllib.request
def main():
    print(urllib.request.urlopen(sys.argv[1]).read().decode())
"""
REFUSED = "CERTIFICATE_VERIFY_FAILED"


@dataclass(frozen=True)
class User:
    """Somebody with a HOME, an interpreter of his own, and a wheel with the program ``asks``."""

    home: Path
    prefix: Path
    wheel: Path
    pipx: Path

    @property
    def python(self) -> Path:
        return self.prefix / "bin" / "python3"

    def run(self, *command: str | Path) -> Ran:
        """Run a program with HOME, PATH and what keeps uv and pipx in this HOME and away from the network."""
        environ = {
            "HOME": str(self.home), "PATH": f"{PROGRAMS}:{SYSTEM_PATH}", "UV_OFFLINE": "1", "UV_NO_CONFIG": "1",
            "UV_PYTHON_INSTALL_DIR": str(self.prefix.parent), "PIPX_DEFAULT_BACKEND": "uv",
        }  # fmt: skip
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=120)
        return Ran(done.returncode, done.stdout, done.stderr)

    def environments(self, name: str) -> dict[str, tuple[str | Path, ...]]:
        """Make what people make from an interpreter, and return how a program of each asks for a page."""
        folder = self.home / name
        folder.mkdir()
        plain = virtualenv(folder / "venv", python=self.python)
        with_packages = virtualenv(folder / "system", "--system-site-packages", python=self.python)
        of_uv = folder / "uv"
        self._made(PROGRAMS / "uv", "venv", "-q", "--python", self.python, of_uv)
        self._made(PROGRAMS / "uv", "tool", "install", "-q", "--force", "--python", self.python, self.wheel)
        tool = shutil.copyfile(self.home / ".local" / "bin" / "asks", folder / "asks")
        tool.chmod(0o755)
        self._made(self.pipx, "install", "--force", "--python", self.python, "--suffix", f"_{name}", self.wheel)
        fresh = ("--no-cache",) if name == "later" else ()
        uvx = ("--python", self.python, *fresh, "--from", self.wheel)
        return {
            "venv": (python_of(plain), "-c", GET),
            "venv --system-site-packages -I": (python_of(with_packages), "-I", "-c", GET),
            "uv venv": (python_of(of_uv), "-c", GET),
            "uv tool": (tool,),
            "uvx": (PROGRAMS / "uvx", *uvx, "asks"),
            "pipx": (self.home / ".local" / "bin" / f"asks_{name}",),
            "itself": (self.python, "-c", GET),
        }

    def _made(self, *command: str | Path) -> None:
        ran = self.run(*command)
        assert ran.status == 0, ran.err


@pytest.fixture(scope="module")
def pipx(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program."""
    return built_once(tmp_path_factory, "pipx", lambda folder: make_environment(folder, "pipx")) / "bin" / "pipx"


@pytest.fixture
def tool(tmp_path: Path) -> Path:
    """A wheel with a program that asks for a page."""
    metadata = "asks-1.0.dist-info"
    files = {
        "asks.py": TOOL,
        f"{metadata}/METADATA": "Metadata-Version: 2.1\nName: asks\nVersion: 1.0\n",
        f"{metadata}/WHEEL": "Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{metadata}/entry_points.txt": "[console_scripts]\nasks = asks:main\n",
    }
    path = tmp_path / "asks-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
        archive.writestr(f"{metadata}/RECORD", "".join(f"{name},,\n" for name in (*files, f"{metadata}/RECORD")))
    return path


@pytest.fixture
def user(
    clean: Path, tmp_path: Path, tool: Path, pipx: Path, copied_store: Callable[[Path], Path]
) -> Callable[[str], User]:
    """Return a user whose store has the private CA, with an interpreter as pyenv or uv lays it out."""
    copied_store(clean / ".local" / "share" / "certboot")

    def with_interpreter(of: str) -> User:
        if of == "uv":
            return User(clean, interpreter_of_uv(tmp_path / of, versions_here("3.12", HERE)[0]), tool, pipx)
        return User(clean, interpreter(tmp_path / of / HERE).parents[1], tool, pipx)

    return with_interpreter


@pytest.mark.parametrize("of", ["pyenv", "uv"])
def test_every_program_of_an_interpreter_s_virtualenvs_reaches_the_host_before_and_after_them_and_until_it_is_removed(
    of: str, user: Callable[[str], User], installed: Environment, url: str
) -> None:
    mine = user(of)
    listed = mine.run(PROGRAMS / "uv", "python", "list", "--managed-python").out
    assert (str(mine.prefix) in listed) == (of == "uv")
    former = mine.environments("former")

    def asked(programs: dict[str, tuple[str | Path, ...]]) -> dict[str, Ran]:
        return {name: mine.run(*command, url) for name, command in programs.items()}

    assert all(REFUSED in ran.err for ran in asked(former).values()), former  # the control
    before = contents(mine.prefix)
    ran = installed.run("certboot", "hook", "install", "--base", "--python", mine.python, home=mine.home)
    assert (ran.status, ran.err) == (0, "")
    assert "  ran       yes, and set 7 variables\n" in ran.out
    for programs in (former, mine.environments("later")):
        answers = asked(programs)
        assert {name for name, ran in answers.items() if (ran.status, ran.out) != (0, "ok\n")} == set(), answers
    assert installed.run("certboot", "doctor", "hook", home=mine.home).out.count("hook-base-gone") == 0
    ran = installed.run("certboot", "hook", "uninstall", "--base", "--python", mine.python, home=mine.home)
    assert (ran.status, ran.err) == (0, "")
    assert contents(mine.prefix) == before
    assert REFUSED in mine.run(*former["venv"], url).err


@pytest.mark.skipif(not shutil.which("valgrind"), reason="valgrind counts the instructions")
def test_a_start_in_a_virtualenv_of_the_base_costs_what_a_hook_of_its_own_would(
    user: Callable[[str], User], installed: Environment, record_property: Callable[[str, object], None]
) -> None:
    """Some 4 %, measured in scripts/bench.py; the long paths of a test's folder cost a little more."""
    mine = user("uv")
    python = python_of(virtualenv(mine.home / "venv", python=mine.python))
    counts = []
    for action in ("status", "install"):
        options = ("--base",) if action == "install" else ()
        installed.run("certboot", "hook", action, *options, "--python", mine.python, home=mine.home)
        assert mine.run(python, "-c", "pass") == Ran(0, "", "")  # writes the .pyc files
        counting = ("valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", python, "-c", "pass")
        ran = mine.run("env", "PYTHONHASHSEED=0", *counting)
        counts.append(int(re.findall(r"Collected : (\d+)", ran.err)[0]))
    record_property("ratio", f"{counts[1] / counts[0]:.3f}")
    assert 1.01 < counts[1] / counts[0] < 1.055


CHANGING = {
    "truststore": "import truststore; truststore.inject_into_ssl()",
    "gevent": "import gevent.monkey; gevent.monkey.patch_all()",
}
EACH = """\
import sys
import certboot_startup, requests
print(requests.get(sys.argv[1]).text, certboot_startup.status)
"""


@cases("other", CHANGING)
def test_clients_work_where_a_virtualenv_s_sitecustomize_changes_ssl_before_the_hook(
    other: str, user: Callable[[str], User], installed: Environment, url: str, tmp_path: Path
) -> None:
    mine = user("pyenv")
    venv = make_environment(tmp_path / "venv", "requests", other, python=mine.python)
    (packages,) = venv.folder.glob("lib/python*/site-packages")
    (packages / "sitecustomize.py").write_text(CHANGING[other] + "\n")
    ran = installed.run("certboot", "hook", "install", "--base", "--python", mine.python, home=mine.home)
    assert ran.status == 0, ran.err
    ran = mine.run(venv.python, "-c", EACH, url)
    assert ran == Ran(0, "ok active\n", "")
