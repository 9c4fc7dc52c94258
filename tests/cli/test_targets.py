"""The servers that ``repair --file`` and its like are given."""

from __future__ import annotations

import argparse
import typing
from pathlib import Path

import pytest
from support.table import cases

from certboot.cli.targets import targets
from certboot.errors import CertbootError
from certboot.net.connection import Target

PLAIN = argparse.Namespace(command="repair", starttls=None, connect=None, servername=None, timeout=10.0)


def read(folder: Path, content: str, *hosts: str, **options: typing.Any) -> tuple[Target, ...]:  # noqa: ANN401
    file = folder / "hosts"
    file.write_text(content, "utf-8")
    return targets(hosts, file, argparse.Namespace(**{**vars(PLAIN), **options}))


@cases("mark", ["", "\ufeff"])
def test_a_file_has_a_host_a_line_with_or_without_a_mark_before_it(tmp_path: Path, mark: str) -> None:
    found = read(tmp_path, f"{mark}a.example # the first\r\n\r\n# b.example\r\nc.example:8443\r\n", "d.example")
    assert [server.shown for server in found] == ["d.example:443", "a.example:443", "c.example:8443"]


@cases("line", ["two words", "a.example:99999", "http://"])
def test_a_line_that_names_no_server_is_named_with_its_file(tmp_path: Path, line: str) -> None:
    assert len(read(tmp_path, "a.example\n")) == 1
    with pytest.raises(CertbootError) as error:
        read(tmp_path, f"a.example\n\n{line}\n")
    assert error.value.message.startswith(f"{tmp_path / 'hosts'}, line 3: not a host: ")
    assert error.value.hint == "correct this line, or put a # before it"


def test_an_option_that_is_wrong_is_not_the_fault_of_a_line(tmp_path: Path) -> None:
    with pytest.raises(CertbootError, match=r"^not a host: 'x y'"):
        read(tmp_path, "a.example\n", servername="x y")
