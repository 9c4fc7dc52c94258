"""scripts/peer_suites.py compares two runs of a suite test by test."""

from __future__ import annotations

import importlib.util
import sys
import typing
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from support.table import cases

SCRIPT = Path(__file__).parents[1] / "scripts" / "peer_suites.py"
REPORT = """<testsuites><testsuite>
<testcase classname="t" name="good"/>
<testcase classname="t" name="bad"><failure message="no">...</failure></testcase>
<testcase classname="t" name="torn"><error message="no">...</error></testcase>
<testcase classname="t" name="left"><skipped type="pytest.skip" message="no">...</skipped></testcase>
<testcase classname="t" name="known"><skipped type="pytest.xfail" message="no"/></testcase>
<testcase classname="t" name="twice"/><testcase classname="t" name="twice"><failure/></testcase>
<testcase classname="t" name="both"><failure/><error/></testcase>
</testsuite></testsuites>"""


@pytest.fixture(scope="module")
def script() -> typing.Any:  # noqa: ANN401 - a module that no import statement names
    spec = importlib.util.spec_from_file_location("peer_suites", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["peer_suites"] = module
    spec.loader.exec_module(module)
    return module


def test_an_outcome_tells_failures_errors_skips_and_expected_failures_apart(script: typing.Any) -> None:  # noqa: ANN401
    assert script.outcomes(ET.fromstring(REPORT).iter("testcase")) == {  # noqa: S314 - written above
        "t::good": ("passed",),
        "t::bad": ("failure",),
        "t::torn": ("error",),
        "t::left": ("pytest.skip",),
        "t::known": ("pytest.xfail",),
        "t::twice": ("failure", "passed"),
        "t::both": ("failure+error",),
    }


PASSED, FAILED = ("passed",), ("failure",)


@cases(
    ("without", "with_hook", "differing", "said"),
    [
        ([PASSED, PASSED], [PASSED, PASSED], 0, ""),
        ([FAILED, FAILED], [FAILED, FAILED], 0, ""),
        ([PASSED, PASSED], [FAILED, FAILED], 1, "DIFFERS   t: without passed, with failure"),
        ([FAILED, FAILED], [PASSED, PASSED], 1, "DIFFERS   t: without failure, with passed"),
        ([PASSED, FAILED], [PASSED, PASSED], 0, "unstable  t: without failure or passed, with passed"),
        ([PASSED, PASSED], [None, None], 1, "DIFFERS   t: without passed, with absent"),
    ],
)
def test_a_test_differs_that_never_has_the_same_outcome_both_ways(
    script: typing.Any,  # noqa: ANN401
    capsys: pytest.CaptureFixture[str],
    without: list[tuple[str, ...]],
    with_hook: list[tuple[str, ...] | None],
    differing: int,
    said: str,
) -> None:
    runs = {
        way: [{"t": outcome} if outcome else {} for outcome in found]
        for way, found in (("without", without), ("with", with_hook))
    }
    assert script.told(runs) == differing
    assert capsys.readouterr().out.strip() == said
