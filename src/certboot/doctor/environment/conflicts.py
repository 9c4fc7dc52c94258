"""Other packages that change which certificates Python trusts, installed here or at work in this process."""

from __future__ import annotations

import base64
import csv
import hashlib
import os
import ssl
import sys
import typing
from pathlib import Path

from certboot import files
from certboot.clients.installed import installed_versions
from certboot.doctor.environment.trust_files import fingerprints
from certboot.doctor.finding import Finding
from certboot.hook.inventory import installed_files

if typing.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_CACERT = Path("certifi", "cacert.pem")
_GUARD = "certboot_startup.guards"


_OF_WINDOWS = ("conflict-certifi-win32", "it redirects certifi.where() to a copy of Windows' certificates")
# The distributions that redirect certificates: the id of a finding, and what they do.
_RIVALS = {
    "pip_system_certs": (
        "conflict-pip-system-certs",
        "it gives every program of this Python the system's certificates, at every start, by truststore",
    ),
    "python_certifi_win32": _OF_WINDOWS,
    "certifi_win32": _OF_WINDOWS,
    "certifi_linux": ("certifi-replaced", "it redirects certifi.where() to the system's file"),
    "certifi_system_store": ("certifi-replaced", "it takes the place of certifi by a link to the system's file"),
}


def check(path: Sequence[str] | None = None) -> list[Finding]:
    """Return what is installed in the folders of ``path``, by default this interpreter's, or at work here."""
    path = sys.path if path is None else path
    versions = installed_versions(path)
    return [*_installed(versions), *_injected(versions), *_certifi(path, versions)]


def _installed(versions: Mapping[str, str]) -> Iterator[Finding]:
    for name, (kind, effect) in _RIVALS.items():
        if name in versions:
            shown = name.replace("_", "-")
            more: dict[str, object] = {"distribution": shown, "version": versions[name]}
            fix = ((sys.executable, "-m", "pip", "uninstall", "--yes", shown),)
            summary = f"{shown} {versions[name]} is installed: {effect}"
            yield Finding(kind, "environment", "warn", shown, summary, more, fix)


def _injected(versions: Mapping[str, str]) -> Iterator[Finding]:
    module = ssl.SSLContext.__module__
    if module != "ssl" and "truststore" in module:
        by = "pip-system-certs, most likely" if "pip_system_certs" in versions else "some start-up hook"
        summary = f"ssl.SSLContext is {module}'s in this process, put there by {by}: it asks the system as well"
        more: dict[str, object] = {"module": module, "python": sys.executable}
        yield Finding("conflict-truststore", "environment", "warn", "truststore", summary, more)


def _certifi(path: Sequence[str], versions: Mapping[str, str]) -> Iterator[Finding]:
    where = getattr(sys.modules.get("certifi.core"), "where", None)
    module = getattr(where, "__module__", "certifi.core")
    if where and module not in ("certifi.core", _GUARD) and not hasattr(where, "certboot_guard"):
        summary = f"certifi.where() is {module}'s in this process"
        yield Finding("certifi-replaced", "environment", "warn", "certifi", summary, {"module": module})
    folder = next((place for place in map(Path, path) if os.path.isfile(place / "certifi" / "__init__.py")), None)
    if folder is None:
        return
    file = folder / _CACERT
    if os.path.islink(file) or not os.path.isfile(file):
        leads = f"a link to {os.path.realpath(file)}" if os.path.islink(file) else "not there"
        summary = f"its file of certificates is {leads}, as some distributors have it: {file}"
        yield Finding("certifi-replaced", "environment", "info", "certifi", summary, {"file": str(file)})
        return
    published = _published(folder, versions.get("certifi", ""))
    data = _read(file)
    if published and data is not None and _digest(data) != published:
        more: dict[str, object] = {"file": str(file), "certificates": len(fingerprints([data]))}
        summary = f"its file was changed after it was installed, and the next upgrade undoes that: {file}"
        yield Finding("certifi-altered", "environment", "warn", "certifi", summary, more)


def _published(folder: Path, version: str) -> str:
    """Return the digest that the installer recorded for certifi's file, or "" where there is none."""
    try:
        return installed_files(folder / f"certifi-{version}.dist-info").get(_CACERT.as_posix(), "")
    except (OSError, ValueError, csv.Error):
        return ""


def _read(path: Path) -> bytes | None:
    try:
        return files.read_regular(path, files.LARGE)
    except OSError:
        return None


def _digest(data: bytes) -> str:
    coded = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=")
    return f"sha256={coded.decode('ascii')}"
