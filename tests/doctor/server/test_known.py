"""What is known of CAs beyond the active trust changes the cause: distrusted, revoked, limited, or merely elsewhere."""

from __future__ import annotations

import dataclasses
import json
import typing
from collections.abc import Callable
from pathlib import Path

import pytest
from support.chains import CA, LEAF, Made, make, on_server
from support.faults import Listener, server_context, tls
from support.pki import DAY, NOW, Issued
from support.report import Reports, intermediate, revoked, root, save
from support.table import cases

from certboot.doctor.server import known as known_cas
from certboot.doctor.server.case import Clock, Evidence, Judgements, Known
from certboot.net.target import Target
from certboot.pki.verdict import Judgement
from certboot.sources import ccadb, certifi, system
from certboot.store.authorities import Authorities
from certboot.store.generations import known_in_force
from certboot.store.paths import StorePaths

if typing.TYPE_CHECKING:
    from support.asking import Answer
    from support.environments import Ran

Ask = Callable[..., "Answer"]
Listen = Callable[..., Listener]
Trust = Callable[..., Path]
Run = Callable[..., "Ran"]
BEGIN = f"{NOW - 30 * DAY:%Y-%m-%d}"


def issued(made: Made) -> Issued:
    return Issued(made.certificate, typing.cast("typing.Any", made.key))


def reports(
    folder: Path, roots: tuple[Made, ...], after: str = "", middles: tuple[Made, ...] = (), gone: tuple[Made, ...] = ()
) -> Path:
    other = make("Somebody else's", make("Somebody", form=CA), CA)
    made = Reports(
        tuple(root(issued(each), after=after) for each in roots),
        tuple(intermediate(issued(each)) for each in (*middles, other)),
        tuple(revoked(issued(each)) for each in (*gone, other)),
    )
    return save(made.bodies(), folder)


class Server(typing.NamedTuple):
    root: Made
    middle: Made
    whole: int
    """The port of a server that sends leaf and intermediate."""
    alone: int
    """The port of one that sends its leaf only."""


@pytest.fixture
def server(listen: Listen) -> Server:
    top = make("Corp Root", form=CA)
    middle = make("Middle", top, CA)
    leaf = make("localhost", middle)
    whole = listen(tls(server_context(on_server(leaf, middle)))).port
    return Server(top, middle, whole, listen(tls(server_context(on_server(leaf)))).port)


@pytest.fixture
def stored(
    certboot: Run, server: Server, paths: StorePaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> StorePaths:
    """A store with the root in it, which is the active trust."""
    (tmp_path / "root.pem").write_bytes(server.root.pem)
    assert certboot("init", "--source", "certifi", "--add", tmp_path / "root.pem").status == 0
    use_the_store(paths, monkeypatch)
    return paths


def use_the_store(paths: StorePaths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(paths.current / "bundle.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(paths.current / "crts"))


def run_the_fix(certboot: Run, answer: Answer, *to_questions: str) -> None:
    for program, *argv in answer.first["fix"]:
        assert program == "certboot"
        assert certboot(*argv, *(to_questions if argv[0] in ("adopt", "repair") else ())).status == 0


@pytest.mark.usefixtures("stored")
def test_what_the_user_distrusts_is_let_in_again_by_the_remedy(ask: Ask, certboot: Run, server: Server) -> None:
    assert ask("hook", f"localhost:{server.whole}").primary is None
    assert certboot("distrust", server.root.sha256).status == 0
    answer = ask("hook", f"localhost:{server.whole}")
    assert (answer.status, answer.primary) == (1, "distrusted-by-user")
    assert answer.first["fix"] == [["certboot", "distrust", server.root.sha256, "--undo"]]
    run_the_fix(certboot, answer)
    assert ask("hook", f"localhost:{server.whole}").primary is None


def test_what_the_configuration_distrusts_has_no_such_remedy(
    ask: Ask, certboot: Run, server: Server, stored: StorePaths
) -> None:
    stored.config.write_text(f'[rules]\ndistrust = ["{server.root.sha256}"]\n')
    certboot("update")
    answer = ask("hook", f"localhost:{server.whole}")
    assert (answer.primary, answer.first["fix"]) == ("distrusted-by-user", [])


@pytest.mark.usefixtures("stored")
def test_distrust_that_the_active_trust_does_not_know_of_is_a_warning(
    ask: Ask, certboot: Run, server: Server, trust: Trust
) -> None:
    certboot("distrust", server.root.sha256)
    trust(server.root)
    answer = ask("hook", f"localhost:{server.whole}")
    assert (answer.status, answer.primary, answer.first["status"]) == (0, "distrusted-by-user", "warn")


@pytest.mark.usefixtures("stored")
def test_a_root_that_is_in_the_store_only_needs_the_store_to_be_used(
    ask: Ask, certboot: Run, server: Server, trust: Trust, monkeypatch: pytest.MonkeyPatch, paths: StorePaths
) -> None:
    trust(make("Another Root", form=CA))
    answer = ask("hook", f"localhost:{server.whole}")
    assert (answer.primary, answer.first["evidence"]["elsewhere"]) == ("untrusted-root", ["certboot's store"])
    assert answer.first["fix"] == [["certboot", "adopt", "SSL_CERT_FILE"]]
    assert "SSL_CERT_FILE decides here, and certboot leaves it alone" in answer.first["summary"]
    run_the_fix(certboot, answer, "--yes")
    use_the_store(paths, monkeypatch)
    assert ask("hook", f"localhost:{server.whole}").primary is None


@pytest.mark.real_sources
def test_a_root_that_certifi_has_comes_with_a_store(  # noqa: PLR0913, PLR0917
    ask: Ask,
    certboot: Run,
    server: Server,
    trust: Trust,
    paths: StorePaths,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bundle = tmp_path / "certifi.pem"
    bundle.write_bytes(server.root.pem)
    monkeypatch.setattr(certifi, "path", lambda: bundle)
    trust(make("Another Root", form=CA))
    answer = ask("hook", f"localhost:{server.whole}")
    assert (answer.primary, answer.first["evidence"]["elsewhere"]) == ("untrusted-root", ["certifi"])
    assert answer.first["fix"] == [["certboot", "init"], ["certboot", "adopt", "SSL_CERT_FILE"]]
    run_the_fix(certboot, answer, "--yes")
    use_the_store(paths, monkeypatch)
    assert ask("hook", f"localhost:{server.whole}").primary is None


def test_a_root_of_the_system_is_found_where_it_is(
    ask: Ask, server: Server, trust: Trust, monkeypatch: pytest.MonkeyPatch
) -> None:
    pieces = (("bundle", server.root.pem), ("store", server.root.der))
    monkeypatch.setattr(system, "read", lambda: dataclasses.make_dataclass("Read", ["pieces"])(pieces))
    trust(make("Another Root", form=CA))
    answer = ask("hook", f"localhost:{server.whole}")
    assert answer.first["evidence"]["elsewhere"] == ["the system's store"]


@cases(("after", "cause"), [(BEGIN, "distrusted-after"), (f"{NOW + DAY:%Y-%m-%d}", None), ("", None)])
def test_a_leaf_that_begins_after_the_end_of_trust(  # noqa: PLR0913, PLR0917
    ask: Ask, certboot: Run, server: Server, paths: StorePaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    after: str, cause: str | None,
) -> None:  # fmt: skip
    folder = reports(tmp_path / "reports", (server.root,), after.replace("-", "."))
    certboot("init", "--source", "ccadb", "--from", folder)
    use_the_store(paths, monkeypatch)
    answer = ask("hook", f"localhost:{server.whole}")
    assert (answer.primary, answer.first["evidence"]["verify_code"]) == (cause, 0)


def test_the_end_of_trust_in_a_root_is_known_also_of_what_is_stored_below_it(
    certboot: Run, server: Server, paths: StorePaths, tmp_path: Path
) -> None:
    """There Python 3.13 and newer end the chain, and the root is not seen any more."""
    folder = reports(tmp_path / "reports", (server.root,), BEGIN.replace("-", "."), (server.middle,))
    assert certboot("init", "--source", "ccadb", "--intermediates", "--from", folder).status == 0
    found = known(paths, presented=(server.middle.der,))
    assert found.distrust.after == {server.root.sha256: BEGIN, server.middle.sha256: BEGIN}


@cases("gone", [True, False])
def test_an_intermediate_that_has_been_revoked(  # noqa: PLR0913
    ask: Ask,
    certboot: Run,
    server: Server,
    paths: StorePaths,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    gone: bool,
) -> None:
    folder = reports(tmp_path / "reports", (server.root,), gone=(server.middle,) if gone else ())
    certboot("init", "--source", "ccadb", "--from", folder)
    use_the_store(paths, monkeypatch)
    answer = ask("hook", f"localhost:{server.whole}")
    assert answer.primary == ("revoked-intermediate" if gone else None)
    assert answer.status == int(gone)


@pytest.mark.parametrize("newest", ["chosen folder", "cache"])
def test_of_two_copies_of_a_report_the_chosen_one_counts_for_the_doctor_as_it_does_for_an_update(  # noqa: PLR0913
    ask: Ask,
    certboot: Run,
    server: Server,
    paths: StorePaths,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    newest: str,
) -> None:
    chosen = reports(tmp_path / "reports", (server.root,))
    certboot("init", "--source", "ccadb", "--from", chosen)
    gone = {"chosen folder": chosen, "cache": paths.cache}[newest]
    reports(paths.cache, (server.root,))
    reports(gone, (server.root,), gone=(server.middle,))
    use_the_store(paths, monkeypatch)
    assert ask("hook", f"localhost:{server.whole}").primary == (
        "revoked-intermediate" if newest == "chosen folder" else None
    )


def test_the_revoked_are_known_from_the_manifest_too(
    ask: Ask, certboot: Run, server: Server, paths: StorePaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = reports(tmp_path / "reports", (server.root,), middles=(server.middle,), gone=(server.middle,))
    certboot("init", "--source", "ccadb", "--intermediates", "--from", folder)
    (folder / ccadb.REVOKED.rpartition("/")[2]).unlink()
    use_the_store(paths, monkeypatch)
    assert ask("hook", f"localhost:{server.whole}").primary == "revoked-intermediate"


def test_a_missing_intermediate_that_the_store_or_the_ccadb_knows_is_one(  # noqa: PLR0913, PLR0917
    ask: Ask,
    certboot: Run,
    server: Server,
    paths: StorePaths,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    trust: Trust,
) -> None:
    """Nothing in the leaf says so: the control has a store without the intermediate."""
    folder = reports(tmp_path / "reports", (server.root,), middles=(server.middle,))
    certboot("init", "--source", "ccadb", "--from", folder)
    trust(server.root)
    answer = ask("hook", f"localhost:{server.alone}")
    assert (answer.primary, answer.first["fix"]) == (
        "missing-intermediate",
        [["certboot", "repair", f"localhost:{server.alone}"], ["certboot", "adopt", "SSL_CERT_FILE"]],
    )
    assert answer.first["evidence"]["missing"]["subject"] == "CN=Middle"
    (folder / ccadb.INTERMEDIATES.rpartition("/")[2]).unlink()
    assert ask("hook", f"localhost:{server.alone}").primary == "untrusted-root"
    reports(folder, (server.root,), middles=(server.middle,))
    certboot("init", "--source", "ccadb", "--intermediates", "--from", folder)
    (folder / ccadb.INTERMEDIATES.rpartition("/")[2]).unlink()
    answer = ask("hook", f"localhost:{server.alone}")
    assert (answer.primary, answer.first["fix"]) == ("missing-intermediate", [["certboot", "adopt", "SSL_CERT_FILE"]])
    assert "it is in certboot's store, which the variables of this process do not lead to" in answer.first["summary"]
    reports(folder, (server.root,), middles=(server.middle,))
    run_the_fix(certboot, answer, "--yes")
    use_the_store(paths, monkeypatch)
    assert ask("hook", f"localhost:{server.alone}").primary is None


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
