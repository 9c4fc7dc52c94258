"""``config.toml`` in the store's folder: what a user, or a team, chooses. Every key may be left out.

sources = ["certifi", "system", "ccadb"]    # where anchors come from; default: certifi, system
intermediates = true                        # also store the TLS intermediates of the Mozilla programme
base = "/srv/team"                          # where relative paths start; default: the store's folder
guards = ["ssl", "requests", "certifi"]     # what the hook guards; default: all three
max-age = "30d"                             # how old the store may be before the doctor warns; default: a note at 30d

[ccadb]
address = "https://mirror.example/"         # instead of the CCADB's own
folder = "reports"                          # or read the reports from disk

[variables]
add = ["AWS_CA_BUNDLE"]                     # set these too
remove = ["GIT_SSL_CAINFO"]                 # leave these alone

[rules]
distrust = ["96bcec06…"]                    # SHA-256 fingerprints that never enter

[[company]]                                 # CAs of your own, read again at every update
path = "corp-root.pem"                      # or address = "https://…", with sha256 = "…" if you like
"""

from __future__ import annotations

import json
import re
import sys
import typing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from certboot import files
from certboot.clients.variables import BY_NAME, VARIABLES, Variable
from certboot.errors import CertbootError, printable
from certboot.pki import fingerprint
from certboot.sources.company import Company
from certboot.sources.table import OPTIONAL
from certboot_startup import GUARDED

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

GUARDS = tuple(dict.fromkeys(GUARDED.values()))
_TOP = ("sources", "intermediates", "base", "guards", "max-age", "ccadb", "variables", "rules", "company")
# Where the keys that belong to no section end, and the one among them that `rebased` replaces.
_SECTION = re.compile(r"^(\s*\[)", re.MULTILINE)
_BASE = re.compile(r"""^\s*(?:base|"base"|'base')\s*=.*\n?""", re.MULTILINE)

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_FORM = re.compile(r"([0-9]{1,5})([mhdw])")


@dataclass(frozen=True)
class Config:
    """The user's choices; the defaults are those of an absent file, None where the last choice stands."""

    sources: tuple[str, ...] | None = None
    intermediates: bool | None = None
    ccadb_address: str = ""
    ccadb_folder: Path | None = None
    guards: tuple[str, ...] | None = None
    max_age: timedelta | None = None
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    distrust: frozenset[str] = frozenset()
    companies: tuple[Company, ...] = ()

    def variables(self) -> tuple[Variable, ...]:
        """Return the variables that the hook is to set. SSL_CERT_DIR never stands without SSL_CERT_FILE.

        Alone it would take the public roots from httpx, uv and others, and break opensearch-py.
        """
        removed = {*self.remove, "SSL_CERT_DIR"} if "SSL_CERT_FILE" in self.remove else set(self.remove)
        return tuple(v for v in VARIABLES if (v.default or v.name in self.add) and v.name not in removed)


def load_config(path: Path) -> Config:
    """Return the settings in ``path``, or the defaults where there is no such file; raises CertbootError."""
    return parse_config(read_config(path), path)


def read_config(path: Path) -> bytes:
    """Return the bytes of ``path``, none where there is no such file; raises CertbootError."""
    try:
        return files.read_if_there(path, files.SMALL) or b""
    except OSError as error:
        raise unreadable(path, error) from error


def unreadable(path: Path, error: OSError) -> CertbootError:
    """Return what to say where a settings file cannot be read."""
    return CertbootError(f"cannot read {path}: {error.strerror}", "check the path, and that you may read the file")


def parse_config(data: bytes, path: Path) -> Config:
    """Return the settings in the bytes of ``path``; raises CertbootError with the line."""
    hint = "mend the file, or remove it to go back to the defaults"
    try:
        text = data.decode()
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError: no UTF-8, no TOML, or a number of 5,000 digits
        raise CertbootError(f"cannot read {path}: {error}", hint) from error
    reader = _Reader(path, text)
    reader.known(document, "", _TOP)
    base = path.parent / reader.text(document, "base")
    ccadb = reader.table(document, "ccadb", ("address", "folder"))
    variables = reader.table(document, "variables", ("add", "remove"))
    rules = reader.table(document, "rules", ("distrust",))
    folder = reader.text(ccadb, "folder", "ccadb")
    return Config(
        sources=reader.texts(document, "sources", OPTIONAL) if "sources" in document else None,
        intermediates=reader.truth(document, "intermediates"),
        ccadb_address=reader.text(ccadb, "address", "ccadb"),
        ccadb_folder=base / folder if folder else None,
        guards=reader.texts(document, "guards", GUARDS) if "guards" in document else None,
        max_age=reader.span(document, "max-age"),
        add=reader.texts(variables, "add", tuple(BY_NAME), "variables"),
        remove=reader.texts(variables, "remove", tuple(BY_NAME), "variables"),
        distrust=frozenset(
            reader.fingerprint(value, "rules") for value in reader.texts(rules, "distrust", (), "rules")
        ),
        companies=tuple(reader.company(table, base, n) for n, table in enumerate(reader.tables(document, "company"))),
    )


def rebased(text: str, folder: Path) -> str:
    """Return the TOML ``text`` with a ``base`` that makes its relative paths start where they do from ``folder``.

    Raises CertbootError where that cannot be written, or ``base`` stands in the text in a form that is not found.
    """
    document = tomllib.loads(text)
    base = str(folder / document.get("base", ""))
    top, section, rest = _SECTION.split(text, maxsplit=1) if _SECTION.search(text) else (text, "", "")
    # A JSON string is a string of TOML too, but for the character DEL.
    moved = f"base = {json.dumps(base, ensure_ascii=False)}\n{_BASE.sub('', top)}{section}{rest}"
    try:
        same = tomllib.loads(moved.encode().decode()) == {**document, "base": base}
    except ValueError:  # no TOML, or no UTF-8
        same = False
    if not same:
        message = f"relative paths in these settings cannot be made to start at {printable(base)}"
        raise CertbootError(message, 'write base = "…" in one line, with the absolute path of the folder they start at')
    return moved


class _Reader:
    """Reads typed values out of a TOML document, and says in which line one is not what it should be."""

    def __init__(self, path: Path, text: str) -> None:
        self._path = path
        self._lines = [line.split("#")[0] for line in text.split("\n")]

    def wrong(self, near: str, what: str, known: str, section: str = "", number: int = 0) -> CertbootError:
        """Return the error with the line of ``near`` behind the header of ``section``, the one with this number."""
        header = re.compile(rf"\s*\[+\s*{re.escape(section)}\s*\]")
        headers = [n for n, line in enumerate(self._lines) if header.match(line)] if section else []
        start = headers[number] if number < len(headers) else 0
        word = re.compile(rf"(?<![\w.-]){re.escape(near)}(?![\w-])")
        found = next((n for n in range(start, len(self._lines)) if word.search(self._lines[n])), start)
        return CertbootError(f"{self._path}, line {found + 1}: {what}", known)

    def known(self, table: dict[str, typing.Any], name: str, keys: tuple[str, ...], number: int = 0) -> None:
        for key in table:
            if key not in keys:
                what = f"certboot does not know {name + '.' if name else ''}{key}"
                raise self.wrong(key, what, f"it knows {', '.join(keys)}", name, number)

    def table(self, document: dict[str, typing.Any], key: str, keys: tuple[str, ...]) -> dict[str, typing.Any]:
        found = document.get(key, {})
        if not isinstance(found, dict):
            raise self.wrong(key, f"{key} is not a section", f"write [{key}]")
        self.known(found, key, keys)
        return found

    def tables(self, document: dict[str, typing.Any], key: str) -> list[dict[str, typing.Any]]:
        found = document.get(key, [])
        if not isinstance(found, list) or not all(isinstance(table, dict) for table in found):
            raise self.wrong(key, f"{key} is not a list of sections", f"write [[{key}]]")
        return found

    def text(self, table: dict[str, typing.Any], key: str, section: str = "", number: int = 0) -> str:
        found = table.get(key, "")
        if not isinstance(found, str):
            raise self.wrong(key, f"{key} is not a text", f'write {key} = "…"', section, number)
        return found

    def span(self, table: dict[str, typing.Any], key: str) -> timedelta | None:
        if key not in table:
            return None
        text = self.text(table, key)
        try:
            found = parse_duration(text)
        except CertbootError as error:
            raise self.wrong(key, f"{key} is {error.message}", error.hint) from error
        if not found:
            raise self.wrong(key, f"{key} is no time at all: {text!r}", f'write {key} = "30d"')
        return found

    def truth(self, table: dict[str, typing.Any], key: str) -> bool | None:
        found = table.get(key)
        if not isinstance(found, bool | None):
            raise self.wrong(key, f"{key} is neither true nor false", f"write {key} = true")
        return found

    def texts(
        self, table: dict[str, typing.Any], key: str, allowed: tuple[str, ...] = (), section: str = ""
    ) -> tuple[str, ...]:
        found = table.get(key, [])
        if not isinstance(found, list) or not all(isinstance(text, str) for text in found):
            raise self.wrong(key, f"{key} is not a list of texts", f'write {key} = ["…"]', section)
        for text in found:
            if allowed and text not in allowed:
                what = f"certboot does not know {text!r} in {key}"
                raise self.wrong(text, what, f"it knows {', '.join(allowed)}", section)
        return tuple(found)

    def fingerprint(self, value: str, section: str, number: int = 0) -> str:
        plain = fingerprint.plain(value)
        if not fingerprint.is_whole(plain):
            what = f"not a SHA-256 fingerprint: {value!r}"
            raise self.wrong(value, what, "it has 64 hexadecimal digits", section, number)
        return plain

    def company(self, table: dict[str, typing.Any], base: Path, number: int) -> Company:
        section = "company"
        self.known(table, section, ("path", "address", "sha256"), number)
        path, address, pin = (self.text(table, key, section, number) for key in ("path", "address", "sha256"))
        if bool(path) == bool(address) or (address and not address.startswith("https://")):
            near, what = ("address" if address else section), "a company CA has either a path or an https address"
            raise self.wrong(near, what, 'write path = "…", or address = "https://…"', section, number)
        if pin and path:
            near, what = "sha256", "sha256 goes with an address"
            raise self.wrong(near, what, "a file is as safe as its folder", section, number)
        return Company(base / path if path else None, address, self.fingerprint(pin, section, number) if pin else "")


def parse_duration(text: str) -> timedelta:
    """Return the span that ``text`` names; raises CertbootError."""
    match = _FORM.fullmatch(text)
    if not match:
        raise CertbootError(f"not a span of time: {text!r}", "a number and one of m, h, d, w, such as 7d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})
