"""What each trust in use says of a chain: OpenSSL's verdict, with the files and by the rules of each client."""

from __future__ import annotations

import ssl
import sys
import typing

import pytest
from support.environments import SYSTEM_PATH
from support.here import put
from support.issuers import leaf
from support.pki import ca_extensions, issue

from certboot.clients.table import CLIENTS, Client
from certboot.clients.variables import VARIABLES, Profile
from certboot.doctor.clients import verdicts
from certboot.pki.certificate import load_certificate
from certboot.pki.verdict import trusting_context
from certboot.store.env_file import EnvFile, render, values

if typing.TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from certboot.store.paths import StorePaths

ROOT = issue("Company Root")
CHAIN = (leaf(ROOT).der,)
BY_NAME = {client.name: client for client in CLIENTS}


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch, paths: StorePaths) -> Callable[..., dict[tuple[str, ...], int]]:
    """What clients by these names say of CHAIN with these variables: clients -> code."""

    def said(*names: str, chain: tuple[bytes, ...] = CHAIN, **environ: object) -> dict[tuple[str, ...], int]:
        present: dict[Client, str] = {BY_NAME[name]: "1" for name in names}
        monkeypatch.setattr(verdicts, "present_clients", lambda _: present)
        strings = {name: str(value) for name, value in environ.items()}
        found = verdicts.verdicts(chain, "localhost", paths, {"PATH": SYSTEM_PATH, **strings})
        return {trust.clients: trust.code for trust in found}

    return said


@pytest.fixture
def own(tmp_path: Path) -> Path:
    (tmp_path / "own.pem").write_bytes(ROOT.pem)
    return tmp_path / "own.pem"


def test_each_trust_has_its_verdict_and_that_of_requests_comes_first(
    said: Callable[..., dict[tuple[str, ...], int]], own: Path
) -> None:
    names = ("urllib", "requests", "botocore", "wget")
    assert said(*names) == {("requests", "botocore"): 20, ("urllib",): 20, ("wget",): 20}
    assert list(said(*names, REQUESTS_CA_BUNDLE=own).items())[:2] == [(("requests", "botocore"), 0), (("urllib",), 20)]
    assert said(*names, SSL_CERT_FILE=own) == {("requests", "botocore"): 20, ("urllib",): 0, ("wget",): 20}


def test_what_cannot_be_loaded_is_no_verdict_of_openssl(
    said: Callable[..., dict[tuple[str, ...], int]], own: Path, tmp_path: Path
) -> None:
    (tmp_path / "words.pem").write_text("words")
    for path in (tmp_path / "missing.pem", tmp_path / "words.pem"):
        found = said("requests", "urllib", REQUESTS_CA_BUNDLE=path, SSL_CERT_FILE=own)
        assert found == {("requests",): verdicts.CANNOT_LOAD, ("urllib",): 0}


def test_only_clients_that_certboot_means_to_reach_are_counted(
    monkeypatch: pytest.MonkeyPatch, paths: StorePaths, own: Path
) -> None:
    present = {BY_NAME[name]: "1" for name in ("requests", "wget")}
    monkeypatch.setattr(verdicts, "present_clients", lambda _: present)
    requests, wget = verdicts.verdicts(CHAIN, "other.example", paths, {"REQUESTS_CA_BUNDLE": str(own)})
    assert (requests.code, requests.refused, requests.variables) == (62, True, ("REQUESTS_CA_BUNDLE",))
    assert (wget.code, wget.counted, wget.refused) == (20, False, False)


def test_a_client_that_only_a_variable_reaches_is_not_counted_where_that_is_left_out(
    monkeypatch: pytest.MonkeyPatch, paths: StorePaths
) -> None:
    names = ("requests", "niquests", "botocore", "git", "AWS CLI")
    monkeypatch.setattr(verdicts, "present_clients", lambda _: {BY_NAME[name]: "1" for name in names})

    def counted(profile: Profile) -> set[str]:
        variables = (variable for variable in VARIABLES if variable.is_set_by(profile))
        put(paths.env, render(EnvFile(values(variables, paths.current))).decode())
        said = verdicts.verdicts(CHAIN, "localhost", paths, {"PATH": SYSTEM_PATH})
        return {name for verdict in said if verdict.refused for name in verdict.clients}

    assert counted("full") == {*names}
    assert counted("gentle") == {"requests", "niquests", "botocore"}


def test_a_setting_of_the_clients_own_is_its_own_affair(
    said: Callable[..., dict[tuple[str, ...], int]], clean: Path, paths: StorePaths
) -> None:
    (clean / ".npmrc").write_text("cafile=/etc/ssl/certs/ca-certificates.crt\n")
    assert said("npm") == {("npm",): 20}
    (npm,) = verdicts.verdicts(CHAIN, "localhost", paths, {"PATH": SYSTEM_PATH, "HOME": str(clean)})
    assert (npm.counted, npm.refused) == (False, False)


def test_each_client_judges_by_its_own_rules(said: Callable[..., dict[tuple[str, ...], int]], tmp_path: Path) -> None:
    """A CA without a key usage and key identifier, and a trust that holds an intermediate alone."""
    strict = 92 if sys.version_info >= (3, 13) else 0
    bare = issue("Bare Root", extensions=ca_extensions(ROOT.key)[:1])
    (tmp_path / "bare.pem").write_bytes(bare.pem)
    chain = (leaf(bare).der,)
    trust = {"REQUESTS_CA_BUNDLE": tmp_path / "bare.pem", "SSL_CERT_FILE": tmp_path / "bare.pem"}
    found = said("requests", "botocore", "curl", chain=chain, **trust)
    assert {name: code for names, code in found.items() for name in names} == {
        "requests": strict, "botocore": 0, "curl": 0,
    }  # fmt: skip
    below = issue("Company Issuing", ROOT)
    (tmp_path / "below.pem").write_bytes(below.pem)
    chain = (leaf(below).der,)
    trust = {"REQUESTS_CA_BUNDLE": tmp_path / "below.pem", "SSL_CERT_FILE": tmp_path / "below.pem"}
    found = said("botocore", "curl", chain=chain, **trust)
    assert {name: code for names, code in found.items() for name in names} == {"botocore": 2, "curl": 0}


def test_a_trust_is_read_once_whatever_the_rules(
    said: Callable[..., dict[tuple[str, ...], int]], own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[tuple[str, ...]] = []

    def counted(locations: tuple[str, ...]) -> ssl.SSLContext:
        read.append(locations)
        return trusting_context(locations)

    monkeypatch.setattr(verdicts, "trusting_context", counted)
    said("requests", "httpx", "botocore", REQUESTS_CA_BUNDLE=own, SSL_CERT_FILE=own)
    assert read.count((str(own),)) == 1


def test_the_stores_bundle_is_read_only_where_its_directory_does_not_accept(
    said: Callable[..., dict[tuple[str, ...], int]], paths: StorePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    def noted(locations: tuple[str, ...]) -> ssl.SSLContext:
        read.extend(locations)
        return trusting_context(locations)

    monkeypatch.setattr(verdicts, "trusting_context", noted)
    bundle, crts = paths.current / "bundle.pem", paths.current / "crts"
    put(bundle, ROOT.pem.decode())
    for root, files in ((ROOT, set[str]()), (issue("Other Root"), {str(bundle)})):
        put(crts / f"{load_certificate(root.der).link.subject_hash}.0", root.pem.decode())
        read.clear()
        assert said("urllib", SSL_CERT_FILE=bundle, SSL_CERT_DIR=crts) == {("urllib",): 0}
        assert set(read) - {str(crts)} == files
        (crts / f"{load_certificate(root.der).link.subject_hash}.0").unlink()
