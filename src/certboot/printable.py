"""Text from strangers made fit for a terminal: names in certificates can hold anything."""

from __future__ import annotations


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
