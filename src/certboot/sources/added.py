"""The source ``added``: CA certificates that the user named with ``--add``, and those named so at an earlier time."""

from __future__ import annotations

import typing

from certboot import policy
from certboot.errors import SourceError
from certboot.model import Candidate, Loaded, Rejection
from certboot.sources.reading import from_ders, from_pem

if typing.TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

NAME = "added"
_LIMIT = 16 * 1024 * 1024
_KEY_HINT = "give the CA's certificate; a private key belongs to nobody but its owner"


def load_file(path: Path, now: datetime) -> Loaded:
    """Return the CA certificates of a PEM or DER file; raises SourceError where it has none that can be an anchor.

    A block that is broken among good ones is a rejection, which the summary counts.
    """
    data = _read(path)
    if b"-----BEGIN " in data:
        loaded = from_pem(data, NAME, str(path))
        if not loaded.candidates and not loaded.rejections and b"PRIVATE KEY-----" in data:
            message = f"a private key, not a certificate: {path}"
            raise SourceError(message, _KEY_HINT)
    else:
        loaded = from_ders((data,), NAME, str(path))
    usable = [candidate for candidate in loaded.candidates if not policy.broken_rule(candidate.certificate, now)]
    if not usable:
        raise _none_usable(path, loaded, now)
    return loaded


def load_kept(trusted: Path) -> Loaded:
    """Return the certificates that earlier runs put into the store's ``trusted`` folder.

    A file there that cannot be read is a rejection: it must not keep new roots, or distrust, from arriving.
    """
    candidates: list[Candidate] = []
    rejections: list[Rejection] = []
    for path in sorted(trusted.glob("[!.]*")):  # a dot begins what a killed run left half-written
        try:
            part = from_pem(_read(path), NAME, str(path))
        except SourceError as error:
            rejections.append(Rejection("unreadable", NAME, str(path), error.message))
            continue
        candidates += part.candidates
        rejections += part.rejections
    return Loaded(tuple(candidates), tuple(rejections))


def _read(path: Path) -> bytes:
    try:
        if path.is_dir():
            message = f"a folder, not a file: {path}"
            raise SourceError(message, "give each certificate file by itself")
        with path.open("rb") as file:
            data = file.read(_LIMIT + 1)
    except OSError as error:
        message = f"cannot read {path}: {error.strerror}"
        raise SourceError(message, "check the path, and that you may read the file") from error
    if len(data) > _LIMIT:
        message = f"over {_LIMIT // 1024 // 1024} MiB, which no certificate is: {path}"
        raise SourceError(message, "give a file of CA certificates in PEM or DER")
    if not data.strip():
        message = f"an empty file: {path}"
        raise SourceError(message, "give a file of CA certificates in PEM or DER")
    return data


def _none_usable(path: Path, loaded: Loaded, now: datetime) -> SourceError:
    for candidate in loaded.candidates:
        rule, reason = policy.broken_rule(candidate.certificate, now) or ("", "")
        message = f"{candidate.certificate.name!r} cannot be trusted as a CA, {reason}: {path}"
        if rule == "not-a-ca":
            return SourceError(message, "add the certificate of the CA that issued it, not the server's own")
        return SourceError(message, "ask whoever runs this CA for its present certificate")
    for rejection in loaded.rejections:
        return SourceError(
            f"no readable certificate, {rejection.reason}: {path}", "ask for the file again, in PEM or DER"
        )
    return SourceError(f"no certificate in it: {path}", "give a file of CA certificates in PEM or DER")
