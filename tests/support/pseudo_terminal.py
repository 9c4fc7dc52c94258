"""A real terminal on which a program runs. POSIX only."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import struct
import subprocess
import termios
from collections.abc import Mapping, Sequence
from pathlib import Path


def shown(
    argv: Sequence[str | Path], environ: Mapping[str, str], columns: int = 80, folder: Path | None = None,
    answer: str = "",
) -> str:  # fmt: skip
    """Return what a program shows on a terminal of so many columns, with plain line ends.

    ``answer`` is typed once it asks.
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 25, columns, 0, 0))
    seen = b""
    with subprocess.Popen(argv, stdin=theirs, stdout=theirs, stderr=theirs, env=environ, cwd=folder, close_fds=True):
        os.close(theirs)
        with contextlib.suppress(OSError):  # Linux says so when nobody has the other end any more
            while data := os.read(ours, 65536):
                seen += data
                if answer and seen.endswith(b"[y/N] "):
                    os.write(ours, f"{answer}\n".encode())
                    answer = ""
    os.close(ours)
    return seen.decode().replace("\r\n", "\n")
