"""Work that several threads want at the same time, done by one of them."""

from __future__ import annotations

import threading
import typing
from concurrent.futures import Future

if typing.TYPE_CHECKING:
    from collections.abc import Callable, Hashable

_V = typing.TypeVar("_V")


class Once(typing.Generic[_V]):
    """Remembers what was made for the last so many keys; who asks while it is being made waits for it."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._made: dict[Hashable, Future[_V]] = {}
        self._lock = threading.Lock()

    def __call__(self, key: Hashable, make: Callable[[], _V]) -> _V:
        """Return what ``make`` returned, or raise what it raised, when it was called for this key."""
        with self._lock:
            found = self._made.get(key)
            future = found or Future()
            if not found:
                self._made[key] = future
                if len(self._made) > self._most:
                    del self._made[next(iter(self._made))]
        if not found:
            try:
                future.set_result(make())
            except BaseException as error:  # noqa: BLE001 - it is raised below, and in every thread that waits
                future.set_exception(error)
        return future.result()
