"""``certboot`` and ``python -m certboot``: the command line, and who presses Ctrl-C while it loads ends it silently."""

from __future__ import annotations

import sys


def main() -> None:
    """Be the command ``certboot``."""
    try:
        from certboot.cli.main import program
    except KeyboardInterrupt:
        sys.exit(130)  # errors.INTERRUPTED, which may not be loaded either
    program()


if __name__ == "__main__":
    main()
