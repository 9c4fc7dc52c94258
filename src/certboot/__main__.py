"""``python -m certboot`` is the command ``certboot``."""

from __future__ import annotations

from certboot.cli.main import program

if __name__ == "__main__":
    program()
