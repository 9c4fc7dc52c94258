"""Make tables, sentences and pictures of docs/benchmarks/results.json: the generated parts of what tells of figures.

    python3 scripts/bench_page.py    writes docs/benchmarks.md, docs/benchmarks/*.svg and README.md anew

scripts/bench.py measures, and writes that file.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from generated import filled

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "benchmarks"
RESULTS = FOLDER / "results.json"
BARE, PTH, STOCK, CERTBOOT = "bare start", "comment-only `.pth`", "stock", "certboot"
NOT_HERE = "not here"

WIDTH, MARGIN, LINE, GAP, BAR, BASE = 560, 12, 18, 6, 12, 11
LABELS, FIGURES = 150, 70
"""The room for names beside the bars, and for figures at the end of the longest."""
STYLE = """\
<style>
  text { font: 13px system-ui, "Segoe UI", Roboto, Helvetica, Arial, sans-serif; fill: #1f2328 }
  .strong { font-weight: bold }
  .name { text-anchor: end }
  rect { fill: #8c959f }
  .ours { fill: #0969da }
  .page { fill: #ffffff; stroke: #d0d7de }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    rect { fill: #6e7681 }
    .ours { fill: #58a6ff }
    .page { fill: #0d1117; stroke: #30363d }
  }
</style>
"""


@dataclass(frozen=True)
class Goal:
    """What a figure is to reach: at most so many times another, or at least so many times less; alone, at most that."""

    of: str
    beside: str = ""
    most: float = 0
    least: float = 0

    def reached(self, figures: Mapping[str, float | None]) -> float | None:
        """Return what it has reached; None where one of the two is not here."""
        mine, other = figures.get(self.of), figures.get(self.beside) if self.beside else 1
        if not mine or not other:
            return None
        return other / mine if self.least else mine / other

    def is_met(self, figures: Mapping[str, float | None]) -> bool:
        """Return whether it is; what nobody could measure is not."""
        value = self.reached(figures)
        return value is not None and (value >= self.least if self.least else value <= self.most)

    def told(self, row: Row) -> str:
        """Return value, goal, and whether it is met."""
        value = self.reached(row.figures)
        if value is None:
            return NOT_HERE
        met = "met" if self.is_met(row.figures) else "**missed**"
        if not self.beside:
            return f"{figure(value)} {row.unit}; at most {self.most:g} {row.unit}: {met}"
        if self.least:
            return f"{value:.2f} times faster than {self.beside}; at least {self.least:g}: {met}"
        return f"{value:.4f} times {self.beside}; at most {self.most:g}: {met}"


@dataclass(frozen=True)
class Row:
    """What was measured of each contestant; None of one that is not here."""

    topic: str
    what: str
    unit: str
    figures: Mapping[str, float | None]
    goal: Goal | None = None


@dataclass(frozen=True)
class Results:
    """One run."""

    version: str
    python: str
    where: str
    rows: tuple[Row, ...]

    def of(self, topic: str) -> list[Row]:
        """Return the rows of a topic."""
        return [row for row in self.rows if row.topic == topic]

    def to_json(self) -> str:
        """Return the run as it is kept: to five digits, which is more than repeats."""
        rows = [asdict(row) for row in self.rows]
        for row in rows:
            row["figures"] = {name: value and float(f"{value:.5g}") for name, value in row["figures"].items()}
        return json.dumps({**asdict(self), "rows": rows}, indent=1) + "\n"


def read(path: Path = RESULTS) -> Results:
    """Return the run that a file holds."""
    document = json.loads(path.read_text("utf-8"))
    rows = [Row(**{**row, "goal": row["goal"] and Goal(**row["goal"])}) for row in document["rows"]]
    return Results(**{**document, "rows": tuple(rows)})


def figure(value: float | None) -> str:
    """Return a figure to three digits."""
    if value is None:
        return NOT_HERE
    digits = next((digits for digits, least in enumerate((100, 10, 1, 0.1)) if value >= least), 4)
    return f"{value:,.{digits}f}"


def table(results: Results, topic: str) -> str:
    """Return the rows of a topic in Markdown: a column for each contestant, and one for goals where there are any."""
    rows = results.of(topic)
    names = list(dict.fromkeys(name for row in rows for name in row.figures))
    has_goals = any(row.goal for row in rows)
    head = ["", "unit", *names, *(["goal"] if has_goals else [])]
    lines = [head, ["---", "---", *["---:"] * len(names), *(["---"] if has_goals else [])]]
    for row in rows:
        cells = [figure(row.figures[name]) if name in row.figures else "-" for name in names]
        goal = [row.goal.told(row) if row.goal else ""] if has_goals else []
        lines.append([row.what, row.unit, *cells, *goal])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def answer(results: Results) -> str:
    """Return what a reader wants to know first."""
    faster = [row.goal.reached(row.figures) for row in results.of("get") if row.goal]
    times = [value for value in faster if value]
    starts = [row.goal.reached(row.figures) for row in results.of("start") if row.goal]
    dearest = max(value for value in starts if value)
    rows = [row for row in results.rows if row.goal]
    missed = [row for row in rows if row.goal and not row.goal.is_met(row.figures)]
    topics = ", ".join(dict.fromkeys(row.topic for row in missed))
    told = [row.goal.told(row) for row in missed if row.goal]
    marks = " or ".join(sorted({NOT_HERE if words == NOT_HERE else "missed" for words in told}))
    end = f"; what is not, of {topics}, is marked below as {marks}" if missed else ""
    sentences = (
        f"A fresh verified GET is {min(times):.1f} to {max(times):.1f} times faster with certboot than without.",
        f"A start of Python takes at most {100 * dearest - 100:.1f} % more instructions than with an idle `.pth` file.",
        f"{len(rows) - len(missed)} of {len(rows)} goals are met{end}.",
    )
    return "\n".join(sentences)


def machine(results: Results) -> str:
    """Return what was measured where."""
    return f"One run of {results.version} on one machine: Python {results.python}, {results.where}."


@dataclass(frozen=True)
class Chart:
    """Horizontal bars in groups: the rows of a topic in one unit."""

    topic: str
    title: str
    unit: str
    is_shown: Callable[[Results, Row], bool] = lambda _results, _row: True

    @property
    def file(self) -> Path:
        """Where it is kept."""
        return FOLDER / f"{self.topic}.svg"

    def rows(self, results: Results) -> list[Row]:
        """Return what is drawn."""
        return [row for row in results.of(self.topic) if row.unit == self.unit and self.is_shown(results, row)]

    def words(self, results: Results) -> str:
        """Return the same as a sentence."""
        groups = [
            f"{row.what}: {', '.join(f'{name} {figure(value)}' for name, value in row.figures.items())}"
            for row in self.rows(results)
        ]
        return f"{self.title}, {self.unit}. {'; '.join(groups)}".replace("`", "")

    def svg(self, results: Results) -> str:
        """Return the picture."""
        rows = self.rows(results)
        most = max((value for row in rows for value in row.figures.values() if value), default=1)
        title = f"{self.title}, {self.unit}"
        body = f'<text x="{MARGIN}" y="{MARGIN + BASE}" class="strong">{escape(title)}</text>\n'
        top = MARGIN + LINE
        for row in rows:
            body += f'<text x="{MARGIN}" y="{top + BASE}">{escape(plain(row.what))}</text>\n'
            for name, value in row.figures.items():
                top += LINE
                body += self._bar(top, name, value, (WIDTH - 2 * MARGIN - LABELS - FIGURES) / most, row.what)
            top += LINE + GAP
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{top}" viewBox="0 0 {WIDTH} {top}" '
            f'role="img" aria-labelledby="title desc">\n<title id="title">{escape(title)}</title>\n'
            f'<desc id="desc">{escape(self.words(results))}</desc>\n{STYLE}'
            f'<rect class="page" x="0.5" y="0.5" width="{WIDTH - 1}" height="{top - 1}" rx="8"/>\n{body}</svg>\n'
        )

    @staticmethod
    def _bar(top: int, name: str, value: float | None, scale: float, group: str) -> str:
        style = ' class="ours"' * (CERTBOOT in (name, group))
        length = max(1, (value or 0) * scale)  # what is too short to be seen is there all the same
        return (
            f'<text x="{MARGIN + LABELS - 8}" y="{top + BASE}" class="name">{escape(plain(name))}</text>'
            f'<rect x="{MARGIN + LABELS}" y="{top}" width="{length:.1f}" height="{BAR}"{style}/>'
            f'<text x="{MARGIN + LABELS + length + 6:.1f}" y="{top + BASE}">{figure(value)}</text>\n'
        )


def plain(text: str) -> str:
    """Return a text without Markdown."""
    return text.replace("`", "")


CHARTS = (
    Chart("get", "A fresh verified GET on loopback", "ms", lambda results, row: row.what.endswith(results.python)),
    Chart("start", "A start of Python", "ms", lambda _, row: None not in row.figures.values()),
    Chart("context", "A context, by the number of certificates", "ms"),
    Chart("scan", "A scan of many hosts", "ms a host", lambda _, row: bool(row.goal)),
)
TOPICS = ("start", "base", "get", "hashed", "handshake", "process", "context", "rehash", "scan", "commands", "memory")


def image(results: Results) -> str:
    """Return the figure of README.md, with what it says for who does not see it."""
    return f"![Bars: {CHARTS[0].words(results)}](docs/benchmarks/{CHARTS[0].file.name})"


def pages(results: Results) -> dict[Path, str]:
    """Return each file that is made of a run, as it should be."""
    parts = {topic: table(results, topic) for topic in TOPICS}
    page, readme = ROOT / "docs" / "benchmarks.md", ROOT / "README.md"
    parts |= {"answer": answer(results), "machine": machine(results)}
    return {
        page: filled(page.read_text("utf-8"), parts),
        readme: filled(readme.read_text("utf-8"), {"figure": image(results)}),
        **{chart.file: chart.svg(results) for chart in CHARTS},
    }


def summary(results: Results) -> str:
    """Return all tables."""
    tables = [f"{topic}\n\n{table(results, topic)}" for topic in TOPICS if results.of(topic)]
    return "\n\n".join((machine(results), *tables))


def main() -> int:
    """Write what is not as it should be."""
    for path, text in pages(read()).items():
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")
            print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
