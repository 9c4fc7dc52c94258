"""Many at once: runs that write end in one good store, and whoever reads meanwhile never sees half of one."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
from support import report, whole

pytestmark = pytest.mark.slow

BEFORE, AFTER = range(6), range(1, 7)
INIT = ("init", "--source", "ccadb", "--intermediates", "--from")
READS = 10_000
SWITCHES = 50
MOST_READS = 2_000_000


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A store of the reports in ``before``; those in ``after`` are ready."""
    for name, numbers in (("before", BEFORE), ("after", AFTER)):
        report.save(whole.small_reports(numbers), tmp_path / name)
    home = tmp_path / "store"
    assert finish(start(home, *INIT, tmp_path / "before")) == (0, "")
    return home


def start(home: Path, *argv: str | Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        whole.program(*argv), env=whole.environ(home), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, err = process.communicate(timeout=120)
    return process.returncode, err


def numbers(home: Path) -> list[int]:
    return sorted(int(path.name) for path in (home / "generations").iterdir())


def test_eight_updates_at_once_end_in_one_good_store(home: Path, tmp_path: Path) -> None:
    """The first of them writes the one new generation; the others find nothing new."""
    runs = [start(home, "update", "--from", tmp_path / "after") for _ in range(8)]
    assert [finish(run) for run in runs] == [(0, "")] * 8
    assert whole.assert_whole(home) == whole.state_of(AFTER)
    assert numbers(home) == [1, 2]
    assert whole.leftovers(home) == []


def test_eight_updates_that_do_not_agree_end_in_the_store_of_one_of_them(home: Path, tmp_path: Path) -> None:
    runs = [start(home, "update", "--from", tmp_path / ("before", "after")[number % 2]) for number in range(8)]
    assert [finish(run) for run in runs] == [(0, "")] * 8
    assert whole.assert_whole(home) in (whole.state_of(BEFORE), whole.state_of(AFTER))
    assert len(numbers(home)) <= 5
    assert whole.leftovers(home) == []


def test_first_runs_at_once_make_one_store(tmp_path: Path) -> None:
    folder, home = report.save(whole.small_reports(BEFORE), tmp_path / "before"), tmp_path / "store"
    runs = [start(home, *INIT, folder) for _ in range(8)]
    assert [finish(run) for run in runs] == [(0, "")] * 8
    assert whole.assert_whole(home) == whole.state_of(BEFORE)
    assert numbers(home) == [1]


def test_rollbacks_and_updates_at_once_end_in_one_good_store(home: Path, tmp_path: Path) -> None:
    """Four steps back are possible from the fifth generation, so that no rollback has a reason to fail."""
    for name in ("after", "before", "after", "before"):
        assert finish(start(home, *INIT, tmp_path / name)) == (0, "")
    assert numbers(home) == [1, 2, 3, 4, 5]
    runs = [start(home, argument) for argument in ("rollback", "update") * 4]
    assert [finish(run) for run in runs] == [(0, "")] * 8
    assert whole.assert_whole(home) in (whole.state_of(BEFORE), whole.state_of(AFTER))
    assert whole.leftovers(home) == []
    assert finish(start(home, "update", "--from", tmp_path / "after")) == (0, "")
    assert whole.assert_whole(home) == whole.state_of(AFTER)


FLIPPER = """
import contextlib, itertools, os, sys
from certboot.cli import main
before, after = sys.argv[1:]
commands = itertools.cycle([
    ("update", "--from", after), ("update", "--from", before), ("rollback",), ("update",), ("update", "--from", after),
    ("rollback",),
])
print("ready", flush=True)
with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
    for command in commands:
        status = main.main(list(command))
        if status:
            sys.exit(f"{command}: {status}")
"""


def test_a_reader_never_sees_a_missing_or_partial_file_during_switches(home: Path, tmp_path: Path) -> None:
    """It opens the bundle and a hash link that both states have, again and again, while another process switches."""
    bundle, crts = home / "current" / "bundle.pem", home / "current" / "crts"
    common = whole.families()[2][0].pem.decode()
    link = crts / f"{whole.subject_hash(common)}.0"
    bundles = {bundle.read_bytes()}
    for name in ("after", "before"):
        assert finish(start(home, *INIT, tmp_path / name)) == (0, "")
        bundles.add(bundle.read_bytes())
    assert len(bundles) == 2
    certificate = link.read_bytes()
    assert common.encode() in certificate
    reads = switches = 0
    last = ""
    argv = [sys.executable, "-c", FLIPPER, str(tmp_path / "before"), str(tmp_path / "after")]
    with subprocess.Popen(
        argv, env=whole.environ(home), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as flipper:  # fmt: skip
        try:
            assert flipper.stdout
            assert flipper.stdout.readline() == "ready\n"
            while (reads < READS or switches < SWITCHES) and reads < MOST_READS and flipper.poll() is None:
                assert bundle.read_bytes() in bundles, reads
                assert link.read_bytes() == certificate, reads
                if reads % 100 == 0:
                    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                    context.load_verify_locations(bundle, crts)
                    assert context.cert_store_stats()["x509"] == len(BEFORE), reads
                now = os.readlink(home / "current")
                switches += now != last
                last = now
                reads += 1
            assert flipper.poll() is None, flipper.stderr and flipper.stderr.read()
        finally:
            flipper.kill()
    assert reads >= READS
    assert switches >= SWITCHES
    assert finish(start(home, "update")) == (0, "")
    assert whole.assert_whole(home) in (whole.state_of(BEFORE), whole.state_of(AFTER))
