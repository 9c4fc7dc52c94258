from __future__ import annotations

import json
import typing
from importlib import resources
from pathlib import Path

from jsonschema import Draft202012Validator
from support.commands import Run

from certboot.cli.report.json import doctor_json
from certboot.doctor.diagnosis import diagnosed
from certboot.doctor.finding import Finding, Status

SCHEMA = json.loads(Path(str(resources.files("certboot.cli.report") / "doctor.schema.json")).read_text())


def test_a_finding_is_written_with_all_its_fields() -> None:
    evidence: dict[str, object] = {"value": "\x1b", "n": 1}
    text = doctor_json([Finding("x", "store", "fail", "Zürich", "a\nb", evidence, (("certboot", "init"),))])
    assert text.isascii()
    finding: dict[str, object] = {"id": "x", "group": "store", "status": "fail", "subject": "Zürich", "summary": "a\nb"}
    finding |= {"evidence": evidence, "fix": [["certboot", "init"]]}
    assert json.loads(text) == {"schema": 1, "ok": False, "findings": [finding]}


def test_ok_says_whether_the_exit_status_is_0_and_the_primary_cause_stands_there_only_with_a_server() -> None:
    statuses: tuple[Status, ...] = typing.get_args(Status)
    said = {status: json.loads(doctor_json([Finding("x", "hook", status, "s", "w")]))["ok"] for status in statuses}
    assert said == {status: status not in ("fail", "error") for status in statuses}
    assert json.loads(doctor_json([])) == {"schema": 1, "ok": True, "findings": []}
    for status in statuses:
        diagnosis = diagnosed("h:1", (Finding("x", "server", status, "h:1", "w"),))
        assert json.loads(doctor_json([], diagnosis))["primary"] == (None if said[status] else "x")


def test_what_the_command_prints_has_the_same_shape(certboot: Run) -> None:
    document = json.loads(certboot("doctor", "--json").out)
    Draft202012Validator(SCHEMA).validate(document)
    assert {finding["group"] for finding in document["findings"]} == {"environment", "hook", "store", "clients"}
    for finding in document["findings"]:
        assert set(finding) == {"id", "group", "status", "subject", "summary", "evidence", "fix"}
        assert all(isinstance(word, str) for argv in finding["fix"] for word in argv)
