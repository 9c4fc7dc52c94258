"""What ``certboot repair`` has stored: told by whom it is needed, and gone when its reason goes."""

from __future__ import annotations

import json
import typing
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
import report
from issuers import (
    ChainServer,
    accepted,
    intermediate,
    leaf,
    repaired_in,
    trusted_root,
    without_its_issuer,
)
from pki import Issued, issue
from plain_server import PlainServer, page
from snapshot import assert_refused, few_sources, snapshot

from certboot import update
from certboot.store import repairs

if typing.TYPE_CHECKING:
    from environments import Ran

    from certboot.paths import StorePaths

    Run = Callable[..., Ran]
    Send = Callable[..., ChainServer]


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    few_sources(monkeypatch)


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
        self, certboot: Run, paths: StorePaths, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        _later(monkeypatch, timedelta(days=89))
        certboot("update")
        assert repaired_in(paths) == {"Example CA": "intermediate"}
        _later(monkeypatch, timedelta(days=91))
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
        ran = certboot("repair", "--yes", forgetful.shown)
        assert (ran.status, " revoked: " in ran.out) == (1, True)

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
        before = repairs.needs(file.read_bytes())
        certboot("rollback")
        ran = certboot("repair", "--yes", "--servername", "localhost", f"127.0.0.1:{repaired.port}")
        assert ran.status == 0
        assert [need.host for need in repairs.needs(file.read_bytes())] == [
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

        monkeypatch.setattr(update, "apply", apply)
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


def _later(monkeypatch: pytest.MonkeyPatch, span: timedelta) -> None:
    class Later(datetime):
        @classmethod
        def now(cls, tz: typing.Any = None) -> Later:  # noqa: ANN401
            return typing.cast("Later", datetime.now(tz) + span)

    monkeypatch.setattr(update, "datetime", Later)
