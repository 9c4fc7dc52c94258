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
from support.issuers import (
    ChainServer,
    accepted,
    intermediate,
    leaf,
    repaired_in,
    trusted_root,
    without_its_issuer,
)
from support.pki import Issued, issue
from support.plain_server import PlainServer, page
from support.snapshot import assert_refused, contents, snapshot
from support.terminal import answers

from certboot import files
from certboot.pki.certificate import load_certificate
from certboot.sources.repaired import Need, Repair, needs
from certboot.store import update
from certboot.store.request import Request

if typing.TYPE_CHECKING:
    from support.environments import Ran

    from certboot.store.paths import StorePaths

    Run = Callable[..., Ran]
    Send = Callable[..., ChainServer]


@pytest.fixture
def root(clean: Path, certboot: Run) -> Issued:
    """A CA that the store trusts."""
    return trusted_root(clean, certboot)


@pytest.fixture
def forgetful(root: Issued, place: PlainServer, send: Send) -> ChainServer:
    """A server that does not send its issuer, which lies where its certificate says."""
    return without_its_issuer(root, place, send)


class TestAccounting:
    @pytest.fixture
    def repaired(self, certboot: Run, forgetful: ChainServer) -> ChainServer:
        assert certboot("repair", "--yes", forgetful.shown).status == 0
        return forgetful

    def test_list_show_and_history_tell_who_needed_it(
        self, certboot: Run, repaired: ChainServer, place: PlainServer
    ) -> None:
        today = f"{datetime.now(timezone.utc):%Y-%m-%d}"
        need = f"needed by {repaired.shown} on {today}, from {place.url}/ca, under Example Root ("
        assert need in certboot("list", "--source", "repaired").out
        shown = certboot("show", "Example CA").out
        assert f"source    repaired, {need}" in shown
        assert "\nanchor    Example Root (" in shown
        assert f"repair {repaired.shown}" in certboot("history").out.splitlines()[-1]
        (entry,) = json.loads(certboot("list", "--source", "repaired", "--json").out)["certificates"]
        assert need in entry["provenance"][0]["detail"]
        assert "repaired 1 (certboot list --source repaired)" in certboot("init").out

    def test_an_update_with_nothing_new_keeps_it_and_writes_nothing(
        self, certboot: Run, paths: StorePaths, repaired: ChainServer
    ) -> None:
        certboot("update")
        before = snapshot(paths.current.resolve())
        ran = certboot("update")
        assert "nothing new, nothing changed" in ran.out
        assert (snapshot(paths.current.resolve()), accepted(paths, repaired)) == (before, [True, True])

    def test_rollback_undoes_it(self, certboot: Run, paths: StorePaths, repaired: ChainServer) -> None:
        assert certboot("rollback").status == 0
        assert (repaired_in(paths), accepted(paths, repaired)) == ({}, [False, False])

    def test_it_leaves_with_its_anchor_and_the_update_says_so_once(
        self, certboot: Run, paths: StorePaths, repaired: ChainServer
    ) -> None:
        for path in paths.trusted.iterdir():
            path.unlink()
        ran = certboot("update")
        assert (repaired_in(paths), accepted(paths, repaired)) == ({}, [False, False])
        assert f"left out: needed by {repaired.shown}" in ran.out
        assert "its issuer is not in the store" in ran.out
        assert "left out" not in certboot("update").out

    def test_it_leaves_with_an_anchor_that_is_distrusted(
        self, certboot: Run, paths: StorePaths, repaired: ChainServer
    ) -> None:
        ran = certboot("distrust", "Example Root")
        assert "Example CA" in ran.out
        assert (repaired_in(paths), accepted(paths, repaired)) == ({}, [False, False])

    @pytest.mark.usefixtures("repaired")
    def test_it_leaves_when_it_has_expired(
        self, certboot: Run, paths: StorePaths, clock: Callable[[datetime], None]
    ) -> None:
        clock(datetime.now(timezone.utc) + timedelta(days=89))
        certboot("update")
        assert repaired_in(paths) == {"Example CA": "intermediate"}
        clock(datetime.now(timezone.utc) + timedelta(days=91))
        ran = certboot("update")
        assert (repaired_in(paths), "it expired on" in ran.out) == ({}, True)

    def test_it_leaves_when_the_ccadb_revokes_it(
        self, certboot: Run, paths: StorePaths, forgetful: ChainServer, tmp_path: Path
    ) -> None:
        certboot("repair", "--yes", forgetful.shown)
        (entry,) = json.loads(certboot("list", "--source", "repaired", "--json").out)["certificates"]
        other = issue("Revoked")
        bodies = report.Reports((report.root(issue("Public")),), (report.intermediate(other),), ()).bodies()
        rows = [report.revoked(other), ("Corp", entry["sha256"].upper(), "")]
        last = list(bodies)[-1]
        for listed, expected in ((rows[:1], {"Example CA": "intermediate"}), (rows, {})):
            folder = report.save({**bodies, last: report.table(report.REVOKED, listed)}, tmp_path / "reports")
            assert certboot("init", "--source", "certifi,ccadb", "--from", folder).status == 0
            assert repaired_in(paths) == expected
        # Once it was fetched, what it says of a revocation stays true, also for who no longer goes by it.
        certboot("init", "--source", "certifi")
        assert repaired_in(paths) == {}
        before = snapshot(paths.home)
        ran = certboot("repair", "--yes", forgetful.shown)
        assert (ran.status, " revoked: " in ran.out, snapshot(paths.home)) == (1, True, before)

    def test_an_intermediate_that_the_store_has_for_directories_comes_into_the_bundle_too(
        self, certboot: Run, paths: StorePaths, root: Issued, send: Send, place: PlainServer, tmp_path: Path
    ) -> None:
        ca = intermediate("Example CA", root)
        server = send(leaf(ca, f"{place.url}/ca"))
        other = report.revoked(issue("Revoked"))
        reports = report.Reports((report.root(issue("Public")),), (report.intermediate(ca),), (other,))
        folder = report.save(reports.bodies(), tmp_path / "reports")
        certboot("init", "--from", folder, "--intermediates")
        assert accepted(paths, server) == [False, True]
        ran = certboot("repair", "--yes", server.shown)
        assert (ran.status, place.asked, accepted(paths, server)) == (0, [], [True, True])
        assert "    from     the store" in ran.out
        (entry,) = json.loads(certboot("list", "--source", "repaired", "--json").out)["certificates"]
        assert [reason["source"] for reason in entry["provenance"]] == ["repaired", "ccadb"]

    def test_a_report_that_lies_there_spares_the_fetch(
        self, certboot: Run, paths: StorePaths, root: Issued, send: Send, place: PlainServer
    ) -> None:
        ca = intermediate("Example CA", root)
        reports = report.Reports((report.root(issue("Public")),), (report.intermediate(ca),), ())
        report.save(reports.bodies(), paths.cache)
        server = send(leaf(ca, f"{place.url}/ca"))
        ran = certboot("repair", "--yes", server.shown)
        assert (ran.status, place.asked, accepted(paths, server)) == (0, [], [True, True])
        assert "    from     the CCADB's report" in ran.out

    def test_a_second_server_under_the_same_ca_needs_nothing_more(
        self, certboot: Run, repaired: ChainServer, send: Send, paths: StorePaths, root: Issued, place: PlainServer
    ) -> None:
        ca = intermediate("Second CA", root)
        place.pages["/second"] = page(ca.der)
        server = send(leaf(ca, f"{place.url}/second"))
        assert certboot("repair", "--yes", server.shown).status == 0
        assert repaired_in(paths) == {"Example CA": "intermediate", "Second CA": "intermediate"}
        assert accepted(paths, repaired) == accepted(paths, server) == [True, True]

    def test_a_certificate_that_comes_back_keeps_the_servers_of_before(
        self, certboot: Run, paths: StorePaths, repaired: ChainServer
    ) -> None:
        (file,) = paths.repaired.iterdir()
        before = needs(file.read_bytes())
        certboot("rollback")
        ran = certboot("repair", "--yes", "--servername", "localhost", f"127.0.0.1:{repaired.port}")
        assert ran.status == 0
        assert [need.host for need in needs(file.read_bytes())] == [
            before[0].host,
            f"127.0.0.1:{repaired.port}",
        ]

    def test_what_the_sources_keep_out_is_not_said_to_be_stored(
        self, certboot: Run, paths: StorePaths, forgetful: ChainServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Between the question and the answer the anchor has gone."""
        real = update.apply

        def apply(*arguments: typing.Any, **options: typing.Any) -> typing.Any:  # noqa: ANN401
            for path in paths.trusted.iterdir():
                path.unlink()
            return real(*arguments, **options)

        monkeypatch.setattr("certboot.cli.repair.apply", apply)
        ran = certboot("repair", "--yes", forgetful.shown)
        assert_refused(ran)
        assert "Example CA does not enter the store, its issuer is not in the store" in ran.err
        assert list(paths.repaired.glob("*")) == []

    @pytest.mark.usefixtures("repaired")
    def test_purge_takes_it_away(self, certboot: Run, paths: StorePaths) -> None:
        certboot("purge", "--yes")
        assert not paths.home.exists()

    @pytest.mark.usefixtures("repaired")
    def test_a_file_that_others_may_write_keeps_everything_as_it_was(self, certboot: Run, paths: StorePaths) -> None:
        (file,) = paths.repaired.iterdir()
        file.chmod(0o666)
        assert_refused(certboot("update"))
        assert certboot("doctor", "store").status == 1


class TestNeeds:
    @pytest.fixture
    def ca(self, root: Issued, place: PlainServer) -> Issued:
        made = intermediate("Example CA", root)
        place.pages["/ca"] = page(made.der)
        return made

    @pytest.fixture
    def servers(self, ca: Issued, place: PlainServer, send: Send) -> list[ChainServer]:
        """Two servers that forget the same CA."""
        return [send(leaf(ca, f"{place.url}/ca")) for _ in range(2)]

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
        assert _hosts(paths) == [first.shown, second.shown]
        listed = certboot("list", "--source", "repaired").out
        assert f"needed by {first.shown} " in listed
        assert f"needed by {second.shown} " in listed
        assert "nothing new, nothing changed" in certboot("update").out

    def test_a_second_server_that_needs_what_is_stored_is_noted_without_a_question_and_without_a_generation(
        self, certboot: Run, paths: StorePaths, servers: list[ChainServer]
    ) -> None:
        first, second = servers
        certboot("repair", "--yes", first.shown)
        certboot("update")
        generation = snapshot(paths.current.resolve())
        ran = certboot("repair", "--dry-run", second.shown)
        assert (ran.status, _hosts(paths)) == (0, [first.shown])
        ran = certboot("repair", second.shown)
        assert (ran.status, _hosts(paths)) == (0, [first.shown, second.shown])
        assert f"\n{second.shown}: noted that it needs Example CA (" in ran.out
        assert snapshot(paths.current.resolve()) == generation
        assert "0 new, 0 gone" in certboot("update").out
        today = f"{datetime.now(timezone.utc):%Y-%m-%d}"
        need = f"needed by {second.shown} on {today}, from the store, under Example Root ("
        assert need in certboot("list", "--source", "repaired").out
        assert need in certboot("show", "Example CA").out
        before = snapshot(paths.home)
        ran = certboot("repair", second.shown, first.shown)
        assert (ran.status, "noted" in ran.out, snapshot(paths.home)) == (0, False, before)

    @pytest.fixture
    def other(self, root: Issued, place: PlainServer, send: Send) -> ChainServer:
        """A server that forgets another CA."""
        made = intermediate("Other CA", root)
        place.pages["/other"] = page(made.der)
        return send(leaf(made, f"{place.url}/other"))

    def test_what_nobody_has_agreed_to_store_notes_nobody(
        self, certboot: Run, paths: StorePaths, servers: list[ChainServer], other: ChainServer,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        first, second = servers
        certboot("repair", "--yes", first.shown)
        before = snapshot(paths.home)
        answers(monkeypatch, "no\n")
        assert certboot("repair", second.shown, other.shown).status == 1
        assert snapshot(paths.home) == before
        answers(monkeypatch, "yes\n")
        assert certboot("repair", second.shown, other.shown).status == 0
        listed = certboot("list", "--source", "repaired").out
        assert all(f"needed by {each.shown} " in listed for each in (first, second, other))

    def test_under_another_anchor_a_need_is_noted_anew_with_the_address_it_once_came_from(
        self, certboot: Run, paths: StorePaths, servers: list[ChainServer], place: PlainServer
    ) -> None:
        certboot("repair", "--yes", servers[0].shown)
        (file,) = paths.repaired.iterdir()
        file.write_bytes(file.read_bytes().replace(b"Example Root (", b"Former Root ("))
        assert "noted" in certboot("repair", servers[0].shown).out
        (need,) = needs(file.read_bytes())
        assert (need.host, need.address, need.anchor[:14]) == (servers[0].shown, f"{place.url}/ca", "Example Root (")

    @pytest.mark.parametrize("kind", ["another", "exposed", "none", "read-only"])
    def test_where_it_cannot_be_noted_the_server_is_looked_at_all_the_same(
        self, certboot: Run, paths: StorePaths, servers: list[ChainServer], monkeypatch: pytest.MonkeyPatch, kind: str
    ) -> None:
        certboot("repair", "--yes", servers[0].shown)
        (file,) = paths.repaired.iterdir()
        if kind == "another":
            file.write_bytes(issue("Another").pem)
        elif kind == "exposed":
            file.chmod(0o666)
        elif kind == "none":
            file.unlink()
        else:
            monkeypatch.setattr(files, "replace", _read_only)
        before = contents(paths.repaired)
        ran = certboot("repair", servers[1].shown)
        assert (ran.status, "noted" in ran.out, contents(paths.repaired)) == (0, False, before)

    def test_of_thousands_of_servers_so_many_are_kept_that_the_next_update_reads_the_file(
        self, certboot: Run, paths: StorePaths, ca: Issued
    ) -> None:
        names = [f"host-{n:04}.{'d' * 250}.example:443" for n in range(6000)]
        needs = tuple(Need(name, "2026-11-25", "http://ca.example/", "Example Root (1)") for name in names)
        repair = Repair(load_certificate(ca.der), needs)
        outcome = update.apply(paths, Request("repair", repairs=(repair,)))
        assert repaired_in(paths) == {"Example CA": "intermediate"}
        assert "needed by host-5500." in outcome.record.certificates[0].provenance[0].detail
        assert "nothing new, nothing changed" in certboot("update").out
        assert repaired_in(paths) == {"Example CA": "intermediate"}
        assert _hosts(paths) == names[-500:]


class TestRollback:
    def test_it_says_what_the_next_update_brings_back_and_how_to_keep_it_out(
        self, certboot: Run, paths: StorePaths, forgetful: ChainServer, tmp_path: Path
    ) -> None:
        (tmp_path / "corp.pem").write_bytes(issue("Corp Root").pem)
        certboot("trust", "--yes", tmp_path / "corp.pem")
        certboot("repair", "--yes", forgetful.shown)
        first = certboot("rollback", "1").out
        files = {
            name: next(folder.glob(f"{name.replace(' ', '_')}-*"))
            for name, folder in {"Example CA": paths.repaired, "Corp Root": paths.trusted}.items()
        }
        for name, file in files.items():
            assert f"\n{name} comes back with the next update, unless you remove {file}\n" in first
        assert first.count("comes back") == 2
        certboot("update")
        assert repaired_in(paths) == {"Example CA": "intermediate"}
        certboot("rollback", "1")
        for file in files.values():
            file.unlink()
        certboot("update")
        held = {entry["name"] for entry in json.loads(certboot("list", "--json").out)["certificates"]}
        assert held & set(files) == set()

    def test_what_has_another_source_or_is_distrusted_or_has_no_file_is_not_spoken_of(
        self, certboot: Run, paths: StorePaths, forgetful: ChainServer
    ) -> None:
        certboot("repair", "--yes", forgetful.shown)
        certboot("distrust", "Example CA")
        certboot("rollback")
        assert repaired_in(paths) == {"Example CA": "intermediate"}
        assert "comes back" not in certboot("rollback", "1").out
        certboot("rollback", "2")
        certboot("distrust", "--undo", "Example CA")
        for file in paths.repaired.iterdir():
            file.unlink()
        assert "comes back" not in certboot("rollback", "1").out


def _hosts(paths: StorePaths) -> list[str]:
    (file,) = paths.repaired.iterdir()
    return [need.host for need in needs(file.read_bytes())]


def _read_only(*_: object) -> None:
    raise OSError(errno.EROFS, "Read-only file system")
