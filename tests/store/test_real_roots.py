"""The real roots of certifi and of this system: each is an anchor until the second in which it ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timezone

import pytest
from support.commands import Run

from certboot.sources import certifi, system

pytestmark = [pytest.mark.real_data, pytest.mark.real_sources]


def day(year: int) -> datetime:
    return datetime(year, 11, 24, tzinfo=timezone.utc)


@pytest.mark.parametrize("moment", [None, day(2026), day(2029), day(2036)], ids=str)
def test_every_root_is_an_anchor_unless_it_has_expired(
    certboot: Run, clock: Callable[[datetime], None], moment: datetime | None
) -> None:
    """None: by the clock of this machine, which scripts/test.py sets ahead."""
    if moment:
        clock(moment)
    assert certboot("init", "--source", "certifi,system").status == 0
    accepted, rejected = (json.loads(certboot("list", "--json", *more).out) for more in ((), ("--rejected",)))
    ends = {
        candidate.certificate.fingerprint: candidate.certificate.validity.not_after
        for source in (certifi, system)
        for candidate in source.read().parse().candidates
    }
    expired = {sha for sha, end in ends.items() if end < (moment or datetime.now(timezone.utc))}
    anchors = {entry["sha256"] for entry in accepted["certificates"]}
    rules = {entry["fingerprint"]: entry["rule"] for entry in rejected["rejected"]}
    assert anchors.isdisjoint(rules)
    assert anchors | rules.keys() == ends.keys()
    assert {sha for sha, rule in rules.items() if rule == "expired"} == expired
    assert len(anchors) > 20
