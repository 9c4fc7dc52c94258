"""What ``list``, ``show``, ``history`` and ``diff`` say, as text."""

from __future__ import annotations

import typing
from collections import Counter

from certboot.printable import printable
from certboot.sources import repairs

if typing.TYPE_CHECKING:
    from collections.abc import Sequence

    from certboot.model import Rejection
    from certboot.store.history import Step
    from certboot.store.manifest import Entry, Manifest

DIGITS = 16  # of a fingerprint: enough to be unique, few enough to be read


def certificates_table(entries: Sequence[Entry]) -> str:
    """Return a table of certificates: fingerprint, role, expiry, sources, name."""
    rows = [
        (entry.sha256[:DIGITS], entry.role, entry.not_after[:10], _sources(entry), entry.name + _needs(entry))
        for entry in entries
    ]
    return _table(("SHA-256", "ROLE", "EXPIRES", "SOURCES", "NAME"), rows)


def rejections_table(rejected: Sequence[Rejection]) -> str:
    """Return a table of what was turned away, and a count by rule."""
    rows = [(r.fingerprint[:DIGITS] or "-", r.rule, r.source, r.subject or r.detail, r.reason) for r in rejected]
    counts = Counter(rejection.rule for rejection in rejected)
    summary = printable(", ".join(f"{count} {rule}" for rule, count in sorted(counts.items()))) or "none"
    return f"{_table(('SHA-256', 'RULE', 'SOURCE', 'WHAT', 'WHY'), rows)}\n{summary}"


def certificate_text(entry: Entry, record: Manifest, pem: str) -> str:
    """Return everything that the store knows of one certificate, its PEM at the end."""
    names = {other.sha256: other.name for other in record.certificates}
    lines = [
        ("name", entry.name),
        ("subject", entry.subject),
        ("sha-256", entry.sha256),
        ("role", entry.role),
        ("valid", f"{entry.not_before} to {entry.not_after}"),
        *(("source", f"{reason.source}, {reason.detail}, since {reason.since}") for reason in entry.provenance),
        *(("issuer", f"{names.get(sha, '?')} ({sha[:DIGITS]})") for sha in (entry.issuer,) if sha),
        *(("anchor", f"{names.get(sha, '?')} ({sha[:DIGITS]})") for sha in (entry.anchor,) if sha),
        *(("distrust", f"of certificates that begin after {date}") for date in (entry.distrust_after,) if date),
        *(("defect", f"{defect}: Python 3.13 and newer refuse it") for defect in entry.defects),
        ("file", entry.file),
    ]
    return "\n".join(f"{label:<9} {printable(value)}" for label, value in lines) + f"\n\n{pem}"


def history_table(steps: Sequence[Step]) -> str:
    """Return a table of the generations that are kept, with the one in force marked."""
    rows = [
        (
            f"{'*' if step.in_force else ' '} {step.record.generation}",
            step.record.created,
            step.record.command,
            str(len(step.record.certificates)),
            f"+{step.came} -{step.went}",
        )
        for step in steps
    ]
    return _table(("  GENERATION", "MADE", "BY", "CERTIFICATES", "CHANGE"), rows)


def difference_text(came: Sequence[Entry], went: Sequence[Entry]) -> str:
    """Return what came and what went, a line each."""
    lines = [
        printable(f"{sign} {entry.sha256[:DIGITS]}  {entry.role:<12}  {entry.name}")
        for sign, entries in (("+", came), ("-", went))
        for entry in entries
    ]
    return "\n".join([*lines, f"{len(came)} came, {len(went)} went"])


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    shown = [head, *(tuple(printable(cell) for cell in row) for row in rows)]
    widths = [max(len(row[column]) for row in shown) for column in range(len(head) - 1)]
    lines = ([*(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=False)), row[-1]] for row in shown)
    return "\n".join("  ".join(line).rstrip() for line in lines)


def _needs(entry: Entry) -> str:
    """Return who needs an intermediate that a server does not send."""
    return "".join(f" ({reason.detail})" for reason in entry.provenance if reason.source == repairs.NAME)


def _sources(entry: Entry) -> str:
    return ",".join(reason.source for reason in entry.provenance)
