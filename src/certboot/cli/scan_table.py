"""What a scan shows to people: a row for each host that is not good, the worst first, then what there is to do."""

from __future__ import annotations

import typing
from datetime import timedelta

from certboot import moment
from certboot.cli.layout import STYLES, Line, columns, mark
from certboot.cli.scan_summary import commands, inspection, summary_line
from certboot.doctor.findings import EXPLANATIONS
from certboot.scan.result import SOON, time_left

if typing.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from certboot.cli.layout import Form
    from certboot.doctor.finding import Status
    from certboot.scan.result import Result
    from certboot.scan.tally import Tally

_HEAD = ("HOST", "CAUSE", "LEFT", "WHO CAN MEND IT")
_RANKS = {"fail": 0, "error": 1, "warn": 2}
_NARROWEST, _WIDEST = 12, 80
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
# How findings' stories name those who can mend something, and how a column does.
_WHO = {
    "you, on this machine": "you here",
    "whoever operates the server": "its operator",
    "whoever runs the CA": "its CA",
    "whoever administers your network": "network",
}


class _Row(typing.NamedTuple):
    number: int
    status: Status
    host: str
    cause: str
    left: timedelta | None


def scan_table(results: Iterable[Result], tally: Tally, form: Form, *, span: str | None, every: bool) -> Iterator[Line]:
    """Yield the table when all results are there, the summary, and what there is to do.

    Of good hosts no more is kept and shown than a count, and the first that ends; all of them if ``every`` is wanted.
    """
    rows: list[_Row] = []
    good: list[_Row] = []
    now = moment.now()
    for result in results:
        row = _row(result, now)
        if row.status != "ok" or every:
            rows.append(row)
        else:
            good = [min((*good, row), key=_end)]
    if not tally.total:
        return
    numbers = tally.causes + tally.remarks
    rows.sort(key=lambda row: (_RANKS.get(row.status, len(_RANKS)), -numbers[row.cause], row.cause, row.number))
    yield from _table(rows, form)
    count = tally.total - len(rows)
    if count:
        (first,) = good
        ends = f"; the first ends in {_shown(first.left)}: {first.host}" if first.left is not None else ""
        yield Line(f"{count:,} {'more ' * bool(rows)}good{ends}", f"{mark('ok', symbols=form.symbols)} ", "good")
    failed = tally.statuses["fail"] or tally.statuses["error"]
    yield Line(summary_line(tally, span), style="bad" if failed else "strong")
    yield from (Line(line, hang=11) for line in inspection(tally))
    yield from (Line(command, lead, "strong", wrapped=False) for lead, command in commands(tally))


def _row(result: Result, now: datetime) -> _Row:
    verdict = result.verdict
    soon = verdict.status == "ok" and SOON in verdict.also
    cause = SOON if soon else verdict.primary or "good"
    status = "warn" if soon else verdict.status
    return _Row(result.number, status, result.target or result.input, cause, time_left(result, now))


def _end(row: _Row) -> tuple[timedelta, int]:
    return timedelta.max if row.left is None else row.left, row.number


def _table(rows: Sequence[_Row], form: Form) -> Iterator[Line]:
    if not rows:
        return
    margin = columns(mark("ok", symbols=form.symbols)) + 1
    cells = [_HEAD, *((row.host, row.cause, _shown(row.left), _who(row.cause)) for row in rows)]
    dots = "\N{HORIZONTAL ELLIPSIS}" if form.symbols else "..."
    head, *texts = _laid(cells, form.width and form.width - margin, dots)
    yield Line(f"{'':{margin}}{head}", wrapped=False)
    for row, text in zip(rows, texts, strict=True):
        yield Line(text, f"{mark(row.status, symbols=form.symbols)} ", STYLES.get(row.status, ""), wrapped=False)


def _laid(cells: Sequence[tuple[str, ...]], width: int, dots: str) -> Iterator[str]:
    """Yield the rows in columns: hosts are shortened to what the others leave of the width.

    Where that is 0 they stand whole, and one of absurd length, as a damaged list has it, makes only its own row longer.
    Where the others leave next to nothing, who can mend it is left to ``certboot explain``.
    """
    widths = [max(columns(row[place]) for row in cells) for place in range(len(_HEAD))]
    others = sum(widths[1:]) + 2 * len(widths[1:])
    whole = not width or width - others >= min(_NARROWEST, widths[0])
    if not whole:
        others -= widths[-1] + 2
    room = min(widths[0], max(width - others, _NARROWEST) if width else _WIDEST)
    for host, cause, left, who in cells:
        shown = _fitted(host, room, dots) if width else host
        text = f"{shown}{'':{max(0, room - columns(shown))}}  {cause:<{widths[1]}}  {left:>{widths[2]}}"
        yield f"{text}  {who}".rstrip() if whole else text


def _fitted(text: str, width: int, dots: str) -> str:
    """Return the text, without its middle if it takes more columns."""
    if columns(text) <= width:
        return text
    lengths = range(min(len(text), width), 0, -1)
    parts = (f"{text[: keep // 2]}{dots}{text[-(keep - keep // 2) :]}" for keep in lengths)
    return next(part for part in parts if columns(part) <= width)


def _shown(left: timedelta | None) -> str:
    """Return a time in days, or in hours where there are not two days of it."""
    if left is None:
        return "-"
    size = abs(left)
    return f"{'-' * (left != size)}{f'{size // _DAY} d' if size >= 2 * _DAY else f'{size // _HOUR} h'}"


def _who(cause: str) -> str:
    """Return who can mend it, whoever stands first in its story first."""
    story = EXPLANATIONS[cause].who if cause in EXPLANATIONS else ""
    return ", ".join(
        short for at, short in sorted((story.find(words), short) for words, short in _WHO.items()) if at >= 0
    )
