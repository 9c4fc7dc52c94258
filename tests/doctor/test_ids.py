"""Every id that the groups without a host can give has its story, and no story is of an id that none gives."""

from __future__ import annotations

import ast
import re
import typing
from pathlib import Path

from certboot import doctor
from certboot.doctor.environment import trust_files
from certboot.doctor.findings import EXPLANATIONS
from certboot.sources import certifi, system

GROUPS = ("environment", "hook", "store")
KINDS = (
    "variables?", "settings?", "verification", "proxy", "no-proxy", "conflict", "certifi", "clock", "hook", "guards?",
    "other-start", "store", "drift", "anchor", "intermediate",
)  # fmt: skip
ID = re.compile(rf"(?:{'|'.join(KINDS)})-[a-z0-9-]+")
PROBLEMS = typing.get_args(trust_files.Problem)


def literals() -> set[str]:
    """Return what stands in the sources of the groups and is an id, or looks like one."""
    found = set()
    folder = Path(str(doctor.__file__)).parent
    for path in (path for group in GROUPS for path in (folder / group).glob("*.py")):
        tree = ast.parse(path.read_text())
        parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
        constants = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in parts)
        found |= {node.value for node in constants if isinstance(node.value, str) and ID.fullmatch(node.value)}
    return found - {system.NAME, certifi.NAME}


def composed() -> set[str]:
    """Return the ids that are put together."""
    variables = {f"variable-{problem}" for problem in PROBLEMS}
    settings = {f"setting-{problem}" for problem in PROBLEMS if problem != "empty"}
    return {*variables, *settings, *(f"drift-{source.NAME}" for source in (certifi, system))}


def test_each_id_has_its_story_and_each_story_its_id() -> None:
    told = {kind for kind, each in EXPLANATIONS.items() if each.group in GROUPS}
    assert told == literals() | composed()


def test_the_stories_of_a_group_stand_together() -> None:
    groups = [each.group for each in EXPLANATIONS.values()]
    assert [group for n, group in enumerate(groups) if group in groups[:n] and groups[n - 1] != group] == []
