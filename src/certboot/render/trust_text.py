"""What ``trust`` shows of the certificates that it asks about."""

from __future__ import annotations

import typing

from certboot.policy import broken_rule
from certboot.printable import printable

if typing.TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from certboot.model import Loaded


WARNING = (
    "It came from the server itself, over a connection that nobody vouches for: compare the SHA-256 with what the\n"
    "company's administrator, or the CA's own site, tells you by another way. Whoever holds this CA's key can read\n"
    "what you send to any server."
)


def offer(loaded: Iterable[Loaded], now: datetime) -> str:
    """Return what a person should look at before trusting these certificates."""
    lines = []
    for one in loaded:
        for candidate in one.candidates:
            certificate = candidate.certificate
            broken = broken_rule(certificate, now)
            digits = certificate.fingerprint.upper()
            lines += [
                printable(certificate.subject),
                f"  SHA-256  {':'.join(digits[at : at + 2] for at in range(0, 64, 2))}",
                f"  valid    {certificate.not_before:%Y-%m-%d} to {certificate.not_after:%Y-%m-%d}",
                f"  from     {printable(candidate.detail)}",
                *(f"  defect   {defect}: Python 3.13 and newer refuse it" for defect in certificate.defects),
                *(f"  refused  {broken[1]}" for _ in (broken,) if broken),
            ]
        lines += [f"  refused  {printable(rejection.reason)}" for rejection in one.rejections]
    return "\n".join(lines)
