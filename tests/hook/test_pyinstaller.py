"""What certboot offers to PyInstaller; tests/installed/test_frozen.py has it freeze a program."""

from __future__ import annotations

import ast
import runpy
import subprocess
import sys
from pathlib import Path

from certboot.hook import pyinstaller

FOLDER = Path(pyinstaller.__file__).parent


def printed(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_pyinstaller_finds_the_hook_s_module_in_every_program_and_imports_no_library_for_that() -> None:
    assert pyinstaller.hook_directories() == [str(FOLDER)]
    (packed,) = runpy.run_path(str(FOLDER / "hook-os.py"))["hiddenimports"]
    run_time_hooks = ast.literal_eval((FOLDER / "rthooks.dat").read_text())
    assert [(FOLDER / "rthooks" / name).exists() for name in run_time_hooks[packed]] == [True]
    code = f"import pathlib, sys; old = set(sys.modules); import {pyinstaller.__name__}; print(set(sys.modules) - old)"
    assert ast.literal_eval(printed(code)) <= {"__future__", "certboot", "certboot.hook", pyinstaller.__name__}


def test_the_run_time_hook_leaves_no_name_to_the_program_after_it() -> None:
    script = str(FOLDER / "rthooks" / "pyi_rth_certboot.py")
    left = printed(f"import runpy; print([name for name in runpy.run_path({script!r}) if not name.startswith('__')])")
    assert left == "[]\n"
