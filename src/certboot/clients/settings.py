"""What all settings files say about certificates and verification, with file and line; nothing else is taken from them.

Tokens and passwords stand in some of these files too: only the names in ``_WANTED`` ever leave this module.
"""

from __future__ import annotations

import functools
import os
import re
import typing
from pathlib import Path

from certboot.clients import settings_formats, settings_places
from certboot.clients.git import git_settings
from certboot.clients.settings_places import Surroundings
from certboot.clients.trust import OwnSetting
from certboot.files import UnreadableError, read_text

if typing.TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from certboot.clients.settings_formats import Parsed

Settings = dict[str, dict[str, OwnSetting]]

# The client and the last part of the name in the file -> those of the table.
_NAMES = {
    ("pip", "cert"): (("pip", "cert"),),
    ("curl", "cacert"): (("curl", "cacert"),),
    ("curl", "capath"): (("curl", "capath"),),
    ("npm", "cafile"): (("npm", "cafile"),),
    ("wget", "cacertificate"): (("wget", "ca_certificate"),),
    ("cargo", "cainfo"): (("cargo", "http.cainfo"),),
    ("AWS", "ca-bundle"): (("botocore", "ca_bundle"), ("AWS CLI", "ca_bundle")),
    ("uv", "system-certs"): (("uv", "system-certs"),),
    ("uv", "native-tls"): (("uv", "native-tls"),),
    ("git", "sslCAInfo"): (("git", "http.sslCAInfo"),),
    ("git", "sslCAPath"): (("git", "http.sslCAPath"),),
}
# They take ~ for the home folder.
_EXPANDING = ("pip", "npm", "git")
_REFERENCE = re.compile(r"\$\{(\w+)\}")


class Setting(typing.NamedTuple):
    """One setting of one client."""

    client: str
    name: str
    value: str
    file: str
    line: int
    """0 where that is not known."""


class Wrong(typing.NamedTuple):
    """A settings file that cannot be read, or that its client cannot make sense of."""

    client: str
    file: str
    line: int
    """0 for the whole file."""
    reason: str
    broken: bool
    """It was read, and is not in its format."""


class Found(typing.NamedTuple):
    """What there is. Settings that count more come after the others."""

    settings: tuple[Setting, ...]
    wrong: tuple[Wrong, ...]


_UV = ("native-tls", "system-certs", "allow-insecure-host")
_WANTED = {
    "pip": ("cert", "trusted-host"),
    "curl": ("cacert", "capath", "insecure", "no-insecure"),
    "npm": ("cafile", "ca", "ca[]", "strict-ssl"),
    "conda": ("ssl_verify",),
    "uv": _UV,
    "wget": ("cacertificate", "cadirectory", "checkcertificate"),
    "cargo": ("cainfo",),
    "AWS": ("ca-bundle",),
}
# Short options of curl that take a value, which may be written behind them: -uk is no -k (src/tool_getparam.c).
_CURL_WITH_VALUE = frozenset("AbcCdDeEFhHKmoPQrtTuUwxXyYz")


def find_settings(around: Surroundings) -> Found:
    """Return what is in the settings files that there are; git's are asked for elsewhere."""
    settings: list[Setting] = []
    wrong: list[Wrong] = []
    for client, (places_of, parse) in _CLIENTS.items():
        for path in places_of(around):
            try:
                text = read_text(path)
            except UnreadableError as error:
                wrong.append(Wrong(client, str(path), 0, str(error), broken=False))
                continue
            if text is None:
                continue
            parsed = parse(path, text)
            settings += _wanted(client, path, parsed)
            if parsed.broken:
                wrong.append(Wrong(client, str(path), *parsed.broken, broken=True))
    return Found(tuple(settings), tuple(wrong))


def _wanted(client: str, path: Path, parsed: Parsed) -> Iterator[Setting]:
    for line in parsed.lines:
        name = line.name
        if client == "curl" and name[:1] == "-" and _is_insecure(name):
            yield Setting(client, "-k", "", str(path), line.number)
        elif name.rpartition(".")[2] in _WANTED[client]:
            yield Setting(client, name, line.value, str(path), line.number)


def _is_insecure(letters: str) -> bool:
    for letter in letters[1:]:
        if letter == "k" or letter in _CURL_WITH_VALUE:
            return letter == "k"
    return False


def _toml(path: Path, text: str, *, table: str, names: tuple[str, ...]) -> Parsed:
    return settings_formats.toml(text, table if path.name != "pyproject.toml" else "tool.uv", names)


def _plain(parse: Callable[[str], Parsed]) -> Callable[[Path, str], Parsed]:
    return lambda _, text: parse(text)


_CLIENTS: dict[str, tuple[Callable[[Surroundings], list[Path]], Callable[[Path, str], Parsed]]] = {
    "pip": (settings_places.pip, _plain(settings_formats.ini)),
    "curl": (settings_places.curl, _plain(settings_formats.curl)),
    "npm": (settings_places.npm, _plain(settings_formats.npm)),
    "conda": (settings_places.conda, _plain(settings_formats.yaml)),
    "uv": (settings_places.uv, functools.partial(_toml, table="", names=_UV)),
    "wget": (settings_places.wget, _plain(settings_formats.wget)),
    "cargo": (settings_places.cargo, functools.partial(_toml, table="http", names=("cainfo",))),
    "AWS": (settings_places.aws, _plain(settings_formats.ini)),
}


def client_settings(environ: Mapping[str, str], clients: Collection[str], folder: Path) -> Settings:
    """Return client -> setting -> what it names, as the clients would find it from ``folder``; git is asked itself."""
    around = Surroundings(environ, folder)
    found: Settings = {}
    for client, name, value, file in _every(around, clients):
        key = client, name.rpartition(".")[2]
        if key not in _NAMES or not value or _is_of_other_profile(client, name, environ):
            continue
        for known, setting in _NAMES[key]:
            path = _path(client, value, file, environ)
            found.setdefault(known, {})[setting] = OwnSetting(path, file or "a variable")
    return found


def _every(around: Surroundings, clients: Collection[str]) -> Iterator[tuple[str, str, str, str]]:
    for each in find_settings(around).settings:
        yield each.client, each.name, each.value.strip(), each.file
    # Another process; and what it says is outranked anyway where the variable is set.
    if "git" in clients and not {"GIT_SSL_CAINFO", "GIT_SSL_CAPATH"} <= around.environ.keys():
        for setting in git_settings(around):
            if setting.name.count(".") == 1:  # for all addresses
                yield "git", setting.name, setting.value, setting.file


def _is_of_other_profile(client: str, name: str, environ: Mapping[str, str]) -> bool:
    if client != "AWS":
        return False
    profile = environ.get("AWS_PROFILE") or environ.get("AWS_DEFAULT_PROFILE") or "default"
    return name.rpartition(".")[0] not in (f"profile {profile}", profile if profile == "default" else None)


def _path(client: str, value: str, file: str, environ: Mapping[str, str]) -> str:
    if client == "npm":
        value = _REFERENCE.sub(lambda match: environ.get(match[1], match[0]), value)
    if client == "cargo":  # relative to the folder above that of the file
        return str(Path(file).parents[1] / value)
    return os.path.expanduser(value) if client in _EXPANDING else value
