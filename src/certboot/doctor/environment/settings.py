"""Settings files of clients that name CA certificates: which goes before a variable, and whether it is usable."""

from __future__ import annotations

import itertools
import os
import typing

from certboot.clients.settings import Setting, as_path, of_profile, of_variable
from certboot.clients.table import CERTIFICATES, EITHER, OWNERS, TRUE, places
from certboot.clients.variables import BY_NAME, DIRECTORY
from certboot.doctor import owners
from certboot.doctor.environment.coverage import lacking, lacking_evidence, signs, signs_told, told
from certboot.doctor.finding import INIT, Finding

if typing.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from certboot.clients.settings import Contents, Wrong
    from certboot.clients.table import Key
    from certboot.doctor.environment.trust_files import Here
    from certboot.doctor.finding import Fix, Status

# What a setting that takes a path or a word may say.
_NO_PATH = (*TRUE, "false", "0", "no", "off", "null", "<true>", "<false>")


def check(here: Here, named: Contents) -> list[Finding]:
    """Return a finding for every setting that names certificates, and for every file that its client cannot read."""
    look = _Look(here)
    settings = _deciding(named.settings, here.around.environ)
    return [*(finding for setting in settings for finding in look.at(setting)), *map(_wrong, named.wrong)]


def where(setting: Setting) -> str:
    """Return the file and line of a setting, or the variable that it comes from, for people."""
    if not setting.file:
        return "a variable"
    return f"{setting.file}:{setting.line}" if setting.line else setting.file


def evidence(setting: Setting) -> dict[str, object]:
    """Return the same for programs."""
    return {"client": setting.client, "setting": setting.name, "file": setting.file, "line": setting.line}


class _Look:
    def __init__(self, here: Here) -> None:
        self._here = here
        self._environ = here.around.environ
        self._anchors = here.anchors

    def at(self, setting: Setting) -> Iterator[Finding]:
        """Yield what there is to say of one setting."""
        key, value = setting.key, setting.value.strip()
        if key is None:
            return
        is_word = OWNERS[setting.client].files.words and value.lower() in _NO_PATH
        if key.form == CERTIFICATES:
            if value not in ("", "null"):
                summary = f"certificates of its own in {where(setting)}, and nothing else: not the store's"
                yield self._finding("setting-overrides-certboot", "warn", setting, summary)
        elif value in key.system:
            yield self._system(setting)
        elif key.before is not None and value and not is_word:
            yield self._named(setting, key, as_path(setting._replace(value=value), self._environ))

    def _named(self, setting: Setting, key: Key, value: str) -> Finding:
        outranking = self._outranking(setting, key)
        if outranking:
            return self._without_effect(setting, outranking, value)
        directory = key.form == DIRECTORY or (key.form == EITHER and os.path.isdir(value))
        contents = self._here.contents(value, directory=directory)
        made = signs(self._here, value, contents)
        made_by = owners.evidence(made)
        if contents.problem:
            kind = f"setting-{contents.problem}"
            summary = f"{setting.name} in {where(setting)}: {contents.words}{signs_told(made, noted=True)}"
            unusable: Status = "warn" if contents.fingerprints else "fail"
            return self._finding(kind, unusable, setting, summary, value=value, **made_by)
        if self._here.paths.holds(value):
            summary = f"{where(setting)} names certboot's store"
            return self._finding("setting-names-store", "ok", setting, summary, value=value)
        missing = lacking(self._anchors, contents)
        before = ", ".join(key.before or ()) or "what certboot sets"
        summary = f"{setting.name} in {where(setting)} goes before {before}: {contents.words}"
        more = lacking_evidence(missing, self._anchors) if self._anchors else {}
        if self._anchors:
            summary += f"; {told(missing, self._anchors)}"
        status: Status = "warn" if missing else "info"
        if missing and setting.client == "pip" and self._here.holds("SSL_CERT_FILE"):
            status, summary = "info", f"{summary}; pip from 24.2 on trusts what SSL_CERT_FILE names as well"
        summary += signs_told(made, noted=status == "warn")
        return self._finding("setting-overrides-certboot", status, setting, summary, value=value, **more, **made_by)

    def _outranking(self, setting: Setting, key: Key) -> str:
        """Return the variable of certboot's that is set and goes next before the setting, or ""."""
        client = OWNERS[setting.client]
        earlier = itertools.takewhile(lambda place: place != key, places(client))
        variable = next((place.name for place in reversed([*earlier]) if place.name in BY_NAME), "")
        value = self._environ.get(variable)
        return "" if value is None or (not value and client.manner.empty_is_unset) else variable

    def _without_effect(self, setting: Setting, variable: str, value: str) -> Finding:
        status: Status = "info"
        fix: Fix = ()
        summary = f"{setting.name} in {where(setting)} has no effect, because {variable} is set"
        if setting.client == "git" and self._here.holds(variable):
            summary += "; certboot leaves that out once it knows of your setting"
            status, fix = "warn", INIT
        return self._finding("setting-without-effect", status, setting, summary, fix, value=value, variable=variable)

    def _system(self, setting: Setting) -> Finding:
        named = f"{setting.name} in {where(setting)}" if setting.file else setting.name
        names = (place.name for place in places(OWNERS[setting.client]) if not place.setting)
        variable = next((name for name in names if self._environ.get(name)), "")
        if variable:
            summary = f"{named} has no effect, because {variable} is set"
            return self._finding("setting-without-effect", "info", setting, summary, variable=variable)
        summary = f"{named} chooses the system's certificates, not certboot's store"
        return self._finding("setting-chooses-system", "info", setting, summary)

    @staticmethod
    def _finding(
        kind: str, status: Status, setting: Setting, summary: str, fix: Fix = (), /, **more: object
    ) -> Finding:
        return Finding(kind, "environment", status, setting.client, summary, evidence(setting) | more, fix)


def _deciding(settings: Iterable[Setting], environ: Mapping[str, str]) -> tuple[Setting, ...]:
    """Return of each setting the one that counts most."""
    variables = filter(None, (of_variable(name, value) for name, value in environ.items()))
    every = of_profile((*settings, *variables), environ)
    return tuple({(setting.client, setting.name): setting for setting in every}.values())


def _wrong(wrong: Wrong) -> Finding:
    at = f"{wrong.file}:{wrong.line}" if wrong.line else wrong.file
    kind = "settings-file-broken" if wrong.broken else "settings-file-unread"
    status: Status = "fail" if wrong.broken and OWNERS[wrong.client].files.strict else "warn"
    more: dict[str, object] = {"client": wrong.client, "file": wrong.file, "line": wrong.line, "reason": wrong.reason}
    summary = f"{wrong.reason}: {at}" if wrong.broken else f"not looked at, {wrong.reason}: {at}"
    return Finding(kind, "environment", status, wrong.client, summary, more)
