"""Long runs: what certboot must keep to under kills, crowds, hostile stores, full disks, other clocks and bad mirrors.

    .venv-test/bin/python scripts/long_run.py                   the parts, and what each must keep to
    .venv-test/bin/python scripts/long_run.py hook 10000        this part so often (crowd: for as many seconds)
    .venv-test/bin/python scripts/long_run.py kills 1000 --write    and note it in docs/reliability.json and .md

What is noted is what ran: version, day, count, seed and seconds. Where something is violated the status is 1, and the
folder stays, with the homes as they were; --seed has the same moments and mutations again. It needs root, for users
and mounts, in a namespace of its own; Linux only. scripts/fuzz.py fuzzes the parsers.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
import typing
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

from generated import filled

ROOT = Path(__file__).resolve().parents[1]
PAGE, RESULTS = ROOT / "docs" / "reliability.md", ROOT / "docs" / "reliability.json"


class Part(typing.NamedTuple):
    """A kind of trial."""

    counted: str
    keeps: str
    """What must hold."""
    run: str
    """The function in scripts/trials; empty for what scripts/fuzz.py does."""


PARTS = {
    "hook": Part(
        "hostile stores, env files and variables",
        "Python starts as ever, prints nothing and waits for nothing; only variables of the table are set, each to the "
        "store's own files, and none where somebody else could change those",
        "hook.run",
    ),
    "kills": Part(
        "kills at random moments",
        "the store in force is whole, old or new; a program verifies its server as before; the same command, run "
        "again, does all of it and leaves nothing over (where all but that was done, the next update does)",
        "kills.run",
    ),
    "crowd": Part(
        "seconds of 16 writers and 64 readers",
        "no reader ever fails; a writer that has something to do fails only by the lock, with its message",
        "crowd.run",
    ),
    "disk": Part(
        "steps of room, at most, for each command",
        "one message and status 2; the store as it was, nothing left over; with enough room the command succeeds",
        "limits.disk",
    ),
    "readonly": Part(
        "commands in a store that is mounted read-only",
        "who reads succeeds; who writes has one message and status 2",
        "limits.readonly",
    ),
    "clock": Part(
        "commands with the clock ahead or back",
        "no traceback; the store stays whole, and as it was where the command is refused; what has expired is named",
        "limits.clock",
    ),
    "drill": Part(
        "homes initialised at once, from one team file and one mirror",
        "each ends with the one digest, or with the old store and one message; once the mirror is well, all have the "
        "one digest",
        "drill.run",
    ),
    "fuzz": Part("inputs to the parsers", "nothing is raised but what the parser's docstring names", ""),
}


def main() -> int:
    """Return 1 if anything was violated, else 0."""
    parser = argparse.ArgumentParser(description="Try certboot for long, in what should not harm it.")
    parser.add_argument(
        "part", nargs="?", choices=[name for name in PARTS if PARTS[name].run], help="without one, they are listed"
    )
    parser.add_argument("count", nargs="?", type=int, default=100, help="how often, or for how many seconds")
    parser.add_argument("--seed", type=int, default=None, help="the same again (default: another one each time)")
    parser.add_argument(
        "--reports", type=Path, help="drill: a folder with the CCADB's own reports (default: small ones)"
    )
    parser.add_argument("--write", action="store_true", help="note it in docs/reliability.json and reliability.md")
    parser.add_argument("--fuzzed", nargs=2, metavar=("FILE", "SECONDS"), help="note what scripts/fuzz.py has printed")
    parser.add_argument("--outside", help=argparse.SUPPRESS)  # the namespace of mounts that is not to be touched
    arguments = parser.parse_args()
    if arguments.fuzzed:
        fuzzed(Path(arguments.fuzzed[0]).read_text("utf-8"), int(arguments.fuzzed[1]))
    elif not arguments.part:
        print(*(f"{name:10}{part.counted}: {part.keeps}" for name, part in PARTS.items()), sep="\n")
    elif os.geteuid() or not shutil.which("unshare"):
        sys.stderr.write("long_run: error: only root on Linux can be several users and mount things\n")
        return 2
    elif not arguments.outside:
        own = ("unshare", "-m", "--propagation", "private", sys.executable, *sys.argv, "--outside", namespace())
        return subprocess.run(own, check=False).returncode
    elif arguments.outside == namespace():
        sys.stderr.write("long_run: error: what is mounted here would be mounted for others too\n")
        return 2
    else:
        return tried(arguments)
    return 0


def namespace() -> str:
    """Return which namespace of mounts this process is in (mount_namespaces(7))."""
    return os.readlink("/proc/self/ns/mnt")


def tried(arguments: argparse.Namespace) -> int:
    """Run a part, print its row and note it; return 1 if anything was violated, else 0."""
    from trials.place import Place

    seed = random.SystemRandom().randrange(10**6) if arguments.seed is None else arguments.seed
    folder = Path(tempfile.mkdtemp(prefix="certboot-long-run-"))
    place = Place(folder, seed)
    part = PARTS[arguments.part]
    began = time.monotonic()
    options = {"reports": arguments.reports} if arguments.reports else {}
    figures = function(part)(place, arguments.count, **options)
    row = {
        "part": arguments.part, "count": arguments.count, "figures": figures, "violations": len(place.violations),
        "seconds": round(time.monotonic() - began), "seed": seed, "version": place.version,
        "day": today(),
    }  # fmt: skip
    print(json.dumps(row, indent=1))
    if place.violations:
        print(f"kept: {folder}")
    else:
        shutil.rmtree(folder)
    if arguments.write:
        note(row)
    return 1 if place.violations else 0


def function(part: Part) -> Callable[..., str]:
    """Return what runs a part."""
    import importlib

    module, name = part.run.split(".")
    run: Callable[..., str] = getattr(importlib.import_module(f"trials.{module}"), name)
    return run


def fuzzed(printed: str, seconds: int) -> None:
    """Note what scripts/fuzz.py has printed, a target a line; of a target that ran again the last line counts."""
    from certboot import __version__

    lines = {line[1]: line for line in re.finditer(r"^(\w+): (\d+) inputs, (\w+)", printed, re.MULTILINE)}
    how = "at random" if printed.startswith("without") else "led by the code's coverage"
    targets = ", ".join(f"{name} {int(line[2]):,}" for name, line in lines.items())
    note({
        "part": "fuzz", "count": sum(int(line[2]) for line in lines.values()), "seconds": seconds * len(lines),
        "figures": f"mutations {how}, {seconds} s for each of {len(lines)} targets: {targets}", "version": __version__,
        "violations": sum(line[3] == "FAILED" for line in lines.values()), "seed": None, "day": today(),
    })  # fmt: skip


def today() -> str:
    """Return the day of a run."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%d")


def note(row: dict[str, typing.Any]) -> None:
    """Put a row into the results, in the place of an older one of its part, and write the table."""
    rows = {known["part"]: known for known in [*results(), row]}
    RESULTS.write_text(json.dumps([rows[name] for name in PARTS if name in rows], indent=1) + "\n", "utf-8")
    write_table()


def results() -> list[dict[str, typing.Any]]:
    """Return the rows that were noted."""
    return (
        typing.cast("list[dict[str, typing.Any]]", json.loads(RESULTS.read_text("utf-8"))) if RESULTS.exists() else []
    )


def write_table() -> None:
    """Put the table, and what it comes to, into docs/reliability.md."""
    PAGE.write_text(filled(PAGE.read_text("utf-8"), parts(results())), "utf-8")


def parts(rows: list[dict[str, typing.Any]]) -> dict[str, str]:
    """Return the generated parts of the page."""
    return {"answer": answer(rows), "long run": table(rows)}


def answer(rows: list[dict[str, typing.Any]]) -> str:
    """Return what the page begins with."""
    if violated := [row["part"] for row in rows if row["violations"]]:
        return f"In the runs below something of what must hold was violated: see {', '.join(violated)}."
    return (
        "In the runs below nothing of what must hold was violated: no store was lost, no program lost its CAs,\n"
        "and what could not be done was said in one message."
    )


def table(rows: list[dict[str, typing.Any]]) -> str:
    """Return the rows in Markdown."""
    lines = ["| tried | must hold | came of it | violated | took | certboot |", "|---|---|---|---:|---:|---|"]
    for row in rows:
        part = PARTS[row["part"]]
        cells = (
            f"{row['count']:,} {part.counted}", part.keeps, row["figures"], row["violations"], f"{row['seconds']:,} s",
            f"{row['version']}, {row['day']}",
        )  # fmt: skip
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
