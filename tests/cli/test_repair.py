"""``certboot repair`` against real servers on loopback that do not send what they should."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import socket
import subprocess
import sys
import typing
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from support import report
from support.issuers import (
    ChainServer,
    accepted,
    as_pkcs7,
    intermediate,
    leaf,
    repaired_in,
    respelled,
    trusted_root,
    without_its_issuer,
)
from support.pki import DAY, NOW, Issued, issue
from support.plain_server import PlainServer, moved, page
from support.snapshot import assert_refused, snapshot
from support.terminal import answers

from certboot.pki.certificate import file_name, load_certificate
from certboot.sources import repaired

if typing.TYPE_CHECKING:
    from support.environments import Ran

    from certboot.store.paths import StorePaths

    Run = Callable[..., Ran]
    Send = Callable[..., ChainServer]

GOOD = "Verify return code: 0 (ok)"


@pytest.fixture
def root(clean: Path, certboot: Run) -> Issued:
    """A CA that the store trusts."""
    return trusted_root(clean, certboot)


@pytest.fixture
def forgetful(root: Issued, place: PlainServer, send: Send) -> ChainServer:
    """A server that does not send its issuer, which lies where its certificate says."""
    return without_its_issuer(root, place, send)


class TestRepair:
    def test_what_the_server_forgot_is_stored_for_every_client(
        self, certboot: Run, paths: StorePaths, forgetful: ChainServer, place: PlainServer
    ) -> None:
        assert accepted(paths, forgetful) == [False, False]
        ran = certboot("repair", "--yes", forgetful.shown)
        assert (ran.status, ran.err) == (0, "")
        lines = ran.out.splitlines()
        assert lines[0] == f"{forgetful.shown}: to be stored, because the server does not send it: Example CA"
        assert lines[4:7] == [
            f"    from     {place.url}/ca",
            "    because  it signed localhost",
            f"  anchor   {lines[6].split()[1]} Root ({lines[6].split('(')[1][:16]}), in the store",
        ]
        assert lines[-2].endswith("4 trust anchors and 1 intermediate in generation 2 (1 new, 0 gone)")
        assert lines[-1] == f"{forgetful.shown}: {GOOD}"
        assert accepted(paths, forgetful) == [True, True]
        assert repaired_in(paths) == {"Example CA": "intermediate"}
        assert certboot("doctor", "store").status == 0

    def test_an_issuer_whose_name_is_another_kind_of_string_serves_as_well(
        self, certboot: Run, paths: StorePaths, root: Issued, place: PlainServer, send: Send
    ) -> None:
        ca, other = respelled(root)
        place.pages["/ca"] = page(other.der)
        server = send(leaf(ca, f"{place.url}/ca"))
        assert certboot("repair", "--yes", server.shown).out.endswith(f"{server.shown}: {GOOD}\n")
        assert accepted(paths, server) == [True, True]
        ran = certboot("repair", server.shown)
        assert f"{server.shown}: nothing is to be stored\n" in ran.out
        assert certboot("update").status == 0
        assert accepted(paths, server) == [True, True]

    def test_an_intermediate_of_the_ccadb_s_report_whose_name_is_another_kind_of_string_serves_as_well(
        self, certboot: Run, paths: StorePaths, root: Issued, send: Send
    ) -> None:
        ca, other = respelled(root)
        gone = (report.revoked(issue("Somebody else's")),)
        report.save(report.Reports((report.root(root),), (report.intermediate(other),), gone).bodies(), paths.cache)
        server = send(leaf(ca))
        ran = certboot("repair", "--yes", server.shown)
        assert (ran.status, ran.err) == (0, "")
        assert ran.out.endswith(f"{server.shown}: {GOOD}\n")
        assert accepted(paths, server) == [True, True]

    def test_done_again_it_finds_nothing_to_do_and_asks_nobody(
        self, certboot: Run, paths: StorePaths, forgetful: ChainServer, place: PlainServer
    ) -> None:
        certboot("repair", "--yes", forgetful.shown)
        before, asked = snapshot(paths.home), list(place.asked)
        ran = certboot("repair", forgetful.shown)
        assert ran.status == 0
        assert ran.out.splitlines()[0] == f"{forgetful.shown}: nothing is to be stored"
        assert "which the server does not send either" in ran.out
        assert (snapshot(paths.home), place.asked) == (before, asked)

    def test_a_server_that_sends_all_it_should_needs_nothing(
        self, certboot: Run, paths: StorePaths, root: Issued, send: Send, place: PlainServer
    ) -> None:
        ca = intermediate("Example CA", root)
        server = send(leaf(ca, f"{place.url}/ca"), ca)
        before = snapshot(paths.home)
        ran = certboot("repair", server.shown)
        assert (ran.status, ran.out.splitlines()[-1]) == (0, f"{server.shown}: {GOOD}")
        assert (snapshot(paths.home), place.asked) == (before, [])

    @pytest.mark.parametrize("answer", ["yes\n", "no\n", ""])
    def test_it_asks_first(
        self, certboot: Run, paths: StorePaths, forgetful: ChainServer, monkeypatch: pytest.MonkeyPatch, answer: str
    ) -> None:
        before = snapshot(paths.home)
        answers(monkeypatch, answer)
        ran = certboot("repair", forgetful.shown)
        assert "store this intermediate? [y/N] " in ran.out
        assert ran.status == (0 if answer == "yes\n" else 1)
        assert repaired_in(paths) == ({"Example CA": "intermediate"} if answer == "yes\n" else {})
        if answer != "yes\n":
            assert ran.out.endswith("nothing was changed\n")
            assert snapshot(paths.home) == before

    def test_where_nobody_can_be_asked_nothing_is_stored(
        self, certboot: Run, paths: StorePaths, forgetful: ChainServer
    ) -> None:
        before = snapshot(paths.home)
        assert_refused(certboot("repair", forgetful.shown))
        assert snapshot(paths.home) == before

    def test_a_dry_run_shows_it_and_changes_nothing(
        self, certboot: Run, paths: StorePaths, forgetful: ChainServer
    ) -> None:
        before = snapshot(paths.home)
        ran = certboot("repair", "--dry-run", forgetful.shown)
        assert (ran.status, ran.out.splitlines()[-1]) == (0, "a dry run: nothing was changed")
        assert "Example CA" in ran.out
        assert snapshot(paths.home) == before

    def test_a_verdict_that_is_not_good_is_told_in_openssl_s_words(
        self, certboot: Run, root: Issued, place: PlainServer, send: Send
    ) -> None:
        """The chain is complete now; that the certificate is for another host is another matter."""
        ca = intermediate("Example CA", root)
        place.pages["/ca"] = page(ca.der)
        server = send(leaf(ca, f"{place.url}/ca"))
        ran = certboot("repair", "--yes", "--servername", "other.example", server.shown)
        assert ran.status == 1
        assert ran.out.splitlines()[-2].startswith(f"{server.shown}: Verify return code: 62 (")
        assert ran.out.splitlines()[-1] == f"  next     certboot doctor {server.shown} says why"

    def test_without_a_store_there_is_nothing_to_repair(self, certboot: Run) -> None:
        ran = certboot("repair", "localhost")
        assert_refused(ran)
        assert "hint: certboot init" in ran.err


class TestForms:
    """Each way in which an issuer may lie somewhere ends in a chain that OpenSSL accepts too."""

    def repaired(self, certboot: Run, paths: StorePaths, server: ChainServer) -> list[str]:
        ran = certboot("repair", "--yes", server.shown)
        assert (ran.status, ran.out.splitlines()[-1]) == (0, f"{server.shown}: {GOOD}")
        assert accepted(paths, server) == [True, True]
        return sorted(repaired_in(paths))

    @pytest.mark.parametrize("form", ["DER", "PEM", "PKCS#7 in DER", "PKCS#7 in PEM", "redirect"])
    def test_every_form(
        self, certboot: Run, paths: StorePaths, root: Issued, place: PlainServer, send: Send, form: str
    ) -> None:
        ca = intermediate("Example CA", root)
        place.pages["/moved"] = page(ca.der)
        place.pages["/ca"] = {
            "DER": page(ca.der),
            "PEM": page(ca.pem, Content_Type="text/plain"),
            "PKCS#7 in DER": page(as_pkcs7(issue("Another"), ca)),
            "PKCS#7 in PEM": page(as_pkcs7(ca, encoding=Encoding.PEM)),
            "redirect": moved(f"{place.url}/moved"),
        }[form]
        server = send(leaf(ca, f"{place.url}/ca"))
        assert self.repaired(certboot, paths, server) == ["Example CA"]

    def test_two_missing_levels(
        self, certboot: Run, paths: StorePaths, root: Issued, place: PlainServer, send: Send
    ) -> None:
        upper = intermediate("Upper", root)
        lower = intermediate("Lower", upper, f"{place.url}/upper")
        place.pages |= {"/upper": page(upper.der), "/lower": page(lower.der)}
        assert self.repaired(certboot, paths, send(leaf(lower, f"{place.url}/lower"))) == ["Lower", "Upper"]
        assert place.asked == ["/lower", "/upper"]

    def test_a_gap_above_what_the_server_sends(
        self, certboot: Run, paths: StorePaths, root: Issued, place: PlainServer, send: Send
    ) -> None:
        upper = intermediate("Upper", root)
        lower = intermediate("Lower", upper, f"{place.url}/upper")
        place.pages["/upper"] = page(upper.der)
        assert self.repaired(certboot, paths, send(leaf(lower, f"{place.url}/lower"), lower)) == ["Upper"]

    def test_a_gap_below_what_the_server_sends(
        self, certboot: Run, paths: StorePaths, root: Issued, place: PlainServer, send: Send
    ) -> None:
        """The upper one is stored as well: in the store the lower one would hang from nothing."""
        upper = intermediate("Upper", root)
        lower = intermediate("Lower", upper, f"{place.url}/upper")
        place.pages["/lower"] = page(lower.der)
        assert self.repaired(certboot, paths, send(leaf(lower, f"{place.url}/lower"), upper)) == ["Lower", "Upper"]
        assert place.asked == ["/lower"]

    def test_cross_signed_issuers(
        self, certboot: Run, paths: StorePaths, root: Issued, place: PlainServer, send: Send
    ) -> None:
        ca = intermediate("Example CA", root)
        twin = intermediate("Example CA", issue("Stranger"), key=ca.key)
        place.pages |= {"/both": page(as_pkcs7(twin, ca)), "/twin": page(twin.der), "/ca": page(ca.der)}
        server = send(leaf(ca, f"{place.url}/twin", f"{place.url}/ca"))
        assert self.repaired(certboot, paths, server) == ["Example CA"]
        assert [path.name for path in paths.repaired.iterdir()] == [
            f"Example_CA-{hashlib.sha256(ca.der).hexdigest()[:8]}.pem"
        ]
        assert self.repaired(certboot, paths, send(leaf(ca, f"{place.url}/both"))) == ["Example CA"]

    def test_a_dead_first_address(
        self, certboot: Run, paths: StorePaths, root: Issued, place: PlainServer, send: Send
    ) -> None:
        ca = intermediate("Example CA", root)
        place.pages["/ca"] = page(ca.der)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            dead = listener.getsockname()[1]
        server = send(leaf(ca, f"http://127.0.0.1:{dead}/ca", f"{place.url}/none", f"{place.url}/ca"))
        assert self.repaired(certboot, paths, server) == ["Example CA"]


class TestSeveralServers:
    @pytest.fixture
    def servers(self, root: Issued, place: PlainServer, send: Send) -> list[ChainServer]:
        """Two under one CA that they do not send, and one that nobody can help."""
        ca = intermediate("Example CA", root)
        place.pages["/ca"] = page(ca.der)
        good = [send(leaf(ca, f"{place.url}/ca")) for _ in range(2)]
        return [*good, send(leaf(intermediate("Gone", root), f"{place.url}/none"))]

    def test_each_is_examined_and_all_is_stored_at_once(
        self, certboot: Run, paths: StorePaths, servers: list[ChainServer], place: PlainServer
    ) -> None:
        ran = certboot("repair", "--yes", *(server.shown for server in servers))
        assert ran.status == 1
        assert [line for line in ran.out.splitlines() if GOOD in line] == [
            f"{server.shown}: {GOOD}" for server in servers[:2]
        ]
        assert f"{servers[2].shown}: cannot be repaired: no way from localhost to an anchor of the store" in ran.out
        assert "  missing  status: the issuer of localhost at " in ran.out
        assert place.asked == ["/ca", "/none"]
        (file,) = paths.repaired.iterdir()
        assert [need.host for need in repaired.needs(file.read_bytes())] == [server.shown for server in servers[:2]]
        assert len(list(paths.generations.iterdir())) == 2
        assert accepted(paths, servers[1]) == [True, True]

    def test_hosts_may_stand_in_a_file(
        self, certboot: Run, paths: StorePaths, servers: list[ChainServer], tmp_path: Path
    ) -> None:
        hosts = tmp_path / "hosts"
        hosts.write_text(f"# ours\n\n{servers[0].shown}  # the first\n{servers[0].shown}\r\n", "utf-8")
        ran = certboot("repair", "--yes", "--file", hosts, servers[1].shown)
        assert (ran.status, ran.out.count(GOOD), ran.out.count("to be stored")) == (0, 2, 2)
        assert len(repaired_in(paths)) == 1

    def test_the_history_names_the_servers(self, certboot: Run, servers: list[ChainServer]) -> None:
        certboot("repair", "--yes", *(server.shown for server in servers[:2]), "localhost:1", "localhost:2")
        last = certboot("history").out.splitlines()[-1]
        assert f"repair {servers[0].shown}, {servers[1].shown}, localhost:1 and 1 more" in last

    @pytest.mark.usefixtures("root")
    def test_wrong_usage_is_refused(self, certboot: Run, tmp_path: Path) -> None:
        (tmp_path / "latin").write_bytes(b"\xff\n")
        for argv in (
            [],
            ["--file", tmp_path / "none"],
            ["--file", tmp_path / "latin"],
            ["--file", "/dev/null"],
            ["--connect", "a", "one", "two"],
            ["--servername", "a", "one", "two"],
            ["a b"],
        ):
            assert_refused(certboot("repair", *argv))

    def test_a_server_that_is_not_there_is_told_and_the_others_are_repaired(
        self, certboot: Run, paths: StorePaths, servers: list[ChainServer]
    ) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            dead = listener.getsockname()[1]
        ran = certboot("repair", "--yes", f"localhost:{dead}", "no-such-host.invalid", servers[0].shown)
        assert ran.status == 1
        lines = ran.out.splitlines()
        assert lines[0] == f"localhost:{dead}: cannot be repaired: nothing listens there"
        assert lines[1].startswith("no-such-host.invalid:443: cannot be repaired: ")
        assert lines[-1] == f"{servers[0].shown}: {GOOD}"
        assert repaired_in(paths) == {"Example CA": "intermediate"}


class TestExpired:
    """An intermediate of the store has expired, and the server sends the CA's next certificate."""

    @pytest.fixture
    def renewed(
        self, certboot: Run, paths: StorePaths, root: Issued, send: Send, monkeypatch: pytest.MonkeyPatch
    ) -> ChainServer:
        new = intermediate("Example CA", root)
        old = load_certificate(intermediate("Example CA", root, key=new.key, valid=(NOW - 9 * DAY, NOW - DAY)).der)
        need = repaired.Need("elsewhere:443", "2026-11-25", "http://ca.example/", "Example Root")
        paths.repaired.mkdir()
        (paths.repaired / file_name(old)).write_bytes(repaired.render_repair(repaired.Repair(old, (need,))))
        with monkeypatch.context() as patch:
            patch.setattr("certboot.store.policy.broken_rule", lambda *_: None)
            certboot("update")
        paths.checked.unlink()  # the run of that day would not be repeated before the certificate's last day
        assert repaired_in(paths) == {"Example CA": "intermediate"}
        return send(leaf(new), new)

    def test_the_command_that_mends_it_is_named_and_does(
        self, certboot: Run, paths: StorePaths, renewed: ChainServer
    ) -> None:
        assert accepted(paths, renewed) == [False, False]
        ran = certboot("repair", renewed.shown)
        lines = ran.out.splitlines()
        assert (ran.status, lines[0]) == (1, f"{renewed.shown}: nothing is to be stored")
        assert lines[1].startswith("  expired  Example CA (")
        assert lines[-2] == f"{renewed.shown}: Verify return code: 10 (certificate has expired)"
        assert lines[-1].startswith("  next     certboot update takes out what has expired: Example CA (")
        certboot("update")
        assert accepted(paths, renewed) == [True, True]
        ran = certboot("repair", renewed.shown)
        assert (ran.status, "expired" in ran.out) == (0, False)

    def test_a_repair_that_stores_the_next_certificate_takes_the_old_one_out(
        self, certboot: Run, paths: StorePaths, root: Issued, place: PlainServer, send: Send, renewed: ChainServer
    ) -> None:
        other = intermediate("Other CA", root)
        place.pages["/ca"] = page(other.der)
        forgetful = send(leaf(other, f"{place.url}/ca"))
        ran = certboot("repair", "--yes", renewed.shown, forgetful.shown)
        assert (ran.status, ran.out.count(GOOD)) == (0, 2)
        assert repaired_in(paths) == {"Other CA": "intermediate"}

    @pytest.mark.usefixtures("renewed")
    def test_an_expired_one_of_another_key_is_in_nobody_s_way(self, certboot: Run, root: Issued, send: Send) -> None:
        other = intermediate("Example CA", root)
        server = send(leaf(other), other)
        ran = certboot("repair", server.shown)
        assert (ran.status, "expired" in ran.out) == (0, False)

    @pytest.mark.usefixtures("renewed")
    def test_a_server_s_own_certificate_that_has_expired_is_the_doctor_s(
        self, certboot: Run, root: Issued, send: Send
    ) -> None:
        other = intermediate("Other CA", root)
        server = send(leaf(other, valid=(NOW - 9 * DAY, NOW - DAY)), other)
        ran = certboot("repair", server.shown)
        assert ran.out.splitlines()[-1] == f"  next     certboot doctor {server.shown} says why"


class TestNobodyReads:
    def test_what_was_agreed_to_is_stored_all_the_same(self, paths: StorePaths, forgetful: ChainServer) -> None:
        argv = [sys.executable, "-m", "certboot", "repair", "--yes", "--allow-private", forgetful.shown]
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run(argv, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
        os.close(writer)
        assert (done.returncode, done.stderr) == (0, "")
        assert repaired_in(paths) == {"Example CA": "intermediate"}
        assert accepted(paths, forgetful) == [True, True]

    def test_what_nobody_has_seen_is_not_asked_for(
        self, certboot: Run, paths: StorePaths, forgetful: ChainServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        answers(monkeypatch, "yes\n")
        before = snapshot(paths.home)
        with (tmp_path / "out").open("w") as file:
            monkeypatch.setattr(sys, "stdout", _Gone(file.fileno()))
            ran = certboot("repair", forgetful.shown)
        assert (ran.status, ran.err, snapshot(paths.home)) == (1, "", before)


class _Gone(io.StringIO):
    """A stream whose reader has gone."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor

    def write(self, _: str) -> int:
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    def fileno(self) -> int:
        return self._descriptor


class TestOptions:
    def test_a_server_is_reached_as_the_doctor_reaches_it(self, certboot: Run, forgetful: ChainServer) -> None:
        for argv in (
            ["localhost", "--connect", f"127.0.0.1:{forgetful.port}"],
            [f"elsewhere.invalid:{forgetful.port}", "--connect", "127.0.0.1", "--servername", "localhost"],
            [f"https://localhost:{forgetful.port}/path", "--timeout", "5"],
        ):
            ran = certboot("repair", "--yes", *argv)
            assert (ran.status, ran.out.splitlines()[-1][-len(GOOD) :]) == (0, GOOD)
