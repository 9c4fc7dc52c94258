"""A fleet's scan on one machine: loopback hosts in shards of one process each, merged, beside one run of all.

    python scripts/fleet.py FOLDER [COUNT ...]

makes FOLDER, with a store of its own, and runs the certboot beside this Python. Prints seconds and peak memory for so
many hosts (2,000 and 20,000), and ends with 1 where the merged results, or their summary, are not those of one run. The
servers of 20,000 hosts take 470 MB, and a minute to begin.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import typing
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

CERTBOOT = Path(sys.prefix, "bin", "certboot")
SCAN = (CERTBOOT, "scan", "--file", "hosts")
COUNTS = (2_000, 20_000)
SHARDS = 8
AT_A_TIME = 2
TIMEOUT = "5"
GOOD, FAILED = 0, 1  # half of the hosts fail, though not half of each shard


class Ran(typing.NamedTuple):
    """What came of a run."""

    summary: str
    seconds: float
    megabytes: float


def main(folder: Path, counts: Sequence[int]) -> int:
    """Scan lists of several lengths."""
    same = True
    print(f"{'hosts':>7}  {'run':<24}{'seconds':>8}{'peak MB':>9}")
    for count in counts:
        home = folder / str(count)
        home.mkdir(parents=True)
        with served(home, count):
            run(home, CERTBOOT, "init", "--source", "certifi", "--add", home / "ca.pem", statuses=(GOOD,))
            whole = run(home, *SCAN, "--timeout", TIMEOUT, "--output", home / "whole.jsonl")
            show(count, "one run", whole)
            files = [home / f"{number}.jsonl" for number in range(1, SHARDS + 1)]
            begin = time.perf_counter()
            with ThreadPoolExecutor(AT_A_TIME) as pool:
                shards = list(pool.map(shard, files))
            elapsed = time.perf_counter() - begin
            largest = Ran("", elapsed, max(part.megabytes for part in shards))
            show(count, f"{SHARDS} shards, {AT_A_TIME} at a time", largest)
        merged = run(home, *SCAN, "--merge", *files, "--output", home / "merged.jsonl")
        show(count, "the merge", merged)
        lines = [len(file.read_text().splitlines()) for file in files]
        print(f"{count:>7,}  hosts in the shards: {', '.join(map(str, lines))}")
        equal = results(home / "merged.jsonl") == results(home / "whole.jsonl")
        print(f"{count:>7,}  {'the same' if equal else 'OTHER'} results as one run's, line by line, but for seconds")
        summaries = merged.summary == whole.summary
        print(f"{count:>7,}  {'the same' if summaries else 'ANOTHER'} summary:\n{merged.summary}")
        same = same and equal and summaries
    return 0 if same else 1


def shard(file: Path) -> Ran:
    """Scan the shard whose results go into this file."""
    part = ("--shard", f"{file.stem}/{SHARDS}", "--output", file)
    return run(file.parent, *SCAN, "--timeout", TIMEOUT, *part, statuses=(GOOD, FAILED))


@contextmanager
def served(home: Path, count: int) -> Iterator[None]:
    """Serve hosts in a process of their own."""
    command = (sys.executable, Path(__file__).with_name("scan_servers.py"), home, str(count))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdout  # noqa: S101 - for the type checker
        if server.stdout.readline() != b"ready\n":
            raise RuntimeError("the servers did not start")
        try:
            yield
        finally:
            server.communicate()


def run(home: Path, *command: str | Path, statuses: Sequence[int] = (FAILED,)) -> Ran:
    """Run a program with this home folder and nothing else of this environment."""
    environment = {"HOME": str(home), "PATH": os.defpath}
    begin = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=home, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr  # noqa: S101 - for the type checker
    with process.stderr as errors:
        summary = errors.read()
    _, ended, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(ended)
    if process.returncode not in statuses:
        raise subprocess.CalledProcessError(process.returncode, command, stderr=summary)
    return Ran(summary, time.perf_counter() - begin, usage.ru_maxrss / 1024)


def results(path: Path) -> list[dict[str, object]]:
    """Return the results in a file, without what no two runs have in common."""
    return [{**json.loads(line), "seconds": None} for line in path.read_text().splitlines()]


def show(count: int, name: str, ran: Ran) -> None:
    """Print the figures of a run."""
    print(f"{count:>7,}  {name:<24}{ran.seconds:>8.1f}{ran.megabytes:>9.0f}", flush=True)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), [int(count) for count in sys.argv[2:]] or COUNTS))
