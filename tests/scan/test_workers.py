"""Many entries at a time: their order, their number, the memory they take, and how it ends."""

from __future__ import annotations

import itertools
import threading
import time
import tracemalloc
import typing
from collections.abc import Callable, Iterator

import pytest
from support.table import cases

from certboot.scan.entries import Entry
from certboot.scan.result import Result, Verdict
from certboot.scan.workers import Once, results


def result(entry: Entry) -> Result:
    return Result(entry.number, entry.text, "", Verdict(None, "ok", ""))


def some(count: int) -> Iterator[Entry]:
    return (Entry(number, str(number), None) for number in range(1, count + 1))


def run(
    listed: typing.Iterable[Entry], examine: Callable[[Entry], Result] = result, *, jobs: int = 4, ordered: bool = True
) -> Iterator[Result | None]:
    return results(listed, examine, jobs=jobs, ordered=ordered, stopped=threading.Event())


def numbers(given: typing.Iterable[Result | None]) -> list[int]:
    return [result.number for result in given if result]


def assert_ended() -> None:
    """No thread of ours is left; the last may still be on its way out."""
    deadline = time.monotonic() + 5
    while any(thread.name.startswith("certboot-scan") for thread in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_results_come_in_the_order_of_the_list_or_as_they_come() -> None:
    release = threading.Event()

    def slow_at_first(entry: Entry) -> Result:
        if entry.number == 1:
            release.wait(10)
        if entry.number == 9:
            release.set()
        return result(entry)

    assert numbers(run(some(9), slow_at_first)) == list(range(1, 10))
    assert_ended()
    release.clear()
    unordered = numbers(run(some(9), slow_at_first, ordered=False))
    assert sorted(unordered) == list(range(1, 10))
    assert unordered[0] != 1


@cases("count", [0, 3, 40])
def test_no_more_threads_work_than_jobs_or_entries(count: int) -> None:
    at_work, most, lock = 0, 0, threading.Lock()
    names = set()

    def counted(entry: Entry) -> Result:
        nonlocal at_work, most
        with lock:
            at_work += 1
            most = max(most, at_work)
            names.add(threading.get_ident())
        time.sleep(0.01)
        with lock:
            at_work -= 1
        return result(entry)

    assert numbers(run(some(count), counted, jobs=8)) == list(range(1, count + 1))
    assert max(most, len(names)) <= min(8, count)
    assert most == 8 or count < 40


@cases("ordered", [True, False])
def test_a_long_list_is_read_only_as_far_ahead_as_the_window(*, ordered: bool) -> None:
    read = 0

    def noted() -> Iterator[Entry]:
        nonlocal read
        for entry in some(3000):
            read = entry.number
            yield entry

    answers = (answer for answer in run(noted(), jobs=2, ordered=ordered) if answer)
    assert [count for count, _ in enumerate(answers, 1) if read > count + 256 + 1] == []
    assert read == 3000


def test_a_slow_host_at_the_head_of_a_list_holds_up_no_more_than_the_window() -> None:
    hold, done = threading.Event(), []

    def held(entry: Entry) -> Result:
        if entry.number == 1:
            hold.wait(20)
        else:
            done.append(entry.number)
        return result(entry)

    given = run(some(2000), held, jobs=2)
    assert next(given) is None
    deadline = time.monotonic() + 10
    while len(done) < 255 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.2)
    assert len(done) == 255
    hold.set()
    assert numbers(given) == list(range(1, 2001))


def test_memory_does_not_grow_with_the_list() -> None:
    def peak(count: int) -> int:
        tracemalloc.start()
        assert sum(1 for answer in run(some(count), jobs=2) if answer) == count
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(100)
    assert peak(20_000) < peak(2_000) + 200_000


def test_a_list_that_is_slow_does_not_hold_up_results() -> None:
    more = threading.Event()

    def slow() -> Iterator[Entry]:
        yield from some(1)
        more.wait(20)
        yield Entry(2, "2", None)

    given = run(slow())
    first = next(answer for answer in given if answer)
    assert first.number == 1
    assert next(given) is None
    more.set()
    assert numbers(given) == [2]


def test_what_goes_wrong_in_reading_the_list_is_raised_after_what_was_read() -> None:
    def broken() -> Iterator[Entry]:
        yield from some(3)
        message = "no more"
        raise OSError(message)

    given = (answer.number for answer in run(broken()) if answer)
    assert [next(given) for _ in range(3)] == [1, 2, 3]
    with pytest.raises(OSError, match="no more"):
        next(given)


def test_a_scan_that_is_stopped_waits_for_nobody() -> None:
    stopped, hold, began = threading.Event(), threading.Event(), []

    def held(entry: Entry) -> Result:
        began.append(entry.number)
        if entry.number > 3:
            hold.wait(20)
        return result(entry)

    given = []
    begin = time.monotonic()
    for answer in results(some(5000), held, jobs=4, ordered=True, stopped=stopped):
        if answer:
            given.append(answer.number)
        if len(given) == 3:
            stopped.set()
    assert given == [1, 2, 3]
    assert time.monotonic() - begin < 5
    hold.set()
    time.sleep(0.3)
    assert len(began) <= 3 + 4 + 4
    assert_ended()


def test_what_several_threads_want_is_made_once_and_fails_for_all_who_wait_for_it() -> None:
    made, hold = [], threading.Event()
    once: Once[int] = Once(2)

    def make(value: int) -> int:
        made.append(value)
        hold.wait(10)
        return value

    def broken() -> int:
        message = "broken"
        raise ValueError(message)

    answers: list[int] = []
    threads = [threading.Thread(target=lambda: answers.append(once("a", lambda: make(1)))) for _ in range(5)]
    for thread in threads:
        thread.start()
    hold.set()
    for thread in threads:
        thread.join()
    assert (answers, made) == ([1] * 5, [1])
    for _ in range(2):
        with pytest.raises(ValueError, match="broken"):
            once("b", broken)


def test_only_the_last_keys_are_remembered() -> None:
    once: Once[int] = Once(2)
    count = itertools.count()
    assert [once(key, count.__next__) for key in ("a", "b", "a", "c", "a", "c")] == [0, 1, 0, 2, 3, 2]
