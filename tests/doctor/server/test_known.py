"""What is known of CAs beyond the active trust changes the cause: distrusted, revoked, limited, or merely elsewhere."""

from __future__ import annotations

import dataclasses
import json
import typing
from collections.abc import Callable
from pathlib import Path

import pytest
from support.asking import Answer, Ask, Listen, Trust
from support.commands import Run
from support.faults import server_context, tls
from support.pki import CA, DAY, LEAF, NOW, Issued, make, on_server
from support.report import Reports, intermediate, revoked, root, save
from support.snapshot import unparsed
from support.table import cases
from support.terminal import answers

from certboot.doctor.server import known as known_cas
from certboot.doctor.server.case import Clock, Evidence, Judgements, Known
from certboot.net.target import Target
from certboot.pki.verdict import Judgement
from certboot.sources import ccadb, certifi, system
from certboot.store.authorities import Authorities
from certboot.store.generations import known_in_force
from certboot.store.paths import StorePaths

BEGIN = f"{NOW - 30 * DAY:%Y-%m-%d}"
OTHER = make("Somebody else's", make("Somebody", form=CA), CA)
ANOTHER = make("Another Root", form=CA)
Issueds = tuple[Issued, ...]
Said = Callable[..., Answer]


class Server(typing.NamedTuple):
    root: Issued
    middle: Issued
    whole: str
    """The address of a server that sends leaf and intermediate."""
    alone: str
    """The address of one that sends its leaf only."""

    def reports(self, folder: Path, after: str = "", middles: Issueds = (), gone: Issueds = ()) -> Path:
        reports = Reports(
            (root(self.root, after=after.replace("-", ".")),),
            tuple(intermediate(issued) for issued in (*middles, OTHER)),
            tuple(revoked(issued) for issued in (*gone, OTHER)),
        )
        return save(reports.bodies(), folder)


@pytest.fixture
def server(listen: Listen) -> Server:
    top = make("Corp Root", form=CA)
    middle = make("Middle", top, CA)
    leaf = make("localhost", middle)
    ports = [listen(tls(server_context(on_server(leaf, *sent)))).port for sent in ((middle,), ())]
    return Server(top, middle, *(f"localhost:{port}" for port in ports))


@pytest.fixture
def said(ask: Ask, paths: StorePaths, server: Server, monkeypatch: pytest.MonkeyPatch) -> Said:
    """What the doctor says of the server that sends its chain, where the store is the active trust."""

    def run() -> Answer:
        monkeypatch.setenv("SSL_CERT_FILE", str(paths.current / "bundle.pem"))
        monkeypatch.setenv("SSL_CERT_DIR", str(paths.current / "crts"))
        return ask("hook", server.whole)

    return run


@pytest.fixture
def stored(certboot: Run, server: Server, paths: StorePaths, tmp_path: Path) -> StorePaths:
    """A store with the root in it."""
    (tmp_path / "root.pem").write_bytes(server.root.pem)
    assert certboot("init", "--source", "certifi", "--add", tmp_path / "root.pem").status == 0
    return paths


@pytest.fixture
def initialised(certboot: Run, tmp_path: Path) -> Callable[..., Path]:
    """Make the store from reports of the CCADB, and return their folder."""

    def init(server: Server, *options: str, **rows: typing.Any) -> Path:  # noqa: ANN401
        folder = server.reports(tmp_path / "reports", **rows)
        assert certboot("init", "--source", "ccadb", *options, "--from", folder).status == 0
        return folder

    return init


Init = Callable[..., Path]


def run_the_fix(certboot: Run, answer: Answer, *to_questions: str) -> None:
    for program, *argv in answer.first["fix"]:
        assert program == "certboot"
        assert certboot(*argv, *(to_questions if argv[0] in ("adopt", "repair") else ())).status == 0


@pytest.mark.usefixtures("stored")
def test_what_the_user_distrusts_is_let_in_again_by_the_remedy(said: Said, certboot: Run, server: Server) -> None:
    assert said().primary is None
    assert certboot("distrust", server.root.sha256).status == 0
    answer = said()
    assert (answer.status, answer.primary) == (1, "distrusted-by-user")
    assert answer.first["fix"] == [["certboot", "distrust", server.root.sha256, "--undo"]]
    run_the_fix(certboot, answer)
    assert said().primary is None


def test_what_the_settings_distrust_has_no_remedy(
    said: Said, certboot: Run, server: Server, stored: StorePaths
) -> None:
    stored.config.write_text(f'[rules]\ndistrust = ["{server.root.sha256}"]\n')
    certboot("update")
    answer = said()
    assert (answer.primary, answer.first["fix"]) == ("distrusted-by-user", [])


@pytest.mark.usefixtures("stored")
def test_distrust_that_is_not_in_force_is_a_warning(ask: Ask, certboot: Run, server: Server, trust: Trust) -> None:
    certboot("distrust", server.root.sha256)
    trust(server.root)
    answer = ask("hook", server.whole)
    assert (answer.status, answer.primary, answer.first["status"]) == (0, None, "warn")


@pytest.mark.usefixtures("stored")
def test_a_root_of_the_store_needs_it_used(ask: Ask, said: Said, certboot: Run, server: Server, trust: Trust) -> None:
    trust(ANOTHER)
    answer = ask("hook", server.whole)
    assert (answer.primary, answer.first["evidence"]["elsewhere"]) == ("untrusted-root", ["certboot's store"])
    assert answer.first["fix"] == [["certboot", "adopt", "SSL_CERT_FILE"]]
    assert "SSL_CERT_FILE decides here, and certboot leaves it alone" in answer.first["summary"]
    run_the_fix(certboot, answer, "--yes")
    assert said().primary is None


@pytest.mark.real_sources
def test_a_root_that_certifi_has_comes_with_a_store(  # noqa: PLR0913, PLR0917 - fixtures
    ask: Ask, said: Said, certboot: Run, server: Server, trust: Trust, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = tmp_path / "certifi.pem"
    bundle.write_bytes(server.root.pem)
    monkeypatch.setattr(certifi, "path", lambda: bundle)
    trust(ANOTHER)
    answer = ask("hook", server.whole)
    assert (answer.primary, answer.first["evidence"]["elsewhere"]) == ("untrusted-root", ["certifi"])
    assert answer.first["fix"] == [["certboot", "init"], ["certboot", "adopt", "SSL_CERT_FILE"]]
    run_the_fix(certboot, answer, "--yes")
    assert said().primary is None


@cases(
    ("chosen", "fix"),
    [
        ("certifi", ["certboot", "trust", "--from-system", "{}"]),
        ("certifi,system", ["certboot", "init"]),
    ],
)
def test_a_root_of_the_system_is_brought_in_by_the_remedy(
    said: Said, certboot: Run, server: Server, monkeypatch: pytest.MonkeyPatch, chosen: str, fix: list[str]
) -> None:
    certboot("init", "--source", chosen)
    assert said().first["evidence"].get("elsewhere") is None
    monkeypatch.setattr(system, "read", lambda: unparsed(server.root.pem, "system", "/etc/ssl/ca.pem"))
    answer = said()
    assert (answer.primary, answer.first["evidence"]["elsewhere"]) == ("untrusted-root", ["the system's store"])
    assert answer.first["fix"] == [[word.format(server.root.sha256[:16]) for word in fix]]
    for words in ("which the store is not made from", "trust it only if you know whose it is"):
        assert (words in answer.first["summary"]) == ("trust" in fix)
    answers(monkeypatch, "y\n")
    run_the_fix(certboot, answer)
    assert said().primary is None


def test_a_root_of_certifi_comes_into_a_store_that_is_not_made_from_it(
    said: Said, certboot: Run, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certboot("init", "--source", "system")
    (tmp_path / "certifi.pem").write_bytes(server.root.pem)
    monkeypatch.setattr(certifi, "path", lambda: tmp_path / "certifi.pem")
    monkeypatch.setattr(certifi, "read", lambda: unparsed(server.root.pem, "certifi", "2026.2"))
    answer = said()
    assert answer.first["fix"] == [["certboot", "init", "--source", "system,certifi"]]
    run_the_fix(certboot, answer)
    assert said().primary is None


@cases(("after", "cause"), [(BEGIN, "distrusted-after"), (f"{NOW + DAY:%Y-%m-%d}", None), ("", None)])
def test_a_leaf_that_begins_after_the_end_of_trust(
    said: Said, server: Server, initialised: Init, after: str, cause: str | None
) -> None:
    initialised(server, after=after)
    answer = said()
    assert (answer.primary, answer.first["evidence"]["verify_code"]) == (cause, 0)


def test_the_end_of_trust_in_a_root_holds_below_it_too(server: Server, paths: StorePaths, initialised: Init) -> None:
    """There Python 3.13 and newer end the chain, and the root is not seen any more."""
    initialised(server, "--intermediates", after=BEGIN, middles=(server.middle,))
    assert known(paths, presented=(server.middle.der,)).distrust.after == {
        server.root.sha256: BEGIN,
        server.middle.sha256: BEGIN,
    }


def test_an_intermediate_that_has_been_revoked(said: Said, server: Server, initialised: Init) -> None:
    initialised(server)
    assert said().primary is None
    initialised(server, gone=(server.middle,))
    assert (said().primary, said().status) == ("revoked-intermediate", 1)
    # It is known from the manifest too.
    folder = initialised(server, "--intermediates", middles=(server.middle,), gone=(server.middle,))
    (folder / ccadb.REVOKED.rpartition("/")[2]).unlink()
    assert said().primary == "revoked-intermediate"


def test_of_two_copies_of_a_report_the_chosen_counts(
    said: Said, server: Server, paths: StorePaths, initialised: Init
) -> None:
    chosen = initialised(server)
    for gone, cause in ((paths.cache, None), (chosen, "revoked-intermediate")):
        server.reports(paths.cache)
        server.reports(gone, gone=(server.middle,))
        assert said().primary == cause


def test_a_missing_intermediate_that_the_store_or_the_ccadb_knows_is_one(
    ask: Ask, said: Said, certboot: Run, server: Server, initialised: Init, trust: Trust
) -> None:
    """Nothing in the leaf says so: the control has a store without the intermediate."""
    folder = initialised(server, middles=(server.middle,))
    trust(server.root)
    adopt = ["certboot", "adopt", "SSL_CERT_FILE"]
    answer = ask("hook", server.alone)
    told = (answer.primary, answer.first["fix"])
    assert told == ("missing-intermediate", [["certboot", "repair", server.alone], adopt])
    assert answer.first["evidence"]["missing"]["subject"] == "CN=Middle"
    (folder / ccadb.INTERMEDIATES.rpartition("/")[2]).unlink()
    assert ask("hook", server.alone).primary == "untrusted-root"
    initialised(server, "--intermediates", middles=(server.middle,))
    (folder / ccadb.INTERMEDIATES.rpartition("/")[2]).unlink()
    answer = ask("hook", server.alone)
    assert (answer.primary, answer.first["fix"]) == ("missing-intermediate", [adopt])
    assert "it is in certboot's store, which the variables of this process do not lead to" in answer.first["summary"]
    server.reports(folder, middles=(server.middle,))
    run_the_fix(certboot, answer, "--yes")
    said()
    assert ask("hook", server.alone).primary is None


def known(
    paths: StorePaths, *codes: int, presented: tuple[bytes, ...] = (), environ: dict[str, str] | None = None
) -> Known:
    leaf = make("localhost", make("Corp Root", form=CA), LEAF)
    anchor = make("R", form=dataclasses.replace(CA, organisation="Own"))
    judgements = Judgements(*(Judgement(code, "words") for code in codes or (0,)))
    evidence = Evidence(Target("localhost"), NOW, judgements, presented or (leaf.der,), (anchor.der,))
    return known_cas.known(evidence, Authorities(paths, known_in_force(paths)), environ or {})


@pytest.mark.real_sources
def test_a_damaged_store_is_nothing_known(certboot: Run, paths: StorePaths) -> None:
    certboot("init", "--source", "certifi")
    whole = known(paths, 20, environ={"SSL_CERT_FILE": str(paths.current / "bundle.pem")})
    assert {"Own", "Internet Security Research Group"} <= whole.organisations
    assert whole.clock
    assert whole.clock.earliest
    manifest = paths.current / "manifest.json"
    document = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**document, "created": "long ago"}))
    assert known(paths).clock != whole.clock
    manifest.write_text("{}")
    paths.distrusted.mkdir()
    assert known(paths, 20).organisations == {"Own"}


def test_without_certifi_the_rest_is_known(paths: StorePaths, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(certifi, "path", lambda: tmp_path / "nothing")
    assert known(paths, 20, 10).clock == Clock(None, anchors_expired=False)


def test_most_roots_expire_only_by_a_wrong_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not known_cas._most_expired()
    old = make("Old Root", form=dataclasses.replace(CA, valid=(NOW - 9 * DAY, NOW - DAY)))
    monkeypatch.setattr(known_cas, "_certifi", lambda: iter([old.der, make("Root", form=CA).der, b"junk"]))
    assert not known_cas._most_expired()
    monkeypatch.setattr(known_cas, "_certifi", lambda: iter([old.der]))
    assert known_cas._most_expired()
