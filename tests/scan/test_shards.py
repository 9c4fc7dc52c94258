"""A list in parts, and the parts' results in one. Nothing here contacts anybody."""

from __future__ import annotations

import contextlib
import itertools
import threading
import tracemalloc
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.table import cases

from certboot.errors import CertbootError
from certboot.scan.earlier import LONGEST_RESULT
from certboot.scan.entries import Way, entries
from certboot.scan.result import Result, Verdict, scan_line
from certboot.scan.shards import Merge, Shard

HOSTS = st.from_regex(r"[a-c]\.example(:[1-9])?( 192\.0\.2\.[1-9])?", fullmatch=True) | st.text(max_size=9)


def part(lines: Sequence[str], shard: Shard) -> list[str]:
    """What a shard has of a list."""
    return [entry.text for entry in entries([line.encode() for line in lines], Way()) if shard.has(entry)]


@given(st.lists(HOSTS), st.lists(HOSTS), st.integers(1, 9), st.randoms())
def test_each_entry_is_in_one_shard_and_stays_there_as_the_list_grows(
    old: list[str], new: list[str], of: int, random: Random
) -> None:
    shards = [Shard(number, of) for number in range(1, of + 1)]
    every = part(old, Shard(1, 1))
    assert sorted(every) == sorted(text for shard in shards for text in part(old, shard))
    mixed = old + new
    random.shuffle(mixed)
    assert all(set(part(old, shard)) <= set(part(mixed, shard)) for shard in shards)


@cases(("text", "number"), [("a.example", 8), ("b.example:8443", 4), ("no host", 4)])
def test_a_host_is_in_the_same_shard_on_every_machine_however_it_is_written(text: str, number: int) -> None:
    assert part([text], Shard(number, 8)) == [text]
    spellings = ["https://A.example/x", "a.example:443 192.0.2.1", "a.example # the first"]
    assert len(part(spellings, Shard(8, 8))) == len(spellings)


def written(folder: Path, count: int) -> list[Path]:
    """Three files in which results lie as they came, and not in their order."""
    paths = [folder / f"{count}-{shard}" for shard in range(3)]
    for shard, path in enumerate(paths):
        with path.open("w") as file:
            for number in range(count - shard, 0, -3):
                text = f"host{number}.example"
                file.write(scan_line(Result(number, text, text, Verdict(None, "ok", "x" * 500))))
    return paths


def numbers(paths: list[Path], stopped: threading.Event) -> Iterator[int]:
    """The numbers of the entries as they are merged."""
    merge = Merge()
    with contextlib.ExitStack() as stack:
        for path in paths:
            merge.add(stack.enter_context(path.open("rb")), path)
        merge.compare(None)
        for result in merge.results(stopped):
            yield result.number


def test_results_come_in_the_order_of_the_list_until_they_are_stopped(tmp_path: Path) -> None:
    stopped = threading.Event()
    merged = numbers(written(tmp_path, 100), stopped)
    assert list(itertools.islice(merged, 90)) == list(range(1, 91))
    stopped.set()
    assert list(merged) == []


@cases(("old", "new"), [(b'"number":3', b'"number":1'), (b'"input":"host3', b'"input":"host1'), (b"{", b"[")])
def test_a_file_that_changes_while_it_is_merged_is_refused(tmp_path: Path, old: bytes, new: bytes) -> None:
    paths = written(tmp_path, 3)
    merged = numbers(paths, threading.Event())
    assert [next(merged), next(merged)] == [1, 2]
    paths[0].write_bytes(paths[0].read_bytes().replace(old, new))
    with pytest.raises(CertbootError, match=f"it changed while it was read: {paths[0]}"):
        next(merged)


def test_a_line_longer_than_any_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "in"
    for size in (LONGEST_RESULT // 2, LONGEST_RESULT):
        path.write_text(scan_line(Result(1, "a", "a:443", Verdict(None, "ok", "x" * size))))
        refused = pytest.raises(CertbootError, match="not a line of certboot scan")
        with refused if size == LONGEST_RESULT else contextlib.nullcontext():
            assert list(numbers([path], threading.Event())) == [1]


def test_of_each_result_little_is_kept_in_memory(tmp_path: Path) -> None:
    def peak(count: int) -> int:
        paths = written(tmp_path, count)
        tracemalloc.start()
        assert sum(1 for _ in numbers(paths, threading.Event())) == count
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(10)  # what is remembered once
    assert peak(4_000) < peak(400) + 200_000
