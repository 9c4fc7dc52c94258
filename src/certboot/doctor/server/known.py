"""What is known of the CAs in a chain beyond the active trust: from the store, certifi, the system and the CCADB."""

from __future__ import annotations

import contextlib
import re
import typing

from certboot import files, moment
from certboot.doctor.environment.clock import passed
from certboot.doctor.environment.trust_files import overrides
from certboot.doctor.server.case import Clock, Distrust, Known
from certboot.doctor.server.issuer import CERTIFI, STORE, SYSTEM
from certboot.errors import CertbootError
from certboot.pki import pem
from certboot.pki.by_subject import BySubject, readable_parts
from certboot.pki.verify_codes import WITHOUT_END, Code
from certboot.sources import certifi, system

if typing.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from certboot.doctor.server.case import Evidence
    from certboot.pki.certificate import Certificate
    from certboot.pki.parsed import ParsedCertificate
    from certboot.store.authorities import Authorities

_ORGANISATION = re.compile(r"(?:^|,|\+)O=((?:\\.|[^,+\\])*)")


def known(evidence: Evidence, authorities: Authorities, environ: Mapping[str, str]) -> Known:
    """Return what is known; what cannot be read is not known, and for what no code asks nothing is read."""
    sent = readable_parts(evidence.presented)
    distrust, clock = _distrust(authorities, sent), _clock(authorities, evidence.codes)
    held = frozenset(entry.sha256 for entry in authorities.entries)
    if not evidence.codes & WITHOUT_END:
        return Known(in_store=held, distrust=distrust, clock=clock)
    active = frozenset(evidence.anchors)
    names = tuple(dict.fromkeys(member.certificate.link.issuer_name for member in sent))

    def lacking(named: Callable[[bytes], Iterable[Certificate]]) -> tuple[ParsedCertificate, ...]:
        """Return what has the name of an issuer, and is not in the active trust."""
        certificates = (certificate.der for name in names for certificate in named(name))
        return readable_parts(data for data in certificates if data not in active)

    anchors, below = lacking(authorities.anchors), lacking(authorities.intermediates)
    places = {
        CERTIFI: lacking(BySubject(_certifi()).named),
        SYSTEM: lacking(BySubject(_system()).named),
        STORE: anchors,
    }
    return Known(
        elsewhere=tuple((certificate, place) for place, certificates in places.items() for certificate in certificates),
        intermediates=(*below, *lacking(authorities.reported)),
        in_store=held,
        stored=frozenset(issuer.certificate.fingerprint for issuer in (*anchors, *below)),
        sources=authorities.sources,
        overrides=overrides(authorities.paths, environ, evidence.variables),
        organisations=_organisations(evidence, authorities, environ),
        distrust=distrust,
        clock=clock,
    )


def _certifi() -> Iterator[bytes]:
    with contextlib.suppress(CertbootError, OSError):
        yield from pem.certificates(files.read_regular(certifi.path(), files.LARGE))


def _system() -> Iterator[bytes]:
    with contextlib.suppress(CertbootError):
        for _, data in system.read().pieces:
            yield from (data,) if data[:1] == b"\x30" else pem.certificates(data)


def _distrust(authorities: Authorities, sent: Iterable[ParsedCertificate]) -> Distrust:
    try:
        certificates = authorities.distrusted
    except (OSError, CertbootError):
        certificates = authorities.kept_out({})
    revoked = authorities.revoked
    return Distrust(
        frozenset(member.certificate.fingerprint for member in sent if member.certificate.fingerprint in revoked),
        certificates,
        {rejection.subject: rejection.fingerprint for rejection in authorities.rejected("distrusted")},
        authorities.distrust_after,
    )


def _clock(authorities: Authorities, codes: frozenset[int]) -> Clock:
    version = ""
    with contextlib.suppress(CertbootError):
        version = certifi.read().pieces[0][0]
    latest = passed(authorities.generation, version)
    return Clock(latest[0] if latest else None, Code.CERT_HAS_EXPIRED in codes and _most_expired())


def _organisations(evidence: Evidence, authorities: Authorities, environ: Mapping[str, str]) -> frozenset[str]:
    names = {anchor.organisation for anchor in readable_parts(evidence.anchors)}
    if any(authorities.paths.holds(environ.get(name, "")) for name in evidence.variables):
        # Of a directory OpenSSL has read only what it looked up.
        for entry in authorities.entries:
            match = _ORGANISATION.search(entry.subject) if entry.role == "anchor" else None
            if match:
                names.add(re.sub(r"\\(.)", r"\1", match[1]).strip())
    return frozenset(names - {""})


def _most_expired() -> bool:
    now = moment.now()
    ends = [root.certificate.validity.not_after for root in readable_parts(_certifi())]
    return sum(end < now for end in ends) * 2 > len(ends) > 0
