"""The generated parts of pages, each between marks of its name."""

from __future__ import annotations

from collections.abc import Mapping


def filled(text: str, parts: Mapping[str, str]) -> str:
    """Return a page with its generated parts made anew."""
    for name, content in parts.items():
        begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
        before, rest = text.split(begin)
        text = f"{before}{begin}\n{content}\n{end}{rest.split(end)[1]}"
    return text
