"""What the scripts do beside running pytest: clocks set ahead, and two runs of a suite compared test by test."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
import tempfile
import typing
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from support.environments import Environment
from support.snapshot import snapshot
from support.table import cases

SCRIPTS = Path(__file__).parents[1] / "scripts"
REPORT = """<testsuites><testsuite>
<testcase classname="t" name="good"><properties><property name="ratio" value="1.03"/></properties></testcase>
<testcase classname="t" name="bad"><failure message="no">...</failure></testcase>
<testcase classname="t" name="torn"><error message="no">...</error></testcase>
<testcase classname="t" name="left"><skipped type="pytest.skip" message="no">...</skipped></testcase>
<testcase classname="t" name="known"><skipped type="pytest.xfail" message="no"/></testcase>
<testcase classname="t" name="twice"/><testcase classname="t" name="twice"><failure/></testcase>
<testcase classname="t" name="both"><failure/><error/></testcase>
</testsuite></testsuites>"""
Load = Callable[[str], typing.Any]
PASSED, FAILED = ("passed",), ("failure",)


@pytest.mark.slow
def test_shards_of_hosts_of_all_kinds_come_to_what_one_run_says(tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPTS / "fleet.py"), str(tmp_path), "40"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ran.returncode, "39 hosts: 20 good, 19 fail\n" in ran.stdout) == (0, True), ran.stdout + ran.stderr


@cases(("ci", "status"), [("true", 2), ("", 0)])
def test_without_faketime_it_fails_in_ci_and_says_so_everywhere(
    script: Load, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], ci: str, status: int
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("CI", ci)
    assert script("test").ahead() == status
    assert "faketime is missing" in capsys.readouterr().err


def test_all_tests_of_real_data_lie_where_they_are_looked_for(script: Load) -> None:
    tests = Path(__file__).parent
    files = [file for file in tests.rglob("test_*.py") if file.name != Path(__file__).name]
    marked = {file.parent for file in files if "pytest.mark.real_data" in file.read_text("utf-8")}
    assert marked == {tests.parent / script("test").REAL_DATA}


@pytest.mark.skipif(not shutil.which("faketime"), reason="faketime is missing: .ci/run installs it")
def test_each_clock_is_ahead_for_the_tests_of_real_data(script: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    """What would run is run, with the question what the time is in the place of pytest."""
    days: list[int] = []
    real, test = subprocess.run, script("test")

    def asked(command: list[typing.Any], **options: typing.Any) -> subprocess.CompletedProcess[bytes]:  # noqa: ANN401
        at = command.index(test.check.PYTHON)
        assert command[at + 1 : at + 3] == ["-m", "pytest"]
        assert command[command.index("real_data") - 1] == "-m"
        question = [sys.executable, "-c", "import time; print(time.time())"]
        now, then = (
            float(real([*before, *question], env=options["env"], capture_output=True, text=True, check=True).stdout)
            for before in ([], command[:at])
        )
        days.append(round((then - now) / 86400))
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", asked)
    assert test.ahead() == 0
    assert days == [30, 365, 3 * 365]


def test_tables_pictures_and_readme_are_made_of_the_figures_as_they_were_measured(script: Load, tmp_path: Path) -> None:
    page = script("bench_page")
    results = page.read()
    stale = [path.name for path, text in page.pages(results).items() if path.read_text("utf-8") != text]
    assert stale == [], "run scripts/bench.py --draw"
    (tmp_path / "again.json").write_text(results.to_json(), "utf-8")
    assert page.read(tmp_path / "again.json") == results
    assert {path.name for path in page.FOLDER.glob("*.svg")} == {chart.file.name for chart in page.CHARTS}
    for chart in page.CHARTS:
        picture = ET.fromstring(chart.file.read_text("utf-8"))  # noqa: S314 - our own
        assert picture.get("role") == "img"
        assert float(picture.attrib["width"]) <= 720
        shown = set(picture.itertext())
        figures = [page.figure(value) for row in chart.rows(results) for value in row.figures.values()]
        assert figures
        assert shown >= set(figures)


@cases(
    ("goal", "figures", "told"),
    [
        (
            {"beside": "stock", "least": 7},
            {"stock": 14.0, "certboot": 2.0},
            "7.00 times faster than stock; at least 7: met",
        ),
        (
            {"beside": "stock", "least": 7},
            {"stock": 13.94, "certboot": 2.0},
            "6.97 times faster than stock; at least 7: **missed**",
        ),
        ({"beside": "bare", "most": 1.04}, {"bare": 100.0, "certboot": 104.0}, "1.0400 times bare; at most 1.04: met"),
        (
            {"beside": "bare", "most": 1.04},
            {"bare": 100.0, "certboot": 104.01},
            "1.0401 times bare; at most 1.04: **missed**",
        ),
        ({"most": 0.5}, {"certboot": 0.4}, "0.400 s; at most 0.5 s: met"),
        ({"most": 0.5}, {"certboot": 0.6}, "0.600 s; at most 0.5 s: **missed**"),
        ({"beside": "sslyze", "least": 8}, {"sslyze": None, "certboot": 2.0}, "not here"),
    ],
)
def test_a_goal_is_told_with_what_was_reached_and_a_peer_that_is_missing_meets_none(
    script: Load, goal: dict[str, typing.Any], figures: dict[str, float | None], told: str
) -> None:
    page = script("bench_page")
    row = page.Row("topic", "what", "s", figures, page.Goal("certboot", **goal))
    assert row.goal.told(row) == told
    assert row.goal.is_met(figures) == told.endswith(": met")
    table = page.table(page.Results("", "", "", (row,)), "topic")
    assert table.splitlines()[-1].split(" | ")[2:-1] == [page.figure(value) for value in figures.values()]


@cases(
    ("mine", "peer", "end"),
    [
        (1.0, 9.0, "3 of 3 goals are met."),
        (2.0, 9.0, "2 of 3 goals are met; what is not, of scan, is marked below as missed."),
        (1.0, None, "2 of 3 goals are met; what is not, of scan, is marked below as not here."),
    ],
)
def test_the_answer_says_how_goals_that_are_not_met_are_marked(
    script: Load, mine: float, peer: float | None, end: str
) -> None:
    page = script("bench_page")
    fast, still = page.Goal("certboot", "stock", least=7), page.Goal("certboot", "stock", most=1.04)
    rows = (
        page.Row("get", "a client", "ms", {"stock": 9.0, "certboot": 1.0}, fast),
        page.Row("start", "Python 3.9", "ms", {"stock": 1.0, "certboot": 1.0}, still),
        page.Row("scan", "hosts", "ms", {"peer": peer, "certboot": mine}, page.Goal("certboot", "peer", least=8)),
    )
    assert page.answer(page.Results("", "", "", rows)).splitlines()[-1] == end
    chart = page.Chart("scan", "Hosts", "ms")
    assert ("not here" in chart.svg(page.Results("", "", "", rows))) == (peer is None)


@pytest.mark.skipif(sys.platform != "linux", reason="it needs Linux")
def test_a_long_run_mounts_nothing_where_others_would_see_it(script: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    long_run = script("long_run")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", str)
    monkeypatch.setattr(long_run, "tried", lambda _: 0)
    for outside, status in ((os.readlink("/proc/self/ns/mnt"), 2), ("mnt:[1]", 0)):
        monkeypatch.setattr(sys, "argv", ["long_run", "disk", "1", "--outside", outside])
        assert long_run.main() == status


def test_an_outcome_tells_failures_errors_skips_and_expected_failures_apart(script: Load) -> None:
    assert script("peer_suites").outcomes(ET.fromstring(REPORT).iter("testcase")) == {  # noqa: S314 - written above
        "t::good": ("passed",),
        "t::bad": ("failure",),
        "t::torn": ("error",),
        "t::left": ("pytest.skip",),
        "t::known": ("pytest.xfail",),
        "t::twice": ("failure", "passed"),
        "t::both": ("failure+error",),
    }


def test_a_row_of_the_other_pythons_counts_the_tests_of_its_files_which_are_there(script: Load) -> None:
    others = script("other_pythons")
    assert all((SCRIPTS.parent / path).exists() for path in others.SLOW)
    outcomes = others.read(ET.fromstring(REPORT).iter("testcase"), slow=False)  # noqa: S314 - written above
    assert outcomes[0] == ("t::good", "passed", "1.03")
    for test in others.FIGURES.values():
        place, _, name = test.removeprefix("slow ").partition("::")
        assert f"def {name.partition('[')[0]}(" in (SCRIPTS.parent / f"{place.replace('.', '/')}.py").read_text("utf-8")
    main_job = [("slow tests.installed.test_main_job::test", "passed", "")]
    counts = [others.counted(group, outcomes + main_job) for group in others.GROUPS[:3]]
    assert counts == ["2 passed, 4 failed, 2 skipped", "1 passed", ""]


def test_a_folder_with_other_things_in_it_gets_no_chroot(script: Load, tmp_path: Path) -> None:
    others = script("other_pythons")
    (tmp_path / "root").mkdir()
    before = snapshot(tmp_path)
    with pytest.raises(others.NotRunError, match="other things in it"):
        others.made(tmp_path, None)
    assert snapshot(tmp_path) == before


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare"), reason="only root can make mount namespaces")
def test_what_is_mounted_for_the_other_pythons_is_gone_with_the_command(script: Load, tmp_path: Path) -> None:
    """There is no shell in this folder, so that what comes after the mounts fails."""
    others, root = script("other_pythons"), tmp_path / "root"
    for name in ("proc", "dev"):
        (root / name).mkdir(parents=True)
    with pytest.raises(others.NotRunError) as failed:
        others.Chroot(root).run(["sh"])
    if "chroot: failed to run command" not in str(failed.value):
        pytest.skip("nothing may be mounted here")
    assert str(root) not in Path("/proc/self/mountinfo").read_text("utf-8")
    assert sorted(path.relative_to(root).as_posix() for path in root.rglob("*")) == ["dev", "proc"]


@cases(
    ("without", "with_hook", "words"),
    [
        ([PASSED, PASSED], [PASSED, PASSED], ""),
        ([FAILED, FAILED], [FAILED, FAILED], ""),
        ([PASSED, PASSED], [FAILED, FAILED], "DIFFERS   t: without passed, with failure"),
        ([FAILED, FAILED], [PASSED, PASSED], "DIFFERS   t: without failure, with passed"),
        ([PASSED, FAILED], [PASSED, PASSED], "unstable  t: without failure or passed, with passed"),
        ([PASSED, PASSED], [None, None], "DIFFERS   t: without passed, with absent"),
    ],
)
def test_a_test_differs_that_never_has_the_same_outcome_both_ways(
    script: Load,
    capsys: pytest.CaptureFixture[str],
    without: list[tuple[str, ...]],
    with_hook: list[tuple[str, ...] | None],
    words: str,
) -> None:
    runs = {
        way: [{"t": outcome} if outcome else {} for outcome in outcomes]
        for way, outcomes in (("without", without), ("with", with_hook))
    }
    assert script("peer_suites").told(runs) == words.count("DIFFERS")
    assert capsys.readouterr().out.strip() == words


def test_the_table_of_the_long_runs_is_that_of_their_results(script: Load) -> None:
    long_run = script("long_run")
    rows = long_run.results()
    assert [row["part"] for row in rows] == list(long_run.PARTS)
    page = long_run.PAGE.read_text("utf-8")
    assert long_run.filled(page, long_run.parts(rows)) == page
    assert long_run.answer([*rows, {"part": "kills", "violations": 1}]).endswith("violated: see kills.")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can be several users")
@pytest.mark.slow
def test_a_few_steps_of_the_long_runs_violate_nothing(
    script: Load, installed: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that mount something are left out: that needs a namespace of its own."""
    script("long_run")
    place, drill, crowd = (importlib.import_module(f"trials.{name}") for name in ("place", "drill", "crowd"))
    monkeypatch.setattr(drill, "TURNS", ("well",))
    with tempfile.TemporaryDirectory() as folder:
        here = place.Place(Path(folder), 1, installed)
        for name, count in (("hook", 40), ("kills", 1), ("drill", 2)):
            importlib.import_module(f"trials.{name}").run(here, count)
        crowd.run(here, 1, writers=1, readers=1)
        importlib.import_module("trials.limits").clock(here, 1)
        assert here.violations == []
        assert not here.check(condition=False, words="the control")
        assert here.violations == ["the control"]


@cases(
    ("environ", "wrong"),
    [
        ({}, ""),
        ({"SSL_CERT_FILE": "@/current/bundle.pem"}, ""),
        ({"SSL_CERT_FILE": "@/current/../bundle.pem"}, "not the store's"),
        ({"LD_PRELOAD": "@/current/bundle.pem"}, "not in the table"),
        ({"SSL_CERT_DIR": "@/generations/1/crts"}, ""),
    ],
)
@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can be several users")
def test_the_long_run_knows_what_a_hook_must_not_do(
    script: Load, tmp_path: Path, environ: dict[str, str], wrong: str
) -> None:
    script("long_run")
    hostile = importlib.import_module("trials.hostile")
    store = hostile.made(tmp_path, 0)
    before = {"CERTBOOT_HOME": store.home}
    after = {name: value.replace("@", store.home) for name, value in environ.items()}
    told = " ".join(hostile.judged(store, before, hostile.Found("active", before | after, "", 0)))
    assert wrong in told if wrong else not told
    os.chown(f"{store.home}/env", hostile.EVE, 0)
    told = " ".join(hostile.judged(store, before, hostile.Found("active", before | after, "", 0)))
    assert ("somebody else can change" in told) == bool(environ)
