"""Which certificates a client trusts in a given environment, and who decided it. Pure: no client is imported or run."""

from __future__ import annotations

import os
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from ssl import OPENSSL_VERSION_INFO

from certboot.clients.table import EITHER, LOOKED_UP, OWN, SYSTEM, TRUE, Choice, Client, Place
from certboot.clients.variables import DIRECTORY, FILE

# Who decided.
BY_HOOK = "certboot's hook"
BY_PARENT = "certboot, in the process that started this one"
BY_GUARD = "certboot's guard of"
"""With the name of the guard behind it."""
BY_OTHERS = "something else"
BY_SETTING = "the client's own settings"
BY_DEFAULT = "the client's default"

MISSING, UNUSABLE = "missing", "unusable"
_YIELDING = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")  # what is chosen goes before certboot's, by the guard of requests


class OwnSetting(typing.NamedTuple):
    """What a client's own settings file names."""

    value: str
    file: str


@dataclass(frozen=True)
class Facts:
    """What there is to know about this process and machine."""

    is_store: Callable[[str], bool]
    """Whether the value of a variable or setting leads to certboot's store."""
    bundle: str = ""
    """The bundle that the hook uses in this process; empty where it is not active."""
    applied: Mapping[str, str] = field(default_factory=dict)
    """Variable -> value, as the hook has set them in this process."""
    guards: frozenset[str] = frozenset()
    """The guards in force: ``requests``, ``certifi``, ``ssl``."""
    variables: frozenset[str] = frozenset()
    """The variables that certboot is to set."""
    settings: Mapping[str, Mapping[str, OwnSetting]] = field(default_factory=dict)
    """Client -> the name of a setting -> what it names."""
    kinds: Mapping[str, str] = field(default_factory=dict)
    """Path -> FILE, DIRECTORY, MISSING or UNUSABLE, for every path that a variable or setting names."""
    defaults: Mapping[str, str] = field(default_factory=dict)
    """SYSTEM_FILE and SYSTEM_DIRECTORY -> where this Python's OpenSSL has them; no entry where there is none."""


class Source(typing.NamedTuple):
    """One source of the certificates that a client trusts."""

    what: str
    """A path, or one of the defaults of the table in words."""
    place: str
    """The variable or setting that names it, with the setting's file; empty for a default."""
    decided_by: str
    of_store: bool = False


class Trust(typing.NamedTuple):
    """What one client trusts now."""

    sources: tuple[Source, ...]
    unusable: tuple[Source, ...] = ()
    """What it is told to trust and cannot load."""
    fails: bool = False
    """It cannot load it, and refuses every host for that."""

    @property
    def reaches_store(self) -> bool:
        """Whether the client trusts what certboot's store holds."""
        return any(source.of_store for source in self.sources) and not self.fails


def who_set(name: str, value: str, applied: Mapping[str, str], *, of_store: bool) -> str:
    """Return who gave a variable its value: one of the words above."""
    if applied.get(name) == value:
        return BY_HOOK
    return BY_PARENT if of_store else BY_OTHERS


def effective_trust(client: Client, environ: Mapping[str, str], facts: Facts) -> Trust:
    """Return what the client would trust if it looked now, with this environment."""
    look = _Look(client, environ, facts)
    sources: list[Source] = []
    for choice in client.choices:
        sources += look.by(choice)
        if choice.alone and sources:
            break
    unusable = tuple(source for source in sources if source in look.unusable)
    usable = tuple(source for source in sources if source not in unusable)
    fatal = any(not look.unusable[source].is_lenient for source in unusable) and client.manner.fails
    return Trust(usable, unusable, fails=fatal or not usable)


class _Look:
    """A client's look at the places of the table."""

    def __init__(self, client: Client, environ: Mapping[str, str], facts: Facts) -> None:
        self._client = client
        self._environ = environ
        self._facts = facts
        self.unusable: dict[Source, Choice] = {}

    def by(self, choice: Choice) -> tuple[Source, ...]:
        """Return what this choice comes to."""
        named = []
        for place in choice.places:
            source = self._setting(place) if place.setting else self._variable(place, choice)
            missing = source is not None and self._facts.kinds.get(source.what, MISSING) == MISSING
            if source is None or (missing and self._client.manner.missing_is_unset):
                continue
            named.append(source)
            if not self._is_usable(source.what, place.form):
                self.unusable[source] = choice
        if self._client.manner.yields and "requests" in self._facts.guards:
            named.sort(key=lambda source: source.of_store and source.place in _YIELDING)
        if named:
            return tuple(named if choice.every else named[:1])
        return tuple(self._default(choice)) if choice.otherwise else ()

    def _is_usable(self, value: str, form: str) -> bool:
        kinds = self._facts.kinds
        if kinds.get(value) == FILE:
            return form in (FILE, EITHER) or (form == LOOKED_UP and (3,) <= OPENSSL_VERSION_INFO < (3, 4))
        paths = value.split(os.pathsep) if form in (DIRECTORY, LOOKED_UP) else [value]
        return form != FILE and any(kinds.get(path) == DIRECTORY for path in paths)

    def _variable(self, place: Place, choice: Choice) -> Source | None:
        value = self._environ.get(place.name)
        if value is None or (not value and self._client.manner.empty_is_unset and not choice.is_openssl):
            return None
        of_store = self._facts.is_store(value)
        decided_by = who_set(place.name, value, self._facts.applied, of_store=of_store)
        return Source(value, place.name, decided_by, of_store)

    def _setting(self, place: Place) -> Source | None:
        setting = self._facts.settings.get(self._client.name, {}).get(place.name)
        if setting is None:
            return None
        return Source(setting.value, f"{place.name} in {setting.file}", BY_SETTING, self._facts.is_store(setting.value))

    def _default(self, choice: Choice) -> Iterator[Source]:
        default, guard = choice.otherwise, choice.guarded_by
        if guard and guard in self._facts.guards and not self._client.program:
            yield Source(self._facts.bundle, "", f"{BY_GUARD} {guard}", of_store=True)
        elif choice.is_openssl:
            if default in self._facts.defaults:
                yield Source(self._facts.defaults[default], "", BY_DEFAULT)
        else:
            switch = next(self._switched_on(), None) if default == OWN else None
            yield switch or Source(default, "", BY_DEFAULT)

    def _switched_on(self) -> Iterator[Source]:
        for place in self._client.switches:
            source = self._setting(place) if place.setting else self._variable(place, Choice())
            if source and source.what.lower() in TRUE:
                yield Source(SYSTEM, source.place, source.decided_by)
