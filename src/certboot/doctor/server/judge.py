"""From a chain, and what OpenSSL says of it, to the findings: for a server, a host of a scan, or a chain in a file."""

from __future__ import annotations

import contextlib
import typing
from dataclasses import replace

from certboot import moment
from certboot.doctor.server.case import Evidence, Judgements
from certboot.doctor.server.chain_to_send import with_complete_chain
from certboot.doctor.server.diagnosis import examined
from certboot.doctor.server.known import known
from certboot.doctor.server.stand_in import with_stand_in
from certboot.net.connection import ConnectionFault, ascii_name
from certboot.pki.verdict import STRICT_PYTHON, Judgement, openssl_verdict
from certboot.store.authorities import Authorities
from certboot.store.generations import known_in_force

if typing.TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

    from certboot.doctor.finding import Finding
    from certboot.net.handshake import Handshake
    from certboot.net.target import Target
    from certboot.store.paths import StorePaths


class Ask(typing.Protocol):
    """Asks what a kind of client says of a chain; None where it cannot be asked, or the answer would decide nothing."""

    def __call__(self, *, strict: bool, common_name: bool = True) -> Judgement | None:
        """``strict``: as Python 3.13 and newer; ``common_name``: whether it stands in for a missing subjectAltName."""


def judgements(here: Judgement | None, ask: Ask) -> Judgements:
    """Return what clients of each kind say of a chain; ``here`` is what those of this Python do."""
    if here is None:
        return Judgements(None)
    return Judgements(
        here,
        ask(strict=False) if STRICT_PYTHON else here,
        here if STRICT_PYTHON else ask(strict=True),
        None if here.code else ask(strict=STRICT_PYTHON, common_name=False),
    )


def of_handshake(target: Target, shaken: Handshake, ask: Ask, level: int) -> Evidence:
    """Return what a handshake has brought to light."""
    here = None if shaken.verify_code is None else Judgement(shaken.verify_code, shaken.verify_message)
    anchors = tuple(dict.fromkeys((*shaken.chain.anchors, *shaken.chain.built[-1:])))
    said = judgements(here, ask)
    return Evidence(target, moment.now(), said, shaken.chain.presented, anchors, shaken, level=level)


def of_presented(context: ssl.SSLContext, target: Target, shaken: Handshake) -> Judgement | None:
    """Return what OpenSSL says, with the rules of this context, of the very chain that the server sent."""
    with contextlib.suppress(OSError, ConnectionFault):
        return openssl_verdict(context, shaken.chain.presented, ascii_name(target.name))
    return None


def judge(
    evidence: Evidence, paths: StorePaths, environ: Mapping[str, str], *, time_chosen: bool = False
) -> list[Finding]:
    """Return the findings; the first is the verdict, ``handshake-ok`` or the one cause, with the chain to send."""
    if evidence.handshake and evidence.handshake.outcome not in ("ok", "unverified"):
        return examined(evidence)
    authorities = Authorities(paths, known_in_force(paths))
    background = known(evidence, authorities, environ)
    evidence = replace(evidence, known=replace(background, clock=None) if time_chosen else background)
    findings = with_complete_chain(examined(evidence), evidence, authorities)
    return with_stand_in(findings, evidence, authorities, environ)
