"""A disk that is full, files that may not grow, a store that cannot be written, and clocks that jump."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import typing
from pathlib import Path

from support.snapshot import snapshot
from trials.place import Place, leftovers, put, refused, store_of, told

if typing.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from support import whole
    from support.environments import Ran

INIT = ("init", "--source", "certifi,ccadb", "--intermediates", "--from")
PAGE = 4096
DAYS = (-9000, -400, -1, 0, 0, 0, 1, 40, 400, 4000, 9000)
"""How far the clock is off."""
READ = (("list",), ("list", "--json"), ("history",), ("env",), ("show", "Example Corp Root"), ("doctor", "store"))
"""Commands that change nothing."""


def disk(place: Place, count: int) -> str:
    """Run commands on a small disk, each with a little more room than the last, until it succeeds.

    ``count`` is how often each command fails for each thing that it lacks, at most: then not every page is tried.
    """
    failed = {"pages": 0, "inodes": 0, "bytes of a file": 0}
    for name, argv in writing(place).items():
        home = place.made("limits", *(() if name == "first init" else writing(place)["first init"]))
        old = place.state(home)
        new, needed = reached(place, home, argv)
        for what in failed:
            for free in range(0, 100 * needed[what] + 100, max(1, needed[what] // count)):
                ran, now, left = limited(place, home, argv, what, free)
                words = f"{name} with {free} {what}: {told(ran)}"
                if ran.status == 0:
                    place.check(now == new, f"{words}, but another store")
                    break
                failed[what] += 1
                place.check(refused(ran), words)
                place.check(now == old and not left, f"{words}, and the store is changed, or there is left {left}")
            else:
                place.check(condition=False, words=f"{name} never succeeds, however many {what} there are")
    return (
        f"{', '.join(writing(place))}: refused {failed['pages']} times for want of pages, {failed['inodes']} of "
        f"inodes, {failed['bytes of a file']} by a limit of a file's size, until there was enough"
    )


def writing(place: Place) -> dict[str, tuple[str | Path, ...]]:
    """Return commands that write."""
    corp, second = place.folder / "corp.pem", place.folder / "second.pem"
    return {
        "first init": (*INIT, place.folder / "a", "--add", corp),
        "update": ("update", "--from", place.folder / "b"),
        "trust": ("trust", "--yes", second),
        "adopt": ("adopt", "--yes"),
    }


def reached(place: Place, home: Path, argv: tuple[str | Path, ...]) -> tuple[whole.State | None, dict[str, int]]:
    """Return what the command makes of a store, and what it needs for that; the HOME is as it was afterwards."""
    with mounted(home / ".local", "-t", "tmpfs", "-o", "mode=755", "tmpfs"):
        before = os.statvfs(home / ".local")
        ran = place.run("certboot", *argv, home=home, **preset(place))
        if ran.status:
            raise RuntimeError(told(ran))
        after = os.statvfs(home / ".local")
        sizes = [path.stat().st_size for path in store_of(home).rglob("*") if path.is_file()]
        used = {"pages": before.f_bfree - after.f_bfree, "inodes": before.f_ffree - after.f_ffree}
        return place.state(home), {**used, "bytes of a file": max(sizes)}


def preset(place: Place) -> dict[str, str]:
    """Return a variable to adopt."""
    return {"REQUESTS_CA_BUNDLE": str(place.folder / "second.pem")}


def limited(
    place: Place, home: Path, argv: tuple[str | Path, ...], what: str, free: int
) -> tuple[Ran, whole.State | None, list[str]]:
    """Run the command where this much is free; return what the store holds then, and what is left over in it."""
    program = (place.environment.folder / "bin" / "certboot", *argv)
    # Or the interpreter would leave its own bytecode cut short.
    variables = {**preset(place), "PYTHONDONTWRITEBYTECODE": "1"}
    with mounted(home / ".local", "-t", "tmpfs", "-o", "mode=755", "tmpfs"):
        used = os.statvfs(home / ".local")
        if what == "pages":
            # The fewest are one: a size of 0 is no limit.
            mount("-o", f"remount,size={PAGE * max(1, used.f_blocks - used.f_bfree + free)}", home / ".local")
        elif what == "inodes":
            mount("-o", f"remount,nr_inodes={used.f_files - used.f_ffree + free}", home / ".local")
        else:
            program = ("prlimit", f"--fsize={free}", "--", *program)
        ran = place.run(*program, home=home, **variables)
        return ran, place.state(home, str(argv[0])), leftovers(home)


@contextlib.contextmanager
def mounted(folder: Path, *options: str | Path) -> Iterator[None]:
    """Mount something over a folder, with what lies in it, which is as it was afterwards."""
    folder.mkdir(parents=True, exist_ok=True)
    copy = folder.with_name(f"{folder.name}-copy")
    put(folder, copy)
    mount(*options, folder)
    try:
        subprocess.run(["cp", "-a", f"{copy}/.", folder], check=True)
        yield
    finally:
        subprocess.run(["umount", folder], check=True)
        shutil.rmtree(copy)


def mount(*options: str | Path) -> None:
    """Mount in the namespace of this process: scripts/long_run.py has made it one of its own."""
    subprocess.run(["mount", *options], check=True)


def readonly(place: Place, count: int) -> str:
    """Run what reads and what writes in a store that nobody can write to, as often as that."""
    corp = place.folder / "corp.pem"
    with place.sites() as (good, forgetful):
        home = place.made("readonly", *INIT, place.folder / "a", "--add", corp)
        place.run("certboot", "update", "--from", place.folder / "b", home=home)
        store, host = store_of(home), f"localhost:{forgetful.port}"
        mount("--bind", store, store)
        mount("-o", "remount,ro,bind", store)
        try:
            before, state = snapshot(store), place.state(home)
            writes: tuple[tuple[str | Path, ...], ...] = (
                (*INIT, place.folder / "a"), ("update",), ("trust", "--yes", place.folder / "second.pem"),
                ("rollback",), ("distrust", "Example Corp Root"), ("adopt", "--yes"),
                ("repair", "--yes", "--allow-private", host), ("purge", "--yes"),
            )  # fmt: skip
            reads = (
                *READ,
                ("doctor", f"localhost:{good.port}"),
                ("run", "--", "true"),
                ("chain", host),
                ("explain", "20"),
            )
            for number in range(count):
                argv = (*writes, *reads)[number % (len(writes) + len(reads))]
                ran = place.run("certboot", *argv, home=home, **(preset(place) if argv[0] == "adopt" else {}))
                right = refused(ran) if argv in writes else ran.status in (0, 1) and not ran.err
                place.check(right, f"read-only, {' '.join(map(str, argv))}: {told(ran)}", home)
            place.check(snapshot(store) == before and place.state(home) == state, "read-only, but changed", home)
        finally:
            subprocess.run(["umount", store], check=True)
        ran = place.run("certboot", "update", home=home)
        place.check(ran.status == 0, f"writable again, update: {told(ran)}", home)
    return f"{len(reads)} commands that read, all ended well; {len(writes)} that write, each with one message"


def clock(place: Place, count: int) -> str:
    """Run commands with the clock ahead and back at random, as often as that."""
    home = place.made("clock", *INIT, place.folder / "a", "--add", place.folder / "corp.pem")
    sides = [place.folder / side for side in "ab"]
    expired, failed = 0, 0
    for number in range(count):
        if number % 12 == 0:  # the clock is right again, and so is the store
            ran = place.run("certboot", *INIT, sides[0], home=home)
            place.check(ran.status == 0, f"step {number}, the clock is right again, init: {told(ran)}", home)
        days = place.chance.choice(DAYS)
        commands: tuple[tuple[str | Path, ...], ...] = (
            *READ, (*INIT, place.chance.choice(sides)), ("update",), ("update", "--from", place.chance.choice(sides)),
            ("rollback",), ("list", "--rejected"),
        )  # fmt: skip
        argv = place.chance.choice(commands)
        old = place.state(home)
        program = place.environment.folder / "bin" / "certboot"
        ran = place.run("faketime", "-f", f"{days:+d}d", program, *argv, home=home)
        words = f"step {number}, {days:+d} days, {' '.join(map(str, argv))}: {told(ran)}"
        place.check("Traceback" not in ran.err and ran.status in (0, 1, 2), words, home)
        place.check(ran.status != 2 or refused(ran), words, home)
        now = place.state(home, words)
        place.check(now and (ran.status == 0 or now == old), f"{words}, and the store is gone", home)
        failed += ran.status == 2
        if argv == ("doctor", "store") and days >= 400 and ("anchor", place.root.sha256) in (now or ()):  # a year's
            place.check("expired" in ran.out.lower(), f"{words}: it does not say what has expired", home)
            expired += 1
    ran = place.run("certboot", *INIT, sides[0], home=home)
    place.check(ran.status == 0, f"at the end, init: {told(ran)}", home)
    return (
        f"from {DAYS[0]} to {DAYS[-1]:+} days; {failed} refused with one message, the store as it was; "
        f"{expired} times `doctor store` was asked years ahead, and named what had expired"
    )


PARTS: dict[str, Callable[[Place, int], str]] = {"disk": disk, "readonly": readonly, "clock": clock}
