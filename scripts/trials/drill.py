"""The drill: a fleet initialised at once from one team file, while its mirror of the CCADB's reports misbehaves."""

from __future__ import annotations

import collections
import itertools
import json
import re
import socket
import struct
import threading
import typing
from pathlib import Path

from support import report, whole
from support.issuers import leaf
from support.pki import issue, on_server
from support.server import head, in_tls, page, server_context
from trials.place import SIDES, Place, Ran, leftovers, refused, told

if typing.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from support.pki import Issued

TURNS = ("well", "refuses", "well", "stalls", "well", "truncates", "well", "shows another certificate")
TEAM = """\
sources = ["certifi", "ccadb"]
intermediates = true

[ccadb]
address = "{url}/"

[[company]]
pem = '''
{pem}'''
"""
PATIENCE = 900
"""Seconds for one home, on a machine with fifty of them at once."""


class Mirror(report.ReportServer):
    """Has the reports, and serves each connection in another way."""

    def __init__(self, root: Issued, reports: Mapping[str, bytes]) -> None:
        self.turns: Iterator[str] = itertools.cycle(TURNS)
        self.counts: collections.Counter[str] = collections.Counter()
        self._another = server_context(on_server(leaf(issue("Another Root"))))
        super().__init__(on_server(leaf(root)), {f"/{name}": body for name, body in reports.items()})
        self._context = server_context(on_server(leaf(root)))
        self._well, self._talk = self._talk, self._in_turn
        self._lock = threading.Lock()

    def _in_turn(self, connection: socket.socket) -> None:
        with self._lock:
            turn = next(self.turns)
            self.counts[turn] += 1
        if turn == "refuses":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset
        elif turn == "stalls":
            connection.settimeout(60)
            while connection.recv(4096):
                pass
        elif turn == "truncates":
            in_tls(self._context, self._half)(connection)
        else:
            (in_tls(self._another, head) if turn != "well" else self._well)(connection)

    def _half(self, secure: socket.socket) -> None:
        words = head(secure).decode().split(" ")
        whole_page = page(self.pages.get(words[1], b"")) if len(words) > 1 else b""
        secure.sendall(whole_page[: len(whole_page) // 2])


def run(place: Place, count: int, reports: Path | None = None) -> str:
    """Initialise as many homes at once, half of them with an older store; return the figures."""
    bodies = whole.small_reports(SIDES["b"])
    if reports:
        bodies = {name: (reports / name.rpartition("/")[2]).read_bytes() for name in bodies}
    mirror = Mirror(place.root, bodies)
    try:
        team = place.file("team.toml", TEAM.format(url=mirror.url, pem=place.root.pem.decode()).encode())
        homes = [place.home(f"drill-{number}") for number in range(count)]
        for home in homes[::2]:
            ran = place.run("certboot", "init", "--source", "certifi", home=home)
            place.check(ran.status == 0, f"an older store: {told(ran)}", home)
        before = [digest(place, home) for home in homes]
        first = at_once(place, homes, team)
        after = [digest(place, home) for home in homes]
        done = {now for ran, now in zip(first, after, strict=True) if ran.status == 0}
        place.check(len(done) <= 1, f"{len(done)} digests after the first round")
        for home, ran, old, now in zip(homes, first, before, after, strict=True):
            right = ran.status == 0 or (refused(ran) and now == old)
            place.check(right, f"with the mirror as it is, {home.name}: {told(ran)}, {old!r} -> {now!r}", home)
            place.check(not leftovers(home), f"{home.name}: left over is {leftovers(home)}", home)
        messages = collections.Counter(reason(ran) for ran in first if ran.status)
        turns = dict(mirror.counts)
        mirror.turns = itertools.repeat("well")
        second = at_once(place, homes, team)
        ends = {digest(place, home) for home in homes}
        for home, ran in zip(homes, second, strict=True):
            place.check(ran.status == 0, f"with the mirror well again, {home.name}: {told(ran)}", home)
        place.check(len(ends) == 1 and "" not in ends and done <= ends, f"at the end: {sorted(ends)}")
    finally:
        mirror.close()
    failures = ", ".join(f"{number} x {words}" for words, number in messages.most_common())
    connections = ", ".join(f"{turns.get(turn, 0)} {turn}" for turn in dict.fromkeys(TURNS))
    kind = "the CCADB's own reports" if reports else "small reports"
    return (
        f"{kind}; connections: {connections}; first round: {count - sum(messages.values())} homes had the new digest, "
        f"{sum(messages.values())} kept what they had ({failures}); second round: {len(ends)} digest in {count} homes"
    )


def at_once(place: Place, homes: list[Path], team: Path) -> list[Ran]:
    """Initialise all of them together, and wait for the last."""
    processes = [place.start("init", "--config", team, home=home) for home in homes]
    said = [process.communicate(timeout=PATIENCE)[1] for process in processes]
    return [Ran(process.returncode, "", err) for process, err in zip(processes, said, strict=True)]


def digest(place: Place, home: Path) -> str:
    """Return what tells whether two stores hold the same, of one that is whole; "" for no store."""
    if not place.state(home, home.name):
        return ""
    listed = place.run("certboot", "list", "--json", home=home)
    return str(json.loads(listed.out)["digest"])


def reason(ran: Ran) -> str:
    """Return what a refused command said, without what differs from one to the next."""
    words = ran.err.partition("certboot: error: ")[2].partition("\n")[0]
    return re.sub(r"[0-9,]*[0-9]", "N", words.partition(": https://")[0])
