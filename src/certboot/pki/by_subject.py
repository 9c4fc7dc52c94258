"""Certificates in DER, as strangers have them, by the names of their subjects. What cannot be read is passed over."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator

from certboot.errors import CertificateError
from certboot.pki import der
from certboot.pki.certificate import Certificate, load_certificate
from certboot.pki.parsed import ParsedCertificate, parsed_certificate
from certboot.pki.subject_hash import comparable


def readable(certificates: Iterable[bytes]) -> Iterator[Certificate]:
    """Yield those that can be read."""
    for data in certificates:
        with contextlib.suppress(CertificateError):
            yield load_certificate(data)


def readable_parts(certificates: Iterable[bytes]) -> tuple[ParsedCertificate, ...]:
    """Return those that can be read with their parts, each once, in their order."""
    parsed: list[ParsedCertificate] = []
    for data in dict.fromkeys(certificates):
        with contextlib.suppress(CertificateError):
            parsed.append(parsed_certificate(data))
    return tuple(parsed)


class BySubject:
    """Certificates by subjects that are compared as OpenSSL does; each is parsed only when its name is asked for."""

    def __init__(self, certificates: Iterable[bytes]) -> None:
        self._certificates: dict[bytes, dict[bytes, None]] = {}
        for data in certificates:
            with contextlib.suppress(der.DerError):
                self._certificates.setdefault(comparable(der.subject_name(data)), {})[data] = None

    def named(self, name: bytes) -> Iterator[Certificate]:
        """Yield the certificates with this subject, a DER Name, each once."""
        return readable(self._certificates.get(comparable(name), ()))

    def parts_of(self, name: bytes) -> tuple[ParsedCertificate, ...]:
        """Return the same with their parts."""
        return readable_parts(self._certificates.get(comparable(name), ()))
