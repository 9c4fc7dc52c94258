"""What something else writes into a bundle of the store is told until it is taken in, and never trusted silently."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.commands import FEW, Run, names, saved
from support.pki import Issued, issue
from support.report import fingerprint
from support.snapshot import assert_refused
from support.table import cases

from certboot.doctor.store import check as check_store
from certboot.store import generations
from certboot.store.appended import appended
from certboot.store.paths import StorePaths

CORP, SECOND = issue("Corp Root"), issue("Second Root")


@pytest.fixture
def store(certboot: Run, paths: StorePaths) -> StorePaths:
    assert certboot("init").status == 0
    return paths


def append(paths: StorePaths, *issued: Issued, number: int = 1) -> Path:
    """Append to the bundle of a generation as ``cat`` does, and return it."""
    bundle = paths.generations / str(number) / "bundle.pem"
    with bundle.open("ab") as file:
        file.write(b"".join(certificate.pem for certificate in issued))
    return bundle


def kinds(paths: StorePaths) -> list[str]:
    wrong = (finding for finding in check_store.check(paths) if finding.status in ("fail", "warn"))
    return [finding.id for finding in wrong if finding.id.startswith("store-")]


@cases("command", ["init", "update"])
def test_what_was_appended_is_told_with_the_command_that_takes_it_in(
    store: StorePaths, certboot: Run, command: str
) -> None:
    assert (appended(store), kinds(store)) == ((), [])
    bundle = append(store, CORP)
    os.utime(bundle, (0, 0))  # a file may be given an older time
    assert kinds(store) == ["store-bundle-differs", "store-appended"]
    said = certboot(command).out
    for part in (f"Corp Root ({fingerprint(CORP)[:16]})\n", "1970-01-01 00:00 UTC", f"certboot trust {bundle} "):
        assert part in said
    assert (names(store), kinds(store)) == (FEW, ["store-appended"])
    (finding,) = (finding for finding in check_store.check(store) if finding.id == "store-appended")
    assert finding.evidence["certificates"] == {fingerprint(CORP): "Corp Root"}
    assert certboot(*finding.fix[0][1:], "--yes").status == 0
    assert (names(store), kinds(store)) == ({*FEW, "Corp Root"}, [])
    assert "  appended" not in certboot(command).out


def test_only_what_certboot_did_not_write_is_taken_from_a_bundle(store: StorePaths, certboot: Run) -> None:
    bundle = append(store, CORP)
    certboot("trust", store.current / "bundle.pem", "--yes")
    assert [path.name[:4] for path in store.trusted.iterdir()] == ["Corp"]
    assert certboot("distrust", "Root A").status == 0
    certboot("init", "--add", bundle)
    assert names(store) == {*FEW, "Corp Root"} - {"Root A"}
    for path in (store.current / "bundle.pem", store.current / "crts", next((store.current / "crts").glob("*.pem"))):
        assert_refused(certboot("trust", path, "--yes"))
        assert_refused(certboot("init", "--add", path))


def test_of_the_bundle_of_another_store_too(store: StorePaths, certboot: Run, tmp_path: Path) -> None:
    append(store, CORP)
    other = tmp_path / "other"
    assert certboot("init", "--home", other, "--source", "system").status == 0
    assert certboot("trust", store.current / "bundle.pem", "--yes", "--home", other).status == 0
    assert {entry.name for entry in generations.current(StorePaths(other)).certificates} - FEW == {"Corp Root"}
    assert len(list((other / "trusted").iterdir())) == 1


def test_what_the_store_has_or_the_user_distrusts_is_not_told_again(
    store: StorePaths, certboot: Run, tmp_path: Path
) -> None:
    append(store, CORP, SECOND)
    certboot("init", "--add", saved(tmp_path / "both.pem", CORP, SECOND))
    assert appended(store) == ()
    certboot("distrust", "Corp Root")
    assert appended(store) == ()
    certboot("update")
    append(store, SECOND, number=int(os.readlink(store.current).rpartition("/")[2]))
    assert (appended(store), kinds(store)) == ((), ["store-bundle-differs"])


def test_each_is_told_once_for_the_newest_bundle(store: StorePaths, certboot: Run) -> None:
    append(store, CORP, SECOND)
    certboot("update")
    bundle = append(store, CORP, number=2)
    assert [(part.bundle.parent.name, set(part.names.values())) for part in appended(store)] == [
        ("2", {"Corp Root"}),
        ("1", {"Second Root"}),
    ]
    assert appended(store)[0].bundle == bundle


def test_what_others_could_have_written_is_not_offered(store: StorePaths) -> None:
    append(store, CORP).chmod(0o666)
    assert kinds(store) == ["store-unsafe", "store-bundle-differs"]


@cases("text", [b"", b"# a comment\n", b"-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"])
def test_what_is_no_certificate_is_no_addition(store: StorePaths, certboot: Run, text: bytes) -> None:
    with (store.current / "bundle.pem").open("ab") as file:
        file.write(text)
    assert appended(store) == ()
    certboot("update")
    assert kinds(store) == []


def test_of_a_bundle_as_it_was_written_only_the_times_are_looked_at(
    store: StorePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("certboot.store.appended._foreign", None)
    assert appended(store) == ()
    append(store, CORP)
    with pytest.raises(TypeError):
        appended(store)
