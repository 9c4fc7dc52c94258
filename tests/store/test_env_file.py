"""The ``env`` file; and what certboot takes for the hook's settings is what the hook sets, or it says why not."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.hook_store import Store, unstarted
from support.table import cases

import certboot_startup
from certboot.clients.variables import BY_NAME, PROFILES, Adoption, Profile
from certboot.errors import StoreError
from certboot.store import env_file
from certboot.store.env_file import EnvFile, settings
from certboot.store.paths import StorePaths

# What an environment variable can hold, but for line ends: any byte but NUL.
VALUE = st.binary(min_size=1, max_size=30).map(lambda data: os.fsdecode(data.translate(None, b"\0\n\r")))
ADOPTED = st.lists(st.builds(Adoption, st.sampled_from(sorted(BY_NAME)), VALUE), max_size=9).map(tuple)
FOLDERS = ["/s/current", "/a = b/ö", os.fsdecode(b"/s\xff"), '/"quoted" $HOME/-x']


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store") / "env"


ODD = (Adoption("PIP_CERT", "-/a = '\" b"), Adoption("PIP_CERT", "PIP_CERT=/x"), Adoption("PIP_CERT", "="))
BYTES = (Adoption("SSL_CERT_DIR", os.fsdecode(b"/\xff:/\xc3\x28 \t\x85\x0b")),)


@example("/s", "", "gentle", ODD, False)  # noqa: FBT003
@example("/s", None, "full", BYTES, True)  # noqa: FBT003
@given(
    st.sampled_from(FOLDERS),
    st.none() | st.sampled_from(["", "ssl", "ssl,certifi"]),
    st.sampled_from(PROFILES),
    ADOPTED,
    st.booleans(),
)
def test_what_is_written_is_read(
    path: Path,
    folder: str,
    guards: str | None,
    profile: Profile,
    adopted: tuple[Adoption, ...],
    hints: bool,  # noqa: FBT001
) -> None:
    env = EnvFile(env_file.values(BY_NAME.values(), Path(folder)), guards, adopted, profile, hints)
    path.write_bytes(env_file.render(env))
    assert env_file.parse(path) == env
    assert env_file.read(path) == env.variables
    lines = len(BY_NAME) + (guards is not None) + (profile == "gentle") + (not hints) + len(adopted)
    assert env_file.render(env).count(b"\n") == lines


def test_the_variables_come_first_for_by_them_the_hook_knows_the_generation() -> None:
    values = env_file.values((BY_NAME["SSL_CERT_FILE"], BY_NAME["SSL_CERT_DIR"]), Path("/s/current"))
    assert values == {"SSL_CERT_FILE": "/s/current/bundle.pem", "SSL_CERT_DIR": "/s/current/crts"}
    env = EnvFile({"SSL_CERT_FILE": "/s/bundle.pem"}, "ssl", (Adoption("PIP_CERT", "/corp.pem"),), hints=False)
    lines = ("SSL_CERT_FILE=/s/bundle.pem", "CERTBOOT_GUARDS=ssl", "CERTBOOT_HINTS=0", "-PIP_CERT=/corp.pem")
    assert env_file.render(env).decode() == "".join(f"{line}\n" for line in lines)


def test_lines_without_a_value_are_passed_over(path: Path) -> None:
    path.write_bytes(b"\n# words\nSSL_CERT_FILE=/s/bundle.pem\nSSL_CERT_DIR\n-PIP_CERT\n-")
    assert env_file.parse(path) == EnvFile({"SSL_CERT_FILE": "/s/bundle.pem"})


@given(st.binary(max_size=300))
def test_no_bytes_whatever_raise(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    assert env_file.parse(path) is not None


def test_no_file_sets_nothing(tmp_path: Path) -> None:
    assert env_file.read(tmp_path / "env") is env_file.read(tmp_path) is None
    assert env_file.parse(tmp_path / "env") is env_file.parse(tmp_path) is None
    assert env_file.render(EnvFile({})) == b""
    (tmp_path / "env").write_bytes(b"")
    assert env_file.parse(tmp_path / "env") == EnvFile({})


# Differential: the hook, and what certboot takes for its settings


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def of_the_hook(store: Store, environ: dict[str, str]) -> tuple[str, dict[str, str]]:
    """Return the status of the hook in a process with this environment, and the environment that it leaves."""
    with pytest.MonkeyPatch.context() as patch:
        unstarted(patch)
        patch.setattr(os, "environ", {**environ, "CERTBOOT_HOME": str(store.home), "CERTBOOT_GUARDS": "none"})
        certboot_startup.activate()
        own = ("CERTBOOT_HOME", "CERTBOOT_GUARDS")
        return certboot_startup.status, {name: value for name, value in os.environ.items() if name not in own}


def test_a_process_that_has_set_nothing_gets_all_of_the_env_file(store: Store) -> None:
    found = settings(StorePaths(store.home), {})
    assert (found.variables, found.held, found.replaced) == (store.settings, {}, {})
    assert found.applied_to({"HOME": "/h"}) == {**store.settings, "HOME": "/h"}
    store.write()
    assert settings(StorePaths(store.home), {}).variables == {}
    assert of_the_hook(store, {}) == ("nothing-to-set", {})


GROUPS = [
    ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT"),
    ("SSL_CERT_FILE", "SSL_CERT_DIR"),
    ("GIT_SSL_CAINFO", "GIT_SSL_CAPATH"),
]


@cases("group", GROUPS)
@cases("named", ["current", "generations/1"])
def test_every_environment_becomes_what_the_hook_makes_of_it(store: Store, named: str, group: tuple[str, ...]) -> None:
    """Unset, empty, foreign, adopted and our own values, for the variables that look at each other."""
    lines = [f"{name}={value}" for name, value in store.named(named).items()]
    adopted = [f"-{name}=/adopted" for names in GROUPS for name in names]
    store.write(*lines, "CERTBOOT_GUARDS=ssl", "OTHER=/x", "REQUESTS_CA_BUNDLE_=x", *adopted)
    disagreed = []
    for values in itertools.product((None, "", "/own.pem", "/adopted", str(store.bundle)), repeat=len(group)):
        environ = {name: value for name, value in zip(group, values, strict=True) if value is not None}
        status, expected = of_the_hook(store, environ)
        assert status == "active"
        if settings(StorePaths(store.home), environ).applied_to(environ) != expected:
            disagreed.append(environ)
    assert disagreed == []


def fifo(store: Store) -> None:
    store.env.unlink()
    os.mkfifo(store.env)


LOOK = "certboot doctor store"
DEFECTS: list[tuple[str, Callable[[Store], object], str, str]] = [
    ("no-store", lambda store: store.env.unlink(), "there is no store yet", "certboot init"),
    ("bad-env", fifo, "no store yet", "certboot init"),
    (
        "bad-env", lambda store: store.write(f"SSL_CERT_FILE={store.home}/bundle.pem"),
        "names something outside the store", "certboot init",
    ),
    ("FileNotFoundError", lambda store: store.bundle.unlink(), "not whole", "certboot init"),
    ("FileNotFoundError", lambda store: shutil.rmtree(store.crts), "not whole", "certboot init"),
    ("incomplete", lambda store: store.bundle.write_text(""), "not whole", "certboot init"),
    ("incomplete", lambda store: os.unlink(store.crts / "9d66eef0.0"), "not whole", "certboot init"),
    ("unsafe", lambda store: store.env.chmod(0o666), "others may write to it", LOOK),
    ("unsafe", lambda store: store.home.chmod(0o777), "others may write to it", LOOK),
    ("unsafe", lambda store: store.bundle.chmod(0o664), "others may write", LOOK),
    ("unsafe", lambda store: store.crts.chmod(0o777), "others may write", LOOK),
    ("unsafe", lambda store: store.generation.parent.chmod(0o777), "others may write", LOOK),
]  # fmt: skip


@cases(("status", "damage", "message", "hint"), DEFECTS)
def test_a_store_that_the_hook_refuses_is_refused_with_the_next_step(
    store: Store, status: str, damage: Callable[[Store], object], message: str, hint: str
) -> None:
    assert of_the_hook(store, {}) == ("active", store.settings)  # the control
    damage(store)
    with pytest.raises(StoreError, match=message) as caught:
        settings(StorePaths(store.home), {})
    assert caught.value.hint == hint
    assert of_the_hook(store, {}) == (status, {})
