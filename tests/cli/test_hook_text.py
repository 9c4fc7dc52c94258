from __future__ import annotations

import json
from pathlib import Path

from support.table import cases

from certboot.cli import hook, hook_notes
from certboot.cli.hook import hook_json
from certboot.errors import CertbootError
from certboot.hook.copies import Copy, Outdated
from certboot.hook.found import Hook
from certboot.hook.install import Action, Result
from certboot.hook.interpreters import Interpreter
from certboot.hook.start_up_files import Neighbour
from certboot.hook.status import Started, Survey
from certboot.hook.tool_environment import Elsewhere

PYTHON = Interpreter(
    python=Path("/v{0}\x1b[31m/bin/python"), version=(3, 8, 18), virtual=True, site_packages=Path("/v"), user_site=None,
    site_folders=(Path("/v"),), managed=False,
)  # fmt: skip
FOUND = Hook(Path("/v{1}\n/lib"), "certboot", "1.0", "", None, (), ())


@cases(
    ("status", "words"),
    [
        ("active", "yes, and set 2 variables"),
        ("disabled", "turned off by CERTBOOT_DISABLE"),
        ("no-store", "certboot init"),
        ("unsafe", "refuses the store"),
        ("KeyError", "yes, and gave up: KeyError"),
        ("{folder}{x}\x1b", "yes, and gave up: {folder}{x}\N{REPLACEMENT CHARACTER}"),
        ("", "no: the start-up files of /v{1}\N{REPLACEMENT CHARACTER}/lib are not read"),
    ],
)
def test_what_the_hook_said_is_put_in_words(status: str, words: str) -> None:
    started = Started(status, "/m", "", ("A", "B"))
    text = hook.status_text(Survey(PYTHON, (FOUND,), "", started, ()))
    assert [line for line in text.splitlines() if words in line and line.startswith("  ran")]
    assert text.startswith("/v{0}\N{REPLACEMENT CHARACTER}[31m/bin/python (Python 3.8.18)\n")
    assert words in hook.done_text(PYTHON, Result("installed", FOUND), started)


def test_a_hidden_file_is_told_of() -> None:
    hidden = Neighbour(Path("/v/certboot_startup.pth"), "certboot_startup", hidden=True)
    text = hook.status_text(Survey(PYTHON, (), "", Started("", "", "", ()), (hidden,)))
    assert text.endswith("beside    /v/certboot_startup.pth (certboot_startup), skipped because it is hidden")


@cases(
    ("action", "words"),
    [("renewed", "the hook is now that of certboot 1.0"), ("removed", "the hook of certboot 1.0 is removed")],
)
def test_what_was_done_names_the_version(action: Action, words: str) -> None:
    assert words in hook.done_text(PYTHON, Result(action, FOUND), None)


def test_notes_are_made_of_what_there_is_to_say() -> None:
    assert hook_notes.init_notes() == []
    other = Elsewhere("/usr/bin/python3", user=True)
    lines = hook_notes.init_notes(tool="uv tool", other=other, apart="/opt/certboot")
    assert lines[1].strip() == "certboot hook install --python /usr/bin/python3 --user --home /opt/certboot"
    outdated = Outdated(Copy("/p y", "/f\x07", user=False), "")
    assert hook_notes.init_notes(outdated=[outdated]) == [
        "  outdated  the copy of the hook in /f\N{REPLACEMENT CHARACTER}; to renew it:",
        "            certboot hook install --python '/p y'",
    ]


def test_what_purge_leaves_is_nothing_where_there_is_no_copy() -> None:
    assert hook_notes.remaining([]) == []


def test_json_tells_of_each_interpreter_that_could_not_be_asked() -> None:
    text = hook_json([], [("/p", CertbootError("no", "do"))])
    assert json.loads(text) == {"schema": 1, "interpreters": [{"python": "/p", "error": "no", "hint": "do"}]}
