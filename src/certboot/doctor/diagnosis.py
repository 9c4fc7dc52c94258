"""What the doctor says of one server, for programs: what ``certboot.diagnose`` returns."""

from __future__ import annotations

import typing
from dataclasses import dataclass

from certboot.doctor.finding import merged

if typing.TYPE_CHECKING:
    from certboot.doctor.examination import ClientVerdict, Link, PresentedCertificate, Trust
    from certboot.doctor.finding import Finding, Fix


@dataclass(frozen=True)
class Diagnosis:
    """What the doctor says of one server. What is documented stays as it is; more may come."""

    target: str
    """HOST:PORT."""
    cause: Finding | None
    """The one cause why a client that is here, and that certboot means to reach, refuses it; None if none does."""
    remedies: Fix
    """The commands that mend it, in their order, each an argv that runs as it stands."""
    trusts: tuple[Trust, ...]
    """What each trust that the clients here use says of the chain, that of requests first."""
    chain: tuple[PresentedCertificate, ...]
    """The certificates as the server sent them, the first hundred; empty where it did not come to that."""
    path: tuple[Link, ...]
    """The way from the server's certificate up to a trusted one, and where it breaks."""
    verdicts: tuple[ClientVerdict, ...]
    """What Pythons of other versions, with other OpenSSLs, say of the chain."""
    remarks: tuple[Finding, ...]
    """What else there is to say, such as what other versions of Python would refuse. It keeps none of them out."""
    findings: tuple[Finding, ...]
    """As ``certboot doctor HOST --json`` has those of the group ``server``; the first is the verdict."""

    @property
    def ok(self) -> bool:
        """Whether there is no such cause."""
        return self.cause is None


def diagnosed(target: str, findings: tuple[Finding, ...]) -> Diagnosis:
    """Return what the findings on a server come to, of which the first is the verdict."""
    first, seen = findings[0], findings[0].seen
    remedies = merged(finding.fix for finding in findings if finding.status != "ok")
    remarks = tuple(finding for finding in findings if not finding.failed and finding.status != "ok")
    cause = first if first.failed else None
    return Diagnosis(target, cause, remedies, seen.trusts, seen.chain, seen.path, seen.verdicts, remarks, findings)
