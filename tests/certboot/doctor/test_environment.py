from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from snapshot import few_sources, roots

import certboot_startup
from certboot.doctor import environment
from certboot.model import Finding
from certboot.paths import StorePaths
from certboot.plan import Request
from certboot.store import env_file
from certboot.update import apply

OTHERS = "set by something else"


@pytest.fixture
def store(paths: StorePaths, monkeypatch: pytest.MonkeyPatch) -> StorePaths:
    few_sources(monkeypatch)
    monkeypatch.setattr(certboot_startup, "applied", {})
    apply(paths, Request("init"))
    return paths


def one(paths: StorePaths, **environ: str) -> Finding:
    (finding,) = environment.check(paths, environ)
    return finding


def test_with_nothing_set_and_no_store_there_is_nothing_to_say(paths: StorePaths) -> None:
    finding = one(paths, HOME="/h")
    assert (finding.id, finding.status, finding.group) == ("variables-unset", "info", "environment")


def good(folder: Path) -> str:
    (folder / "good.pem").write_bytes(roots()[0].pem + roots()[1].pem)
    return str(folder / "good.pem")


def text(folder: Path) -> str:
    (folder / "notes.txt").write_text("words")
    return str(folder / "notes.txt")


def hashed(folder: Path) -> str:
    (folder / "hashed").mkdir(exist_ok=True)
    (folder / "hashed" / "01234567.0").write_bytes(roots()[0].pem)
    return str(folder / "hashed")


def plain(folder: Path) -> str:
    (folder / "plain").mkdir()
    (folder / "plain" / "ca.pem").write_bytes(roots()[0].pem)
    return str(folder / "plain")


VALUES: list[tuple[str, Callable[[Path], str], str, str]] = [
    ("SSL_CERT_FILE", good, "variable-usable", "ok"),
    ("SSL_CERT_FILE", lambda _: "", "variable-empty", "warn"),
    ("SSL_CERT_FILE", lambda folder: f"{folder}/none.pem", "variable-points-nowhere", "fail"),
    ("SSL_CERT_FILE", text, "variable-not-certificates", "fail"),
    ("SSL_CERT_FILE", str, "variable-directory-for-file-client", "fail"),
    ("NODE_EXTRA_CA_CERTS", str, "variable-directory-for-file-client", "fail"),
    ("CURL_CA_BUNDLE", str, "variable-directory-for-file-client", "fail"),
    ("REQUESTS_CA_BUNDLE", hashed, "variable-directory-for-file-client", "warn"),
    ("PIP_CERT", hashed, "variable-directory-for-file-client", "warn"),
    ("SSL_CERT_DIR", hashed, "variable-usable", "ok"),
    ("SSL_CERT_DIR", lambda folder: f"{hashed(folder)}:{plain(folder)}", "variable-usable", "ok"),
    ("SSL_CERT_DIR", lambda _: "", "variable-empty", "warn"),
    ("SSL_CERT_DIR", plain, "variable-not-certificates", "fail"),
    ("SSL_CERT_DIR", lambda folder: f"{folder}/none", "variable-points-nowhere", "fail"),
    ("SSL_CERT_DIR", lambda folder: f"{hashed(folder)}:{folder}/none", "variable-points-nowhere", "warn"),
    ("SSL_CERT_DIR", good, "variable-points-nowhere", "fail"),
]


@pytest.mark.parametrize(
    ("name", "make", "expected", "status"), VALUES, ids=[f"{n}-{i}-{k}" for k, (n, _, i, _) in enumerate(VALUES)]
)
def test_each_kind_of_value_has_its_finding(
    paths: StorePaths, tmp_path: Path, name: str, make: Callable[[Path], str], expected: str, status: str
) -> None:
    value = make(tmp_path)
    finding = one(paths, **{name: value})
    assert (finding.id, finding.status, finding.subject) == (expected, status, name)
    assert finding.evidence["value"] == value
    assert finding.evidence["origin"] == OTHERS
    assert finding.summary.endswith(f"({OTHERS})")
    assert finding.fix == ()


def test_how_many_certificates_a_value_gives_is_counted(paths: StorePaths, tmp_path: Path) -> None:
    assert one(paths, SSL_CERT_FILE=good(tmp_path)).summary.startswith(f"{tmp_path}/good.pem, 2 certificates (")
    assert one(paths, SSL_CERT_DIR=hashed(tmp_path)).summary.startswith(f"{tmp_path}/hashed, 1 hash links (")


def test_who_set_a_variable_is_said(store: StorePaths, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = env_file.read(store.env) or {}
    monkeypatch.setattr(certboot_startup, "applied", {"SSL_CERT_FILE": settings["SSL_CERT_FILE"]})
    findings = environment.check(store, {**settings, "SSL_CERT_DIR": "/etc"})
    assert {f.subject: str(f.evidence["origin"]).split()[:2] for f in findings} == {
        name: ["set", "to"] for name in settings
    } | {"SSL_CERT_FILE": ["set", "by"], "SSL_CERT_DIR": ["set", "by"]}
    by = {finding.subject: finding.evidence["origin"] for finding in findings}
    assert by["SSL_CERT_FILE"] == "set by certboot's hook in this interpreter"
    assert by["SSL_CERT_DIR"] == OTHERS


def test_what_points_into_a_damaged_store_is_mended_by_init(store: StorePaths) -> None:
    settings = env_file.read(store.env) or {}
    assert {f.status for f in environment.check(store, settings)} == {"ok"}
    (store.current / "bundle.pem").unlink()
    findings = [f for f in environment.check(store, settings) if f.status != "ok"]
    assert {(f.id, f.fix) for f in findings} == {("variable-points-nowhere", (("certboot", "init"),))}
    assert len(findings) == len(settings) - 1


def test_what_the_hook_would_set_but_did_not_is_named(store: StorePaths) -> None:
    findings = environment.check(store, {})
    assert {(f.id, f.status) for f in findings} == {("variable-not-applied", "info")}
    assert {f.subject for f in findings} == set(env_file.read(store.env) or ())


def test_a_variable_that_yields_to_another_is_named_with_it(store: StorePaths, tmp_path: Path) -> None:
    findings = {f.subject: f for f in environment.check(store, {"PIP_CERT": good(tmp_path)})}
    assert (findings["REQUESTS_CA_BUNDLE"].id, findings["REQUESTS_CA_BUNDLE"].summary) == (
        "variable-yields",
        "left unset because PIP_CERT is set",
    )
    assert findings["SSL_CERT_FILE"].id == "variable-not-applied"


def test_the_hook_yields_to_nobodys_value_but_a_foreign_one(store: StorePaths) -> None:
    """``PIP_CERT`` with certboot's own bundle keeps nothing back, so it cannot be the reason."""
    ours = (env_file.read(store.env) or {})["REQUESTS_CA_BUNDLE"]
    findings = {f.subject: f.id for f in environment.check(store, {"PIP_CERT": ours})}
    assert findings["REQUESTS_CA_BUNDLE"] == "variable-not-applied"


def test_a_file_that_cannot_be_read_is_said_in_the_systems_words(
    paths: StorePaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Context:
        def __init__(self, _: object) -> None:
            pass

        def load_verify_locations(self, _: str) -> None:
            raise PermissionError(13, "Permission denied")

    path = good(tmp_path)
    assert one(paths, SSL_CERT_FILE=path).id == "variable-usable"
    environment._loaded.cache_clear()
    monkeypatch.setattr(ssl, "SSLContext", Context)
    finding = one(paths, SSL_CERT_FILE=path)
    assert finding.id == "variable-not-certificates"
    assert f", Permission denied: {path}" in finding.summary


def test_one_bad_block_spoils_a_whole_file_for_openssl(paths: StorePaths, tmp_path: Path) -> None:
    path = tmp_path / "spoilt.pem"
    path.write_bytes(roots()[0].pem + b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n")
    assert one(paths, SSL_CERT_FILE=str(path)).id == "variable-not-certificates"


def test_a_good_value_that_keeps_certboots_out_is_a_warning(store: StorePaths, tmp_path: Path) -> None:
    findings = {
        f.subject: f for f in environment.check(store, {"SSL_CERT_FILE": good(tmp_path), "PIP_CERT": good(tmp_path)})
    }
    found = findings["SSL_CERT_FILE"]
    assert (found.id, found.status, found.fix) == ("variable-overrides-certboot", "warn", ())
    assert findings["PIP_CERT"].id == "variable-usable"  # certboot would not set it
    assert findings["SSL_CERT_DIR"].id == "variable-yields"
