"""The group ``server``: a real handshake with a host that the user named, with the trust that is active now."""

from __future__ import annotations

import contextlib
import os
import ssl
import typing

from certboot import moment
from certboot.doctor.server.case import Judgement, Known
from certboot.doctor.server.chain_to_send import Basis, with_complete_chain
from certboot.doctor.server.diagnosis import Evidence, Judgements, examined
from certboot.doctor.server.known import Search, known
from certboot.net.connection import ConnectionFault, ascii_name
from certboot.net.handshake import handshake
from certboot.pki.verdict import STRICT_PYTHON, openssl_verdict, verifying_context

if typing.TYPE_CHECKING:
    from certboot.doctor.finding import Finding
    from certboot.net.connection import Target
    from certboot.net.handshake import Handshake
    from certboot.store.paths import StorePaths


def check(target: Target, paths: StorePaths) -> list[Finding]:
    """Return the findings on this server; the first is the verdict: ``handshake-ok`` or the one cause."""
    shaken = handshake(target)
    judgements = _judgements(target, shaken)
    judged = shaken.outcome in ("ok", "unverified")
    codes = frozenset(each.code for each in (judgements.here, judgements.lax, judgements.strict) if each and each.code)
    search = Search(paths, os.environ, shaken.chain.presented, (*shaken.chain.anchors, *shaken.chain.built[-1:]), codes)
    now = moment.now()
    background = known(search) if judged else Known()
    findings = examined(
        Evidence(
            target,
            now,
            judgements,
            shaken.chain.presented,
            tuple(dict.fromkeys(search.anchors)),
            shaken,
            strict_here=STRICT_PYTHON,
            level=_level(),
            known=background,
        )
    )
    return with_complete_chain(findings, Basis(shaken.chain.presented, search.anchors, background, now, paths))


def _judgements(target: Target, shaken: Handshake) -> Judgements:
    """Return what clients of each kind say of the very chain that the server sent."""
    if shaken.verify_code is None:
        return Judgements(None)
    here = Judgement(shaken.verify_code, shaken.verify_message)

    def asked(*, strict: bool, common_name: bool = True) -> Judgement | None:
        with contextlib.suppress(OSError, ConnectionFault):
            context = verifying_context(strict=strict, common_name=common_name)
            found = (
                openssl_verdict(context, shaken.chain.presented, ascii_name(target.name))
                if shaken.chain.presented
                else None
            )
            return Judgement(*found) if found else None
        return None

    return Judgements(
        here,
        asked(strict=False) if STRICT_PYTHON else here,
        here if STRICT_PYTHON else asked(strict=True),
        None if here.code else asked(strict=STRICT_PYTHON, common_name=False),
    )


def _level() -> int:
    with contextlib.suppress(OSError):
        return ssl.create_default_context().security_level
    return 2
