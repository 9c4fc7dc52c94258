"""Which sources are read for which choices, and with what a download is verified."""

from __future__ import annotations

import dataclasses
import hashlib
import typing
from collections.abc import Callable
from pathlib import Path

import pytest
from support import report
from support.pki import NOW, Issued, issue, resigned
from support.snapshot import roots, unparsed
from support.table import cases

from certboot.errors import SourceError
from certboot.pki.certificate import load_certificate
from certboot.sources import ccadb, certifi, system
from certboot.sources.candidates import Loaded, Unparsed
from certboot.sources.company import Company
from certboot.sources.table import read_all
from certboot.store.config import Config
from certboot.store.inputs import reading, trusted_bundle
from certboot.store.manifest import Choices
from certboot.store.paths import StorePaths
from certboot.store.request import Request, Selection
from certboot.store.update import apply

if typing.TYPE_CHECKING:
    import trustme
    from support.server import TlsServer

ROOT, MAIL, OTHER = issue("CCADB Root"), issue("Mail Root"), issue("CCADB Other")
BELOW, GONE = issue("CCADB Below", ROOT), issue("CCADB Gone", ROOT)
REPORTS = report.Reports(
    roots=(report.root(ROOT), report.root(MAIL, bits="Email"), report.root(OTHER)),
    intermediates=(report.intermediate(BELOW), report.intermediate(GONE)),
    revoked=(report.revoked(GONE),),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return report.save(REPORTS.bodies(), tmp_path / "reports")


def gathered(paths: StorePaths, choices: Choices, config: Config | None = None) -> list[Loaded]:
    loaded = [source.parse() for source in read_all(reading(paths, config or Config(), choices, NOW))]
    return [source for source in loaded if source.candidates or source.rejections]


def offered(loaded: list[Loaded]) -> set[tuple[str, str, str]]:
    return {(each.source, each.role, each.certificate.name) for one in loaded for each in one.candidates}


CERTIFI, SYSTEM, CCADB = (
    {("certifi", "anchor", f"Root {letter}") for letter in "ABC"},
    {("system", "anchor", "Root A")},
    {("ccadb", "anchor", name) for name in ("CCADB Root", "Mail Root", "CCADB Other")},
)
INTERMEDIATES = {("ccadb", "intermediate", name) for name in ("CCADB Below", "CCADB Gone")}


@cases(
    ("sources", "intermediates", "expected"),
    [
        (("certifi", "system"), False, CERTIFI | SYSTEM),
        (("certifi",), False, CERTIFI),
        (("system",), False, SYSTEM),
        (("ccadb",), False, CCADB),
        (("ccadb", "certifi"), True, CCADB | CERTIFI | INTERMEDIATES),
        (("certifi",), True, CERTIFI | INTERMEDIATES),
        ((), False, set()),
    ],
)
def test_the_sources_that_were_chosen_are_read_and_no_others(
    paths: StorePaths,
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
    sources: tuple[str, ...],
    *,
    intermediates: bool,
    expected: set[tuple[str, str, str]],
) -> None:
    """With ``--intermediates`` alone the CCADB gives no roots, only what hangs below others' roots."""
    read: set[str] = set()
    for module in (certifi, system, ccadb):

        def noted(
            *arguments: typing.Any,  # noqa: ANN401 - whatever the source takes
            name: str = module.NAME,
            load: Callable[..., Unparsed] = module.read,
            **options: typing.Any,  # noqa: ANN401
        ) -> Unparsed:
            read.add(name)
            return load(*arguments, **options)

        monkeypatch.setattr(module, "read", noted)
    loaded = gathered(paths, Choices(sources, intermediates, str(folder)))
    assert offered(loaded) == expected
    assert read == {*sources, *(["ccadb"] if intermediates else [])}
    revoked = hashlib.sha256(GONE.der).hexdigest()
    assert [one.revoked for one in loaded if one.revoked] == ([frozenset({revoked})] if "ccadb" in read else [])


@cases("revoked", [GONE, OTHER], ids=["revoked", "control"])
def test_a_copy_signed_anew_of_what_the_reports_revoke_does_not_enter_the_store(
    paths: StorePaths, tmp_path: Path, revoked: Issued
) -> None:
    offered = (report.intermediate(BELOW), report.intermediate(resigned(GONE)))
    bodies = report.Reports(REPORTS.roots, offered, (report.revoked(revoked),)).bodies()
    folder = str(report.save(bodies, tmp_path / "reports"))
    outcome = apply(paths, Request("init", Selection(("ccadb",), intermediates=True, reports=folder)))
    held = {each.name for each in outcome.record.certificates if each.role == "intermediate"}
    if revoked is GONE:
        assert held == {"CCADB Below"}
        assert [each.fingerprint for each in outcome.rejected if each.rule == "revoked"] == [
            report.fingerprint(resigned(GONE))
        ]
    else:
        assert held == {"CCADB Below", "CCADB Gone"}


def test_a_report_that_is_missing_from_the_folder_is_an_error(paths: StorePaths, folder: Path) -> None:
    (folder / ccadb.REVOKED.rpartition("/")[2]).unlink()
    with pytest.raises(SourceError, match="cannot read the report of the CCADB: "):
        gathered(paths, Choices(("ccadb",), intermediates=False, reports=str(folder)))


def test_of_what_was_repaired_a_copy_signed_anew_is_known_to_be_revoked(
    paths: StorePaths,
) -> None:
    """Without the CCADB among the sources, by the report as it was last fetched."""
    copy = load_certificate(resigned(GONE).der)
    paths.repaired.mkdir(parents=True)
    (paths.repaired / "gone.pem").write_bytes(resigned(GONE).pem)
    (loaded,) = (one for one in gathered(paths, Choices(("certifi",))) if one.candidates[0].source == "repaired")
    assert (loaded.revoked, loaded.revoked_serials) == (frozenset(), frozenset())
    report.save(REPORTS.bodies(), paths.cache)
    (loaded,) = (one for one in gathered(paths, Choices(("certifi",))) if one.candidates[0].source == "repaired")
    assert [candidate.certificate for candidate in loaded.candidates] == [copy]
    assert (loaded.revoked, loaded.revoked_serials) == (frozenset(), frozenset({copy.link.issuer_and_serial}))


# From the network


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
    sources = reading(
        paths,
        Config(ccadb_address=f"{mirror.url}/"),
        Choices(("ccadb",), intermediates=True),
        NOW,
        lambda *so_far: told.append(so_far),
    )
    assert offered([each.parse() for each in read_all(sources)]) == CCADB | INTERMEDIATES
    sizes = {report.rpartition("/")[2]: len(body) for report, body in REPORTS.bodies().items()}
    assert {(name, done, whole) for name, done, whole in told if done == whole} == {
        (name, size, size) for name, size in sizes.items()
    }


def test_before_there_is_a_store_a_download_is_verified_with_certifi_and_then_with_the_store(
    paths: StorePaths, mirror: TlsServer, ca_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = Config(companies=(Company(address=f"{mirror.url}/corp.pem"),))
    nothing = Choices(())
    assert trusted_bundle(paths) == ca_file
    assert offered(gathered(paths, nothing, config)) == {("company", "anchor", "Corp")}
    apply(paths, Request("init"))  # three roots of others, not the mirror's
    assert trusted_bundle(paths) == paths.generations / "1" / "bundle.pem"
    with pytest.raises(SourceError, match=r"the certificate of localhost:[0-9]+ is refused"):
        gathered(paths, nothing, config)
    monkeypatch.setattr(certifi, "read", lambda: unparsed(ca_file.read_bytes(), "certifi", "2026.2"))
    apply(paths, Request("update"))
    assert offered(gathered(paths, nothing, config)) == {("company", "anchor", "Corp")}


@cases("damage", ["missing", "empty"])
def test_a_store_that_has_lost_its_bundle_is_mended_from_the_network(
    paths: StorePaths, mirror: TlsServer, ca_file: Path, damage: str
) -> None:
    """A download has to be verified with something, or no run would ever mend it."""
    apply(paths, Request("init"))
    bundle = paths.generations / "1" / "bundle.pem"
    assert trusted_bundle(paths) == bundle
    bundle.write_bytes(b"") if damage == "empty" else bundle.unlink()
    assert trusted_bundle(paths) == ca_file
    paths.config.write_text(f'[[company]]\naddress = "{mirror.url}/corp.pem"\n')
    apply(paths, Request("update"))
    assert trusted_bundle(paths) == paths.generations / "2" / "bundle.pem"


# Company CAs


def test_a_company_ca_comes_from_a_file_or_a_folder(paths: StorePaths, tmp_path: Path) -> None:
    (tmp_path / "one.pem").write_bytes(issue("One").pem)
    (tmp_path / "more").mkdir()
    for number in (2, 3):
        (tmp_path / "more" / f"{number}.crt").write_bytes(issue(f"CA {number}").der)
    config = Config(companies=(Company(tmp_path / "one.pem"), Company(tmp_path / "more")))
    loaded = gathered(paths, Choices(()), config)
    assert offered(loaded) == {("company", "anchor", name) for name in ("One", "CA 2", "CA 3")}
    details = {each.certificate.name: each.detail for one in loaded for each in one.candidates}
    assert details["One"] == str(tmp_path / "one.pem")


def test_what_is_wrong_in_a_company_file_is_the_companys(paths: StorePaths, tmp_path: Path) -> None:
    broken = b"-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n"
    (tmp_path / "corp.pem").write_bytes(broken + issue("Corp").pem)
    loaded, *_ = gathered(paths, Choices(()), Config(companies=(Company(tmp_path / "corp.pem"),)))
    assert [(rejection.rule, rejection.source) for rejection in loaded.rejections] == [("unreadable", "company")]


@cases("place", ["folder", "file"])
def test_a_company_place_that_others_could_change_is_an_error(paths: StorePaths, tmp_path: Path, place: str) -> None:
    folder = tmp_path / "company"
    folder.mkdir()
    (folder / "corp.pem").write_bytes(issue("Corp").pem)
    exposed = folder if place == "folder" else folder / "corp.pem"
    safe = exposed.stat().st_mode
    for path in (folder, folder / "corp.pem"):
        exposed.chmod(0o777)
        with pytest.raises(SourceError, match=f"others may write to it: {exposed}$"):
            gathered(paths, Choices(()), Config(companies=(Company(path),)))
        exposed.chmod(safe)
        assert offered(gathered(paths, Choices(()), Config(companies=(Company(path),)))) == {
            ("company", "anchor", "Corp")
        }


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
    assert [each.name for each in record.certificates] == ["Corp", "Root A", "Root B", "Root C"]
    assert [(each.rule, each.source) for each in record.rejected] == [("distrusted", "company")]
    files = tmp_path / "etc/ssl/certs"
    files.mkdir(parents=True)
    (files / "ca-certificates.crt").write_bytes(marked)
    monkeypatch.setattr(system, "read", lambda: system.from_unix_files(tmp_path))
    outcome = apply(paths, Request("update"))
    assert [each.name for each in outcome.record.certificates] == ["Corp", "Root B", "Root C"]
    reasons = {each.reason for each in outcome.rejected if each.source == "certifi"}
    assert reasons == {"the administrator of this system said so"}


def test_a_company_file_that_has_gone_is_an_error(paths: StorePaths, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot read "):
        gathered(paths, Choices(()), Config(companies=(Company(tmp_path / "none.pem"),)))


@cases("page", ["corp.pem", "corp.der"])
def test_a_company_ca_comes_from_an_address_if_it_is_the_pinned_one(
    paths: StorePaths, mirror: TlsServer, page: str
) -> None:
    company = Company(address=f"{mirror.url}/{page}", sha256=hashlib.sha256(mirror.pages["/corp.der"]).hexdigest())
    assert offered(gathered(paths, Choices(()), Config(companies=(company,)))) == {("company", "anchor", "Corp")}
    other = dataclasses.replace(company, sha256="0" * 64)
    with pytest.raises(SourceError, match=f"pinned is {other.sha256}"):
        gathered(paths, Choices(()), Config(companies=(other,)))
