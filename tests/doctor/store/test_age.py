"""Whether the store is as new as what it is made from, and what certifi and the system have that it lacks."""

from __future__ import annotations

import sys
import typing
from collections.abc import Callable
from pathlib import Path

import pytest
from support.commands import Run
from support.pki import DAY, NOW, issue
from support.snapshot import roots, unparsed
from support.table import cases

from certboot import files
from certboot.doctor.finding import Finding
from certboot.doctor.store import age
from certboot.doctor.store import check as check_store
from certboot.errors import SourceError
from certboot.sources import certifi, system
from certboot.store import freshness, generations
from certboot.store.paths import StorePaths

Certifi = Callable[..., None]
ELSEWHERE = "more anchors from elsewhere"


@pytest.fixture
def has(store: StorePaths, monkeypatch: pytest.MonkeyPatch) -> Certifi:
    """Let certifi have these beside the usual three, or the system these alone."""
    del store  # which was made before

    def run(*more: bytes, version: str = "2026.2", without: int = 0, source: object = certifi) -> None:
        usual = [root.pem for root in roots()[without:]] if source is certifi else []
        origin = ("certifi", version) if source is certifi else ("system", "/etc/ssl/certs")
        monkeypatch.setattr(source, "read", lambda: unparsed(b"".join((*usual, *more)), *origin))

    return run


def of(paths: StorePaths, kind: str, days: int = 0) -> Finding | None:
    return next((each for each in check_store.check(paths, NOW + days * DAY) if each.id == kind), None)


def told(paths: StorePaths, kind: str, days: int = 0) -> tuple[str, str]:
    finding = of(paths, kind, days)
    assert finding
    return finding.status, finding.summary


def assert_mended(paths: StorePaths, certboot: Run, kind: str) -> None:
    finding = of(paths, kind)
    assert finding
    ((program, *arguments),) = finding.fix
    assert program == "certboot"
    assert certboot(*arguments).status == 0
    assert of(paths, kind) is None


def test_a_certifi_with_something_new_makes_it_stale(store: StorePaths, has: Certifi, certboot: Run) -> None:
    assert of(store, "store-stale") is of(store, "store-old") is None
    has(issue("New").pem)
    finding = of(store, "store-stale")
    assert finding
    assert told(store, "store-stale") == ("warn", "it is not what its sources have now: certifi (1 more)")
    assert finding.evidence["recorded"] == {"certifi": "2026.1"}
    assert finding.evidence["read"] == {"certifi": "2026.2"}
    assert_mended(store, certboot, "store-stale")


def test_a_newer_certifi_that_is_the_same_is_for_information(store: StorePaths, has: Certifi, certboot: Run) -> None:
    has(version="2025.12")
    assert of(store, "store-stale") is None  # an older one is no news
    has()
    words = "made from certifi 2026.1; 2026.2 is installed, with the same certificates"
    assert told(store, "store-stale") == ("info", words)
    assert_mended(store, certboot, "store-stale")


def test_a_changed_system_makes_it_stale_if_it_is_a_source(store: StorePaths, has: Certifi, certboot: Run) -> None:
    has(issue("Corp").pem, source=system)
    assert told(store, "store-stale")[1] == "it is not what its sources have now: system (1 more, 1 fewer)"
    assert_mended(store, certboot, "store-stale")
    certboot("init", "--source", "certifi")
    has(issue("Another").pem, source=system)
    assert of(store, "store-stale") is None
    status, words = told(store, "drift-system")
    assert status == "info"
    assert words.endswith(f"1 of them not in the store, the store has 3 {ELSEWHERE}, the store is not made from it")


def test_a_store_whose_sources_were_not_read_for_thirty_days_is_old(store: StorePaths, certboot: Run) -> None:
    certboot("update")
    for _ in range(2):
        assert of(store, "store-old", 29) is None
        finding = of(store, "store-old", 31)
        assert finding
        assert (finding.status, finding.fix) == ("info", (("certboot", "update"),))
        assert finding.summary.startswith("its sources were last read 3")
        assert finding.summary.endswith("the limit is 30 days")
        store.checked.unlink(missing_ok=True)  # where nobody noted when they were read the store's own age counts


@cases(("span", "limit"), [("7d", "7 days"), ("90m", "90 minutes")])
def test_the_age_of_the_settings_takes_the_place_of_thirty_days(store: StorePaths, span: str, limit: str) -> None:
    store.config.write_text(f'max-age = "{span}"\n')
    assert of(store, "store-old") is None
    status, words = told(store, "store-old", 8)
    assert (status, words.rpartition("; ")[2]) == ("warn", f"the limit is {limit}")
    store.config.write_text('max-age = "10w"\n')
    assert of(store, "store-old", 60) is None


def test_an_old_store_is_mended_by_update(store: StorePaths, certboot: Run) -> None:
    """A span of a minute, and a run that is said to be of yesterday."""
    store.config.write_text('max-age = "1m"\n')
    last = freshness.read(store.checked)
    assert last
    files.replace(store.checked, freshness.render(freshness.LastRead(last.when - DAY, last.digest, last.until)))
    assert_mended(store, certboot, "store-old")


# Beside certifi and the system, as they are now


def test_a_new_store_has_what_they_have_and_what_was_added(store: StorePaths, certboot: Run, ca_file: Path) -> None:
    certifis = f"2026.1: 3 certificates, the store has 0 {ELSEWHERE}"
    assert told(store, "drift-certifi") == ("ok", certifis)
    assert told(store, "drift-system")[1] == f"/etc/ssl/certs: 1 certificate, the store has 2 {ELSEWHERE}"
    certboot("init", "--add", ca_file)
    assert told(store, "drift-certifi") == ("ok", certifis.replace("has 0", "has 1"))


def test_what_has_come_and_gone_is_told(store: StorePaths, has: Certifi, certboot: Run) -> None:
    has(issue("New").pem, without=1)
    finding = of(store, "drift-certifi")
    assert finding
    come, gone = "1 of them not in the store", "1 in the store that it has no longer, such as Root A"
    assert told(store, "drift-certifi") == (
        "info",
        f"2026.2: 3 certificates, {come}, {gone}, the store has 1 {ELSEWHERE}",
    )
    assert finding.evidence["new_count"] == finding.evidence["gone_count"] == 1
    assert finding.evidence["gone"] == ["Root A"]
    assert len(str(finding.evidence["new"])) > 64
    has(source=system)  # as in a bare container
    certboot("update")
    assert told(store, "drift-system")[1].startswith("has no certificates, ")


def test_what_a_rule_or_the_user_keeps_out_is_no_drift(store: StorePaths, has: Certifi, certboot: Run) -> None:
    """What could not be read at all was turned away without a fingerprint, so it is only counted."""
    bad = b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"
    has(issue("Old", valid=(NOW - 9 * DAY, NOW - DAY)).pem, issue("Leaf", extensions=()).pem, bad)
    assert told(store, "drift-certifi")[0] == "info"
    certboot("update")
    status, words = told(store, "drift-certifi")
    assert (status, "6 certificates, 3 kept out by a rule, " in words) == ("ok", True)
    certboot("distrust", "Root B")
    assert "6 certificates, 4 kept out by a rule, " in told(store, "drift-certifi")[1]


@cases(("chosen", "status"), [("certifi,system", "warn"), ("system", "info")])
def test_a_source_that_cannot_be_read_is_a_finding(
    store: StorePaths, certboot: Run, monkeypatch: pytest.MonkeyPatch, chosen: str, status: str
) -> None:
    certboot("init", "--source", chosen)
    words = "certifi's file of certificates cannot be read: gone"

    def unreadable() -> typing.NoReturn:
        raise SourceError(words, "reinstall it")

    monkeypatch.setattr(certifi, "read", unreadable)
    assert told(store, "drift-certifi") == (status, f"cannot be compared: {words}")


def test_on_macos_the_keychain_is_not_read(store: StorePaths, monkeypatch: pytest.MonkeyPatch) -> None:
    current = generations.read_in_force(store)
    assert current
    monkeypatch.setattr(sys, "platform", "darwin")
    findings = age.check_drift(age.compare(current))
    assert [(each.id, each.status) for each in findings] == [("drift-certifi", "ok"), ("drift-system", "skip")]
