"""The group ``server`` without a server: a chain from a file, as if a server had sent it."""

from __future__ import annotations

import os
import typing
from dataclasses import dataclass, replace
from datetime import datetime

from certboot import moment
from certboot.doctor.server import certificate_file
from certboot.doctor.server.case import Judgement
from certboot.doctor.server.chain_to_send import Basis, with_complete_chain
from certboot.doctor.server.diagnosis import Evidence, Judgements, examined, read, relevant
from certboot.doctor.server.known import Search, known
from certboot.errors import CertbootError, SourceError
from certboot.net.connection import ConnectionFault, Target, ascii_name
from certboot.pki.verdict import STRICT_PYTHON, openssl_verdict, verifying_context
from certboot.pki.verify import Rules, verify
from certboot.pki.verify_codes import MESSAGES

if typing.TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from certboot.doctor.finding import Finding
    from certboot.pki.parsed import ParsedCertificate
    from certboot.store.paths import StorePaths

_LONGEST = 1_000


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
    given_chain = certificate_file.chain(asked.path)
    chain = given_chain.ders
    if len(chain) > _LONGEST:
        message = f"over {_LONGEST:,} certificates, which no server sends: {asked.path}"
        raise SourceError(message, "give the server's certificate first, then what it sends along")
    target = Target(asked.host, port=0)
    try:
        name = ascii_name(target.name)
    except ConnectionFault:
        message = f"not a host: {asked.host!r}"
        raise CertbootError(message, "certboot doctor --chain FILE --host NAME") from None
    given_anchors = None if asked.anchors is None else certificate_file.anchors(asked.anchors)
    given = None if given_anchors is None else given_anchors.ders
    here, found = _judged(chain, name, given, common_name=True)
    anchors = given if given is not None else tuple(found)
    now = asked.at or moment.now()
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
    background = replace(
        # Where the CA certificates to believe were given, no variable decides.
        known(Search(paths, os.environ if given is None else {}, chain, anchors, codes)),
        time_chosen=asked.at is not None,
    )
    findings = examined(Evidence(target, now, judgements, chain, anchors, None, STRICT_PYTHON, known=background))
    findings = with_complete_chain(findings, Basis(chain, anchors, background, now, paths))
    if given_chain.damage:
        findings = certificate_file.with_damage(findings, asked.path, given_chain.damage)
    if asked.anchors and given_anchors and given_anchors.damage:
        findings += certificate_file.remark(findings[0], asked.anchors, given_anchors.damage, "warn")
    return findings


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
        context = verifying_context(strict=strict, common_name=common_name, anchors=anchors)
    except OSError as error:
        message = f"the trust that is active cannot be read: {error}"
        raise CertbootError(message, "certboot doctor environment") from error
    found = openssl_verdict(context, chain, name)
    return (Judgement(*found) if found else None), context.get_ca_certs(binary_form=True)


def _at_another_time(sent: Sequence[ParsedCertificate], anchors: tuple[bytes, ...], rules: Rules) -> Judgements:
    above = relevant(anchors, sent)

    def judged(*, strict: bool, common_name: bool = True) -> Judgement:
        asked = Rules(rules.at, rules.host, strict=strict, common_name=common_name)
        found = verify(sent, above, asked).code
        return Judgement(found, MESSAGES.get(found, f"error {found}"))

    here = judged(strict=STRICT_PYTHON)
    without = None if here.code else judged(strict=STRICT_PYTHON, common_name=False)
    return Judgements(here, judged(strict=False), judged(strict=True), without)
