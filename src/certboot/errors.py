"""What goes wrong and how it is told: errors with a hint, exit statuses, and strangers' text made fit to be shown."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

OK = 0
FAILED = 1
"""The doctor found a failure, or a question was answered no."""
UNFINISHED = 2
"""Wrong usage, or certboot could not do its work."""
EXPIRING = 3
"""No host fails, but the certificate of one ends within the span that was asked for."""
INTERRUPTED = 130
"""128 + SIGINT, as shells have it."""


class CertbootError(Exception):
    """A failure that the user can understand and act on. Message in lower case, without a final period, value last."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class CertificateError(CertbootError):
    """Bytes that are not the certificate they should be."""


class SourceError(CertbootError):
    """A source of certificates that cannot be read, or holds none that can be used."""


class StoreError(CertbootError):
    """The store cannot be read or written; what was in force before still is."""


def counted(count: float, noun: str, many: str = "") -> str:
    """Return a number and what it is of: ``1 link``, ``2,000 links``, ``0.5 seconds``."""
    return f"{count:,.10g} {noun if count == 1 else many or f'{noun}s'}"


def few(names: Sequence[str], most: int) -> str:
    """Return the first of these names, and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def printable(text: str) -> str:
    """Return ``text`` on one line, with a replacement for every character that could drive a terminal."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def printable_lines(text: str) -> str:
    """Return the same of each line of ``text``."""
    return "\n".join(map(printable, text.split("\n")))


def shortened(text: str, most: int = 300) -> str:
    """Return the same of its first ``most`` characters, and how many there are in all if that is more."""
    if len(text) <= most:
        return printable(text)
    return f"{printable(text[:most])}\N{HORIZONTAL ELLIPSIS} ({len(text):,} characters)"


def without_credentials(address: str) -> str:
    """Return an address, or a host, without what stands before its last at sign.

    A password may hold any character, a slash or a second at sign too: rather too much is left out than too little.
    """
    scheme, separator, rest = address.partition("://")
    if not separator:
        scheme, rest = "", address
    return scheme + separator + rest.rpartition("@")[2]
