"""A scan's results for programs: JSON lines, CSV for spreadsheets, and gauges for Prometheus.

What a stranger chose (a certificate's names) or a list holds is text in all of them and nothing else: no line of its
own, no formula, no label.
"""

from __future__ import annotations

import csv
import io
import re
import shlex
import typing
import unicodedata
from datetime import timedelta

from certboot import moment
from certboot.errors import printable
from certboot.scan.result import scan_line, time_left

if typing.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from certboot.scan.result import Result

_COLUMNS = (
    "number", "input", "target", "status", "primary", "also", "days_left", "not_before", "not_after", "subject",
    "issuer", "fingerprint", "verify_code", "protocol", "root", "fix", "summary", "seconds",
)  # fmt: skip
# Where a cell begins: also to a spreadsheet that goes by semicolons, and takes our quotes for its own.
_BEGINNING = re.compile(r"(?:^|;)[\s\"]*(?=([^\s\"]))")
_FORMULAS = ("=", "+", "-", "@")
_SAFE = "'"
_DAY = timedelta(days=1)
_SCAN = "certboot_scan_"
_GAUGES = {
    "success": "1 if this Python accepts the host by the store, else 0; the cause is for certboot explain.",
    "verify_code": "What OpenSSL says of the chain; 0 is good. None where it did not come to a chain.",
    "certificate_not_after_timestamp_seconds": "When the certificate of the host ends.",
    "certificate_left_seconds": "How long it was still valid when the scan ended, below 0 if it had ended.",
}


def json_lines(results: Iterable[Result]) -> Iterator[str]:
    """Yield a JSON line for each."""
    return map(scan_line, results)


def csv_lines(results: Iterable[Result]) -> Iterator[str]:
    """Yield the names of the columns, which are keys of a JSON line where those have it, then a line for each."""
    for place, result in enumerate(results):
        if not place:
            yield _line(_COLUMNS)
        yield _line(_cells(result))


def openmetrics(results: Iterable[Result]) -> Iterator[str]:
    """Yield gauges as OpenMetrics 1.0 has them, all at once; nothing if there is no result.

    Prometheus' own text format (https://prometheus.io/docs/instrumenting/exposition_formats/) reads the same lines: it
    knows gauges too, and takes UNIT and EOF for comments. Samples have no time, which node_exporter would refuse.
    """
    families: dict[str, list[str]] = {name: [] for name in _GAUGES}
    named: set[tuple[str, str]] = set()
    for result in sorted(results, key=lambda result: result.number):
        name = result.input, result.target
        if name not in named:  # a series must not come twice, and an entry of the list may
            named.add(name)
            for gauge, sample in _samples(result):
                families[gauge].append(f"{_SCAN}{gauge}{sample}\n")
    if named:
        yield "".join([*(_family(gauge, samples) for gauge, samples in families.items()), "# EOF\n"])


def _family(gauge: str, samples: Iterable[str]) -> str:
    unit = f"# UNIT {_SCAN}{gauge} seconds\n" if gauge.endswith("_seconds") else ""
    return f"# TYPE {_SCAN}{gauge} gauge\n{unit}# HELP {_SCAN}{gauge} {_GAUGES[gauge]}\n{''.join(samples)}"


def _samples(result: Result) -> Iterator[tuple[str, str]]:
    """Yield the name of each gauge that there is of a host, with labels and value."""
    verdict, now = result.verdict, moment.now()
    host = {"target": result.target, "input": result.input}
    good = int(verdict.status not in ("fail", "error"))
    yield "success", f"{_labels(**host, cause=verdict.primary or '')} {good}"
    if verdict.verify_code is not None:
        yield "verify_code", f"{_labels(**host)} {verdict.verify_code}"
    left = time_left(result, now)
    if left is not None:
        yield "certificate_not_after_timestamp_seconds", f"{_labels(**host)} {int((now + left).timestamp())}"
        yield "certificate_left_seconds", f"{_labels(**host)} {int(left.total_seconds())}"


def _labels(**values: str) -> str:
    """Return labels as both formats escape them."""
    escaped = (printable(value).replace("\\", r"\\").replace('"', r"\"") for value in values.values())
    return "{" + ",".join(f'{name}="{value}"' for name, value in zip(values, escaped, strict=True)) + "}"


def _cells(result: Result) -> Iterator[str]:
    """Yield what stands below the names of the columns."""
    verdict, left = result.verdict, time_left(result, moment.now())
    values = {
        **vars(verdict),
        **vars(result),
        **(vars(verdict.certificate) if verdict.certificate else {}),
        "also": " ".join(verdict.also),
        "fix": " && ".join(map(shlex.join, verdict.fix)),
        "days_left": None if left is None else int(left / _DAY),
    }
    for name in _COLUMNS:
        value = values.get(name)
        yield _text(value) if isinstance(value, str) else "" if value is None else str(value)


def _text(value: str) -> str:
    """Return a text that no spreadsheet takes for a formula (https://owasp.org/www-community/attacks/CSV_Injection)."""
    line = printable("; ".join(value.split("\n")))
    return _BEGINNING.sub(lambda begin: begin[0] + _SAFE * _is_formula(begin[1]), line)


def _is_formula(character: str) -> bool:
    return unicodedata.normalize("NFKC", character) in _FORMULAS  # of full width too


def _line(cells: Iterable[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()


FORMATS: dict[str, Callable[[Iterable[Result]], Iterator[str]]] = {
    "json": json_lines,
    "csv": csv_lines,
    "openmetrics": openmetrics,
}
