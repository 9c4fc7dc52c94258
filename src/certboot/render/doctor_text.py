"""The doctor's findings as text: groups, one line a finding, then what mends them and one summary line."""

from __future__ import annotations

import shlex
import typing
from itertools import groupby

from certboot.printable import printable
from certboot.render.chain_text import chain_lines

if typing.TYPE_CHECKING:
    from collections.abc import Sequence

    from certboot.model import Finding

_WIDTH = 34  # of GRPC_DEFAULT_SSL_ROOTS_FILE_PATH, the longest subject, and two spaces
_INDENT = f"{'':8}"


def doctor_report(findings: Sequence[Finding]) -> str:
    """Return the whole report. Readable without colour; strings from strangers cannot drive the terminal."""
    lines: list[str] = []
    for group, members in groupby(findings, key=lambda finding: finding.group):
        lines.append(group)
        for finding in members:
            lines += _described(finding)
    return "\n".join((*lines, *closing(findings)))


def closing(findings: Sequence[Finding]) -> list[str]:
    """Return the last lines: an empty one, the summary, and what mends what was found, each command on a line."""
    failed = [finding for finding in findings if finding.status in ("fail", "error")]
    groups = {finding.group for finding in failed}
    lines = ["", f"{len(failed)} failed in {', '.join(sorted(groups))}" if failed else "no problem found"]
    wrong = [finding for finding in findings if finding.status != "ok"]
    lines += [f"hint: {fix}" for fix in dict.fromkeys(printable(shlex.join(a)) for each in wrong for a in each.fix)]
    explained = [each.id for each in wrong if each.group == "server" and each.status in ("fail", "warn")][:1]
    return lines + [f"hint: certboot explain {kind}" for kind in explained]


def said(finding: Finding) -> list[str]:
    """Return the lines of what a finding says, as they are; of a server's the id goes first."""
    lines = finding.summary.split("\n")
    return [finding.id, *lines] if finding.group == "server" and finding.status != "ok" else lines


def _described(finding: Finding) -> list[str]:
    first, *more = said(finding)
    lines = [f"  {finding.status:<6}{printable(finding.subject):<{_WIDTH}}{printable(first)}".rstrip()]
    lines += [f"{_INDENT}{printable(line)}" for line in more]
    return lines + [f"{_INDENT}{line}" for line in chain_lines(finding.evidence)]
