"""Which values of preset variables are adopted, and what counts as lost."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.snapshot import roots
from support.table import cases

from certboot.clients.variables import BY_NAME, Adoption
from certboot.errors import CertbootError
from certboot.pki.certificate import load_certificate
from certboot.sources.candidates import Candidate, Loaded, Rejection
from certboot.store import choices, env_file
from certboot.store.adoption import lost, preset
from certboot.store.paths import StorePaths

OWN = Adoption("REQUESTS_CA_BUNDLE", "/corp/ca.pem")


@pytest.fixture
def store(paths: StorePaths) -> StorePaths:
    paths.home.mkdir(parents=True)
    return paths


def refused(paths: StorePaths, name: str, environ: dict[str, str]) -> CertbootError:
    with pytest.raises(CertbootError) as caught:
        preset([name], paths, environ)
    assert caught.value.hint
    return caught.value


def test_without_a_name_it_is_every_variable_whose_value_can_be_adopted(store: StorePaths) -> None:
    environ = dict.fromkeys(BY_NAME, "/corp/ca.pem") | {"PATH": "/bin", "MY_CERT": "/corp/ca.pem"}
    assert preset([], store, environ) == tuple(Adoption(name, "/corp/ca.pem") for name in BY_NAME)
    assert preset([], store, {}) == ()


@cases("value", ["", "ca.pem", "/a\nb", "{home}/current/bundle.pem", "{home}/generations/1/crts", "{link}/crts"])
def test_a_value_that_cannot_be_adopted_is_passed_over_where_none_is_named_and_refused_where_it_is(
    store: StorePaths, tmp_path: Path, value: str
) -> None:
    (tmp_path / "link").symlink_to(store.home)
    environ = {OWN.variable: value.format(home=store.home, link=tmp_path / "link"), "PIP_CERT": "/corp/ca.pem"}
    assert preset([], store, environ) == (Adoption("PIP_CERT", "/corp/ca.pem"),)
    assert OWN.variable in refused(store, OWN.variable, environ).message


def test_a_refusal_says_why_and_what_to_do(store: StorePaths) -> None:
    error = refused(store, "CA_BUNDLE\x1b", {"CA_BUNDLE\x1b": "/a"})
    assert error.message == "certboot knows no variable CA_BUNDLE\N{REPLACEMENT CHARACTER}"
    assert error.hint == f"it knows {', '.join(BY_NAME)}"
    assert refused(store, OWN.variable, {}).message == f"{OWN.variable} is not set here"
    error = refused(store, OWN.variable, {OWN.variable: "a\x1b.pem"})
    assert error.message == (
        f"{OWN.variable} cannot be adopted, it is a relative path, which means another place in every folder: "
        "'a\N{REPLACEMENT CHARACTER}.pem'"
    )
    error = refused(store, OWN.variable, {OWN.variable: f"{store.home}/current/bundle.pem"})
    assert error.message == f"{OWN.variable} has certboot's own value"


def test_only_what_is_named_and_not_adopted_already_is_adopted_each_once(store: StorePaths) -> None:
    """``certboot adopt REQUESTS_CA_BUNDLE --yes`` may be run again, as every script is."""
    environ = dict.fromkeys(BY_NAME, "/corp/ca.pem")
    assert preset([OWN.variable, "PIP_CERT", OWN.variable], store, environ) == (OWN, OWN._replace(variable="PIP_CERT"))
    value = f"{store.home}/current/crts{os.pathsep}/corp"  # a list that names more than the store
    assert preset([], store, {"SSL_CERT_DIR": value}) == (Adoption("SSL_CERT_DIR", value),)
    store.adopted.write_bytes(choices.render_adoptions([OWN]))
    assert preset([], store, {OWN.variable: OWN.value}) == (OWN,)  # the run that wrote this was killed
    store.env.write_bytes(env_file.render(env_file.EnvFile({}, adopted=(OWN,))))
    for names in ([], [OWN.variable]):
        assert preset(names, store, {OWN.variable: OWN.value}) == ()
        assert preset(names, store, {OWN.variable: "/other.pem"}) == (OWN._replace(value="/other.pem"),)
    replaced = dict.fromkeys((OWN.variable, "PIP_CERT"), f"{store.home}/current/bundle.pem")  # by the hook
    assert preset([OWN.variable], store, replaced) == ()
    refused(store, "PIP_CERT", replaced)


def test_no_more_is_adopted_than_the_hook_reads(store: StorePaths) -> None:
    long = [OWN._replace(value=f"/{n}".ljust(4000, "x")) for n in range(8)]
    store.adopted.write_bytes(choices.render_adoptions(long))
    assert preset([], store, {"PIP_CERT": "/short"})  # the control
    error = refused(store, "PIP_CERT", {"PIP_CERT": "/" + "x" * 1000})
    assert error.message == f"more is adopted than the hook reads: {store.adopted}"
    assert "--undo" in error.hint


def test_lost_is_what_a_program_may_rely_on_and_does_not_enter() -> None:
    def rejections(rules: str, source: str = "adopted", detail: str = "/corp/ca.pem") -> list[Rejection]:
        return [Rejection(rule, source, detail, "why", "ab") for rule in rules.split()]

    relied_on = rejections("not-a-ca wrong-purpose distrusted revoked unreadable exposed")
    others = rejections("expired not-yet-valid gone")
    elsewhere = [*rejections("not-a-ca", "certifi"), *rejections("not-a-ca", detail="/adopted/before.pem")]
    candidate = Candidate(load_certificate(roots()[0].der), "adopted", "/corp/ca.pem")
    rejected = [*relied_on, *others, *elsewhere, *relied_on]
    for loaded in (Loaded((candidate,)), Loaded((), tuple(rejections("unreadable")))):
        assert lost(rejected, [loaded]) == tuple(relied_on)
