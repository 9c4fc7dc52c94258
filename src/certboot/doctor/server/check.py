"""The group ``server``: a real handshake with a host that the user named, with the trust that is active now."""

from __future__ import annotations

import contextlib
import os
import ssl
import typing

from certboot.doctor.server.judge import judge, of_handshake, of_presented
from certboot.net.handshake import handshake
from certboot.pki.verdict import verifying_context

if typing.TYPE_CHECKING:
    from certboot.doctor.finding import Finding
    from certboot.net.connection import Target
    from certboot.pki.verdict import Judgement
    from certboot.store.paths import StorePaths


def check(target: Target, paths: StorePaths) -> list[Finding]:
    """Return the findings on this server; the first is the verdict: ``handshake-ok`` or the one cause."""
    shaken = handshake(target)

    def ask(*, strict: bool, common_name: bool = True) -> Judgement | None:
        with contextlib.suppress(OSError):
            return of_presented(verifying_context(strict=strict, common_name=common_name), target, shaken)
        return None

    return judge(of_handshake(target, shaken, ask, _level()), paths, os.environ)


def _level() -> int:
    with contextlib.suppress(OSError):
        return ssl.create_default_context().security_level
    return 2
