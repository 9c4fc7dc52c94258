"""Differential: what certboot takes for the hook's settings is what the hook sets, or it says why there are none."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from support.hook_store import Store, unstarted
from support.table import cases

import certboot_startup
from certboot.errors import StoreError
from certboot.store.env_file import settings
from certboot.store.paths import StorePaths


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def of_the_hook(store: Store, environ: dict[str, str]) -> tuple[str, dict[str, str]]:
    """Return the status of the hook in a process with this environment, and the environment that it leaves."""
    found = {**environ, "CERTBOOT_HOME": str(store.home), "CERTBOOT_GUARDS": "none"}
    with pytest.MonkeyPatch.context() as patch:
        unstarted(patch)
        patch.setattr(os, "environ", found)
        certboot_startup.activate()
        return certboot_startup.status, {
            name: value for name, value in found.items() if name not in ("CERTBOOT_HOME", "CERTBOOT_GUARDS")
        }


def test_a_process_that_has_set_nothing_gets_all_of_the_env_file(store: Store) -> None:
    found = settings(StorePaths(store.home), {})
    assert (found.variables, found.held, found.replaced) == (store.settings, {}, {})
    assert found.applied_to({"HOME": "/h"}) == {**store.settings, "HOME": "/h"}


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


def test_nothing_to_set_is_no_error(store: Store) -> None:
    store.write()
    assert settings(StorePaths(store.home), {}).variables == {}
    assert of_the_hook(store, {}) == ("nothing-to-set", {})


def empty(folder: Path) -> None:
    for file in folder.iterdir():
        file.unlink()


def fifo(store: Store) -> None:
    store.env.unlink()
    os.mkfifo(store.env)


def elsewhere(store: Store) -> None:
    store.write(f"SSL_CERT_FILE={store.home}/bundle.pem")


DEFECTS: dict[str, tuple[str, Callable[[Store], object], str, str]] = {
    "no-store": ("no-store", lambda store: store.env.unlink(), "there is no store yet", "certboot init"),
    "fifo": ("bad-env", fifo, "no store yet", "certboot init"),
    "elsewhere": ("bad-env", elsewhere, "names something outside the store", "certboot init"),
    "no-bundle": ("FileNotFoundError", lambda store: store.bundle.unlink(), "not whole", "certboot init"),
    "no-directory": ("FileNotFoundError", lambda store: shutil.rmtree(store.crts), "not whole", "certboot init"),
    "empty-bundle": ("incomplete", lambda store: store.bundle.write_text(""), "not whole", "certboot init"),
    "empty-directory": ("incomplete", lambda store: empty(store.crts), "not whole", "certboot init"),
    "open-env": ("unsafe", lambda store: store.env.chmod(0o666), "others may write to it", "certboot doctor store"),
    "open-home": ("unsafe", lambda store: store.home.chmod(0o777), "others may write to it", "certboot doctor store"),
    "open-bundle": ("unsafe", lambda store: store.bundle.chmod(0o664), "others may write", "certboot doctor store"),
    "open-directory": ("unsafe", lambda store: store.crts.chmod(0o777), "others may write", "certboot doctor store"),
    "open-generations": (
        "unsafe", lambda store: store.generation.parent.chmod(0o777), "others may write", "certboot doctor store",
    ),
}  # fmt: skip


@cases("defect", DEFECTS)
def test_a_store_that_the_hook_refuses_is_refused_with_the_next_step(store: Store, defect: str) -> None:
    assert of_the_hook(store, {}) == ("active", store.settings)  # the control
    status, damage, message, hint = DEFECTS[defect]
    damage(store)
    with pytest.raises(StoreError, match=message) as caught:
        settings(StorePaths(store.home), {})
    assert caught.value.hint == hint
    assert of_the_hook(store, {}) == (status, {})
