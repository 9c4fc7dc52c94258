"""What settings files say about CA certificates, by the names that the table of clients has for them."""

from __future__ import annotations

import os
import re
import typing
from pathlib import Path

from certboot.clients.git import git_settings
from certboot.clients.settings import find_settings
from certboot.clients.settings_places import Surroundings
from certboot.clients.trust import OwnSetting

if typing.TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

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
