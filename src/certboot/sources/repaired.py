"""The source ``repaired``: intermediates that servers forgot to send, a PEM file each, and above it who needed it.

# Needed: {"host": "www.example:443", "day": "2026-11-25", "address": "http://ca.example/ca2.cer", "anchor": "Root 1"}

They are believed no more than those of a report: the policy looks for a chain to an anchor at every update.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import typing
from collections.abc import Iterable
from pathlib import Path

from certboot import files
from certboot.errors import CertificateError, printable
from certboot.sources.candidates import Candidate, Loaded, Rejection, Unparsed
from certboot.sources.contents import Content, parsed, pieces

if typing.TYPE_CHECKING:
    from certboot.pki.certificate import Certificate

_MOST_SHOWN = 3

NAME = "repaired"
"""The source of these intermediates, by which they are known to belong into the bundle as well."""
BY_USER = "you"
"""In the place of a host: the user has named it, with ``trust`` or ``--add``."""
_LINE = b"# Needed: "
_MOST_NEEDS = 500  # needs of one intermediate: it has to be a file that the next update reads
_LONGEST = 300  # characters of one text in it
_LARGEST_NEEDS = 512 * 1024  # bytes of all needs together


def read(folder: Path) -> Unparsed:
    """Return the files of the store's folder ``repaired``.

    One that cannot be read is a rejection: it must not keep new roots, or distrust, from arriving.
    """
    # A dot begins what a killed run left half-written.
    contents = [_content(path) for path in sorted(folder.glob("[!.]*"))]
    return Unparsed(pieces(contents), lambda: parsed(contents, NAME, _loaded))


def offered(repairs: Iterable[Repair]) -> Loaded:
    """Return intermediates that are new, as candidates."""
    return Loaded(tuple(Candidate(new, NAME, detail(needs), "intermediate") for new, needs in repairs))


def detail(needs: tuple[Need, ...]) -> str:
    """Return in words who needed an intermediate."""
    more = f"; and by {len(needs) - _MOST_SHOWN} more" if len(needs) > _MOST_SHOWN else ""
    return printable("; ".join(need.shown for need in needs[:_MOST_SHOWN]) + more) or "nobody knows for whom"


def _content(path: Path) -> Content:
    try:
        return Content(str(path), files.read_regular(path, files.SMALL))
    except OSError as error:
        return Content(str(path), rule="unreadable", reason=f"it cannot be read: {error.strerror}")


def _loaded(data: bytes, path: str) -> Loaded:
    from certboot.pki import pem
    from certboot.pki.certificate import load_certificate

    blocks = list(pem.blocks(data))
    defect = "it does not contain exactly one certificate"
    if len(blocks) == 1:
        try:
            certificate = load_certificate(blocks[0].data or b"")
            return Loaded((Candidate(certificate, NAME, detail(needs(data)), "intermediate"),))
        except CertificateError as error:
            defect = error.message
    return Loaded((), (Rejection("unreadable", NAME, path, defect),))


class Need(typing.NamedTuple):
    """Why an intermediate is there: a server needed it."""

    host: str
    """HOST:PORT."""
    day: str
    """ISO 8601, UTC."""
    address: str
    """Where it was fetched from, or who else had it."""
    anchor: str
    """The anchor at the end of the chain then, for a person; empty where that was not yet known."""

    @property
    def shown(self) -> str:
        """The need in words."""
        under = f", under {self.anchor}" if self.anchor else ""
        return f"needed by {self.host} on {self.day}, from {self.address}{under}"


class Repair(typing.NamedTuple):
    """An intermediate that is to be stored, or that is there already and needed by more servers than before."""

    certificate: Certificate
    needs: tuple[Need, ...]


def render_repair(repair: Repair) -> bytes:
    """Return the bytes of the file."""
    from certboot.pki.certificate import annotated_pem

    return b"".join(map(_line, repair.needs)) + annotated_pem(repair.certificate).encode("ascii")


def split_roots(loaded: Loaded, pin: str, day: str) -> tuple[Loaded, tuple[Repair, ...]]:
    """Return what the user has named, without the intermediates in it, and these: none becomes an anchor by itself.

    What is named by its SHA-256, ``pin``, may be an anchor all the same.
    """
    below = [
        candidate
        for candidate in loaded.candidates
        if not candidate.certificate.link.self_issued and candidate.certificate.fingerprint != pin
    ]
    repairs = (Repair(new.certificate, (Need(BY_USER, day, new.detail, ""),)) for new in below)
    roots = tuple(candidate for candidate in loaded.candidates if candidate not in below)
    return dataclasses.replace(loaded, candidates=roots), tuple(repairs)


def split_all_roots(several: Iterable[Loaded], day: str) -> tuple[tuple[Loaded, ...], tuple[Repair, ...]]:
    """Return the same of several files: what is left of each, and the intermediates of all."""
    apart = [split_roots(loaded, "", day) for loaded in several]
    return tuple(roots for roots, _ in apart), tuple(repair for _, below in apart for repair in below)


def without_root(certificate: Certificate) -> tuple[str, str]:
    """Return that an intermediate's root is not in the store, and whom to ask for it."""
    message = f"{certificate.name} is an intermediate, and the CA above it is not in the store: {certificate.issuer}"
    hint = "ask whoever runs it for the certificate of its root, then certboot trust FILE; to end chains at this one:"
    return message, f"{hint} certboot trust FILE --sha256 {certificate.fingerprint}"


def needs(data: bytes) -> tuple[Need, ...]:
    """Return who needed it as the bytes of a file have it; a line that cannot be read is passed over."""
    lines = (line.removeprefix(_LINE) for line in data.split(b"\n") if line.startswith(_LINE))
    return tuple(need for need in map(_need, lines) if need)


def kept(folder: Path, certificate: Certificate) -> tuple[Need, ...]:
    """Return who needed it as its file in the folder has it; nobody where there is none."""
    from certboot.pki.certificate import file_name

    with contextlib.suppress(OSError):
        return needs(files.read_regular(folder / file_name(certificate), files.SMALL))
    return ()


def joined(before: Iterable[Need], new: Iterable[Need]) -> tuple[Need, ...]:
    """Return one need for each host, the newer where there are two, in the order in which the hosts came.

    Of more than a file is to hold the newest are kept, and of a long text its beginning.
    """
    by_host = {need.host: need for need in map(_cut, before)}
    for need in map(_cut, new):
        # What was needed again has not grown old: it must not be the first to go.
        if by_host.get(need.host, need) != need:
            del by_host[need.host]
        by_host[need.host] = need
    kept = list(by_host.values())[-_MOST_NEEDS:]
    room = _LARGEST_NEEDS - sum(len(_line(need)) for need in kept)
    while room < 0:
        room += len(_line(kept.pop(0)))
    return tuple(kept)


def _cut(need: Need) -> Need:
    return Need(*(text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…" for text in need))


def _line(need: Need) -> bytes:
    # What is in a name must not be able to write a block of its own into the file, as in annotated_pem.
    return _LINE + json.dumps(need._asdict()).replace("--", "\\u002d\\u002d").encode("ascii") + b"\n"


def _need(line: bytes) -> Need | None:
    try:
        need = Need(**json.loads(line))
    except (ValueError, TypeError, RecursionError):
        return None
    return need if all(isinstance(text, str) for text in need) else None
