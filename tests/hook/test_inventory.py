from __future__ import annotations

import json
import typing
from collections.abc import Callable
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from support.table import cases

from certboot.hook.inventory import RECORD_NAME, Record, parse_record, read_record, render_record, sha256

A, B = sha256(b"a"), sha256(b"b")
NAMES = (
    "certboot_startup.pth", "certboot_startup.start", "certboot_startup/__init__.py", "certboot_startup/guards.py",
    "certboot_home.pth", "certboot_home.start", "certboot_home.py",
)  # fmt: skip
WHOLE = Record("1.0", "/opt/certboot", dict.fromkeys(NAMES, (A, B)), start_file=True)


@settings(max_examples=40)
@given(st.text(), st.text(), st.dictionaries(st.sampled_from(NAMES), st.tuples(st.sampled_from([A, B]))))
def test_any_record_comes_back_as_it_was_written(version: str, home: str, files: dict[str, tuple[str, ...]]) -> None:
    record = Record(version, home, files)
    assert parse_record(render_record(record)) == record
    assert render_record(record).isascii()


@given(st.binary())
def test_bytes_that_are_no_record_are_none(data: bytes) -> None:
    assert parse_record(data) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@settings(max_examples=40)
@given(JSON, JSON, JSON)
def test_json_that_is_no_record_is_none_or_one_with_nothing_in_it(version: object, home: object, files: object) -> None:
    found = parse_record(json.dumps({"version": version, "home": home, "files": files}).encode())
    assert found is None or not found.files


@cases(
    "name",
    [
        "../certboot_startup.pth", "/etc/passwd", "certboot_startup/../x.py", "certboot_startup/", "other.pth",
        "certboot_startup/a/b.py", "certboot_startup.pth\n", "certboot_home.py/x", "certboot_startup/A.py", "",
    ],
)  # fmt: skip
def test_a_record_names_nothing_but_files_that_certboot_writes(name: str) -> None:
    """Whatever a record lists is removed by ``hook uninstall``."""
    assert parse_record(render_record(Record("1", "", {"certboot_startup.pth": (A,)})))
    assert parse_record(render_record(Record("1", "", {name: (A,)}))) is None


@cases("digests", [[], ["0"], [A.upper()], [1], A, None, {}])
def test_a_record_gives_every_file_a_digest(digests: typing.Any) -> None:  # noqa: ANN401 - what JSON can hold
    whole = {"version": "1", "home": "", "files": {"certboot_startup.pth": digests}}
    assert parse_record(json.dumps(whole).encode()) is None


def test_the_record_of_a_folder_is_a_small_regular_file_that_can_be_read(
    tmp_path: Path, unreadable: Callable[[Path], None]
) -> None:
    assert read_record(tmp_path) is None
    path = tmp_path / RECORD_NAME
    path.write_bytes(render_record(WHOLE) + b" " * 70_000)
    assert read_record(tmp_path) is None
    (tmp_path / "elsewhere").write_bytes(render_record(WHOLE))
    path.unlink()
    path.symlink_to("elsewhere")
    assert read_record(tmp_path) is None
    (tmp_path / "elsewhere").replace(path)
    assert read_record(tmp_path) == WHOLE
    unreadable(path)
    assert read_record(tmp_path) is None
