"""What a server does not send: found, checked up to an anchor of the store, and ready to be stored."""

from __future__ import annotations

import contextlib
import ssl
import typing
from dataclasses import dataclass
from datetime import datetime, timezone

from certboot import aia, der, history
from certboot.certs import file_name, load_certificate
from certboot.completion import STORE, Completion, Offer, Rules, Supply, complete
from certboot.config import load_config
from certboot.details import details
from certboot.diagnosis.partial_chain import strict_end
from certboot.errors import CertificateError
from certboot.net_addresses import reach_from
from certboot.sources import ccadb, repaired
from certboot.sources.gather import cached_report, listed_in, trusted_bundle
from certboot.store import distrusted, repairs
from certboot.store.held import named
from certboot.store.layout import CRTS
from certboot.store.repairs import Need, Repair
from certboot.tls import handshake

if typing.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from certboot.diagnosis.partial_chain import End
    from certboot.model import Certificate, Handshake, Target
    from certboot.paths import StorePaths
    from certboot.store.manifest import Manifest

REPORT = "the CCADB's report"
_DIGITS = 16  # of a fingerprint


@dataclass(frozen=True)
class Limits:
    """Where certificates may be fetched from, beyond http at public addresses."""

    private: bool = False
    https: bool = False


@dataclass(frozen=True)
class Examined:
    """One server: its chain, and what of it has to be stored."""

    target: Target
    error: str = ""
    """Why the server has shown no chain."""
    completion: Completion | None = None
    missing: tuple[Offer, ...] = ()
    """What is to be stored, in the order of the chain; empty if the chain is whole, or cannot be made so."""
    refused: Certificate | None = None
    """What Python 3.13 and newer refuse in the chain, and do not look at once what is below it is in the store."""
    in_store: tuple[Offer, ...] = ()
    """What the server does not send either, and every client has from the store already."""
    failures: tuple[aia.Failure, ...] = ()
    through_proxy: bool = False

    @property
    def chain(self) -> tuple[Certificate, ...]:
        """The chain as the server should send it: leaf first, without a root; empty where there is no whole one."""
        anchor = self.completion.anchor if self.completion else None
        if not self.completion or not anchor:
            return ()
        below = tuple(offer.certificate for offer in self.completion.path)
        # Who trusts an intermediate needs nothing above it; others do.
        return below if anchor.self_issued or anchor in below else (*below, anchor)


def shaken(paths: StorePaths, target: Target) -> Handshake:
    """Return a handshake with the trust of the store, and no other; raises StoreError where there is no store."""
    generation = paths.generations / str(history.current(paths).generation)
    return handshake(target, ssl.create_default_context(capath=generation / CRTS))


class Repairer:
    """Examines servers, one after the other, by one state of the store; raises StoreError where there is none."""

    def __init__(self, paths: StorePaths, limits: Limits, *, to_store: bool) -> None:
        self._paths = paths
        self._limits = limits
        self._record = history.current(paths)
        self._generation = paths.generations / str(self._record.generation)
        self._bundled = {entry.sha256 for entry in self._record.certificates if entry.bundled}
        self._cache: aia.Cache = {}
        self._reported: dict[bytes, list[bytes]] | None = None
        revoked = cached_report(paths, self._record.choices, ccadb.REVOKED)
        self._rules = Rules(
            datetime.now(timezone.utc),
            _Revoked(self._record, revoked),
            _distrusted(paths, self._record),
            {entry.sha256: entry.distrust_after for entry in self._record.certificates if entry.distrust_after},
            ccadb.revoked_serials(revoked) if revoked else frozenset(),
            to_store=to_store,
        )

    def examine(self, target: Target) -> Examined:
        """Return the server's chain as it could be."""
        found = shaken(self._paths, target)
        sent = (*_readable(found.presented[:1]), *_readable(found.presented[1:]))
        if not sent or sent[0].der != found.presented[0]:
            known = "its certificate cannot be read" if found.presented else "it does not shake hands"
            return Examined(target, found.error or known)
        https = trusted_bundle(self._paths) if self._limits.https else None
        issuers = aia.Issuers(reach_from(found.peer, private=self._limits.private, https=https), self._cache)
        supply = Supply(
            self._anchors, lambda name: (*self._intermediates(name), *issuers.at_hand(name)), issuers.fetched
        )
        completion = complete(sent, supply, self._rules)
        unsent = [each for each in completion.path if each.certificate not in sent]
        missing, refused = self._missing(sent, completion)
        return Examined(
            target,
            completion=completion,
            missing=missing,
            refused=refused,
            in_store=tuple(each for each in unsent if each.certificate.fingerprint in self._bundled),
            failures=tuple(issuers.failures),
            through_proxy=issuers.through_proxy,
        )

    def _missing(self, sent: Sequence[Certificate], found: Completion) -> tuple[tuple[Offer, ...], Certificate | None]:
        """Return the part of the chain that the server does not send, with all above it, and Examined.refused.

        What the server does send there has to be in the store too: without it nothing below would hang from an anchor.
        """
        at_hand = {each.fingerprint for each in sent} | self._bundled
        issuers = found.path[1:]
        first = next((n for n, each in enumerate(issuers) if each.certificate.fingerprint not in at_hand), len(issuers))
        end = self._strict_end(found, issuers[first:])
        if end:
            first = min(first, [each.certificate for each in issuers].index(end.last.certificate))
        missing = tuple(each for each in issuers[first:] if each.certificate.fingerprint not in self._bundled)
        return missing, end.refused.certificate if end else None

    def _strict_end(self, found: Completion, missing: Iterable[Offer]) -> End | None:
        """Return where Python 3.13 and newer could end the chain, if with what is missing they refuse it still."""
        if found.anchor is None:
            return None
        chain = [details(each.certificate.der) for each in found.path]
        stored = {each.certificate.fingerprint for each in missing} | self._bundled
        trusted = [each for each in chain if each.certificate.fingerprint in stored]
        end = strict_end(chain, (*trusted, details(found.anchor.der)), self._rules.now)
        return end if end and end.last in chain else None

    def _anchors(self, name: bytes) -> Iterator[Certificate]:
        for certificate, entry in named(self._generation, self._record, name):
            if entry.role == "anchor":
                yield certificate

    def _intermediates(self, name: bytes) -> Iterator[Offer]:
        for certificate, entry in named(self._generation, self._record, name):
            if entry.role == "intermediate":
                yield Offer(certificate, STORE)
        if self._reported is None:
            self._reported = {}
            for each in ccadb.certificates(cached_report(self._paths, self._record.choices, ccadb.INTERMEDIATES)):
                with contextlib.suppress(der.DerError):
                    self._reported.setdefault(der.certificate_names(each)[1], []).append(each)
        for certificate in _readable(self._reported.get(name, ())):
            yield Offer(certificate, REPORT)


class _Revoked:
    """The fingerprints that the CCADB lists as revoked, as far as that is known here."""

    def __init__(self, record: Manifest, report: bytes) -> None:
        self._rejected = {each.fingerprint for each in record.rejected if each.rule == "revoked"}
        self._report = report

    def __contains__(self, fingerprint: object) -> bool:
        return fingerprint in self._rejected or bool(listed_in(self._report, (str(fingerprint),)))


def _distrusted(paths: StorePaths, record: Manifest) -> frozenset[str]:
    """Return fingerprints, and where the certificate is at hand its identity: a copy of it is kept out as well."""
    rejected = (each.fingerprint for each in record.rejected if each.rule == "distrusted")
    found = {*rejected, *distrusted.read(paths.distrusted), *load_config(paths.config).distrust}
    stored = (candidate.certificate for candidate in repaired.read(paths.repaired).parse().candidates)
    return frozenset(found.union(each.identity for each in stored if each.fingerprint in found))


def _readable(ders: Iterable[bytes]) -> Iterator[Certificate]:
    for each in ders:
        with contextlib.suppress(CertificateError):
            yield load_certificate(each)


def to_store(paths: StorePaths, examined: Iterable[Examined]) -> tuple[Repair, ...]:
    """Return what these servers need, each certificate once with all that need it, now or from before."""
    day = f"{datetime.now(timezone.utc):%Y-%m-%d}"
    found: dict[str, Repair] = {}
    for one in examined:
        anchor = one.completion.anchor if one.completion else None
        for offer in one.missing if anchor else ():
            certificate = offer.certificate
            under = f"{anchor.name} ({anchor.fingerprint[:_DIGITS]})" if anchor else ""
            need = Need(one.target.shown, day, offer.origin, under)
            before = found.get(certificate.fingerprint) or Repair(certificate, _needs_before(paths, certificate))
            found[certificate.fingerprint] = Repair(certificate, repairs.joined(before.needs, (need,)))
    return tuple(found.values())


def _needs_before(paths: StorePaths, certificate: Certificate) -> tuple[Need, ...]:
    with contextlib.suppress(OSError):
        return repairs.needs((paths.repaired / file_name(certificate)).read_bytes())
    return ()
