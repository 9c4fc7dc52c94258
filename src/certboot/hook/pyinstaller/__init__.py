"""What PyInstaller, by the entry point ``pyinstaller40``, takes into a program frozen where certboot is installed.

In: nothing. Out: the folder in which PyInstaller finds what to pack (``hook-os.py``), and what is to run in the frozen
program before its first line (``rthooks``).
"""
# https://pyinstaller.org/en/stable/hooks.html#providing-pyinstaller-hooks-with-your-package

from __future__ import annotations

from pathlib import Path


def hook_directories() -> list[str]:
    """Return this folder."""
    return [str(Path(__file__).parent)]
