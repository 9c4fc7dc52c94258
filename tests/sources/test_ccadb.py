"""The source ``ccadb``, with small reports of our own; the real ones are read in the tests of the store."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme
from support import report
from support.pki import issue
from support.report import Reports, ReportServer, save
from support.server import TlsServer
from support.snapshot import contents
from support.table import cases

from certboot.errors import SourceError
from certboot.net import http
from certboot.pki import certificate
from certboot.sources import ccadb
from certboot.sources.candidates import Loaded

ROOT_A, ROOT_B, MAIL = issue("Root A"), issue("Root B"), issue("Mail Root")
BELOW = issue("Issuing CA", ROOT_A)
GONE = issue("Revoked CA", ROOT_B)
BEGIN, END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
NAMES = {each: each.rpartition("/")[2] for each in (ccadb.ROOTS, ccadb.INTERMEDIATES, ccadb.REVOKED)}
GOOD = Reports(
    roots=(report.root(ROOT_A), report.root(ROOT_B, bits="Websites"), report.root(MAIL, bits="Email")),
    intermediates=(report.intermediate(BELOW),),
    revoked=(report.revoked(GONE),),
)


def load(bodies: dict[str, bytes], *, intermediates: bool = True) -> Loaded:
    return ccadb.read(bodies.__getitem__, intermediates=intermediates).parse()


def with_root(row: tuple[str, ...]) -> dict[str, bytes]:
    return Reports((report.root(ROOT_B), row), GOOD.intermediates, GOOD.revoked).bodies()


def roots(loaded: Loaded) -> list[str]:
    return [candidate.certificate.name for candidate in loaded.candidates if candidate.role == "anchor"]


def refused(bodies: dict[str, bytes]) -> str:
    with pytest.raises(SourceError) as error:
        load(bodies)
    assert error.value.hint.startswith("nothing was changed; ")
    return error.value.message


def fingerprints(loaded: Loaded) -> set[str]:
    return {name for name in loaded.revoked if isinstance(name, str)}


def test_roots_intermediates_and_what_is_revoked_are_told_apart() -> None:
    loaded = load(GOOD.bodies())
    assert [(c.certificate.der, c.role, c.tls_trust, c.detail) for c in loaded.candidates] == [
        *((root.der, "anchor", root is not MAIL, NAMES[ccadb.ROOTS]) for root in (ROOT_A, ROOT_B, MAIL)),
        (BELOW.der, "intermediate", True, NAMES[ccadb.INTERMEDIATES]),
    ]
    assert {(candidate.source, candidate.distrust_after) for candidate in loaded.candidates} == {("ccadb", "")}
    assert loaded.revoked == {report.fingerprint(GONE), certificate.load_certificate(GONE.der).link.issuer_and_serial}
    assert (loaded.rejections, loaded.distrusted) == ((), frozenset())
    bodies = GOOD.bodies()
    del bodies[ccadb.INTERMEDIATES]  # not asked for
    without = load(bodies, intermediates=False)
    assert (without.candidates, without.revoked) == (loaded.candidates[:3], loaded.revoked)


def test_only_the_trust_bit_websites_is_trust_for_tls() -> None:
    for bits, trusted in (
        ("Websites", True), ("Email;Websites", True), ("Websites; Email", True),
        ("Email", False), ("", False), ("Websites (old)", False),
    ):  # fmt: skip
        assert load(with_root(report.root(ROOT_A, bits=bits))).candidates[1].tls_trust is trusted


def test_a_distrust_after_date_is_carried_as_iso_date_and_a_root_whose_date_cannot_be_read_is_rejected() -> None:
    for text, date in (
        ("", ""), ("2024.11.30", "2024-11-30"), ("2020 Jul 06", "2020-07-06"), (" 2020 Dec 31 ", "2020-12-31"),
    ):  # fmt: skip
        loaded = load(with_root(report.root(ROOT_A, after=text)))
        assert (loaded.candidates[1].distrust_after, loaded.rejections) == (date, ())
    for text in ("soon", "30.11.2024", "2024.Foo.30", "2024.11.30 or so", "2024\x1b.11.30"):
        loaded = load(with_root(report.root(ROOT_A, after=text)))
        assert roots(loaded) == ["Root B"]
        (rejection,) = loaded.rejections
        assert (rejection.rule, rejection.subject) == ("unreadable", "Root A")
        assert rejection.reason.startswith("row 2: a date that cannot be read: ")
        assert rejection.reason.isprintable()


@cases("printed", [report.fingerprint(ROOT_B).upper(), "", "AB:CD"], ids=["of another", "none", "short"])
def test_a_certificate_that_is_not_the_one_named_is_rejected(printed: str) -> None:
    bodies = with_root(report.root(ROOT_A, printed=printed or " "))
    bodies[ccadb.INTERMEDIATES] = report.table(
        report.INTERMEDIATES, [report.intermediate(BELOW), report.intermediate(BELOW, printed=printed or " ")]
    )
    loaded = load(bodies)
    assert [candidate.certificate.name for candidate in loaded.candidates] == ["Root B", "Issuing CA"]
    known = printed.lower() if len(printed) == 64 else ""
    assert [(r.rule, r.source, r.detail, r.fingerprint, r.subject) for r in loaded.rejections] == [
        ("fingerprint-mismatch", "ccadb", NAMES[ccadb.ROOTS], known, "Root A"),
        ("fingerprint-mismatch", "ccadb", NAMES[ccadb.INTERMEDIATES], known, "CN=Issuing CA"),
    ]


def test_a_fingerprint_may_be_of_either_case_and_pem_with_quotes_and_without() -> None:
    for printed in (report.fingerprint(ROOT_A), report.fingerprint(ROOT_A).upper()):
        assert load(with_root(report.root(ROOT_A, printed=printed))).rejections == ()
    for wrap in ("{}", "'{}'", "'\n{}\n'", "'-----BEGIN X-----\n-----END X-----\n{}'"):
        loaded = load(with_root(report.root(ROOT_A, pem=wrap.format(ROOT_A.pem.decode()))))
        assert roots(loaded) == ["Root B", "Root A"]


@cases(
    ("pem", "reason"),
    [
        ("'too large'", "no certificate in PEM"),
        ("", "no certificate in PEM"),
        (report.quoted(ROOT_A.pem)[:-40], "no END line"),
        (report.quoted(ROOT_A.key_pem), "no certificate in PEM"),
        (report.quoted(ROOT_A.pem + ROOT_B.pem), "several certificates in one field"),
        (f"'{BEGIN}\n!\n{END}'", "not base64"),
    ],
)
def test_a_row_without_a_usable_certificate_is_rejected(pem: str, reason: str) -> None:
    row = report.root(ROOT_A, pem=pem or " ")
    loaded = load(with_root(row))
    assert roots(loaded) == ["Root B"]
    assert [(r.rule, r.reason, r.fingerprint, r.subject) for r in loaded.rejections] == [
        ("unreadable", f"row 2: {reason}", report.fingerprint(ROOT_A), "Root A")
    ]


def test_bytes_that_are_no_certificate_are_unreadable_even_under_their_own_fingerprint() -> None:
    pem = f"'{BEGIN}\nMAA=\n{END}'"
    for printed, rule in (("", "fingerprint-mismatch"), (hashlib.sha256(b"0\0").hexdigest(), "unreadable")):
        row = report.root(ROOT_A, pem=pem, printed=printed)
        assert [rejection.rule for rejection in load(with_root(row)).rejections] == [rule]


def test_a_revocation_counts_without_its_certificate_and_in_either_case() -> None:
    rows = (
        report.revoked(GONE, printed=report.fingerprint(GONE)),
        report.revoked(BELOW, pem="'too large'"),
        report.revoked(MAIL, printed="01:02"),
        report.revoked(MAIL, printed=""),
        report.revoked(MAIL, printed="z" * 64),
    )
    loaded = load(Reports(GOOD.roots, GOOD.intermediates, rows).bodies())
    assert fingerprints(loaded) == {report.fingerprint(GONE), report.fingerprint(BELOW)}
    assert [(r.rule, r.detail, r.reason[:5]) for r in loaded.rejections] == [
        ("unreadable", NAMES[ccadb.REVOKED], f"row {number}") for number in (3, 4, 5)
    ]


def test_what_is_revoked_is_known_by_issuer_and_serial_too_as_far_as_its_certificate_is_there() -> None:
    """The report has it under the fingerprint of its row, and some are too large for it, or broken."""
    broken = GONE.pem.replace(b"\n", b"\n!", 3)[:-40]
    rows = (
        report.revoked(GONE),
        report.revoked(BELOW, pem=ROOT_A.pem.decode()),
        report.revoked(MAIL, pem="'too large'"),
        report.revoked(ROOT_A, pem=broken.decode()),
        report.revoked(ROOT_B, pem=f"'{BEGIN}\nA\n{END}'"),
        report.revoked(ROOT_B, pem=f"{END} {BEGIN}"),
        report.revoked(ROOT_B, printed=hashlib.sha256(b"0\0").hexdigest(), pem=f"{BEGIN}MAA={END}"),
    )
    bodies = Reports(GOOD.roots, GOOD.intermediates, rows).bodies()
    loaded = load(bodies)
    serials = {certificate.load_certificate(GONE.der).link.issuer_and_serial}
    assert ccadb.revoked_serials(bodies[ccadb.REVOKED]) == loaded.revoked - fingerprints(loaded) == serials
    assert ccadb.revoked_serials(bodies[ccadb.INTERMEDIATES]) == ccadb.revoked_serials(b"") == frozenset()
    assert {report.fingerprint(each) for each in (GONE, BELOW, MAIL, ROOT_A, ROOT_B)} < fingerprints(loaded)
    assert loaded.rejections == ()


def test_a_byte_order_mark_other_line_ends_and_other_columns_change_nothing() -> None:
    bodies = GOOD.bodies()
    expected = load(bodies)
    header = ("New", *reversed(report.INTERMEDIATES))
    moved = report.table(header, [("x", *reversed(row)) for row in GOOD.intermediates])
    marked = b"\xef\xbb\xbf" + bodies[ccadb.ROOTS].replace(b'"\n', b'"\r\n') + b"\r\n"
    assert load({**bodies, ccadb.ROOTS: marked, ccadb.INTERMEDIATES: moved}) == expected


def head(body: bytes) -> bytes:
    return body.split(b"\n")[0]


@cases("which", [ccadb.ROOTS, ccadb.INTERMEDIATES, ccadb.REVOKED])
@cases(
    ("spoil", "reason"),
    [
        (lambda _: b"", "it is empty"),
        (lambda _: b"\xef\xbb\xbf", "it is empty"),
        (lambda _: b"<!DOCTYPE html>\n<html><body>502, sorry</body></html>\n", "it has no column "),
        (lambda _: b'{"error": "none"}', "it has no column "),
        (lambda _: bytes(1000), "it "),
        (lambda _: b'"Owner', "it is no CSV, "),
        (lambda body: body.replace(b"SHA", b"MD5", 1), "it has no column 'SHA"),
        (lambda body: head(body) + b"\n", "it has no rows"),
        (head, "it has no rows"),
        (lambda body: body.decode().encode("utf-16"), "it is not UTF-8"),
        (lambda body: body + "Főtanúsítvány".encode("iso8859-2"), "it is not UTF-8"),
        (lambda body: body[:-30], "it is no CSV from row "),
        (lambda body: body + b'"Corp"\n', " fields in the place of "),
        (lambda body: body + b'"Corp"x\n', "it is no CSV from row "),
        (lambda body: body + b'"' + b"A" * 1024 * 1024 + b'A"\n', "it is no CSV from row "),
        (lambda body: head(body) + b"\n" + b",".join([b"x"] * len(head(body).split(b","))) + b"\n", "none of its "),
    ],
)  # fmt: skip
def test_what_is_not_the_report_is_an_error(which: str, spoil: Callable[[bytes], bytes], reason: str) -> None:
    bodies = GOOD.bodies()
    load(bodies)
    message = refused({**bodies, which: spoil(bodies[which])})
    assert message.startswith(f"not the report {NAMES[which]} of the CCADB, ")
    assert reason in message


def test_the_limits_of_rows_fields_and_bytes_hold() -> None:
    bodies = GOOD.bodies()
    row = report.revoked(GONE, pem="x")
    at_most = report.table(report.REVOKED, [row] * 20_000)
    assert load({**bodies, ccadb.REVOKED: at_most}).revoked == {report.fingerprint(GONE)}
    one_more = report.table(report.REVOKED, [row] * 20_001)
    assert refused({**bodies, ccadb.REVOKED: one_more}).endswith(", it has over 20,000 rows")
    before = csv.field_size_limit()
    long = report.table(report.REVOKED, [report.revoked(GONE, pem="x" * 1024 * 1024)])
    assert load({**bodies, ccadb.REVOKED: long}).revoked == {report.fingerprint(GONE)}
    assert csv.field_size_limit() == before < 1024 * 1024
    assert refused({**bodies, ccadb.ROOTS: b"x" * (32 * 1024 * 1024 + 1)}).endswith(", it is over 32 MiB")


def from_folder(folder: Path) -> Loaded:
    return ccadb.read(ccadb.from_folder(folder), intermediates=True).parse()


def test_reports_are_read_from_a_folder_under_their_last_part_and_one_that_is_missing_is_named(tmp_path: Path) -> None:
    folder = save(GOOD.bodies(), tmp_path / "reports")
    assert {path.name for path in folder.iterdir()} == {*NAMES.values()}
    assert from_folder(folder) == load(GOOD.bodies())
    for which, name in NAMES.items():
        (folder / name).rename(tmp_path / name)
        with pytest.raises(SourceError, match="cannot read the report of the CCADB: ") as error:
            from_folder(folder)
        assert str(folder / name) in error.value.message
        assert error.value.hint == f"save it there from https://ccadb.my.salesforce-sites.com/{which}"
        (tmp_path / name).rename(folder / name)


@cases(("place", "mode"), [("..", 0o777), ("", 0o775), ("", 0o777), (NAMES[ccadb.REVOKED], 0o664)])
def test_reports_that_others_could_change_are_refused(tmp_path: Path, place: str, mode: int) -> None:
    """The folder is read again at every update, when nobody looks; a user who removes it may find another's."""
    (tmp_path / "above").mkdir()
    folder = save(GOOD.bodies(), tmp_path / "above" / "reports")
    exposed = (folder / place).resolve()
    safe = exposed.stat().st_mode
    exposed.chmod(mode)
    with pytest.raises(SourceError) as error:
        from_folder(folder)
    how = "not a safe place to read CA certificates from at every update, others may write to it"
    assert error.value.message == f"{how}: {exposed}"
    assert error.value.hint == f"chmod go-w {exposed}, if it is yours and right; else move them to a folder of your own"
    exposed.chmod(safe)
    assert from_folder(folder) == load(GOOD.bodies())


@pytest.fixture
def server(ca: trustme.CA) -> Iterator[ReportServer]:
    made = ReportServer(ca.issue_cert("localhost"), GOOD.pages())
    yield made
    made.close()


@pytest.fixture
def network(server: ReportServer, ca_file: Path, tmp_path: Path) -> Callable[..., Loaded]:
    def run(**options: object) -> Loaded:
        read = ccadb.from_network(f"{server.url}/", tmp_path / "cache", ca_file, **options)  # type: ignore[arg-type]
        return ccadb.read(read, intermediates=True).parse()

    return run


def test_reports_come_over_the_network_with_progress(network: Callable[..., Loaded]) -> None:
    seen: dict[str, tuple[int, int | None]] = {}
    loaded = network(progress=lambda name, done, total: seen.update({name: (done, total)}))
    assert loaded == load(GOOD.bodies())
    assert seen == {NAMES[which]: (len(body), len(body)) for which, body in GOOD.bodies().items()}


def test_a_server_without_etag_and_date_is_asked_anew_each_time(
    serve: Callable[..., TlsServer], ca: trustme.CA, ca_file: Path, tmp_path: Path
) -> None:
    plain = serve(ca.issue_cert("localhost"), pages=GOOD.pages())
    for _ in range(2):
        read = ccadb.from_network(plain.url, tmp_path / "cache", ca_file)
        assert ccadb.read(read, intermediates=True).parse() == load(GOOD.bodies())
    assert not (tmp_path / "cache").exists()


def test_an_unchanged_report_is_cached(server: ReportServer, network: Callable[..., Loaded], tmp_path: Path) -> None:
    first = network()
    assert [status for _, _, status in server.asked] == [200, 200, 200]
    for name in NAMES.values():
        note = json.loads((tmp_path / "cache" / f"{name}.json").read_bytes())
        assert set(note) == {"url", "etag", "modified", "sha256"}
        assert (tmp_path / "cache" / name).stat().st_mode & 0o777 == 0o644
    assert network() == first
    assert [status for _, _, status in server.asked[3:]] == [304, 304, 304]
    changed = Reports(GOOD.roots[1:], GOOD.intermediates, GOOD.revoked)
    server.pages.update(changed.pages())
    assert network() == load(changed.bodies())
    assert [status for _, _, status in server.asked[6:]] == [200, 304, 304]
    assert network() == load(changed.bodies())
    assert [status for _, _, status in server.asked[9:]] == [304, 304, 304]


def with_other_conditions(_: Path, note: Path) -> None:
    note.write_text(json.dumps({**json.loads(note.read_bytes()), "etag": "x" * 60_000, "modified": "a\nb"}))


@cases(
    "damage",
    [
        lambda body, _: body.write_bytes(body.read_bytes()[:-1]),
        lambda body, _: body.unlink(),
        lambda _, note: note.unlink(),
        *(lambda _, note, text=text: note.write_bytes(text) for text in (b"[]", b"{", b"[" * 100_000)),
        lambda _, note: note.write_bytes(note.read_bytes().replace(b"localhost", b"elsewhere")),
        with_other_conditions,  # which nobody takes
    ],
)
def test_a_damaged_cache_is_fetched_anew(
    server: ReportServer, network: Callable[..., Loaded], tmp_path: Path, damage: Callable[[Path, Path], object]
) -> None:
    first = network()
    place = tmp_path / "cache" / NAMES[ccadb.REVOKED]
    damage(place, place.with_name(f"{place.name}.json"))
    server.asked.clear()
    assert network() == first
    assert [(name, etag) for name, etag, status in server.asked if status == 200] == [(NAMES[ccadb.REVOKED], "")]
    server.asked.clear()
    assert network() == first
    assert [status for _, _, status in server.asked] == [304, 304, 304]


def test_wrong_content_is_not_kept_and_a_cache_that_cannot_be_written_is_done_without(
    server: ReportServer, network: Callable[..., Loaded], tmp_path: Path
) -> None:
    server.pages[f"/{ccadb.ROOTS}"] = b"<html>please log in</html>"
    with pytest.raises(SourceError, match="it has no column 'Common Name"):
        network()
    assert not (tmp_path / "cache").exists()
    server.pages.update(GOOD.pages())
    server.asked.clear()
    (tmp_path / "cache").write_bytes(b"a file in the way")
    assert network() == network() == load(GOOD.bodies())
    assert [status for _, _, status in server.asked] == [200] * 6


def test_a_dead_network_is_an_error_whatever_was_kept(
    server: ReportServer, network: Callable[..., Loaded], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "_PAUSE_SECONDS", 0.0)
    network()
    before = contents(tmp_path / "cache")
    server.pages.clear()
    with pytest.raises(SourceError, match="the server answered with status 404: "):
        network()
    server.close()
    with pytest.raises(SourceError, match=rf"no connection to localhost:{server.port}, connection refused: "):
        network()
    assert contents(tmp_path / "cache") == before
