"""What the command line takes. That each command has its help is in test_cli.py."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest
from support.table import cases

from certboot.cli.main import COMMANDS, parsed, parser
from certboot.net.starttls import PROTOCOLS, spoken_on, usual_port


@cases(
    ("line", "expected"),
    [
        ("init", {"add": [], "source": None, "intermediates": None, "reports": None, "config": None}),
        ("init --add a --add b", {"add": [Path("a"), Path("b")]}),
        ("init --intermediates --from d --config t.toml", {"intermediates": True, "reports": "d"}),
        ("init --no-intermediates --source certifi,ccadb", {"intermediates": False, "source": "certifi,ccadb"}),
        ("init --add a.p12 --password-file p", {"password_file": Path("p")}),
        ("update", {"max_age": None, "dry_run": False, "intermediates": None, "reports": None}),
        ("update --max-age 7d --dry-run --from d", {"max_age": "7d", "dry_run": True, "reports": "d"}),
        ("trust a.pem", {"target": "a.pem", "sha256": "", "yes": False, "password_file": None}),
        ("trust https://a.example --sha256 ab --yes", {"target": "https://a.example", "sha256": "ab", "yes": True}),
        ("distrust ab", {"id": "ab", "undo": False}),
        ("distrust --undo ab", {"id": "ab", "undo": True}),
        ("list", {"role": None, "source": "", "expiring": None, "rejected": False, "json": False}),
        ("list --role anchor --source ccadb --expiring 30d", {"role": "anchor", "source": "ccadb", "expiring": "30d"}),
        ("list --rejected --json", {"rejected": True, "json": True}),
        ("show ab", {"id": "ab"}),
        ("rollback", {"number": None}),
        ("rollback 3", {"number": 3}),
        ("diff 1 2", {"before": 1, "after": 2}),
        ("doctor", {"target": [], "json": False, "timeout": 10.0, "starttls": None, "chain": None}),
        ("doctor hook a.example:1 --json --timeout 2.5", {"target": ["hook", "a.example:1"], "timeout": 2.5}),
        (
            "doctor a --starttls smtp --connect b --servername c",
            {"starttls": "smtp", "connect": "b", "servername": "c"},
        ),
        (
            "doctor --chain a --host b --at c --anchors d",
            {"chain": Path("a"), "host": "b", "at": "c", "anchors": Path("d")},
        ),
        ("explain", {"id": []}),
        ("explain timeout hook-failed", {"id": ["timeout", "hook-failed"]}),
        ("rehash a b", {"directory": [Path("a"), Path("b")]}),
        ("purge --yes", {"yes": True}),
    ],
)
def test_a_line_is_understood(line: str, expected: dict[str, object]) -> None:
    found = vars(parsed(line.split()))
    assert {"command": line.split(maxsplit=1)[0], **expected}.items() <= found.items()


@cases(
    "line",
    [
        "trust", "trust a b", "distrust", "show", "show a b", "list anchors", "list --role root", "rollback first",
        "rollback 1 2", "diff 1", "diff 1 2 3", "diff a b", "history 3", "update --max-age", "init --from", "rehash",
        "doctor a --starttls gopher", "doctor a --timeout 0", "doctor a --timeout x", "doctor a --timeout 99999",
        "explain --json",
    ],
)  # fmt: skip
def test_a_line_that_says_too_little_or_too_much_is_refused(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parsed(line.split())
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("usage: certboot ")
    assert ": error: " in said


@cases(
    ("line", "expected"),
    [
        ("doctor hook --json localhost:1", {"target": ["hook", "localhost:1"], "json": True}),
        ("doctor store --json hook", {"target": ["store", "hook"], "json": True}),
        ("doctor --json a --timeout 2 b --clients c", {"target": ["a", "b", "c"], "timeout": 2.0, "clients": True}),
        ("doctor --json", {"target": []}),
        ("doctor a --json -- -b --", {"target": ["a", "-b", "--"]}),
        ("doctor --json -- a -b", {"target": ["a", "-b"]}),
        ("doctor a -- --json", {"target": ["a", "--json"], "json": False}),
        ("scan a --jobs 2 b - --unordered c", {"host": ["a", "b", "-", "c"], "jobs": 2, "unordered": True}),
        ("scan a --jobs 2 -", {"host": ["a", "-"]}),
        ("repair a --yes b --home /s c", {"host": ["a", "b", "c"], "yes": True, "store": "/s"}),
        ("adopt A --yes B", {"variable": ["A", "B"], "yes": True}),
        ("run -- a --json -- b", {"program": ["--", "a", "--json", "--", "b"]}),
        ("run a --yes b", {"program": ["a", "--yes", "b"]}),
        ("--version", {"command": None, "version": True}),
    ],
)
def test_options_may_stand_between_the_words_of_a_list(line: str, expected: dict[str, object]) -> None:
    assert vars(parsed(line.split())).items() >= expected.items()


@cases(
    ("line", "words"),
    [
        ("doctor a --jsno b", "unrecognized arguments: --jsno b"),
        ("doctor a --json b --nosuch", "unrecognized arguments: b --nosuch"),
        ("doctor a --json b --nosuch -- c", "unrecognized arguments: b --nosuch -- c"),
        ("--json doctor a", "unrecognized arguments: --json"),
        ("scan a --jobs 2 -1", "unrecognized arguments: -1"),
        ("show a --home /s b", "unrecognized arguments: b"),
        ("purge --yes -- b", "unrecognized arguments: "),
        ("chain a https://u:secret@b/", "unrecognized arguments: https://b/"),
        ("doctor a --timeout 0 b", "argument --timeout: not a number of seconds from 0 to 3600: '0'"),
        ("doctor a --json b --timeout", "argument --timeout: expected one argument"),
    ],
)
def test_what_belongs_to_no_list_is_still_refused(line: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parsed(line.split())
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("usage: certboot ")
    assert f": error: {words}" in said


def test_every_list_of_words_takes_options_between_them() -> None:
    for name in COMMANDS:
        command = command_parser(name)
        (*lists,) = (each.dest for each in command._actions if each.nargs == "*" and not each.option_strings)
        assert lists == [words for words in (command.get_default("words"),) if words]


def command_parser(name: str) -> argparse.ArgumentParser:
    (commands,) = (each for each in parser(name)._actions if isinstance(each, argparse._SubParsersAction))
    command: argparse.ArgumentParser = commands.choices[name]
    return command


def test_every_port_belongs_to_one_protocol_that_begins_in_plain_text() -> None:
    ports = [port for protocol in PROTOCOLS.values() for port in protocol.ports]
    assert len(ports) == len(set(ports))
    assert all(usual_port(name) and spoken_on(usual_port(name) or 0) == name for name in PROTOCOLS)
    assert (usual_port("https"), spoken_on(443)) == (None, "")
