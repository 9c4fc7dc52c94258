"""A run whose inputs are those of the last one parses nothing; whatever differs, it decides anew.

And which sources are read for which choices, and with what a download is verified.
"""

# ruff: noqa: ARG005 - of store, reports and monkeypatch each change takes what it needs

from __future__ import annotations

import datetime
import hashlib
import os
import shutil
import ssl
import typing
from collections.abc import Callable
from datetime import timedelta
from importlib import metadata
from pathlib import Path

import pytest
import trustme
from support import report
from support.commands import Run, names, saved
from support.pki import NOW, Issued, issue, resigned
from support.server import TlsServer
from support.snapshot import contents, roots, snapshot, unparsed
from support.table import cases

from certboot import moment
from certboot.clients import installed
from certboot.errors import SourceError
from certboot.pki import certificate
from certboot.pki.certificate import load_certificate
from certboot.sources import certifi, system
from certboot.sources.candidates import Loaded
from certboot.sources.company import Company
from certboot.sources.table import read_all
from certboot.store import decide, freshness, generations, history, inputs
from certboot.store.config import Ccadb, Config
from certboot.store.inputs import reading, trusted_bundle
from certboot.store.manifest import Choices
from certboot.store.paths import CRTS, StorePaths
from certboot.store.request import Request, Selection
from certboot.store.update import apply

ROOT, GONE = issue("CCADB Root"), issue("CCADB Gone")
SOON = issue("Ends soon", valid=(NOW - timedelta(days=9), NOW + timedelta(days=9)))


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    rows = (report.root(ROOT), report.root(SOON)), (report.intermediate(GONE),), (report.revoked(GONE),)
    return report.save(report.Reports(*rows).bodies(), tmp_path / "reports")


@pytest.fixture
def store(certboot: Run, paths: StorePaths, reports: Path, tmp_path: Path) -> StorePaths:
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
    certboot: Run, store: StorePaths, decided: list[str], monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    before = snapshot(store.home)

    def parsed(_: bytes) -> typing.NoReturn:
        pytest.fail("a certificate was parsed")

    monkeypatch.setattr(certificate, "load_certificate", parsed)
    ran = certboot(command)
    assert (ran.status, decided) == (0, [])
    assert ran.out.startswith("6 CAs in generation 3: nothing new, nothing changed\n")
    after = snapshot(store.home)
    assert {path for path in after if after[path] != before[path]} <= {"checked"}


def certifi_has(monkeypatch: pytest.MonkeyPatch, pem: bytes, version: str = "2026.1") -> None:
    monkeypatch.setattr(certifi, "read", lambda: unparsed(pem, "certifi", version))


def _generation(store: StorePaths) -> Path:
    return store.current.resolve()


def _a_file(store: StorePaths) -> Path:
    return min((store.current / CRTS).glob("*.pem"))


def _a_link(store: StorePaths) -> Path:
    return min(path for path in (store.current / CRTS).iterdir() if path.is_symlink())


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


def note(store: StorePaths) -> freshness.LastRead:
    found = freshness.read(store.checked)
    assert found
    return found


CHANGES: dict[str, Callable[[StorePaths, Path, pytest.MonkeyPatch], object]] = {
    "certifi has another": lambda s, r, m: certifi_has(m, PUBLIC + issue("New").pem),
    "certifi lacks one": lambda s, r, m: certifi_has(m, roots()[0].pem),
    "certifi's version": lambda s, r, m: certifi_has(m, PUBLIC, "2026.2"),
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
    "the manifest": lambda s, r, m: _rewrite(_generation(s) / "manifest.json", b'"CN=Root A"', b'"CN=Root Z"'),
    "another generation in force": lambda s, r, m: history.rollback(s, 1),
    "a folder in the directory": lambda s, r, m: (_generation(s) / CRTS / "sub").mkdir(),
    "a bundle that is a link": lambda s, r, m: _moved(_generation(s) / "bundle.pem", r.parent / "moved.pem"),
    "a certificate that is a link": lambda s, r, m: _moved(_a_file(s), r.parent / "moved.pem"),
    "no note": lambda s, r, m: s.checked.unlink(),
    "OpenSSL": lambda s, r, m: m.setattr(ssl, "OPENSSL_VERSION", "OpenSSL 9"),
    "the versions of what parses": lambda s, r, m: m.setattr(
        installed, "installed_versions", lambda _: {"certboot": "9", "cryptography": "9"}
    ),
    "packages in a zip file": lambda s, r, m: (
        m.setattr(installed, "installed_versions", lambda _: {}),
        m.setattr(metadata, "version", lambda name: f"{name} 9"),
    ),
    "the clock set back": lambda s, r, m: at(m, NOW - timedelta(hours=1)),
    "a certificate has ended": lambda s, r, m: at(m, NOW + timedelta(days=9, seconds=1)),
}  # fmt: skip


@cases("change", CHANGES)
def test_whatever_differs_is_decided_anew_and_then_counts_as_known(
    certboot: Run, store: StorePaths, decided: list[str], monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    """And what comes of it is what a run without memory makes of the same, if the clock is the same."""
    decided.clear()
    CHANGES[change](store, store.home.parents[3] / "reports", monkeypatch)
    assert certboot("update").status == 0
    assert decided == ["update"]
    assert certboot("update").status == 0
    assert decided == ["update"]
    if change in ("the clock set back", "a certificate has ended"):
        return
    last, held = note(store), contents(store.home)
    store.checked.unlink()
    assert certboot("update").status == 0
    again = note(store)
    assert (again.digest, again.until) == (last.digest, last.until)
    assert {**contents(store.home), "checked": b""} == {**held, "checked": b""}


def test_what_a_request_changes_is_decided(
    certboot: Run, store: StorePaths, decided: list[str], tmp_path: Path
) -> None:
    del store
    team = tmp_path / "team.toml"
    team.write_text("")
    trust = ("trust", saved(tmp_path / "new.pem", issue("New")), "--yes")
    for command in (trust, ("distrust", "--undo", "Root B"), ("init", "--config", team), ("update", "--intermediates")):
        decided.clear()
        assert certboot(*command).status == 0
        assert [words.split()[0] for words in decided] == [command[0]], command


@cases("damaged", ["", "{}", "[1]", '{"when": "2026-01-01", "until": "x", "digest": ""}', "\xff", "[" * 99999])
def test_a_damaged_note_is_none(certboot: Run, store: StorePaths, decided: list[str], damaged: str) -> None:
    decided.clear()
    store.checked.write_text(damaged, "latin-1")
    assert freshness.read(store.checked) is None
    assert certboot("update").status == 0
    assert decided == ["update"]
    assert freshness.read(store.checked) is not None
    _rewrite(store.checked, b"+00:00", b"")  # nor is one whose times have no zone
    assert freshness.read(store.checked) is None


def test_where_one_piece_ends_and_the_next_begins_counts() -> None:
    one, other = (("a", b"bc"), ("d", b"")), (("a", b"b"), ("cd", b""))
    assert freshness.digest_of_inputs(one) != freshness.digest_of_inputs(other)
    assert freshness.digest_of_inputs(one) == freshness.digest_of_inputs(iter(one))


def test_in_the_second_in_which_a_certificate_ends_the_next_run_decides_again(
    certboot: Run, store: StorePaths, decided: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    at(monkeypatch, NOW + timedelta(days=9, seconds=-1))
    assert certboot("update").status == 0
    assert decided == []
    at(monkeypatch, NOW + timedelta(days=9))
    assert certboot("update").status == 0
    assert "Ends soon" in names(store)
    at(monkeypatch, NOW + timedelta(days=9, seconds=1))
    assert certboot("update").status == 0
    assert "Ends soon" not in names(store)


def _trusted_and_removed(certboot: Run, store: StorePaths, folder: Path) -> None:
    (folder / "evil.pem").write_bytes(issue("Evil").pem)
    assert certboot("trust", folder / "evil.pem", "--yes").status == 0
    next(store.trusted.glob("Evil*")).unlink()


def _distrust_undone_and_put_back(certboot: Run, store: StorePaths, folder: Path) -> None:
    del folder
    assert certboot("distrust", "Root C").status == 0
    former = store.distrusted.read_bytes()
    assert certboot("distrust", "--undo", "Root C").status == 0
    store.distrusted.write_bytes(former)


def _settings_replaced_and_put_back(certboot: Run, store: StorePaths, folder: Path) -> None:
    saved = f'[rules]\ndistrust = ["{report.fingerprint(roots()[2])}"]\n'
    store.config.write_text(saved)
    assert certboot("update").status == 0
    (folder / "team.toml").write_text("")
    assert certboot("init", "--config", folder / "team.toml").status == 0
    store.config.write_text(saved)


PUT_BACK = {
    _trusted_and_removed: "Evil",
    _distrust_undone_and_put_back: "Root C",
    _settings_replaced_and_put_back: "Root C",
}


@cases(("change", "name"), PUT_BACK.items())
def test_inputs_that_are_put_back_as_they_were_before_a_change_are_not_those_of_the_store(
    certboot: Run, store: StorePaths, tmp_path: Path, change: Callable[[Run, StorePaths, Path], None], name: str
) -> None:
    change(certboot, store, tmp_path)
    assert name in names(store)
    assert certboot("update").status == 0
    assert name not in names(store)


@cases("file", ["config", "distrusted"])
def test_what_changes_meanwhile_counts_at_the_next_run(
    certboot: Run, store: StorePaths, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    fingerprint, real = report.fingerprint(roots()[2]), certifi.read

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


def test_a_source_that_fails_does_not_keep_a_certificate_from_leaving(certboot: Run, store: StorePaths) -> None:
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


@cases(("ahead", "done"), [(timedelta(0), True), (timedelta(days=1), False)])
def test_a_time_in_the_future_is_no_age_and_an_age_does_not_make_other_options_silent(
    certboot: Run, store: StorePaths, decided: list[str], ahead: timedelta, *, done: bool
) -> None:
    decided.clear()
    last = note(store)
    when = datetime.datetime.now(datetime.timezone.utc) + ahead
    store.checked.write_bytes(freshness.render(freshness.LastRead(when, last.digest, last.until)))
    ran = certboot("update", "--max-age", "7d")
    assert ("nothing to do" in ran.out, decided == []) == (done, done)
    for option in (("--dry-run",), ("--from", "missing"), ("--no-intermediates",)):
        assert "nothing to do" not in certboot("update", "--max-age", "7d", *option).out


def test_after_a_rollback_no_age_is_known_and_what_is_distrusted_is_named(certboot: Run, store: StorePaths) -> None:
    assert certboot("distrust", "Root C").status == 0
    ran = certboot("rollback")
    assert "Root C, which you distrust, is trusted again until the next update\n" in ran.out
    assert "Root C" in names(store)
    assert certboot("update", "--max-age", "7d").status == 0
    assert "Root C" not in names(store)


# Which sources are read

MAIL, OTHER = issue("Mail Root"), issue("CCADB Other")
BELOW, REVOKED = issue("CCADB Below", ROOT), issue("CCADB Revoked", ROOT)
REPORTS = report.Reports(
    (report.root(ROOT), report.root(MAIL, bits="Email"), report.root(OTHER)),
    (report.intermediate(BELOW), report.intermediate(REVOKED)),
    (report.revoked(REVOKED),),
)
CERTIFI, SYSTEM, CCADB = (
    {("certifi", "anchor", f"Root {letter}") for letter in "ABC"},
    {("system", "anchor", "Root A")},
    {("ccadb", "anchor", name) for name in ("CCADB Root", "Mail Root", "CCADB Other")},
)
INTERMEDIATES = {("ccadb", "intermediate", name) for name in ("CCADB Below", "CCADB Revoked")}
CORP = {("company", "anchor", "Corp")}


def gathered(paths: StorePaths, choices: Choices, *companies: Company) -> list[Loaded]:
    loaded = [source.parse() for source in read_all(reading(paths, Config(companies=companies), choices, NOW))]
    return [source for source in loaded if source.candidates or source.rejections]


def offered(loaded: list[Loaded]) -> set[tuple[str, str, str]]:
    return {(entry.source, entry.role, entry.certificate.name) for part in loaded for entry in part.candidates}


def of_company(paths: StorePaths, *companies: Company) -> set[tuple[str, str, str]]:
    return offered(gathered(paths, Choices(()), *companies))


@cases(
    ("sources", "intermediates", "expected"),
    [
        (("certifi", "system"), False, CERTIFI | SYSTEM),
        (("ccadb",), False, CCADB),
        (("ccadb", "certifi"), True, CCADB | CERTIFI | INTERMEDIATES),
        (("certifi",), True, CERTIFI | INTERMEDIATES),  # of the CCADB only what hangs below others' roots
        ((), False, set()),
    ],
)
def test_the_sources_that_were_chosen_are_read_and_no_others(
    paths: StorePaths, sources: tuple[str, ...], *, intermediates: bool, expected: set[tuple[str, str, str]]
) -> None:
    folder = (
        report.save(REPORTS.bodies(), paths.home.parents[3] / "reports") if intermediates or "ccadb" in sources else ""
    )
    with pytest.MonkeyPatch.context() as patch:
        for module in {certifi, system} - {{"certifi": certifi, "system": system}.get(name) for name in sources}:
            patch.setattr(module, "read", lambda: pytest.fail("it is read"))
        loaded = gathered(paths, Choices(sources, intermediates, str(folder)))
    assert offered(loaded) == expected
    revoked = frozenset({report.fingerprint(REVOKED), load_certificate(REVOKED.der).link.issuer_and_serial})
    assert [part.revoked for part in loaded if part.revoked] == ([revoked] if folder else [])


@cases(("revoked", "held"), [(REVOKED, {"CCADB Below"}), (OTHER, {"CCADB Below", "CCADB Revoked"})])
def test_a_copy_signed_anew_of_what_is_revoked_stays_out(
    paths: StorePaths, tmp_path: Path, revoked: Issued, held: set[str]
) -> None:
    copy = resigned(REVOKED)
    rows = (report.intermediate(BELOW), report.intermediate(copy))
    bodies = report.Reports(REPORTS.roots, rows, (report.revoked(revoked),)).bodies()
    folder = str(report.save(bodies, tmp_path / "reports"))
    outcome = apply(paths, Request("init", Selection(("ccadb",), intermediates=True, reports=folder)))
    assert {entry.name for entry in outcome.record.certificates if entry.role == "intermediate"} == held
    rejected = [rejection.fingerprint for rejection in outcome.rejected if rejection.rule == "revoked"]
    assert (report.fingerprint(copy) in rejected) == (revoked is REVOKED)


def test_of_what_was_repaired_a_copy_signed_anew_is_known_to_be_revoked(paths: StorePaths) -> None:
    """Without the CCADB among the sources, by the report as it was last fetched."""
    copy = load_certificate(resigned(REVOKED).der)
    paths.repaired.mkdir(parents=True)
    (paths.repaired / "gone.pem").write_bytes(resigned(REVOKED).pem)
    for serials in (frozenset(), frozenset({copy.link.issuer_and_serial})):
        (loaded,) = (part for part in gathered(paths, Choices(("certifi",))) if part.candidates[0].source == "repaired")
        assert [candidate.certificate for candidate in loaded.candidates] == [copy]
        assert loaded.revoked == serials
        report.save(REPORTS.bodies(), paths.cache)


@pytest.fixture
def mirror(
    ca: trustme.CA, ca_file: Path, serve: Callable[..., TlsServer], monkeypatch: pytest.MonkeyPatch
) -> TlsServer:
    """A server with the reports and a company CA, whose own CA stands in for certifi's file."""
    monkeypatch.setattr(certifi, "path", lambda: ca_file)
    corp = issue("Corp")
    return serve(ca.issue_cert("localhost"), pages={**REPORTS.pages(), "/corp.pem": corp.pem, "/corp.der": corp.der})


def test_the_reports_come_from_the_configured_address_with_progress(paths: StorePaths, mirror: TlsServer) -> None:
    told: list[tuple[object, ...]] = []
    config, choices = Config(ccadb=Ccadb(f"{mirror.url}/")), Choices(("ccadb",), intermediates=True)
    sources = reading(paths, config, choices, NOW, lambda *so_far: told.append(so_far))
    assert offered([source.parse() for source in read_all(sources)]) == CCADB | INTERMEDIATES
    sizes = {(name.rpartition("/")[2], len(body), len(body)) for name, body in REPORTS.bodies().items()}
    assert {(name, done, total) for name, done, total in told if done == total} == sizes


def test_before_there_is_a_store_a_download_is_verified_with_certifi_and_then_with_the_store(
    paths: StorePaths, mirror: TlsServer, ca_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    company = Company(address=f"{mirror.url}/corp.pem")
    assert trusted_bundle(paths) == ca_file
    assert of_company(paths, company) == CORP
    apply(paths, Request("init"))  # three roots of others, not the mirror's
    bundle = paths.generations / "1" / "bundle.pem"
    assert trusted_bundle(paths) == bundle
    with pytest.raises(SourceError, match=r"the certificate of localhost:[0-9]+ is refused"):
        of_company(paths, company)
    # One that has lost its bundle could never be mended from the network.
    for damage in (lambda: bundle.write_bytes(b""), bundle.unlink):
        damage()
        assert trusted_bundle(paths) == ca_file
        assert of_company(paths, company) == CORP
    certifi_has(monkeypatch, ca_file.read_bytes(), "2026.2")
    apply(paths, Request("update"))
    assert trusted_bundle(paths) == paths.generations / "2" / "bundle.pem"
    assert of_company(paths, company) == CORP


@cases("ours", ["pem", "path", "added", "system", "unchosen", ""])
def test_what_the_first_run_is_to_believe_verifies_its_downloads_too(
    certboot: Run, paths: StorePaths, mirror: TlsServer, ca_file: Path, monkeypatch: pytest.MonkeyPatch, ours: str
) -> None:
    """A company's own server of the reports has a certificate of the company's CA, which comes with the settings."""
    folder = ca_file.parent
    monkeypatch.setattr(certifi, "path", lambda: saved(folder / "nobody.pem", issue("Nobody's CA")))
    if ours in ("system", "unchosen"):
        monkeypatch.setattr(system, "read", lambda: unparsed(ca_file.read_bytes(), "system", "/etc/ssl/certs"))
    given = {"pem": f"pem = '''{ca_file.read_text()}'''", "path": f'path = "{ca_file}"'}
    company = given.get(ours, "")
    text = f'ccadb.address = "{mirror.url}/"\n' + (f"[[company]]\n{company}\n" if company else "")
    (folder / "team.toml").write_text(text)
    sources = "certifi,system,ccadb" if ours == "system" else "certifi,ccadb"
    added = ("--add", ca_file) if ours == "added" else ()
    ran = certboot("init", "--source", sources, "--config", folder / "team.toml", *added)
    reached = ours in ("pem", "path", "added", "system")
    assert (ran.status == 0, "is refused" in ran.err) == (reached, not reached), ran.err
    assert not reached or "CCADB Root" in names(paths)


@cases("by", ["you", "the settings", "the administrator", ""])
def test_what_is_to_stay_out_verifies_no_download_either(
    certboot: Run, paths: StorePaths, mirror: TlsServer, ca_file: Path, openssl: Callable[..., str], by: str
) -> None:
    folder, pem = ca_file.parent, ca_file.read_text()
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()
    marked = openssl("x509", "-in", ca_file, "-addreject", "serverAuth", "-trustout")
    (folder / "etc" / "ssl").mkdir(parents=True)
    (folder / "etc" / "ssl" / "cert.pem").write_text(
        marked if by == "the administrator" else issue("Another").pem.decode()
    )
    rules = f'rules.distrust = ["{digest}"]\n' if by == "the settings" else ""
    (folder / "team.toml").write_text(f"ccadb.address = '{mirror.url}/'\n{rules}[[company]]\npem = '''{pem}'''\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(system, "read", lambda: system.from_unix_files(folder))
        assert certboot("init", "--source", "certifi").status == 0
        if by == "you":
            paths.distrusted.write_text(f"{digest}\n")
        ran = certboot("init", "--source", "certifi,system,ccadb", "--config", folder / "team.toml")
    assert (ran.status == 0, "is refused" in ran.err) == (not by, bool(by)), ran.err


def test_a_company_ca_comes_from_a_file_or_a_folder(paths: StorePaths, tmp_path: Path) -> None:
    broken = b"-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n"
    (tmp_path / "one.pem").write_bytes(broken + issue("One").pem)
    (tmp_path / "more").mkdir()
    for number in (2, 3):
        (tmp_path / "more" / f"{number}.crt").write_bytes(issue(f"CA {number}").der)
    with pytest.raises(SourceError, match="cannot read "):
        of_company(paths, Company(tmp_path / "none.pem"))
    loaded = gathered(paths, Choices(()), Company(tmp_path / "one.pem"), Company(tmp_path / "more"))
    assert offered(loaded) == {("company", "anchor", name) for name in ("One", "CA 2", "CA 3")}
    assert loaded[0].candidates[0].detail == str(tmp_path / "one.pem")
    assert [(rejection.rule, rejection.source) for rejection in loaded[0].rejections] == [("unreadable", "company")]


def test_a_company_place_that_others_could_change_is_an_error(paths: StorePaths, tmp_path: Path) -> None:
    folder, path = tmp_path / "company", tmp_path / "company" / "corp.pem"
    folder.mkdir()
    path.write_bytes(issue("Corp").pem)
    assert of_company(paths, Company(path)) == of_company(paths, Company(folder)) == CORP
    path.chmod(0o666)
    for given in (folder, path):
        with pytest.raises(SourceError, match=f"others may write to it: {path}$"):
            of_company(paths, Company(given))


def test_a_company_file_distrusts_nothing_that_others_offer(
    paths: StorePaths, tmp_path: Path, openssl: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever may write it could else empty the store; the system's administrator may."""
    (tmp_path / "a.pem").write_bytes(roots()[0].pem)
    marked = openssl("x509", "-in", tmp_path / "a.pem", "-addreject", "serverAuth", "-trustout").encode()
    (tmp_path / "corp.pem").write_bytes(marked + issue("Corp").pem)
    paths.home.mkdir(parents=True)
    paths.config.write_text(f'[[company]]\npath = "{tmp_path}/corp.pem"\n')
    record = apply(paths, Request("init")).record
    assert [entry.name for entry in record.certificates] == ["Corp", "Root A", "Root B", "Root C"]
    assert [(rejection.rule, rejection.source) for rejection in record.rejected] == [("distrusted", "company")]
    files = tmp_path / "etc/ssl/certs"
    files.mkdir(parents=True)
    (files / "ca-certificates.crt").write_bytes(marked)
    monkeypatch.setattr(system, "read", lambda: system.from_unix_files(tmp_path))
    outcome = apply(paths, Request("update"))
    assert [entry.name for entry in outcome.record.certificates] == ["Corp", "Root B", "Root C"]
    reasons = {rejection.reason for rejection in outcome.rejected if rejection.source == "certifi"}
    assert reasons == {"the administrator of this system said so"}


@cases("page", ["corp.pem", "corp.der"])
def test_a_company_ca_of_an_address_is_the_pinned_one(paths: StorePaths, mirror: TlsServer, page: str) -> None:
    pin = hashlib.sha256(mirror.pages["/corp.der"]).hexdigest()
    assert of_company(paths, Company(address=f"{mirror.url}/{page}", sha256=pin)) == CORP
    with pytest.raises(SourceError, match=f"has the SHA-256 {'0' * 64}"):
        of_company(paths, Company(address=f"{mirror.url}/{page}", sha256="0" * 64))
