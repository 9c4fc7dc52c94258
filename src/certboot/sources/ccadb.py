"""The source ``ccadb``: Mozilla's roots, its TLS intermediates and what was revoked, from the CCADB's own reports.

The data are the CCADB's, under CDLA-Permissive-2.0: https://www.ccadb.org/resources
"""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import functools
import hashlib
import io
import json
import re
import typing
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from certboot import files
from certboot.errors import CertificateError, SourceError, printable
from certboot.ownership import refuse_exposed
from certboot.pki import der, pem
from certboot.sources.candidates import Candidate, Loaded, Rejection, Role, Unparsed

if typing.TYPE_CHECKING:
    from certboot.net import http

NAME = "ccadb"
ADDRESS = "https://ccadb.my.salesforce-sites.com/"
ROOTS = "mozilla/IncludedCACertificateReportPEMCSV"
INTERMEDIATES = "mozilla/MozillaIntermediateCertsCSVReport"
REVOKED = "mozilla/PublicIntermediateCertsRevokedWithPEMCSV"

Progress = Callable[[str, int, "int | None"], None]
Read = Callable[[str], bytes]
"""Gives the bytes of a report by its path below ADDRESS; raises SourceError."""

_COLUMNS = {
    ROOTS: (
        "Common Name or Certificate Name",
        "SHA-256 Fingerprint",
        "PEM Info",
        "Trust Bits",
        "Distrust for TLS After Date",
    ),
    INTERMEDIATES: ("Subject", "SHA256", "PEM"),
    REVOKED: ("SHA-256 Fingerprint", "PEM Info"),
}
_LIMIT = 32 * 1024 * 1024
_MOST_ROWS = 20_000
_LONGEST_FIELD = 1024 * 1024
_TLS = "Websites"
_FINGERPRINT = re.compile("[0-9a-fA-F]{64}")
_DATE = re.compile(r"(\d{4})[. ](\d{2}|[A-Z][a-z]{2})[. ](\d{2})")  # 2024.11.30, 2024 Nov 30
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")  # in every locale
_HINT = (
    "nothing was changed; try again later, or save the reports listed on https://www.ccadb.org/resources to a folder"
)


def read(report: Read, *, intermediates: bool, roots: bool = True) -> Unparsed:
    """Return the reports that are needed; raises SourceError. Without ``roots`` no anchor comes from them."""
    names = (ROOTS, INTERMEDIATES, REVOKED) if intermediates else (ROOTS, REVOKED)
    pieces = tuple((name, report(name)) for name in names)
    return Unparsed(pieces, lambda: _parsed(dict(pieces), roots=roots))


def without_revoked(unparsed: Unparsed, report: bytes) -> Unparsed:
    """Return what somebody else has, with what of it the report REVOKED lists."""

    def parse() -> Loaded:
        loaded = unparsed.parse()
        listed = listed_in(report, (candidate.certificate.fingerprint for candidate in loaded.candidates))
        return dataclasses.replace(loaded, revoked=listed | revoked_serials(report))

    return Unparsed((*unparsed.pieces, (REVOKED, report)), parse)


def _parsed(reports: dict[str, bytes], *, roots: bool) -> Loaded:
    """Return what the reports say; raises SourceError where one of them is not what it should be.

    A root without Mozilla's trust for TLS is a candidate too, with ``tls_trust`` False: others may offer it, and then
    it is known what Mozilla thinks of it.
    """
    candidates: list[Candidate] = []
    rejections: list[Rejection] = []
    for report in (name for name in reports if name != REVOKED):
        before = len(candidates)
        for number, row in _rows(report, reports[report]):
            offer = _candidate(report, number, row)
            if isinstance(offer, Candidate):
                candidates.append(offer)
            else:
                rejections.append(offer)
        if len(candidates) == before:
            raise _wrong(report, "none of its certificates can be read")
    revoked, serials, unreadable = _revoked(reports[REVOKED])
    kept = tuple(candidate for candidate in candidates if roots or candidate.role == "intermediate")
    return Loaded(kept, (*rejections, *unreadable), revoked | serials)


def certificates(report: bytes) -> Iterator[bytes]:
    """Return the certificates of a report as ``pem.certificates`` does."""
    return pem.certificates(report.replace(b'"', b"").replace(b"'", b"\n"))


def revoked_serials(report: bytes) -> frozenset[bytes]:
    """Return ``issuer_and_serial`` of what the report REVOKED lists; nothing where the bytes are no such report."""
    with contextlib.suppress(SourceError):
        return _revoked(report)[1]
    return frozenset()


def from_folder(folder: Path) -> Read:
    """Return a reader of reports that were saved into a folder, each under the last part of its address.

    It raises SourceError where others could change them: the folder is remembered.
    """

    def read(report: str) -> bytes:
        path = folder / _file_name(report)
        try:
            refuse_exposed(folder)
            refuse_exposed(path)
            return files.read_regular(path, _LIMIT)
        except OSError as error:
            message = f"cannot read the report of the CCADB: {path}: {error.strerror}"
            raise SourceError(message, f"save it there from {ADDRESS}{report}") from error

    return read


def cached_report(folders: Iterable[Path], report: str) -> bytes:
    """Return a report as it lies in the first of these folders that has it, chosen or filled by a fetch; else nothing.

    An old one is no reason to believe a certificate, but what it says of a revocation stays true.
    """
    for folder in folders:
        with contextlib.suppress(SourceError):
            return from_folder(folder)(report)
    return b""


def listed_in(report: bytes, fingerprints: Iterable[str]) -> frozenset[str]:
    """Return those of the SHA-256 fingerprints that stand in a report: no other column of REVOKED has such."""
    return frozenset(fingerprint for fingerprint in fingerprints if fingerprint.upper().encode("ascii") in report)


def from_network(address: str, cache: Path, verify: Path, progress: Progress | None = None) -> Read:
    """Return a reader of the reports below ``address``, which keeps them in the folder ``cache``.

    A kept report is used only if the server says that it is still the same. Where there is no network that is an
    error: a report of unknown age would hide what has been revoked since. ``progress`` is told the report's name, the
    bytes that are there, and the bytes that there will be, where the server said so.
    """

    def read(report: str) -> bytes:
        from certboot.net import http  # it brings requests along, which only this way of reading needs

        url = f"{address.rstrip('/')}/{report}"
        name = _file_name(report)
        kept, etag, modified = _kept(cache / name, url)
        report_progress = functools.partial(progress, name) if progress else None
        answer = http.fetch(url, limit=_LIMIT, verify=verify, etag=etag, modified=modified, progress=report_progress)
        if answer.unchanged:
            return kept
        # A web page with a date of today, if it were kept, would be "not modified" until the report is.
        _header(report, csv.reader(io.StringIO(_text(report, answer.body), newline="")))
        if answer.etag or answer.modified:
            _keep(cache / name, url, answer)
        return answer.body

    return read


def _kept(place: Path, url: str) -> tuple[bytes, str, str]:
    """Return the report that an earlier run kept from this address, its ETag and date; all empty if it is not whole."""
    try:
        body = files.read_regular(place, _LIMIT)
        note = json.loads(files.read_regular(_note(place), files.SMALL))
        expected = {"url": url, "sha256": hashlib.sha256(body).hexdigest()}
        if {name: note[name] for name in expected} == expected:
            return body, str(note["etag"]), str(note["modified"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        pass  # there is none, or it is damaged: the report is fetched anew
    return b"", "", ""


def _keep(place: Path, url: str, report: http.Fetched) -> None:
    digest = hashlib.sha256(report.body).hexdigest()
    note = {"url": url, "etag": report.etag, "modified": report.modified, "sha256": digest}
    # Without the copy the next run takes a little longer; what was fetched is as good.
    with contextlib.suppress(OSError):
        files.make_folder(place.parent)
        # A run that ends between the two leaves a note that does not fit, and the report is fetched anew.
        files.replace(place, report.body)
        files.replace(_note(place), (json.dumps(note, indent=1) + "\n").encode("ascii"))


def _note(place: Path) -> Path:
    return place.with_name(f"{place.name}.json")


def _file_name(report: str) -> str:
    return report.rpartition("/")[2]


def _wrong(report: str, reason: str) -> SourceError:
    return SourceError(f"not the report {_file_name(report)} of the CCADB, {reason}", _HINT)


def _text(report: str, data: bytes) -> str:
    if len(data) > _LIMIT:
        raise _wrong(report, f"it is over {_LIMIT // 1024 // 1024} MiB")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _wrong(report, "it is not UTF-8") from error


def _header(report: str, reader: Iterator[list[str]]) -> list[str]:
    """Return the names of the columns, which hold those that are needed; raises SourceError."""
    try:
        header = next(reader, [])
    except csv.Error as error:
        raise _wrong(report, f"it is no CSV, {error}") from error
    if missing := next((column for column in _COLUMNS[report] if column not in header), None):
        raise _wrong(report, f"it has no column {missing!r}" if header else "it is empty")
    return header


def _rows(report: str, data: bytes) -> list[tuple[int, list[str]]]:
    """Return the needed columns of every row, with the row's number; raises SourceError.

    A row that is longer or shorter than the first is an error, since most likely the report was cut there: half a
    list of what is revoked must not pass for the whole.
    """
    rows: list[tuple[int, list[str]]] = []
    reader = csv.reader(io.StringIO(_text(report, data), newline=""), strict=True)
    with contextlib.ExitStack() as limit:
        limit.callback(csv.field_size_limit, csv.field_size_limit(_LONGEST_FIELD))  # it is the whole process's
        header = _header(report, reader)
        wanted = [header.index(column) for column in _COLUMNS[report]]
        try:
            for number, row in enumerate(reader, start=1):
                if row and len(row) != len(header):
                    raise _wrong(report, f"row {number} has {len(row)} fields in the place of {len(header)}")
                if row:
                    rows.append((number, [row[index] for index in wanted]))
                if len(rows) > _MOST_ROWS:
                    raise _wrong(report, f"it has over {_MOST_ROWS:,} rows")
        except csv.Error as error:
            raise _wrong(report, f"it is no CSV from row {len(rows) + 1} on, {error}") from error
    if not rows:
        raise _wrong(report, "it has no rows")
    return rows


def _candidate(report: str, number: int, row: list[str]) -> Candidate | Rejection:
    """Return the candidate in a row of ROOTS or INTERMEDIATES, or why there is none."""
    name, fingerprint, text, *trust = row
    rule, reason = "unreadable", ""
    try:
        data = _der(text)
        if hashlib.sha256(data).hexdigest() != fingerprint.lower():
            rule, reason = "fingerprint-mismatch", "the certificate is not the one that the fingerprint names"
        else:
            from certboot.pki.certificate import load_certificate

            certificate = load_certificate(data)
            after = _iso_date(trust[1]) if trust else ""
            tls_trust = not trust or _TLS in (bit.strip() for bit in trust[0].split(";"))
            role: Role = "anchor" if report == ROOTS else "intermediate"
            return Candidate(certificate, NAME, _file_name(report), role, tls_trust, after)
    except CertificateError as error:
        reason = error.message
    printed = fingerprint.lower() if _FINGERPRINT.fullmatch(fingerprint) else ""
    return Rejection(rule, NAME, _file_name(report), f"row {number}: {reason}", printed, printable(name))


def _der(text: str) -> bytes:
    """Return the certificate in a field of PEM, which the CCADB puts into single quotes; raises CertificateError."""
    blocks = [block for block in pem.blocks(text.strip().strip("'").encode()) if block.label in pem.CERTIFICATE_LABELS]
    if len(blocks) != 1:
        raise CertificateError("several certificates in one field" if blocks else "no certificate in PEM")
    if blocks[0].data is None:
        raise CertificateError(blocks[0].defect)
    return blocks[0].data


def _iso_date(text: str) -> str:
    """Return a date of the CCADB as ISO 8601 has it, empty for none; raises CertificateError.

    Whoever cannot read up to when a root is trusted cannot trust it.
    """
    if not text.strip():
        return ""
    date = _DATE.fullmatch(text.strip())
    month = date[2] if date else ""
    if month in _MONTHS:
        month = f"{_MONTHS.index(month) + 1:02}"
    if not date or not month.isdecimal():
        raise CertificateError(f"a date that cannot be read: {printable(text)!r}")
    return f"{date[1]}-{month}-{date[3]}"


def _revoked(data: bytes) -> tuple[frozenset[str], frozenset[bytes], list[Rejection]]:
    """Return what the report REVOKED lists, by fingerprint and by issuer and serial, and the rows without the first.

    The certificates are not parsed: some are malformed, others "too large" for the report.
    """
    fingerprints: set[str] = set()
    serials: set[bytes] = set()
    rejections: list[Rejection] = []
    for number, (fingerprint, text) in _rows(REVOKED, data):
        if _FINGERPRINT.fullmatch(fingerprint):
            fingerprints.add(fingerprint.lower())
            serials.update(_issuer_and_serial(text, fingerprint.lower()))
        else:
            reason = f"row {number}: not a SHA-256 fingerprint: {printable(fingerprint[:80])!r}"
            rejections.append(Rejection("unreadable", NAME, _file_name(REVOKED), reason))
    if not fingerprints:
        raise _wrong(REVOKED, "none of its fingerprints can be read")
    return frozenset(fingerprints), frozenset(serials), rejections


def _issuer_and_serial(text: str, fingerprint: str) -> Iterator[bytes]:
    """Yield what names the certificate in ``text``, if that is the one of this fingerprint."""
    with contextlib.suppress(CertificateError, der.DerError):
        data = _der(text)
        if hashlib.sha256(data).hexdigest() == fingerprint:
            yield der.issuer_and_serial(data)
