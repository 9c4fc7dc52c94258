"""What a scan comes to, below its results: how many hosts are good, which causes there are, and what mends them."""

from __future__ import annotations

import shlex
import typing

from certboot.errors import counted, printable
from certboot.scan.result import NOT_A_HOST, NOT_FINISHED, SOON

if typing.TYPE_CHECKING:
    from certboot.scan.tally import Tally

_HOSTS = 3


def scan_summary(tally: Tally, span: str | None = None) -> str:
    """Return the summary: how many hosts are good, and how many have which cause, the commonest first."""
    lines = [summary_line(tally, span)]
    width = max((len(cause) for cause in tally.causes), default=0)
    for cause, count in _by_count(tally):
        examples = tally.examples[cause]
        shown = ", ".join(printable(example) for example in examples) + (", ..." if count > len(examples) else "")
        lines.append(f"{count:>9,}  {cause:<{width}}  {shown}")
    return "\n".join([*lines, *inspection(tally), *(f"{lead}{printable(line)}" for lead, line in commands(tally))])


def summary_line(tally: Tally, span: str | None = None) -> str:
    """Return how many hosts are good, fail, and end soon, or within this span."""
    hosts = tally.total - tally.invalid
    counts = [f"{tally.statuses['ok']:,} good"]
    counts += [f"{tally.statuses['warn']:,} warned of"] if tally.statuses["warn"] else []
    counts += [f"{tally.statuses['fail'] - tally.invalid:,} fail"]
    counts += [f"{tally.statuses['error']:,} not finished"] if tally.statuses["error"] else []
    parts = [f"{counted(hosts, 'host')}: {', '.join(counts)}"]
    if soon := tally.remarks[SOON]:
        parts.append(f"{soon:,} end{'s' * (soon == 1)} {f'within {span}' if span else 'soon'}")
    if tally.invalid:
        parts.append(f"{counted(tally.invalid, 'entry', 'entries')} name{'s' * (tally.invalid == 1)} no host")
    return "; ".join(parts)


def inspection(tally: Tally) -> list[str]:
    """Return what there is to say of untrusted CAs behind hosts of several owners."""
    lines = []
    for issuer, hosts in sorted(tally.issuers.shared().items()):
        shown = ", ".join(printable(host) for host in hosts[:_HOSTS]) + (", ..." if len(hosts) > _HOSTS else "")
        lines.append(f"the same untrusted CA stands behind unrelated hosts: {printable(issuer)}")
        lines.append(f"{'':11}{shown}: most likely something on the way opens TLS (TLS inspection)")
    return lines


def commands(tally: Tally) -> list[tuple[str, str]]:
    """Return what mends the commonest cause that a command mends, and what tells of the commonest of all.

    Each with what stands before it.
    """
    causes = [cause for cause, _ in _by_count(tally) if cause not in (NOT_A_HOST, NOT_FINISHED)]
    causes += [SOON] if tally.remarks[SOON] else []
    if not causes:
        return []
    fix = next((tally.fixes[cause] for cause in causes if tally.fixes.get(cause)), ())
    return [*(("fix here: ", shlex.join(argv)) for argv in fix), ("hint: ", f"certboot explain {causes[0]}")]


def _by_count(tally: Tally) -> list[tuple[str, int]]:
    return sorted(tally.causes.items(), key=lambda cause: (-cause[1], cause[0]))
