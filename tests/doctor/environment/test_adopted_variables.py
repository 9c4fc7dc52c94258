"""What the doctor says of a preset variable: how to adopt its value, and where an adopted one was not replaced."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.snapshot import roots
from support.table import cases

import certboot_startup
from certboot.clients.variables import Adoption
from certboot.doctor.environment import check
from certboot.doctor.finding import Finding
from certboot.store import env_file
from certboot.store.paths import StorePaths
from certboot.store.request import Request
from certboot.store.update import apply


@pytest.fixture
def store(paths: StorePaths, monkeypatch: pytest.MonkeyPatch) -> StorePaths:
    monkeypatch.setattr(certboot_startup, "applied", {})
    apply(paths, Request("init"))
    return paths


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A good file, which lacks one of the store's anchors."""
    path = tmp_path / "good.pem"
    path.write_bytes(roots()[0].pem + roots()[1].pem)
    return path


@pytest.fixture
def adopted(store: StorePaths, file: Path) -> str:
    """The value of SSL_CERT_FILE that is adopted."""
    apply(store, Request("adopt", adopt=(Adoption("SSL_CERT_FILE", str(file)),)))
    return str(file)


def of(paths: StorePaths, name: str, environ: dict[str, str]) -> Finding:
    (found,) = (finding for finding in check.check(paths, environ) if finding.subject == name)
    return found


@cases("name", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
def test_what_keeps_certboots_value_out_has_adopt_for_its_remedy(store: StorePaths, file: Path, name: str) -> None:
    found = of(store, name, {name: str(file)})
    assert (found.id, found.status, found.fix) == (
        "variable-overrides-certboot", "warn", (("certboot", "adopt", name),),
    )  # fmt: skip


def test_a_value_that_adopt_would_refuse_gets_no_such_advice(
    store: StorePaths, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(file.parent)
    found = of(store, "SSL_CERT_FILE", {"SSL_CERT_FILE": file.name})
    assert (found.id, found.status, found.fix) == ("variable-overrides-certboot", "warn", ())


def test_an_adopted_value_that_the_hook_has_replaced_is_certboots(
    store: StorePaths, adopted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    del adopted
    settings = env_file.read(store.env) or {}
    monkeypatch.setattr(certboot_startup, "applied", settings)
    for name in settings:
        found = of(store, name, settings)
        assert (found.id, found.status) == ("variable-usable", "ok")
        assert found.evidence["origin"] == "set by certboot's hook in this interpreter"


def test_an_adopted_value_where_the_hook_did_not_run_is_no_warning_and_holds_nothing_back(
    store: StorePaths, adopted: str
) -> None:
    found = of(store, "SSL_CERT_FILE", {"SSL_CERT_FILE": adopted})
    assert (found.id, found.status, found.fix) == ("variable-not-applied", "info", ())
    assert "adopted, but not replaced here" in found.summary
    assert of(store, "SSL_CERT_DIR", {"SSL_CERT_FILE": adopted}).id == "variable-not-applied"
    assert of(store, "SSL_CERT_DIR", {"SSL_CERT_FILE": f"{adopted}.other"}).id == "variable-yields"  # the control


def test_another_value_or_variable_than_the_adopted_one_is_a_warning_still(
    store: StorePaths, adopted: str, tmp_path: Path
) -> None:
    (tmp_path / "other.pem").write_bytes(roots()[0].pem)
    for name, value in (("SSL_CERT_FILE", f"{tmp_path}/other.pem"), ("REQUESTS_CA_BUNDLE", adopted)):
        found = of(store, name, {name: value})
        assert (found.id, found.fix) == ("variable-overrides-certboot", (("certboot", "adopt", name),))


def test_an_adopted_file_that_is_gone_is_a_failure_where_the_hook_did_not_run(store: StorePaths, adopted: str) -> None:
    Path(adopted).unlink()
    found = of(store, "SSL_CERT_FILE", {"SSL_CERT_FILE": adopted})
    assert (found.id, found.status) == ("variable-points-nowhere", "fail")
