"""What a server does not send: found, checked up to an anchor of the store, and ready to be stored."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from certboot import files, moment, ownership
from certboot.net.address_policy import policy_from
from certboot.net.handshake import Handshake, handshake
from certboot.net.target import Target
from certboot.pki import pem, verify
from certboot.pki.by_subject import readable
from certboot.pki.certificate import Certificate, file_name
from certboot.pki.fingerprint import short
from certboot.pki.parsed import parsed_certificate
from certboot.pki.verify import End, overshadowing, strict_end
from certboot.repair.completion import SERVER, STORE, Completion, Rules, Supply, complete
from certboot.sources import aia, repaired
from certboot.sources.candidates import Offer
from certboot.sources.repaired import Need, Repair
from certboot.store import generations
from certboot.store.authorities import Authorities
from certboot.store.inputs import trusted_bundle
from certboot.store.lock import locked
from certboot.store.paths import CRTS, StorePaths, in_force

REPORT = "the CCADB's report"


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
    """What is to be stored, in the order of the chain; empty if the chain is whole, or cannot be made so.

    Of what the server sends too, what an intermediate of the store stands in the way of.
    """
    refused: Certificate | None = None
    """What Python 3.13 and newer refuse in the chain, and do not look at once what is below it is in the store."""
    in_store: tuple[Offer, ...] = ()
    """What the server does not send either, and every client has from the store already."""
    expired: tuple[Certificate, ...] = ()
    """Intermediates of the store that clients prefer to those in the chain, of the same name and key, and refuse."""
    distrusted: tuple[str, ...] = ()
    """Subjects of CAs that issued what the server sends, and that the store leaves out as distrusted."""
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
        return below if anchor.link.self_issued or anchor in below else (*below, anchor)

    @property
    def unsent(self) -> tuple[Offer, ...]:
        """What is to be stored and is not sent; for the rest it is the server that has it."""
        return tuple(offer for offer in self.missing if offer.origin != SERVER)

    @property
    def alone(self) -> Certificate | None:
        """The server's certificate where it signs itself, and the store does not have it."""
        if self.completion is None or self.completion.anchor:
            return None
        leaf = self.completion.path[0].certificate
        refused = ((refusal.rule, refusal.certificate) for refusal in self.completion.refusals)
        return leaf if ("self-signed", leaf) in refused else None


def handshake_with_store(paths: StorePaths, target: Target) -> Handshake:
    """Return a handshake with the trust of the store, and no other; raises StoreError where there is no store."""
    return handshake(target, ssl.create_default_context(capath=generations.needed(paths).folder / CRTS))


class Repairer:
    """Examines servers, one after the other, by the store as it then is; raises StoreError where there is none."""

    def __init__(self, paths: StorePaths, limits: Limits, *, to_store: bool) -> None:
        self._paths = paths
        self._limits = limits
        self._to_store = to_store
        self._cache: aia.Cache = {}
        self._look()

    def _look(self) -> None:
        """Read the generation in force, and what else decides."""
        generation = generations.needed(self._paths)
        self._folder = generation.folder
        self._bundled = {entry.sha256 for entry in generation.record.certificates if entry.bundled}
        known = self._authorities = Authorities(self._paths, generation)
        self._rules = Rules(
            moment.now(), known.revoked, known.distrusted, known.distrust_after, to_store=self._to_store
        )

    def _changed(self) -> bool:
        """Return whether another generation has come into force; if so, it is the one to go by from now on.

        One that is in force no longer is removed after a while, and would then seem to hold no certificates.
        """
        generation = in_force(self._paths)
        if generation and generation.name == self._folder.name:
            return False
        self._look()
        return True

    def examine(self, target: Target) -> Examined:
        """Return the server's chain as it could be."""
        shaken = handshake_with_store(self._paths, target)
        self._changed()
        examined = self._examined(target, shaken)
        return self._examined(target, shaken) if not examined.chain and self._changed() else examined

    def _examined(self, target: Target, shaken: Handshake) -> Examined:
        sent = tuple(readable(shaken.chain.presented))
        if not sent or sent[0].der != shaken.chain.presented[0]:
            known = "its certificate cannot be read" if shaken.chain.presented else "there is no TLS handshake with it"
            return Examined(target, shaken.error or known)
        https = trusted_bundle(self._paths) if self._limits.https else None
        issuers = aia.Issuers(policy_from(shaken.peer.address, private=self._limits.private, https=https), self._cache)
        anchors = self._authorities.anchors
        supply = Supply(anchors, lambda name: (*self._at_hand(name), *issuers.at_hand(name)), issuers.fetched)
        completion = complete(sent, supply, self._rules)
        unsent = [offer for offer in completion.path if offer.certificate not in sent]
        missing, refused = self._missing(sent, completion)
        missing = missing or tuple(self._overshadowed(sent, completion))
        return Examined(
            target,
            completion=completion,
            missing=missing,
            refused=refused,
            in_store=tuple(offer for offer in unsent if offer.certificate.fingerprint in self._bundled),
            expired=tuple(self._expired(completion)),
            distrusted=() if completion.anchor else tuple(self._distrusted(sent)),
            failures=tuple(_wanted(issuers.failures, sent)),
            through_proxy=issuers.through_proxy,
        )

    def _missing(
        self, sent: Sequence[Certificate], completion: Completion
    ) -> tuple[tuple[Offer, ...], Certificate | None]:
        """Return the part of the chain that the server does not send, with all above it, and Examined.refused.

        What the server does send there has to be in the store too: without it nothing below would hang from an anchor.
        """
        at_hand = {certificate.fingerprint for certificate in sent} | self._bundled
        issuers = completion.path[1:]
        lacking = (n for n, offer in enumerate(issuers) if offer.certificate.fingerprint not in at_hand)
        first = next(lacking, len(issuers))
        end = self._strict_end(completion, issuers[first:])
        if end:
            first = min(first, [offer.certificate for offer in issuers].index(end.last.certificate))
        missing = tuple(offer for offer in issuers[first:] if offer.certificate.fingerprint not in self._bundled)
        return missing, end.refused.certificate if end else None

    def _overshadowed(self, sent: Sequence[Certificate], completion: Completion) -> Iterator[Offer]:
        """Yield what the server sends, and clients pass over for a twin in the store which they refuse.

        What has expired there the next update takes out.
        """
        if completion.anchor is None:
            return
        chain = [parsed_certificate(certificate.der) for certificate in sent]
        names = {offer.certificate.link.issuer_name for offer in completion.path}
        held = [parsed_certificate(twin.der) for name in names for twin, _ in self._authorities.stored(name)]
        rules = (verify.Rules(self._rules.now, strict=strict) for strict in (False, True))
        twins = [twin.certificate for rule in rules if (twin := overshadowing(chain, held, rule))]
        for offer in completion.path[1:]:
            certificate = offer.certificate
            if certificate in sent and any(
                twin.identity == certificate.identity and twin.validity.covers(self._rules.now) for twin in twins
            ):
                yield offer

    def _distrusted(self, sent: Iterable[Certificate]) -> Iterator[str]:
        """Yield Examined.distrusted."""
        out = {rejection.subject for rejection in self._authorities.rejected("distrusted")}
        issuers = dict.fromkeys(certificate.issuer for certificate in sent)
        yield from (issuer for issuer in issuers if issuer in out)

    def _expired(self, completion: Completion) -> Iterator[Certificate]:
        """Yield Examined.expired.

        OpenSSL looks for an issuer in the trust first, and of several there takes a valid one
        (ossl_x509_store_ctx_get1_issuer in crypto/x509/x509_lu.c).
        """
        for issuer in (offer.certificate for offer in completion.path[1:]):
            there = [twin for twin, _ in self._authorities.stored(issuer.link.subject_name)]
            twins = [twin for twin in there if twin.identity == issuer.identity]
            if all(twin.validity.not_after < self._rules.now for twin in twins):
                yield from twins

    def _strict_end(self, completion: Completion, missing: Iterable[Offer]) -> End | None:
        """Return where Python 3.13 and newer could end the chain, if with what is missing they refuse it still."""
        if completion.anchor is None:
            return None
        chain = [parsed_certificate(offer.certificate.der) for offer in completion.path]
        stored = {offer.certificate.fingerprint for offer in missing} | self._bundled
        trusted = [member for member in chain if member.certificate.fingerprint in stored]
        end = strict_end(chain, (*trusted, parsed_certificate(completion.anchor.der)), self._rules.now)
        return end if end and end.last in chain else None

    def _at_hand(self, name: bytes) -> Iterator[Offer]:
        for certificate in self._authorities.intermediates(name):
            yield Offer(certificate, STORE)
        for certificate in self._authorities.reported(name):
            yield Offer(certificate, REPORT)


def _wanted(failures: Iterable[aia.Failure], sent: Sequence[Certificate]) -> Iterator[aia.Failure]:
    """Yield the failures without those of certificates that need name no address, because their issuer is sent."""
    names = {
        below.name
        for below in sent
        if any(above.link.subject_name == below.link.issuer_name for above in sent if above is not below)
    }
    yield from (failure for failure in failures if failure.rule != "no-addresses" or failure.of not in names)


def to_store(examined: Iterable[Examined]) -> tuple[Repair, ...]:
    """Return what these servers need, each certificate once with all that need it."""
    return _needed((server, server.missing) for server in examined)


def note(paths: StorePaths, examined: Iterable[Examined]) -> tuple[tuple[str, Certificate], ...]:
    """Write down who else needs what repair has stored before, and return that as pairs of host and certificate.

    By this nothing is trusted that was not, so there is nothing to ask and no new generation: the manifest tells it
    from the next update on. Raises StoreError.
    """
    repairs = _needed((server, server.in_store) for server in examined)
    if not any(_new(paths, repair) for repair in repairs):
        return ()
    noted: list[tuple[str, Certificate]] = []
    with contextlib.suppress(OSError), locked(paths.lock):  # a store that may only be read serves as it is
        for repair in repairs:
            if new := _new(paths, repair):
                needs = repaired.joined(repaired.kept(paths.repaired, repair.certificate), new)
                content = repaired.render_repair(Repair(repair.certificate, needs))
                files.replace(paths.repaired / file_name(repair.certificate), content)
                noted += [(need.host, repair.certificate) for need in new]
    return tuple(noted)


def _needed(wanted: Iterable[tuple[Examined, tuple[Offer, ...]]]) -> tuple[Repair, ...]:
    day = f"{moment.now():%Y-%m-%d}"
    needs: dict[Certificate, list[Need]] = {}
    for server, offers in wanted:
        anchor = server.completion.anchor if server.completion else None
        for offer in offers if anchor else ():
            under = f"{anchor.name} ({short(anchor.fingerprint)})" if anchor else ""
            needs.setdefault(offer.certificate, []).append(Need(server.target.shown, day, offer.origin, under))
    return tuple(Repair(certificate, repaired.joined((), of_one)) for certificate, of_one in needs.items())


def _new(paths: StorePaths, repair: Repair) -> tuple[Need, ...]:
    """Return those needs that the certificate's file does not tell of; none where there is no such file."""
    path = paths.repaired / file_name(repair.certificate)
    try:
        data = files.read_regular(path, files.SMALL)
    except OSError:
        return ()
    if ownership.exposed(path) or [block.data for block in pem.blocks(data)] != [repair.certificate.der]:
        return ()
    before = {need.host: need for need in repaired.needs(data)}
    # Where it came from, when it came, the store no longer knows.
    now = (need._replace(address=before.get(need.host, need).address) for need in repair.needs)
    return tuple(need for need in now if need.host not in before or need.anchor != before[need.host].anchor)
