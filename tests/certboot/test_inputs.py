"""A run whose inputs are those of the last one parses nothing; whatever differs, it decides anew."""

# ruff: noqa: ARG005 - of store, reports and monkeypatch each change takes what it needs

from __future__ import annotations

import datetime
import os
import shutil
import ssl
import typing
from collections.abc import Callable
from datetime import timedelta
from importlib import metadata
from pathlib import Path

import pytest
import report
from environments import Ran
from pki import NOW, issue
from snapshot import contents, few_sources, roots, snapshot, unparsed

from certboot import certs, decision, history, inputs, update
from certboot.paths import StorePaths
from certboot.sources import certifi
from certboot.store import last_read
from certboot.store.layout import CRTS, in_force

ROOT, GONE = issue("CCADB Root"), issue("CCADB Gone")
SOON = issue("Ends soon", valid=(NOW - timedelta(days=9), NOW + timedelta(days=9)))


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    found = report.Reports(
        roots=(report.root(ROOT), report.root(SOON)),
        intermediates=(report.intermediate(GONE),),
        revoked=(report.revoked(GONE),),
    )
    return report.save(found.bodies(), tmp_path / "reports")


@pytest.fixture
def store(
    certboot: Callable[..., Ran], paths: StorePaths, reports: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> StorePaths:
    """A store with something of every kind, as an update has left it."""
    few_sources(monkeypatch)
    corp = tmp_path / "corp.pem"
    corp.write_bytes(issue("Corp").pem)
    assert certboot("init", "--source", "certifi,system,ccadb", "--from", reports, "--add", corp).status == 0
    company = tmp_path / "company.pem"
    company.write_bytes(issue("Company").pem)
    paths.config.write_text(f'[[company]]\npath = "{company}"\n')
    assert certboot("distrust", "Root B").status == 0
    for _ in range(2):  # the first writes what the second finds
        assert certboot("update").status == 0
    return paths


@pytest.fixture
def decided(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The commands that have come to a decision."""
    found: list[str] = []
    real = decision.decide

    def noted(paths: StorePaths, request: typing.Any, read: inputs.Inputs) -> typing.Any:  # noqa: ANN401
        found.append(request.command)
        return real(paths, request, read)

    monkeypatch.setattr(decision, "decide", noted)
    return found


def at(monkeypatch: pytest.MonkeyPatch, moment: datetime.datetime) -> None:
    class Clock(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> datetime.datetime:  # type: ignore[override]
            return moment.astimezone(tz)

    monkeypatch.setattr(update, "datetime", Clock)


@pytest.mark.parametrize("command", ["update", "init"])
def test_with_nothing_new_nothing_is_parsed_and_nothing_changes(
    certboot: Callable[..., Ran], store: StorePaths, decided: list[str], monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    before = snapshot(store.home)

    def parsed(_: bytes) -> typing.NoReturn:
        pytest.fail("a certificate was parsed")

    monkeypatch.setattr(certs, "load_certificate", parsed)
    ran = certboot(command)
    assert (ran.status, decided) == (0, [])
    assert ran.out.startswith("6 trust anchors in generation 2: nothing new, nothing changed\n")
    after = snapshot(store.home)
    assert {path for path in after if after[path] != before[path]} <= {"checked"}


def _certifi(bytes_: bytes, version: str) -> Callable[[], object]:
    return lambda: unparsed(bytes_, "certifi", version)


def _generation(store: StorePaths) -> Path:
    found = in_force(store)
    assert found
    return found


def _a_file(store: StorePaths) -> Path:
    return min((_generation(store) / CRTS).glob("*.pem"))


def _a_link(store: StorePaths) -> Path:
    return min(path for path in (_generation(store) / CRTS).iterdir() if path.is_symlink())


def _rewrite(path: Path, old: bytes, new: bytes) -> None:
    assert old in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(old, new))


def _relink(link: Path) -> None:
    target = next(path.name for path in sorted(link.parent.glob("*.pem")) if path.name != os.readlink(link))
    link.unlink()
    link.symlink_to(target)


PUBLIC = b"".join(root.pem for root in roots())
CHANGES: dict[str, Callable[[StorePaths, Path, pytest.MonkeyPatch], object]] = {
    "certifi has another": lambda s, r, m: m.setattr(certifi, "read", _certifi(PUBLIC + issue("New").pem, "2026.1")),
    "certifi lacks one": lambda s, r, m: m.setattr(certifi, "read", _certifi(roots()[0].pem, "2026.1")),
    "certifi's version": lambda s, r, m: m.setattr(certifi, "read", _certifi(PUBLIC, "2026.2")),
    "a report": lambda s, r, m: _rewrite(r / "PublicIntermediateCertsRevokedWithPEMCSV", b"\n", b"\r\n"),
    "the settings": lambda s, r, m: s.config.write_bytes(s.config.read_bytes() + b"\n"),
    "no settings": lambda s, r, m: s.config.unlink(),
    "a company's file": lambda s, r, m: (r.parent / "company.pem").write_bytes(issue("Other").pem),
    "a kept file": lambda s, r, m: next(s.trusted.iterdir()).write_bytes(issue("Other").pem),
    "no kept file": lambda s, r, m: next(s.trusted.iterdir()).unlink(),
    "an unreadable kept file": lambda s, r, m: (s.trusted / "folder.pem").mkdir(),
    "what is distrusted": lambda s, r, m: s.distrusted.unlink(),
    "a certificate's file": lambda s, r, m: _rewrite(_a_file(s), b"# Valid", b"# valid"),
    "no certificate's file": lambda s, r, m: _a_file(s).unlink(),
    "a hash link": lambda s, r, m: _relink(_a_link(s)),
    "no hash link": lambda s, r, m: _a_link(s).unlink(),
    "a file too many": lambda s, r, m: shutil.copy(_a_file(s), _a_file(s).with_name("more.pem")),
    "the bundle": lambda s, r, m: _rewrite(_generation(s) / "bundle.pem", b"# Valid", b"# valid"),
    "no bundle": lambda s, r, m: (_generation(s) / "bundle.pem").unlink(),
    "the manifest": lambda s, r, m: _rewrite(_generation(s) / "manifest.json", b'"Root A"', b'"Root Z"'),
    "another generation in force": lambda s, r, m: history.rollback(s, 1),
    "no note": lambda s, r, m: s.checked.unlink(),
    "OpenSSL": lambda s, r, m: m.setattr(ssl, "OPENSSL_VERSION", "OpenSSL 9"),
    "the versions of what parses": lambda s, r, m: m.setattr(metadata, "version", lambda name: f"{name} 9"),
    "the clock set back": lambda s, r, m: at(m, NOW - timedelta(hours=1)),
    "a certificate has ended": lambda s, r, m: at(m, NOW + timedelta(days=9)),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_differs_is_decided_anew_and_then_counts_as_known(
    certboot: Callable[..., Ran],
    store: StorePaths,
    reports: Path,
    decided: list[str],
    monkeypatch: pytest.MonkeyPatch,
    change: str,
) -> None:
    CHANGES[change](store, reports, monkeypatch)
    assert certboot("update").status == 0
    assert decided == ["update"]
    assert certboot("update").status == 0
    assert decided == ["update"]


@pytest.mark.parametrize("change", sorted(CHANGES.keys() - {"the clock set back", "a certificate has ended"}))
def test_the_store_is_the_one_that_a_run_without_memory_makes(
    certboot: Callable[..., Ran], store: StorePaths, reports: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    CHANGES[change](store, reports, monkeypatch)
    assert certboot("update").status == 0
    last, held = last_read.read(store.checked), contents(store.home)
    store.checked.unlink()
    assert certboot("update").status == 0
    again = last_read.read(store.checked)
    assert last
    assert again
    assert (again.digest, again.until) == (last.digest, last.until)
    assert {**contents(store.home), "checked": b""} == {**held, "checked": b""}


def test_a_moment_before_a_certificate_ends_nothing_is_decided(
    certboot: Callable[..., Ran], store: StorePaths, decided: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    del store
    at(monkeypatch, NOW + timedelta(days=9, seconds=-1))
    assert certboot("update").status == 0
    assert decided == []


def test_what_a_request_changes_is_always_decided(
    certboot: Callable[..., Ran], store: StorePaths, decided: list[str], tmp_path: Path
) -> None:
    del store
    team = tmp_path / "team.toml"
    team.write_text("")
    for command in (
        ("trust", tmp_path / "corp.pem", "--yes"),
        ("distrust", "Root C"),
        ("distrust", "--undo", "Root C"),
        ("init", "--config", team),
        ("update", "--intermediates"),
    ):
        decided.clear()
        assert certboot(*command).status == 0
        assert decided == [command[0]], command


@pytest.fixture(params=["", "{}", "[1]", '{"when": "2026-01-01", "until": "x", "digest": ""}', "\xff", "[" * 99999])
def damaged(request: pytest.FixtureRequest, store: StorePaths) -> None:
    store.checked.write_text(request.param, "latin-1")


@pytest.mark.usefixtures("damaged")
def test_a_damaged_note_is_none(certboot: Callable[..., Ran], store: StorePaths, decided: list[str]) -> None:
    assert last_read.read(store.checked) is None
    assert certboot("update").status == 0
    assert decided == ["update"]
    assert last_read.read(store.checked)


def test_times_without_a_zone_are_no_note(store: StorePaths) -> None:
    _rewrite(store.checked, b"+00:00", b"")
    assert last_read.read(store.checked) is None


def test_where_one_piece_ends_and_the_next_begins_counts() -> None:
    one, other = (("a", b"bc"), ("d", b"")), (("a", b"b"), ("cd", b""))
    assert last_read.digest_of_inputs(one) != last_read.digest_of_inputs(other)
    assert last_read.digest_of_inputs(one) == last_read.digest_of_inputs(iter(one))
