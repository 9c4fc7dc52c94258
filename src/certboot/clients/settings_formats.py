"""The formats of settings files: text in, names with values and lines out. Pure, and nothing is ever raised.

Each follows the program that reads the file: Python's configparser, curl's src/tool_parsecfg.c, npm's ``ini``, wget's
src/init.c. Of YAML only what conda's files are made of is understood, keys at the left margin.
"""

from __future__ import annotations

import re
import sys
import typing

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


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


_SECTION = re.compile(r"\[(.+)\]")
_OPTION = re.compile(r"(.*?)\s*[=:]\s*(.*)")
_WGET = re.compile(r"([\w-]+)\s*=\s*(.*)")
_YAML = re.compile(r"""(?P<quote>["']?)(?P<key>[\w.-]+)(?P=quote)\s*:(?:\s+(?P<value>.*))?""")
_TOML_LINE = re.compile(r"\(at line (\d+)")
_TABLE = re.compile(r"\s*\[+\s*([^\]#]+?)\s*\]+")
# Short options of curl that take a value, which may be written behind them: -uk is no -k (src/tool_getparam.c).
_CURL_INSECURE = re.compile("-(?!-)[^AbcCdDeEFhHKmoPQrtTuUwxXyYzk]*k")
_ESCAPES = {"t": "\t", "n": "\n", "r": "\r", "v": "\v"}


def ini(text: str) -> Parsed:
    """Return what Python's RawConfigParser reads, which gives up on a file that is broken anywhere."""
    reader = _IniReader()
    for number, line in enumerate(text.split("\n"), start=1):
        reader.take(number, line)
    if reader.broken:
        return Parsed((), reader.broken)
    lines = (Line(".".join(key), "\n".join(values).rstrip(), number) for key, (values, number) in reader.found.items())
    return Parsed(tuple(lines))


class _IniReader:
    """The state between two lines."""

    def __init__(self) -> None:
        self.found: dict[tuple[str, str], tuple[list[str], int]] = {}
        self.broken: Broken | None = None
        self._sections: set[str] = set()
        self._section = ""
        self._option: tuple[str, str] | None = None
        self._indent = 0

    def take(self, number: int, line: str) -> None:
        value = line.strip()
        here = len(line) - len(line.lstrip())
        if not value:
            self._continue("")
        elif value.startswith(("#", ";")):
            pass
        elif self._option and here > self._indent:
            self._continue(value)
        else:
            self._indent = here
            wrong = self._begin(number, value)
            if wrong:
                self.broken = self.broken or Broken(number, wrong)

    def _continue(self, value: str) -> None:
        if self._option:
            self.found[self._option][0].append(value)

    def _begin(self, number: int, value: str) -> str:
        """Take a line that goes on with nothing, and return what is wrong with it, or ""."""
        header, assigned = _SECTION.match(value), _OPTION.fullmatch(value)
        if header:
            self._section, self._option = header[1], None
            again = self._section in self._sections and self._section != "DEFAULT"
            self._sections.add(self._section)
            return f"a second section [{self._section}]" if again else ""
        if not self._section:
            return "a line before the first section"
        if not assigned or not assigned[1]:
            return "neither a section nor a setting"
        option = (self._section, _normalized(assigned[1]))
        if option in self.found:
            return f"a second {option[1]} in [{self._section}]"
        self._option = option
        self.found[option] = [assigned[2].strip()], number
        return ""


def curl(text: str) -> Parsed:
    """Return the options of a .curlrc, long ones without dashes, of single letters ``-k`` by itself."""
    lines = []
    for number, whole in enumerate(text.split("\n"), start=1):
        line = whole.strip()
        if not line or line[0] in "#/*":
            continue
        # An equals sign or colon separates only where the option has no dash.
        dashed = line.startswith("-")
        name = re.split(r"\s" if dashed else r"[\s=:]", line, maxsplit=1)[0]
        rest = line[len(name) :].lstrip(" \t" if dashed else " \t=:")
        value = _unquoted(rest[1:]) if rest.startswith('"') else (rest.split() or [""])[0]
        lines.append(
            Line("-k", "", number) if _CURL_INSECURE.match(name) else Line(name.removeprefix("--"), value, number)
        )
    return Parsed(tuple(lines))


def npm(text: str) -> Parsed:
    """Return the settings of an .npmrc that stand outside any section. It is never broken."""
    lines = []
    for number, whole in enumerate(text.split("\n"), start=1):
        line = whole.strip()
        if line.startswith("["):
            break
        if line and line[0] not in ";#":
            name, separator, value = line.partition("=")
            lines.append(Line(_npm_value(name), _npm_value(value) if separator else "true", number))
    return Parsed(tuple(lines))


def wget(text: str) -> Parsed:
    """Return the commands of a .wgetrc, by their names without dashes and underscores."""
    lines = []
    broken: Broken | None = None
    for number, whole in enumerate(text.split("\n"), start=1):
        line = whole.strip()
        if line and not line.startswith("#"):
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
        document: object = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError: also a number of over 4,300 digits
        at = _TOML_LINE.search(str(error))
        return Parsed((), Broken(int(at[1]) if at else 0, "it is not TOML"))
    for key in filter(None, table.split(".")):
        document = document.get(key) if isinstance(document, dict) else None
    if not isinstance(document, dict):
        return Parsed(())
    numbers = _toml_numbers(text, table)
    lines = []
    for name in names:
        found = document.get(name)
        values = found if isinstance(found, list) else [] if found is None else [found]
        lines += [Line(name, _shown(value), numbers.get(name, 0)) for value in values]
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
    found = re.match(r'(?:[^"\\]|\\.)*', text)
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[1]), found[0] if found else "")


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


def _toml_numbers(text: str, table: str) -> dict[str, int]:
    """Return in which lines the keys of a table seem to stand: tomllib does not say."""
    found: dict[str, int] = {}
    inside = not table
    for number, line in enumerate(text.split("\n"), start=1):
        header = _TABLE.match(line)
        if header:
            inside = header[1].replace(" ", "").replace('"', "") == table
        elif inside and "=" in line:
            found.setdefault(line.partition("=")[0].strip(" \t\"'"), number)
    return found
