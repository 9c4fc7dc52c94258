"""The man page and the completions, as they are made of the parser."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from certboot.cli import main

ROOT = Path(__file__).parents[1]
MANUAL = ROOT / "docs" / "certboot.1"


def test_they_are_those_of_the_parser() -> None:
    pytest.importorskip("shtab")
    spec = importlib.util.spec_from_file_location("shell_files", ROOT / "scripts" / "shell_files.py")
    assert spec
    assert spec.loader
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert MANUAL.read_text("ascii") == script.manual(), "run scripts/shell_files.py"
    for shell, name in script.FILES.items():
        assert (script.COMPLETIONS / name).read_text("utf-8") == script.completion(shell), "run scripts/shell_files.py"


@pytest.mark.skipif(not shutil.which("groff"), reason="no groff here")
def test_groff_reads_the_man_page_without_a_complaint_and_it_has_every_command_and_option() -> None:
    command = ["groff", "-man", "-ww", "-Tascii", "-P-cbou", "-rLL=200n", "-rHY=0", str(MANUAL)]
    ran = subprocess.run(command, check=True, capture_output=True, text=True)
    assert ran.stderr == ""
    shown = set(re.findall(r"[a-z0-9-]+", ran.stdout))
    for name in main.COMMANDS:
        assert f"certboot {name}" in ran.stdout
        assert set(re.findall(r"--[a-z0-9-]+", main.parser(name).format_help())) <= shown | {"--help"}
