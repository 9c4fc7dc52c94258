"""Many entries at a time in a bounded number of threads, and what several of them want, made once."""

from __future__ import annotations

import queue
import threading
import typing
from collections.abc import Callable, Generator, Hashable, Iterable
from concurrent.futures import Future

from certboot.scan.entries import Entry
from certboot.scan.result import Result

_TICK = 0.2
_WINDOW = 16
_LEAST_WINDOW = 256

_V = typing.TypeVar("_V")


class _End(typing.NamedTuple):
    entries: int
    error: Exception | None


class _Done(typing.NamedTuple):
    place: int
    result: Result


class _Work:
    """What the reading thread and the working ones share. All are daemons: none is waited for when a scan is ended."""

    def __init__(self, examine: Callable[[Entry], Result], jobs: int) -> None:
        self.answers: queue.SimpleQueue[_Done | _End] = queue.SimpleQueue()
        self.room = threading.Semaphore(max(_LEAST_WINDOW, _WINDOW * jobs))
        """For entries that have been read and not been handed on."""
        self._examine, self._jobs, self._running = examine, jobs, 0
        self._tasks: queue.SimpleQueue[tuple[int, Entry] | None] = queue.SimpleQueue()
        self._ended = threading.Event()

    def read(self, entries: Iterable[Entry]) -> None:
        """Read the list, in a thread of its own: what it comes from may be slow."""
        count, error = 0, None
        try:
            for entry in entries:
                while not self.room.acquire(timeout=_TICK):
                    if self._ended.is_set():
                        return
                self._tasks.put((count, entry))
                count += 1
                if self._running < self._jobs:
                    self._running += 1
                    self.start("certboot-scan", self._run)
        except Exception as problem:  # noqa: BLE001 - it is raised in the thread that waits for the results
            error = problem
        self.answers.put(_End(count, error))

    @staticmethod
    def start(name: str, action: Callable[..., None], *arguments: object) -> None:
        """Start a thread."""
        threading.Thread(target=action, name=name, args=arguments, daemon=True).start()

    def end(self) -> None:
        """Let the threads end when they have done what they are at."""
        if self._ended.is_set():
            return
        self._ended.set()
        for _ in range(self._running):
            self._tasks.put(None)

    def _run(self) -> None:
        while (task := self._tasks.get()) and not self._ended.is_set():
            place, entry = task
            self.answers.put(_Done(place, self._examine(entry)))


def results(
    entries: Iterable[Entry], examine: Callable[[Entry], Result], *, jobs: int, ordered: bool, stopped: threading.Event
) -> Generator[Result | None, None, None]:
    """Yield what ``examine`` returns for each entry, in their order or as it comes, until ``stopped`` is set.

    None is yielded every now and then while nothing comes. An error in reading the list is raised at the end of what
    was read. ``examine`` raises nothing.
    """
    work = _Work(examine, jobs)
    work.start("certboot-scan-list", work.read, entries)
    waiting: dict[int, Result] = {}
    end: _End | None = None
    given = 0
    try:
        while end is None or given < end.entries:
            if stopped.is_set():
                work.end()
            try:
                answer = work.answers.get(not stopped.is_set(), _TICK)
            except queue.Empty:
                if stopped.is_set():
                    return
                yield None
                continue
            if isinstance(answer, _End):
                end = answer
                continue
            waiting[given if not ordered else answer.place] = answer.result
            while given in waiting:
                result = waiting.pop(given)
                given += 1
                work.room.release()
                yield result
    finally:
        work.end()
    if end.error:
        raise end.error


class Once(typing.Generic[_V]):
    """Remembers what was made for the last so many keys; who asks while it is being made waits for it."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._made: dict[Hashable, Future[_V]] = {}
        self._lock = threading.Lock()

    def __call__(self, key: Hashable, make: Callable[[], _V]) -> _V:
        """Return what ``make`` returned, or raise what it raised, when it was called for this key."""
        with self._lock:
            is_first = key not in self._made
            future = self._made.setdefault(key, Future())
            if len(self._made) > self._most:
                del self._made[next(iter(self._made))]
        if is_first:
            try:
                future.set_result(make())
            except BaseException as error:  # noqa: BLE001 - it is raised below, and in every thread that waits
                future.set_exception(error)
        return future.result()
