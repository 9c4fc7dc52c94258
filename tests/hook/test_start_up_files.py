from __future__ import annotations

import os
import stat
from pathlib import Path
from types import SimpleNamespace

import pytest
from support.environments import STRICT_VERSIONS, find_python
from support.virtualenvs import packages, python_of, start, virtualenv

from certboot import files
from certboot.hook import interpreters, start_up_files
from certboot.hook.interpreters import Interpreter

NOW = (3, 14, 0)


def interpreter(*folders: Path, version: tuple[int, int, int] = NOW) -> Interpreter:
    return Interpreter(Path("/usr/bin/python"), version, virtual=True, site_packages=folders[0], user_site=None,
                       site_folders=folders, managed=False, stdlib=folders[0], base_prefix=folders[0])  # fmt: skip


def names(found: tuple[start_up_files.Neighbour, ...]) -> list[str]:
    return [f"{each.path.name}={each.first}" for each in found]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One of each kind of start-up file."""
    texts = {
        "a.pth": "../elsewhere\n# import comment\nimport one.two; x = 1\nimport three\n",
        "a.start": "# what 3.15 runs instead\none.two:begin\n",
        "paths.pth": "../elsewhere\nimporting\nimport/folder\n",
        "tab.pth": "import\tfour\n",
        "indented.pth": "  import five\n",
        "bom.pth": "\ufeffimport six\n",
        "z.start": "seven:begin\n",
        "empty.start": "",
        "empty.pth": "import eight\n",
        ".dot.pth": "import nine\n",
        "notes.txt": "import ten\n",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text, "utf-8")
    (tmp_path / "folder.pth").mkdir()
    os.mkfifo(tmp_path / "pipe.pth")
    return tmp_path


def test_before_3_15_import_lines_run_sorted_by_name(folder: Path) -> None:
    found = start_up_files.neighbours(interpreter(folder))
    assert names(found) == [".dot.pth=nine", "a.pth=one.two", "bom.pth=six", "empty.pth=eight", "tab.pth=four"]
    assert [each.path.name for each in found if each.hidden] == [".dot.pth"]


@pytest.mark.parametrize(
    ("version", "hidden"), [((3, 8, 18), False), ((3, 8, 19), True), ((3, 12, 1), False), ((3, 12, 2), True)]
)
def test_older_releases_run_hidden_files(folder: Path, version: tuple[int, int, int], *, hidden: bool) -> None:
    found = start_up_files.neighbours(interpreter(folder, version=version))
    assert [each.hidden for each in found if each.path.name == ".dot.pth"] == [hidden]
    assert "bom.pth=six" not in names(found)  # the mark makes it another word


def test_from_3_15_start_files_take_the_place_of_import_lines_and_come_last_and_from_3_18_are_all_that_runs(
    folder: Path,
) -> None:
    lines = [".dot.pth=nine", "bom.pth=six", "indented.pth=five", "tab.pth=four"]
    starts = ["a.start=one.two:begin", "z.start=seven:begin"]
    for version, expected in (((3, 15, 0), lines + starts), ((3, 18, 0), starts)):
        assert names(start_up_files.neighbours(interpreter(folder, version=version))) == expected


def test_folders_come_in_the_interpreter_s_order_and_may_be_missing(tmp_path: Path) -> None:
    for name in ("z", "a"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "same.pth").write_text("import sys\n")
    found = start_up_files.neighbours(interpreter(tmp_path / "z", tmp_path / "none", tmp_path / "a"))
    assert [each.path.parent.name for each in found] == ["z", "a"]


@pytest.mark.parametrize(
    "attribute", [{"st_flags": stat.UF_HIDDEN}, {"st_file_attributes": stat.FILE_ATTRIBUTE_HIDDEN}]
)
def test_macos_and_windows_hide_files_by_an_attribute(
    folder: Path, monkeypatch: pytest.MonkeyPatch, attribute: dict[str, int]
) -> None:
    monkeypatch.setattr(Path, "lstat", lambda _: SimpleNamespace(**attribute))
    found = start_up_files.neighbours(interpreter(folder, version=(3, 15, 0)))
    assert all(each.hidden for each in found)
    assert "a.pth=one.two" in names(found)  # a hidden .start file takes nothing's place


def test_a_file_that_vanishes_or_cannot_be_read_is_left_out(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(files, "read_regular", refuse)
        assert start_up_files.neighbours(interpreter(folder)) == ()
    monkeypatch.setattr(Path, "lstat", refuse)
    assert len(start_up_files.neighbours(interpreter(folder))) == 5


def test_names_from_strangers_are_text(tmp_path: Path) -> None:
    (tmp_path / "a.pth").write_text("import \u202eevil\n", "utf-8")
    (tmp_path / "b.pth").write_bytes(b"import ok\xff\x1b[31m\n")
    assert names(start_up_files.neighbours(interpreter(tmp_path))) == ["b.pth=ok"]


@pytest.mark.slow
@pytest.mark.parametrize("version", ["3.8", "3.12", *STRICT_VERSIONS])
def test_what_is_listed_is_what_runs_in_that_order(tmp_path: Path, version: str) -> None:
    """The interpreter itself is the oracle."""
    venv = virtualenv(tmp_path / "venv", "--system-site-packages", python=find_python(version))
    found = interpreters.ask(python_of(venv))
    assert found.user_site
    found.user_site.mkdir(parents=True)
    (packages(venv) / "ran.py").write_text("names = []\n")
    for folder in (packages(venv), found.user_site):
        for name in ("z.pth", "a.pth", ".dot.pth", "B.pth", "bom.pth"):
            line = f"import ran; ran.names.append({str(folder / name)!r})\n"
            before = {"a.pth": "# comment\n\n", "bom.pth": "\ufeff"}.get(name, "")
            (folder / name).write_text(before + line, "utf-8")
        indented = folder / "indented.pth"  # such a line is run from Python 3.15 on
        indented.write_text(f" import ran; ran.names.append({str(indented)!r})\n")
    ran = start(python_of(venv), "import ran; print('\\n'.join(dict.fromkeys(ran.names)))").out.split()
    listed = start_up_files.neighbours(interpreters.ask(python_of(venv)))
    assert [str(each.path) for each in listed if each.first == "ran" and not each.hidden] == ran
    assert len(ran) >= 6
