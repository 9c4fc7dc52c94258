"""Many at once: runs that write end in one good store, and whoever reads meanwhile never sees half of one."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
from support import report, whole
from support.pki import issue

pytestmark = pytest.mark.slow

BEFORE, AFTER = range(4), range(1, 5)
INIT = ("init", "--source", "ccadb", "--intermediates", "--from")
READS, SWITCHES, MOST_READS = 3_000, 20, 2_000_000


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A store of the reports in ``before``; those in ``after`` are ready."""
    for name, numbers in (("before", BEFORE), ("after", AFTER)):
        report.save(whole.small_reports(numbers), tmp_path / name)
    home = tmp_path / "store"
    at_once(home, [(*INIT, tmp_path / "before")])
    return home


def at_once(home: Path, commands: list[tuple[str | Path, ...]]) -> None:
    """Start them all, and see that each ends well."""
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    runs = [subprocess.Popen(whole.program(*argv), env=whole.environ(home), **pipes) for argv in commands]  # type: ignore[call-overload]
    assert [(run.communicate(timeout=120)[1], run.returncode) for run in runs] == [(b"", 0)] * len(commands)
    assert whole.leftovers(home) == []


def numbers(home: Path) -> list[int]:
    return sorted(int(path.name) for path in (home / "generations").iterdir())


def test_first_runs_at_once_make_one_store_with_all_their_cas(tmp_path: Path) -> None:
    home = tmp_path / "store"
    for number in range(4):
        (tmp_path / f"{number}.pem").write_bytes(issue(f"CA {number}").pem)
    at_once(home, [("init", "--source", "system", "--add", tmp_path / f"{number}.pem") for number in range(4)])
    whole.assert_whole(home)
    entries = json.loads((home / "current" / "manifest.json").read_bytes())["certificates"]
    assert {f"CA {number}" for number in range(4)} <= {entry["name"] for entry in entries}
    assert len(list((home / "trusted").iterdir())) == 4


def test_updates_at_once_write_one_generation_or_if_they_do_not_agree_one_of_theirs(home: Path, tmp_path: Path) -> None:
    """The first of them writes it; the others find nothing new."""
    at_once(home, [("update", "--from", tmp_path / "after")] * 5)
    assert whole.assert_whole(home) == whole.state_of(AFTER)
    assert numbers(home) == [1, 2]
    at_once(home, [("update", "--from", tmp_path / name) for name in ("before", "after", "before", "after")])
    assert whole.assert_whole(home) in (whole.state_of(BEFORE), whole.state_of(AFTER))
    assert len(numbers(home)) <= 5


def test_rollbacks_and_updates_at_once_end_in_one_good_store(home: Path, tmp_path: Path) -> None:
    """Three steps back are possible from the fourth generation, so that no rollback has a reason to fail."""
    for name in ("after", "before", "after"):
        at_once(home, [(*INIT, tmp_path / name)])
    at_once(home, [("rollback",), ("update",)] * 3)
    assert whole.assert_whole(home) in (whole.state_of(BEFORE), whole.state_of(AFTER))
    at_once(home, [("update", "--from", tmp_path / "after")])
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
        at_once(home, [(*INIT, tmp_path / name)])
        bundles.add(bundle.read_bytes())
    assert len(bundles) == 2
    certificate = link.read_bytes()
    assert common.encode() in certificate
    reads = switches = 0
    last = ""
    argv = [sys.executable, "-c", FLIPPER, str(tmp_path / "before"), str(tmp_path / "after")]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(argv, env=whole.environ(home), text=True, **pipes) as flipper:  # type: ignore[call-overload]
        try:
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
            assert flipper.poll() is None, flipper.stderr.read()
        finally:
            flipper.kill()
    assert (reads >= READS, switches >= SWITCHES) == (True, True)
    at_once(home, [("update",)])
    assert whole.assert_whole(home) in (whole.state_of(BEFORE), whole.state_of(AFTER))
