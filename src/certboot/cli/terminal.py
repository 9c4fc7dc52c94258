"""What commands say and ask on the terminal, and the one place from which anything gets there.

Whatever is for people is made printable here, line by line, whoever chose the names in it: files, certificates,
servers, arguments. What is for programs goes out as it is, by ``data``, in a form that escapes by its own rules.
Nothing else writes to standard output and standard error, but argparse (``cli/main.py``).
"""

from __future__ import annotations

import contextlib
import os
import sys

from certboot.errors import UNFINISHED, CertbootError, printable, printable_lines, shortened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path
    from typing import TextIO

    from certboot.cli.layout import Line
    from certboot.pki.certificate import Certificate
    from certboot.pki.containers import Password
    from certboot.sources.candidates import Loaded


HANG = 12  # columns before what is said behind a label

commands_of_run: Callable[[str], str] = str
"""Puts ``--home`` into the commands of a text, in a run on a store that was named so (``cli/main.py`` sets it)."""


quiet = False
"""Whether only what failed, or needs a decision, is told (``--quiet``; ``cli/main.py`` sets it)."""
_held: list[str] = []


def say(line: str, *, needed: bool = False) -> None:
    """Print one line for people on standard output. ``needed``: somebody has to decide something, in any run."""
    show(printable(line), needed=needed)


def show(text: str, *, needed: bool = False) -> None:
    """Print lines for people on standard output. Whoever made them let no name bring a line end along."""
    if sys.stdout:
        _put(f"{printable_lines(commands_of_run(text))}\n", needed=needed)


def _put(text: str, *, needed: bool = False) -> None:
    if quiet and not needed:
        _held.append(text)
    else:
        sys.stdout.write(text)


@contextlib.contextmanager
def quietly(*, wanted: bool) -> Iterator[None]:
    """Hold back what is told, if that is wanted, and forget it at the end."""
    global quiet  # noqa: PLW0603 - of the process, as its standard output is
    quiet = wanted
    try:
        yield
    finally:
        quiet = False
        _held.clear()


def release() -> None:
    """Print what a quiet run has held back until now: it has failed, or somebody is to decide."""
    if sys.stdout and _held:
        sys.stdout.write("".join(_held))
    _held.clear()


def tell(lines: Iterable[str | Line], *, needed: bool = False) -> None:
    """Print these lines for people on standard output, each as ``rows`` has it. ``needed``: as ``say`` has it."""
    if sys.stdout:
        for text in _laid_out(lines, sys.stdout):
            _put(text, needed=needed)


def tell_aside(lines: Iterable[str | Line]) -> None:
    """Print them on standard error, where they do not mix with what is asked for."""
    if sys.stderr:
        for text in _laid_out(lines, sys.stderr):
            sys.stderr.write(text)


def _laid_out(lines: Iterable[str | Line], stream: TextIO) -> Iterator[str]:
    from certboot.cli.layout import form_of, laid_out

    form = form_of(stream)
    yield from (f"{laid_out(row, form)}\n" for line in lines for row in rows(line, form.width))


def rows(line: str | Line, width: int) -> Iterator[Line]:
    """Yield what is laid out for a line, on a terminal of this width (0: any), with the commands of this run.

    One that is indented begins with a label, or with as many blanks: then it holds a command, and is not wrapped. The
    command that ends an Advice goes below where there is no room for all of it; of no other line, whose words may be a
    stranger's: they would look like a command of ours.
    """
    from certboot.cli.layout import Advice, Line, columns

    if not isinstance(line, str):
        yield line._replace(text=commands_of_run(line.text))
        return
    words, mark, command = line.partition(": certboot ") if isinstance(line, Advice) else (line, "", "")
    whole = commands_of_run(line)
    if mark and 0 < width < columns(whole):
        yield from rows(f"{words}:", width)
        yield Line(commands_of_run(f"certboot {command}"), HANG * " ", wrapped=False)
    elif line.startswith("  "):
        yield Line(whole[HANG:], whole[:HANG], hang=HANG, wrapped=bool(line[:HANG].strip()))
    else:
        yield Line(whole)


def aside(text: str) -> None:
    """Print lines for people on standard error, where they do not mix with what is asked for."""
    tell_aside(text.split("\n"))


def warn(line: str) -> None:
    """Print what somebody should know, on standard error; no name can make up a line of its own."""
    from certboot.cli.layout import Line

    tell_aside([Line(f"certboot: {line}")])


def failed(message: str, hint: str, status: int = UNFINISHED) -> int:
    """Say what went wrong and what to do next, on standard error, and return the exit status.

    The message is one line, and so is the hint, but for lines that are indented: no name can make up a line of its own.
    """
    warn(f"error: {message}")
    if hint:
        from certboot.cli.layout import Advice

        first, *more = hint.split("\n  ")
        tell_aside(["", Advice(f"hint: {first}"), *(f"  {line}" for line in more)])
    return status


def data(content: str | bytes) -> None:
    """Write what is for programs to standard output, exactly: JSON, PEM, a shell's words."""
    if not sys.stdout:
        return
    if isinstance(content, str):
        sys.stdout.write(content)
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(content)


def over(line: str) -> None:
    """Write a line over the last such one on standard error, a terminal; an empty one takes it away."""
    sys.stderr.write(f"\r{printable(line)}\x1b[K")
    sys.stderr.flush()


def silenced(stream: TextIO) -> None:
    """Let what cannot be written to this stream go nowhere: the interpreter would try it once more at exit."""
    descriptor = os.open(os.devnull, os.O_WRONLY)
    os.dup2(descriptor, stream.fileno())
    os.close(descriptor)


def is_terminal() -> bool:
    """Return whether somebody can be asked."""
    return bool(sys.stdin and sys.stdin.isatty())


def confirmed(question: str, instead: str = "with --yes nothing is asked") -> bool:
    """Ask, and return whether the answer is yes; raises CertbootError where nobody can be asked."""
    if not is_terminal():
        message = f"certboot asks here ({question}), and there is no terminal to ask on"
        raise CertbootError(message, instead)
    release()  # what the question is about
    try:
        return input(f"{printable(question)} [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        say("")
        return False


def password(file: Path | None) -> Password:
    """Return how the password of a file is had: from this file, or from the user."""
    from certboot import files

    def ask() -> bytes:
        if file:
            try:
                return files.read_regular(file, files.SMALL).rstrip(b"\r\n")
            except OSError as error:
                raise CertbootError(f"cannot read the password: {error.strerror}: {file}", files.hint(error)) from error
        if not is_terminal():
            message = "the file is locked with a password, and there is no terminal to ask for it on"
            raise CertbootError(message, "--password-file FILE")
        from getpass import getpass

        return getpass("password of the file: ").encode()

    return ask


def heading(status: str, text: str) -> Line:
    """Return the line that says of what is told below how it fares, as standard output takes it."""
    from certboot.cli import layout

    return layout.heading(status, text, symbols=not sys.stdout or layout.form_of(sys.stdout).symbols)


def described(certificate: Certificate, origin: str) -> list[str | Line]:
    """Return in lines what a person should look at before a certificate is believed."""
    from certboot.cli.layout import Line, sha256_line

    begin, end = certificate.validity
    return [
        Line(shortened(certificate.subject), "  "),
        sha256_line(certificate.fingerprint),
        f"  valid     {begin:%Y-%m-%d} to {end:%Y-%m-%d}",
        Line(shortened(origin), "  from      ", hang=HANG),
    ]


def progress(report: str, so_far: int, whole: int | None) -> None:
    """Show how much of a report has come, on a terminal only."""
    if sys.stderr and sys.stderr.isatty() and not quiet:
        of = f" of {whole / 1e6:.1f}" if whole else ""
        over("" if so_far == whole else f"{report}: {so_far / 1e6:.1f}{of} MB")


def additions(paths: Sequence[Path], password_file: Path | None) -> list[Loaded]:
    """Return what these files and folders hold, but for what certboot itself wrote there; raises CertbootError."""
    from certboot import moment
    from certboot.sources import added
    from certboot.store.appended import without_own

    now = moment.now()
    return [without_own(path, added.load(path, now, password(password_file))) for path in paths]
