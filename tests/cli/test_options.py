"""What the command line takes, and the servers that ``repair --file`` and its like are given."""

from __future__ import annotations

import argparse
import typing
from pathlib import Path

import pytest
from support.table import cases

from certboot.cli.main import COMMANDS, parsed, parser
from certboot.cli.targets import targets
from certboot.errors import CertbootError
from certboot.net.starttls import PROTOCOLS, spoken_on, usual_port
from certboot.net.target import Target
from certboot.scan.shards import Shard

LISTS: dict[str, object] = {"add": [], "source": None, "intermediates": None, "reports": None}
CHAIN = {"chain": Path("a"), "host": "b", "at": "c", "anchors": Path("d")}


@cases(
    ("line", "expected"),
    [
        ("--version", {"command": None, "version": True}),
        ("init", {**LISTS, "config": None, "command": "init"}),
        ("init --no-intermediates --source certifi,ccadb", {"intermediates": False, "source": "certifi,ccadb"}),
        ("update", {"max_age": None, "dry_run": False, "intermediates": None, "reports": None}),
        ("trust a.pem", {"target": "a.pem", "sha256": "", "yes": False, "password_file": None}),
        ("list", {"role": None, "source": "", "expiring": None, "rejected": False, "json": False}),
        ("list --role anchor --source ccadb --expiring 30d", {"role": "anchor", "source": "ccadb", "expiring": "30d"}),
        ("doctor", {"target": [], "json": False, "timeout": 10.0, "starttls": None, "chain": None}),
        ("doctor hook a.example:1 --json --timeout 2.5", {"target": ["hook", "a.example:1"], "timeout": 2.5}),
        ("doctor --chain a --host b --at c --anchors d", CHAIN),
        ("scan", {"host": [], "file": None, "jobs": 64, "timeout": 10.0, "unordered": False, "output": None}),
        ("scan a --jobs 512", {"jobs": 512, "resume": False, "starttls": None}),
        ("-q update", {"command": "update", "quiet": True, "verbose": False}),
        ("--verbose init --home /s", {"command": "init", "verbose": True, "store": "/s"}),
        ("hook -q status", {"action": "status", "quiet": True}),
        ("--quiet hook status", {"action": "status", "quiet": True}),
        ("hook status -q", {"action": "status", "quiet": True}),
        # Options may stand between the words of a list.
        ("doctor hook --json localhost:1", {"target": ["hook", "localhost:1"], "json": True}),
        ("doctor --json a --timeout 2 b --clients c", {"target": ["a", "b", "c"], "timeout": 2.0, "clients": True}),
        ("doctor a --json -- -b --", {"target": ["a", "-b", "--"]}),
        ("doctor --json -- a -b", {"target": ["a", "-b"]}),
        ("doctor a -- --json", {"target": ["a", "--json"], "json": False}),
        ("scan a --jobs 2 b - --unordered c", {"host": ["a", "b", "-", "c"], "jobs": 2, "unordered": True}),
        ("scan a --jobs 2 -", {"host": ["a", "-"]}),
        ("scan a --shard 8/8", {"shard": Shard(8, 8), "merge": None}),
        ("scan a --merge b c", {"host": ["a"], "merge": [Path("b"), Path("c")], "shard": Shard(1, 1)}),
        ("repair a --yes b --home /s c", {"host": ["a", "b", "c"], "yes": True, "store": "/s"}),
        ("adopt A --yes B", {"variable": ["A", "B"], "yes": True}),
        ("run -- a --json -- b", {"program": ["--", "a", "--json", "--", "b"]}),
        ("run a --yes b", {"program": ["a", "--yes", "b"]}),
    ],
)
def test_a_line_is_understood(line: str, expected: dict[str, object]) -> None:
    assert vars(parsed(line.split())).items() >= expected.items()


@cases(
    ("line", "words"),
    [
        *((line, "") for line in (
            "trust", "trust a b", "distrust", "show", "show a b", "list anchors", "list --role root", "rollback first",
            "rollback 1 2", "diff 1", "diff 1 2 3", "diff a b", "history 3", "update --max-age", "init --from",
            "rehash", "doctor a --starttls gopher", "doctor a --timeout x", "doctor a --timeout 99999",
            "explain --json", "init --force", "init file.pem", "init --add", "purge x", "hook", "hook renew",
            "hook install --python a --all-venvs b", "hook status x", "env --format csh", "run --nosuch true",
            "export x", "export --format pem", "export --format der x",
        )),
        *((f"scan a --jobs {jobs}", "argument --jobs: not a number from 1 to 512") for jobs in (
            "0", "513", "many", "1" * 5000, "٣",
        )),
        *((f"scan a --shard {part}", "argument --shard: not K/N with K from 1 to N: ") for part in (
            "0/8", "9/8", "8", "1/", "+1/8", "1/2/3", "0/0", "1/9999999", "٣/٨", "a/b",
        )),
        ("scan a --shard 1/8 --merge b", "argument --merge: not allowed with argument --shard"),
        ("doctor a --jsno b", "unrecognized arguments: --jsno b"),
        ("doctor a --json b --nosuch -- c", "unrecognized arguments: b --nosuch -- c"),
        ("--json doctor a", "unrecognized arguments: --json"),
        ("scan a --jobs 2 -1", "unrecognized arguments: -1"),
        ("show a --home /s b", "unrecognized arguments: b"),
        ("purge --yes -- b", "unrecognized arguments: "),
        ("chain a https://u:secret@b/", "unrecognized arguments: https://b/"),
        ("doctor a --timeout 0 b", "argument --timeout: not a number of seconds above 0 and up to 3600: '0'"),
        ("init --add https://u:secret@b/ca.pem", "argument --add: a file or folder, not an address"),
        ("doctor a --json b --timeout", "argument --timeout: expected one argument"),
    ],
)  # fmt: skip
def test_a_line_that_says_too_little_or_too_much_is_refused(
    line: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parsed(line.split())
    assert ended.value.code == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("usage: certboot ")
    assert f": error: {words}" in captured.err


def command_parser(name: str) -> argparse.ArgumentParser:
    (commands,) = (action for action in parser(name)._actions if isinstance(action, argparse._SubParsersAction))
    command: argparse.ArgumentParser = commands.choices[name]
    return command


def test_every_list_of_words_takes_options_between_them() -> None:
    for name in COMMANDS:
        command = command_parser(name)
        lists = [action.dest for action in command._actions if action.nargs == "*" and not action.option_strings]
        assert lists == [words for words in (command.get_default("words"),) if words]


def test_every_port_belongs_to_one_protocol_that_begins_in_plain_text() -> None:
    ports = [port for protocol in PROTOCOLS.values() for port in protocol.ports]
    assert len(ports) == len(set(ports))
    assert all(usual_port(name) and spoken_on(usual_port(name) or 0) == name for name in PROTOCOLS)
    assert (usual_port("https"), spoken_on(443)) == (None, "")


def read(folder: Path, content: str, *hosts: str, **options: typing.Any) -> tuple[Target, ...]:  # noqa: ANN401
    (folder / "hosts").write_text(content, "utf-8")
    plain = {"command": "repair", "starttls": None, "connect": None, "servername": None, "timeout": 10.0}
    return targets(hosts, folder / "hosts", argparse.Namespace(**{**plain, **options}))


@cases("mark", ["", "\ufeff"])
def test_a_file_has_a_host_a_line_with_or_without_a_mark_before_it(tmp_path: Path, mark: str) -> None:
    servers = read(
        tmp_path, f"{mark}a.example # the first\r\n\r\n# b.example\r\nc.example:8443\r\na.example:443\n", "d.example"
    )
    assert [server.shown for server in servers] == ["d.example:443", "a.example:443", "c.example:8443"]


@cases("line", ["two words", "a.example:99999", "http://"])
def test_a_line_that_names_no_server_is_named_with_its_file(tmp_path: Path, line: str) -> None:
    assert len(read(tmp_path, "a.example\n")) == 1
    with pytest.raises(CertbootError) as error:
        read(tmp_path, f"a.example\n\n{line}\n")
    assert error.value.message.startswith(f"{tmp_path / 'hosts'}, line 3: not a host: ")
    assert error.value.hint == "correct this line, or put a # before it"
    with pytest.raises(CertbootError, match=r"^not a host: 'x y'"):  # an option is not the fault of a line
        read(tmp_path, "a.example\n", servername="x y")
