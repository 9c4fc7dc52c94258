"""The group ``server`` without a server: a chain from a file, as if a server had sent it."""

from __future__ import annotations

import contextlib
import os
import typing
from dataclasses import dataclass
from datetime import datetime, timezone

from certboot.connection import ConnectionFault, ascii_name
from certboot.diagnosis.examination import Evidence, Judgements, examined, read, relevant
from certboot.diagnosis.values import Judgement
from certboot.diagnosis.verification import Rules, verify
from certboot.diagnosis.verify_codes import MESSAGES
from certboot.doctor.complete_chain import Basis, with_complete_chain
from certboot.doctor.known import Search, known
from certboot.errors import CertbootError, SourceError
from certboot.model import Target
from certboot.sources.reading import from_bytes
from certboot.verdict import STRICT_PYTHON, judge, verdict

if typing.TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from certboot.details import Details
    from certboot.model import Finding
    from certboot.paths import StorePaths

_MOST_FILES = 20_000
_LONGEST = 1_000
_MOST_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class ChainFile:
    """What to judge: a file with the server's certificate first, then what it sends along."""

    path: Path
    host: str
    at: datetime | None = None
    """Aware; None: now."""
    anchors: Path | None = None
    """A file or folder of CA certificates to believe; None: the trust that is active now."""


def check(asked: ChainFile, paths: StorePaths) -> list[Finding]:
    """Return the findings on the chain; raises CertbootError where a file cannot be read."""
    chain = tuple(_certificates(asked.path))
    if len(chain) > _LONGEST:
        message = f"over {_LONGEST:,} certificates, which no server sends: {asked.path}"
        raise SourceError(message, "give the server's certificate first, then what it sends along")
    target = Target(asked.host, port=0)
    try:
        name = ascii_name(target.name)
    except ConnectionFault:
        message = f"not a host: {asked.host!r}"
        raise CertbootError(message, "certboot doctor --chain FILE --host NAME") from None
    given = None if asked.anchors is None else tuple(_anchors(asked.anchors))
    here, found = _judged(chain, name, given, common_name=True)
    anchors = given if given is not None else tuple(found)
    now = asked.at or datetime.now(timezone.utc)
    if asked.at:
        judgements = _at_another_time(read(chain), anchors, Rules(now, name))
    else:
        judgements = Judgements(
            here,
            _judged(chain, name, given, strict=False)[0],
            _judged(chain, name, given, strict=True)[0],
            None if here and here.code else _judged(chain, name, given, common_name=False)[0],
        )
        if here is None:  # too long a chain for a handshake
            judgements = _at_another_time(read(chain), anchors, Rules(now, name))
    codes = frozenset(each.code for each in (judgements.here, judgements.lax, judgements.strict) if each and each.code)
    background = known(Search(paths, os.environ, chain, anchors, codes))
    findings = examined(Evidence(target, now, judgements, chain, anchors, None, STRICT_PYTHON, known=background))
    return with_complete_chain(findings, Basis(chain, anchors, background, now, paths))


def _judged(
    chain: tuple[bytes, ...],
    name: str,
    anchors: tuple[bytes, ...] | None,
    *,
    strict: bool = STRICT_PYTHON,
    common_name: bool = True,
) -> tuple[Judgement | None, list[bytes]]:
    """Return OpenSSL's verdict now, and the CA certificates that it had at hand."""
    try:
        context = judge(strict=strict, common_name=common_name, anchors=anchors)
    except OSError as error:
        message = f"the trust that is active cannot be read: {error}"
        raise CertbootError(message, "certboot doctor environment") from error
    found = verdict(context, chain, name)
    return (Judgement(*found) if found else None), context.get_ca_certs(binary_form=True)


def _at_another_time(sent: Sequence[Details], anchors: tuple[bytes, ...], rules: Rules) -> Judgements:
    above = relevant(anchors, sent)

    def judged(*, strict: bool, common_name: bool = True) -> Judgement:
        asked = Rules(rules.at, rules.host, strict=strict, common_name=common_name)
        found = verify(sent, above, asked).code
        return Judgement(found, MESSAGES.get(found, f"error {found}"))

    here = judged(strict=STRICT_PYTHON)
    without = None if here.code else judged(strict=STRICT_PYTHON, common_name=False)
    return Judgements(here, judged(strict=False), judged(strict=True), without)


def _certificates(path: Path) -> list[bytes]:
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except OSError as error:
        message = f"cannot read {path}: {error.strerror}"
        raise SourceError(message, "check the path, and that you may read it") from error
    loaded = from_bytes(data, "chain", str(path))
    if not loaded.candidates:
        reason = loaded.rejections[0].reason if loaded.rejections else "there is none"
        message = f"no certificate that can be read, {reason}: {path}"
        raise SourceError(message, "give the server's certificate first, then what it sends along, in PEM")
    return [candidate.certificate.der for candidate in loaded.candidates]


def _anchors(path: Path) -> list[bytes]:
    if not path.is_dir():
        return _certificates(path)
    found: dict[bytes, None] = {}
    try:
        with os.scandir(path) as entries:
            files = sorted(entry.path for entry in entries if entry.is_file())[:_MOST_FILES]
    except OSError as error:
        message = f"cannot read {path}: {error.strerror}"
        raise SourceError(message, "check the path, and that you may read it") from error
    for name in files:
        with contextlib.suppress(CertbootError):
            found.update(dict.fromkeys(_certificates(type(path)(name))))
    if not found:
        message = f"no certificate in the folder: {path}"
        raise SourceError(message, "--anchors takes a file or a folder of CA certificates in PEM or DER")
    return list(found)
