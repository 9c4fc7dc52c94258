"""The commands of the store from end to end, with small sources: what they say, change, remember and refuse."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import shutil
import sys
import typing
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from support import report
from support.pki import DAY, NOW, Issued, issue, key_usage
from support.snapshot import assert_refused, contents, roots, snapshot
from support.table import cases
from support.terminal import answers

from certboot.sources import ccadb, certifi
from certboot.store import generations, history, manifest
from certboot.store.paths import StorePaths, in_force, store_paths

if typing.TYPE_CHECKING:
    import trustme
    from support.environments import Ran
    from support.server import TlsServer

    Run = Callable[..., Ran]

ROOT, OTHER, DOOMED = issue("CCADB Root"), issue("CCADB Other"), issue("CCADB Doomed")
BELOW, GONE, LOST = issue("CCADB Below", ROOT), issue("CCADB Gone", ROOT), issue("CCADB Lost", DOOMED)
DEEPER = issue("CCADB Deeper", LOST)
FEW = {"Root A", "Root B", "Root C"}
CCADB_ROOTS, CCADB_BELOW = {"CCADB Root", "CCADB Other", "CCADB Doomed"}, {"CCADB Below", "CCADB Lost", "CCADB Deeper"}
REPORTS = report.Reports(
    roots=(report.root(ROOT), report.root(OTHER, after="2025.11.30"), report.root(DOOMED)),
    intermediates=tuple(map(report.intermediate, (DEEPER, BELOW, GONE, LOST))),
    revoked=(report.revoked(GONE),),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The three reports, as ``--from`` takes them."""
    return report.save(REPORTS.bodies(), tmp_path / "reports")


@pytest.fixture
def full(certboot: Run, paths: StorePaths, folder: Path) -> StorePaths:
    """A store with everything: generation 1."""
    every = "certifi,system,ccadb"
    assert certboot("init", "--source", every, "--intermediates", "--from", folder).status == 0
    return paths


def pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))


def sha(issued: Issued) -> str:
    return hashlib.sha256(issued.der).hexdigest()


def saved(folder: Path, name: str, *issued: Issued) -> Path:
    path = folder / name
    path.write_bytes(b"".join(one.pem for one in issued))
    return path


def names(paths: StorePaths) -> set[str]:
    return {entry.name for entry in generations.current(paths).certificates}


def entry(paths: StorePaths, name: str) -> manifest.Entry:
    (found,) = [entry for entry in generations.current(paths).certificates if entry.name == name]
    return found


def listed(certboot: Run, *argv: str) -> dict[str, typing.Any]:
    ran = certboot("list", "--json", *argv)
    assert (ran.status, ran.err) == (0, "")
    document: dict[str, typing.Any] = json.loads(ran.out)
    return document


def shown(certboot: Run, *argv: str) -> set[str]:
    """The names in ``list --json``; the table has as many lines below its head."""
    found = {each["name"] for each in listed(certboot, *argv)["certificates"]}
    assert len(certboot("list", *argv).out.splitlines()) == len(found) + 1
    return found


# init and what it remembers


@cases(
    ("argv", "expected"),
    [
        ((), FEW),
        (("--source", "certifi"), FEW),
        (("--source", "system"), {"Root A"}),
        (("--source", "ccadb"), CCADB_ROOTS),
        (("--source", "system,ccadb,system"), {"Root A"} | CCADB_ROOTS),
        (("--intermediates",), FEW),
        (("--source", "ccadb", "--intermediates"), CCADB_ROOTS | CCADB_BELOW),
    ],
)
def test_what_init_was_told_update_goes_by(
    certboot: Run, paths: StorePaths, folder: Path, argv: tuple[str, ...], expected: set[str]
) -> None:
    assert certboot("init", "--from", folder, *argv).status == 0
    assert names(paths) == expected
    before = snapshot(paths.generations)
    for command in ("update", "init"):
        ran = certboot(command)
        assert (ran.status, ran.err) == (0, "")
        assert ": nothing new, nothing changed" in ran.out.splitlines()[0]
    assert snapshot(paths.generations) == before


def test_a_later_choice_takes_the_place_of_the_earlier_one(certboot: Run, full: StorePaths) -> None:
    assert names(full) == FEW | CCADB_ROOTS | CCADB_BELOW
    certboot("update", "--no-intermediates")
    assert names(full) == FEW | CCADB_ROOTS
    certboot("init", "--source", "ccadb")
    assert names(full) == CCADB_ROOTS
    certboot("update", "--intermediates")
    assert names(full) == CCADB_ROOTS | CCADB_BELOW


def test_an_unknown_source_is_refused_and_the_known_ones_named(certboot: Run, clean: Path) -> None:
    ran = certboot("init", "--source", "certifi,mozilla")
    assert_refused(ran)
    assert "no such source: mozilla\n" in ran.err
    assert "certifi,system,ccadb" in ran.err
    assert list(clean.iterdir()) == []


@cases("argv", [("init", "--source", "ccadb"), ("init", "--intermediates")])
def test_a_folder_without_the_reports_is_refused(
    certboot: Run, clean: Path, tmp_path: Path, argv: tuple[str, ...], paths: StorePaths
) -> None:
    ran = certboot(*argv, "--from", tmp_path / "none")
    assert_refused(ran)
    assert f"cannot read the report of the CCADB: {tmp_path / 'none'}" in ran.err
    assert in_force(paths) is None
    assert not list(clean.rglob("env"))


def test_roots_without_an_intermediate_below_them_and_revoked_ones_are_accounted_for(full: StorePaths) -> None:
    record = generations.current(full)
    assert [(r.rule, r.source, r.fingerprint) for r in record.rejected] == [("revoked", "ccadb", sha(GONE))]
    assert (entry(full, "CCADB Deeper").issuer, entry(full, "CCADB Deeper").anchor) == (sha(LOST), sha(DOOMED))


def test_the_date_of_distrust_is_in_the_manifest_and_in_show(certboot: Run, full: StorePaths) -> None:
    dates = {each.name: each.distrust_after for each in generations.current(full).certificates if each.distrust_after}
    assert dates == {"CCADB Other": "2025-11-30"}
    assert "distrust  of certificates that begin after 2025-11-30\n" in certboot("show", "CCADB Other").out
    assert "distrust" not in certboot("show", "CCADB Root").out


# update


def test_an_update_with_nothing_new_changes_nothing_byte_for_byte(certboot: Run, full: StorePaths) -> None:
    """But for the note of when the sources were last read."""
    before = snapshot(full.home)
    certboot("update")
    after = snapshot(full.home)
    assert {path for path in after if after[path] != before[path]} == {"checked"}
    assert after.keys() == before.keys()


def without(folder: Path, *gone: Issued) -> None:
    """Serve the reports as they are once the CCADB has dropped these roots."""
    kept = tuple(row for row in REPORTS.roots if row[2].lower() not in map(sha, gone))
    report.save(dataclasses.replace(REPORTS, roots=kept).bodies(), folder)


def test_a_root_that_vanishes_takes_all_below_it_along_and_rollback_brings_them_back(
    certboot: Run, full: StorePaths, folder: Path
) -> None:
    before = listed(certboot)
    without(folder, DOOMED)
    ran = certboot("update")
    assert (ran.status, ran.err) == (0, "")
    assert sorted(line.split()[-1] for line in ran.out.splitlines() if line.startswith("- ")) == [
        "Deeper", "Doomed", "Lost",
    ]  # fmt: skip
    assert "0 came, 3 went\n" in ran.out
    assert names(full) == (FEW | CCADB_ROOTS | CCADB_BELOW) - {"CCADB Doomed", "CCADB Lost", "CCADB Deeper"}
    rules = {r.fingerprint: r.rule for r in generations.current(full).rejected}
    assert rules == {sha(GONE): "revoked", sha(LOST): "no-issuer", sha(DEEPER): "no-issuer"}
    assert certboot("rollback").status == 0
    assert listed(certboot) == before
    assert certboot("doctor", "store").status == 0


def test_an_intermediate_that_is_revoked_goes_with_those_below_it(
    certboot: Run, full: StorePaths, folder: Path
) -> None:
    revoked = (*REPORTS.revoked, report.revoked(LOST))
    report.save(dataclasses.replace(REPORTS, revoked=revoked).bodies(), folder)
    assert "0 came, 2 went\n" in certboot("update").out
    assert FEW | CCADB_ROOTS | {"CCADB Below"} == names(full)


def test_a_dry_run_shows_the_difference_and_changes_nothing(certboot: Run, full: StorePaths, folder: Path) -> None:
    without(folder, OTHER)
    before = snapshot(full.home)
    ran = certboot("update", "--dry-run")
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        f"- {sha(OTHER)[:16]}  anchor        CCADB Other",
        "0 came, 1 went",
        "a dry run: nothing was changed",
    ]
    assert certboot("update", "--dry-run").out == ran.out
    assert snapshot(full.home) == before
    assert certboot("update").out.splitlines()[:2] == ran.out.splitlines()[:2]
    assert "CCADB Other" not in names(full)


def test_with_a_most_age_nothing_is_read_while_it_is_young_enough(
    certboot: Run, full: StorePaths, folder: Path
) -> None:
    without(folder, OTHER)
    before = snapshot(full.home)
    assert certboot("update", "--max-age", "7d").out == "the sources were read within 7d: nothing to do\n"
    assert snapshot(full.home) == before
    full.checked.write_text(f"{(NOW - timedelta(days=8)).isoformat()}\n")
    assert "1 went\n" in certboot("update", "--max-age", "7d").out
    assert "nothing to do" in certboot("update", "--max-age", "7d").out


@cases("note", [None, b"", b"yesterday", b"\xff", b"2020-01-01", b"2026-01-01T00:00:00"])
def test_where_the_age_is_not_known_the_sources_are_read(certboot: Run, full: StorePaths, note: bytes | None) -> None:
    full.checked.unlink()
    if note is not None:
        full.checked.write_bytes(note)
    assert "nothing new, nothing changed" in certboot("update", "--max-age", "9999w").out
    assert "nothing to do" in certboot("update", "--max-age", "1d").out


def test_once_a_certificate_has_ended_the_sources_are_read_however_young_they_are(
    certboot: Run, full: StorePaths
) -> None:
    """What hangs below it must not stay for as long as the span is."""
    last = json.loads(full.checked.read_bytes())
    assert "nothing to do" in certboot("update", "--max-age", "7d").out
    full.checked.write_text(json.dumps({**last, "until": last["when"]}))
    assert "nothing new, nothing changed" in certboot("update", "--max-age", "7d").out
    assert "nothing to do" in certboot("update", "--max-age", "7d").out


def test_a_span_that_is_none_is_refused(certboot: Run, full: StorePaths) -> None:
    before = snapshot(full.home)
    for argv in (("update", "--max-age", "soon"), ("list", "--expiring", "soon")):
        assert_refused(certboot(*argv))
    assert snapshot(full.home) == before


@cases(
    "argv",
    [("update",), ("list",), ("show", "abcd"), ("history",), ("rollback",), ("diff", "1", "2"), ("distrust", "abcd")],
)
def test_without_a_store_init_is_the_remedy(certboot: Run, clean: Path, argv: tuple[str, ...]) -> None:
    ran = certboot(*argv)
    assert_refused(ran)
    assert ran.out == ""
    assert list(clean.iterdir()) == []


# trust


def test_trust_shows_what_it_asks_about(
    certboot: Run, paths: StorePaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certboot("init")
    corp = issue("Corp")
    answers(monkeypatch, "y\n")
    ran = certboot("trust", saved(tmp_path, "corp.pem", corp))
    assert (ran.status, ran.err) == (0, "")
    lines = ran.out.splitlines()
    digits = sha(corp).upper()
    assert lines[:4] == [
        "CN=Corp",
        f"  SHA-256  {':'.join(digits[at : at + 2] for at in range(0, 64, 2))}",
        f"  valid    {NOW - DAY:%Y-%m-%d} to {NOW + 365 * DAY:%Y-%m-%d}",
        f"  from     {tmp_path / 'corp.pem'}",
    ]
    assert lines[4].startswith("trust what is shown here? [y/N] ")
    assert names(paths) == FEW | {"Corp"}
    (tmp_path / "corp.pem").unlink()
    certboot("update")
    assert names(paths) == FEW | {"Corp"}


@cases("answer", ["n\n", "\n", ""])
def test_any_answer_but_yes_changes_nothing(
    certboot: Run, paths: StorePaths, ca_file: Path, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    certboot("init")
    answers(monkeypatch, answer)
    before = snapshot(paths.home)
    ran = certboot("trust", ca_file)
    assert (ran.status, ran.err) == (1, "")
    assert ran.out.endswith("nothing was changed\n")
    assert snapshot(paths.home) == before


def test_without_a_terminal_trust_needs_yes(
    certboot: Run, paths: StorePaths, ca_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certboot("init")
    pipe(monkeypatch)
    before = snapshot(paths.home)
    assert_refused(certboot("trust", ca_file))
    assert snapshot(paths.home) == before
    assert certboot("trust", ca_file, "--yes").status == 0
    assert names(paths) == FEW | {"Example Corp Root"}


def test_trust_takes_a_folder(certboot: Run, paths: StorePaths, tmp_path: Path) -> None:
    folder = tmp_path / "cas"
    folder.mkdir()
    saved(folder, "one.pem", issue("One"))
    (folder / "two.der").write_bytes(issue("Two").der)
    (folder / "readme.txt").write_text("words")
    assert certboot("trust", "--yes", folder).status == 0
    assert names(paths) == FEW | {"One", "Two"}


@pytest.fixture
def site(
    ca: trustme.CA, ca_file: Path, serve: Callable[..., TlsServer], monkeypatch: pytest.MonkeyPatch
) -> tuple[TlsServer, Issued]:
    """An https server with a company CA, whom certifi's own file lets us believe."""
    monkeypatch.setattr(certifi, "path", lambda: ca_file)
    corp = issue("Corp")
    return serve(ca.issue_cert("localhost"), pages={"/corp.pem": corp.pem, **REPORTS.pages()}), corp


def test_an_address_is_asked_about_on_a_terminal(
    certboot: Run, paths: StorePaths, site: tuple[TlsServer, Issued], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, _ = site
    answers(monkeypatch, "yes\n")
    ran = certboot("trust", f"{server.url}/corp.pem")
    assert (ran.status, ran.err) == (0, "")
    assert f"  from     {server.url}/corp.pem\n" in ran.out
    assert names(paths) == FEW | {"Corp"}


def test_an_address_is_trusted_unseen_only_with_its_fingerprint(
    certboot: Run, paths: StorePaths, site: tuple[TlsServer, Issued], monkeypatch: pytest.MonkeyPatch, clean: Path
) -> None:
    server, corp = site
    pipe(monkeypatch)
    for argv in ((), ("--yes",), ("--yes", "--sha256", "0" * 64), ("--sha256", sha(corp))):
        assert_refused(certboot("trust", f"{server.url}/corp.pem", *argv))
        assert list(clean.iterdir()) == []
    assert certboot("trust", f"{server.url}/corp.pem", "--yes", "--sha256", sha(corp)).status == 0
    assert names(paths) == FEW | {"Corp"}


@cases("address", ["http://localhost:1/corp.pem", "file:///etc/corp.pem", "ftp://a.example/c.pem"])
def test_an_address_that_is_not_https_is_refused(certboot: Run, clean: Path, address: str) -> None:
    assert_refused(certboot("trust", address, "--yes", "--sha256", "0" * 64))
    assert list(clean.iterdir()) == []


def old_fashioned() -> Issued:
    """A CA as many companies have it: basicConstraints not critical, no key identifiers."""
    return issue(
        "Old Corp",
        extensions=((x509.BasicConstraints(ca=True, path_length=None), False), (key_usage(key_cert_sign=True), True)),
    )


@cases("argv", [("trust", "{}", "--yes"), ("init", "--add", "{}"), ("init", "--config", "team.toml")])
def test_what_newer_pythons_refuse_in_a_company_ca_is_told_when_it_is_added(
    certboot: Run, paths: StorePaths, tmp_path: Path, argv: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    defects = ("strict-missing-ski", "strict-basic-constraints")
    for name, made, told in (("good.pem", issue("Good"), ()), ("old.pem", old_fashioned(), defects)):
        (tmp_path / "team.toml").write_text(f'[[company]]\npath = "{name}"\n')
        path = saved(tmp_path, name, made)
        ran = certboot(*(part.format(path) for part in argv))
        assert (ran.status, ran.err) == (0, "")
        assert {defect for defect in defects if defect in ran.out} == set(told)
    assert entry(paths, "Old Corp").defects == defects
    assert "defect    strict-missing-ski: " in certboot("show", "Old Corp").out


# distrust


@cases("by", ["name", "digits", "colons"])
def test_what_is_distrusted_leaves_with_all_below_it_and_stays_out(certboot: Run, full: StorePaths, by: str) -> None:
    digits = sha(DOOMED)[:20].upper()
    colons = ":".join(digits[at : at + 2] for at in range(0, 20, 2))
    ran = certboot("distrust", {"name": "ccadb doomed", "digits": digits, "colons": colons}[by])
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.splitlines()[-3] == "0 came, 3 went"
    left = (FEW | CCADB_ROOTS | CCADB_BELOW) - {"CCADB Doomed", "CCADB Lost", "CCADB Deeper"}
    for argv in (("list",), ("update",), ("init",), ("init", "--no-intermediates"), ("init", "--intermediates")):
        certboot(*argv)
        assert "CCADB Doomed" not in names(full)
    assert names(full) == left
    assert ("distrusted", sha(DOOMED)) in {(r.rule, r.fingerprint) for r in generations.current(full).rejected}
    ran = certboot("distrust", "--undo", "CCADB Doomed")
    assert ran.out.splitlines()[-1] == "3 came, 0 went"
    assert names(full) == left | {"CCADB Doomed", "CCADB Lost", "CCADB Deeper"}


def test_trusting_a_certificate_anew_ends_its_distrust(certboot: Run, paths: StorePaths, ca_file: Path) -> None:
    certboot("init", "--add", ca_file)
    certboot("distrust", "Example Corp Root")
    certboot("init", "--add", ca_file)
    assert names(paths) == FEW
    certboot("trust", "--yes", ca_file)
    certboot("update")
    assert names(paths) == FEW | {"Example Corp Root"}


def test_an_id_that_names_none_or_several_is_refused(certboot: Run, full: StorePaths) -> None:
    before = snapshot(full.home)
    for argv in (("distrust",), ("show",)):
        ran = certboot(*argv, "Root ")
        assert (ran.status, ran.out) == (2, "")
        assert ran.err.startswith("certboot: error: 'Root ' names 3 certificates\n\nhint: ")
        for root in roots():
            assert f"\n  {sha(root)[:16]}  Root " in ran.err
        assert_refused(certboot(*argv, "Nobody"))
    assert_refused(certboot("distrust", "--undo", "Root A"))
    assert snapshot(full.home) == before


def test_the_last_anchor_cannot_be_distrusted(certboot: Run, paths: StorePaths) -> None:
    certboot("init", "--source", "system")
    before = snapshot(paths.home)
    assert_refused(certboot("distrust", "Root A"))
    assert snapshot(paths.home) == before


# list and show


def test_a_list_is_filtered(certboot: Run, full: StorePaths, tmp_path: Path) -> None:
    short = issue("Short", valid=(NOW - DAY, NOW + 20 * DAY))
    certboot("trust", "--yes", saved(tmp_path, "short.pem", short))
    assert shown(certboot) == names(full) == FEW | CCADB_ROOTS | CCADB_BELOW | {"Short"}
    assert shown(certboot, "--role", "intermediate") == CCADB_BELOW
    assert shown(certboot, "--role", "anchor") == FEW | CCADB_ROOTS | {"Short"}
    assert shown(certboot, "--source", "system") == {"Root A"}
    assert shown(certboot, "--source", "added") == {"Short"}
    assert shown(certboot, "--expiring", "30d") == {"Short"}
    assert shown(certboot, "--expiring", "9d") == set()
    assert shown(certboot, "--role", "anchor", "--source", "ccadb") == CCADB_ROOTS


def test_what_did_not_enter_is_listed_with_its_rule(certboot: Run, full: StorePaths) -> None:
    del full
    (rejection,) = listed(certboot, "--rejected")["rejected"]
    assert (rejection["rule"], rejection["source"], rejection["fingerprint"]) == ("revoked", "ccadb", sha(GONE))
    lines = certboot("list", "--rejected").out.splitlines()
    assert lines[1].split()[:3] == [sha(GONE)[:16], "revoked", "ccadb"]
    assert lines[-1] == "1 revoked"


def test_the_digest_is_the_same_whatever_is_listed(certboot: Run, full: StorePaths) -> None:
    digest = generations.current(full).digest()
    for argv in ((), ("--role", "anchor"), ("--source", "nobody"), ("--rejected",)):
        assert listed(certboot, *argv)["digest"] == digest


@cases(("name", "issued"), [("Root A", roots()[0]), ("CCADB Deeper", DEEPER)])
def test_show_tells_everything_and_ends_with_the_file(
    certboot: Run, full: StorePaths, name: str, issued: Issued
) -> None:
    ran = certboot("show", sha(issued)[:12])
    assert (ran.status, ran.err) == (0, "")
    held = entry(full, name)
    for part in (name, f"CN={name}", sha(issued), held.role, held.not_before, held.not_after, held.file):
        assert part in ran.out
    for reason in held.provenance:
        assert f"source    {reason.source}, {reason.detail}, since {reason.since}\n" in ran.out
    assert ran.out.endswith(f"\n\n{(full.current / 'crts' / held.file).read_text()}")
    assert ran.out.encode().endswith(issued.pem)
    if held.role == "intermediate":
        assert f"issuer    CCADB Lost ({sha(LOST)[:16]})\nanchor    CCADB Doomed ({sha(DOOMED)[:16]})\n" in ran.out


# history, rollback and diff


@pytest.fixture
def three(certboot: Run, paths: StorePaths, ca_file: Path) -> StorePaths:
    """Generation 1 of init, 2 with a company CA, 3 without Root A."""
    for argv in (("init",), ("trust", "--yes", ca_file), ("distrust", "Root A")):
        assert certboot(*argv).status == 0
    return paths


def test_history_lists_when_by_what_and_which_change(certboot: Run, three: StorePaths) -> None:
    rows = [line.replace("*", " ").split() for line in certboot("history").out.splitlines()[1:]]
    assert [[number, by, *rest] for number, _, by, *rest in rows] == [
        ["1", "init", "3", "+3", "-0"],
        ["2", "trust", "4", "+1", "-0"],
        ["3", "distrust", "3", "+0", "-1"],
    ]
    assert [made for _, made, *_ in rows] == [step.record.created for step in history.steps(three)]
    assert [line[0] for line in certboot("history").out.splitlines()[1:]] == [" ", " ", "*"]


def test_rollback_goes_back_again_and_again_and_to_a_number(certboot: Run, three: StorePaths) -> None:
    numbers = [step.record.generation for step in history.steps(three)]
    for argv, number, change in (
        ((), 2, "1 came, 0 went"),
        ((), 1, "0 came, 1 went"),
        ((3,), 3, "1 came, 1 went"),
        ((3,), 3, "0 came, 0 went"),
    ):
        ran = certboot("rollback", *map(str, argv))
        assert (ran.status, ran.err) == (0, "")
        assert f"{change}\n" in ran.out
        assert f"generation {number} is in force again" in ran.out
        assert generations.current(three).generation == number
        assert certboot("doctor", "store").status == 0
    assert [step.record.generation for step in history.steps(three)] == numbers


def test_a_rollback_to_nothing_is_refused(certboot: Run, three: StorePaths) -> None:
    for argv in (("rollback", "7"), ("rollback", "0")):
        before = snapshot(three.home)
        ran = certboot(*argv)
        assert_refused(ran)
        assert f"there is no generation {argv[1]}\n" in ran.err
        assert snapshot(three.home) == before
    certboot("rollback", "1")
    assert_refused(certboot("rollback"))


def test_diff_compares_any_two_that_are_kept(certboot: Run, three: StorePaths) -> None:
    before = snapshot(three.home)
    corp = entry(three, "Example Corp Root").sha256
    forth = certboot("diff", "1", "3").out.splitlines()
    assert forth == [
        f"+ {corp[:16]}  anchor        Example Corp Root",
        f"- {sha(roots()[0])[:16]}  anchor        Root A",
        "1 came, 1 went",
    ]
    back = certboot("diff", "3", "1").out.splitlines()
    assert sorted(line[1:] for line in back) == sorted(line[1:] for line in forth)
    assert certboot("diff", "2", "2").out == "0 came, 0 went\n"
    assert_refused(certboot("diff", "1", "9"))
    assert snapshot(three.home) == before


# A team's settings


def team(folder: Path, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "team.toml").write_text(text, encoding="utf-8")
    return folder / "team.toml"


@pytest.fixture
def another_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], StorePaths]:
    """Go over to the HOME of another user."""

    def move(name: str) -> StorePaths:
        home = tmp_path / name
        home.mkdir()
        monkeypatch.setenv("HOME", str(home))
        return store_paths()

    return move


def test_one_file_gives_every_machine_the_same_store(
    certboot: Run,
    tmp_path: Path,
    folder: Path,
    another_home: Callable[[str], StorePaths],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shutil.move(folder, tmp_path / "team")
    settings = team(
        tmp_path / "team",
        f"""
        sources = ["certifi", "ccadb"]
        intermediates = true
        ccadb = {{folder = "."}}
        rules = {{distrust = ["{sha(OTHER)}"]}}
        variables = {{add = ["AWS_CA_BUNDLE"]}}
        company = [{{path = "corp.pem"}}]
        """,
    )
    saved(settings.parent, "corp.pem", issue("Corp"))
    digests, envs = [], []
    for name, here, given in (("one", tmp_path, Path("team/team.toml")), ("two", settings.parent, settings)):
        paths = another_home(name)
        monkeypatch.chdir(here)
        assert certboot("init", "--config", given).err == ""
        digests.append(listed(certboot)["digest"])
        envs.append(paths.env.read_text().replace(str(paths.home), ""))
        assert names(paths) == (FEW | CCADB_ROOTS | CCADB_BELOW | {"Corp"}) - {"CCADB Other"}
        assert entry(paths, "Corp").provenance[0].source == "company"
        before = snapshot(paths.generations)
        monkeypatch.chdir(paths.home)
        for argv in (("update",), ("init",), ("init", "--config", settings)):
            assert "nothing new, nothing changed" in certboot(*argv).out
        assert snapshot(paths.generations) == before
    assert digests[0] == digests[1]
    assert envs[0] == envs[1]
    assert "AWS_CA_BUNDLE=" in envs[0]


@cases(
    ("text", "place"),
    [
        ('company = [{path = "database-ca.pem"}]\n', "database-ca.pem"),
        ('# the base of it all\ncompany = [{path = "corp.pem"}]\n', "corp.pem"),
        ('base = "cas"\ncompany = [{path = "corp.pem"}]\n', "cas/corp.pem"),
        ('[[company]]\npath = "corp.pem"\n', "corp.pem"),
    ],
    ids=["a-word-like-base", "a-comment", "a-relative-base", "none"],
)
def test_relative_paths_of_a_team_still_hold_at_the_next_update(
    certboot: Run, paths: StorePaths, tmp_path: Path, text: str, place: str
) -> None:
    settings = team(tmp_path / "team", text)
    (settings.parent / "cas").mkdir()
    saved(settings.parent, place, issue("Corp"))
    assert certboot("init", "--config", settings).status == 0
    assert names(paths) == FEW | {"Corp"}
    ran = certboot("update")
    assert (ran.status, ran.err) == (0, "")
    assert names(paths) == FEW | {"Corp"}


def test_a_team_may_trust_nothing_but_its_own_ca(certboot: Run, paths: StorePaths, tmp_path: Path) -> None:
    settings = team(tmp_path / "team", 'sources = []\ncompany = [{path = "corp.pem"}]\n')
    saved(settings.parent, "corp.pem", issue("Corp"))
    assert certboot("init", "--config", settings).status == 0
    assert names(paths) == {"Corp"}


def test_what_the_command_line_says_goes_before_the_settings(certboot: Run, paths: StorePaths, tmp_path: Path) -> None:
    settings = team(tmp_path / "team", 'sources = ["certifi"]\n')
    certboot("init", "--config", settings, "--source", "system")
    assert names(paths) == {"Root A"}
    certboot("update")
    assert names(paths) == FEW  # the settings are a lasting choice


@cases(
    "text",
    [
        "sources = [\n'certifi',\n'mozilla']\n",
        "\nintermediates = 'yes'\n",
        "\n\n[rules]\ndistrust = ['ab']\n",
        "[[company]]\nsha256 = 'ab'\n",
        "[ccadb]\nurl = 'https://a.example'\n",
        "sources = \n",
    ],
)
def test_a_mistake_in_a_teams_file_names_file_and_line_and_changes_nothing(
    certboot: Run, clean: Path, tmp_path: Path, text: str
) -> None:
    settings = team(tmp_path / "team", text)
    ran = certboot("init", "--config", settings)
    assert_refused(ran)
    assert str(settings) in ran.err
    assert "line " in ran.err
    assert list(clean.rglob("config.toml")) == []
    assert list(clean.rglob("env")) == []


@cases("missing", ["settings", "company"])
def test_a_file_that_is_not_there_is_refused(certboot: Run, paths: StorePaths, tmp_path: Path, missing: str) -> None:
    certboot("init")
    settings = team(tmp_path / "team", '[[company]]\npath = "corp.pem"\n')
    if missing == "settings":
        saved(settings.parent, "corp.pem", issue("Corp"))
        settings.unlink()
    before = snapshot(paths.home)
    ran = certboot("init", "--config", settings)
    assert_refused(ran)
    assert str(settings if missing == "settings" else settings.parent / "corp.pem") in ran.err
    assert snapshot(paths.home) == before


def test_reports_and_company_cas_come_over_the_network_too(
    certboot: Run, paths: StorePaths, tmp_path: Path, site: tuple[TlsServer, Issued], ca_file: Path
) -> None:
    """In one file: a mirror of the CCADB, an address with its pin, and the CA that the server itself hangs on."""
    server, corp = site
    settings = team(
        tmp_path / "team",
        f"""
        sources = ["ccadb"]
        intermediates = true
        ccadb = {{address = "{server.url}"}}
        company = [{{address = "{server.url}/corp.pem", sha256 = "{sha(corp)}"}}, {{path = "{ca_file}"}}]
        """,
    )
    ran = certboot("init", "--config", settings)
    assert (ran.status, ran.err) == (0, "")
    assert names(paths) == CCADB_ROOTS | CCADB_BELOW | {"Corp", "Example Corp Root"}
    server.pages[f"/{ccadb.ROOTS}"] = report.table(report.ROOTS, REPORTS.roots[:2])
    assert "0 came, 3 went\n" in certboot("update").out
    good = contents(paths.current / "crts")
    server.pages[f"/{ccadb.REVOKED}"] = b"<html>sign in</html>"
    assert_refused(certboot("update"))
    assert contents(paths.current / "crts") == good


def test_the_way_back_from_a_folder_to_the_network_is_remembered_too(
    certboot: Run, full: StorePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert generations.current(full).choices.reports != ""
    monkeypatch.setattr(ccadb, "from_network", lambda *_: lambda name: REPORTS.bodies()[name])
    assert certboot("update", "--from", "network").status == 0
    assert generations.current(full).choices.reports == ""
