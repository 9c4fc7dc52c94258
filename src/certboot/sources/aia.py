"""What lies at the addresses that a certificate names for its issuer (caIssuers, RFC 5280, 4.2.2.1), within limits.

The limits are those of Chromium, and tighter. Nothing is verified here but that a certificate has the issuer's name:
``completion`` judges. Whoever runs these addresses learns which CA this computer asks for.
"""

from __future__ import annotations

import itertools
import typing
from collections.abc import Iterator

from certboot.errors import CertificateError
from certboot.net.address_policy import AddressPolicy, FetchError, parsed_url
from certboot.net.connection import Deadline
from certboot.pki import containers, der, pem
from certboot.pki.certificate import Certificate, load_certificate
from certboot.pki.parsed import parsed_certificate
from certboot.pki.subject_hash import comparable
from certboot.sources.candidates import Offer
from certboot.sources.extract import PKCS7_LABELS, is_one_element

if typing.TYPE_CHECKING:
    from certboot.net import http

_MOST_ADDRESSES = 5  # of one certificate
_MOST_FETCHES = 20  # for one server
_SECONDS = 60.0  # for one server
_MOST_CERTIFICATES = 100  # in one answer
_SCHEMES = ("http:", "https:")

Cache = dict[tuple[str, AddressPolicy], "http.Fetched | FetchError"]
"""What addresses gave, for the other servers of one run."""


class Failure(typing.NamedTuple):
    """An address that did not give the issuer, or a certificate that names none, and the rule or what went wrong."""

    rule: str
    reason: str
    of: str
    """The name of the certificate whose issuer is missing."""
    address: str = ""


class Issuers:
    """The issuers that can be had for the chain of one server."""

    def __init__(self, reach: AddressPolicy, cache: Cache) -> None:
        self.failures: list[Failure] = []
        self.through_proxy = False
        """A proxy resolved a name: where it leads could not be checked."""
        self._reach = reach
        self._cache = cache
        self._deadline = Deadline(_SECONDS)
        self._fetches = 0
        self._by_subject: dict[bytes, dict[bytes, str]] = {}  # comparable subject -> certificate -> address

    def fetched(self, certificate: Certificate) -> Iterator[Offer]:
        """Yield what has the name of the issuer, address by address: the next one is asked only if it is wanted."""
        for address in self._addresses(certificate):
            try:
                for data, subject in self._certificates(address, certificate).items():
                    self._by_subject.setdefault(comparable(subject), {}).setdefault(data, address)
                yield from self.at_hand(certificate.link.issuer_name)
            except FetchError as error:
                self._failed(error.rule, error.message, certificate, address)

    def at_hand(self, subject: bytes) -> list[Offer]:
        """Return what was already fetched with this name: an answer may hold more than it was asked for."""
        offers = []
        for data, address in self._by_subject.get(comparable(subject), {}).items():
            try:
                offers.append(Offer(load_certificate(data), address))
            except CertificateError as error:
                failure = Failure("unreadable", error.message, "", address)
                if failure not in self.failures:
                    self.failures.append(failure)
        return offers

    def _failed(self, rule: str, reason: str, certificate: Certificate, address: str = "") -> None:
        self.failures.append(Failure(rule, reason, certificate.name, address))

    def _addresses(self, certificate: Certificate) -> list[str]:
        """Return the addresses to ask: the first few that can be fetched at all."""
        named = parsed_certificate(certificate.der).issuers_at
        usable = [address for address in named if address.lower().startswith(_SCHEMES)]
        if not named:
            self._failed("no-addresses", "its certificate does not say where that lies", certificate)
        for address in itertools.islice(named if not usable else (), _MOST_ADDRESSES):
            try:
                parsed_url(address, self._reach)
            except FetchError as error:
                self._failed(error.rule, error.message, certificate, address)
        if len(usable) > _MOST_ADDRESSES:
            words = f"it names {len(usable)} addresses, of which only the first {_MOST_ADDRESSES} are asked"
            self._failed("too-many-addresses", words, certificate)
        return usable[:_MOST_ADDRESSES]

    def _certificates(self, address: str, certificate: Certificate) -> dict[bytes, bytes]:
        """Return what lies there, the issuer by its name among it, as certificate -> subject; raises FetchError."""
        body = self._body(address)
        try:
            pieces = list(itertools.islice(_pieces(body), _MOST_CERTIFICATES + 1))
        except der.DerError as error:
            raise FetchError("unreadable", f"it is broken PKCS#7: {error}") from error
        if len(pieces) > _MOST_CERTIFICATES:
            raise FetchError("too-many-certificates", f"over {_MOST_CERTIFICATES} certificates in one answer")
        subjects = {}
        for piece in pieces:
            try:
                subjects[piece] = der.subject_name(piece)
            except der.DerError:
                continue
        if not subjects:
            kind = "a web page" if body.lstrip()[:1] == b"<" else "no certificate"
            raise FetchError("no-certificate", f"it is {kind}, and not DER, PEM or PKCS#7")
        if comparable(certificate.link.issuer_name) not in map(comparable, subjects.values()):
            others = "it is not" if len(subjects) == 1 else f"none of {len(subjects)} certificates in it is"
            raise FetchError("issuer-name-mismatch", f"{others} {certificate.issuer}")
        return subjects

    def _body(self, address: str) -> bytes:
        known = self._cache.get((address, self._reach)) or self._asked(address)
        if isinstance(known, FetchError):
            raise known
        self.through_proxy = self.through_proxy or known.through_proxy
        return known.body

    def _asked(self, address: str) -> http.Fetched | FetchError:
        if self._fetches == _MOST_FETCHES:
            raise FetchError("too-many-fetches", f"{_MOST_FETCHES} addresses were asked for this server")
        self._fetches += 1
        from certboot.net import http  # it brings requests along, which only this way of reading needs

        try:
            seconds = min(http.SECONDS, self._deadline.left())
        except TimeoutError:
            raise FetchError("timeout", f"not finished after {_SECONDS:g} seconds in all") from None
        answer: http.Fetched | FetchError
        try:
            answer = http.fetch_issuer(address, self._reach, seconds)
        except FetchError as error:
            answer = error
        if seconds == http.SECONDS:  # else it may be this server's time that was too short
            self._cache[address, self._reach] = answer
        return answer


def _pieces(body: bytes) -> Iterator[bytes]:
    """Yield what may be certificates, by content: media types are often wrong. Raises DerError."""
    if containers.is_pkcs7(body):
        yield from containers.in_pkcs7(body)
    elif b"-----BEGIN " in body and not is_one_element(body):
        for block in pem.blocks(body):
            if block.label in ("CERTIFICATE", "X509 CERTIFICATE"):
                yield block.data or b""
            elif block.label in PKCS7_LABELS and block.data:
                yield from containers.in_pkcs7(block.data)
    else:
        yield body
