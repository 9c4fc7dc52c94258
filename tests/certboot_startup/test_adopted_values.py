"""Which values of which variables the hook replaces, with what, and that nothing in ``env`` makes it do more."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.hook_store import Store, unstarted
from support.table import cases

import certboot_startup
from certboot.clients.variables import BY_NAME, DIRECTORY, Adoption
from certboot.store.env_file import EnvFile, render

OWN = "/corp/ca.pem"
# Any value that a variable can have in a process, and an env file can tell.
VALUES = st.binary(max_size=30).map(lambda data: os.fsdecode(data.translate(None, b"\0\n")))
ODD = [
    "/corp/my ca.pem", "/corp/ca=1.pem", "/corp/'ca'.pem", '/corp/"ca".pem', "-/corp", "/-", "=", "/a:/b", " ", "/ö",
    os.fsdecode(b"/\xff\xfe"), "/\x85\u2028\x0b\x1c", "$HOME", "#", "/corp\\ca", "SSL_CERT_FILE=/x", "\t/corp\r",
]  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def adopt(store: Store, *adopted: tuple[str, str]) -> None:
    store.env.write_bytes(render(EnvFile(store.settings, None, tuple(Adoption(*each) for each in adopted))))


def start(store: Store, **environ: str) -> tuple[str, dict[str, str]]:
    """Return the status of the hook in an interpreter started so, and the variables that are not as they were."""
    found = {**environ, "CERTBOOT_HOME": str(store.home), "CERTBOOT_GUARDS": "none"}
    before = dict(found)
    with pytest.MonkeyPatch.context() as patch:
        unstarted(patch)
        patch.setattr(os, "environ", found)
        certboot_startup.activate()
        assert before.keys() <= found.keys()
        changed = {name: value for name, value in found.items() if before.get(name) != value}
        assert certboot_startup.applied == changed
        return certboot_startup.status, changed


def ours(store: Store, variable: str) -> str:
    if variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):  # so that a child can tell that the user had exported it
        return f"{store.home}/current/./bundle.pem"
    return f"{store.home}/current/{'crts' if BY_NAME[variable].form == DIRECTORY else 'bundle.pem'}"


def test_exactly_the_adopted_value_of_exactly_its_variable_is_replaced_by_the_bundle_or_the_directory(
    store: Store,
) -> None:
    others = ["", f"{OWN}/", f"{OWN}x", OWN.upper(), "/corp/../corp/ca.pem", f"{OWN}:{OWN}"]
    for variable in BY_NAME:
        adopt(store, (variable, OWN))
        assert start(store, **{variable: OWN}) == ("active", {**store.settings, variable: ours(store, variable)})
        for value in others:
            status, changed = start(store, **{variable: value})
            assert (status, variable in changed) == ("active", False), (variable, value)
        elsewhere = dict.fromkeys([*(BY_NAME.keys() - {variable}), "OTHER", "PATH", f"-{variable}"], OWN)
        assert start(store, **elsewhere, **{variable: OWN})[1].keys() == {variable}
        assert set(start(store, **elsewhere)[1]) <= {variable} & store.settings.keys()
        assert start(store) == ("active", store.settings)  # outside the default set none is set where it is unset


def test_of_several_values_of_one_variable_each_is_replaced(store: Store) -> None:
    adopt(store, ("PIP_CERT", OWN), ("PIP_CERT", "/a"), ("PIP_CERT", "/b"))
    for value, replaced in ((OWN, True), ("/a", True), ("/b", True), ("/c", False)):
        assert ("PIP_CERT" in start(store, PIP_CERT=value)[1]) == replaced


@cases(("other", "held"), [(name, held) for name, held in certboot_startup.HOLDS_BACK.items() if name != held])
def test_an_adopted_value_holds_no_other_variable_back_and_any_other_value_still_does(
    store: Store, other: str, held: str
) -> None:
    adopt(store, (other, OWN))
    assert start(store, **{other: OWN})[1] == {**store.settings, other: ours(store, other)}
    assert held not in start(store, **{other: "/corp/other.pem"})[1]
    adopt(store, ("PIP_CERT", OWN))
    changed = start(store, PIP_CERT=OWN, CURL_CA_BUNDLE=OWN)[1]  # the second is not adopted
    assert changed["PIP_CERT"] == ours(store, "PIP_CERT")
    assert {"CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"}.isdisjoint(changed)


def test_what_a_parent_has_replaced_stays_as_it_is_in_the_child(store: Store) -> None:
    adopt(store, ("SSL_CERT_FILE", OWN), ("SSL_CERT_DIR", "/a:/b"))
    first = start(store, SSL_CERT_FILE=OWN, SSL_CERT_DIR="/a:/b")[1]
    assert first == store.settings
    assert start(store, **first) == ("active", {})


@pytest.fixture(scope="module")
def module_store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(tmp_path_factory.mktemp("adopted") / "store")


@settings(max_examples=60)
@given(st.sampled_from(sorted(BY_NAME)), VALUES | st.sampled_from(ODD), VALUES | st.sampled_from(ODD))
def test_whatever_the_value_it_and_no_other_is_replaced(
    module_store: Store, variable: str, value: str, other: str
) -> None:
    adopt(module_store, (variable, value))
    assert start(module_store, **{variable: value})[1][variable] == ours(module_store, variable)
    assert (variable in start(module_store, **{variable: other})[1]) == (value == other)


@cases("locale", [{}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}], ids=["", "C"])
def test_odd_values_are_replaced_in_a_real_process_too(store: Store, locale: dict[str, str]) -> None:
    code = """\
import os, certboot_startup as hook
hook.activate()
print(hook.status, *(os.environb[name] for name in (b"PIP_CERT", b"AWS_CA_BUNDLE")), sep="\\n")
"""
    source = Path(certboot_startup.__file__).parents[1]
    environ = {"CERTBOOT_HOME": str(store.home), "PYTHONPATH": str(source), "AWS_CA_BUNDLE": "/own", **locale}
    adopt(store, *(("PIP_CERT", value) for value in ODD if value))
    for value in ODD:
        ran = subprocess.run(
            [sys.executable, "-S", "-c", code], env={**environ, "PIP_CERT": value}, capture_output=True, check=True
        )
        expected = ["active", repr(os.fsencode(ours(store, "PIP_CERT"))), repr(b"/own")]
        assert ran.stdout.decode().splitlines() == expected, value


# Of the stores that are refused, which test_activate.py has, one of each kind.
LIMITS: dict[str, Callable[[Store], object]] = {
    "home writable": lambda store: store.home.chmod(0o777),
    "bundle empty": lambda store: store.bundle.write_text(""),
    "directory empty": lambda store: (store.crts / "9d66eef0.0").unlink(),
    "env too large": lambda store: store.env.write_bytes(store.env.read_bytes() + b"#" * 70_000),
    "env gone": lambda store: store.env.unlink(),
}


@cases("limit", LIMITS)
def test_where_the_hook_refuses_a_store_the_adopted_value_stays(store: Store, limit: str) -> None:
    adopt(store, ("SSL_CERT_FILE", OWN))
    assert start(store, SSL_CERT_FILE=OWN)[1]["SSL_CERT_FILE"] == ours(store, "SSL_CERT_FILE")  # the control
    assert start(store, SSL_CERT_FILE=OWN, CERTBOOT_DISABLE="1") == ("disabled", {})
    LIMITS[limit](store)
    status, changed = start(store, SSL_CERT_FILE=OWN)
    assert (status == "active", changed) == (False, {})


@cases(
    "lines",
    [
        ["-SSL_CERT_FILE=/corp/ca.pem"],  # nothing that names a generation
        ["-SSL_CERT_FILE=/corp/ca.pem", "SSL_CERT_FILE={home}/current/bundle.pem"],
        ["SSL_CERT_FILE=/corp/bundle.pem", "-SSL_CERT_FILE=/corp/ca.pem"],
        ["SSL_CERT_FILE={home}/../corp/bundle.pem", "-SSL_CERT_FILE=/corp/ca.pem"],
    ],
)
def test_without_a_first_line_of_the_store_nothing_is_replaced(store: Store, lines: list[str]) -> None:
    store.write(*(line.format(home=store.home) for line in lines))
    assert start(store, SSL_CERT_FILE=OWN) == ("bad-env", {})


@cases("line", ["-", "-=", "--", "-SSL_CERT_FILE", "- SSL_CERT_FILE=/corp/ca.pem", "-=/corp/ca.pem",
                                  "--SSL_CERT_FILE=/corp/ca.pem", " -SSL_CERT_FILE=/corp/ca.pem",
                                  "-SSL_CERT_FILE=/corp/ca.pem\r", "-SSL_CERT_FILE = /corp/ca.pem"])  # fmt: skip
def test_a_line_that_names_no_variable_and_value_exactly_replaces_nothing(store: Store, line: str) -> None:
    store.env.write_bytes(store.env.read_bytes() + f"{line}\n".encode())
    status, changed = start(store, SSL_CERT_FILE=OWN)
    assert (status, "SSL_CERT_FILE" in changed) == ("active", False)


# Pieces of a good env, so that the random ones get past the first checks. "@" is the store.
GOOD = st.sampled_from(
    [b"-SSL_CERT_FILE=", b"-LD_PRELOAD=", b"-PATH=", b"\n-", b"-", b"=", b"/own", b"\n", b"@/current/bundle.pem", b"@",
     b"SSL_CERT_DIR=@/current/crts", b"/..", b"\0", b"\r", b"-SSL_CERT_DIR=/own\n", b"-=/own\n"]
)  # fmt: skip
FIRST = b"GIT_SSL_CAINFO=@/current/bundle.pem\n"


@example([b"-PATH=/own\n", b"-LD_PRELOAD=/own\n", b"LD_PRELOAD=/evil.so\n"])
@example([b"-SSL_CERT_FILE=/own=/evil.pem\n", b"SSL_CERT_FILE=/evil.pem\n"])
@settings(max_examples=80)
@given(st.lists(GOOD | st.binary(max_size=12), max_size=30))
def test_no_bytes_whatever_raise_or_make_a_variable_anything_but_a_path_of_the_store(
    module_store: Store, pieces: list[bytes]
) -> None:
    home = os.fsencode(module_store.home)
    module_store.env.write_bytes(b"".join([FIRST, *pieces]).replace(b"@", home))
    lines = os.fsdecode(module_store.env.read_bytes()).split("\n")
    before = dict.fromkeys(("PATH", "LD_PRELOAD", "SSL_CERT_FILE", "SSL_CERT_DIR", "PIP_CERT"), "/own")
    status, changed = start(module_store, **before)
    assert status == "active"
    assert set(changed.values()) <= {f"{module_store.home}/current/bundle.pem", f"{module_store.home}/current/crts"}
    for name in changed.keys() & before.keys():
        assert f"-{name}=/own" in lines
