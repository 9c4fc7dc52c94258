"""The store beside certifi and the system, as they are now."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest
from support.pki import DAY, NOW, issue
from support.snapshot import roots, unparsed
from support.table import cases

from certboot.doctor.finding import Finding
from certboot.doctor.store import age
from certboot.doctor.store import check as check_store
from certboot.errors import SourceError
from certboot.sources import certifi, system
from certboot.store import generations
from certboot.store.paths import StorePaths
from certboot.store.request import Request
from certboot.store.update import apply


@pytest.fixture
def store(paths: StorePaths) -> StorePaths:
    apply(paths, Request("init"))
    return paths


def of(paths: StorePaths, source: str) -> Finding:
    (finding,) = (each for each in check_store.check(paths) if each.id == f"drift-{source}")
    return finding


def public(*more: bytes, without: int = 0) -> bytes:
    return b"".join((*(root.pem for root in roots()[without:]), *more))


def test_a_store_just_made_has_all_that_they_have(store: StorePaths) -> None:
    finding = of(store, "certifi")
    assert (finding.status, finding.subject, finding.summary) == (
        "ok", "certifi", "2026.1: 3 certificates, the store has 0 more anchors from elsewhere",
    )  # fmt: skip
    assert of(store, "system").summary == (
        "/etc/ssl/certs: 1 certificates, the store has 2 more anchors from elsewhere"
    )


def test_what_has_come_and_gone_is_told(store: StorePaths, monkeypatch: pytest.MonkeyPatch) -> None:
    new = issue("New")
    monkeypatch.setattr(certifi, "read", lambda: unparsed(public(new.pem, without=1), "certifi", "2026.2"))
    finding = of(store, "certifi")
    summary = (
        "2026.2: 3 certificates, 1 of them not in the store, 1 in the store that it has no longer, such as Root A, "
        "the store has 1 more anchors from elsewhere"
    )
    assert (finding.status, finding.summary) == ("info", summary)
    assert finding.evidence["new_count"] == finding.evidence["gone_count"] == 1
    assert finding.evidence["gone"] == ["Root A"]
    assert len(str(finding.evidence["new"])) > 64


def test_what_a_rule_keeps_out_is_no_drift(
    store: StorePaths, monkeypatch: pytest.MonkeyPatch, certboot: Callable[..., object]
) -> None:
    old = issue("Old", valid=(NOW - 9 * DAY, NOW - DAY))
    leaf = issue("Leaf", extensions=())
    monkeypatch.setattr(certifi, "read", lambda: unparsed(public(old.pem, leaf.pem), "certifi", "2026.2"))
    assert of(store, "certifi").status == "info"
    certboot("update")
    finding = of(store, "certifi")
    assert (finding.status, finding.evidence["turned_away"]) == ("ok", 2)
    assert "5 certificates, 2 kept out by a rule, " in finding.summary


def test_what_the_user_distrusts_is_no_drift(store: StorePaths, certboot: Callable[..., object]) -> None:
    certboot("distrust", "Root B")
    finding = of(store, "certifi")
    assert (finding.status, finding.evidence["turned_away"]) == ("ok", 1)


def test_what_could_not_be_read_at_all_is_no_drift(
    store: StorePaths, monkeypatch: pytest.MonkeyPatch, certboot: Callable[..., object]
) -> None:
    """It was turned away without a fingerprint, so it is only counted."""
    bad = b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"
    monkeypatch.setattr(certifi, "read", lambda: unparsed(public(bad), "certifi", "2026.2"))
    assert of(store, "certifi").evidence["new_count"] == 1
    certboot("update")
    assert of(store, "certifi").status == "ok"


def test_what_the_user_added_is_there_beside_the_sources(
    store: StorePaths, certboot: Callable[..., object], ca_file: object
) -> None:
    certboot("init", "--add", ca_file)
    assert of(store, "certifi").evidence["elsewhere"] == 1


def test_a_source_that_was_not_chosen_is_told_as_such(
    store: StorePaths, certboot: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    certboot("init", "--source", "certifi")
    monkeypatch.setattr(system, "read", lambda: unparsed(issue("Corp").pem, "system", "/etc/ssl/certs"))
    finding = of(store, "system")
    assert finding.status == "info"
    assert finding.summary.endswith("1 of them not in the store, the store has 3 more anchors from elsewhere, "
                                    "the store is not made from it")  # fmt: skip


def test_a_system_without_certificates_has_none(
    store: StorePaths, certboot: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a bare container."""
    monkeypatch.setattr(system, "read", lambda: unparsed(b"", "system", "/etc/ssl/certs"))
    certboot("update")
    assert of(store, "system").summary.startswith("has no certificates, ")


@cases(("chosen", "status"), [("certifi,system", "warn"), ("system", "info")])
def test_a_source_that_cannot_be_read_is_a_finding(
    store: StorePaths, certboot: Callable[..., object], monkeypatch: pytest.MonkeyPatch, chosen: str, status: str
) -> None:
    certboot("init", "--source", chosen)

    def unreadable() -> None:
        message = "certifi's file of certificates cannot be read: gone"
        raise SourceError(message, "reinstall it")

    monkeypatch.setattr(certifi, "read", unreadable)
    finding = of(store, "certifi")
    assert (finding.status, finding.summary) == (
        status, "cannot be compared: certifi's file of certificates cannot be read: gone",
    )  # fmt: skip


def test_on_macos_the_keychain_is_not_read(store: StorePaths, monkeypatch: pytest.MonkeyPatch) -> None:
    current = generations.read_in_force(store)
    assert current
    monkeypatch.setattr(sys, "platform", "darwin")
    findings = age.check_drift(age.compare(current))
    assert [(each.id, each.status) for each in findings] == [("drift-certifi", "ok"), ("drift-system", "skip")]
