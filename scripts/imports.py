"""Whether imports go down only, floor by floor, and in no circle: the contract stands in pyproject.toml.

.venv-test/bin/python scripts/imports.py
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from importlinter.cli import lint_imports

if __name__ == "__main__":
    os.chdir(Path(__file__).resolve().parents[1])
    sys.exit(lint_imports(no_cache=True, no_logo=True))
