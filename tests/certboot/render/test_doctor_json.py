from __future__ import annotations

import json
import typing
from collections.abc import Callable

import pytest

from certboot.model import Finding
from certboot.render.doctor_json import doctor_json

if typing.TYPE_CHECKING:
    from environments import Ran


def test_a_finding_is_written_with_all_its_fields() -> None:
    finding = Finding("x", "store", "fail", "Zürich", "a\nb", {"value": "\x1b", "n": 1}, (("certboot", "init"),))
    text = doctor_json([finding])
    assert text.isascii()
    assert json.loads(text) == {
        "schema": 1,
        "ok": False,
        "findings": [
            {
                "id": "x",
                "group": "store",
                "status": "fail",
                "subject": "Zürich",
                "summary": "a\nb",
                "evidence": {"value": "\x1b", "n": 1},
                "fix": [["certboot", "init"]],
            }
        ],
    }


@pytest.mark.parametrize(
    ("status", "ok"),
    [("ok", True), ("info", True), ("warn", True), ("skip", True), ("fail", False), ("error", False)],
)
def test_ok_says_whether_the_exit_status_is_0(status: str, *, ok: bool) -> None:
    assert json.loads(doctor_json([Finding("x", "g", status, "s", "w")]))["ok"] is ok
    assert json.loads(doctor_json([]))["ok"] is True


def test_what_the_command_prints_has_the_same_shape(certboot: Callable[..., Ran]) -> None:
    document = json.loads(certboot("doctor", "--json").out)
    assert set(document) == {"schema", "ok", "findings"}
    assert {f["group"] for f in document["findings"]} == {"environment", "hook", "store"}
    for finding in document["findings"]:
        assert set(finding) == {"id", "group", "status", "subject", "summary", "evidence", "fix"}
        assert finding["status"] in {"ok", "info", "warn", "fail", "skip", "error"}
        assert all(isinstance(word, str) for argv in finding["fix"] for word in argv)
