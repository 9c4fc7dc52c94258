"""The source ``added``: CA certificates that the user named with ``--add``, and those named so at an earlier time."""

from __future__ import annotations

import contextlib
import typing
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from certboot import files
from certboot.errors import CertificateError, SourceError
from certboot.ownership import refuse_exposed
from certboot.sources.candidates import FORMATS, SIZE_LIMIT, Candidate, Loaded, Rejection, Unparsed
from certboot.sources.contents import Content, parsed, pieces

if typing.TYPE_CHECKING:
    from certboot.pki.containers import Password

NAME = "added"
_STAND_IN = b"# Stand-in: "
_OF_KEY = b"yes"
EXTENSIONS = (".pem", ".crt", ".cer", ".der", ".p7b", ".p7c", ".p12", ".pfx")


def load(path: Path, now: datetime, password: Password | None = None) -> Loaded:
    """Return the CA certificates of a file, or of the files of a folder; raises CertbootError where there are none.

    A block, or in a folder a file, that is broken among good ones is a rejection, which the summary counts.
    """
    return read(path, now, password).parse()


def read(path: Path, now: datetime, password: Password | None = None, *, remembered: bool = False) -> Unparsed:
    """Return the content of a file, or of the files of a folder; raises CertbootError where there is nothing to read.

    Parsing it raises CertbootError where nothing in it can be an anchor. What is ``remembered``, to be read again at
    every update, is an error too where others could change it.
    """
    if remembered:
        _refuse_exposed(path)
    if path.is_dir():
        contents = [_attempted(file) for file in _certificate_files(path)]
        return Unparsed(pieces(contents), lambda: checked(_parsed(contents, password), str(path), now))
    return read_bytes(content(path), str(path), now, password)


def read_bytes(data: bytes, where: str, now: datetime, password: Password | None = None) -> Unparsed:
    """Return what a file holds; parsing it raises CertbootError where nothing in it can be an anchor."""
    return Unparsed(((where, data),), lambda: checked(_from_bytes(data, where, password), where, now))


def read_kept(trusted: Path) -> Unparsed:
    """Return what earlier runs put into the store's ``trusted`` folder.

    A file there that cannot be read is a rejection: it must not keep new roots, or distrust, from arriving.
    """
    # A dot begins what a killed run left half-written.
    contents = [_attempted(path) for path in sorted(trusted.glob("[!.]*"))]
    return Unparsed(pieces(contents), lambda: _parsed(contents, None, kept=True))


def render_kept(candidate: Candidate) -> bytes:
    """Return the bytes of a file there: the certificate, and whether it is to have a stand-in."""
    from certboot.pki.certificate import annotated_pem

    key_id = candidate.stand_in
    wish = b"" if key_id is None else _STAND_IN + (key_id.hex().encode("ascii") or _OF_KEY) + b"\n"
    return wish + annotated_pem(candidate.certificate).encode("ascii")


def _stand_in(data: bytes) -> bytes | None:
    """Return the wish as ``Candidate.stand_in`` has it; what cannot be read is none."""
    first = data.partition(b"\n")[0]
    if not first.startswith(_STAND_IN):
        return None
    digits = first.removeprefix(_STAND_IN).strip()
    with contextlib.suppress(ValueError):
        return b"" if digits == _OF_KEY else bytes.fromhex(digits.decode("ascii"))
    return None


def checked(loaded: Loaded, where: str, now: datetime) -> Loaded:
    """Return ``loaded`` as it is; raises SourceError where nothing in it can be an anchor."""
    from certboot.pki.rules import broken_rule

    if any(not broken_rule(candidate.certificate, now) for candidate in loaded.candidates):
        return loaded
    raise _none_usable(where, loaded, now)


def _certificate_files(folder: Path) -> list[Path]:
    try:
        certificates = sorted(path for path in folder.iterdir() if path.suffix.lower() in EXTENSIONS and path.is_file())
    except OSError as error:
        raise cannot_read(folder, error) from error
    if not certificates:
        message = f"no certificate files in the folder: {folder}"
        raise SourceError(message, f"it is searched, without the folders in it, for {', '.join(EXTENSIONS)}")
    return certificates


def _refuse_exposed(path: Path) -> None:
    try:
        refuse_exposed(path)
        for file in _certificate_files(path) if path.is_dir() else ():
            refuse_exposed(file)
    except OSError as error:
        raise cannot_read(path, error) from error


def _attempted(path: Path) -> Content:
    try:
        return Content(str(path), content(path))
    except SourceError as error:
        return Content(str(path), rule="unreadable", reason=error.message)


def _parsed(contents: Iterable[Content], password: Password | None, *, kept: bool = False) -> Loaded:
    def parse(data: bytes, path: str) -> Loaded:
        try:
            loaded = _from_bytes(data, path, password)
            return loaded.with_stand_ins(_stand_in(data)) if kept else loaded
        except (SourceError, CertificateError) as error:
            return Loaded((), (Rejection("unreadable", NAME, path, error.message.removesuffix(f": {path}")),))

    return parsed(contents, NAME, parse)


def _from_bytes(data: bytes, path: str, password: Password | None) -> Loaded:
    from certboot.sources.extract import from_bytes

    return from_bytes(data, NAME, path, password)


def content(path: Path) -> bytes:
    """Return the bytes of a file that the user names; raises SourceError."""
    try:
        return files.read_regular(path, SIZE_LIMIT)
    except OSError as error:
        raise cannot_read(path, error) from error


def cannot_read(path: Path, error: OSError) -> SourceError:
    """Return the error to raise for a file or folder that the user names."""
    return SourceError(f"cannot read {path}: {error.strerror}", files.hint(error))


def _none_usable(where: str, loaded: Loaded, now: datetime) -> SourceError:
    from certboot.pki.rules import broken_rule

    first = loaded.candidates[0].certificate if loaded.candidates else None
    broken = broken_rule(first, now) if first else None
    if first and broken:
        rule, reason = broken
        message = f"{first.name!r} cannot be trusted as a CA, {reason}: {where}"
        if rule == "not-a-ca" and first.link.self_issued:
            return SourceError(message, "certboot explain self-signed-leaf; certboot doctor HOST has the commands")
        if rule == "not-a-ca":
            return SourceError(message, "add the certificate of the CA that issued it, not the server's own")
        return SourceError(message, "ask whoever runs this CA for its present certificate")
    for rejection in loaded.rejections:
        if rejection.rule == "distrusted":
            message = f"{rejection.subject} cannot be trusted as a CA, {rejection.reason}: {where}"
            return SourceError(message, "to keep a certificate out of the store: certboot distrust FINGERPRINT")
        hint = f"ask for the file again, in {FORMATS}"
        return SourceError(f"no readable certificate, {rejection.reason}: {where}", hint)
    return SourceError(f"no certificate in it: {where}", f"give a file of CA certificates in {FORMATS}")
