"""The formats of settings files: text in, names with values and lines out. Pure, and nothing is ever raised.

Each follows the program that reads the file: Python's configparser, curl's src/tool_parsecfg.c, npm's ``ini``, wget's
src/init.c. Of YAML only what conda's files are made of is understood, keys at the left margin.
"""

from __future__ import annotations

import re
import typing
from collections.abc import Iterator

from certboot import files


class Line(typing.NamedTuple):
    """One setting as it stands in a file."""

    name: str
    """With its section before it, as in ``global.cert``."""
    value: str
    number: int


class Broken(typing.NamedTuple):
    """What a file has that its program cannot read."""

    number: int
    """The line; 0 where that is not known."""
    reason: str


class Parsed(typing.NamedTuple):
    """What a file says."""

    lines: tuple[Line, ...]
    broken: Broken | None = None


_WGET = re.compile(r"([\w-]+)\s*=\s*(.*)")
_YAML = re.compile(r"""(?P<quote>["']?)(?P<key>[\w.-]+)(?P=quote)\s*:(?:\s+(?P<value>.*))?""")
_TOML_LINE = re.compile(r"\(at line (\d+)")
_SECTION = re.compile(r"\s*\[+\s*([^\]#]+?)\s*\]+")
_ASSIGNED = re.compile(r"""\s*["']?([^=:"']+?)["']?\s*[=:]""")
# Short options of curl that take a value, which may be written behind them: -uk is no -k (src/tool_getparam.c).
_CURL_INSECURE = re.compile("-(?!-)[^AbcCdDeEFhHKmoPQrtTuUwxXyYzk]*k")
_ESCAPES = {"t": "\t", "n": "\n", "r": "\r", "v": "\v"}


def ini(text: str) -> Parsed:
    """Return what Python's RawConfigParser reads, which gives up on a file that is broken anywhere."""
    import configparser

    parser = configparser.RawConfigParser()
    parser.optionxform = _normalized  # type: ignore[assignment,method-assign] # as its documentation says
    try:
        parser.read_string(text)
    except configparser.DuplicateSectionError as error:
        return Parsed((), Broken(error.lineno or 0, f"a second section [{error.section}]"))
    except configparser.DuplicateOptionError as error:
        return Parsed((), Broken(error.lineno or 0, f"a second {error.option} in [{error.section}]"))
    except configparser.MissingSectionHeaderError as error:
        return Parsed((), Broken(error.lineno, "a line before the first section"))
    except configparser.ParsingError as error:
        return Parsed((), Broken(error.errors[0][0], "neither a section nor a setting"))
    sections = {parser.default_section: dict(parser.defaults())}
    parser.defaults().clear()  # type: ignore[attr-defined] # it is a dict; else each section would have them too
    sections |= {name: dict(parser.items(name)) for name in parser.sections()}
    numbers = _numbers(text)
    lines = (
        Line(f"{section}.{name}", value, numbers.get((section, name), 0))
        for section, options in sections.items()
        for name, value in options.items()
    )
    return Parsed(tuple(sorted(lines, key=lambda line: line.number)))


def _statements(text: str, comments: str) -> Iterator[tuple[int, str]]:
    """Yield the lines with something in them that do not begin a comment, and their numbers."""
    stripped = ((number, line.strip()) for number, line in enumerate(text.split("\n"), start=1))
    return ((number, line) for number, line in stripped if line and line[0] not in comments)


def curl(text: str) -> Parsed:
    """Return the options of a .curlrc, long ones without dashes, of single letters ``-k`` by itself."""
    lines = []
    for number, line in _statements(text, "#/*"):
        # Where the option has dashes no colon separates, and an equals sign only right behind it (curl 8.16).
        dashed = line.startswith("-")
        name = re.split(r"[\s=]" if dashed else r"[\s=:]", line, maxsplit=1)[0]
        rest = line[len(name) :]
        rest = rest.removeprefix("=").lstrip(" \t") if dashed else rest.lstrip(" \t=:")
        value = _unquoted(rest[1:]) if rest.startswith('"') else (rest.split() or [""])[0]
        lines.append(
            Line("-k", "", number) if _CURL_INSECURE.match(name) else Line(name.removeprefix("--"), value, number)
        )
    return Parsed(tuple(lines))


def npm(text: str) -> Parsed:
    """Return the settings of an .npmrc that stand outside any section. It is never broken."""
    lines = []
    for number, line in _statements(text, ";#"):
        if line.startswith("["):
            break
        name, separator, value = line.partition("=")
        lines.append(Line(_npm_value(name), _npm_value(value) if separator else "true", number))
    return Parsed(tuple(lines))


def wget(text: str) -> Parsed:
    """Return the commands of a .wgetrc, by their names without dashes and underscores."""
    lines = []
    broken: Broken | None = None
    for number, line in _statements(text, "#"):
        match = _WGET.fullmatch(line)
        if match:
            lines.append(Line(re.sub("[-_]", "", match[1]).lower(), match[2].strip("\"'"), number))
        else:
            broken = broken or Broken(number, "no command with a value")
    return Parsed(tuple(lines), broken)


def yaml(text: str) -> Parsed:
    """Return the keys at the left margin that have a plain or quoted value on the same line."""
    lines = []
    for number, line in enumerate(text.split("\n"), start=1):
        match = _YAML.fullmatch(line.rstrip())
        if match and match["value"]:
            lines.append(Line(match["key"], _yaml_value(match["value"].strip()), number))
        elif "\t" in line[: len(line) - len(line.lstrip())]:
            return Parsed(tuple(lines), Broken(number, "a tab before the text, which YAML does not allow"))
    return Parsed(tuple(lines))


def toml(text: str, table: str, names: tuple[str, ...]) -> Parsed:
    """Return these keys of one table (``tool.uv``; "" for the top), the values of a list each by itself."""
    try:
        document: object = files.toml(text)
    except (ValueError, RecursionError) as error:  # ValueError: also a number of over 4,300 digits
        at = _TOML_LINE.search(str(error))
        return Parsed((), Broken(int(at[1]) if at else 0, "it is not TOML"))
    for key in filter(None, table.split(".")):
        document = document.get(key) if isinstance(document, dict) else None
    if not isinstance(document, dict):
        return Parsed(())
    numbers = _numbers(text)
    lines = []
    for name in names:
        named = document.get(name)
        values = named if isinstance(named, list) else [] if named is None else [named]
        lines += [Line(name, _shown(value), numbers.get((table, name), 0)) for value in values]
    return Parsed(tuple(lines))


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    try:
        return str(value)
    except (ValueError, RecursionError):  # what is written in hexadecimal may have more digits than Python shows
        return "a value that cannot be shown"


def _normalized(option: str) -> str:
    """Return an option's name as pip makes it."""
    return option.rstrip().lower().replace("_", "-").removeprefix("--")


def _unquoted(text: str) -> str:
    inside = re.match(r'(?:[^"\\]|\\.)*', text)
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[1]), inside[0] if inside else "")


def _npm_value(text: str) -> str:
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1]
    plain = re.match(r"(?:[^;#\\]|\\.)*", text)
    return re.sub(r"\\([;#\\])", r"\1", plain[0] if plain else "").strip()


def _yaml_value(text: str) -> str:
    if text[0] in "\"'":
        return text[1:].partition(text[0])[0]
    return re.split(r"\s#", text, maxsplit=1)[0].strip()


def _numbers(text: str) -> dict[tuple[str, str], int]:
    """Return in which lines of an ini or TOML file its settings seem to stand: neither reader tells."""
    numbers: dict[tuple[str, str], int] = {}
    section = ""
    for number, line in enumerate(text.split("\n"), start=1):
        header, assigned = _SECTION.match(line), _ASSIGNED.match(line)
        if header:
            section = header[1].replace('"', "")
        elif assigned:
            numbers.setdefault((section, _normalized(assigned[1])), number)
    return numbers
