"""Settings files of clients that name CA certificates: which goes before a variable, and whether it is usable."""

from __future__ import annotations

import os
import re
import typing
from pathlib import Path

from certboot.clients.settings import Setting
from certboot.doctor.environment.variables import lacking, lacking_evidence, told
from certboot.doctor.finding import Finding

if typing.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from certboot.clients.git import GitSetting
    from certboot.clients.settings import Found, Wrong
    from certboot.doctor.environment.trust_files import TrustFiles
    from certboot.store.generations import Generation
    from certboot.store.paths import StorePaths

_GROUP = "environment"
_FILE, _DIRECTORY, _EITHER = "file", "directory", "either"
_TRUE = ("true", "1", "yes", "on")
# The setting takes a path, or one of these words.
_SWITCHES = ("conda", "npm")
_NO_PATH = (*_TRUE, "false", "0", "no", "off", "null", "<true>", "<false>")
# They take ~ for the home folder.
_EXPANDING = ("pip", "npm", "conda", "git")
_REFERENCE = re.compile(r"\$\{(\w+)\}")


class _Place(typing.NamedTuple):
    """How one setting is used."""

    form: str
    before: tuple[str, ...]
    """The variables of ours that it goes before."""


# Client and last part of the name. What is relative is relative to the folder in which the client is started, but for
# cargo's: to the folder above that of its file.
_PLACES = {
    ("pip", "cert"): _Place(_EITHER, ("REQUESTS_CA_BUNDLE",)),
    ("curl", "cacert"): _Place(_FILE, ("SSL_CERT_FILE", "CURL_CA_BUNDLE")),
    ("curl", "capath"): _Place(_DIRECTORY, ("SSL_CERT_DIR",)),
    ("npm", "cafile"): _Place(_FILE, ("NODE_EXTRA_CA_CERTS",)),
    ("conda", "ssl_verify"): _Place(_EITHER, ("REQUESTS_CA_BUNDLE",)),
    ("cargo", "cainfo"): _Place(_FILE, ("SSL_CERT_FILE",)),
    ("AWS", "ca-bundle"): _Place(_FILE, ("REQUESTS_CA_BUNDLE",)),
    ("git", "sslCAInfo"): _Place(_FILE, ()),
    ("git", "sslCAPath"): _Place(_DIRECTORY, ()),
}
# The variable that goes before a setting.
_OUTRANKED = {
    ("git", "sslCAInfo"): "GIT_SSL_CAINFO",
    ("git", "sslCAPath"): "GIT_SSL_CAPATH",
    ("cargo", "cainfo"): "CARGO_HTTP_CAINFO",
    ("AWS", "ca-bundle"): "AWS_CA_BUNDLE",
}
_FROM_VARIABLES = {
    "npm_config_cafile": ("npm", "cafile"),
    "CONDA_SSL_VERIFY": ("conda", "ssl_verify"),
    "UV_SYSTEM_CERTS": ("uv", "system-certs"),
    "UV_NATIVE_TLS": ("uv", "native-tls"),
}
# Without them the program ends, or refuses to start; the others say so and go on.
_STRICT = ("pip", "uv", "wget", "cargo", "AWS", "conda")


def check(
    paths: StorePaths,
    environ: Mapping[str, str],
    found: tuple[Found, Sequence[GitSetting]],
    generation: Generation | None,
    files: TrustFiles,
) -> list[Finding]:
    """Return a finding for every setting that names certificates, and for every file that its client cannot read."""
    settings, git = found
    look = _Look(paths, environ, generation, files)
    findings = [finding for each in _deciding(settings.settings, git, environ) for finding in look.at(each)]
    return [*findings, *map(_wrong, settings.wrong)]


def where(setting: Setting) -> str:
    """Return the file and line of a setting, or the variable that it comes from, for people."""
    if not setting.file:
        return "a variable"
    return f"{setting.file}:{setting.line}" if setting.line else setting.file


def evidence(setting: Setting) -> dict[str, object]:
    """Return the same for programs."""
    return {"client": setting.client, "setting": setting.name, "file": setting.file, "line": setting.line}


def as_settings(git: Iterable[GitSetting]) -> tuple[Setting, ...]:
    """Return git's settings in the form of the others."""
    return tuple(Setting("git", each.name, each.value, each.file, each.line) for each in git)


class _Look:
    def __init__(
        self, paths: StorePaths, environ: Mapping[str, str], generation: Generation | None, files: TrustFiles
    ) -> None:
        self._paths = paths
        self._environ = environ
        self._anchors = generation.anchors if generation else ()
        self._files = files

    def at(self, setting: Setting) -> Iterator[Finding]:
        """Yield what there is to say of one setting."""
        key = _key(setting)
        value = setting.value.strip()
        if key in (("npm", "ca"), ("npm", "ca[]")):
            if value not in ("", "null"):
                summary = f"certificates of its own in {where(setting)}, and nothing else: not the store's"
                yield self._finding("setting-overrides-certboot", "warn", setting, summary)
        elif (setting.client == "uv" and value in _TRUE) or (setting.client == "conda" and value == "truststore"):
            yield self._system(setting)
        elif key in _PLACES and value and not (setting.client in _SWITCHES and value.lower() in _NO_PATH):
            yield self._named(setting, key, self._path(setting, value))

    def _path(self, setting: Setting, value: str) -> str:
        """Return the path as the client sees it."""
        if setting.client == "npm":
            value = _REFERENCE.sub(lambda match: self._environ.get(match[1], match[0]), value)
        if setting.client == "cargo":
            return str(Path(setting.file).parents[1] / value)
        return os.path.expanduser(value) if setting.client in _EXPANDING else value

    def _named(self, setting: Setting, key: tuple[str, str], value: str) -> Finding:
        place, outranking = _PLACES[key], _OUTRANKED.get(key, "")
        more: dict[str, object] = {"value": value}
        if outranking and outranking in self._environ:
            return self._without_effect(setting, outranking, more)
        directory = place.form == _DIRECTORY or (place.form == _EITHER and os.path.isdir(value))
        contents = self._files.directories(value) if directory else self._files.file(value)
        if contents.problem:
            kind = f"setting-{contents.problem}"
            summary = f"{setting.name} in {where(setting)}: {contents.words}"
            status = "warn" if contents.fingerprints else "fail"
            return self._finding(kind, status, setting, summary, more)
        if self._paths.holds(value):
            return self._finding("setting-names-store", "ok", setting, f"{where(setting)} names certboot's store", more)
        missing = lacking(self._anchors, contents)
        before = ", ".join(place.before) or "what certboot sets"
        summary = f"{setting.name} in {where(setting)} goes before {before}: {contents.words}"
        if self._anchors:
            summary += f"; {told(missing, self._anchors)}"
            more |= lacking_evidence(missing, self._anchors)
        status = "warn" if missing else "info"
        if missing and setting.client == "pip" and self._paths.holds(self._environ.get("SSL_CERT_FILE", "")):
            status, summary = "info", f"{summary}; pip from 24.2 on trusts what SSL_CERT_FILE names as well"
        return self._finding("setting-overrides-certboot", status, setting, summary, more)

    def _without_effect(self, setting: Setting, variable: str, more: dict[str, object]) -> Finding:
        more["variable"] = variable
        summary = f"{setting.name} in {where(setting)} has no effect, because {variable} is set"
        if setting.client == "git" and self._paths.holds(self._environ[variable]):
            summary += "; certboot leaves that out once it knows of your setting"
            fix = (("certboot", "init"),)
            return self._finding("setting-without-effect", "warn", setting, summary, more, fix)
        return self._finding("setting-without-effect", "info", setting, summary, more)

    def _system(self, setting: Setting) -> Finding:
        named = f"{setting.name} in {where(setting)}" if setting.file else setting.name
        variables = [name for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if self._environ.get(name)]
        if setting.client == "uv" and variables:
            more: dict[str, object] = {"variable": variables[0]}
            summary = f"{named} has no effect, because {variables[0]} is set"
            return self._finding("setting-without-effect", "info", setting, summary, more)
        summary = f"{named} chooses the system's certificates, not certboot's store"
        return self._finding("setting-chooses-system", "info", setting, summary)

    @staticmethod
    def _finding(
        kind: str,
        status: str,
        setting: Setting,
        summary: str,
        more: dict[str, object] | None = None,
        fix: tuple[tuple[str, ...], ...] = (),
    ) -> Finding:
        return Finding(kind, _GROUP, status, setting.client, summary, evidence(setting) | (more or {}), fix)


def _deciding(
    settings: Iterable[Setting], git: Iterable[GitSetting], environ: Mapping[str, str]
) -> tuple[Setting, ...]:
    """Return of each setting the one that counts most."""
    profile = environ.get("AWS_PROFILE") or environ.get("AWS_DEFAULT_PROFILE") or "default"
    sections = {f"profile {profile}.ca-bundle", f"{profile}.ca-bundle" if profile == "default" else ""}
    names = {name.lower(): key for name, key in _FROM_VARIABLES.items()}
    variables = (
        Setting(*names[name.lower()], value, "", 0)
        for name, value in environ.items()
        if name in _FROM_VARIABLES or (name.lower() in names and name.lower().startswith("npm_config_"))
    )
    every = (*settings, *variables, *as_settings(git))
    return tuple(
        {(each.client, each.name): each for each in every if each.client != "AWS" or each.name in sections}.values()
    )


def _key(setting: Setting) -> tuple[str, str]:
    return setting.client, setting.name.rpartition(".")[2]


def _wrong(wrong: Wrong) -> Finding:
    at = f"{wrong.file}:{wrong.line}" if wrong.line else wrong.file
    kind = "settings-file-broken" if wrong.broken else "settings-file-unread"
    status = "fail" if wrong.broken and wrong.client in _STRICT else "warn"
    more: dict[str, object] = {"client": wrong.client, "file": wrong.file, "line": wrong.line, "reason": wrong.reason}
    summary = f"{wrong.reason}: {at}" if wrong.broken else f"not looked at, {wrong.reason}: {at}"
    return Finding(kind, _GROUP, status, wrong.client, summary, more)
