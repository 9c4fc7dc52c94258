"""Where verification is switched off: by a variable, or in a settings file, for all hosts or for some."""

from __future__ import annotations

import dataclasses
import os
import sys
import typing

from certboot.clients.git import is_off
from certboot.doctor.environment.settings import as_settings, evidence, where
from certboot.doctor.finding import Finding
from certboot.errors import printable, without_credentials

if typing.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from certboot.clients.git import GitSetting
    from certboot.clients.settings import Found, Setting

_GROUP = "environment"
_KIND = "verification-disabled"
_OFF = ("false", "0", "no", "off", "<false>")
# Variable -> who heeds it, and the values that switch off; None: any value that is not empty.
_VARIABLES: dict[str, tuple[str, tuple[str, ...] | None]] = {
    "NODE_TLS_REJECT_UNAUTHORIZED": ("Node.js, npm", ("0",)),
    "CONDA_SSL_VERIFY": ("conda", _OFF),
    "npm_config_strict_ssl": ("npm", _OFF),
}
_HOSTS = {"PIP_TRUSTED_HOST": "pip", "UV_INSECURE_HOST": "uv"}
_ALL = "no certificate is checked"


def check(environ: Mapping[str, str], settings: Found, git: Sequence[GitSetting]) -> list[Finding]:
    """Return a finding for everything that switches verification off. For all hosts it is a failure."""
    return [*_variables(environ), *_settings(settings.settings, as_settings(git))]


def _variables(environ: Mapping[str, str]) -> Iterator[Finding]:
    if environ.get("PYTHONHTTPSVERIFY") == "0":
        summary = "only Python 2.7 heeds it; every later Python checks all the same (PEP 493)"
        yield Finding(_KIND, _GROUP, "info", "PYTHONHTTPSVERIFY", summary, {"variable": "PYTHONHTTPSVERIFY"})
    if "GIT_SSL_NO_VERIFY" in environ:
        value = environ["GIT_SSL_NO_VERIFY"]
        # git asks only whether it is set (http.c), so "0" and "false" switch off as well.
        note = "" if value in ("1", "true") else f", which it is by any value, {printable(value)!r} too"
        yield _variable("GIT_SSL_NO_VERIFY", f"{_ALL} by git while it is set{note}")
    for name, value in environ.items():
        known = _VARIABLES.get(name) or _VARIABLES.get(name.lower())
        if known and known[1] and value.strip().lower() in known[1]:
            yield _variable(name, f"{_ALL} by {known[0]}")
        elif name in _HOSTS and value.strip():
            hosts = [without_credentials(host) for host in value.replace(",", " ").split()]
            yield _some(name, _HOSTS[name], hosts, {"variable": name})


def _variable(name: str, summary: str) -> Finding:
    return Finding(_KIND, _GROUP, "fail", name, summary, {"variable": name})


def _some(subject: str, client: str, hosts: list[str], more: dict[str, object], where: str = "") -> Finding:
    everybody = "*" in hosts
    what = (
        f"{_ALL} by {client}" if everybody else f"{client} checks no certificate of {', '.join(map(printable, hosts))}"
    )
    return Finding(
        _KIND, _GROUP, "fail" if everybody else "warn", subject, what + where, {**more, "hosts": hosts}
    )  # fmt: skip


def _settings(settings: Iterable[Setting], git: Iterable[Setting]) -> Iterator[Finding]:
    for each in _deciding(settings):
        yield from _setting(each)
    for each in {each.name: each for each in git}.values():
        if each.name.endswith("sslVerify") and is_off(each.value):
            yield _of_git(each)


def _deciding(settings: Iterable[Setting]) -> Iterable[Setting]:
    """Return the last of each setting, which counts: of curl's, whatever it is called; of uv's list every entry."""
    last: dict[tuple[str, ...], Setting] = {}
    for each in settings:
        name = "-k" if each.client == "curl" and "insecure" in each.name else each.name
        last[each.client, name, each.value if each.client == "uv" else ""] = each
    return last.values()


def _setting(setting: Setting) -> Iterator[Finding]:
    key = (setting.client, setting.name.rpartition(".")[2])
    value, at = setting.value.strip().lower(), f": {where(setting)}"
    more = evidence(setting)
    off = {
        ("npm", "strict-ssl"): value in _OFF,
        ("conda", "ssl_verify"): value in _OFF,
        ("wget", "checkcertificate"): value in _OFF,
        ("curl", "insecure"): True,
        ("curl", "-k"): True,
    }
    if off.get(key):
        summary = f"{_ALL} by {setting.client}{at}"
        yield Finding(_KIND, _GROUP, "fail", setting.client, summary, more, _remedy(setting))
    elif key in (("pip", "trusted-host"), ("uv", "allow-insecure-host")):
        hosts = [without_credentials(host) for host in setting.value.split()]
        if hosts:
            found = _some(setting.client, setting.client, hosts, more, at)
            yield dataclasses.replace(found, fix=_remedy(setting))


def _remedy(setting: Setting) -> tuple[tuple[str, ...], ...]:
    """Return the command by which the client itself takes a setting out of its file, where it has one for this file."""
    if setting.client == "conda":
        return (("conda", "config", "--file", setting.file, "--remove-key", "ssl_verify"),)
    if setting.client == "npm" and setting.file == os.path.expanduser("~/.npmrc"):
        return (("npm", "config", "delete", "strict-ssl", "--location=user"),)
    if setting.client == "pip":
        config = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
        kinds = {os.path.join(sys.prefix, "pip.conf"): "--site", os.path.join(config, "pip", "pip.conf"): "--user"}
        if setting.file in kinds:
            return ((sys.executable, "-m", "pip", "config", kinds[setting.file], "unset", setting.name),)
    return ()


def _of_git(setting: Setting) -> Finding:
    address = setting.name.removeprefix("http.").removesuffix("sslVerify").rstrip(".")
    shown = printable(without_credentials(address))
    what = f"git checks no certificate of {shown}" if address else f"{_ALL} by git"
    more = {**evidence(setting), "setting": f"http.{shown}.sslVerify" if address else setting.name}
    fix: tuple[tuple[str, ...], ...] = ()
    if setting.file and shown == address:
        fix = (("git", "config", "--file", setting.file, "--unset-all", setting.name),)
    return Finding(_KIND, _GROUP, "warn" if address else "fail", "git", f"{what}: {where(setting)}", more, fix)
