"""What the hook sets, what it leaves alone, and every store that it refuses."""

from __future__ import annotations

import ntpath
import os
import pwd
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.hook_store import FILES, Store, start, unstarted
from support.table import cases

import certboot_startup
from certboot.clients.variables import BY_NAME, DIRECTORY
from certboot.store.paths import StorePaths, store_paths

YIELDING = [
    ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
    ("REQUESTS_CA_BUNDLE", "PIP_CERT"),
    ("SSL_CERT_FILE", "SSL_CERT_DIR"),
    ("SSL_CERT_DIR", "SSL_CERT_FILE"),
    ("GIT_SSL_CAINFO", "GIT_SSL_CAPATH"),
]
NOBODY = 65534


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def top() -> Iterator[Path]:
    """A folder of root's into which everybody may look, without a sticky folder above it."""
    with tempfile.TemporaryDirectory(dir="/var/lib") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def test_everything_that_env_lists_is_set(store: Store) -> None:
    assert store.start() == ("active", store.settings)


def test_what_init_writes_is_set(certboot: Callable[..., object], paths: StorePaths, clean: Path) -> None:
    certboot("init")
    current = paths.home / "current"
    expected = {**dict.fromkeys(FILES, f"{current}/bundle.pem"), "SSL_CERT_DIR": f"{current}/crts"}
    assert start({"HOME": str(clean)}) == ("active", expected)


SPELLED = ["{0}/store/", "{0}/store//", "{0}/store/.", "{0}/./store", "{0}//store", "/{0}/store"]


@cases(
    ("variable", "written"),
    [*(("CERTBOOT_HOME", spelled) for spelled in SPELLED), ("HOME", "{0}/"), ("XDG_DATA_HOME", "{0}/")],
)
def test_the_hook_takes_the_store_that_init_wrote_however_the_same_variable_spells_its_folder(
    certboot: Callable[..., object], monkeypatch: pytest.MonkeyPatch, clean: Path, variable: str, written: str
) -> None:
    environ = {"HOME": str(clean), variable: written.format(clean)}
    monkeypatch.setenv(variable, environ[variable])
    certboot("init")
    assert start(environ)[0] == "active"


def test_a_preset_value_wins_even_an_empty_one(store: Store) -> None:
    for name in (*FILES, "SSL_CERT_DIR"):
        for value in ("/own.pem", ""):
            status, added = store.start(**{name: value})
            assert (status, name in added) == ("active", False)


@cases("value", ["/own", "", "{home}-of-my-own/own.pem"])
@cases(("name", "other"), YIELDING)
def test_a_variable_yields_to_the_other_that_decides_the_same_for_one_client(
    store: Store, name: str, other: str, value: str
) -> None:
    expected = {key: bundle for key, bundle in store.settings.items() if key not in (name, other)}
    assert store.start(**{other: value.format(home=store.home)}) == ("active", expected)


def test_any_other_variable_that_is_set_holds_nothing_back_but_itself(store: Store) -> None:
    for other in sorted(set(BY_NAME) - {other for _, other in YIELDING}):
        expected = {name: value for name, value in store.settings.items() if name != other}
        assert store.start(**{other: "/own"}) == ("active", expected)


@cases(("name", "other"), YIELDING)
def test_our_own_value_of_the_other_inherited_or_adopted_does_not_hold_it_back(
    store: Store, name: str, other: str
) -> None:
    for form in ("bundle.pem", "crts"):
        assert name in store.start(**{other: f"{store.home}/current/{form}"})[1]
    # A list with the user's own directory does: set beside it, SSL_CERT_FILE would make httpx ignore the list.
    assert "SSL_CERT_FILE" not in store.start(SSL_CERT_DIR=f"{store.home}/current/crts{os.pathsep}/own")[1]


def test_certboot_disable_turns_the_hook_off_unless_it_is_empty_or_0(store: Store) -> None:
    for value in ("1", "yes", "no"):
        assert store.start(CERTBOOT_DISABLE=value) == ("disabled", {})
    for value in ("0", ""):
        assert store.start(CERTBOOT_DISABLE=value) == ("active", store.settings)


def test_env_names_one_generation_and_values_of_another_are_left_out(store: Store) -> None:
    ours, others = store.named("generations/1"), store.named("generations/2")
    store.write(f"SSL_CERT_FILE={ours['SSL_CERT_FILE']}", f"SSL_CERT_DIR={others['SSL_CERT_DIR']}")
    assert store.start() == ("active", {"SSL_CERT_FILE": ours["SSL_CERT_FILE"]})


@cases(
    "line",
    [
        "LD_PRELOAD=/x", "PATH={home}", "BASH_ENV={home}/current/bundle.pem", "LD_PRELOAD={home}/current/bundle.pem",
        "PYTHONSTARTUP={home}/current/bundle.pem", "GCONV_PATH={home}/current/crts", "HOME={home}/current/crts",
        "ssl_cert_file={home}/current/bundle.pem", "SSL_CERT_FILE\0={home}/current/bundle.pem",
        "SSL_CERT_FILE=/etc/passwd", "SSL_CERT_FILE={home}/current/bundle.pem ",
        "SSL_CERT_FILE={home}/current/../bundle.pem", "SSL_CERT_FILE=", "SSL_CERT_FILE", "# comment", "",
    ],
)  # fmt: skip
def test_a_line_with_another_value_than_bundle_or_directory_is_passed_over(store: Store, line: str) -> None:
    good = f"GIT_SSL_CAINFO={store.settings['GIT_SSL_CAINFO']}"
    store.write(good, line.format(home=store.home))
    assert store.start() == ("active", {"GIT_SSL_CAINFO": store.settings["GIT_SSL_CAINFO"]})


def replace_env(store: Store, make: Callable[[Path], object]) -> None:
    store.env.unlink()
    make(store.env)


def to_file(path: Path) -> None:
    path.rename(f"{path}.away")
    path.write_text("a file")


def to_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def to_new(path: Path) -> None:
    """Its time is then that of the folder around it, to the tick of the clock."""
    shutil.rmtree(path)
    path.mkdir(mode=0o755)
    for folder in (path, path.parent):
        os.utime(folder, ns=(0, 0))


def to_fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def to_link(path: Path) -> None:
    """Put a link to the same thing, safe as it is, into its place: what it leads to others may own tomorrow."""
    path.rename(f"{path}.away")
    path.symlink_to(f"{path}.away")


def foreign(store: Store, parent: Path) -> None:
    """Write an env that names a whole and safe generation which is not in the store."""
    Store(store.home.parent / "elsewhere")
    store.write(f"SSL_CERT_FILE={parent}/elsewhere/current/bundle.pem")


def dangle(store: Store, target: str) -> None:
    (store.home / "current").unlink()
    (store.home / "current").symlink_to(target)


REFUSED: dict[str, tuple[str, Callable[[Store], object]]] = {
    "no store": ("no-store", lambda store: store.home.rename(store.home.with_name("away"))),
    "no env": ("no-store", lambda store: store.env.unlink()),
    "env dangling": ("bad-env", lambda store: replace_env(store, lambda env: env.symlink_to("nowhere"))),
    "env a folder": ("bad-env", lambda store: replace_env(store, os.mkdir)),
    "env a FIFO": ("bad-env", lambda store: replace_env(store, os.mkfifo)),
    "env binary": ("bad-env", lambda store: store.env.write_bytes(bytes(range(256)))),
    "env empty": ("nothing-to-set", lambda store: store.write()),
    "env of 70 KiB": ("bad-env", lambda store: store.env.write_bytes(store.env.read_bytes() + b"#" * 70 * 1024)),
    "env begins with LD_PRELOAD": (
        "bad-env",
        lambda store: store.env.write_text("LD_PRELOAD=/x\n" + store.env.read_text()),
    ),
    "env with foreign paths": ("bad-env", lambda store: foreign(store, store.home.parent)),
    "env with foreign paths by ..": ("bad-env", lambda store: foreign(store, store.home / "..")),
    "env with relative paths": ("bad-env", lambda store: store.write("SSL_CERT_FILE=current/bundle.pem")),
    "home a file": ("no-store", lambda store: to_file(store.home)),
    "generations gone": ("FileNotFoundError", lambda store: (store.home / "generations").rename(store.home / "away")),
    "generations a file": ("NotADirectoryError", lambda store: to_file(store.home / "generations")),
    "generation a file": ("NotADirectoryError", lambda store: to_file(store.generation)),
    "current dangling": ("FileNotFoundError", lambda store: dangle(store, "generations/2")),
    "current to itself": ("bad-link", lambda store: dangle(store, "current")),
    "current a folder": ("OSError", lambda store: to_folder(store.home / "current")),
    "current out of the store": ("bad-link", lambda store: dangle(store, "../../elsewhere")),
    "current out of the generations": ("bad-link", lambda store: dangle(store, "generations/../generations/1")),
    "current by an absolute path": ("bad-link", lambda store: dangle(store, str(store.generation))),
    "current to no number": ("bad-link", lambda store: dangle(store, "generations/1.partial")),
    "current deeper": ("bad-link", lambda store: dangle(store, "generations/1/crts")),
    "crts gone": ("FileNotFoundError", lambda store: store.crts.rename(store.home / "away")),
    "crts a file": ("incomplete", lambda store: to_file(store.crts)),
    "env a link": ("bad-env", lambda store: to_link(store.env)),
    "generations a link": ("unsafe", lambda store: to_link(store.home / "generations")),
    "generation a link": ("unsafe", lambda store: to_link(store.generation)),
    "crts a link": ("unsafe", lambda store: to_link(store.crts)),
    "bundle a link": ("unsafe", lambda store: to_link(store.bundle)),
    "bundle a FIFO": ("unsafe", lambda store: to_fifo(store.bundle)),
    # As SSL_CERT_FILE or REQUESTS_CA_BUNDLE a folder fails every host in httpx, boto3, curl, uv and others.
    "bundle a folder": ("incomplete", lambda store: to_folder(store.bundle)),
    "crts empty": ("incomplete", lambda store: (store.crts / "9d66eef0.0").unlink()),
    "crts made anew, empty": ("incomplete", lambda store: to_new(store.crts)),
    "bundle gone": ("FileNotFoundError", lambda store: store.bundle.unlink()),
    "bundle empty": ("incomplete", lambda store: store.bundle.write_bytes(b"")),
}


@cases("case", REFUSED)
def test_a_broken_store_is_refused_and_the_status_says_why(store: Store, case: str) -> None:
    assert store.start()[0] == "active"  # the control
    expected, damage = REFUSED[case]
    damage(store)
    assert store.start() == (expected, {})


def test_an_env_that_may_not_be_read_is_no_store(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object) -> int:
        raise PermissionError

    monkeypatch.setattr(os, "open", denied)  # a mode of 0 would not keep root out
    assert store.start() == ("no-store", {})


PARTS = ["", "generations", "generations/1", "generations/1/crts", "generations/1/bundle.pem", "env"]


@cases("part", PARTS)
def test_a_store_that_others_may_write_to_or_own_is_unsafe(store: Store, part: str) -> None:
    path = store.home / part
    mode = path.stat().st_mode
    for right in (0o020, 0o002):
        path.chmod(mode | right)
        assert store.start() == ("unsafe", {})
    path.chmod(mode)
    assert store.start() == ("active", store.settings)
    if os.geteuid() == 0:  # only root can give a file to somebody else
        os.chown(path, NOBODY, -1)
        assert store.start() == ("unsafe", {})


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to somebody else")
@pytest.mark.parametrize("owner", [0, NOBODY])
def test_a_store_of_root_or_of_the_user_is_safe(monkeypatch: pytest.MonkeyPatch, top: Path, owner: int) -> None:
    store = Store(top / "store")
    for part in PARTS:
        os.chown(store.home / part, owner, -1)
    monkeypatch.setattr(os, "geteuid", lambda: NOBODY)
    assert store.start() == ("active", store.settings)


def test_on_windows_the_rights_are_left_to_the_user_s_profile(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.home.chmod(0o777)  # as os.stat has it for every folder there
    with monkeypatch.context() as patch:
        patch.setattr(os, "name", "nt")
        found = store.start()
    assert found == ("active", store.settings)


def test_the_hook_has_the_names_of_the_table_and_no_others() -> None:
    assert tuple(BY_NAME) == certboot_startup.VARIABLES
    assert tuple(v.name for v in BY_NAME.values() if v.form == DIRECTORY) == certboot_startup.DIRECTORIES
    assert set(certboot_startup.OVERRULING) | {*certboot_startup.HOLDS_BACK} <= {*BY_NAME}


@cases("name", ["BASH_ENV", "ENV", "LD_PRELOAD", "PYTHONSTARTUP", "PYTHONPATH", "OPENSSL_CONF", "PATH"])
def test_no_variable_outside_the_table_is_set_or_replaced_whatever_env_says(store: Store, name: str) -> None:
    for value in (store.bundle_named, f"{store.home}/current/crts"):
        store.write(f"SSL_CERT_FILE={store.bundle_named}", f"{name}={value}", f"-{name}=/own", "-PIP_CERT=/own")
        expected = {"SSL_CERT_FILE": store.bundle_named}
        assert store.start() == ("active", expected)
        environ = {"CERTBOOT_HOME": str(store.home), "CERTBOOT_GUARDS": "none", name: "/own", "PIP_CERT": "/own"}
        with pytest.MonkeyPatch.context() as patch:
            unstarted(patch)
            patch.setattr(os, "environ", environ)
            certboot_startup.activate()
        assert (environ[name], environ["PIP_CERT"]) == ("/own", store.bundle_named)  # the second is the control


def test_activate_acts_once_in_a_process(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    environ = {"CERTBOOT_HOME": str(store.home), "CERTBOOT_GUARDS": "none"}
    unstarted(monkeypatch)
    monkeypatch.setattr(os, "environ", environ)
    certboot_startup.activate()
    del environ["SSL_CERT_FILE"]  # what the program takes away stays away
    certboot_startup.activate()
    assert "SSL_CERT_FILE" not in environ
    assert certboot_startup.applied == store.settings


@cases("error", [OSError, PermissionError, ValueError, MemoryError, RecursionError])
@cases("at", range(16))
def test_activate_never_raises_and_its_status_names_the_exception(
    store: Store, monkeypatch: pytest.MonkeyPatch, at: int, error: type[Exception]
) -> None:
    looks: list[str] = []
    real = os.lstat

    def failing(path: str) -> os.stat_result:
        looks.append(path)
        if len(looks) == at + 1:
            raise error
        return real(path)

    with monkeypatch.context() as patch:
        patch.setattr(os, "lstat", failing)
        found = store.start()
    if len(looks) <= at:
        assert found == ("active", store.settings)
        return
    on_the_way = looks[-1] == str(store.env) or str(store.home).startswith(looks[-1])
    assert found == ("no-store" if on_the_way and issubclass(error, OSError) else error.__name__, {})


@pytest.fixture(scope="module")
def module_store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(tmp_path_factory.mktemp("hypothesis") / "store")


# Pieces of a good env, so that the random ones get past the first checks.
GOOD = st.sampled_from([b"SSL_CERT_FILE=", b"LD_PRELOAD=", b"@/current", b"@/generations/1", b"/bundle.pem", b"/crts",
                        b"\n", b"=", b"/..", b"\0", b"@"])  # fmt: skip


@settings(max_examples=60)
@given(pieces=st.lists(GOOD | st.binary(max_size=20), max_size=30), good_first=st.booleans())
def test_no_bytes_whatever_in_env_raise_or_set_anything_outside_the_store(
    module_store: Store, pieces: list[bytes], *, good_first: bool
) -> None:
    home = os.fsencode(module_store.home)
    first = [b"GIT_SSL_CAINFO=@/current/bundle.pem\n"] if good_first else []
    module_store.env.write_bytes(b"".join([*first, *pieces]).replace(b"@", home))
    status, added = module_store.start()
    values = {*module_store.named("current").values(), *module_store.named("generations/1").values()}
    assert {os.path.normpath(value) for value in added.values()} <= values
    assert status


@cases(
    ("environ", "expected"),
    [
        ({"HOME": "/home/eve"}, "/home/eve/.local/share/certboot"),
        ({}, "/home/passwd/.local/share/certboot"),
        ({"HOME": ""}, "/home/passwd/.local/share/certboot"),
        ({"HOME": "eve"}, "/home/passwd/.local/share/certboot"),
        ({"HOME": "/home/eve", "XDG_DATA_HOME": "/data"}, "/data/certboot"),
        ({"HOME": "/home/eve", "XDG_DATA_HOME": ""}, "/home/eve/.local/share/certboot"),
        ({"HOME": "/home/eve", "XDG_DATA_HOME": "data"}, "/home/eve/.local/share/certboot"),
        ({"HOME": "/home/eve", "XDG_DATA_HOME": "/data", "CERTBOOT_HOME": "/store"}, "/store"),
        ({"HOME": "/home/eve", "CERTBOOT_HOME": ""}, "/home/eve/.local/share/certboot"),
    ],
)
def test_the_store_is_where_platformdirs_has_it(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], expected: str
) -> None:
    passwd = pwd.struct_passwd(("eve", "x", 1, 1, "", "/home/passwd", "/bin/sh"))
    monkeypatch.setattr(pwd, "getpwuid", lambda _: passwd)
    monkeypatch.delenv("HOME")
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert certboot_startup.store_home(environ, set(environ)) == expected
    assert str(store_paths().home) == expected


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to somebody else")
@cases(
    ("owner", "user", "counts"),
    [(NOBODY, 0, False), (NOBODY, 1234, False), (NOBODY, NOBODY, True), (0, NOBODY, True), (0, 0, True)],
)
def test_a_home_of_another_user_does_not_count(
    monkeypatch: pytest.MonkeyPatch, clean: Path, tmp_path: Path, owner: int, user: int, *, counts: bool
) -> None:
    """As sudo keeps it, or as a CI service sets it for root in a container."""
    passwd = pwd.struct_passwd(("eve", "x", user, user, "", "/home/passwd", "/bin/sh"))
    monkeypatch.setattr(pwd, "getpwuid", {user: passwd}.__getitem__)
    os.chown(clean, owner, -1)
    (tmp_path / "link").symlink_to(clean)
    monkeypatch.setattr(os, "geteuid", lambda: user)
    for home in (clean, tmp_path / "link"):
        expected = f"{home if counts else '/home/passwd'}/.local/share/certboot"
        environ = {"HOME": str(home)}
        assert certboot_startup.store_home(environ, set(environ)) == expected
        monkeypatch.setenv("HOME", str(home))
        assert str(store_paths().home) == expected
        # What names a folder for data, or the store, counts whoever owns HOME.
        for name, expected in (("XDG_DATA_HOME", "/data/certboot"), ("CERTBOOT_HOME", "/data")):
            chosen = {**environ, name: "/data"}
            assert certboot_startup.store_home(chosen, set(chosen)) == expected


def test_without_any_home_or_with_a_relative_one_nothing_happens(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(uid: int) -> object:
        raise KeyError(uid)

    monkeypatch.chdir(store.home.parent)
    for variables, recorded in (({"CERTBOOT_HOME": "store"}, ""), ({}, "store"), ({}, "./store"), ({}, "~/store")):
        assert start({"HOME": str(store.home.parent), **variables}, recorded) == ("homeless", {})
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    assert start({}) == ("KeyError", {})


def test_what_config_toml_chooses_of_guards_and_hints_stands_at_the_end_of_env(
    certboot: Callable[..., object], paths: StorePaths
) -> None:
    certboot("init")
    plain = paths.env.read_text()
    choices = {
        'guards = ["ssl", "certifi"]': "CERTBOOT_GUARDS=ssl,certifi\n",
        "guards = []": "CERTBOOT_GUARDS=\n",
        "hints = false": "CERTBOOT_HINTS=0\n",
        "hints = true": "",
    }
    for chosen, line in choices.items():
        paths.config.write_text(f"{chosen}\n")
        certboot("update")
        assert paths.env.read_text() == plain + line
        assert not {"CERTBOOT_GUARDS", "CERTBOOT_HINTS"}.intersection(start({"CERTBOOT_HOME": str(paths.home)})[1])
    paths.config.unlink()
    certboot("update")
    assert paths.env.read_text() == plain


def test_a_recorded_folder_is_the_store_s_and_certboot_home_goes_before_it(store: Store, tmp_path: Path) -> None:
    assert start({"HOME": str(tmp_path)}) == ("no-store", {})
    for written in (f"{store.home}", f"{store.home}/", f"{store.home}/.", f"{store.home}/../store"):
        for environ in ({"HOME": str(tmp_path)}, {}, {"CERTBOOT_HOME": ""}):  # without any home folder too
            assert start(environ, written) == ("active", store.settings)
    other = Store(tmp_path / "other")
    assert start({"CERTBOOT_HOME": str(other.home)}, str(store.home)) == ("active", other.settings)


def test_certboot_itself_uses_the_recorded_folder(
    monkeypatch: pytest.MonkeyPatch, store: Store, clean: Path, tmp_path: Path
) -> None:
    unstarted(monkeypatch)
    assert store_paths().home == clean / ".local" / "share" / "certboot"
    monkeypatch.setenv("CERTBOOT_GUARDS", "none")
    for name in store.settings:
        monkeypatch.setenv(name, "")
    for folder in (store.home, tmp_path / "other"):  # the first hook of an interpreter counts
        certboot_startup.activate(str(folder))
        assert (certboot_startup.status, certboot_startup.home) == ("active", str(store.home))
    assert store_paths().home == store.home
    monkeypatch.setenv("CERTBOOT_HOME", str(tmp_path / "own"))
    assert store_paths().home == tmp_path / "own"


# Recorded on Windows and macOS: what platformdirs.user_data_dir("certboot") answers there.
@cases(
    ("environ", "expected"),
    [
        ({"LOCALAPPDATA": r"C:\Users\eve\Local", "HOME": "/home/eve"}, r"C:\Users\eve\Local\certboot\certboot"),
        ({"LOCALAPPDATA": r"C:\Local", "CERTBOOT_HOME": r"D:\store"}, r"D:\store"),
        ({"HOME": "/home/eve", "XDG_DATA_HOME": "/data"}, ""),
        ({"HOME": "/Users/eve"}, "/Users/eve/Library/Application Support/certboot"),
        ({"HOME": "/Users/eve", "XDG_DATA_HOME": "/data"}, "/data/certboot"),
    ],
)
def test_the_store_on_windows_and_macos(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], expected: str
) -> None:
    with monkeypatch.context() as patch:
        if expected.startswith("/"):
            patch.setattr(sys, "platform", "darwin")
        else:
            patch.setattr(os, "name", "nt")
            patch.setattr(os, "path", ntpath)
        found = certboot_startup.store_home(environ, set(environ))
    assert found == expected
