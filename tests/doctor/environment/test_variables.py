from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.here import alone, found, put
from support.snapshot import roots
from support.table import cases
from support.terminal import answers

import certboot_startup
from certboot.doctor.environment import check
from certboot.doctor.finding import Finding
from certboot.store import env_file
from certboot.store.paths import StorePaths
from certboot.store.request import Request
from certboot.store.update import apply

OTHERS = "set by something else"


@pytest.fixture(autouse=True)
def project(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    return alone(monkeypatch, tmp_path)


@pytest.fixture
def store(paths: StorePaths) -> StorePaths:
    apply(paths, Request("init"))
    return paths


def of(paths: StorePaths, environ: dict[str, str]) -> dict[str, Finding]:
    """Return the findings on variables, by name."""
    findings = check.check(paths, environ)
    return {each.subject: each for each in findings if each.id.startswith("variable")}


def one(paths: StorePaths, **environ: str) -> Finding:
    (finding,) = of(paths, environ).values()
    return finding


def test_with_nothing_set_and_no_store_there_is_nothing_to_say(paths: StorePaths) -> None:
    finding = one(paths, HOME="/h")
    assert (finding.id, finding.status, finding.group) == ("variables-unset", "info", "environment")


def good(folder: Path) -> str:
    return str(put(folder / "good.pem", roots()[0].pem + roots()[1].pem))


def whole(folder: Path) -> str:
    return str(put(folder / "whole.pem", b"".join(root.pem for root in roots())))


def text(folder: Path) -> str:
    return str(put(folder / "notes.txt", "words"))


def hashed(folder: Path) -> str:
    return str(put(folder / "hashed" / "01234567.0", roots()[0].pem).parent)


def plain(folder: Path) -> str:
    return str(put(folder / "plain" / "ca.pem", roots()[0].pem).parent)


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


@cases(("name", "make", "expected", "status"), VALUES)
def test_each_kind_of_value_has_its_finding(
    paths: StorePaths, tmp_path: Path, name: str, make: Callable[[Path], str], expected: str, status: str
) -> None:
    value = make(tmp_path)
    finding = one(paths, **{name: value})
    assert (finding.id, finding.status, finding.subject) == (expected, status, name)
    assert finding.evidence["value"] == value
    assert finding.evidence["origin"] == OTHERS
    assert finding.summary.endswith(f"({OTHERS})")
    assert (f"; unset {name} (" in finding.summary) == (status != "ok")
    assert finding.fix == ()


def test_how_many_certificates_a_value_gives_is_counted(paths: StorePaths, tmp_path: Path) -> None:
    assert one(paths, SSL_CERT_FILE=good(tmp_path)).summary.startswith(f"{tmp_path}/good.pem, 2 certificates (")
    assert one(paths, SSL_CERT_DIR=hashed(tmp_path)).summary.startswith(f"{tmp_path}/hashed, 1 hash links (")


def test_who_set_a_variable_is_said(store: StorePaths, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = env_file.read(store.env) or {}
    monkeypatch.setattr(certboot_startup, "applied", {"SSL_CERT_FILE": settings["SSL_CERT_FILE"]})
    by = {name: each.evidence["origin"] for name, each in of(store, {**settings, "SSL_CERT_DIR": "/etc"}).items()}
    inherited = "set to certboot's store, inherited from the process that started this one"
    assert by == {
        **dict.fromkeys(settings, inherited),
        "SSL_CERT_FILE": "set by certboot's hook in this interpreter",
        "SSL_CERT_DIR": OTHERS,
    }


def test_what_points_into_a_damaged_store_is_mended_by_init(store: StorePaths, certboot: Callable[..., object]) -> None:
    settings = env_file.read(store.env) or {}
    assert {f.status for f in of(store, settings).values()} == {"ok"}
    (store.current / "bundle.pem").unlink()
    findings = [f for f in of(store, settings).values() if f.status != "ok"]
    assert {(f.id, f.fix) for f in findings} == {("variable-points-nowhere", (("certboot", "init"),))}
    assert len(findings) == len(settings) - 1
    certboot(*findings[0].fix[0][1:])
    assert {f.status for f in of(store, settings).values()} == {"ok"}


def test_what_the_hook_would_set_but_did_not_is_named(store: StorePaths) -> None:
    findings = of(store, {})
    assert {(f.id, f.status) for f in findings.values()} == {("variable-not-applied", "info")}
    assert findings.keys() == set(env_file.read(store.env) or ())


def test_a_variable_that_yields_to_another_is_named_with_it(store: StorePaths, tmp_path: Path) -> None:
    findings = of(store, {"PIP_CERT": whole(tmp_path)})
    assert (findings["REQUESTS_CA_BUNDLE"].id, findings["REQUESTS_CA_BUNDLE"].summary) == (
        "variable-yields",
        "left unset because PIP_CERT is set",
    )
    assert findings["SSL_CERT_FILE"].id == "variable-not-applied"


def test_the_hook_yields_to_nobodys_value_but_a_foreign_one(store: StorePaths) -> None:
    """``PIP_CERT`` with certboot's own bundle keeps nothing back, so it cannot be the reason."""
    ours = (env_file.read(store.env) or {})["REQUESTS_CA_BUNDLE"]
    assert of(store, {"PIP_CERT": ours})["REQUESTS_CA_BUNDLE"].id == "variable-not-applied"


def test_a_value_that_wins_and_lacks_something_is_a_warning_with_what_it_lacks(
    store: StorePaths, tmp_path: Path, certboot: Callable[..., object], ca_file: Path
) -> None:
    certboot("init", "--add", ca_file)
    finding = of(store, {"SSL_CERT_FILE": good(tmp_path)})["SSL_CERT_FILE"]
    assert (finding.id, finding.status) == ("variable-overrides-certboot", "warn")
    assert finding.summary == (
        f"{tmp_path}/good.pem, 2 certificates; certboot leaves it alone, and it lacks 2 of the store's 4 anchors, "
        f"such as Example Corp Root ({OTHERS})"
    )
    assert (finding.evidence["anchors"], finding.evidence["anchors_missing"]) == (4, 2)
    assert [each["name"] for each in finding.evidence["lacks"]] == ["Example Corp Root", "Root C"]  # type: ignore[attr-defined]
    assert finding.evidence["store"] == str(store.current / "bundle.pem")


def test_a_value_that_wins_and_lacks_nothing_is_for_information(store: StorePaths, tmp_path: Path) -> None:
    finding = of(store, {"SSL_CERT_FILE": whole(tmp_path)})["SSL_CERT_FILE"]
    assert (finding.id, finding.status, finding.fix) == ("variable-overrides-certboot", "info", ())
    assert "and it has all 3 anchors of the store" in finding.summary


@cases("name", ["AWS_CA_BUNDLE", "PIP_CERT", "CURL_CA_BUNDLE", "CARGO_HTTP_CAINFO"])
def test_a_variable_that_certboot_does_not_set_matters_only_if_it_lacks_something(
    store: StorePaths, tmp_path: Path, name: str
) -> None:
    finding = of(store, {name: good(tmp_path)})[name]
    assert (finding.id, finding.status, finding.fix) == (
        "variable-overrides-certboot", "warn", (("certboot", "adopt", name),),
    )  # fmt: skip
    assert finding.evidence["store"] == ""
    assert of(store, {name: whole(tmp_path)})[name].id == "variable-usable"


def test_what_node_adds_to_its_own_list_need_not_hold_the_public_ones(
    store: StorePaths, tmp_path: Path, certboot: Callable[..., object], ca_file: Path
) -> None:
    value = str(put(tmp_path / "other.pem", roots()[1].pem))
    assert of(store, {"NODE_EXTRA_CA_CERTS": value})["NODE_EXTRA_CA_CERTS"].status == "info"
    assert of(store, {"GIT_SSL_CAINFO": value})["GIT_SSL_CAINFO"].status == "warn"  # git has no list of its own
    certboot("init", "--add", ca_file)
    finding = of(store, {"NODE_EXTRA_CA_CERTS": value})["NODE_EXTRA_CA_CERTS"]
    assert (finding.status, finding.evidence["anchors_missing"]) == ("warn", 1)


def test_the_remedy_of_a_value_that_wins_is_adopt_and_it_mends_it(
    store: StorePaths, tmp_path: Path, certboot: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", good(tmp_path))
    finding = of(store, {"SSL_CERT_FILE": good(tmp_path)})["SSL_CERT_FILE"]
    ((program, *arguments),) = finding.fix
    assert program == "certboot"
    answers(monkeypatch, "y\n")
    assert certboot(*arguments).status == 0  # type: ignore[attr-defined]
    assert of(store, {"SSL_CERT_FILE": good(tmp_path)})["SSL_CERT_FILE"].id == "variable-not-applied"


def test_the_line_that_seems_to_set_a_variable_is_told_where_something_is_to_be_done(
    store: StorePaths, tmp_path: Path, clean: Path
) -> None:
    path = put(clean / ".bashrc", "# words\nexport SSL_CERT_FILE=hush\n")
    finding = of(store, {"SSL_CERT_FILE": good(tmp_path), "HOME": str(clean)})["SSL_CERT_FILE"]
    assert finding.summary.endswith(f"({OTHERS}, it seems in {path}:2)")
    assert finding.evidence["set_in"] == [f"{path}:2"]
    assert "hush" not in repr(finding)
    for value in (whole(tmp_path), str(store.current / "bundle.pem")):
        finding = of(store, {"SSL_CERT_FILE": value, "HOME": str(clean)})["SSL_CERT_FILE"]
        assert "set_in" not in finding.evidence


def test_where_the_hook_sets_nothing_adopt_is_no_remedy(store: StorePaths, tmp_path: Path) -> None:
    store.env.write_text("")
    finding = of(store, {"AWS_CA_BUNDLE": good(tmp_path)})["AWS_CA_BUNDLE"]
    assert (finding.id, finding.fix) == ("variable-overrides-certboot", ())


def test_a_store_that_is_whole_has_nothing_wrong_with_its_own_values(store: StorePaths) -> None:
    assert found(store, env_file.read(store.env) or {}) == []
