"""The chain file that a server should send, where it can be completed from what it sent and what the store has."""

from __future__ import annotations

import contextlib
import dataclasses
import typing

from certboot.errors import CertbootError, CertificateError
from certboot.pki import pem
from certboot.pki.certificate import load_certificate
from certboot.pki.subject_hash import comparable
from certboot.repair.completion import STORE, Rules, Supply, complete
from certboot.sources import ccadb
from certboot.sources.candidates import Offer
from certboot.store import manifest
from certboot.store.generations import named
from certboot.store.inputs import report_folders
from certboot.store.paths import in_force

if typing.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from certboot.doctor.finding import Finding
    from certboot.doctor.server.case import Known
    from certboot.pki.certificate import Certificate
    from certboot.store.manifest import Manifest
    from certboot.store.paths import StorePaths

# Where another chain below the same certificate of the server mends it, or at least does no harm.
_BY_CHAIN = frozenset(
    {
        "handshake-ok",
        "missing-intermediate",
        "wrong-chain",
        "untrusted-root",
        "expired-intermediate",
        "revoked-intermediate",
    }
)


@dataclasses.dataclass(frozen=True)
class Basis:
    """What the chain may be made of. Certificates are DER."""

    presented: tuple[bytes, ...]
    anchors: tuple[bytes, ...]
    """Of the active trust, as far as they are known."""
    known: Known
    now: datetime
    """Aware."""
    paths: StorePaths


def with_complete_chain(findings: list[Finding], basis: Basis) -> list[Finding]:
    """Return the findings, the first with evidence ``send`` if the server should send something else than it does.

    ``send`` has ``pem``, the certificates from the server's own up, without a root, and ``subjects``, their names.
    """
    first = findings[0]
    if first.id not in _BY_CHAIN or "path" not in first.evidence:
        return findings
    chain = _completed(basis)
    if not chain or tuple(each.der for each in chain) == basis.presented:
        return findings
    send = {"pem": "".join(pem.encode(each.der) for each in chain), "subjects": [each.subject for each in chain]}
    return [dataclasses.replace(first, evidence={**first.evidence, "send": send}), *findings[1:]]


def _completed(basis: Basis) -> tuple[Certificate, ...]:
    sent = tuple(_readable(basis.presented))
    if (
        not sent
        or sent[0].der != basis.presented[0]
        or not sent[0].validity.not_before <= basis.now <= sent[0].validity.not_after
    ):
        return ()
    generation = in_force(basis.paths)
    record: Manifest | None = None
    if generation:
        with contextlib.suppress(CertbootError):
            record = manifest.read(generation)
    store = _Store(generation, record, basis)
    rejected = {each.fingerprint for each in record.rejected if each.rule == "revoked"} if record else set()
    revoked = basis.known.revoked | rejected
    rules = Rules(basis.now, revoked, frozenset(basis.known.distrusted), basis.known.distrust_after)
    found = complete(sent, Supply(store.anchors, store.known, lambda _: ()), rules)
    if found.anchor is None:
        return ()
    below = tuple(offer.certificate for offer in found.path)
    report = ccadb.cached_report(report_folders(basis.paths, record.choices), ccadb.REVOKED) if record else b""
    return () if ccadb.listed_in(report, tuple(each.fingerprint for each in below)) else below


class _Store:
    """Anchors and intermediates by their names, compared as OpenSSL does."""

    def __init__(self, generation: Path | None, record: Manifest | None, basis: Basis) -> None:
        self._generation = generation
        self._record = record
        self._active = _by_name(_readable(basis.anchors))
        self._known = _by_name(each.certificate for each in basis.known.intermediates)

    def anchors(self, name: bytes) -> Iterator[Certificate]:
        """Yield the roots that are trusted here or in the store: clients elsewhere may trust nothing below a root."""
        yield from (each for each in self._trusted(name) if each.link.self_issued)

    def known(self, name: bytes) -> Iterator[Offer]:
        """Yield the intermediates of the store and of the CCADB's report, and those that are trusted as anchors."""
        trusted = (each for each in self._trusted(name) if not each.link.self_issued)
        for each in (*self._known.get(comparable(name), ()), *self._stored(name, "intermediate"), *trusted):
            yield Offer(each, STORE)

    def _trusted(self, name: bytes) -> Sequence[Certificate]:
        return (*self._active.get(comparable(name), ()), *self._stored(name, "anchor"))

    def _stored(self, name: bytes, role: str) -> Sequence[Certificate]:
        if self._generation is None or self._record is None:
            return ()
        with contextlib.suppress(CertbootError, OSError):
            return [each for each, entry in named(self._generation, self._record, name) if entry.role == role]
        return ()


def _by_name(certificates: Iterable[Certificate]) -> dict[bytes, list[Certificate]]:
    found: dict[bytes, list[Certificate]] = {}
    for each in certificates:
        found.setdefault(comparable(each.link.subject_name), []).append(each)
    return found


def _readable(ders: Iterable[bytes]) -> Iterator[Certificate]:
    for each in ders:
        with contextlib.suppress(CertificateError):
            yield load_certificate(each)
