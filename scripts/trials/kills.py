"""Commands killed at random moments: what is left is whole, programs find their CAs, and the next run ends it."""

from __future__ import annotations

import os
import statistics
import time
import typing
from dataclasses import dataclass, field
from pathlib import Path

from support import whole
from support.virtualenvs import virtualenv
from trials.place import GET, Place, leftovers, put, refused, store_of, told

if typing.TYPE_CHECKING:
    from collections.abc import Callable

INIT = ("init", "--source", "ccadb", "--intermediates", "--from")
STATUS = "import sys; m = sys.modules.get('certboot_startup'); print(m and m.status)"


@dataclass
class Trial:
    """A command, and the HOME in which it has something to do."""

    name: str
    made: Path
    argv: tuple[str | Path, ...]
    variables: dict[str, str] = field(default_factory=dict)
    takes: float = 0.0
    """Seconds, as the last runs took them."""
    new: whole.State | None = None
    """What the store holds after it."""


def run(place: Place, count: int) -> str:
    """Kill as many runs; return the figures."""
    at = {"early": 0, "within": 0, "after": 0}
    with place.sites() as (good, forgetful):
        trials = prepared(place, f"localhost:{forgetful.port}")[:count]
        for trial in trials:
            finish(place, trial)
        for number in range(count):
            trial = trials[number % len(trials)]
            at[killed(place, trial, good.url, f"kill {number}, {trial.name}")] += 1
    names = ", ".join(trial.name for trial in trials)
    return (
        f"{names} in turns; {at['early']} before anything was changed, {at['within']} in the middle, "
        f"{at['after']} runs had ended"
    )


def prepared(place: Place, forgetful: str) -> list[Trial]:
    """Return the commands, each with a HOME made for it. All were made where they will stand: a store does not move."""
    corp, second, home = place.folder / "corp.pem", place.folder / "second.pem", place.folder / "kills"
    usual = (*INIT, place.folder / "a", "--add", corp)
    install = ("hook", "install", "--python", home / "venv")

    def kept(name: str) -> Path:
        put(home, place.folder / name)
        return place.folder / name

    place.made("kills")
    none = kept("made-none")
    place.made("kills", *usual)
    store = kept("made-store")
    virtualenv(home / "venv")
    without = kept("made-without")
    place.run("certboot", *install, home=home)
    hooked = kept("made-with")
    return [
        Trial("first init", none, usual),
        Trial("init", store, (*INIT, place.folder / "b", "--add", second)),
        Trial("update", store, ("update", "--from", place.folder / "b")),
        Trial("repair", store, ("repair", "--yes", "--allow-private", forgetful)),
        Trial("adopt", store, ("adopt", "--yes"), {"REQUESTS_CA_BUNDLE": str(second)}),
        Trial("purge", store, ("purge", "--yes")),
        Trial("hook install", without, install),
        Trial("hook uninstall", hooked, ("hook", "uninstall", "--python", home / "venv")),
    ]


def finish(place: Place, trial: Trial) -> None:
    """Run the command to its end, which is the control: it works, and this is what it makes of the store."""
    home = place.folder / "kills"
    for _ in range(2):  # the first fills the cache of bytecode
        put(trial.made, home)
        began = time.perf_counter()
        ran = place.run("certboot", *trial.argv, home=home, **trial.variables)
        trial.takes = time.perf_counter() - began
        if ran.status:
            raise RuntimeError(f"{trial.name}: {told(ran)}")
    trial.new = place.state(home, trial.name)


def killed(place: Place, trial: Trial, url: str, words: str) -> str:
    """Kill one run, and judge what is left; return when it was killed."""
    home = place.folder / "kills"
    put(trial.made, home)
    before, old = stamps(home), place.state(home)
    began = time.perf_counter()
    with place.start(*trial.argv, home=home, **trial.variables) as process:
        if place.chance.random() < 0.5:
            until(lambda: process.poll() is not None or stamps(home) != before, 20 * trial.takes)
            time.sleep(place.chance.uniform(0, 0.4) * trial.takes)
        else:
            time.sleep(place.chance.uniform(0.1, 1.1) * trial.takes)
        ended = process.poll() is not None
        process.kill()
        _, said = process.communicate()
    if ended:
        trial.takes = statistics.mean((trial.takes, time.perf_counter() - began))
        place.check(process.returncode == 0, f"{words}: it ended with {process.returncode}: {said[-300:]}", home)
    when = "after" if ended else "within" if stamps(home) != before else "early"
    state = place.state(home, words)
    purged = trial.name == "purge"
    place.check(state in (old, trial.new) or (purged and not state), f"{words}: another store", home)
    usable(place, trial, url, words)
    # Of what was purged whole there is nothing to be purged again, or an empty folder.
    nothing = purged and not (store_of(home).exists() and os.listdir(store_of(home)))
    again = place.run("certboot", *trial.argv, home=home, **trial.variables)
    if trial.name in ("adopt", "repair") and state == trial.new:  # what was done whole is not done again, nor tidied up
        place.run("certboot", "update", home=home)
    place.check(again.status == 0 or (nothing and refused(again)), f"{words}: the next run has {told(again)}", home)
    place.check(place.state(home, words) == trial.new, f"{words}: the next run makes another store", home)
    left = list(store_of(home).rglob("*")) if purged and store_of(home).exists() else leftovers(home)
    place.check(not left, f"{words}: left over is {left}", home)
    if trial.name.startswith("hook"):
        hooked(place, trial, words)
    return when


def usable(place: Place, trial: Trial, url: str, words: str) -> None:
    """A program that verified a server before still does, and one that had no store has none, or the new one."""
    home = place.folder / "kills"
    ran = place.run("python", "-c", GET, url, home=home)
    if trial.name in ("first init", "purge") and ran.status:
        place.check(not (store_of(home) / "env").exists(), f"{words}: active, but {told(ran)}", home)
    else:
        place.check((ran.out, ran.err) == ("ok\n", ""), f"{words}: a program has {told(ran)}", home)


def hooked(place: Place, trial: Trial, words: str) -> None:
    """The other interpreter has the hook, or has nothing of it left."""
    home = place.folder / "kills"
    status = place.run(home / "venv" / "bin" / "python", "-c", STATUS, home=home)
    expected = "active\n" if trial.name == "hook install" else "None\n"
    place.check((status.out, status.err) == (expected, ""), f"{words}: the other Python has {told(status)}", home)
    if trial.name == "hook install":
        place.run("certboot", "hook", "uninstall", "--python", home / "venv", home=home)
    there, clean = (names(folder / "venv") for folder in (home, place.folder / "made-without"))
    place.check(there == clean, f"{words}: {sorted(there ^ clean)} in the other Python", home)


def names(folder: Path) -> set[str]:
    """Return what lies in a folder, without bytecode."""
    found = (path.relative_to(folder) for path in folder.rglob("*"))
    return {str(path) for path in found if "__pycache__" not in path.parts}


def stamps(home: Path) -> list[int]:
    """Return what tells that a store, its generations or the packages of the other Python were written to."""
    store = store_of(home)
    folders = (
        store,
        store / "generations",
        store / "repaired",
        store / "trusted",
        *home.glob("venv/lib/*/site-packages"),
    )
    return [changed(folder) for folder in folders]


def changed(folder: Path) -> int:
    """Return when something in it was made or removed; 0 where it is not there, or not any more."""
    try:
        return folder.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def until(there: Callable[[], bool], seconds: float) -> None:
    """Wait for something, and no longer than this."""
    end = time.perf_counter() + seconds
    while not there() and time.perf_counter() < end:
        time.sleep(0.001)
