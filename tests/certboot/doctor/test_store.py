"""The group ``store``. Every kind of damage, with its repair, is in test_update.py."""

from __future__ import annotations

import os

import pytest
from snapshot import few_sources, snapshot

from certboot.doctor import store as check_store
from certboot.model import Finding
from certboot.paths import StorePaths
from certboot.plan import Request
from certboot.store import integrity, manifest
from certboot.store.layout import in_force
from certboot.update import apply


@pytest.fixture
def store(paths: StorePaths, monkeypatch: pytest.MonkeyPatch) -> StorePaths:
    few_sources(monkeypatch)
    apply(paths, Request("init"))
    return paths


def only(paths: StorePaths) -> Finding:
    (finding,) = check_store.check(paths)
    return finding


def test_without_a_store_init_is_the_remedy(paths: StorePaths) -> None:
    finding = only(paths)
    assert (finding.id, finding.status, finding.group) == ("store-missing", "fail", "store")
    assert finding.fix == (("certboot", "init"),)
    assert not paths.home.exists()


def test_a_whole_store_is_described(store: StorePaths) -> None:
    before = snapshot(store.home)
    finding = only(store)
    assert (finding.id, finding.status) == ("store-whole", "ok")
    assert finding.summary.startswith(f"{store.generations / '1'}, 3 trust anchors, generation 1 of ")
    assert snapshot(store.home) == before


PARTS = [".", "env", "generations", "generations/1", "current/crts", "current/bundle.pem", "current/manifest.json"]


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("bit", [0o020, 0o002])
def test_a_part_that_others_may_write_is_unsafe(store: StorePaths, part: str, bit: int) -> None:
    path = store.home / part
    path.chmod(path.stat().st_mode | bit)
    finding = only(store)
    assert (finding.id, finding.status) == ("store-unsafe", "fail")
    assert finding.summary.startswith("others may write to it: ")
    ((program, right, named),) = finding.fix
    assert (program, right) == ("chmod", "go-w")
    assert os.path.samefile(named, path)
    path.chmod(path.stat().st_mode & ~0o022)
    assert only(store).id == "store-whole"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may give a file away")
@pytest.mark.parametrize("part", PARTS)
def test_a_part_of_another_user_is_unsafe(store: StorePaths, part: str) -> None:
    os.chown(store.home / part, 12345, -1)
    findings = check_store.check(store)
    assert {(finding.id, finding.status) for finding in findings} == {("store-unsafe", "fail")}
    assert all("it belongs to another user (uid 12345): " in finding.summary for finding in findings)


def test_a_place_where_others_may_put_another_store_is_unsafe(store: StorePaths) -> None:
    store.home.parent.chmod(0o777)
    finding = only(store)
    assert (finding.id, finding.summary) == ("store-unsafe", f"others may write to it: {store.home.parent}")


def test_unsafe_and_damaged_are_told_both(store: StorePaths) -> None:
    store.env.chmod(0o666)
    (store.current / "bundle.pem").write_bytes(b"")
    assert [finding.id for finding in check_store.check(store)] == ["store-unsafe", "store-damaged"]


def test_the_first_damage_is_enough(store: StorePaths) -> None:
    generation = in_force(store)
    assert generation
    record = manifest.read(generation)
    for path in (generation / "crts").glob("*.pem"):
        path.unlink()
    assert len(list(integrity._damages(generation, record))) == 1


def test_on_windows_permissions_are_left_to_the_profile(store: StorePaths, monkeypatch: pytest.MonkeyPatch) -> None:
    store.env.chmod(0o666)
    assert only(store).id == "store-unsafe"
    monkeypatch.setattr(os, "name", "nt")
    findings = check_store.check(store)
    monkeypatch.undo()
    assert [finding.id for finding in findings] == ["store-whole"]
