"""Text from strangers made fit for a terminal: names in certificates can hold anything."""


def printable(text: str) -> str:
    """Return ``text`` on one line, with a replacement for every character that could drive a terminal."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
