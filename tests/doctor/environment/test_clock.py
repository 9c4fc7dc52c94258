from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from support.environments import SYSTEM_PATH
from support.pki import DAY, NOW, issue
from support.snapshot import unparsed

from certboot import moment
from certboot.doctor.environment import clock
from certboot.sources import certifi
from certboot.store import generations
from certboot.store.generations import Generation
from certboot.store.paths import StorePaths
from certboot.store.request import Request, Selection
from certboot.store.update import apply


@pytest.fixture
def current(paths: StorePaths, clock: Callable[[datetime], None]) -> Generation:
    """A store that was written at NOW, however long ago this process began."""
    clock(NOW)
    apply(paths, Request("init"))
    found = generations.read_in_force(paths)
    assert found
    return found


def test_a_clock_that_may_be_right_is_none_of_our_business(current: Generation) -> None:
    for now in (NOW, NOW - timedelta(minutes=5), NOW + 300 * DAY):
        assert clock.check(now, current, "2026.1.1") == []
    assert clock.check(NOW, None, "") == []


def test_a_clock_before_the_store_or_certifi_is_behind(current: Generation) -> None:
    (finding,) = clock.check(NOW - DAY, current, "")
    told = (finding.id, finding.status, finding.group, finding.subject)
    assert told == ("clock-behind", "fail", "environment", "clock")
    assert ", and certboot's store was written on " in finding.summary
    assert finding.evidence["passed"] == current.record.created
    for version in ("2026.10.19", "2026.10.19.post1"):
        (finding,) = clock.check(datetime(2026, 10, 18, tzinfo=timezone.utc), None, version)
        assert finding.summary == (
            f"it says 2026-10-18 00:00 UTC, and certifi {version} was put together on 2026-10-19 00:00 UTC"
        )
        assert clock.check(datetime(2026, 10, 19, tzinfo=timezone.utc), None, version) == []
    for version in ("", "1.0", "2026.13.40", "words"):  # without a date
        assert clock.check(datetime(1990, 1, 1, tzinfo=timezone.utc), None, version) == []


def test_a_clock_by_which_most_anchors_are_old_is_ahead(paths: StorePaths, monkeypatch: pytest.MonkeyPatch) -> None:
    ends = (10, 10, 100)
    pem = b"".join(issue(f"CA {n}", valid=(NOW - DAY, NOW + end * DAY)).pem for n, end in enumerate(ends))
    monkeypatch.setattr(certifi, "read", lambda: unparsed(pem, "certifi", "2026.1"))
    apply(paths, Request("init", Selection(sources=("certifi",))))
    current = generations.read_in_force(paths)
    assert clock.check(NOW + 9 * DAY, current, "") == []
    (finding,) = clock.check(NOW + 11 * DAY, current, "")
    assert (finding.id, finding.status) == ("clock-ahead", "fail")
    assert (finding.evidence["expired"], finding.evidence["anchors"]) == (2, 3)


def test_times_are_read_in_every_form_of_a_manifest() -> None:
    expected = datetime(2026, 1, 2, tzinfo=timezone.utc)
    for text in ("2026-01-02", "2026-01-02T00:00:00", "2026-01-02T00:00:00Z", "2026-01-02T01:00:00+01:00"):
        assert moment.parsed(text) == expected
    assert moment.parsed("yesterday") is None


@pytest.mark.slow
def test_the_clock_of_this_machine_is_the_one_that_is_looked_at(current: Generation, clean: Path) -> None:
    """A store from the future, because the clock itself cannot be set here."""
    path = current.folder / "manifest.json"
    document = json.loads(path.read_bytes())
    argv = [sys.executable, "-m", "certboot", "doctor", "environment", "--json"]
    environ = {"HOME": str(clean), "PATH": SYSTEM_PATH}
    for created, expected in (((NOW + DAY).isoformat(), True), (NOW.isoformat(), False)):
        path.write_text(json.dumps({**document, "created": created}))
        ran = subprocess.run(argv, env=environ, capture_output=True, text=True, check=False)
        assert ("clock-behind" in ran.stdout) == expected
