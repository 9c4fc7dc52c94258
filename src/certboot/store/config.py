"""``config.toml`` in the store's folder: what a user, or a team, chooses. Every key may be left out.

sources = ["certifi", "system", "ccadb"]    # where anchors come from; default: certifi, system
intermediates = true                        # also store the TLS intermediates of the Mozilla programme
base = "/srv/team"                          # where relative paths start; default: the store's folder
profile = "gentle"                          # leave out variables that overrule choices in children; default: full
guards = ["ssl", "requests", "certifi"]     # what the hook guards; default: all three
hints = false                               # say nothing more where a verification fails; default: say what to run
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
path = "corp-root.pem"                      # or address = "https://…", with sha256 = "…" if you like; or pem = "…"
stand-in = true                             # where its form is all that Python 3.13 and newer refuse; default: false

[shared]                                    # where the file is from; ``init --config`` writes it
address = "https://intranet.example/certboot.toml"
sha256 = "96bcec06…"
"""

from __future__ import annotations

import json
import re
import typing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from certboot import files
from certboot.clients.variables import BY_NAME, FULL, PROFILES, VARIABLES, Profile, Variable
from certboot.errors import CertbootError, printable
from certboot.pki import fingerprint
from certboot.sources.company import Company
from certboot.sources.table import OPTIONAL
from certboot_startup import GUARDED

GUARDS = tuple(dict.fromkeys(GUARDED.values()))
_TOP = (
    "sources",
    "intermediates",
    "base",
    "profile",
    "guards",
    "hints",
    "max-age",
    "ccadb",
    "variables",
    "rules",
    "company",
    "shared",
)
_COMPANY = ("path", "address", "sha256", "pem", "stand-in")
# Where the keys that belong to no section end, and the one among them that `rebased` replaces.
_SECTION = re.compile(r"^(\s*\[)", re.MULTILINE)
_BASE = re.compile(r"""^\s*(?:base|"base"|'base')\s*=.*\n?""", re.MULTILINE)

_T = typing.TypeVar("_T")
_Value = typing.TypeVar("_Value", str, list[typing.Any], dict[str, typing.Any])
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_FORM = re.compile(r"([0-9]{1,5})([mhdw])")


class HookChoices(typing.NamedTuple):
    """What the hook is to do, beside its variables."""

    profile: Profile | None = None
    guards: tuple[str, ...] | None = None
    hints: bool | None = None


class Ccadb(typing.NamedTuple):
    """Where the CCADB's reports are, if not at its own address: at another, or in a folder."""

    address: str = ""
    folder: Path | None = None


class Shared(typing.NamedTuple):
    """Where settings are from that a company keeps at an address, and the SHA-256 of the whole file there."""

    address: str
    sha256: str


_NO_CHOICES = HookChoices()
_CCADB = Ccadb()


@dataclass(frozen=True)
class Config:
    """The user's choices; the defaults are those of an absent file, None where the last choice stands."""

    sources: tuple[str, ...] | None = None
    intermediates: bool | None = None
    ccadb: Ccadb = _CCADB
    hook: HookChoices = _NO_CHOICES
    max_age: timedelta | None = None
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    distrust: frozenset[str] = frozenset()
    companies: tuple[Company, ...] = ()
    shared: Shared | None = None

    def variables(self) -> tuple[Variable, ...]:
        """Return the variables that the hook is to set.

        SSL_CERT_DIR never stands without SSL_CERT_FILE: alone it would take the public roots from httpx, uv and others,
        and break opensearch-py.
        """
        profile = self.hook.profile or FULL
        removed = {*self.remove, "SSL_CERT_DIR"} if "SSL_CERT_FILE" in self.remove else set(self.remove)
        return tuple(v for v in VARIABLES if (v.is_set_by(profile) or v.name in self.add) and v.name not in removed)


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


def parse_config(data: bytes, path: Path, where: str = "") -> Config:
    """Return the settings in the bytes of ``path``, which are from ``where``; raises CertbootError with the line."""
    where = where or str(path)
    hint = "mend the file, or remove it to go back to the defaults"
    try:
        text = data.decode()
        document = files.toml(text) if text else {}  # most have no settings
    except (ValueError, RecursionError) as error:  # ValueError: no UTF-8, no TOML, or a number of 5,000 digits
        raise CertbootError(f"cannot read {where}: {error}", hint) from error
    top = _Table(_Lines(where, text), document, _TOP)
    base = path.parent / top.text("base")
    ccadb = top.table("ccadb", ("address", "folder"))
    variables = top.table("variables", ("add", "remove"))
    rules = top.table("rules", ("distrust",))
    shared = top.table("shared", ("address", "sha256"))
    folder = ccadb.text("folder")
    return Config(
        sources=top.texts("sources", OPTIONAL) if "sources" in document else None,
        intermediates=top.truth("intermediates"),
        ccadb=Ccadb(ccadb.text("address"), base / folder if folder else None),
        hook=HookChoices(
            top.choice("profile", PROFILES),
            top.texts("guards", GUARDS) if "guards" in document else None,
            top.truth("hints"),
        ),
        max_age=top.span("max-age"),
        add=variables.texts("add", tuple(BY_NAME)),
        remove=variables.texts("remove", tuple(BY_NAME)),
        distrust=frozenset(map(rules.fingerprint, rules.texts("distrust"))),
        companies=tuple(_company(table, base) for table in top.tables("company", _COMPANY)),
        shared=Shared(shared.text("address"), shared.fingerprint(shared.text("sha256")))
        if "shared" in document
        else None,
    )


def _company(table: _Table, base: Path) -> Company:
    path, address, pin, pem = (table.text(key) for key in ("path", "address", "sha256", "pem"))
    if [bool(path), bool(address), bool(pem)].count(True) != 1 or (address and not address.startswith("https://")):
        near, fault = ("address" if address else table.section), "a company CA has either a path or an https address"
        raise table.wrong(near, fault, 'write path = "…", or address = "https://…", or the certificate as pem = "…"')
    if pin and not address:
        raise table.wrong("sha256", "sha256 goes with an address", "a file is as safe as its folder")
    wanted = table.fingerprint(pin) if pin else ""
    return Company(base / path if path else None, address, wanted, pem, bool(table.truth("stand-in")))


def with_origin(text: str, shared: Shared) -> str:
    """Return the TOML ``text``, which has no such section yet, with where it is from."""
    address = json.dumps(shared.address, ensure_ascii=False)
    return f'{text}\n[shared]\naddress = {address}\nsha256 = "{shared.sha256}"\n'


def rebased(text: str, folder: Path) -> str:
    """Return the TOML ``text`` with a ``base`` that makes its relative paths start where they do from ``folder``.

    Raises CertbootError where that cannot be written, or ``base`` stands in the text in a form that is not found.
    """
    document = files.toml(text)
    base = str(folder / document.get("base", ""))
    top, section, rest = _SECTION.split(text, maxsplit=1) if _SECTION.search(text) else (text, "", "")
    # A JSON string is a string of TOML too, but for the character DEL.
    moved = f"base = {json.dumps(base, ensure_ascii=False)}\n{_BASE.sub('', top)}{section}{rest}"
    try:
        same = files.toml(moved.encode().decode()) == {**document, "base": base}
    except ValueError:  # no TOML, or no UTF-8
        same = False
    if not same:
        message = f"relative paths in these settings cannot be made to start at {printable(base)}"
        raise CertbootError(message, 'write base = "…" in one line, with the absolute path of the folder they start at')
    return moved


class _Lines:
    """The lines of a file without their comments."""

    def __init__(self, where: str, text: str) -> None:
        self.where = where
        self._lines = [line.split("#")[0] for line in text.split("\n")]

    def number(self, near: str, section: str, index: int) -> int:
        """Return the line of ``near`` behind the header of ``section``, the one with this index."""
        header = re.compile(rf"\s*\[+\s*{re.escape(section)}\s*\]")
        headers = [n for n, line in enumerate(self._lines) if header.match(line)] if section else []
        start = headers[index] if index < len(headers) else 0
        word = re.compile(rf"(?<![\w.-]){re.escape(near)}(?![\w-])")
        return next((n for n in range(start, len(self._lines)) if word.search(self._lines[n])), start) + 1


class _Table:
    """A table of the document: gives typed values, and says in which line one is not what it should be."""

    def __init__(
        self, lines: _Lines, values: dict[str, typing.Any], keys: tuple[str, ...], section: str = "", index: int = 0
    ) -> None:
        self.section = section
        self._lines, self._values, self._index = lines, values, index
        for key in values:
            if key not in keys:
                fault = f"certboot does not know {section + '.' if section else ''}{key}"
                raise self.wrong(key, fault, f"it knows {', '.join(keys)}")

    def wrong(self, near: str, fault: str, known: str) -> CertbootError:
        line = self._lines.number(near, self.section, self._index)
        return CertbootError(f"{self._lines.where}, line {line}: {fault}", known)

    def _typed(self, key: str, kind: type[_Value], fault: str, known: str, of: type = object) -> _Value:
        value = self._values.get(key, kind())
        if not isinstance(value, kind) or not all(isinstance(part, of) for part in value):
            raise self.wrong(key, f"{key} is {fault}", known)
        return value

    def table(self, key: str, keys: tuple[str, ...]) -> _Table:
        return _Table(self._lines, self._typed(key, dict, "not a section", f"write [{key}]"), keys, key)

    def tables(self, key: str, keys: tuple[str, ...]) -> list[_Table]:
        values = self._typed(key, list, "not a list of sections", f"write [[{key}]]", dict)
        return [_Table(self._lines, table, keys, key, index) for index, table in enumerate(values)]

    def text(self, key: str) -> str:
        return self._typed(key, str, "not a text", f'write {key} = "…"')

    def choice(self, key: str, allowed: tuple[_T, ...]) -> _T | None:
        for value in allowed:
            if self._values.get(key) == value:
                return value
        if key in self._values:
            raise self.wrong(key, f"certboot does not know this {key}", f"it knows {', '.join(map(str, allowed))}")
        return None

    def span(self, key: str) -> timedelta | None:
        if key not in self._values:
            return None
        text = self.text(key)
        try:
            span = parse_duration(text)
        except CertbootError as error:
            raise self.wrong(key, f"{key} is {error.message}", error.hint) from error
        if not span:
            raise self.wrong(key, f"{key} is no time at all: {text!r}", f'write {key} = "30d"')
        return span

    def truth(self, key: str) -> bool | None:
        value = self._values.get(key)
        if not isinstance(value, bool | None):
            raise self.wrong(key, f"{key} is neither true nor false", f"write {key} = true")
        return value

    def texts(self, key: str, allowed: tuple[str, ...] = ()) -> tuple[str, ...]:
        values = self._typed(key, list, "not a list of texts", f'write {key} = ["…"]', str)
        for text in values:
            if allowed and text not in allowed:
                raise self.wrong(text, f"certboot does not know {text!r} in {key}", f"it knows {', '.join(allowed)}")
        return tuple(values)

    def fingerprint(self, value: str) -> str:
        plain = fingerprint.plain(value)
        if not fingerprint.is_whole(plain):
            raise self.wrong(value, f"not a SHA-256 fingerprint: {value!r}", "it has 64 hexadecimal digits")
        return plain


def parse_duration(text: str) -> timedelta:
    """Return the span that ``text`` names; raises CertbootError."""
    match = _FORM.fullmatch(text)
    if not match:
        raise CertbootError(f"not a span of time: {text!r}", "a number and one of m, h, d, w, such as 7d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})
