"""What ``certboot repair`` has stored: told by whom it is needed, and gone when its reason goes."""

from __future__ import annotations

import errno
import json
import typing
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from support import report
from support.commands import Run
from support.issuers import ChainServer, Send, accepted, intermediate, leaf, repaired_in
from support.pki import NOW, Issued, issue
from support.server import PlainServer, page
from support.snapshot import assert_refused, contents, snapshot
from support.table import cases
from support.terminal import answers

from certboot import files
from certboot.pki.certificate import load_certificate
from certboot.sources.repaired import Need, Repair, needs
from certboot.store import update
from certboot.store.paths import StorePaths
from certboot.store.request import Request

STORED = {"Example CA": "intermediate"}
REPAIRED = ("list", "--source", "repaired")


@pytest.fixture
def servers(root: Issued, place: PlainServer, send: Send) -> list[ChainServer]:
    """Two servers that forget the same CA."""
    ca = intermediate("Example CA", root)
    place.pages["/ca"] = page(ca.der)
    return [send(leaf(ca, f"{place.url}/ca")) for _ in range(2)]


@pytest.fixture
def repaired(certboot: Run, servers: list[ChainServer]) -> ChainServer:
    """The first of them, which has been repaired."""
    assert certboot("repair", "--yes", servers[0].shown).status == 0
    return servers[0]


@pytest.fixture
def other(root: Issued, place: PlainServer, send: Send) -> ChainServer:
    """A server that forgets another CA."""
    ca = intermediate("Other CA", root)
    place.pages["/other"] = page(ca.der)
    return send(leaf(ca, f"{place.url}/other"))


def entry(certboot: Run) -> dict[str, typing.Any]:
    (listed,) = json.loads(certboot(*REPAIRED, "--json").out)["certificates"]
    return typing.cast("dict[str, typing.Any]", listed)


def stored(paths: StorePaths) -> Path:
    (file,) = paths.repaired.iterdir()
    return file


def hosts(paths: StorePaths) -> list[str]:
    return [need.host for need in needs(stored(paths).read_bytes())]


def reports(ca: Issued, *revoked: Issued) -> dict[str, bytes]:
    rows = tuple(report.revoked(issued) for issued in revoked)
    return report.Reports((report.root(issue("Public")),), (report.intermediate(ca),), rows).bodies()


class TestAccounting:
    def test_list_show_and_history_tell_for_whom(
        self, certboot: Run, repaired: ChainServer, place: PlainServer
    ) -> None:
        need = f"needed by {repaired.shown} on {NOW:%Y-%m-%d}, from {place.url}/ca, under Example Root ("
        assert need in certboot(*REPAIRED).out
        shown = certboot("show", "Example CA").out
        assert f"source    repaired, {need}" in shown
        assert "\nanchor    Example Root (" in shown
        assert f"repair {repaired.shown}" in certboot("history").out.splitlines()[-1]
        assert need in entry(certboot)["provenance"][0]["detail"]
        assert "repaired 1 (certboot list --source repaired)" in certboot("init", "-v").out

    def test_an_update_keeps_it_and_a_rollback_undoes_it(
        self, certboot: Run, paths: StorePaths, repaired: ChainServer
    ) -> None:
        certboot("update")
        before = snapshot(paths.current.resolve())
        assert "nothing new, nothing changed" in certboot("update").out
        assert (snapshot(paths.current.resolve()), accepted(paths, repaired)) == (before, [True, True])
        assert certboot("rollback").status == 0
        assert (repaired_in(paths), accepted(paths, repaired)) == ({}, [False, False])

    def test_it_leaves_with_its_anchor_and_the_update_says_so_once(
        self, certboot: Run, paths: StorePaths, repaired: ChainServer
    ) -> None:
        assert "Example CA" in certboot("distrust", "Example Root").out
        assert (repaired_in(paths), accepted(paths, repaired)) == ({}, [False, False])
        certboot("distrust", "--undo", "Example Root")
        assert repaired_in(paths) == STORED
        for path in paths.trusted.iterdir():
            path.unlink()
        ran = certboot("update")
        assert (repaired_in(paths), accepted(paths, repaired)) == ({}, [False, False])
        assert f"left out  needed by {repaired.shown}" in ran.out
        assert "its issuer is not in the store" in ran.out
        assert "left out" not in certboot("update").out

    @pytest.mark.usefixtures("repaired")
    def test_it_leaves_when_it_has_expired(
        self, certboot: Run, paths: StorePaths, clock: Callable[[datetime], None]
    ) -> None:
        for days, expected in ((89, STORED), (91, {})):
            clock(datetime.now(timezone.utc) + timedelta(days=days))
            ran = certboot("update")
            assert (repaired_in(paths), "it expired on" in ran.out) == (expected, not expected)

    def test_it_leaves_when_the_ccadb_revokes_it(
        self, certboot: Run, paths: StorePaths, repaired: ChainServer, tmp_path: Path
    ) -> None:
        gone = issue("Revoked")
        bodies, rows = reports(gone), [report.revoked(gone), ("Corp", entry(certboot)["sha256"].upper(), "")]
        last = list(bodies)[-1]
        for listed, expected in ((rows[:1], STORED), (rows, {})):
            folder = report.save({**bodies, last: report.table(report.REVOKED, listed)}, tmp_path / "reports")
            assert certboot("init", "--source", "certifi,ccadb", "--from", folder).status == 0
            assert repaired_in(paths) == expected
        # Once it was fetched, what it says of a revocation stays true, also for who no longer goes by it.
        certboot("init", "--source", "certifi")
        assert repaired_in(paths) == {}
        before = snapshot(paths.home)
        ran = certboot("repair", "--yes", repaired.shown)
        assert (ran.status, "(revoked)" in ran.out, snapshot(paths.home)) == (1, True, before)

    def test_an_intermediate_that_the_store_has_for_directories_comes_into_the_bundle_too(
        self, certboot: Run, paths: StorePaths, root: Issued, send: Send, place: PlainServer, tmp_path: Path
    ) -> None:
        ca = intermediate("Example CA", root)
        server = send(leaf(ca, f"{place.url}/ca"))
        certboot("init", "--from", report.save(reports(ca, issue("Revoked")), tmp_path / "reports"), "--intermediates")
        assert accepted(paths, server) == [False, True]
        ran = certboot("repair", "--yes", server.shown)
        assert (ran.status, place.asked, accepted(paths, server)) == (0, [], [True, True])
        assert "  from      the store" in ran.out
        assert [reason["source"] for reason in entry(certboot)["provenance"]] == ["repaired", "ccadb"]

    def test_a_report_that_lies_there_spares_the_fetch(
        self, certboot: Run, paths: StorePaths, root: Issued, send: Send, place: PlainServer
    ) -> None:
        ca = intermediate("Example CA", root)
        report.save(reports(ca), paths.cache)
        server = send(leaf(ca, f"{place.url}/ca"))
        ran = certboot("repair", "--yes", server.shown)
        assert (ran.status, place.asked, accepted(paths, server)) == (0, [], [True, True])
        assert "  from      the CCADB's report" in ran.out

    def test_a_second_ca_of_another_server_stands_beside_the_first(
        self, certboot: Run, repaired: ChainServer, other: ChainServer, paths: StorePaths
    ) -> None:
        assert certboot("repair", "--yes", other.shown).status == 0
        assert repaired_in(paths) == {**STORED, "Other CA": "intermediate"}
        assert accepted(paths, repaired) == accepted(paths, other) == [True, True]

    def test_what_comes_back_keeps_its_servers(self, certboot: Run, paths: StorePaths, repaired: ChainServer) -> None:
        certboot("rollback")
        assert certboot("repair", "--yes", "--servername", "localhost", f"127.0.0.1:{repaired.port}").status == 0
        assert hosts(paths) == [repaired.shown, f"127.0.0.1:{repaired.port}"]

    def test_what_the_sources_keep_out_is_not_said_to_be_stored(
        self, certboot: Run, paths: StorePaths, servers: list[ChainServer], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Between the question and the answer the anchor has gone."""
        real = update.apply

        def apply(*arguments: typing.Any, **options: typing.Any) -> typing.Any:  # noqa: ANN401
            for path in paths.trusted.iterdir():
                path.unlink()
            return real(*arguments, **options)

        monkeypatch.setattr("certboot.cli.repair.apply", apply)
        ran = certboot("repair", "--yes", servers[0].shown)
        assert_refused(ran)
        assert "Example CA does not enter the store, its issuer is not in the store" in ran.err
        assert list(paths.repaired.glob("*")) == []

    @pytest.mark.usefixtures("repaired")
    def test_a_file_that_others_may_write_stops_all_but_purge(self, certboot: Run, paths: StorePaths) -> None:
        stored(paths).chmod(0o666)
        assert_refused(certboot("update"))
        assert certboot("doctor", "store").status == 1
        certboot("purge", "--yes")
        assert not paths.home.exists()


class TestNeeds:
    def test_of_two_repairs_at_once_both_are_accounted_for(
        self, certboot: Run, paths: StorePaths, servers: list[ChainServer], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The second has looked at the store before the first has stored anything."""
        real, (first, second) = update.apply, servers

        def apply(*arguments: typing.Any, **options: typing.Any) -> typing.Any:  # noqa: ANN401
            monkeypatch.setattr("certboot.cli.repair.apply", real)
            assert certboot("repair", "--yes", first.shown).status == 0
            return real(*arguments, **options)

        monkeypatch.setattr("certboot.cli.repair.apply", apply)
        assert certboot("repair", "--yes", second.shown).status == 0
        assert hosts(paths) == [first.shown, second.shown]
        listed = certboot(*REPAIRED).out
        assert all(f"needed by {server.shown} " in listed for server in servers)
        assert "nothing new, nothing changed" in certboot("update").out

    def test_a_second_server_that_needs_what_is_stored_is_noted_without_a_question_and_without_a_generation(
        self, certboot: Run, paths: StorePaths, repaired: ChainServer, servers: list[ChainServer]
    ) -> None:
        second = servers[1]
        certboot("update")
        generation = snapshot(paths.current.resolve())
        assert certboot("repair", "--dry-run", second.shown).status == 0
        assert hosts(paths) == [repaired.shown]
        ran = certboot("repair", second.shown)
        assert (ran.status, hosts(paths)) == (0, [repaired.shown, second.shown])
        assert f"\n  noted     that {second.shown} needs Example CA (" in ran.out
        assert snapshot(paths.current.resolve()) == generation
        assert "0 new, 0 gone" in certboot("update").out
        need = f"needed by {second.shown} on {NOW:%Y-%m-%d}, from the store, under Example Root ("
        assert need in certboot(*REPAIRED).out
        assert need in certboot("show", "Example CA").out
        before = snapshot(paths.home)
        ran = certboot("repair", second.shown, repaired.shown)
        assert (ran.status, "noted" in ran.out, snapshot(paths.home)) == (0, False, before)

    @pytest.mark.usefixtures("repaired")
    def test_what_nobody_has_agreed_to_store_notes_nobody(
        self, certboot: Run, paths: StorePaths, servers: list[ChainServer], other: ChainServer,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        before = snapshot(paths.home)
        answers(monkeypatch, "no\n")
        assert certboot("repair", servers[1].shown, other.shown).status == 1
        assert snapshot(paths.home) == before
        answers(monkeypatch, "yes\n")
        assert certboot("repair", servers[1].shown, other.shown).status == 0
        listed = certboot(*REPAIRED).out
        assert all(f"needed by {server.shown} " in listed for server in (*servers, other))

    def test_under_another_anchor_a_need_is_noted_anew_with_the_address_it_once_came_from(
        self, certboot: Run, paths: StorePaths, repaired: ChainServer, place: PlainServer
    ) -> None:
        file = stored(paths)
        file.write_bytes(file.read_bytes().replace(b"Example Root (", b"Former Root ("))
        assert "noted" in certboot("repair", repaired.shown).out
        (need,) = needs(file.read_bytes())
        assert (need.host, need.address, need.anchor[:14]) == (repaired.shown, f"{place.url}/ca", "Example Root (")

    @pytest.mark.usefixtures("repaired")
    @cases("kind", ["another", "exposed", "none", "read-only"])
    def test_where_it_cannot_be_noted_the_server_is_looked_at_all_the_same(
        self, certboot: Run, paths: StorePaths, servers: list[ChainServer], monkeypatch: pytest.MonkeyPatch, kind: str
    ) -> None:
        def read_only(*_: object) -> None:
            raise OSError(errno.EROFS, "Read-only file system")

        file = stored(paths)
        if kind == "another":
            file.write_bytes(issue("Another").pem)
        elif kind == "exposed":
            file.chmod(0o666)
        elif kind == "none":
            file.unlink()
        else:
            monkeypatch.setattr(files, "replace", read_only)
        before = contents(paths.repaired)
        ran = certboot("repair", servers[1].shown)
        assert (ran.status, "noted" in ran.out, contents(paths.repaired)) == (0, False, before)

    def test_of_thousands_of_servers_the_newest_are_kept(self, certboot: Run, paths: StorePaths, root: Issued) -> None:
        names = [f"host-{n:04}.{'d' * 250}.example:443" for n in range(6000)]
        needs = tuple(Need(name, "2026-11-25", "http://ca.example/", "Example Root (1)") for name in names)
        repair = Repair(load_certificate(intermediate("Example CA", root).der), needs)
        outcome = update.apply(paths, Request("repair", repairs=(repair,)))
        assert repaired_in(paths) == STORED
        assert "needed by host-5500." in outcome.record.certificates[0].provenance[0].detail
        assert "nothing new, nothing changed" in certboot("update").out
        assert (repaired_in(paths), hosts(paths)) == (STORED, names[-500:])


class TestRollback:
    def test_it_says_what_the_next_update_brings_back_and_how_to_keep_it_out(
        self, certboot: Run, paths: StorePaths, servers: list[ChainServer], tmp_path: Path
    ) -> None:
        (tmp_path / "corp.pem").write_bytes(issue("Corp Root").pem)
        certboot("trust", "--yes", tmp_path / "corp.pem")
        certboot("repair", "--yes", servers[0].shown)
        first = certboot("rollback", "1").out
        (corp,) = paths.trusted.glob("Corp_Root-*")
        own = {"Example CA": stored(paths), "Corp Root": corp}
        for name, file in own.items():
            assert f"\n{name} comes back with the next update, unless you remove {file}\n" in first
        assert first.count("comes back") == 2
        certboot("update")
        assert repaired_in(paths) == STORED
        certboot("rollback", "1")
        for file in own.values():
            file.unlink()
        certboot("update")
        assert {listed["name"] for listed in json.loads(certboot("list", "--json").out)["certificates"]}.isdisjoint(own)

    @pytest.mark.usefixtures("repaired")
    def test_what_cannot_come_back_is_not_spoken_of(self, certboot: Run, paths: StorePaths) -> None:
        certboot("distrust", "Example CA")
        certboot("rollback")
        assert repaired_in(paths) == STORED
        assert "comes back" not in certboot("rollback", "1").out
        certboot("rollback", "2")
        certboot("distrust", "--undo", "Example CA")
        stored(paths).unlink()
        assert "comes back" not in certboot("rollback", "1").out
