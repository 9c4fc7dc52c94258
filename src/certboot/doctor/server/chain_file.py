"""The group ``server`` without a server: a chain from a file, as if a server had sent it."""

from __future__ import annotations

import os
import typing
from dataclasses import dataclass
from datetime import datetime

from certboot import moment
from certboot.doctor.server import certificate_file
from certboot.doctor.server.case import Evidence
from certboot.doctor.server.diagnosis import relevant
from certboot.doctor.server.judge import judge, judgements
from certboot.errors import CertbootError, SourceError
from certboot.net.connection import ConnectionFault, ascii_name
from certboot.net.target import Target
from certboot.pki.by_subject import readable_parts
from certboot.pki.verdict import STRICT_PYTHON, Judgement, openssl_verdict, verifying_context
from certboot.pki.verify import Rules, verify
from certboot.pki.verify_codes import Code

if typing.TYPE_CHECKING:
    import ssl
    from pathlib import Path

    from certboot.doctor.finding import Finding
    from certboot.doctor.server.judge import Ask
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
    context = _context(given)
    here = openssl_verdict(context, chain, name)
    anchors = tuple(context.get_ca_certs(binary_form=True)) if given is None else given
    now = asked.at or moment.now()

    def ask(*, strict: bool, common_name: bool = True) -> Judgement | None:
        return openssl_verdict(_context(given, strict=strict, common_name=common_name), chain, name)

    if asked.at or here is None:  # None: too long a chain for a handshake
        ask = _at_another_time(chain, anchors, Rules(now, name))
        here = ask(strict=STRICT_PYTHON)
    evidence = Evidence(target, now, judgements(here, ask), chain, anchors)
    # Where the CA certificates to believe were given, no variable decides.
    findings = judge(evidence, paths, os.environ if given is None else {}, time_chosen=asked.at is not None)
    if given_chain.damage:
        findings = certificate_file.with_damage(findings, asked.path, given_chain.damage)
    if asked.anchors and given_anchors and given_anchors.damage:
        findings += certificate_file.remark(findings[0], asked.anchors, given_anchors.damage, "warn")
    return findings


def _context(
    anchors: tuple[bytes, ...] | None, *, strict: bool = STRICT_PYTHON, common_name: bool = True
) -> ssl.SSLContext:
    try:
        return verifying_context(strict=strict, common_name=common_name, anchors=anchors)
    except OSError as error:
        message = f"the trust that is active cannot be read: {error}"
        raise CertbootError(message, "certboot doctor environment") from error


def _at_another_time(chain: tuple[bytes, ...], anchors: tuple[bytes, ...], rules: Rules) -> Ask:
    sent = readable_parts(chain)
    above = relevant(anchors, sent)

    def ask(*, strict: bool, common_name: bool = True) -> Judgement:
        code = verify(sent, above, Rules(rules.at, rules.host, strict=strict, common_name=common_name)).code
        return Judgement(int(code), Code(code).words)

    return ask
