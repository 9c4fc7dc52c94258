"""Many who write and many who read at once: nobody reads half of a store, and who writes fails only by the lock."""

from __future__ import annotations

import collections
import itertools
import json
import random
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

from trials.place import GET, Place, Ran, leftovers, refused, store_of, told

WRITERS, READERS = 16, 64
INIT = ("init", "--source", "ccadb", "--intermediates", "--from")
LEAST = 6
"""So many certificates the store has always: what either side of the reports has, without what may be distrusted."""
LOCK = "another certboot has been at work for over 60 seconds"
"""The one reason for which a command that has something to do may fail."""
NOTHING_TO_DO = ("is kept", "nothing is adopted", "nothing is distrusted", "is named by")
"""What a command says for which there is no earlier generation, or that another one has just done or undone."""
PATIENCE = 1800
"""Seconds for one run, on a machine with eighty of them at once."""


class Crowd:
    """Those who write and those who read, until the time is up."""

    def __init__(self, place: Place, home: Path, url: str, seconds: float) -> None:
        self.place, self.home, self.url = place, home, url
        self.end = time.monotonic() + seconds
        self.counts: collections.Counter[str] = collections.Counter()
        self.lock = threading.Lock()

    def run(self, writers: int, readers: int) -> None:
        """Let them all work, and wait until the last has ended."""
        threads = [threading.Thread(target=self._work, args=(self._write, number)) for number in range(writers)]
        threads += [threading.Thread(target=self._work, args=(self._read, number)) for number in range(readers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _work(self, work: Callable[[int], None], number: int) -> None:
        try:
            work(number)
        except Exception as error:  # noqa: BLE001 - whatever it is, it has ended this one's work
            self._note(right=False, kind="ended", words=repr(error))

    def _write(self, number: int) -> None:
        folder = self.place.folder
        second = folder / "second.pem"
        commands: list[tuple[str | Path, ...]] = [
            (*INIT, folder / "a"), (*INIT, folder / "b"), ("update",), ("update", "--from", folder / "a"),
            ("update", "--from", folder / "b"), ("trust", "--yes", second), ("adopt", "--yes"), ("rollback",),
            ("distrust", "Small Root C"), ("distrust", "--undo", "Small Root C"), ("adopt", "--undo"),
        ]  # fmt: skip
        chance = random.Random(self.place.seed + number)  # noqa: S311 - no secrets
        while time.monotonic() < self.end:
            argv = chance.choice(commands)
            preset = {"REQUESTS_CA_BUNDLE": str(second)} if argv[0] == "adopt" else {}
            ran = self._ran("certboot", *argv, **preset)
            if ran.status == 0:
                self._note(True, "writes", "")  # noqa: FBT003
            elif LOCK in ran.err:
                self._note(refused(ran), "refused by the lock", f"{' '.join(map(str, argv))}: {told(ran)}")
            else:
                idle = refused(ran) and any(reason in ran.err for reason in NOTHING_TO_DO)
                self._note(idle, "with nothing to do", f"{' '.join(map(str, argv))}: {told(ran)}")

    def _read(self, number: int) -> None:
        readers = itertools.cycle((self._verifies, self._lists, self._asks_the_doctor, self._verifies))
        for reader in itertools.islice(readers, number % 4, None):
            if time.monotonic() >= self.end:
                return
            reader()

    def _verifies(self) -> None:
        """A program starts with the hook, makes a context and verifies a server."""
        ran = self._ran("python", "-c", GET, self.url)
        self._note((ran.out, ran.err) == ("ok\n", ""), "reads", f"a program: {told(ran)}")

    def _lists(self) -> None:
        ran = self._ran("certboot", "list", "--json")
        right = ran.status == 0 and len(json.loads(ran.out)["certificates"]) >= LEAST
        self._note(right, "reads", f"list: {told(ran)}")

    def _asks_the_doctor(self) -> None:
        ran = self._ran("certboot", "doctor", "store", "--json")
        failed = [finding for finding in json.loads(ran.out)["findings"] if finding["status"] in ("fail", "error")]
        self._note(not failed and ran.status == 0, "reads", f"doctor: {failed} {told(ran)}")

    def _ran(self, *argv: str | Path, **variables: str) -> Ran:
        program = self.place.environment.folder / "bin" / argv[0]
        environ = self.place.environ(self.home, variables)
        done = subprocess.run(
            [program, *argv[1:]], env=environ, cwd=self.home, capture_output=True, text=True, timeout=PATIENCE,
            check=False,
        )  # fmt: skip
        return Ran(done.returncode, done.stdout, done.stderr)

    def _note(self, right: object, kind: str, words: str) -> None:
        with self.lock:
            self.counts[kind] += 1
            self.place.check(right, words, self.home if not self.place.violations else None)


def run(place: Place, seconds: int, writers: int = WRITERS, readers: int = READERS) -> str:
    """Let them work for as long; return the figures."""
    with place.sites() as (good, _):
        home = place.made("crowd", *INIT, place.folder / "a", "--add", place.folder / "corp.pem")
        crowd = Crowd(place, home, good.url, seconds)
        crowd.run(writers, readers)
        ran = place.run("certboot", "update", home=home)
        place.check(ran.status == 0 and place.state(home), f"afterwards, update: {told(ran)}", home)
        place.check(not leftovers(home), f"afterwards there is left {leftovers(home)}", home)
    switches = max(int(path.name) for path in (store_of(home) / "generations").iterdir())
    figures = ", ".join(f"{count:,} {kind}" for kind, count in sorted(crowd.counts.items()))
    return f"{writers} writers and {readers} readers: {figures}; {switches:,} generations written"
