"""The hook in other interpreters, put there by certboot from the built wheel: every version, and a shared machine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme
from support.environments import (
    MACHINE,
    PYPY,
    ROOT,
    STRICT_VERSIONS,
    SYSTEM_PATH,
    Environment,
    Ran,
    find_python,
    make_environment,
)
from support.pki import issue
from support.programs import GET
from support.snapshot import contents
from support.virtualenvs import packages, python_of, virtualenv

from certboot.hook import payload

pytestmark = pytest.mark.slow

ODD = 'it\'s "my" $venv; ünï \\ 100%'


def run(python: Path, *argv: str, home: Path, **variables: str) -> Ran:
    """Run an interpreter as a user who has set nothing but HOME and PATH, and ``variables``."""
    environ = {"HOME": str(home), "PATH": SYSTEM_PATH, **variables}
    done = subprocess.run([python, *argv], env=environ, capture_output=True, text=True, check=False, timeout=120)
    return Ran(done.returncode, done.stdout, done.stderr)


PLAIN, ODDLY, SHARED = ("venv",), (ODD, "--copies"), ("system", "--system-site-packages")
# Each version, and for the last ones each kind of virtualenv.
VENVS = [("3.8", ODDLY), ("3.9", PLAIN), ("3.10", ODDLY), ("3.11", SHARED), ("3.12", PLAIN),
         *((version, kind) for version in STRICT_VERSIONS for kind in (PLAIN, ODDLY, SHARED)),
         (PYPY, PLAIN)]  # fmt: skip


@pytest.mark.parametrize("venv", VENVS, ids=[f"{version} {' '.join(kind)}" for version, kind in VENVS])
def test_a_virtualenv_of_any_version_trusts_the_private_ca_with_the_hook_alone(
    venv: tuple[str, tuple[str, ...]], installed: Environment, copied_store: Callable[[Path], Path], url: str,
    clean: Path, tmp_path: Path,
) -> None:  # fmt: skip
    version, (name, *options) = venv
    copied_store(clean / ".local" / "share" / "certboot")
    folder = virtualenv(tmp_path / name, *options, python=find_python(version))
    before = contents(packages(folder))
    assert "CERTIFICATE_VERIFY_FAILED" in run(python_of(folder), "-c", GET, url, home=clean).err  # the control
    ran = installed.run("certboot", "hook", "install", "--python", folder, home=clean)
    assert (ran.status, ran.err) == (0, "")
    assert "  ran       yes, and set 7 variables\n" in ran.out
    for flags in ((), ("-I",)):
        assert run(python_of(folder), *flags, "-c", GET, url, home=clean) == Ran(0, "ok\n", ""), flags
    if version in STRICT_VERSIONS:
        assert installed.run("certboot", "hook", "status", "--python", folder, home=clean).status == 0
    ran = installed.run("certboot", "hook", "uninstall", "--python", folder, home=clean)
    assert (ran.status, ran.err) == (0, "")
    assert contents(packages(folder)) == before


ENTRY_POINTS = """\
import os, pkgutil, sys
sys.path.insert(0, sys.argv[1])
for name in sorted(os.listdir(sys.argv[1])):
    if name.endswith(".start"):
        with open(os.path.join(sys.argv[1], name)) as lines:
            for line in lines:
                pkgutil.resolve_name(line.strip())()
import certboot_startup
print(certboot_startup.status, certboot_startup.home)
"""


@pytest.mark.parametrize("version", ["3.9", *STRICT_VERSIONS])
@pytest.mark.parametrize("recorded", [False, True], ids=["each user's store", "a store of its own"])
@pytest.mark.parametrize("beside", [False, True], ids=["a copy", "beside pip's"])
def test_the_start_files_do_what_the_pth_files_do(
    version: str, clean: Path, tmp_path: Path, *, recorded: bool, beside: bool
) -> None:
    """Python 3.18 takes them alone (PEP 829), sorted by name; here they are taken by hand, without site."""
    home = str(clean / ODD.replace("\\", "")) if recorded else ""
    files = payload.hook_files() if beside else {}
    files |= (payload.home_files if beside else payload.copy_files)(home, start_file=True)
    (tmp_path / "certboot_startup").mkdir()
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    ran = run(Path(find_python(version)), "-S", "-c", ENTRY_POINTS, str(tmp_path), home=clean)
    assert ran == Ran(0, f"no-store {home}\n", "")


@pytest.fixture
def shared(copied_store: Callable[[Path], Path], tmp_path: Path) -> Path:
    """A store for all, with the private CA, in a folder of its own."""
    return copied_store(tmp_path / "shared $tore")


def test_a_copy_serves_the_recorded_store_and_pip_s_certboot_too(
    wheel: Path, installed: Environment, url: str, shared: Path, clean: Path, tmp_path: Path
) -> None:
    """The wheel's own files stay as they are, and pip can still take them away, whatever it leaves is silent."""
    with_pip = make_environment(tmp_path / "with-pip", wheel, "pip")
    folder = packages(with_pip.folder)
    before = contents(folder)
    assert with_pip.run("python", "-c", GET, url, home=clean).status == 1
    ran = with_pip.run("certboot", "hook", "install", "--home", shared, home=clean)
    assert (ran.status, ran.err) == (0, "")
    assert f"  store     {shared}\n" in ran.out
    assert with_pip.run("python", "-c", GET, url, home=clean) == Ran(0, "ok\n", "")
    after = contents(folder)
    assert {name for name in before if before[name] != after[name]} == set()
    found = with_pip.run("certboot", "doctor", "hook", "--json", home=clean)
    assert json.loads(found.out)["ok"], found.out
    assert with_pip.run("certboot", "list", "--json", home=clean).out  # certboot itself looks there too
    with_pip.pip("uninstall", "-q", "-y", "certboot")
    assert not (with_pip.folder / "bin" / "certboot").exists()
    assert {path.name for path in folder.glob("certboot*")} >= {"certboot_home.py", "certboot_home.pth"}
    assert with_pip.run("python", "-c", "pass", home=clean) == Ran(0, "", "")
    assert installed.run("certboot", "hook", "uninstall", "--python", with_pip.folder, home=clean).status == 0
    assert list(folder.glob("certboot*")) == []


def test_an_editable_install_has_a_working_hook_and_keeps_its_source_folder_as_it_is(
    copy: Path, url: str, shared: Path, clean: Path, tmp_path: Path
) -> None:
    backend = ("hatch-fancy-pypi-readme", "hatchling", "editables")  # hatchling asks for editables
    environment = make_environment(tmp_path / "venv", *backend, "pip")
    constraints = ("-c", ROOT / "scripts" / "constraints.txt")
    environment.pip("install", "-q", *constraints, "--no-build-isolation", "-e", copy)
    where = "import certboot_startup; print(certboot_startup.status, certboot_startup.__file__)"
    module = copy / "src" / "certboot_startup" / "__init__.py"
    assert environment.run("python", "-c", where, home=clean) == Ran(0, f"no-store {module}\n", "")
    before = {name for name in contents(copy) if "__pycache__" not in name}
    ran = environment.run("certboot", "hook", "install", "--home", shared, home=clean)
    assert (ran.status, ran.err) == (0, "")
    assert environment.run("python", "-c", GET, url, home=clean) == Ran(0, "ok\n", "")
    assert "from its installer" in environment.run("certboot", "hook", "status", home=clean).out
    assert {name for name in contents(copy) if "__pycache__" not in name} == before
    environment.run("certboot", "hook", "uninstall", home=clean)
    assert list(packages(environment.folder).glob("certboot_home*")) == []
    environment.pip("uninstall", "-q", "-y", "certboot")
    assert environment.run("python", "-c", "pass", home=clean) == Ran(0, "", "")
    assert environment.run("python", "-c", where, home=clean).status == 1


def test_uv_leaves_its_receipt_where_certboot_looks_for_it(wheel: Path, tmp_path: Path, clean: Path) -> None:
    uv = Path(sys.executable).parent / "uv"
    if not uv.exists():
        pytest.skip("no uv beside this interpreter")
    tools = tmp_path / "tools"
    environ = {**MACHINE, "UV_TOOL_DIR": str(tools), "UV_TOOL_BIN_DIR": str(tmp_path / "bin"), "UV_NO_CONFIG": "1"}
    command: list[str | Path] = [uv, "tool", "install", "--quiet", "--python", sys.executable, wheel]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "certboot" in (tools / "certboot" / "uv-receipt.toml").read_text()
    ran = run(tools / "certboot" / "bin" / "certboot", "init", home=clean)
    assert ran.status == 0, ran.err
    note = "  note      the hook acts only in this environment, which uv tool made for certboot; for others:\n"
    assert note in ran.out


# One store for all users of a machine. What unprivileged users run must lie where they can reach it.

NOBODY = 65534
OWNER = 1234
SYSTEM_PYTHON = Path("/usr/bin/python3")
SHOW = "import certboot_startup as s; print(s.status, len(s.applied))"
shared_machine = pytest.mark.skipif(
    os.geteuid() != 0 or not SYSTEM_PYTHON.exists(), reason="root, and an interpreter that all users can run"
)


@dataclass(frozen=True)
class Machine:
    """A folder that everybody can read, with root's certboot and an application's virtualenv in it."""

    root: Path
    admin: Environment
    app: Path

    @property
    def store(self) -> Path:
        return self.root / "opt" / "certboot"

    def as_root(self, *argv: str | Path, umask: int = 0o077, **variables: str) -> Ran:
        """Run root's certboot, as strict administrators do."""
        return self._run([self.admin.folder / "bin" / "certboot", *argv], 0, umask, {"HOME": "/root", **variables})

    def as_user(self, *argv: str | Path, user: int = NOBODY, python: Path | None = None, **variables: str) -> Ran:
        """Run an interpreter, by default the application's, as an unprivileged user without HOME."""
        return self._run([python or python_of(self.app), *argv], user, 0o022, variables)

    def _run(self, command: list[str | Path], user: int, umask: int, variables: dict[str, str]) -> Ran:
        done = subprocess.run(
            command, env={"PATH": SYSTEM_PATH, **variables}, user=user, group=user, extra_groups=[], umask=umask,
            cwd="/", capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        return Ran(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def prepared(wheel: Path) -> Iterator[Machine]:
    """Not to be changed, but for the store and the hook of its application."""
    # pytest's own folders are root's alone, and what is root's in /tmp is no safe place to others.
    root = Path(tempfile.mkdtemp(prefix="certboot-machine-", dir="/var/lib"))
    try:
        root.chmod(0o755)
        admin = make_environment(root / "admin", wheel, python=SYSTEM_PYTHON)
        app = make_environment(root / "app", "requests", python=SYSTEM_PYTHON).folder
        yield Machine(root, admin, app)
    finally:
        shutil.rmtree(root)


@pytest.fixture
def machine(prepared: Machine, ca: trustme.CA) -> Iterator[Machine]:
    """The same with a store that root has set up, and the hook for it in the application's virtualenv."""
    ca.cert_pem.write_to_path(str(prepared.root / "corp.pem"))
    ran = prepared.as_root("init", "--home", prepared.store, "--add", prepared.root / "corp.pem")
    assert (ran.status, ran.err) == (0, "")
    ran = prepared.as_root("hook", "install", "--home", prepared.store, "--python", prepared.app)
    assert (ran.status, ran.err) == (0, "")
    assert f"  store     {prepared.store}\n" in ran.out
    yield prepared
    prepared.as_root("hook", "uninstall", "--python", prepared.app)
    shutil.rmtree(prepared.root / "opt")


@shared_machine
def test_root_s_store_serves_everybody_as_long_as_nobody_else_could_have_written_it(machine: Machine, url: str) -> None:
    assert machine.as_user("-c", "import os; print(os.getuid(), os.environ.get('HOME'))").out == f"{NOBODY} None\n"
    by_requests = "import requests, sys; print(requests.get(sys.argv[1]).text)"
    for client in (GET, by_requests):
        assert machine.as_user("-c", client, url) == Ran(0, "ok\n", "")
        ran = machine.as_user("-c", client, url, CERTBOOT_DISABLE="1")
        assert "CERTIFICATE_VERIFY_FAILED" in ran.err  # the control
    # Whatever root's umask. The compiled modules too: who cannot read them compiles them at every start.
    ours = [*machine.store.rglob("*"), *packages(machine.app).rglob("certboot*"), machine.store]
    ours += (packages(machine.app) / "certboot_startup").rglob("*")
    assert any(path.suffix == ".pyc" for path in ours)
    for path in ours:
        if not path.is_symlink():
            assert path.stat().st_mode & 0o777 == (0o755 if path.is_dir() else 0o644), path
    for part in ("", "generations", "current/crts", "current/bundle.pem", "env"):
        path = machine.store / part
        mode = path.stat().st_mode
        assert machine.as_user("-c", SHOW) == Ran(0, "active 7\n", "")
        path.chmod(mode | 0o002)
        assert machine.as_user("-c", SHOW) == Ran(0, "unsafe 0\n", ""), part
        path.chmod(mode)
    os.chown(machine.store, OWNER, OWNER)
    assert machine.as_user("-c", SHOW) == Ran(0, "unsafe 0\n", "")
    assert "CERTIFICATE_VERIFY_FAILED" in machine.as_user("-c", GET, url).err
    os.chown(machine.store, 0, 0)
    machine.store.chmod(0o777)
    ran = machine.as_root("hook", "install", "--home", machine.store, "--python", machine.app)
    assert (ran.status, "no safe place for a store, others may write to it" in ran.err) == (2, True)


@shared_machine
def test_a_user_cannot_change_root_s_store_and_can_have_one_of_their_own(machine: Machine) -> None:
    certboot = str(machine.admin.folder / "bin" / "certboot")
    before = contents(machine.store)
    other = machine.root / "other.pem"
    other.write_bytes(issue("Other").pem)
    commands = ["init"], ["update"], ["trust", "--yes", other], ["distrust", "Example"], ["rollback", "1"]
    for command in (*commands, ["purge", "--yes", "--forget-hooks"]):
        ran = machine.as_user(certboot, *command, "--home", machine.store, python=python_of(machine.admin.folder))
        assert (ran.status, "this store is kept by root: certboot sees it, root changes it" in ran.err) == (2, True)
        assert "certboot init --home DIR" in ran.err  # the way to one of his own
    assert contents(machine.store) == before
    own = machine.root / "own"
    own.mkdir()
    os.chown(own, NOBODY, NOBODY)
    try:
        ran = machine.as_user(certboot, "init", "--home", own / "x", python=python_of(machine.admin.folder))
        assert (ran.status, ran.err) == (0, "")
        assert machine.as_user("-c", SHOW, CERTBOOT_HOME=str(own / "x")) == Ran(0, "active 7\n", "")
    finally:
        shutil.rmtree(own)


@shared_machine
def test_root_under_sudo_never_uses_or_writes_a_user_s_own_store(prepared: Machine) -> None:
    """With sudo HOME may be kept: then the store that is found is one that this user could fill with any CA."""
    home = prepared.root / "user"
    home.mkdir()
    os.chown(home, OWNER, OWNER)
    certboot = str(prepared.admin.folder / "bin" / "certboot")
    store = home / ".local/share/certboot"
    show = "import certboot_startup as hook; print(hook.status, hook.generation)"

    def started(user: int, *argv: str, **variables: str) -> str:
        python = python_of(prepared.admin.folder)
        ran = prepared.as_user(*argv, python=python, user=user, HOME=str(home), **variables)
        assert ran.status == 0, ran.err
        return ran.out

    try:
        started(OWNER, certboot, "init")
        assert started(OWNER, "-c", show).startswith(f"active {store}")
        assert str(home) not in started(0, "-c", show)
        assert started(0, "-c", show, CERTBOOT_HOME=str(store)).startswith("unsafe")
        before = contents(home)
        commands: tuple[list[str | Path], ...] = (
            ["init", "--home", store], ["update", "--home", store], ["init", "--home", home / "new"],
            ["hook", "install", "--python", prepared.app, "--user"],
        )  # fmt: skip
        for command in commands:
            ran = prepared.as_root(*command, HOME=str(home), CERTBOOT_HOME=str(prepared.root / "none"))
            assert (ran.status, "Traceback" in ran.err) == (2, False), command
        assert contents(home) == before
    finally:
        shutil.rmtree(home)


@shared_machine
def test_who_may_not_write_to_an_interpreter_s_packages_is_told_and_changes_nothing(machine: Machine) -> None:
    certboot = str(machine.admin.folder / "bin" / "certboot")
    actions = (("uninstall", "not all was removed", ""), ("install", "nothing was changed", ", or choose --user"))
    for action, done, otherwise in actions:
        before = contents(packages(machine.app))
        arguments = ("hook", action, "--python", str(machine.app))
        ran = machine.as_user(certboot, *arguments, python=python_of(machine.admin.folder))
        assert ran.status == 2
        told = f"certboot: error: {done} for {machine.app}/bin/python, Permission denied: "
        assert ran.err.startswith(told)
        assert f"\nhint: run certboot as the one who may write there{otherwise}\n" in ran.err
        assert contents(packages(machine.app)) == before
        machine.as_root("hook", "uninstall", "--python", machine.app)
