"""The certificates of a file that the user names, what in it is damaged, and what that means for the verdict.

A damaged certificate would silently be missing, and may be the very one that is needed.
"""

from __future__ import annotations

import dataclasses
import os
import re
import typing
from collections import Counter

from certboot.doctor.examination import Instruction
from certboot.doctor.finding import Finding
from certboot.doctor.findings import EXPLANATIONS
from certboot.errors import CertbootError, SourceError
from certboot.pki import der, pem
from certboot.pki.certificate import is_unread, load_certificate
from certboot.pki.subject_hash import comparable
from certboot.pki.verify_codes import NO_ISSUER
from certboot.sources import added
from certboot.sources.extract import PKCS7_LABELS, from_bytes, is_one_element, text_of_windows

if typing.TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from certboot.doctor.finding import Status

_MOST_FILES = 20_000
_MOST_OF_A_NAME = 200
_CHAIN_HINT = "give the server's certificate first, then what it sends along, in PEM"
_ANCHORS_HINT = "--anchors takes a file or a folder of CA certificates in PEM or DER"
_LABELS = pem.CERTIFICATE_LABELS | PKCS7_LABELS
_BEGIN_LINES = frozenset(f"-----BEGIN {label}-----".encode("ascii") for label in pem.CERTIFICATE_LABELS)
# What was to begin a certificate, and no program sees: a hyphen too few, spaces before it, a byte order mark of the
# file that it came from, or the dashes of a word processor.
_NEARLY = re.compile(
    rb"(?=.*(?:-|\xe2\x80))[\s\x80-\xff-]*BEGIN (?:X509 |TRUSTED )?CERTIFICATE[\s\x80-\xff-]*", re.DOTALL
)

_ID = "certificate-file-damaged"
_MOST_SHOWN = 5
_MOST = 100
# What is said where an issuer is not found. That the user distrusts it is known for certain.
_WITHOUT_ISSUER = frozenset({"missing-intermediate", "untrusted-root", "wrong-chain"})


class Certificates(typing.NamedTuple):
    """What a file or folder has."""

    ders: tuple[bytes, ...]
    damage: tuple[str, ...] = ()
    """What cannot be used, and why: a line of text each."""
    at_first: bool = False
    """Whether the first of the damage is before the first of the certificates."""
    is_pem: bool = False


class _Pieces(typing.NamedTuple):
    """The certificates of a file in its order, those that only OpenSSL can read among them, and what is damaged."""

    ders: tuple[bytes, ...]
    reasons: tuple[str, ...]


def chain(path: Path) -> Certificates:
    """Return the chain in a file; raises SourceError, also where its first certificate, the server's, is damaged."""
    content = _read(path, ("unreadable", "distrusted"))
    if content.ders and content.at_first:
        message = f"the first certificate, which is the server's, cannot be used, {content.damage[0]}: {path}"
        raise SourceError(message, "put the whole certificate there, from its BEGIN line to its END line")
    return _some(content, path, _CHAIN_HINT)


def anchors(path: Path) -> Certificates:
    """Return the CA certificates in a file, or in the files of a folder; raises SourceError where there are none.

    In a folder may lie anything else too: only what is PEM can be damaged there.
    """
    if not path.is_dir():
        return _few_of_a_name(_some(_read(path, ("unreadable",)), path, _ANCHORS_HINT), path)
    ders: dict[bytes, None] = {}
    damage: list[str] = []
    try:
        with os.scandir(path) as entries:
            names = sorted(entry.name for entry in entries if entry.is_file())[:_MOST_FILES]
    except OSError as error:
        raise added.cannot_read(path, error) from error
    for name in names:
        try:
            content = _read(path / name, ("unreadable",))
        except CertbootError:
            continue
        ders.update(dict.fromkeys(content.ders))
        damage += [f"{name}, {words}" for words in content.damage if content.is_pem]
    if not ders:
        message = f"no certificate in the folder: {path}"
        raise SourceError(message, _ANCHORS_HINT)
    return _few_of_a_name(Certificates(tuple(ders), tuple(damage)), path)


def _few_of_a_name(content: Certificates, path: Path) -> Certificates:
    """Return what was found; raises SourceError where so many have one name that OpenSSL would compare them for long.

    It compares each that it takes in with all of its name (X509_STORE_add_cert in crypto/x509/x509_lu.c).
    """
    names = [comparable(der.subject_name(certificate)) for certificate in content.ders]
    name, count = Counter(names).most_common(1)[0]
    if count > _MOST_OF_A_NAME:
        first = content.ders[names.index(name)]
        subject = "" if is_unread(first) else f", {load_certificate(first).subject}"
        message = f"{count:,} CA certificates have the same name{subject}: {path}"
        raise SourceError(message, f"keep those that are in use; certboot looks at {_MOST_OF_A_NAME} of one name")
    return content


def _some(content: Certificates, path: Path, hint: str) -> Certificates:
    if not content.ders:
        reason = content.damage[0] if content.damage else "there is none"
        message = f"no certificate that can be read, {reason}: {path}"
        raise SourceError(message, hint)
    return content


def _read(path: Path, rules: tuple[str, ...]) -> Certificates:
    """Return what is in a file; ``rules`` are those of the rejections that count as damage."""
    data = added.content(path)
    text = text_of_windows(data)
    ders, reasons = _pieces(data, text, path, rules)
    if is_one_element(text):
        return Certificates(ders, reasons)
    first = next((block for block in pem.blocks(text) if block.label in _LABELS), None)
    lost = _lost(text)
    if lost and (first is None or lost[0] < first.line):
        damage, at_first = [*_unseen(lost), *reasons], True
    else:
        damage = [*reasons, *_unseen(lost)]
        # What a block has is what was read first, if it was read.
        at_first = first is not None and bool(reasons and ders) and ders[0] not in (first.data or b"")
    return Certificates(ders, tuple(damage), at_first, is_pem=bool(first or lost))


def _pieces(content: bytes, text: bytes, path: Path, rules: tuple[str, ...]) -> _Pieces:
    loaded = from_bytes(content, "chain", str(path))
    ders = [candidate.certificate.der for candidate in loaded.candidates]
    reasons = [rejection.reason for rejection in loaded.rejections if rejection.rule in rules]
    is_der = is_one_element(text)
    blocks = [pem.PemBlock("CERTIFICATE", 0, text)] if is_der else list(pem.blocks(text))
    blocks = [block for block in blocks if block.label in pem.CERTIFICATE_LABELS]
    unread = {block.line: block.data for block in blocks if block.data and is_unread(block.data)}
    if unread:
        wanted = {*ders, *unread.values()}
        in_order = dict.fromkeys(block.data for block in blocks if block.data and block.data in wanted)
        ders = [*in_order, *(data for data in ders if data not in in_order)]
        begins = tuple(f"the block in line {line}: " for line in unread)
        reasons = [reason for reason in reasons if not is_der and not reason.startswith(begins)]
    return _Pieces(tuple(ders), tuple(reasons))


def _lost(text: bytes) -> list[int]:
    """Return the lines that were to begin a certificate and do not. What is commented out is not meant."""
    lines = text.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    return [
        number
        for number, line in enumerate(lines, start=1)
        if b"BEGIN " in line and line.rstrip() not in _BEGIN_LINES and _NEARLY.fullmatch(line)
    ]


def _unseen(lines: list[int]) -> list[str]:
    return [f"the block in line {number}: its BEGIN line has more or less than it should" for number in lines]


def with_damage(findings: Sequence[Finding], path: Path, damage: tuple[str, ...]) -> list[Finding]:
    """Return the findings on a chain with what is damaged in its file: the cause itself where an issuer is missing."""
    first, *others = findings
    drawn = first.seen
    if not (drawn.path and first.id in _WITHOUT_ISSUER and drawn.code in NO_ISSUER):
        return [first, *remark(first, path, damage, "fail"), *others]
    links = tuple(dataclasses.replace(link, fault=_ID if link.state == "missing" else "") for link in drawn.path)
    drawn = dataclasses.replace(drawn, path=links, operator=Instruction(EXPLANATIONS[_ID].operator))
    words, evidence = first.summary.partition("\n")[0], {**first.evidence, **_evidence(path, damage)}
    summary = f"{words}\n{_summary(path, damage)}\nit may be the one that is missing: {links[-1].subject}"
    return [Finding(_ID, "server", first.status, first.subject, summary, evidence, (), first.here, drawn), *others]


def remark(first: Finding, path: Path, damage: tuple[str, ...], status: Status) -> list[Finding]:
    """Return what is damaged as a finding beside ``first``, the verdict."""
    return [Finding(_ID, first.group, status, first.subject, _summary(path, damage), _evidence(path, damage))]


def _summary(path: Path, damage: tuple[str, ...]) -> str:
    more = len(damage) - _MOST_SHOWN
    lines = [f"there is a damaged certificate in {path}", *damage[:_MOST_SHOWN]]
    return "\n".join([*lines, f"and {more} more"] if more > 0 else lines)


def _evidence(path: Path, damage: tuple[str, ...]) -> dict[str, object]:
    return {"file": str(path), "damage": list(damage[:_MOST])}
