from __future__ import annotations

import json
import typing
from collections.abc import Callable
from importlib import resources
from pathlib import Path

from jsonschema import Draft202012Validator
from support.table import cases

from certboot.cli.report.json import doctor_json
from certboot.doctor.finding import Finding

SCHEMA = json.loads(Path(str(resources.files("certboot.cli.report") / "doctor.schema.json")).read_text())

if typing.TYPE_CHECKING:
    from support.environments import Ran

    from certboot.doctor.finding import Status


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


@cases(
    ("status", "ok"),
    [("ok", True), ("info", True), ("warn", True), ("skip", True), ("fail", False), ("error", False)],
)
def test_ok_says_whether_the_exit_status_is_0(status: Status, *, ok: bool) -> None:
    assert json.loads(doctor_json([Finding("x", "hook", status, "s", "w")]))["ok"] is ok
    assert json.loads(doctor_json([]))["ok"] is True


@cases("primary", [None, "missing-intermediate"])
def test_the_primary_cause_stands_there_only_with_a_server(primary: str | None) -> None:
    assert json.loads(doctor_json([], primary))["primary"] == primary
    assert "primary" not in json.loads(doctor_json([]))


def test_what_the_command_prints_has_the_same_shape(certboot: Callable[..., Ran]) -> None:
    document = json.loads(certboot("doctor", "--json").out)
    assert set(document) == {"schema", "ok", "findings"}
    Draft202012Validator(SCHEMA).validate(document)
    assert {f["group"] for f in document["findings"]} == {"environment", "hook", "store", "clients"}
    for finding in document["findings"]:
        assert set(finding) == {"id", "group", "status", "subject", "summary", "evidence", "fix"}
        assert finding["status"] in {"ok", "info", "warn", "fail", "skip", "error"}
        assert all(isinstance(word, str) for argv in finding["fix"] for word in argv)
