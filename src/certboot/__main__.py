"""``certboot`` and ``python -m certboot``: the command line, and who presses Ctrl-C while it loads ends it silently."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Be the command ``certboot``."""
    try:
        from certboot.cli.main import program
    except KeyboardInterrupt:
        sys.exit(130)  # errors.INTERRUPTED, which may not be loaded either
    try:
        program()
    except SystemExit as end:
        # What was said is written. Up to Python 3.13 the end of the interpreter unwinds the stacks of the threads that
        # nobody waits for, and where Rust's code is on one the process aborts, with status 134.
        threading = sys.modules.get("threading")
        if threading and any(thread.daemon for thread in threading.enumerate()):
            os._exit(int(end.code or 0))
        raise


if __name__ == "__main__":
    main()
