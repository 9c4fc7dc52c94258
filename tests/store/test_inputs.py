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
from support import report
from support.environments import Ran
from support.pki import NOW, issue, resigned
from support.snapshot import contents, roots, snapshot, unparsed
from support.table import cases

from certboot import moment
from certboot.pki import certificate
from certboot.sources import certifi
from certboot.store import decide, freshness, generations, history, inputs
from certboot.store.paths import CRTS, StorePaths, in_force

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
def store(certboot: Callable[..., Ran], paths: StorePaths, reports: Path, tmp_path: Path) -> StorePaths:
    """A store with something of every kind, as an update has left it."""
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
    real = decide.decide

    def noted(paths: StorePaths, request: typing.Any, read: inputs.Inputs) -> typing.Any:  # noqa: ANN401
        found.append(request.command)
        return real(paths, request, read)

    monkeypatch.setattr(decide, "decide", noted)
    return found


def at(monkeypatch: pytest.MonkeyPatch, when: datetime.datetime) -> None:
    monkeypatch.setattr(moment, "now", lambda: when)


@cases("command", ["update", "init"])
def test_with_nothing_new_nothing_is_parsed_and_nothing_changes(
    certboot: Callable[..., Ran], store: StorePaths, decided: list[str], monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    before = snapshot(store.home)

    def parsed(_: bytes) -> typing.NoReturn:
        pytest.fail("a certificate was parsed")

    monkeypatch.setattr(certificate, "load_certificate", parsed)
    ran = certboot(command)
    assert (ran.status, decided) == (0, [])
    assert ran.out.startswith("6 trust anchors in generation 3: nothing new, nothing changed\n")
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


def _moved(path: Path, to: Path) -> None:
    shutil.move(path, to)
    path.symlink_to(to)


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
    "a folder in the directory": lambda s, r, m: (_generation(s) / CRTS / "sub").mkdir(),
    "a bundle that is a link": lambda s, r, m: _moved(_generation(s) / "bundle.pem", r.parent / "moved.pem"),
    "a certificate that is a link": lambda s, r, m: _moved(_a_file(s), r.parent / "moved.pem"),
    "no note": lambda s, r, m: s.checked.unlink(),
    "OpenSSL": lambda s, r, m: m.setattr(ssl, "OPENSSL_VERSION", "OpenSSL 9"),
    "the versions of what parses": lambda s, r, m: m.setattr(metadata, "version", lambda name: f"{name} 9"),
    "the clock set back": lambda s, r, m: at(m, NOW - timedelta(hours=1)),
    "a certificate has ended": lambda s, r, m: at(m, NOW + timedelta(days=9, seconds=1)),
}  # fmt: skip


@cases("change", CHANGES)
def test_whatever_differs_is_decided_anew_and_then_counts_as_known(
    certboot: Callable[..., Ran],
    store: StorePaths,
    reports: Path,
    decided: list[str],
    monkeypatch: pytest.MonkeyPatch,
    change: str,
) -> None:
    """And what comes of it is what a run without memory makes of the same, if the clock is the same."""
    decided.clear()
    CHANGES[change](store, reports, monkeypatch)
    assert certboot("update").status == 0
    assert decided == ["update"]
    assert certboot("update").status == 0
    assert decided == ["update"]
    if change in ("the clock set back", "a certificate has ended"):
        return
    last, held = freshness.read(store.checked), contents(store.home)
    store.checked.unlink()
    assert certboot("update").status == 0
    again = freshness.read(store.checked)
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
        ("distrust", "--undo", "Root B"),
        ("init", "--config", team),
        ("update", "--intermediates"),
    ):
        decided.clear()
        assert certboot(*command).status == 0
        assert decided == [command[0]], command


@cases("damaged", ["", "{}", "[1]", '{"when": "2026-01-01", "until": "x", "digest": ""}', "\xff", "[" * 99999])
def test_a_damaged_note_is_none(
    certboot: Callable[..., Ran], store: StorePaths, decided: list[str], damaged: str
) -> None:
    decided.clear()
    store.checked.write_text(damaged, "latin-1")
    assert freshness.read(store.checked) is None
    assert certboot("update").status == 0
    assert decided == ["update"]
    assert freshness.read(store.checked)


def test_times_without_a_zone_are_no_note(store: StorePaths) -> None:
    _rewrite(store.checked, b"+00:00", b"")
    assert freshness.read(store.checked) is None


def test_where_one_piece_ends_and_the_next_begins_counts() -> None:
    one, other = (("a", b"bc"), ("d", b"")), (("a", b"b"), ("cd", b""))
    assert freshness.digest_of_inputs(one) != freshness.digest_of_inputs(other)
    assert freshness.digest_of_inputs(one) == freshness.digest_of_inputs(iter(one))


def test_in_the_second_in_which_a_certificate_ends_the_next_run_decides_again(
    certboot: Callable[..., Ran], store: StorePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    at(monkeypatch, NOW + timedelta(days=9))
    assert certboot("update").status == 0
    assert "Ends soon" in names(store)
    at(monkeypatch, NOW + timedelta(days=9, seconds=1))
    assert certboot("update").status == 0
    assert "Ends soon" not in names(store)


def names(store: StorePaths) -> set[str]:
    return {entry.name for entry in generations.current(store).certificates}


def _trusted_and_removed(certboot: Callable[..., Ran], store: StorePaths, folder: Path) -> None:
    (folder / "evil.pem").write_bytes(EVIL.pem)
    assert certboot("trust", folder / "evil.pem", "--yes").status == 0
    next(store.trusted.glob("Evil*")).unlink()


def _distrust_undone_and_put_back(certboot: Callable[..., Ran], store: StorePaths, folder: Path) -> None:
    del folder
    assert certboot("distrust", "Root C").status == 0
    saved = store.distrusted.read_bytes()
    assert certboot("distrust", "--undo", "Root C").status == 0
    store.distrusted.write_bytes(saved)


def _settings_replaced_and_put_back(certboot: Callable[..., Ran], store: StorePaths, folder: Path) -> None:
    saved = f'[rules]\ndistrust = ["{report.fingerprint(roots()[2])}"]\n'
    store.config.write_text(saved)
    assert certboot("update").status == 0
    (folder / "team.toml").write_text("")
    assert certboot("init", "--config", folder / "team.toml").status == 0
    store.config.write_text(saved)


EVIL = issue("Evil")


@cases(
    ("change", "name"),
    [
        (_trusted_and_removed, "Evil"),
        (_distrust_undone_and_put_back, "Root C"),
        (_settings_replaced_and_put_back, "Root C"),
    ],
)
def test_inputs_that_are_put_back_as_they_were_before_a_change_are_not_those_of_the_store(
    certboot: Callable[..., Ran],
    store: StorePaths,
    tmp_path: Path,
    change: Callable[[Callable[..., Ran], StorePaths, Path], None],
    name: str,
) -> None:
    change(certboot, store, tmp_path)
    assert name in names(store)
    assert certboot("update").status == 0
    assert name not in names(store)


@cases("file", ["config", "distrusted"])
def test_what_changes_while_the_sources_are_read_counts_at_the_next_run(
    certboot: Callable[..., Ran], store: StorePaths, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    fingerprint = report.fingerprint(roots()[2])
    real = certifi.read

    def slow() -> object:
        if file == "config":
            store.config.write_text(f'[rules]\ndistrust = ["{fingerprint}"]\n')
        else:
            store.distrusted.write_text(fingerprint)
        return real()

    monkeypatch.setattr(certifi, "read", slow)
    assert certboot("update").status == 0
    assert "Root C" in names(store)
    monkeypatch.setattr(certifi, "read", real)
    assert certboot("update").status == 0
    assert "Root C" not in names(store)


def test_a_source_that_fails_does_not_keep_a_certificate_from_leaving(
    certboot: Callable[..., Ran], store: StorePaths
) -> None:
    store.config.write_text('[[company]]\naddress = "https://localhost:1/ca.pem"\n')
    assert certboot("update").status == 2
    assert "Root C" in names(store)
    assert certboot("distrust", "Root C").status == 0
    assert "Root C" not in names(store)
    rejected = generations.current(store).rejected
    assert [each.reason for each in rejected if each.subject == "CN=Root C"] == ["you said so"]
    store.config.unlink()
    assert certboot("update").status == 0
    assert "Root C" not in names(store)


def test_what_hangs_below_a_distrusted_anchor_leaves_with_it(
    certboot: Callable[..., Ran], paths: StorePaths, tmp_path: Path
) -> None:
    below = issue("Below", ROOT)
    lower = issue("Lower", below)
    found = report.Reports(
        roots=(report.root(ROOT),),
        intermediates=(report.intermediate(below), report.intermediate(lower)),
        revoked=(report.revoked(GONE),),
    )
    folder = report.save(found.bodies(), tmp_path / "tree")
    assert certboot("init", "--source", "certifi,ccadb", "--intermediates", "--from", folder).status == 0
    assert {"Below", "Lower"} < names(paths)
    shutil.rmtree(folder)
    assert certboot("distrust", "CCADB Root").status == 0
    assert names(paths) == {"Root A", "Root B", "Root C"}
    rules = {each.subject: each.rule for each in generations.current(paths).rejected}
    assert (rules["CN=CCADB Root"], rules["CN=Below"], rules["CN=Lower"]) == ("distrusted", "no-issuer", "no-issuer")


@cases(("ahead", "done"), [(timedelta(0), True), (timedelta(days=1), False)])
def test_a_time_in_the_future_is_no_age(
    certboot: Callable[..., Ran],
    store: StorePaths,
    decided: list[str],
    ahead: timedelta,
    done: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    decided.clear()
    last = freshness.read(store.checked)
    assert last
    when = datetime.datetime.now(datetime.timezone.utc) + ahead
    store.checked.write_bytes(freshness.render(freshness.LastRead(when, last.digest, last.until)))
    ran = certboot("update", "--max-age", "7d")
    assert ("nothing to do" in ran.out, decided == []) == (done, done)


@cases("option", [("--dry-run",), ("--no-intermediates",), ("--from", "missing")])
def test_an_age_does_not_make_other_options_silent(
    certboot: Callable[..., Ran], store: StorePaths, option: tuple[str, ...]
) -> None:
    del store
    assert "nothing to do" in certboot("update", "--max-age", "7d").out
    assert "nothing to do" not in certboot("update", "--max-age", "7d", *option).out


def test_after_a_rollback_no_age_is_known_and_what_is_distrusted_is_named(
    certboot: Callable[..., Ran], store: StorePaths
) -> None:
    assert certboot("distrust", "Root C").status == 0
    ran = certboot("rollback")
    assert "Root C, which you distrust, is trusted again until the next update\n" in ran.out
    assert "Root C" in names(store)
    assert certboot("update", "--max-age", "7d").status == 0
    assert "Root C" not in names(store)


def test_a_copy_of_a_distrusted_certificate_that_was_signed_anew_stays_out(
    certboot: Callable[..., Ran], store: StorePaths, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    twin = resigned(roots()[2]).pem
    monkeypatch.setattr(certifi, "read", _certifi(PUBLIC + twin, "2026.1"))
    assert certboot("update").status == 0
    held = [entry.name for entry in generations.current(store).certificates]
    assert held.count("Root C") == 2
    assert certboot("distrust", report.fingerprint(roots()[2])).status == 0
    assert "Root C" not in names(store)
    monkeypatch.setattr(certifi, "read", _certifi(roots()[0].pem + twin, "2026.2"))  # the original is gone
    assert certboot("update").status == 0
    assert "Root C" not in names(store)
    (tmp_path / "twin.pem").write_bytes(twin)
    ran = certboot("trust", tmp_path / "twin.pem", "--yes")  # it is not the one that was distrusted
    assert (ran.status, "hint: certboot distrust ID --undo" in ran.err) == (2, True)
    assert certboot("distrust", "--undo", "Root C").status == 0
    assert certboot("trust", tmp_path / "twin.pem", "--yes").status == 0
    assert "Root C" in names(store)


def test_undoing_a_distrust_leaves_nothing_of_it(certboot: Callable[..., Ran], store: StorePaths) -> None:
    before = store.distrusted.read_bytes()
    assert certboot("distrust", "Root C").status == 0
    assert store.distrusted.read_bytes().count(b"\n") == before.count(b"\n") + 2
    assert certboot("distrust", "--undo", "Root C").status == 0
    assert store.distrusted.read_bytes() == before
    assert "Root C" in names(store)
