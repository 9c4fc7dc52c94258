"""``certboot scan`` in shards: each asks its part of the list, and what they wrote is merged as one scan's."""

from __future__ import annotations

import json
import os
import resource
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from support.commands import Run
from support.pki import DAY
from support.table import cases
from support.terminal import Terminal

from certboot.moment import parsed
from certboot.scan.result import Presented, Result, Verdict, scan_line

SHARDS = 3
END = "2030-01-31T12:00:00+00:00"


@pytest.fixture
def hosts(tmp_path: Path, gone: str) -> Path:
    """A list of hosts that refuse, one of them twice, and of lines that are no hosts."""
    path = tmp_path / "hosts"
    lines = [f"host{number}.test {gone}" for number in (*range(9), 3)]
    path.write_text("\n".join(["# hosts", *lines, "no host at all", "http://a"]))
    return path


@pytest.fixture
def parts(certboot: Run, hosts: Path, tmp_path: Path) -> list[Path]:
    """What the shards of that list wrote."""
    files = [tmp_path / f"{number}.jsonl" for number in range(1, SHARDS + 1)]
    for number, file in enumerate(files, 1):
        ran = certboot("scan", "--file", hosts, "--shard", f"{number}/{SHARDS}", "--output", file)
        assert (ran.status, file.read_bytes() != b"") == (1, True)
    return files


def lines(text: str) -> list[dict[str, object]]:
    return [{**json.loads(line), "seconds": None} for line in text.splitlines()]


@cases("kind", ["table", "json", "csv", "openmetrics"])
@cases("listed", [True, False])
def test_what_shards_wrote_is_merged_to_what_one_run_says(
    certboot: Run, hosts: Path, parts: list[Path], kind: str, *, listed: bool
) -> None:
    def untimed(text: str) -> object:
        return lines(text) if kind == "json" else [line.rpartition(",")[0] for line in text.splitlines()]

    one = certboot("scan", "--file", hosts, "--format", kind, "--jobs", "1")
    merged = certboot("scan", "--merge", *parts, *(["--file", hosts] * listed), "--format", kind)
    assert (merged.status, untimed(merged.out)) == (one.status, untimed(one.out))
    note = "whole up to entry 12; with the list (--file) it is known whether that is all\n"
    assert merged.err == one.err + note * (not listed)


def test_what_is_merged_goes_to_a_file_and_can_be_merged_again(
    certboot: Run, parts: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    assert certboot("scan", "--merge", *parts, "--output", out).status == 1
    assert " of 12 done, " in terminal.getvalue()
    assert certboot("scan", "--merge", out, "--json").out == out.read_text()
    assert certboot("scan", "--merge", *parts, "--output", parts[0]).status == 2


@cases(("span", "status"), [((), 0), (("--expires-within", "29d"), 0), (("--expires-within", "30d"), 3)])
def test_what_ends_within_a_span_is_told_of_what_others_have_asked(
    certboot: Run, clock: Callable[[datetime], None], tmp_path: Path, span: tuple[str, ...], status: int
) -> None:
    end = parsed(END)
    assert end
    clock(end - 30 * DAY)
    (tmp_path / "in").write_text(
        scan_line(Result(1, "a", "a:443", Verdict(None, "ok", "", certificate=Presented("", "", "", "", END))))
    )
    ran = certboot("scan", "--merge", tmp_path / "in", *span)
    assert (ran.status, json.loads(ran.out)["also"]) == (status, ["expires-soon"] * (status == 3))
    assert certboot("scan", "-q", "--merge", tmp_path / "in", *span).err.count("\n") == 3 * (status == 3)


# What is not whole, and what is refused


def without_one(files: list[Path]) -> None:
    files[1].write_bytes(b"")


def torn(files: list[Path]) -> None:
    files[0].write_bytes(files[0].read_bytes()[:-9])


def torn_at_the_end(files: list[Path]) -> None:
    for file in files:
        whole = [line for line in file.read_bytes().splitlines(keepends=True) if json.loads(line)["number"] < 12]
        file.write_bytes(b"".join(whole) + b'{"schema":1,')


@cases(("damage", "listed", "told"), [
    (without_one, False, "entries have no result, the first is entry "),
    (without_one, True, "entries have no result, the first is entry "),
    (torn, True, "1 entry has no result, the first is entry "),
    (torn_at_the_end, False, "a file ends in the midst of a line"),
    (torn_at_the_end, True, "1 entry has no result, the first is entry 12"),
])  # fmt: skip
@cases("kind", ["table", "json", "openmetrics"])
def test_a_result_that_is_missing_is_told_and_ends_with_2(  # noqa: PLR0913 - what is given, and what comes of it
    certboot: Run, hosts: Path, parts: list[Path], kind: str,
    damage: Callable[[list[Path]], None], told: str, *, listed: bool,
) -> None:  # fmt: skip
    damage(parts)
    ran = certboot("scan", "--merge", *parts, *(["--file", hosts] * listed), "--format", kind)
    nothing = "; nothing was written" * (kind == "openmetrics")
    assert ran.status == 2
    assert (f"not whole{nothing}: " in ran.err, told in ran.err, "connection-refused" in ran.out) == (
        True, True, kind != "openmetrics",
    )  # fmt: skip


def other_list(parts: list[Path]) -> tuple[object, ...]:
    hosts = parts[0].with_name("hosts")
    hosts.write_text(hosts.read_text().replace("host4", "host44"))
    return (*parts, "--file", hosts)


def shorter_list(parts: list[Path]) -> tuple[object, ...]:
    hosts = parts[0].with_name("hosts")
    hosts.write_text("".join(hosts.read_text().splitlines(keepends=True)[:3]))
    return (*parts, "--file", hosts)


def foreign(parts: list[Path]) -> tuple[object, ...]:
    return (*parts, parts[0].with_name("hosts"))


def broken(parts: list[Path]) -> tuple[object, ...]:
    parts[1].write_bytes(b"{}\n" + parts[1].read_bytes())
    return tuple(parts)


def pipe(parts: list[Path]) -> tuple[object, ...]:
    os.mkfifo(parts[0].with_name("pipe"))
    return (*parts, parts[0].with_name("pipe"))


def empty(parts: list[Path]) -> tuple[object, ...]:
    parts[0].write_bytes(b"")
    return (parts[0],)


@cases(("given", "message"), [
    (other_list, "the results are of another list, which differs at entry 5: 'host44.test "),
    (shorter_list, "the results are of a longer list, of 12 entries and not 2"),
    (foreign, "not a line of certboot scan, or of a newer one: line 1 of "),
    (broken, "not a line of certboot scan, or of a newer one: line 1 of "),
    (lambda parts: (*parts, parts[1]), "has two results: line 1 of "),
    (pipe, "cannot read "),
    (lambda parts: (*parts, "/nowhere"), "cannot read /nowhere: No such file or directory"),
    (empty, "the files hold no result"),
    (lambda parts: (*parts, "--output", "out", "--resume"), "--merge does not go with --resume"),
])  # fmt: skip
def test_files_that_are_not_of_one_list_are_refused_before_anything_is_written(
    certboot: Run, parts: list[Path], given: Callable[[list[Path]], tuple[object, ...]], message: str
) -> None:
    ran = certboot("scan", "--merge", *given(parts))
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith("certboot: error: ")
    assert message in ran.err
    assert "\n\nhint: " in ran.err


def test_more_files_than_may_be_open_are_told(
    certboot: Run, parts: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_: int, wanted: tuple[int, int]) -> None:
        if wanted[0] > wanted[1]:
            raise ValueError

    monkeypatch.setattr(resource, "setrlimit", refused)
    for most, status in ((67, 1), (66, 2)):
        monkeypatch.setattr(resource, "getrlimit", lambda _, most=most: (10, most))
        ran = certboot("scan", "--merge", *parts)
        assert (ran.status, "3 files at a time are too many" in ran.err) == (status, status == 2)


# A shard by itself


def test_a_shard_goes_on_where_it_stopped_and_no_other_in_its_file(
    certboot: Run, hosts: Path, parts: list[Path]
) -> None:
    before = parts[0].read_text()
    parts[0].write_text(before[: before.index("\n") + 9])
    argv = ("scan", "--file", hosts, "--output", parts[0], "--resume", "--shard")
    ran = certboot(*argv, f"2/{SHARDS}")
    assert (ran.status, "the results are of another shard, which has entry " in ran.err) == (2, True)
    assert certboot(*argv, f"1/{SHARDS}").status == 1
    assert lines(parts[0].read_text()) == lines(before)


@cases(("argv", "status", "told"), [
    ((), 0, "0 hosts: 0 good, 0 fail\nno entry of the list is in shard 1/9999\n"),
    (("-q",), 0, ""),
    (("--format", "table"), 0, "no entry of the list is in shard 1/9999\n"),
])  # fmt: skip
def test_a_shard_without_a_host_is_no_error(certboot: Run, argv: tuple[str, ...], status: int, told: str) -> None:
    ran = certboot("scan", "a.example", "--shard", "1/9999", *argv)
    assert (ran.status, ran.out, ran.err.startswith(told)) == (status, "", True)
    assert certboot("scan", "# nobody", "--shard", "1/9999").status == 2
