"""What is known of the CAs in a chain beyond the active trust: from the store, certifi, the system and the CCADB."""

from __future__ import annotations

import base64
import binascii
import contextlib
import re
import typing
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from certboot import files, moment
from certboot.doctor.environment.trust_files import overrides
from certboot.doctor.server.case import Known
from certboot.doctor.server.diagnosis import read
from certboot.doctor.server.issuer import STORE
from certboot.errors import CertbootError, CertificateError
from certboot.pki import der, pem
from certboot.pki import verify_codes as code
from certboot.pki.parsed import parsed_certificate
from certboot.pki.subject_hash import subject_hash
from certboot.sources import ccadb, certifi, system
from certboot.store import distrust, manifest
from certboot.store.inputs import report_folders
from certboot.store.paths import CRTS, in_force

if typing.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from certboot.pki.parsed import ParsedCertificate
    from certboot.sources.candidates import Rejection
    from certboot.store.manifest import Manifest
    from certboot.store.paths import StorePaths

_ORGANISATION = re.compile(r"(?:^|,|\+)O=((?:\\.|[^,+\\])*)")
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----")
_VERSION = re.compile(r"(\d{4})\.(\d{1,2})\.(\d{1,2})")
_WITHOUT_END = code.NO_ISSUER | {code.DEPTH_ZERO_SELF_SIGNED_CERT, code.SELF_SIGNED_CERT_IN_CHAIN}
_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


@dataclass(frozen=True)
class Search:
    """What is looked for."""

    paths: StorePaths
    environ: Mapping[str, str]
    presented: tuple[bytes, ...]
    anchors: tuple[bytes, ...]
    """Those of the active trust that OpenSSL had at hand."""
    codes: frozenset[int]
    """What OpenSSL says; for what it does not ask, nothing is read."""


def known(search: Search) -> Known:
    """Return what is known; what cannot be read is not known. Nothing is fetched."""
    sent = read(search.presented)
    generation = in_force(search.paths)
    record: Manifest | None = None
    if generation:
        with contextlib.suppress(CertbootError):
            record = manifest.read(generation)
    with_end = not search.codes & _WITHOUT_END
    elsewhere: tuple[tuple[ParsedCertificate, str], ...] = ()
    intermediates: tuple[ParsedCertificate, ...] = ()
    stored: tuple[tuple[ParsedCertificate, str], ...] = ()
    if not with_end and sent:
        wanted = _Wanted(sent, frozenset(search.anchors))
        stored = tuple(_stored(generation / CRTS, record, wanted)) if generation and record else ()
        elsewhere = tuple(
            (each, place)
            for place, ders in (("certifi", _certifi()), ("the system's store", _system()))
            for each in wanted.among(ders)
        ) + tuple((each, STORE) for each, role in stored if role == "anchor")
        intermediates = (
            *(each for each, role in stored if role != "anchor"),
            *wanted.among(_from_csv(_report(search.paths, record, ccadb.INTERMEDIATES))),
        )
    return Known(
        elsewhere=elsewhere,
        intermediates=intermediates,
        stored=frozenset(each.certificate.fingerprint for each, _ in stored),
        overrides=() if with_end else overrides(search.paths, search.environ),
        revoked=_revoked(search, record, sent),
        distrusted=_distrusted(search.paths, record),
        distrusted_names={each.subject: each.fingerprint for each in _rejected(record, distrust.RULE)},
        distrust_after=_distrust_after(_entries(record)),
        organisations=frozenset() if with_end else _organisations(search, record),
        earliest=_earliest(record),
        anchors_expired=code.CERT_HAS_EXPIRED in search.codes and _most_expired(),
    )


class _Wanted:
    """The names of the issuers in a chain."""

    def __init__(self, sent: Iterable[ParsedCertificate], active: frozenset[bytes]) -> None:
        self._hashes = {subject_hash(each.certificate.link.issuer_name) for each in sent}
        self._active = active
        self.subjects = {each.certificate.issuer for each in sent}

    def among(self, ders: Iterable[bytes]) -> Iterator[ParsedCertificate]:
        """Yield those that have one of these names and are not in the active trust."""
        for each in ders:
            if each in self._active:
                continue
            with contextlib.suppress(der.DerError, CertificateError):
                if subject_hash(der.certificate_names(each)[1]) in self._hashes:
                    yield parsed_certificate(each)


def _stored(crts: Path, record: Manifest, wanted: _Wanted) -> Iterator[tuple[ParsedCertificate, str]]:
    for entry in record.certificates:
        if entry.subject in wanted.subjects:
            with contextlib.suppress(OSError):
                for each in wanted.among(_from_pem(files.read_regular(crts / entry.file, files.SMALL))):
                    yield each, entry.role


def _certifi() -> Iterator[bytes]:
    with contextlib.suppress(CertbootError, OSError):
        yield from _from_pem(files.read_regular(certifi.path(), files.LARGE))


def _system() -> Iterator[bytes]:
    with contextlib.suppress(CertbootError):
        seen: set[bytes] = set()
        for _, data in system.read().pieces:
            for each in (data,) if data[:1] == b"\x30" else _from_pem(data):
                if each not in seen:
                    seen.add(each)
                    yield each


def _from_pem(text: bytes) -> Iterator[bytes]:
    for block in pem.blocks(text):
        if block.data and block.label in pem.CERTIFICATE_LABELS:
            yield block.data


def _from_csv(text: bytes) -> Iterator[bytes]:
    for found in _PEM.finditer(text):
        with contextlib.suppress(binascii.Error):
            yield base64.b64decode(b"".join(found[1].split()), validate=True)


def _report(paths: StorePaths, record: Manifest | None, name: str) -> bytes:
    folders = report_folders(paths, record.choices) if record else (paths.cache,)
    return ccadb.cached_report(folders, name)


def _revoked(search: Search, record: Manifest | None, sent: Iterable[ParsedCertificate]) -> frozenset[str]:
    rejected = {each.fingerprint for each in _rejected(record, "revoked")}
    own = frozenset(each.certificate.fingerprint for each in sent)
    return (own & rejected) | ccadb.listed_in(_report(search.paths, record, ccadb.REVOKED), own)


def _distrusted(paths: StorePaths, record: Manifest | None) -> dict[str, str]:
    user: dict[str, str] = {}
    with contextlib.suppress(OSError, CertbootError):
        user = distrust.by_user(paths)
    return {**distrust.by_record(record, user), **user}


def _distrust_after(entries: Iterable[manifest.Entry]) -> dict[str, str]:
    """Return the dates of anchors also for the intermediates below, where Python 3.13 and newer end a chain."""
    dates = {entry.sha256: entry.distrust_after for entry in entries if entry.distrust_after}
    return dates | {entry.sha256: dates[entry.anchor] for entry in entries if entry.anchor in dates}


def _rejected(record: Manifest | None, rule: str) -> list[Rejection]:
    return [each for each in record.rejected if each.rule == rule and each.fingerprint] if record else []


def _entries(record: Manifest | None) -> tuple[manifest.Entry, ...]:
    return record.certificates if record else ()


def _organisations(search: Search, record: Manifest | None) -> frozenset[str]:
    found = {each.organisation for each in read(search.anchors)}
    if any(search.paths.holds(search.environ.get(name, "")) for name in _VARIABLES):
        # Of a directory OpenSSL has read only what it looked up.
        for entry in _entries(record):
            match = _ORGANISATION.search(entry.subject) if entry.role == "anchor" else None
            if match:
                found.add(re.sub(r"\\(.)", r"\1", match[1]).strip())
    return frozenset(found - {""})


def _earliest(record: Manifest | None) -> datetime | None:
    """Return a moment that has passed: when the store was written, and when certifi was put together."""
    found = []
    with contextlib.suppress(CertbootError, ValueError):
        version = _VERSION.match(certifi.read().pieces[0][0])
        if version:
            year, month, day = (int(part) for part in version.groups())
            found.append(datetime(year, month, day, tzinfo=timezone.utc))
    if record:
        with contextlib.suppress(ValueError):
            created = datetime.fromisoformat(record.created.replace("Z", "+00:00"))
            found.append(created if created.tzinfo else created.replace(tzinfo=timezone.utc))
    return max(found, default=None)


def _most_expired() -> bool:
    now = moment.now()
    ends = [each.certificate.validity.not_after for each in read(_certifi())]
    return sum(end < now for end in ends) * 2 > len(ends) > 0
