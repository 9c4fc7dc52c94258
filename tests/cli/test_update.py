"""``certboot init`` and ``certboot update``, ``rehash`` and a team's settings: what is said, changed and remembered."""

from __future__ import annotations

import dataclasses
import json
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from support import report
from support.commands import FEW, Run, entry, names, saved
from support.pki import NOW, Issued, issue, key_usage
from support.report import fingerprint
from support.small_ccadb import CCADB_BELOW, CCADB_ROOTS, DEEPER, DOOMED, GONE, LOST, OTHER, REPORTS
from support.snapshot import assert_refused, roots, snapshot
from support.table import cases

from certboot.cli import rehash
from certboot.sources import ccadb
from certboot.store import generations
from certboot.store.paths import StorePaths, in_force, store_paths
from certboot.store.rehash import RehashResult


def test_rehash_says_what_it_did() -> None:
    links = RehashResult({"a.0": "a", "b.0": "b"}, (), ("c.0",), ())
    assert rehash.summary(links) == "2 links, 0 made, 1 removed"


def test_rehash_works_on_each_directory_and_tells_of_each(certboot: Run, tmp_path: Path) -> None:
    good, bad = tmp_path / "good", tmp_path / "none"
    good.mkdir()
    (good / "a.pem").write_bytes(roots()[0].pem)
    (good / "b.pem").write_bytes(b"words")
    ran = certboot("rehash", bad, good)
    assert (ran.status, ran.out) == (2, f"{good}: 1 link, 1 made, 0 removed\n")
    assert f"certboot: error: cannot rehash {bad}: No such file or directory\n" in ran.err
    assert f"certboot: warning: {good}: skipping b.pem, " in ran.err
    (good / "b.pem").unlink()
    ran = certboot("rehash", good)
    assert (ran.status, ran.out) == (0, f"{good}: 1 link, nothing to do\n")


# What init was told, and the updates after it


@cases(
    ("argv", "expected"),
    [
        ((), FEW),
        (("--source", "system"), {"Root A"}),
        (("--source", "system,ccadb,system"), {"Root A"} | CCADB_ROOTS),
        (("--intermediates",), FEW),
        (("--source", "ccadb", "--intermediates"), CCADB_ROOTS | CCADB_BELOW),
    ],
)
def test_what_init_was_told_update_goes_by(
    certboot: Run, paths: StorePaths, reports: Path, argv: tuple[str, ...], expected: set[str]
) -> None:
    assert certboot("init", "--from", reports, *argv).status == 0
    assert names(paths) == expected
    before = snapshot(paths.generations)
    for command in ("update", "init"):
        ran = certboot(command)
        assert (ran.status, ran.err) == (0, "")
        assert ": nothing new, nothing changed" in ran.out.splitlines()[0]
    assert snapshot(paths.generations) == before


def test_a_later_choice_takes_the_place_of_the_earlier_one(
    certboot: Run, full: StorePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    for argv, expected in (
        (("update", "--no-intermediates"), FEW | CCADB_ROOTS),
        (("init", "--source", "ccadb"), CCADB_ROOTS),
        (("update", "--intermediates"), CCADB_ROOTS | CCADB_BELOW),
    ):
        certboot(*argv)
        assert names(full) == expected
    assert generations.current(full).choices.reports != ""
    monkeypatch.setattr(ccadb, "from_network", lambda *_: lambda name: REPORTS.bodies()[name])
    assert certboot("update", "--from", "network").status == 0
    assert generations.current(full).choices.reports == ""


# As "$FILE" is where FILE is not set. It is not the current folder.
UNNAMED = [
    ("init", "--add", ""),
    ("init", "--config", ""),
    ("init", "--from", ""),
    ("trust", "--yes", ""),
    ("env", "--add", ""),
    ("run", "--add", "", "true"),
]


@cases(
    ("argv", "words"),
    [
        (("init", "--source", "certifi,mozilla"), "no such source: mozilla\n"),
        (("init", "--source", "ccadb", "--from", "/none"), "cannot read the report of the CCADB: /none"),
        (("init", "--intermediates", "--from", "/none"), "cannot read the report of the CCADB: /none"),
        (("init", "--home", ""), "the name is empty"),
        *((argv, "the name is empty") for argv in UNNAMED),
    ],
)
def test_what_is_refused_makes_no_store(
    certboot: Run, clean: Path, paths: StorePaths, argv: tuple[str, ...], words: str
) -> None:
    saved(clean / "corp.pem", issue("Corp Root"))  # the folder in which it runs has a CA
    ran = certboot(*argv)
    assert ran.status == 2
    assert words in ran.err
    assert in_force(paths) is None
    assert not list(clean.rglob("env"))


def without(folder: Path, *gone: Issued) -> None:
    """Serve the reports as they are once the CCADB has dropped these roots."""
    kept = tuple(row for row in REPORTS.roots if row[2].lower() not in map(fingerprint, gone))
    report.save(dataclasses.replace(REPORTS, roots=kept).bodies(), folder)


def test_a_root_that_vanishes_takes_all_below_it_along_and_rollback_brings_them_back(
    certboot: Run, full: StorePaths, reports: Path
) -> None:
    before = certboot("list", "--json").out
    without(reports, DOOMED)
    ran = certboot("update")
    assert (ran.status, ran.err) == (0, "")
    assert sorted(line.split()[-1] for line in ran.out.splitlines() if line.startswith("- ")) == [
        "Deeper", "Doomed", "Lost",
    ]  # fmt: skip
    assert "0 came, 3 went\n" in ran.out
    assert names(full) == (FEW | CCADB_ROOTS | CCADB_BELOW) - {"CCADB Doomed", "CCADB Lost", "CCADB Deeper"}
    rules = {rejection.fingerprint: rejection.rule for rejection in generations.current(full).rejected}
    assert rules == {fingerprint(GONE): "revoked", fingerprint(LOST): "no-issuer", fingerprint(DEEPER): "no-issuer"}
    assert certboot("rollback").status == 0
    assert certboot("list", "--json").out == before
    assert certboot("doctor", "store").status == 0


def test_a_dry_run_shows_the_difference_and_changes_nothing(certboot: Run, full: StorePaths, reports: Path) -> None:
    without(reports, OTHER)
    before = snapshot(full.home)
    ran = certboot("update", "--dry-run")
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        f"- {fingerprint(OTHER)[:16]}  anchor        CCADB Other",
        "0 came, 1 went",
        "a dry run: nothing was changed",
    ]
    assert snapshot(full.home) == before
    assert certboot("update").out.splitlines()[:2] == ran.out.splitlines()[:2]
    assert "CCADB Other" not in names(full)
    ran = certboot("update", "--dry-run")
    told = [": nothing new, nothing changed", "a dry run: nothing was changed"]
    assert (ran.status, [line.partition("generation 2")[2] or line for line in ran.out.splitlines()]) == (0, told)


def test_with_a_most_age_nothing_is_read_while_it_is_young_enough(
    certboot: Run, full: StorePaths, reports: Path
) -> None:
    before = snapshot(full.home)
    certboot("update")
    after = snapshot(full.home)
    assert after.keys() == before.keys()
    assert {path for path in after if after[path] != before[path]} == {"checked"}
    without(reports, OTHER)
    assert certboot("update", "--max-age", "7d").out == "the sources were read within 7d: nothing to do\n"
    assert snapshot(full.home) == after
    full.checked.write_text(f"{(NOW - timedelta(days=8)).isoformat()}\n")
    assert "1 went\n" in certboot("update", "--max-age", "7d").out
    assert "nothing to do" in certboot("update", "--max-age", "7d").out
    last = json.loads(full.checked.read_bytes())  # what hangs below a certificate that has ended must not stay
    full.checked.write_text(json.dumps({**last, "until": last["when"]}))
    assert "nothing new, nothing changed" in certboot("update", "--max-age", "7d").out
    for argv in (("update", "--max-age", "soon"), ("list", "--expiring", "soon")):
        assert_refused(certboot(*argv))


@cases("argv", [("trust", "{}", "--yes"), ("init", "--add", "{}"), ("init", "--config", "team.toml")])
def test_what_newer_pythons_refuse_in_a_company_ca_is_told_when_it_is_added(
    certboot: Run, paths: StorePaths, tmp_path: Path, argv: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many companies' CAs are such: basicConstraints not critical, no key identifiers."""
    monkeypatch.chdir(tmp_path)
    lax = ((x509.BasicConstraints(ca=True, path_length=None), False), (key_usage(key_cert_sign=True), True))
    defects = ("strict-missing-ski", "strict-basic-constraints")
    for name, made, told in (("good", issue("Good"), ()), ("old", issue("Old Corp", extensions=lax), defects)):
        (tmp_path / "team.toml").write_text(f'[[company]]\npath = "{name}.pem"\n')
        path = saved(tmp_path / f"{name}.pem", made)
        ran = certboot(*(part.format(path) for part in argv))
        assert (ran.status, ran.err) == (0, "")
        assert {defect for defect in defects if defect in ran.out} == set(told)
    assert entry(paths, "Old Corp").defects == defects


# A team's settings


def team(folder: Path, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "team.toml").write_text(text, encoding="utf-8")
    return folder / "team.toml"


def test_one_file_gives_every_machine_the_same_store(
    certboot: Run, tmp_path: Path, reports: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.move(reports, tmp_path / "team")
    settings = team(
        tmp_path / "team",
        f"""
        sources = ["certifi", "ccadb"]
        intermediates = true
        ccadb = {{folder = "."}}
        rules = {{distrust = ["{fingerprint(OTHER)}"]}}
        variables = {{add = ["AWS_CA_BUNDLE"]}}
        company = [{{path = "corp.pem"}}]
        """,
    )
    saved(settings.parent / "corp.pem", issue("Corp"))
    digests, envs = set(), set()
    for name, here, given in (("one", tmp_path, Path("team/team.toml")), ("two", settings.parent, settings)):
        (tmp_path / name).mkdir()
        monkeypatch.setenv("HOME", str(tmp_path / name))
        paths = store_paths()
        monkeypatch.chdir(here)
        assert certboot("init", "--config", given).err == ""
        digests.add(generations.current(paths).digest())
        envs.add(paths.env.read_text().replace(str(paths.home), ""))
        assert names(paths) == (FEW | CCADB_ROOTS | CCADB_BELOW | {"Corp"}) - {"CCADB Other"}
        assert entry(paths, "Corp").provenance[0].source == "company"
        before = snapshot(paths.generations)
        monkeypatch.chdir(paths.home)
        for argv in (("update",), ("init",), ("init", "--config", settings)):
            assert "nothing new, nothing changed" in certboot(*argv).out
        assert snapshot(paths.generations) == before
    assert (len(digests), len(envs)) == (1, 1)
    assert "AWS_CA_BUNDLE=" in envs.pop()


def test_a_team_may_trust_nothing_but_its_own_ca_and_the_command_line_goes_before_its_settings(
    certboot: Run, paths: StorePaths, tmp_path: Path
) -> None:
    settings = team(tmp_path / "team", 'base = "cas"\nsources = []\ncompany = [{path = "corp.pem"}]\n')
    (settings.parent / "cas").mkdir()
    saved(settings.parent / "cas" / "corp.pem", issue("Corp"))
    for argv, expected in (
        (("init", "--config", settings), {"Corp"}),
        (("update",), {"Corp"}),
        (("init", "--config", settings, "--source", "system"), {"Root A", "Corp"}),
        (("update",), {"Corp"}),  # the settings are a lasting choice
    ):
        assert certboot(*argv).status == 0
        assert names(paths) == expected


@cases(
    ("text", "words"),
    [
        ("sources = [\n'certifi',\n'mozilla']\n", "team.toml, line 3"),
        ("sources = \n", "line 1"),
        ('[[company]]\npath = "corp.pem"\n', "corp.pem"),
        (None, "team.toml"),
    ],
)
def test_a_mistake_in_a_teams_file_is_named_and_changes_nothing(
    certboot: Run, store: StorePaths, tmp_path: Path, text: str | None, words: str
) -> None:
    settings = team(tmp_path / "team", text or "")
    if text is None:
        settings.unlink()
    before = snapshot(store.home)
    assert_refused(certboot("init", "--config", settings), str(settings.parent), words)
    assert snapshot(store.home) == before
