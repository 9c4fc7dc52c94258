"""Where verification is switched off: by a variable, or in a settings file, for all hosts or for some."""

from __future__ import annotations

import dataclasses
import os
import sys
import typing

from certboot.clients.git import is_off
from certboot.clients.settings import of_variable
from certboot.clients.table import HOSTS
from certboot.doctor.environment.settings import evidence, where
from certboot.doctor.finding import Finding
from certboot.errors import printable, without_credentials

if typing.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from certboot.clients.settings import Setting
    from certboot.doctor.finding import Fix, Status

_KIND = "verification-disabled"
_ALL = "no certificate is checked"


def check(environ: Mapping[str, str], settings: Iterable[Setting]) -> list[Finding]:
    """Return a finding for everything that switches verification off. For all hosts it is a failure."""
    return [*_variables(environ), *(finding for setting in _deciding(settings) for finding in _setting(setting))]


def _variables(environ: Mapping[str, str]) -> Iterator[Finding]:
    if environ.get("PYTHONHTTPSVERIFY") == "0":
        summary = "only Python 2.7 heeds it; every later Python checks all the same (PEP 493)"
        yield Finding(_KIND, "environment", "info", "PYTHONHTTPSVERIFY", summary, {"variable": "PYTHONHTTPSVERIFY"})
    if "GIT_SSL_NO_VERIFY" in environ:
        value = environ["GIT_SSL_NO_VERIFY"]
        # git asks only whether it is set (http.c), so "0" and "false" switch off as well.
        note = "" if value in ("1", "true") else f", which it is by any value, {printable(value)!r} too"
        yield _variable("GIT_SSL_NO_VERIFY", f"{_ALL} by git while it is set{note}")
    for name, value in environ.items():
        setting = of_variable(name, value)
        if setting and setting.key and setting.key.is_off(value):
            yield _variable(name, f"{_ALL} by {setting.client}")
        elif setting and setting.key and setting.key.form == HOSTS and value.strip():
            yield _some(name, setting.client, _hosts(value.replace(",", " ")), {"variable": name})


def _hosts(value: str) -> list[str]:
    return [without_credentials(host) for host in value.split()]


def _variable(name: str, summary: str) -> Finding:
    return Finding(_KIND, "environment", "fail", name, summary, {"variable": name, "unset": [name]})


def _some(subject: str, client: str, hosts: list[str], more: dict[str, object], where: str = "") -> Finding:
    status: Status = "fail" if "*" in hosts else "warn"
    checked = f"{client} checks no certificate of {', '.join(map(printable, hosts))}"
    summary = f"{_ALL} by {client}" if "*" in hosts else checked
    return Finding(_KIND, "environment", status, subject, summary + where, {**more, "hosts": hosts})


def _deciding(settings: Iterable[Setting]) -> Iterable[Setting]:
    """Return the last of each setting, which counts: of curl's, whatever it is called; of uv's list every entry."""
    last: dict[tuple[str, ...], Setting] = {}
    for setting in settings:
        name = "-k" if setting.client == "curl" and "insecure" in setting.name else setting.name
        last[setting.client, name, setting.value if setting.client == "uv" else ""] = setting
    return last.values()


def _setting(setting: Setting) -> Iterator[Finding]:
    key, more, at = setting.key, evidence(setting), f": {where(setting)}"
    if setting.client == "git" and setting.name.endswith("sslVerify") and is_off(setting.value):
        yield _of_git(setting)
    elif key and key.is_off(setting.value):
        summary = f"{_ALL} by {setting.client}{at}"
        yield Finding(_KIND, "environment", "fail", setting.client, summary, more, _remedy(setting))
    elif key and key.form == HOSTS:
        hosts = _hosts(setting.value)
        if hosts:
            finding = _some(setting.client, setting.client, hosts, more, at)
            yield dataclasses.replace(finding, fix=_remedy(setting))


def _remedy(setting: Setting) -> Fix:
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
    summary = f"git checks no certificate of {shown}" if address else f"{_ALL} by git"
    more = {**evidence(setting), "setting": f"http.{shown}.sslVerify" if address else setting.name}
    fix: Fix = ()
    if setting.file and shown == address:
        fix = (("git", "config", "--file", setting.file, "--unset-all", setting.name),)
    return Finding(
        _KIND, "environment", "warn" if address else "fail", "git", f"{summary}: {where(setting)}", more, fix
    )
