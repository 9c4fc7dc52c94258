"""What else there is to say of a chain, beside its one cause: nothing of it alone keeps a client out."""

from __future__ import annotations

import typing

from certboot.doctor.server.case import Cause
from certboot.doctor.server.cause import STRICT_CAUSES
from certboot.doctor.server.issuer import linked
from certboot.errors import CertificateError, printable
from certboot.pki import names
from certboot.pki.certificate import is_unread, load_certificate
from certboot.pki.rules import PYTHONS
from certboot.pki.verify import strict_defects
from certboot.pki.verify_codes import WRONG_NAME

if typing.TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from certboot.doctor.server.case import Case
    from certboot.net.handshake import Handshake

_MOST = 5  # parts that could not be looked at


def remarks(case: Case, handshake: Handshake | None, primary: str) -> Iterator[Cause]:
    """Yield the remarks on what was sent, none with the id of the primary cause."""
    for remark in (*_order(case), *_strangers(case), *_soon(case), *_also(case)):
        if remark.id != primary:
            yield remark
    if handshake and handshake.exchange.certificate_requested:
        meaning = "the server asked for a certificate of the client, and went on without one"
        yield Cause("client-certificate-requested", meaning, status="info")


def unread(presented: Sequence[bytes]) -> Iterator[Cause]:
    """Yield what of the chain could not be looked at, though OpenSSL reads it: one remark for all of it."""
    parts: list[str] = []
    for number, data in enumerate(presented, start=1):
        try:
            certificate = load_certificate(data)
        except CertificateError as error:
            parts += [f"certificate {number}: {printable(error.message)}"] if is_unread(data) else []
        else:
            parts += [f"the {extension} of {certificate.subject}" for extension in certificate.unread]
    if parts:
        meaning = "OpenSSL reads the chain, and its verdict stands; certboot could not look at"
        evidence = {"unread": parts[:_MOST]}
        yield Cause("certificate-unread", "\n".join([meaning, *parts[:_MOST]]), status="info", evidence=evidence)


def _order(case: Case) -> Iterator[Cause]:
    belonging = linked(case)
    chain = [member for member in case.path.certificates if member in case.sent]
    places = [case.sent.index(member) for member in chain]
    if places != sorted(places):
        meaning = (
            "the server does not send its certificates in the order of the chain; some clients need that (RFC 5246)"
        )
        yield Cause("chain-out-of-order", meaning, status="info")
    for member in case.sent[1:]:
        certificate = member.certificate
        # Also one that the path ends at, though an intermediate before it was not sent.
        if member.is_self_signed and (certificate.fingerprint in belonging or member in case.path.certificates[1:]):
            meaning = f"the server also sends a root, which every client must have anyway: {certificate.subject}"
            yield Cause("root-sent", meaning, status="info")
            break


def _strangers(case: Case) -> Iterator[Cause]:
    belonging = linked(case)
    for member in case.sent:
        known = member.certificate.fingerprint in belonging or member in case.path.certificates
        # A root beside a missing intermediate is more likely its own than a stranger.
        if not known and not member.is_self_signed:
            meaning = (
                f"the server also sends a certificate that has nothing to do with its own: {member.certificate.subject}"
            )
            yield Cause("wrong-chain", meaning, status="warn")
            break


def _soon(case: Case) -> Iterator[Cause]:
    validity = case.leaf.certificate.validity
    if validity.ends_soon(case.now):
        meaning = f"the server's certificate ends on {validity.not_after:%Y-%m-%d}"
        yield Cause("expires-soon", meaning, status="info")


def _also(case: Case) -> Iterator[Cause]:
    """Yield what would come up once the primary cause is mended."""
    if not case.code:
        return
    certificate = case.leaf.certificate
    if certificate.validity.not_after < case.now:
        yield Cause(
            "expired-leaf",
            f"the server's certificate also has expired, on {certificate.validity.not_after:%Y-%m-%d}",
            status="warn",
        )
    yield from _wrong_name(case)
    last = len(case.path.certificates) - 1
    for depth, member in enumerate(case.path.certificates):
        defect = next(strict_defects(member, is_last=depth == last and member.is_self_signed), 0)
        # A twin that stands in the way goes with all that is wrong with it.
        if defect in STRICT_CAUSES and last and member is not case.overshadowing:
            subject = member.certificate.subject
            meaning = f"{PYTHONS} would still refuse the chain, for this certificate: {subject}"
            yield Cause(STRICT_CAUSES[defect], meaning, status="warn")
            break


def _wrong_name(case: Case) -> Iterator[Cause]:
    name = case.target.name
    # What the doctor tells of a certificate that signs itself has the name already.
    if not name or not name.isascii() or case.code in WRONG_NAME or case.leaf.is_self_signed:
        return
    if not names.is_for(case.leaf, name):
        for_names = ", ".join(case.leaf.names[:8]) or "no name at all"
        meaning = f"the server's certificate also is not for {name}, but for: {for_names}"
        yield Cause("ip-not-in-san" if names.ip_address(name) else "hostname-mismatch", meaning, status="warn")
