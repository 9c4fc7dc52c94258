"""Whether the store is as new as what it is made from."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.pki import DAY, NOW, issue
from support.snapshot import roots, unparsed
from support.table import cases

from certboot.doctor.finding import Finding
from certboot.doctor.store import check as check_store
from certboot.sources import certifi, system
from certboot.store.paths import StorePaths
from certboot.store.request import Request
from certboot.store.update import apply


@pytest.fixture
def store(paths: StorePaths) -> StorePaths:
    apply(paths, Request("init"))
    return paths


def of(paths: StorePaths, kind: str, days: int = 0) -> Finding | None:
    return next((each for each in check_store.check(paths, NOW + days * DAY) if each.id == kind), None)


def upgraded(monkeypatch: pytest.MonkeyPatch, version: str, *added: bytes) -> None:
    pem = b"".join((*(root.pem for root in roots()), *added))
    monkeypatch.setattr(certifi, "read", lambda: unparsed(pem, "certifi", version))


def test_a_store_just_made_is_neither_stale_nor_old(store: StorePaths) -> None:
    assert of(store, "store-stale") is of(store, "store-old") is None


def mended(paths: StorePaths, certboot: Callable[..., object], finding: Finding) -> bool:
    ((program, *arguments),) = finding.fix
    assert program == "certboot"
    assert certboot(*arguments).status == 0  # type: ignore[attr-defined]
    return of(paths, finding.id) is None


def test_a_certifi_with_something_new_makes_it_stale(
    store: StorePaths, monkeypatch: pytest.MonkeyPatch, certboot: Callable[..., object]
) -> None:
    upgraded(monkeypatch, "2026.2", issue("New").pem)
    finding = of(store, "store-stale")
    assert finding
    assert (finding.status, finding.summary) == ("warn", "it is not what its sources have now: certifi (1 more)")
    assert finding.evidence["recorded"] == {"certifi": "2026.1"}
    assert finding.evidence["read"] == {"certifi": "2026.2"}
    assert mended(store, certboot, finding)


def test_a_newer_certifi_with_the_same_certificates_is_for_information(
    store: StorePaths, monkeypatch: pytest.MonkeyPatch, certboot: Callable[..., object]
) -> None:
    upgraded(monkeypatch, "2025.12")
    assert of(store, "store-stale") is None  # an older one is no news
    upgraded(monkeypatch, "2026.2")
    finding = of(store, "store-stale")
    assert finding
    assert (finding.status, finding.summary) == (
        "info", "made from certifi 2026.1; 2026.2 is installed, with the same certificates",
    )  # fmt: skip
    assert mended(store, certboot, finding)


def test_a_system_that_has_changed_makes_it_stale(
    store: StorePaths, monkeypatch: pytest.MonkeyPatch, certboot: Callable[..., object]
) -> None:
    corp = issue("Corp").pem
    monkeypatch.setattr(system, "read", lambda: unparsed(corp, "system", "/etc/ssl/certs"))
    finding = of(store, "store-stale")
    assert finding
    assert finding.summary == "it is not what its sources have now: system (1 more, 1 fewer)"
    assert mended(store, certboot, finding)


def test_a_source_that_was_not_chosen_makes_nothing_stale(
    store: StorePaths, monkeypatch: pytest.MonkeyPatch, certboot: Callable[..., object]
) -> None:
    certboot("init", "--source", "certifi")
    corp = issue("Corp").pem
    monkeypatch.setattr(system, "read", lambda: unparsed(corp, "system", "/etc/ssl/certs"))
    assert of(store, "store-stale") is None


def test_a_store_whose_sources_were_not_read_for_thirty_days_is_old(
    store: StorePaths, certboot: Callable[..., object]
) -> None:
    certboot("update")
    assert of(store, "store-old", 29) is None
    finding = of(store, "store-old", 31)
    assert finding
    assert (finding.status, finding.fix) == ("info", (("certboot", "update"),))
    assert finding.summary.startswith("its sources were last read 3")
    assert finding.summary.endswith("the limit is 30 days")


@cases(("span", "limit"), [("7d", "7 days"), ("90m", "90 minutes")])
def test_the_age_of_the_settings_takes_the_place_of_thirty_days(store: StorePaths, span: str, limit: str) -> None:
    store.config.write_text(f'max-age = "{span}"\n')
    assert of(store, "store-old") is None
    finding = of(store, "store-old", 8)
    assert finding
    assert (finding.status, finding.summary.rpartition("; ")[2]) == ("warn", f"the limit is {limit}")
    store.config.write_text('max-age = "10w"\n')
    assert of(store, "store-old", 60) is None


def test_where_nobody_noted_when_the_sources_were_read_the_stores_own_age_counts(store: StorePaths) -> None:
    store.checked.unlink()
    assert of(store, "store-old", 29) is None
    assert of(store, "store-old", 31)


def test_an_old_store_is_mended_by_update(store: StorePaths, certboot: Callable[..., object]) -> None:
    """A span of a minute, and a run that is said to be of yesterday."""
    from certboot import files
    from certboot.store import freshness

    store.config.write_text('max-age = "1m"\n')
    last = freshness.read(store.checked)
    assert last
    files.replace(store.checked, freshness.render(freshness.LastRead(last.when - DAY, last.digest, last.until)))
    finding = of(store, "store-old")
    assert finding
    assert mended(store, certboot, finding)
