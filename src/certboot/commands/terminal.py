"""What commands say and ask on the terminal."""

from __future__ import annotations

import sys
import typing

from certboot import files
from certboot.errors import CertbootError
from certboot.exit_status import UNFINISHED

if typing.TYPE_CHECKING:
    from pathlib import Path

    from certboot.sources.reading import Password


def failed(message: str, hint: str, status: int = UNFINISHED) -> int:
    """Say what went wrong and what to do next, on standard error, and return the exit status."""
    if sys.stderr:
        sys.stderr.write(f"certboot: error: {message}\n" + (f"\nhint: {hint}\n" if hint else ""))
    return status


def is_terminal() -> bool:
    """Return whether somebody can be asked."""
    return bool(sys.stdin and sys.stdin.isatty())


def confirmed(question: str) -> bool:
    """Ask, and return whether the answer is yes; raises CertbootError where nobody can be asked."""
    if not is_terminal():
        message = f"certboot asks here ({question}), and there is no terminal to ask on"
        raise CertbootError(message, "--yes, if you know the answer")
    try:
        return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        print()
        return False


def password(file: Path | None) -> Password:
    """Return how the password of a file is had: from this file, or from the user."""

    def ask() -> bytes:
        if file:
            try:
                return files.read_regular(file, files.SMALL).rstrip(b"\r\n")
            except OSError as error:
                message = f"cannot read the password: {error.strerror}: {file}"
                raise CertbootError(message, files.hint(error)) from error
        if not is_terminal():
            message = "the file is locked with a password, and there is no terminal to ask for it on"
            raise CertbootError(message, "--password-file FILE")
        from getpass import getpass

        return getpass("password of the file: ").encode()

    return ask


def progress(report: str, so_far: int, whole: int | None) -> None:
    """Show how much of a report has come, on a terminal only."""
    if sys.stderr and sys.stderr.isatty():
        of = f" of {whole / 1e6:.1f}" if whole else ""
        sys.stderr.write("\r\x1b[K" if so_far == whole else f"\r{report}: {so_far / 1e6:.1f}{of} MB\x1b[K")
        sys.stderr.flush()
