"""``hook status --json``: one JSON object."""

from __future__ import annotations

import json
import typing
from dataclasses import asdict

if typing.TYPE_CHECKING:
    from collections.abc import Iterable

    from certboot.errors import CertbootError
    from certboot.hook.survey import Survey

_SCHEMA = 1


def hook_json(surveys: Iterable[Survey], failures: Iterable[tuple[str, CertbootError]]) -> str:
    """Return the hook's state in each interpreter, and why others could not be asked."""
    interpreters: list[dict[str, object]] = [_survey(survey) for survey in surveys]
    interpreters += [{"python": python, "error": error.message, "hint": error.hint} for python, error in failures]
    return json.dumps({"schema": _SCHEMA, "interpreters": interpreters}, indent=1)


def _survey(survey: Survey) -> dict[str, object]:
    return {
        "python": str(survey.interpreter.python),
        "version": ".".join(map(str, survey.interpreter.version)),
        "hooks": [
            {
                "folder": str(found.folder),
                "owner": found.owner,
                "version": found.version,
                "home": found.home,
                "changed": list(found.changed),
            }
            for found in survey.hooks
        ],
        "renew": survey.renew,
        "started": asdict(survey.started),
        "neighbours": [
            {"path": str(each.path), "first": each.first, "hidden": each.hidden} for each in survey.neighbours
        ],
    }
