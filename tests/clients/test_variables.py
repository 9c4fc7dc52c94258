from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from support.table import cases

import certboot_startup
from certboot.clients.variables import BY_NAME, DIRECTORY, VARIABLES
from certboot.store import env_file
from certboot.store.config import Config
from certboot.store.env_file import held_back
from certboot.store.paths import StorePaths
from certboot.store.request import Request
from certboot.store.update import apply

GROUPS = [
    ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT"),
    ("SSL_CERT_FILE", "SSL_CERT_DIR"),
    ("GIT_SSL_CAINFO", "GIT_SSL_CAPATH"),
    ("NODE_EXTRA_CA_CERTS", "HTTPLIB2_CA_CERTS"),
]


def test_only_those_that_openssl_reads_as_a_list_of_directories_are_given_one() -> None:
    directories = {variable.name for variable in VARIABLES if variable.form == DIRECTORY}
    assert directories == {"SSL_CERT_DIR", "GIT_SSL_CAPATH"} == set(certboot_startup.DIRECTORIES)


def test_the_defaults_are_the_smallest_set_that_reaches_the_clients() -> None:
    assert " ".join(sorted(variable.name for variable in VARIABLES if variable.default)) == (
        "GIT_SSL_CAINFO GRPC_DEFAULT_SSL_ROOTS_FILE_PATH HTTPLIB2_CA_CERTS NODE_EXTRA_CA_CERTS REQUESTS_CA_BUNDLE "
        "SSL_CERT_DIR SSL_CERT_FILE"
    )
    assert len(BY_NAME) == len(VARIABLES)


@cases(
    "config",
    [Config(), Config(add=("CURL_CA_BUNDLE", "PIP_CERT")), Config(remove=("SSL_CERT_DIR",))],
    ids=["defaults", "more", "no-directory"],
)
def test_what_init_says_of_preset_variables_is_what_the_hook_does(
    paths: StorePaths, monkeypatch: pytest.MonkeyPatch, config: Config
) -> None:
    """Every combination of unset, empty, foreign and our own values among the variables that look at each other."""
    apply(paths, Request("init"))
    settings = env_file.values(config.variables(), paths.current)
    paths.env.write_bytes(env_file.render(env_file.EnvFile(settings)))
    bundle, crts = (str(paths.current / name) for name in ("bundle.pem", "crts"))
    former = str(paths.generations / "1" / "bundle.pem")
    choices = (None, "", "/own.pem", f"{paths.home}-of-others/ca.pem", bundle, crts, former)
    disagreed = []
    for group in GROUPS:
        for values in itertools.product(choices, repeat=len(group)):
            preset = {name: value for name, value in zip(group, values, strict=True) if value is not None}
            held = held_back(settings, paths, preset)
            environ = {**preset, "CERTBOOT_HOME": str(paths.home), "CERTBOOT_GUARDS": "none"}
            monkeypatch.setattr(certboot_startup, "applied", {})
            status = certboot_startup._activate(environ, set(environ))  # type: ignore[arg-type]  # a dict will do
            assert status == "active"
            assert {name: environ[name] for name in preset} == preset
            set_by_hook = {name: value for name, value in settings.items() if name not in held and name not in preset}
            if certboot_startup.applied != set_by_hook:
                disagreed.append(preset)
    assert disagreed == []


def test_a_preset_variable_is_named_with_the_one_that_decides_it() -> None:
    paths = StorePaths(Path("/s"))
    names = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")
    assert held_back(names, paths, {}) == {}
    assert held_back(names, paths, {"PIP_CERT": "/own", "SSL_CERT_FILE": "/s/current/bundle.pem", "OTHER": "x"}) == {
        "REQUESTS_CA_BUNDLE": ("PIP_CERT", "/own")
    }
    assert held_back(names, paths, {"REQUESTS_CA_BUNDLE": "/x", "PIP_CERT": "/own"}) == {
        "REQUESTS_CA_BUNDLE": ("REQUESTS_CA_BUNDLE", "/x")
    }


def test_an_adopted_value_holds_nothing_back_but_another_value_or_variable_does() -> None:
    paths, names = StorePaths(Path("/s")), ("REQUESTS_CA_BUNDLE",)
    adopted = [("PIP_CERT", "/own"), ("REQUESTS_CA_BUNDLE", "/x")]
    assert held_back(names, paths, {"PIP_CERT": "/own", "REQUESTS_CA_BUNDLE": "/x"}, adopted) == {}
    for preset, value in (("PIP_CERT", "/own/"), ("PIP_CERT", "/x"), ("CURL_CA_BUNDLE", "/own")):
        expected = {"REQUESTS_CA_BUNDLE": (preset, value)}
        assert held_back(names, paths, {preset: value, "REQUESTS_CA_BUNDLE": "/x"}, adopted) == expected
