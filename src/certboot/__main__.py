"""``python -m certboot`` is the command ``certboot``."""

from certboot.cli import program

if __name__ == "__main__":
    program()
