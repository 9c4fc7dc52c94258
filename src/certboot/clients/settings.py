"""What all settings files say about certificates and verification, with file and line; nothing else is taken from them.

Tokens and passwords stand in some of these files too: only the names in ``KEYS`` ever leave this module.
"""

from __future__ import annotations

import os
import re
import typing
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from certboot.clients import settings_formats
from certboot.clients.git import git_settings
from certboot.clients.settings_formats import Parsed
from certboot.clients.settings_places import Surroundings
from certboot.clients.table import BESIDE, CLIENTS, KEYS, OWNERS, REFERENCES, Files, Key, looked_up
from certboot.clients.trust import OwnSetting
from certboot.files import UnreadableError, read_text

Settings = dict[str, dict[str, OwnSetting]]

_REFERENCE = re.compile(r"\$\{(\w+)\}")


class Setting(typing.NamedTuple):
    """One setting of one client."""

    client: str
    name: str
    value: str
    file: str
    """Empty where it comes from a variable."""
    line: int
    """0 where that is not known."""

    @property
    def key(self) -> Key | None:
        """What the table says of it; None for what git says of verification."""
        return KEYS.get((self.client, self.name.rpartition(".")[2]))


class Wrong(typing.NamedTuple):
    """A settings file that cannot be read, or that its client cannot make sense of."""

    client: str
    file: str
    line: int
    """0 for the whole file."""
    reason: str
    broken: bool
    """It was read, and is not in its format."""


class Contents(typing.NamedTuple):
    """What the files say. Settings that count more come after the others."""

    settings: tuple[Setting, ...]
    wrong: tuple[Wrong, ...]


def find_settings(around: Surroundings, *, git: bool = False) -> Contents:
    """Return what is in the settings files that there are, and with ``git`` what git itself says of its own."""
    settings: list[Setting] = []
    wrong: list[Wrong] = []
    for owner, client in OWNERS.items():
        for path in client.files.where(around):
            try:
                text = read_text(path)
            except UnreadableError as error:
                wrong.append(Wrong(owner, str(path), 0, str(error), broken=False))
                continue
            if text is None:
                continue
            parsed = _parsed(client.files, path, text)
            lines = (Setting(owner, line.name, line.value, str(path), line.number) for line in parsed.lines)
            settings += (setting for setting in lines if setting.key)
            if parsed.broken:
                wrong.append(Wrong(owner, str(path), *parsed.broken, broken=True))
    settings += (Setting("git", *setting) for setting in (git_settings(around) if git else ()))
    return Contents(tuple(settings), tuple(wrong))


def of_variable(name: str, value: str) -> Setting | None:
    """Return the setting that a variable of a client's own stands for."""
    for (owner, last), key in KEYS.items():
        if key.variable and key.variable in (name, name.lower()):
            return Setting(owner, last, value, "", 0)
    return None


def client_settings(environ: Mapping[str, str], clients: Collection[str], folder: Path) -> Settings:
    """Return client -> setting -> what it names, as the clients would find it from ``folder``; git is asked itself."""
    # Git is another process, and what it says is outranked anyway where the variable is set.
    git = "git" in clients and not {"GIT_SSL_CAINFO", "GIT_SSL_CAPATH"} <= environ.keys()
    named: Settings = {}
    for setting in of_profile(find_settings(Surroundings(environ, folder), git=git).settings, environ):
        if setting.client == "git" and setting.name.count(".") > 1:  # for one address only
            continue
        value = setting.value.strip()
        for client in CLIENTS if value else ():
            if client.files.owner == setting.client and setting.key in looked_up(client):
                path = as_path(setting._replace(value=value), environ)
                named.setdefault(client.name, {})[setting.key.name] = OwnSetting(path, setting.file or "a variable")
    return named


def of_profile(settings: Iterable[Setting], environ: Mapping[str, str]) -> Iterator[Setting]:
    """Yield these settings, of AWS's only those of the profile that is used."""
    profile = environ.get("AWS_PROFILE") or environ.get("AWS_DEFAULT_PROFILE") or "default"
    sections = (f"profile {profile}", "default" if profile == "default" else None)
    return (setting for setting in settings if setting.client != "AWS" or setting.name.rpartition(".")[0] in sections)


def as_path(setting: Setting, environ: Mapping[str, str]) -> str:
    """Return the path that a setting names, as its client sees it."""
    kind, value = OWNERS[setting.client].files.paths, setting.value
    if kind == BESIDE:
        return str(Path(setting.file).parents[1] / value)
    if kind == REFERENCES:
        value = _REFERENCE.sub(lambda match: environ.get(match[1], match[0]), value)
    return os.path.expanduser(value) if kind else value


def _parsed(files: Files, path: Path, text: str) -> Parsed:
    if files.parse:
        return files.parse(text)
    table = f"tool.{files.owner}" if path.name == "pyproject.toml" else files.table
    return settings_formats.toml(text, table, tuple(last for owner, last in KEYS if owner == files.owner))
