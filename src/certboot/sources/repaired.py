"""The source ``repaired``: the intermediates that ``certboot repair`` has stored, each because a server needed it.

They are believed no more than those of a report: the policy looks for a chain to an anchor at every update.
"""

from __future__ import annotations

import typing

from certboot import files
from certboot.model import Candidate, Loaded, Rejection
from certboot.printable import printable
from certboot.sources import repairs
from certboot.sources.candidates import Unparsed
from certboot.sources.repairs import NAME

if typing.TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from certboot.sources.repairs import Need, Repair

_MOST_SHOWN = 3


def read(folder: Path) -> Unparsed:
    """Return the files of the store's folder ``repaired``.

    One that cannot be read is a rejection: it must not keep new roots, or distrust, from arriving.
    """
    # A dot begins what a killed run left half-written.
    read = [(path, *_content(path)) for path in sorted(folder.glob("[!.]*"))]
    pieces = tuple((f"{path}: {defect}" if defect else str(path), data) for path, data, defect in read)
    return Unparsed(pieces, lambda: _loaded(_candidate(path, data, defect) for path, data, defect in read))


def offered(repairs_: Iterable[Repair]) -> Loaded:
    """Return intermediates that are new, as candidates."""
    return Loaded(tuple(Candidate(each.certificate, NAME, detail(each.needs), "intermediate") for each in repairs_))


def detail(needs: tuple[Need, ...]) -> str:
    """Return in words who needed an intermediate."""
    more = f"; and by {len(needs) - _MOST_SHOWN} more" if len(needs) > _MOST_SHOWN else ""
    return printable("; ".join(need.shown for need in needs[:_MOST_SHOWN]) + more) or "nobody knows for whom"


def _content(path: Path) -> tuple[bytes, str]:
    try:
        return files.read_regular(path, files.SMALL), ""
    except OSError as error:
        return b"", f"it cannot be read: {error.strerror}"


def _candidate(path: Path, data: bytes, defect: str) -> Candidate | Rejection:
    from certboot.errors import CertificateError
    from certboot.pki import pem
    from certboot.pki.certificate import load_certificate

    blocks = list(pem.blocks(data))
    if not defect and len(blocks) != 1:
        defect = "it does not contain exactly one certificate"
    if not defect:
        try:
            certificate = load_certificate(blocks[0].data or b"")
        except CertificateError as error:
            defect = error.message
        else:
            return Candidate(certificate, NAME, detail(repairs.needs(data)), "intermediate")
    return Rejection("unreadable", NAME, str(path), defect)


def _loaded(found: Iterable[Candidate | Rejection]) -> Loaded:
    each = tuple(found)
    return Loaded(
        tuple(one for one in each if isinstance(one, Candidate)),
        tuple(one for one in each if isinstance(one, Rejection)),
    )
