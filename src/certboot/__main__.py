"""``python -m certboot`` is the command ``certboot``."""

import sys

from certboot.cli import main

if __name__ == "__main__":
    sys.exit(main())
