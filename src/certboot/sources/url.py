"""An https:// address of a certificate file, as ``trust`` and ``config.toml`` take it. Part of the source ``added``."""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path

from certboot.errors import SourceError, printable
from certboot.pki import fingerprint
from certboot.sources import added
from certboot.sources.candidates import Loaded, Unparsed

_LIMIT = 1024 * 1024
# A bundle of every public root has some 150. Each block costs OpenSSL half a millisecond, junk included.
_MOST_BLOCKS = 2000


def read(url: str, *, pin: str, verify: Path, now: datetime) -> Unparsed:
    """Return the file at ``url``; raises SourceError. Parsing it does so where it has none that can be an anchor.

    ``pin`` is empty, or the SHA-256 of the whole file or of one certificate in it, of which then nothing else is
    returned. Without a pin the file is as good as the server's certificate.
    """
    wanted = expected(pin)
    from certboot.net import http  # it brings requests along, which only this way of reading needs

    body = http.fetch(url, limit=_LIMIT, verify=verify).body
    if body.lstrip()[:1] == b"<":
        message = f"a web page, not a certificate: {printable(url)}"
        raise SourceError(message, "give the address of the file itself, which a browser would download")
    blocks = body.count(b"-----BEGIN ")
    if blocks > _MOST_BLOCKS:
        message = f"{blocks:,} blocks of PEM, over {_MOST_BLOCKS:,}: {printable(url)}"
        raise SourceError(message, "give the address of a file of CA certificates")

    def parse() -> Loaded:
        from certboot.sources.extract import from_bytes

        loaded = from_bytes(body, added.NAME, url, pkcs12=False)
        return added.checked(pinned(loaded, wanted, url, body), url, now)

    return Unparsed(((url, body),), parse)


def expected(text: str) -> str:
    """Return the digits of a pin, or "" for none; raises SourceError where it is no SHA-256."""
    wanted = fingerprint.plain(text)
    if text and not fingerprint.is_whole(wanted):
        message = f"not a SHA-256 of 64 hexadecimal digits: {printable(text)}"
        hint = "sha256sum FILE shows a file's, openssl x509 -noout -fingerprint -sha256 -in FILE a certificate's"
        raise SourceError(message, hint)
    return wanted


def pinned(loaded: Loaded, wanted: str, where: str, body: bytes = b"") -> Loaded:
    """Return of what was loaded the certificate with this SHA-256, or all if that is of the whole file, ``body``.

    Raises SourceError where it is neither.
    """
    digest = hashlib.sha256(body).hexdigest() if body else ""
    if wanted in ("", digest):
        return loaded
    chosen = [candidate for candidate in loaded.candidates if candidate.certificate.fingerprint == wanted]
    refused = [rejection for rejection in loaded.rejections if rejection.fingerprint == wanted]
    if chosen or refused:  # all the same, if the file repeats it
        return Loaded(tuple(chosen[:1]), tuple(refused[:1]))
    others = f"neither the file, which has {digest}, nor any" if body else "no"
    message = f"{others} certificate in it has the SHA-256 {wanted}: {printable(where)}"
    raise SourceError(message, "ask whoever runs this CA which is right; only then change the pin")
