"""Small CCADB reports with certificates of our own, in the form in which the CCADB serves them."""

from __future__ import annotations

import csv
import hashlib
import io
import typing
from dataclasses import dataclass

from support.server import Pages, TlsServer

from certboot.sources import ccadb

if typing.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    import trustme
    from support.pki import Issued

ROOTS = (
    "Owner",
    "Common Name or Certificate Name",
    "SHA-256 Fingerprint",
    "Trust Bits",
    "Distrust for TLS After Date",
    "PEM Info",
)
INTERMEDIATES = ("Subject", "Issuer", "SHA256", "PEM")
REVOKED = ("CA Owner", "SHA-256 Fingerprint", "PEM Info")


def fingerprint(issued: Issued) -> str:
    return hashlib.sha256(issued.der).hexdigest()


def quoted(pem: bytes) -> str:
    """PEM as the CCADB has it: in single quotes, with Windows line ends."""
    return f"'{pem.decode().strip()}'".replace("\n", "\r\n")


def root(
    issued: Issued, *, bits: str = "Email;Websites", after: str = "", printed: str = "", pem: str = ""
) -> tuple[str, ...]:
    shown = issued.certificate.subject.rfc4514_string().removeprefix("CN=")
    return ("Corp", shown, printed or fingerprint(issued).upper(), bits, after, pem or quoted(issued.pem))


def intermediate(issued: Issued, *, printed: str = "", pem: str = "") -> tuple[str, ...]:
    names = (issued.certificate.subject.rfc4514_string(), issued.certificate.issuer.rfc4514_string())
    return (*names, printed or fingerprint(issued).upper(), pem or quoted(issued.pem))


def revoked(issued: Issued, *, printed: str | None = None, pem: str = "") -> tuple[str, ...]:
    return ("Corp", fingerprint(issued).upper() if printed is None else printed, pem or quoted(issued.pem))


def table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue().encode()


@dataclass(frozen=True)
class Reports:
    """The three reports, as rows."""

    roots: tuple[tuple[str, ...], ...]
    intermediates: tuple[tuple[str, ...], ...]
    revoked: tuple[tuple[str, ...], ...]

    def bodies(self) -> dict[str, bytes]:
        """Report -> bytes, by the names of ``ccadb``."""
        return {
            ccadb.ROOTS: table(ROOTS, self.roots),
            ccadb.INTERMEDIATES: table(INTERMEDIATES, self.intermediates),
            ccadb.REVOKED: table(REVOKED, self.revoked),
        }

    def pages(self) -> dict[str, bytes]:
        """Path -> bytes, as a server has them."""
        return {f"/{report}": body for report, body in self.bodies().items()}


def save(bodies: Mapping[str, bytes], folder: Path) -> Path:
    """The folder with the reports in it, as ``--from`` takes it."""
    folder.mkdir(exist_ok=True)
    for report, body in bodies.items():
        (folder / report.rpartition("/")[2]).write_bytes(body)
    return folder


class ReportServer(TlsServer):
    """Serves the pages as the CCADB does: with an ETag, by which whoever has a page does not get it again."""

    def __init__(self, leaf: trustme.LeafCert, pages: Mapping[str, bytes]) -> None:
        super().__init__(leaf, pages)
        self.asked: list[tuple[str, str, int]] = []
        """Name of the report, the ETag that was sent, and the status of the answer."""
        self.handler = _Conditional


class _Conditional(Pages):
    server: ReportServer

    def do_GET(self) -> None:  # noqa: N802 - so http.server calls it
        body = self.server.pages.get(self.path)
        etag = f'"{hashlib.sha256(body or b"").hexdigest()}"'
        sent = self.headers.get("If-None-Match", "")
        status = 404 if body is None else 304 if sent == etag else 200
        self.server.asked.append((self.path.rpartition("/")[2], sent, status))
        self.say(status, (body or b"") if status == 200 else b"", ETag=etag)
