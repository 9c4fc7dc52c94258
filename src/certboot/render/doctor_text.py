"""The doctor's findings as text: groups, one line a finding, then what mends them and one summary line."""

from __future__ import annotations

import shlex
import typing
from itertools import groupby

from certboot.printable import printable

if typing.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from certboot.model import Finding

_WIDTH = 34  # of GRPC_DEFAULT_SSL_ROOTS_FILE_PATH, the longest subject, and two spaces


def doctor_report(findings: Sequence[Finding]) -> str:
    """Return the whole report. Readable without colour; strings from strangers cannot drive the terminal."""
    lines: list[str] = []
    for group, members in groupby(findings, key=lambda finding: finding.group):
        lines.append(group)
        for finding in members:
            first, *more = finding.summary.split("\n")
            lines.append(f"  {finding.status:<6}{printable(finding.subject):<{_WIDTH}}{printable(first)}")
            lines += [f"{'':8}{printable(line)}" for line in more]
            lines += _chain(finding)
    failed = [finding for finding in findings if finding.status in ("fail", "error")]
    groups = {finding.group for finding in failed}
    lines += ["", f"{len(failed)} failed in {', '.join(sorted(groups))}" if failed else "no problem found"]
    fixes = dict.fromkeys(shlex.join(argv) for finding in findings for argv in finding.fix if finding.status != "ok")
    lines += [f"hint: {printable(fix)}" for fix in fixes]
    return "\n".join(lines)


def _chain(finding: Finding) -> list[str]:
    chain = typing.cast("Sequence[Mapping[str, str]]", finding.evidence.get("chain") or ())
    if not chain:
        return []
    lines = [f"{'':8}presented chain:"]
    for depth, certificate in enumerate(chain):
        lines.append(f"{'':8}{depth:>2} s:{printable(certificate['subject'])}")
        if certificate["fingerprint"]:
            lines.append(f"{'':8}   i:{printable(certificate['issuer'])}")
            lines.append(f"{'':8}   v:{certificate['not_before']} to {certificate['not_after']}")
    return lines
