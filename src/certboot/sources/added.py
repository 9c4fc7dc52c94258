"""The source ``added``: CA certificates that the user named with ``--add``, and those named so at an earlier time."""

from __future__ import annotations

import typing

from certboot import policy
from certboot.errors import CertificateError, SourceError
from certboot.model import Loaded, Rejection
from certboot.sources.reading import FORMATS, SIZE_LIMIT, from_bytes, merged

if typing.TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from certboot.sources.pkcs import Password

NAME = "added"
EXTENSIONS = (".pem", ".crt", ".cer", ".der", ".p7b", ".p7c", ".p12", ".pfx")


def load(path: Path, now: datetime, password: Password | None = None) -> Loaded:
    """Return the CA certificates of a file, or of the files of a folder; raises CertbootError where there are none."""
    return _load_folder(path, now, password) if path.is_dir() else load_file(path, now, password)


def load_file(path: Path, now: datetime, password: Password | None = None) -> Loaded:
    """Return the CA certificates of a file; raises CertbootError where it has none that can be an anchor.

    A block that is broken among good ones is a rejection, which the summary counts.
    """
    return checked(from_bytes(_read(path), NAME, str(path), password), str(path), now)


def load_kept(trusted: Path) -> Loaded:
    """Return the certificates that earlier runs put into the store's ``trusted`` folder.

    A file there that cannot be read is a rejection: it must not keep new roots, or distrust, from arriving.
    """
    # A dot begins what a killed run left half-written.
    return merged(_read_or_rejected(path, None) for path in sorted(trusted.glob("[!.]*")))


def checked(loaded: Loaded, where: str, now: datetime) -> Loaded:
    """Return ``loaded`` as it is; raises SourceError where nothing in it can be an anchor."""
    for candidate in loaded.candidates:
        certificate = candidate.certificate
        if certificate.fingerprint not in loaded.distrusted and not policy.broken_rule(certificate, now):
            return loaded
    raise _none_usable(where, loaded, now)


def _load_folder(folder: Path, now: datetime, password: Password | None) -> Loaded:
    try:
        files = sorted(path for path in folder.iterdir() if path.suffix.lower() in EXTENSIONS and path.is_file())
    except OSError as error:
        raise _cannot_read(folder, error) from error
    if not files:
        message = f"no certificate files in the folder: {folder}"
        raise SourceError(message, f"it is searched, without the folders in it, for {', '.join(EXTENSIONS)}")
    return checked(merged(_read_or_rejected(path, password) for path in files), str(folder), now)


def _read_or_rejected(path: Path, password: Password | None) -> Loaded:
    try:
        return from_bytes(_read(path), NAME, str(path), password)
    except (SourceError, CertificateError) as error:
        reason = error.message.removesuffix(f": {path}")
        return Loaded((), (Rejection("unreadable", NAME, str(path), reason),))


def _read(path: Path) -> bytes:
    try:
        if path.is_dir():
            message = f"a folder, not a file: {path}"
            raise SourceError(message, "give each certificate file by itself")
        with path.open("rb") as file:
            return file.read(SIZE_LIMIT + 1)
    except OSError as error:
        raise _cannot_read(path, error) from error


def _cannot_read(path: Path, error: OSError) -> SourceError:
    return SourceError(f"cannot read {path}: {error.strerror}", "check the path, and that you may read it")


def _none_usable(where: str, loaded: Loaded, now: datetime) -> SourceError:
    for candidate in loaded.candidates:
        broken = policy.broken_rule(candidate.certificate, now)
        if broken:  # else it is distrusted by another block of the file
            rule, reason = broken
            message = f"{candidate.certificate.name!r} cannot be trusted as a CA, {reason}: {where}"
            if rule == "not-a-ca":
                return SourceError(message, "add the certificate of the CA that issued it, not the server's own")
            return SourceError(message, "ask whoever runs this CA for its present certificate")
    for rejection in loaded.rejections:
        if rejection.rule == "distrusted":
            message = f"{rejection.subject} cannot be trusted as a CA, {rejection.reason}: {where}"
            return SourceError(message, "to keep a certificate out of the store: certboot distrust FINGERPRINT")
        return SourceError(
            f"no readable certificate, {rejection.reason}: {where}", f"ask for the file again, in {FORMATS}"
        )
    return SourceError(f"no certificate in it: {where}", f"give a file of CA certificates in {FORMATS}")
