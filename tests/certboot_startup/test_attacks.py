"""What another user can do to the hook of a root process, and of a user's: every attack with its control."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.environments import SYSTEM_PATH
from support.hook_store import Store

import certboot_startup

pytestmark = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can be several users"
)

Start = Callable[..., tuple[str, dict[str, str]]]
EVE = 65534  # the attacker
USER = 1234
VICTIMS = [0, USER]
SHOW = """\
import json, os, sys
sys.path.insert(0, sys.argv[1])
import certboot_startup as hook
hook.activate()
print(json.dumps([hook.status, hook.applied]))
"""


@pytest.fixture
def top() -> Iterator[Path]:
    """A folder of root's that everybody may look into, below no sticky one."""
    with tempfile.TemporaryDirectory(dir="/var/lib") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def start(top: Path) -> Start:
    """Start an interpreter that every user may run, as a user, and return what its hook did there."""
    python = shutil.which("python3", path=SYSTEM_PATH)
    if not python:
        pytest.skip("no Python that every user may run")
    source = top / "hook"
    shutil.copytree(Path(certboot_startup.__file__).parent, source / "certboot_startup")

    def run(user: int, **environ: str | Path) -> tuple[str, dict[str, str]]:
        variables = {name: str(value) for name, value in environ.items()}
        ran = subprocess.run(
            [python, "-I", "-c", SHOW, str(source)], env={"PATH": SYSTEM_PATH, **variables},
            user=user, group=user, extra_groups=[], check=True, capture_output=True, timeout=60,
        )  # fmt: skip
        status, applied = json.loads(ran.stdout)
        return status, applied

    return run


def owned(store: Store, user: int) -> Store:
    for path in (store.home, *store.home.rglob("*")):
        os.chown(path, user, user, follow_symlinks=False)
    return store


@contextlib.contextmanager
def ended(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """End a process, and what it has started if it leads a session, however the test ends."""
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            (os.killpg if os.getpgid(process.pid) == process.pid else os.kill)(process.pid, signal.SIGKILL)
        process.communicate()


def named(store: Store, home: Path | str) -> Path | str:
    """Have the store's env name it by another path, as it does where init was run with that, and return the path."""
    store.write(*(f"{name}={value.replace(str(store.home), str(home))}" for name, value in store.settings.items()))
    return home


def folder(path: Path, user: int, mode: int = 0o755) -> Path:
    path.mkdir()
    os.chown(path, user, user)
    path.chmod(mode)
    return path


def link(path: Path, target: Path | str, user: int) -> Path:
    path.symlink_to(target)
    os.chown(path, user, user, follow_symlinks=False)
    return path


@pytest.mark.parametrize("user", VICTIMS)
@pytest.mark.parametrize("where", ["store", "above", "between"])
def test_a_link_of_another_user_is_not_passed_even_where_it_leads_to_a_safe_store(
    start: Start, top: Path, where: str, user: int
) -> None:
    store = owned(Store(folder(top / "safe", user) / "store"), user)
    target = store.home if where == "store" else store.home.parent
    via = link(folder(top / "links", 0) / "via", target, EVE)
    home = {"store": via, "above": via / "store", "between": link(top / "own", via, user) / "store"}[where]
    named(store, home)
    assert start(user, CERTBOOT_HOME=home) == ("unsafe", {})
    os.chown(via, user, user, follow_symlinks=False)
    assert start(user, CERTBOOT_HOME=home)[0] == "active"


@pytest.mark.parametrize("user", VICTIMS)
def test_a_way_through_a_process_of_another_user_is_not_passed(start: Start, top: Path, user: int) -> None:
    store = owned(Store(top / "store"), user)
    through_eve = subprocess.Popen(["sleep", "600"], user=EVE, group=EVE, extra_groups=[])
    with ended(through_eve):
        through = named(store, f"/proc/{through_eve.pid}/root{store.home}")
        assert start(user, CERTBOOT_HOME=through)[0] in ({"unsafe"} if user == 0 else {"unsafe", "no-store"})
        assert start(user, XDG_DATA_HOME=f"/proc/{through_eve.pid}/root{top}", HOME=top)[1] == {}
    assert start(user, CERTBOOT_HOME=named(store, store.home))[0] == "active"


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="no /proc here")
def test_a_way_through_a_process_of_root_s_is_not_passed_since_who_started_it_decides_where_that_leads(
    start: Start, top: Path
) -> None:
    """As that of a su which eve has started in a folder of root's; its number will be another process's some day."""
    store = Store(top / "store")
    process = subprocess.Popen(["sleep", "600"], cwd=top)
    with ended(process):
        through = Path(f"/proc/{process.pid}/cwd")
        assert through.lstat().st_uid == through.parent.lstat().st_uid == 0
        assert through.samefile(top)
        assert start(0, CERTBOOT_HOME=named(store, through / "store")) == ("unsafe", {})
        for spelled in (f"/{through}", f"/.{through}", f"/root/..{through}"):
            assert start(0, CERTBOOT_HOME=named(store, f"{spelled}/store"))[1] == {}
            link = top / "link"
            link.symlink_to(spelled)
            assert certboot_startup.unsafe_part(str(link / "store")) != ""
            link.unlink()
    assert start(0, CERTBOOT_HOME=named(store, store.home))[0] == "active"


def test_a_link_of_the_kernel_s_that_leads_elsewhere_than_it_says_is_not_passed(start: Start, top: Path) -> None:
    """A process of root's own in another mount namespace: its ``root`` says "/", and leads to other files."""
    store = Store(top / "store")
    hide = f"mount -t tmpfs none {top} && mkdir {top}/store && echo there && sleep 600"
    command = ["unshare", "--mount", "sh", "-c", hide]
    other = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True)
    with ended(other):
        assert other.stdout
        if other.stdout.readline() != b"there\n":
            pytest.skip("no mount namespace may be made here")
        through = f"/proc/{other.pid}/root{store.home}"
        assert os.readlink(f"/proc/{other.pid}/root") == "/"
        assert certboot_startup.unsafe_part(through) == f"/proc/{other.pid}/root"
        assert start(0, CERTBOOT_HOME=through)[1] == {}
    assert certboot_startup.unsafe_part(str(store.home)) == ""


@pytest.mark.parametrize("user", VICTIMS)
@pytest.mark.parametrize("variable", ["HOME", "XDG_DATA_HOME", "CERTBOOT_HOME"])
def test_a_home_of_another_user_gives_nothing_whatever_lies_in_it(
    start: Start, top: Path, variable: str, user: int
) -> None:
    """As with sudo -E, or env_keep: the store is root's, by links and folders that eve can change."""
    store = owned(Store(top / "store"), user)
    home = folder(top / "eve", EVE)
    place = {"HOME": home / ".local" / "share", "XDG_DATA_HOME": home, "CERTBOOT_HOME": home}[variable]
    place.mkdir(parents=True, exist_ok=True)
    link(place / "certboot", store.home, user)
    named(store, place / "certboot")
    value = place / "certboot" if variable == "CERTBOOT_HOME" else home
    _, applied = start(user, **{variable: value})
    assert not any(path.startswith((str(home), str(store.home))) for path in applied.values())
    os.chown(home, user, user)
    assert start(user, **{variable: value})[0] == "active"


@pytest.mark.parametrize(
    ("owner", "is_link", "expected"),
    [(USER, False, "active"), (USER, True, "unsafe"), (EVE, False, "unsafe"), (EVE, True, "unsafe"),
     (0, False, "unsafe"), (0, True, "unsafe")],
)  # fmt: skip
def test_a_sticky_folder_is_passed_by_a_folder_of_the_user_s_own_only(
    start: Start, top: Path, expected: str, owner: int, *, is_link: bool
) -> None:
    shared = folder(top / "shared", 0, 0o1777)
    place = folder((top if is_link else shared) / "place", USER)
    store = owned(Store(place / "store"), USER)
    if is_link:
        link(shared / "place", place, owner)
    os.chown(place, USER if is_link else owner, -1)
    assert start(USER, CERTBOOT_HOME=named(store, shared / "place" / "store"))[0] == expected


def test_a_hard_link_to_a_link_or_file_of_the_user_s_is_not_passed(start: Start, top: Path) -> None:
    """Where the system allows them (protected_hardlinks), others can put what is the user's into a sticky folder."""
    store = owned(Store(folder(top / "place", USER) / "store"), USER)
    own = link(top / "own", store.home, USER)
    shared = folder(top / "shared", 0, 0o1777)
    os.link(own, shared / "store", follow_symlinks=False)
    assert start(USER, CERTBOOT_HOME=named(store, shared / "store")) == ("unsafe", {})
    assert start(USER, CERTBOOT_HOME=named(store, own))[0] == "active"
    file, other_name = top / "file", shared / "file"
    file.write_bytes(b"")
    os.link(file, other_name)
    assert certboot_startup.unsafe_part(str(other_name)) == str(other_name)
    file.unlink()
    assert certboot_startup.unsafe_part(str(other_name)) == ""


@pytest.mark.parametrize("user", VICTIMS)
def test_a_link_that_leads_back_over_a_folder_of_others_is_not_passed(start: Start, top: Path, user: int) -> None:
    """Where that folder is a link the next moment, ``..`` is another folder."""
    store = owned(Store(top / "store"), user)
    open_to_all = folder(folder(top / "open", 0, 0o777) / "deeper", user)
    via = link(top / "via", f"{open_to_all}/../../store", user)
    named(store, via)
    assert start(user, CERTBOOT_HOME=via) == ("unsafe", {})
    open_to_all.parent.chmod(0o755)
    assert start(user, CERTBOOT_HOME=via)[0] == "active"
    named(store, store.home)
    assert start(user, CERTBOOT_HOME=f"{top}/open/../store")[0] == "active"


def test_a_group_that_is_the_user_s_private_one_may_write_above_the_store_but_not_in_it(
    start: Start, top: Path
) -> None:
    above = folder(top / "share", USER, 0o2775)
    store = owned(Store(above / "store"), USER)
    assert start(USER, CERTBOOT_HOME=store.home)[0] == "active"
    os.chown(above, USER, 100)
    assert start(USER, CERTBOOT_HOME=store.home) == ("unsafe", {})
    os.chown(above, USER, USER)
    store.generation.chmod(0o775)
    assert start(USER, CERTBOOT_HOME=store.home) == ("unsafe", {})


def huge(path: Path) -> None:
    path.touch()
    os.truncate(path, 1 << 40)


def of_another(path: Path) -> None:
    path.touch()
    os.chown(path, EVE, EVE)


SWAPS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "FIFO": ("bad-env", os.mkfifo),
    "device without an end": ("bad-env", lambda path: os.mknod(path, stat.S_IFCHR | 0o644, os.makedev(1, 5))),
    "link": ("no-store", lambda path: path.symlink_to("/proc/kmsg")),
    "folder": ("bad-env", os.mkdir),
    "huge file": ("bad-env", huge),
    "file of another user": ("unsafe", of_another),
    "nothing": ("no-store", lambda _: None),
}


@pytest.mark.parametrize("case", SWAPS)
def test_an_env_that_is_swapped_after_it_was_looked_at_is_neither_waited_for_nor_believed(
    top: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    store = Store(top / "store")
    text = store.env.read_bytes()
    expected, swap = SWAPS[case]
    real = os.lstat

    def look(path: str) -> os.stat_result:
        found = real(path)
        if path == str(store.env):
            store.env.rename(top / "before")
            swap(store.env)
            if case == "file of another user":
                store.env.write_bytes(text)
        return found

    def waited(*_: object) -> None:
        message = "the hook waited"
        raise AssertionError(message)

    before = signal.signal(signal.SIGALRM, waited)
    signal.alarm(20)
    try:
        with monkeypatch.context() as patch:
            patch.setattr(os, "lstat", look)
            assert store.start() == (expected, {})
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def test_a_shell_that_a_hooked_process_starts_runs_nothing_of_the_store(top: Path) -> None:
    """Whoever could write env once could name the bundle, in which text beside the certificates is allowed."""
    bash = shutil.which("bash") or pytest.skip("no bash")
    store = Store(top / "store")
    store.bundle.write_text(f"touch {top}/ran\n")
    code = f"""\
import subprocess, certboot_startup as hook
hook.activate()
subprocess.run([{bash!r}, "-c", "test -n $SSL_CERT_FILE && :"], check=True)
print(hook.status, sorted(hook.applied))
"""
    lines = [f"SSL_CERT_FILE={store.bundle_named}", *(f"{n}={store.bundle_named}" for n in ("BASH_ENV", "ENV"))]
    store.write(*lines, "-BASH_ENV=/old")
    environ = {"CERTBOOT_HOME": str(store.home), "PYTHONPATH": str(Path(certboot_startup.__file__).parents[1])}
    command = [sys.executable, "-S", "-c", code]
    ran = subprocess.run(command, env=environ, check=True, capture_output=True, text=True)
    assert ran.stdout == "active ['SSL_CERT_FILE']\n"
    assert not (top / "ran").exists()
    subprocess.run([bash, "-c", ":"], env={"BASH_ENV": store.bundle_named, "PATH": SYSTEM_PATH}, check=True)
    assert (top / "ran").exists()  # the control
